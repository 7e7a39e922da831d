//! The parts of an XLSX workbook: which there are, where its sheets are, and whether all that will be
//! read keeps within bounds. Parts are found as calamine finds them, which reads the cells.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    ops::Range,
    sync::Arc,
};

use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
};
use zip::{
    CompressionMethod, ZipArchive, ZipWriter,
    read::ZipFile,
    write::{FileOptionExtension, FileOptions, SimpleFileOptions},
};

use super::{
    bounds::{MAX_PART, MAX_STRINGS, MAX_WORKBOOK, Xml},
    trouble::Trouble,
};
use crate::source::{Source, cannot_spool, spool_file};

/// Strings that cells share: eight different ones in each row that there can be.
const MAX_SHARED_STRINGS: u64 = 8 << 20;
/// Bytes of a shared string, or of a cell: Excel allows 32,767 characters.
pub(super) const MAX_TEXT: usize = 256 << 10;
/// Tags and texts of a part that is neither sheet nor strings.
const MAX_EVENTS: u64 = 2 << 20;

/// The parts of a workbook.
pub(super) struct Package<R> {
    zip: ZipArchive<R>,
    /// The names in the archive, by those that are asked for.
    names: HashMap<String, String>,
    /// Bytes that were inflated so far.
    inflated: u64,
    /// Numbers of the styles of cells whose text is struck through.
    pub(super) struck: HashSet<u32>,
}

/// The XML of a part.
pub(super) type PackagePart<'a, R> = Xml<BufReader<ZipFile<'a, R>>>;

impl<R: Read + Seek> Package<R> {
    pub(super) fn open(bytes: R) -> Result<Self, Trouble> {
        let zip = ZipArchive::new(bytes)?;
        let mut names = HashMap::new();
        for name in zip.file_names() {
            let name = name?;
            names.insert(name.replace('\\', "/").to_ascii_lowercase(), name.into());
        }
        Ok(Self {
            zip,
            names,
            inflated: 0,
            struck: HashSet::new(),
        })
    }

    /// Reads a part of at most so many bytes; `None` if there is none of that name.
    pub(super) fn read<T>(
        &mut self,
        path: &str,
        most: u64,
        read: impl FnOnce(&mut PackagePart<'_, R>) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        let Some(name) = self.names.get(&path.to_ascii_lowercase()) else {
            return Ok(None);
        };
        let left = MAX_WORKBOOK.saturating_sub(self.inflated);
        let mut part = Xml::new(self.zip.by_name(name)?, most.min(left));
        let made = read(&mut part)?;
        self.inflated += part.bytes();
        Ok(Some(made))
    }

    /// The paths of the sheets, in the order of the workbook; everything but the sheets is looked at.
    pub(super) fn sheets(&mut self) -> Result<Vec<String>, Trouble> {
        let workbook = self
            .read("_rels/.rels", MAX_PART, workbook_path)?
            .flatten()
            .ok_or(Trouble::Unreadable)?;
        let (folder, name) = match workbook.rfind('/') {
            Some(at) => workbook.split_at(at + 1),
            None => ("", &*workbook),
        };
        let relations = format!("{folder}_rels/{name}.rels");
        let targets = self
            .read(&relations, MAX_PART, targets)?
            .ok_or(Trouble::Unreadable)?;
        let sheets = self
            .read(&workbook, MAX_PART, sheet_ids)?
            .ok_or(Trouble::Unreadable)?;
        let styles = self.read(&format!("{folder}styles.xml"), MAX_PART, struck_styles)?;
        self.struck = styles.unwrap_or_default();
        self.read(&format!("{folder}theme/theme1.xml"), MAX_PART, |part| {
            each_event(part, |_| Ok(()))
        })?;
        let strings = format!("{folder}sharedStrings.xml");
        self.read(&strings, MAX_STRINGS, shared_strings)?;
        sheets
            .iter()
            .map(|id| {
                let target = targets.get(id).ok_or(Trouble::Unreadable)?;
                Ok(target
                    .strip_prefix('/')
                    .map_or_else(|| format!("{folder}{target}"), str::to_owned))
            })
            .collect()
    }

    /// A copy of the workbook with blanks in places of some of its parts.
    pub(super) fn with_blanks(
        mut self,
        source: &Source,
        places: &HashMap<String, Range<u64>>,
    ) -> Result<Source, Trouble> {
        let blanks: HashMap<&String, &Range<u64>> = places
            .iter()
            .filter_map(|(path, place)| Some((self.names.get(&path.to_ascii_lowercase())?, place)))
            .collect();
        let mut copy = ZipWriter::new(spool_file()?);
        let stored = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true);
        for at in 0..self.zip.len() {
            let raw = self.zip.by_index_raw(at)?;
            let name = raw.name()?.into_owned();
            match blanks.get(&name) {
                None => copy.raw_copy_file(raw)?,
                Some(place) => {
                    drop(raw);
                    start(&mut copy, name, stored)?;
                    copy_with_blanks(self.zip.by_index(at)?, place, &mut copy)?;
                }
            }
        }
        Ok(source.replaced_by(Arc::new(copy.finish()?)))
    }
}

fn start<T: FileOptionExtension>(
    copy: &mut ZipWriter<File>,
    name: String,
    options: FileOptions<'_, '_, T>,
) -> Result<(), Trouble> {
    Ok(copy.start_file(name, options)?)
}

fn copy_with_blanks(
    mut part: impl Read,
    place: &Range<u64>,
    copy: &mut impl Write,
) -> Result<(), Trouble> {
    let cannot_copy = |error| Trouble::Other(cannot_spool(error));
    io::copy(&mut part.by_ref().take(place.start), copy).map_err(cannot_copy)?;
    let mut tag = Vec::new();
    part.by_ref()
        .take(place.end - place.start)
        .read_to_end(&mut tag)
        .map_err(|_| Trouble::Unreadable)?;
    // In UTF-16, or after a byte-order mark, the tag may be elsewhere.
    if !tag.starts_with(b"<") || !tag.ends_with(b">") {
        return Err(Trouble::Unreadable);
    }
    tag.fill(b' ');
    copy.write_all(&tag).map_err(cannot_copy)?;
    io::copy(&mut part, copy).map_err(cannot_copy)?;
    Ok(())
}

/// An attribute by its name without a prefix; absent if it cannot be read.
pub(super) fn attribute<'a>(
    tag: &'a BytesStart<'_>,
    name: &str,
) -> Option<std::borrow::Cow<'a, str>> {
    tag.attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .and_then(|attribute| attribute.normalized_value(XmlVersion::default()).ok())
}

/// Sees each event of a part that holds little.
fn each_event<R: Read>(
    part: &mut PackagePart<'_, R>,
    mut see: impl FnMut(&BytesStart<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    for _ in 0..MAX_EVENTS {
        match part.next()? {
            Event::Start(tag) | Event::Empty(tag) => see(&tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
    Err(Trouble::TooLarge("a part of the workbook"))
}

fn workbook_path<R: Read>(part: &mut PackagePart<'_, R>) -> Result<Option<String>, Trouble> {
    let mut path = None;
    each_event(part, |tag| {
        let is_workbook = |kind: &str| kind.ends_with("/relationships/officeDocument");
        if tag.local_name().as_ref() == "Relationship"
            && attribute(tag, "Type").is_some_and(|kind| is_workbook(&kind))
        {
            let target = attribute(tag, "Target");
            path = target.map(|target| target.strip_prefix('/').unwrap_or(&target).to_owned());
        }
        Ok(())
    })?;
    Ok(path)
}

fn targets<R: Read>(part: &mut PackagePart<'_, R>) -> Result<HashMap<String, String>, Trouble> {
    let mut targets = HashMap::new();
    each_event(part, |tag| {
        if tag.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Target"))
        {
            targets.insert(id.into_owned(), target.into_owned());
        }
        Ok(())
    })?;
    Ok(targets)
}

/// The targets of the relations whose kinds end so.
pub(super) fn targets_of<R: Read>(
    part: &mut PackagePart<'_, R>,
    kinds: &[&str],
) -> Result<Vec<String>, Trouble> {
    let mut targets = Vec::new();
    each_event(part, |tag| {
        let is_wanted = attribute(tag, "Type")
            .is_some_and(|kind| kinds.iter().any(|wanted| kind.ends_with(wanted)));
        if tag.local_name().as_ref() == "Relationship" && is_wanted {
            targets.extend(attribute(tag, "Target").map(std::borrow::Cow::into_owned));
        }
        Ok(())
    })?;
    Ok(targets)
}

/// The styles of cells, by their numbers, whose font is struck through.
fn struck_styles<R: Read>(part: &mut PackagePart<'_, R>) -> Result<HashSet<u32>, Trouble> {
    let mut list = String::new();
    let (mut fonts, mut styles) = (0_u32, 0_u32);
    let (mut struck_fonts, mut struck) = (HashSet::new(), HashSet::new());
    each_event(part, |tag| {
        match tag.local_name().as_ref() {
            name @ ("fonts" | "fills" | "borders" | "cellStyleXfs" | "cellXfs" | "cellStyles"
            | "dxfs") => name.clone_into(&mut list),
            "font" if list == "fonts" => fonts += 1,
            "strike" if list == "fonts" => {
                let is_off = attribute(tag, "val")
                    .is_some_and(|value| matches!(value.trim(), "0" | "false" | "off"));
                if !is_off {
                    struck_fonts.insert(fonts.saturating_sub(1));
                }
            }
            "xf" if list == "cellXfs" => {
                let font = attribute(tag, "fontId").and_then(|font| font.parse().ok());
                if font.is_some_and(|font: u32| struck_fonts.contains(&font)) {
                    struck.insert(styles);
                }
                styles += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(struck)
}

fn sheet_ids<R: Read>(part: &mut PackagePart<'_, R>) -> Result<Vec<String>, Trouble> {
    let mut ids = Vec::new();
    each_event(part, |tag| {
        if tag.local_name().as_ref() == "sheet" {
            ids.push(attribute(tag, "id").unwrap_or_default().into_owned());
        }
        Ok(())
    })?;
    Ok(ids)
}

fn shared_strings<R: Read>(part: &mut PackagePart<'_, R>) -> Result<(), Trouble> {
    let too_large = Trouble::TooLarge("the list of texts");
    let (mut strings, mut length) = (0_u64, 0);
    loop {
        match part.next()? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "si" => {
                    strings += 1;
                    length = 0;
                }
                // So much memory is asked for at once.
                "sst" if claims_more(&tag) => return Err(too_large),
                _ => {}
            },
            Event::Text(text) => length += text.len(),
            Event::CData(text) => length += text.len(),
            Event::GeneralRef(_) => length += 1,
            Event::Eof => return Ok(()),
            _ => {}
        }
        if length > MAX_TEXT || strings > MAX_SHARED_STRINGS {
            return Err(too_large);
        }
    }
}

fn claims_more(tag: &BytesStart<'_>) -> bool {
    attribute(tag, "uniqueCount")
        .and_then(|count| count.parse().ok())
        .is_some_and(|count: u64| count > MAX_SHARED_STRINGS)
}

/// Row and column from 0 of a place such as `B7`.
pub(super) fn place_of(text: &str) -> Option<(u32, u32)> {
    let digits = text.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (letters, row) = text.split_at(digits);
    if letters.is_empty() || letters.len() > 3 || !row.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let column = letters.bytes().fold(0, |column, letter| {
        column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    let row: u32 = row.parse().ok()?;
    Some((row.checked_sub(1)?, column - 1))
}
