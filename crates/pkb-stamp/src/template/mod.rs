//! A template page: what all letters share, where the values of one go, and which values can go there.
//!
//! A template is read from several PDFs ("probes") of the same page with different placeholder values. What is the same
//! in all of them is shared. What differs must be a slot: words that the placeholder is part of, or a picture. From the
//! probes is learned what cannot be seen in one PDF: where a line is held (at its start, middle or end), which features
//! its font has on, which words stand behind a value and move with it, how wide a value may be without anything else
//! moving, and which characters a value may have. Each line of each probe is set again by the stamp's own shaper and must
//! come out the same, glyph by glyph. Where anything is not understood, the page cannot be stamped, and the reason says why.
//!
//! A PDF that was read with no slots at all can be stamped, too: as it is. So a letter of the typesetter's can stand among
//! stamped ones.
//!
//! * `trial`: whether Arabic values come out as they should.
//! * `content`: a page's content as marked-content sequences.
//! * `font_reader`, `page_resources`, `objects`: what the names in it stand for.
//! * `structure`: tags and bookmark.
//! * `field`: the places of values.

mod content;
pub(crate) mod field;
mod font_reader;
pub(crate) mod objects;
mod page_resources;
mod shared;
mod structure;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Dict, Stream, String as PdfString};
use thiserror::Error;

use crate::Bitmap;
use crate::deflate::deflated;
use crate::fonts::Fonts;
use crate::fonts::common::CommonParts;
use crate::glyphs::Glyphs;
use crate::lexer::{Token, lexemes};
use crate::shaper::Shaper;
use content::{Kind, PageContent};
use field::{Alphabet, Field, TextField, Word, Words, words_of};
use objects::{Piece, RawObject, object, pieces, reachable};
use page_resources::PageResources;
use shared::{SharedContent, first_line};
use structure::{RawPart, Structure, only};

/// Why a page cannot be stamped, in words that follow "because".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unstampable(String);

impl Unstampable {
    /// A reason, in words that follow "because".
    #[must_use]
    pub fn because(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// A PDF of the template with placeholder values.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// The PDF, as Typst's export writes it.
    pub pdf: Vec<u8>,
    /// The words in it that are values, by the names of their slots.
    pub texts: BTreeMap<String, String>,
    /// The pictures in it that are values.
    pub pictures: BTreeMap<String, Bitmap>,
}

/// A part of an object that each letter has of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    Element(u32),
    Page(u32),
    Parent,
    Words(Words),
}

/// A part of an object that all letters share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SharedPart {
    Bytes(Vec<u8>),
    /// One of the template's shared objects.
    Object(u32),
    /// A font in which values are set.
    Font(usize),
}

/// A page of the template.
#[derive(Debug)]
pub(crate) struct PageTemplate {
    /// `/MediaBox[…]` and its like.
    pub boxes: Vec<u8>,
    pub resources: Vec<SharedPart>,
    /// What all letters have on it, deflated.
    pub content: Vec<u8>,
    /// What that is set in.
    pub glyphs: Glyphs,
    /// For each marked-content sequence its element.
    pub parents: Option<Vec<Option<u32>>>,
    pub fields: Vec<Field>,
    /// Places of the sequences that are fields.
    taken: BTreeSet<usize>,
}

impl PageTemplate {
    /// The line that the letter's own content begins with: what it is set with is set by the shared content.
    pub(crate) fn first_line(&self) -> Option<&TextField> {
        first_line(&self.fields)
    }
}

/// What is said of the document as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DocumentParts {
    /// The document information dictionary.
    pub info: Vec<u8>,
    /// The XMP packet.
    pub metadata: Vec<u8>,
    /// `/MarkInfo` and `/ViewerPreferences` of the catalog.
    pub catalog: Vec<u8>,
    /// Language tag.
    pub language: String,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A template that can be stamped. It is made once and used by all threads.
#[derive(Debug)]
pub struct Template {
    /// No other template of this process has it.
    pub(crate) id: u64,
    pub(crate) pages: Vec<PageTemplate>,
    pub(crate) elements: Vec<Vec<Part>>,
    pub(crate) roots: Vec<u32>,
    pub(crate) bookmark: Option<(Words, Vec<Part>)>,
    pub(crate) roles: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) objects: Vec<(Vec<SharedPart>, Option<Vec<u8>>)>,
    pub(crate) document: DocumentParts,
    /// Parts of its fonts that most letters can do with.
    pub(crate) parts: CommonParts,
    alphabets: BTreeMap<String, Alphabet>,
}

impl Template {
    /// Reads a template from probes; the first is the one whose shared parts are used. `late` are the slots whose values
    /// are not known when a letter is fitted, but when it is written. `like` is a template whose values may consist of
    /// the same characters: what its probes have shown need not be shown again.
    ///
    /// # Errors
    /// Why it cannot be stamped.
    pub fn read(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        like: Option<&Self>,
    ) -> Result<Arc<Self>, Unstampable> {
        let template = Self::of(probes, late, fonts, &BTreeSet::new())?;
        Ok(Arc::new(template.with_alphabets_of(like)))
    }

    /// As [`Self::read`], and values may have Arabic words, of letters that trials have shown ([`Self::try_arabic`]).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_for_arabic(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        like: Option<&Self>,
    ) -> Result<Self, Unstampable> {
        let arabic = fonts.faces().iter().enumerate();
        let arabic = arabic.filter_map(|(at, face)| face.is_arabic.then_some(at));
        let template = Self::of(probes, late, fonts, &arabic.collect())?;
        Ok(template.with_alphabets_of(like))
    }

    /// Takes in the characters of a trial: a probe with Arabic words as values, which this template must make just as it is.
    /// `base` is the first probe that the template was read from.
    ///
    /// # Errors
    /// It comes out differently, and values may have what they could have before.
    pub fn try_arabic(
        &mut self,
        base: &ReadProbe,
        trial: &ReadProbe,
        fonts: &Fonts,
    ) -> Result<(), Unstampable> {
        let before = self.alphabets.clone();
        for (slot, alphabet) in &mut self.alphabets {
            if let Some(value) = trial.texts.get(slot) {
                alphabet.add(value);
            }
        }
        let passed = trial::passes(self, base, trial, &mut Shaper::new(fonts));
        if passed.is_err() {
            self.alphabets = before;
        }
        passed
    }

    fn with_alphabets_of(mut self, like: Option<&Self>) -> Self {
        for (slot, alphabet) in &mut self.alphabets {
            if let Some(known) = like.and_then(|like| like.alphabet_like(slot)) {
                alphabet.add_all(&known);
            }
        }
        self
    }

    /// Reads a PDF of one letter that is to be stamped as it is.
    ///
    /// # Errors
    /// It has something that is not copied, such as a link.
    pub fn fixed(pdf: Vec<u8>, fonts: &Fonts) -> Result<Arc<Self>, Unstampable> {
        let probe = ReadProbe::of(Probe {
            pdf,
            ..Probe::default()
        })?;
        Self::read(&[&probe], &[], fonts, None)
    }

    /// How many pages a letter has.
    #[must_use]
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// What the values of a slot may consist of.
    pub(crate) fn alphabet(&self, slot: &str) -> Option<&Alphabet> {
        self.alphabets.get(slot)
    }

    /// The alphabet of a slot; of one in a list that is longer here (`address.7`), what all of the list have in common.
    fn alphabet_like(&self, slot: &str) -> Option<Alphabet> {
        if let Some(own) = self.alphabets.get(slot) {
            return Some(own.clone());
        }
        let (list, _) = slot.split_once('.')?;
        let mut members = self
            .alphabets
            .iter()
            .filter(|(name, _)| name.split_once('.').is_some_and(|(own, _)| own == list));
        let (_, first) = members.next()?;
        let mut common = first.clone();
        members.for_each(|(_, other)| common.keep_only(other));
        Some(common)
    }

    /// `more` are faces that values may be set in besides those of the probes.
    fn of(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        more: &BTreeSet<usize>,
    ) -> Result<Self, Unstampable> {
        let [base, others @ ..] = probes else {
            return Err(Unstampable::because("there is no probe of it"));
        };
        let differs = || depends("its tags");
        for other in others {
            let differing = [
                (
                    "the number of its pages",
                    other.pages.len() != base.pages.len(),
                ),
                ("its tags", other.structure.roots != base.structure.roots),
                (
                    "its tags",
                    other.structure.parents != base.structure.parents,
                ),
                ("its tags", other.structure.roles != base.structure.roles),
                (
                    "its title or author",
                    other.document.info != base.document.info,
                ),
                (
                    "its language",
                    other.document.language != base.document.language,
                ),
            ];
            if let Some((what, _)) = differing.into_iter().find(|(_, differs)| *differs) {
                return Err(depends(what));
            }
        }
        let mut shaper = Shaper::new(fonts);
        let (mut pages, mut alphabets) = (Vec::new(), BTreeMap::new());
        let mut shared = Shared::default();
        for at in 0..base.pages.len() {
            let alike: Vec<&ParsedPage> = probes
                .iter()
                .filter_map(|probe| probe.pages.get(at))
                .collect();
            pages.push(page(
                probes,
                &alike,
                late,
                fonts,
                more,
                &mut shaper,
                &mut shared,
            )?);
        }
        for field in pages.iter().flat_map(|page| &page.fields) {
            field.restrict(&mut alphabets);
        }
        let mut elements = Vec::new();
        for at in 0..base.structure.elements.len() {
            let alike: Option<Vec<&[RawPart]>> = probes
                .iter()
                .map(|probe| probe.structure.elements.get(at).map(Vec::as_slice))
                .collect();
            elements.push(parts(probes, &alike.ok_or_else(differs)?)?);
        }
        let bookmark = bookmark(probes)?;
        let in_tags = elements.iter().flatten().filter_map(|part| {
            if let Part::Words(words) = part {
                Some(words)
            } else {
                None
            }
        });
        let in_bookmark = bookmark.iter().map(|(title, _)| title);
        let is_early =
            |word: &Word| matches!(word, Word::Slot(slot) if !late.contains(&slot.as_str()));
        if in_tags.chain(in_bookmark).flatten().any(is_early) {
            return Err(Unstampable::because("a heading has a value in it"));
        }
        let as_u32 = |place: usize| u32::try_from(place).unwrap_or_default();
        for (page, parents) in pages.iter_mut().zip(&base.structure.parents) {
            page.parents = parents
                .as_ref()
                .map(|list| list.iter().map(|place| place.map(as_u32)).collect());
        }
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            parts: CommonParts::of(pages.iter().map(|page| &page.glyphs)),
            pages,
            elements,
            roots: base
                .structure
                .roots
                .iter()
                .map(|place| as_u32(*place))
                .collect(),
            bookmark,
            roles: base.structure.roles.clone(),
            objects: shared.into_objects(),
            document: base.document.clone(),
            alphabets,
        })
    }
}

fn depends(what: &str) -> Unstampable {
    Unstampable::because(&format!(
        "{what} depends on the values in a way that is not stamped"
    ))
}

/// A probe, taken apart.
pub struct ReadProbe {
    texts: BTreeMap<String, String>,
    pictures: BTreeMap<String, Bitmap>,
    pages: Vec<ParsedPage>,
    structure: Structure,
    document: DocumentParts,
}

struct ParsedPage {
    boxes: Vec<u8>,
    content: PageContent,
    resources: Vec<Piece>,
    objects: BTreeMap<u32, RawObject>,
    /// Pictures of one byte a module, by their looks: columns and modules.
    pictures: BTreeMap<String, (usize, Vec<u8>)>,
}

const PAGE_BOXES: [&str; 5] = ["MediaBox", "CropBox", "BleedBox", "TrimBox", "ArtBox"];

impl ReadProbe {
    /// Takes a probe apart.
    ///
    /// # Errors
    /// Its PDF has something that is not copied, or is not as Typst's export makes it.
    pub fn of(probe: Probe) -> Result<Self, Unstampable> {
        let damaged = || Unstampable::because("its PDF cannot be read");
        let pdf = Pdf::new(probe.pdf).map_err(|_| damaged())?;
        let xref = pdf.xref();
        let catalog: Dict<'_> = xref.get(xref.root_id()).ok_or_else(damaged)?;
        let raw: Vec<Dict<'_>> = pdf.pages().iter().map(|page| page.raw().clone()).collect();
        let mut pages = Vec::new();
        for (page, dict) in pdf.pages().iter().zip(&raw) {
            let known = [
                PAGE_BOXES.as_slice(),
                &[
                    "Type",
                    "Parent",
                    "Resources",
                    "Contents",
                    "StructParents",
                    "Tabs",
                ],
            ]
            .concat();
            only(dict, &known, "a page of it")?;
            let dictionary: Dict<'_> = dict.get("Resources").ok_or_else(damaged)?;
            let pictures = pictures(&dictionary, xref)?;
            let resources = PageResources::read(dictionary, xref)?;
            let own = resources.pieces()?;
            let mut boxes = Vec::new();
            for (key, value) in entries(dict.data()).ok_or_else(damaged)? {
                if PAGE_BOXES.iter().any(|name| name.as_bytes() == key) {
                    boxes.extend([b"/", key, b" ", value].concat());
                }
            }
            pages.push(ParsedPage {
                boxes,
                content: PageContent::read(
                    page.page_stream().unwrap_or_default().to_vec(),
                    &resources,
                )?,
                objects: reachable(xref, &own)?,
                resources: own,
                pictures,
            });
        }
        let structure = Structure::read(xref, &catalog, &raw)?;
        let document = document(&pdf, &catalog)?;
        Ok(Self {
            texts: probe.texts,
            pictures: probe.pictures,
            pages,
            structure,
            document,
        })
    }
}

fn document(pdf: &Pdf, catalog: &Dict<'_>) -> Result<DocumentParts, Unstampable> {
    let damaged = || Unstampable::because("what it says of itself cannot be read");
    let known = [
        "Type",
        "Pages",
        "Metadata",
        "Lang",
        "StructTreeRoot",
        "MarkInfo",
        "ViewerPreferences",
        "Outlines",
    ];
    only(catalog, &known, "its catalog")?;
    let metadata: Stream<'_> = catalog.get("Metadata").ok_or_else(damaged)?;
    let language: PdfString<'_> = catalog.get("Lang").ok_or_else(damaged)?;
    let mut kept = Vec::new();
    for (key, value) in entries(catalog.data()).ok_or_else(damaged)? {
        if matches!(key, b"MarkInfo" | b"ViewerPreferences") {
            kept.extend([b"/", key, b" ", value].concat());
        }
    }
    Ok(DocumentParts {
        info: info(pdf).ok_or_else(damaged)?,
        metadata: metadata.decoded().map_err(|_| damaged())?.into_owned(),
        catalog: kept,
        language: String::from_utf8(language.as_bytes().to_vec()).map_err(|_| damaged())?,
    })
}

/// The document information: the dictionary that the trailer names.
fn info(pdf: &Pdf) -> Option<Vec<u8>> {
    let data: &[u8] = pdf.data().as_ref();
    let trailer = data.windows(8).rposition(|window| window == b"trailer\n")?;
    let end = data
        .get(trailer..)?
        .windows(9)
        .position(|window| window == b"startxref")?;
    let pieces = pieces(data.get(trailer + 8..trailer + end)?)?;
    let number = pieces.windows(2).find_map(|pair| match pair {
        [Piece::Bytes(before), Piece::Reference(number)]
            if before.trim_ascii_end().ends_with(b"/Info") =>
        {
            Some(*number)
        }
        _ => None,
    })?;
    let object = object(pdf.xref(), number).ok()?;
    let mut out = Vec::new();
    for piece in object.pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes),
            Piece::String(text) => crate::syntax::string(&mut out, &text),
            Piece::Reference(_) => return None,
        }
    }
    Some(out)
}

/// The grey pictures among the resources of a page.
fn pictures(
    resources: &Dict<'_>,
    xref: &hayro_syntax::xref::XRef,
) -> Result<BTreeMap<String, (usize, Vec<u8>)>, Unstampable> {
    let looks = PageResources::read(resources.clone(), xref)?;
    let mut found = BTreeMap::new();
    let Some(objects) = resources.get::<Dict<'_>>("XObject") else {
        return Ok(found);
    };
    for name in objects.keys() {
        let Some(stream) = objects.get::<Stream<'_>>(&*name) else {
            continue;
        };
        let size = |key: &str| stream.dict().get::<u32>(key).map(|size| size as usize);
        if let (Some(columns), Some(rows), Ok(data)) =
            (size("Width"), size("Height"), stream.decoded())
            && data.len() == columns * rows
        {
            found.insert(
                looks.look(b"XObject", name.as_ref()),
                (columns, data.into_owned()),
            );
        }
    }
    Ok(found)
}

/// The entries of a dictionary, with their values as they are written.
fn entries(data: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let tokens = lexemes(data)?;
    let mut rest = match tokens.as_slice() {
        [open, rest @ ..] if open.token == Token::DictStart => rest,
        rest => rest,
    };
    let mut found = Vec::new();
    while let [key, value @ ..] = rest {
        if key.token != Token::Name {
            break;
        }
        let length = match value {
            [_, generation, word, ..]
                if generation.number() == Some(0.0) && word.is_word(data, b"R") =>
            {
                3
            }
            [first, ..] if matches!(first.token, Token::DictStart | Token::ArrayStart) => {
                let mut depth = 0_i32;
                let end = value.iter().position(|token| {
                    match token.token {
                        Token::DictStart | Token::ArrayStart => depth += 1,
                        Token::DictEnd | Token::ArrayEnd => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                end? + 1
            }
            _ => 1,
        };
        let (first, last) = (value.first()?, value.get(length - 1)?);
        found.push((
            key.bytes(data).get(1..)?,
            data.get(first.range.start..last.range.end)?,
        ));
        rest = value.get(length..)?;
    }
    Some(found)
}

/// Objects of the template that all letters share, by their numbers in the first probe.
#[derive(Default)]
struct Shared {
    places: BTreeMap<u32, u32>,
    objects: Vec<RawObject>,
}

impl Shared {
    fn parts(&mut self, pieces: &[Piece], objects: &BTreeMap<u32, RawObject>) -> Vec<SharedPart> {
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Bytes(bytes) => SharedPart::Bytes(bytes.clone()),
                Piece::String(text) => {
                    let mut out = Vec::new();
                    crate::syntax::string(&mut out, text);
                    SharedPart::Bytes(out)
                }
                Piece::Reference(number) => SharedPart::Object(self.place(*number, objects)),
            });
        }
        parts
    }

    fn place(&mut self, number: u32, objects: &BTreeMap<u32, RawObject>) -> u32 {
        if let Some(place) = self.places.get(&number) {
            return *place;
        }
        let place = u32::try_from(self.objects.len()).unwrap_or_default();
        self.places.insert(number, place);
        let object = objects.get(&number).cloned().unwrap_or(RawObject {
            pieces: vec![Piece::Bytes(b"null".to_vec())],
            data: None,
        });
        self.objects.push(object.clone());
        for piece in &object.pieces {
            if let Piece::Reference(number) = piece {
                self.place(*number, objects);
            }
        }
        place
    }

    fn into_objects(self) -> Vec<(Vec<SharedPart>, Option<Vec<u8>>)> {
        let Self { places, objects } = self;
        let known = objects.clone();
        let mut shared = Self { places, objects };
        known
            .into_iter()
            .map(|object| (shared.parts(&object.pieces, &BTreeMap::new()), object.data))
            .collect()
    }
}

/// A page of all probes: what they share, and the fields.
fn page(
    probes: &[&ReadProbe],
    alike: &[&ParsedPage],
    late: &[&str],
    fonts: &Fonts,
    more: &BTreeSet<usize>,
    shaper: &mut Shaper<'_>,
    shared: &mut Shared,
) -> Result<PageTemplate, Unstampable> {
    let differs = || depends("its layout");
    let base = alike.first().ok_or_else(differs)?;
    let count = base.content.sequences.len();
    if alike
        .iter()
        .any(|page| page.content.sequences.len() != count || page.boxes != base.boxes)
    {
        return Err(depends("the number of its lines"));
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut taken = BTreeSet::new();
    for at in 0..count {
        let kinds: Vec<&Kind> = alike
            .iter()
            .filter_map(|page| Some(&page.content.sequences.get(at)?.kind))
            .collect();
        let pictures: Vec<_> = alike.iter().map(|page| &page.pictures).collect();
        if let Some(field) = Field::of(probes, &kinds, &pictures, late, fonts, shaper, &fields)? {
            fields.push(field);
            taken.insert(at);
        }
    }
    if !fields.is_empty() && !alike.iter().all(|page| page.content.is_plain) {
        return Err(Unstampable::because(
            "something on it is clipped, or turned as a whole",
        ));
    }
    let mut content = SharedContent::of(&base.content, &taken, &fields, fonts, shaper);
    if !fields.is_empty() {
        more.iter().for_each(|face| content.glyphs.add_font(*face));
    }
    let faces = content.glyphs.fonts().collect();
    let resources = resources(base, &content.bytes, &faces, shared).ok_or_else(differs)?;
    Ok(PageTemplate {
        boxes: base.boxes.clone(),
        resources,
        content: deflated(&content.bytes),
        glyphs: content.glyphs,
        parents: None,
        fields,
        taken,
    })
}

/// The resources of a page without the fonts and pictures that only values used, and with those that stamping uses.
fn resources(
    page: &ParsedPage,
    content: &[u8],
    faces: &BTreeSet<usize>,
    shared: &mut Shared,
) -> Option<Vec<SharedPart>> {
    let mut names = BTreeSet::new();
    for token in lexemes(content)? {
        if token.token == Token::Name {
            names.insert(token.bytes(content).get(1..)?.to_vec());
        }
    }
    let data = plain(&page.resources);
    let mut parts = vec![SharedPart::Bytes(b"<<".to_vec())];
    let mut add = |key: &[u8], value: &[u8], parts: &mut Vec<SharedPart>| -> Option<()> {
        parts.push(SharedPart::Bytes([b"/", key, b" "].concat()));
        parts.extend(shared.parts(&pieces(value)?, &page.objects));
        Some(())
    };
    let mut fonts = Vec::new();
    for (key, value) in entries(&data)? {
        match key {
            b"ProcSet" => {}
            b"Font" | b"XObject" => {
                let used = entries(value)?
                    .into_iter()
                    .filter(|(name, _)| names.contains(*name));
                if key == b"Font" {
                    fonts.extend(used);
                } else {
                    parts.push(SharedPart::Bytes(b"/XObject<<".to_vec()));
                    for (name, value) in used {
                        add(name, value, &mut parts)?;
                    }
                    parts.push(SharedPart::Bytes(b">>".to_vec()));
                }
            }
            _ => add(key, value, &mut parts)?,
        }
    }
    parts.push(SharedPart::Bytes(b"/Font<<".to_vec()));
    for (name, value) in fonts {
        add(name, value, &mut parts)?;
    }
    for face in faces {
        parts.push(SharedPart::Bytes(format!("/S{face} ").into_bytes()));
        parts.push(SharedPart::Font(*face));
    }
    parts.push(SharedPart::Bytes(b">>>>".to_vec()));
    Some(parts)
}

/// Pieces as one text again.
fn plain(pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes),
            Piece::String(text) => crate::syntax::string(&mut out, text),
            Piece::Reference(number) => crate::syntax::reference(&mut out, *number),
        }
    }
    out
}

/// The parts of an object that each letter has of its own, from the same object of all probes: what differs must be values.
fn parts(probes: &[&ReadProbe], alike: &[&[RawPart]]) -> Result<Vec<Part>, Unstampable> {
    let differs = || depends("what its tags say");
    let [base, others @ ..] = alike else {
        return Err(differs());
    };
    if others.iter().any(|other| other.len() != base.len()) {
        return Err(differs());
    }
    let as_u32 = |place: &usize| u32::try_from(*place).unwrap_or_default();
    let mut parts = Vec::new();
    for (at, part) in base.iter().enumerate() {
        let is_same = others.iter().all(|other| other.get(at) == Some(part));
        parts.push(match part {
            RawPart::String(text) if is_same => {
                let mut out = Vec::new();
                crate::syntax::string(&mut out, text);
                Part::Bytes(out)
            }
            RawPart::String(_) => {
                let text = |parts: &&[RawPart]| match parts.get(at) {
                    Some(RawPart::String(text)) => crate::syntax::read_text_string(text),
                    _ => None,
                };
                let texts: Vec<String> = alike
                    .iter()
                    .map(text)
                    .collect::<Option<_>>()
                    .ok_or_else(differs)?;
                Part::Words(words_of(probes, &texts).ok_or_else(differs)?)
            }
            _ if !is_same => return Err(differs()),
            RawPart::Bytes(bytes) => Part::Bytes(bytes.clone()),
            RawPart::Element(place) => Part::Element(as_u32(place)),
            RawPart::Page(place) => Part::Page(as_u32(place)),
            RawPart::Parent => Part::Parent,
        });
    }
    Ok(parts)
}

fn bookmark(probes: &[&ReadProbe]) -> Result<Option<(Words, Vec<Part>)>, Unstampable> {
    let differs = || depends("its bookmark");
    let all: Vec<_> = probes
        .iter()
        .filter_map(|probe| probe.structure.bookmark.as_ref())
        .collect();
    if all.is_empty() {
        return Ok(None);
    }
    if all.len() != probes.len() {
        return Err(differs());
    }
    let titles: Vec<String> = all.iter().map(|bookmark| bookmark.title.clone()).collect();
    let destinations: Vec<&[RawPart]> = all
        .iter()
        .map(|bookmark| bookmark.destination.as_slice())
        .collect();
    let words = words_of(probes, &titles).ok_or_else(differs)?;
    Ok(Some((words, parts(probes, &destinations)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entries_of_a_dictionary_have_their_values_whole() {
        let data = b"<</Type/Page/Parent 1 0 R/MediaBox[0 0 595 842]/Lang(en)/A<</B/C>>/Count 3>>";
        let found: Vec<(&[u8], &[u8])> = entries(data).unwrap();
        assert_eq!(
            found,
            [
                (b"Type".as_slice(), b"/Page".as_slice()),
                (b"Parent", b"1 0 R"),
                (b"MediaBox", b"[0 0 595 842]"),
                (b"Lang", b"(en)"),
                (b"A", b"<</B/C>>"),
                (b"Count", b"3"),
            ]
        );
    }
}
