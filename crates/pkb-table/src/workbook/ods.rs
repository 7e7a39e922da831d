//! ODS, read by our own lines: calamine holds the whole workbook, expands what repeats without end, and
//! does not tell which rows are hidden. The form is that of [OpenDocument 1.3, part 3][odf], section 9.1.
//!
//! [odf]: https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part3-schema/OpenDocument-v1.3-os-part3-schema.html

use std::{
    collections::HashSet,
    io::{BufRead, Read},
};

use calamine::{DataRef, Sheet, SheetType, SheetVisible};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::{
    bounds::{MAX_PART, MAX_SHEET, Xml},
    format::Format,
    ods_values::{character, is, is_without_result, is_zero, repeated, text, value},
    package::MAX_TEXT,
    sheets::{Converted, OpenSheet, Wanted},
    trouble::Trouble,
};
use crate::{
    sheet_writer::{MAX_COLUMNS, MAX_ROWS},
    source::Source,
};

const SPREADSHEET: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

/// Cells that one row may come to: as many as a row has, a thousand times.
const MAX_REPEATED_CELLS: u64 = 16 << 20;

/// Reads the wanted sheet, or all.
pub(super) fn read(source: &Source, wanted: &Wanted<'_>) -> Result<Converted, Trouble> {
    let mut zip = ZipArchive::new(source.seekable()?)?;
    let mut kind = Vec::new();
    let mut mimetype = zip.by_name("mimetype")?.take(SPREADSHEET.len() as u64);
    if mimetype.read_to_end(&mut kind).is_err() || kind != SPREADSHEET {
        return Err(Trouble::Unreadable);
    }
    drop(mimetype);
    if let Ok(manifest) = zip.by_name("META-INF/manifest.xml") {
        refuse_encrypted(Xml::new(manifest, MAX_PART))?;
    }
    let content = Xml::new(zip.by_name("content.xml")?, MAX_SHEET);
    let (sheets, styles) = list(content)?;
    let choice = wanted.choose(&sheets, Format::Ods)?;
    let mut content = ContentReader {
        xml: Xml::new(zip.by_name("content.xml")?, MAX_SHEET),
        styles,
        next: 0,
    };
    choice.read(wanted, |_, at, sheet| content.read_sheet(at, sheet))
}

fn refuse_encrypted<R: BufRead>(mut manifest: Xml<R>) -> Result<(), Trouble> {
    loop {
        match manifest.next()? {
            Event::Start(tag) | Event::Empty(tag) if is(&tag, "manifest:encryption-data") => {
                return Err(Trouble::Password);
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Names of styles that hide what has them.
#[derive(Default)]
struct Styles {
    hidden_sheets: HashSet<String>,
    /// Of rows without height and columns without width.
    flat: HashSet<String>,
}

/// The sheets of a workbook, and the styles that are named before them.
fn list<R: BufRead>(mut content: Xml<R>) -> Result<(Vec<Sheet>, Styles), Trouble> {
    let mut styles = Styles::default();
    let mut style = String::new();
    let mut sheets = Vec::new();
    // Tables within tables are none of the workbook's sheets.
    let mut depth = 0_u32;
    loop {
        let event = content.next()?;
        let is_start = matches!(event, Event::Start(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "style:style" => style = text(&tag, "style:name"),
                "style:table-properties" if text(&tag, "table:display") == "false" => {
                    styles.hidden_sheets.insert(style.clone());
                }
                "style:table-row-properties" if is_zero(&text(&tag, "style:row-height")) => {
                    styles.flat.insert(style.clone());
                }
                "style:table-column-properties" if is_zero(&text(&tag, "style:column-width")) => {
                    styles.flat.insert(style.clone());
                }
                "table:table" => {
                    if depth == 0 {
                        let style = text(&tag, "table:style-name");
                        let name = text(&tag, "table:name");
                        sheets.push(Sheet {
                            // What comes from elsewhere has no name, and no sheet that is shown.
                            typ: if name.is_empty() {
                                SheetType::MacroSheet
                            } else {
                                SheetType::WorkSheet
                            },
                            name,
                            visible: if styles.hidden_sheets.contains(&style) {
                                SheetVisible::Hidden
                            } else {
                                SheetVisible::Visible
                            },
                        });
                    }
                    depth += u32::from(is_start);
                }
                _ => {}
            },
            Event::End(tag) if tag.name().as_ref() == "table:table" => {
                depth = depth.saturating_sub(1);
            }
            Event::Eof => return Ok((sheets, styles)),
            _ => {}
        }
    }
}

/// The sheets, one after the other.
struct ContentReader<R> {
    xml: Xml<R>,
    styles: Styles,
    /// The place of the sheet that comes next.
    next: usize,
}

/// Where the reading of a sheet is.
#[derive(Default)]
struct CellPlace {
    row: u32,
    column: u32,
    /// Whether the groups of rows or columns that are open are collapsed.
    groups: Vec<bool>,
}

impl<R: BufRead> ContentReader<R> {
    /// Reads the sheet at a place that was not gone by yet.
    fn read_sheet(&mut self, at: usize, sheet: &mut OpenSheet) -> Result<(), Trouble> {
        loop {
            match self.xml.next()? {
                Event::Start(tag) if is(&tag, "table:table") => {
                    self.next += 1;
                    if self.next > at {
                        return self.read_rows(sheet);
                    }
                    skip(&mut self.xml)?;
                }
                Event::Empty(tag) if is(&tag, "table:table") => {
                    self.next += 1;
                    if self.next > at {
                        return Ok(());
                    }
                }
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }

    fn read_rows(&mut self, sheet: &mut OpenSheet) -> Result<(), Trouble> {
        let mut place = CellPlace::default();
        loop {
            let event = self.xml.next()?;
            let is_start = matches!(event, Event::Start(_));
            match event {
                Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                    "table:table-row-group" | "table:table-column-group" if is_start => {
                        place.groups.push(text(&tag, "table:display") == "false");
                    }
                    "table:table-column" => {
                        let repeated = repeated(&tag, "table:number-columns-repeated")?;
                        let after = place.column.saturating_add(repeated).min(MAX_COLUMNS);
                        if after > place.column && self.styles.hide(&tag, &place) {
                            sheet.hidden_columns.add(place.column, after - 1);
                        }
                        place.column = after;
                    }
                    "table:table-row" => {
                        let repeated = repeated(&tag, "table:number-rows-repeated")?;
                        let after = place.row.saturating_add(repeated).min(MAX_ROWS);
                        if after > place.row && self.styles.hide(&tag, &place) {
                            sheet.writer.hide_also(place.row, after - 1);
                        }
                        if is_start {
                            let (cells, has_covered) = self.read_row()?;
                            if has_covered && after > place.row {
                                sheet.covered_rows.add(place.row, after - 1);
                            }
                            write(&cells, place.row..after, sheet)?;
                        }
                        place.row = after;
                    }
                    // Rows of a heading, headers of columns and the like go on; anything else has none.
                    name if is_start && !HAS_ROWS.contains(&name) => skip(&mut self.xml)?,
                    _ => {}
                },
                Event::End(tag) => match tag.name().as_ref() {
                    "table:table" => return Ok(()),
                    "table:table-row-group" | "table:table-column-group" => {
                        place.groups.pop();
                    }
                    _ => {}
                },
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }

    /// The cells of a row that are not empty: where each begins, how often it comes, and its value, which
    /// is empty if a formula has no result. And whether a cell that another one covers has a value.
    fn read_row(&mut self) -> Result<(Vec<RowCell>, bool), Trouble> {
        let mut cells = Vec::new();
        let mut has_covered = false;
        let mut column = 0_u32;
        loop {
            let event = self.xml.next()?;
            let is_start = matches!(event, Event::Start(_));
            match event {
                Event::Start(tag) | Event::Empty(tag)
                    if is(&tag, "table:table-cell") || is(&tag, "table:covered-table-cell") =>
                {
                    let repeated = repeated(&tag, "table:number-columns-repeated")?;
                    let is_covered = is(&tag, "table:covered-table-cell");
                    let mut value = value(&tag)?;
                    let is_uncalculated = is_without_result(&tag);
                    if is_start {
                        let shown = self.read_text()?;
                        if value == DataRef::Empty && !shown.is_empty() {
                            value = DataRef::String(shown);
                        }
                    }
                    if is_covered {
                        has_covered |= value != DataRef::Empty;
                    } else if value != DataRef::Empty || is_uncalculated {
                        cells.push((column, repeated, value));
                    }
                    column = column.saturating_add(repeated);
                }
                Event::Start(_) => skip(&mut self.xml)?,
                Event::End(tag) if tag.name().as_ref() == "table:table-row" => {
                    return Ok((cells, has_covered));
                }
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }

    /// The text of a cell up to its end, its paragraphs as lines.
    fn read_text(&mut self) -> Result<String, Trouble> {
        let mut shown = String::new();
        let (mut depth, mut paragraphs, mut is_in_paragraph) = (0, 0, false);
        loop {
            let event = self.xml.next()?;
            let is_start = matches!(event, Event::Start(_));
            match event {
                Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                    "text:p" | "text:h" => {
                        if paragraphs > 0 {
                            shown.push('\n');
                        }
                        paragraphs += 1;
                        is_in_paragraph = is_start;
                        depth += u32::from(is_start);
                    }
                    "text:s" => {
                        let spaces = repeated(&tag, "text:c")? as usize;
                        shown.extend(std::iter::repeat_n(' ', spaces.min(MAX_TEXT)));
                        depth += u32::from(is_start);
                    }
                    "text:tab" => {
                        shown.push('\t');
                        depth += u32::from(is_start);
                    }
                    "text:line-break" => {
                        shown.push('\n');
                        depth += u32::from(is_start);
                    }
                    "text:span" | "text:a" | "text:ruby" | "text:ruby-base" | "text:meta" => {
                        depth += u32::from(is_start);
                    }
                    // Notes, drawings and what else a cell carries is not its text.
                    _ if is_start => skip(&mut self.xml)?,
                    _ => {}
                },
                Event::Text(text) if is_in_paragraph => shown.push_str(&text.xml10_content()),
                Event::CData(text) if is_in_paragraph => shown.push_str(&text),
                Event::GeneralRef(entity) if is_in_paragraph => shown.push(character(&entity)?),
                Event::End(_) if depth == 0 => return Ok(shown),
                Event::End(tag) => {
                    depth -= 1;
                    if matches!(tag.name().as_ref(), "text:p" | "text:h") {
                        is_in_paragraph = false;
                    }
                }
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
            if shown.len() > MAX_TEXT {
                return Err(Trouble::TooLarge("a cell"));
            }
        }
    }
}

/// What holds rows or columns, besides the groups.
const HAS_ROWS: [&str; 6] = [
    "table:table-header-rows",
    "table:table-rows",
    "table:table-header-columns",
    "table:table-columns",
    "table:table-row-group",
    "table:table-column-group",
];

impl Styles {
    /// Whether a row or column is not shown.
    fn hide(&self, tag: &BytesStart<'_>, place: &CellPlace) -> bool {
        matches!(&*text(tag, "table:visibility"), "collapse" | "filter")
            || self.flat.contains(&text(tag, "table:style-name"))
            || place.groups.contains(&true)
    }
}

/// Where a cell begins, how often it comes, and its value.
type RowCell = (u32, u32, DataRef<'static>);

fn write(
    cells: &[RowCell],
    rows: std::ops::Range<u32>,
    sheet: &mut OpenSheet,
) -> Result<(), Trouble> {
    let filled: u64 = cells.iter().map(|(_, times, _)| u64::from(*times)).sum();
    if filled.saturating_mul(rows.len() as u64) > MAX_REPEATED_CELLS {
        return Err(Trouble::TooLarge("the number of cells"));
    }
    for row in rows {
        for (first, repeated, value) in cells {
            for column in *first..first.saturating_add(*repeated) {
                if *value == DataRef::Empty {
                    sheet.writer.put_uncalculated((row, column))?;
                } else {
                    sheet.writer.put((row, column), value)?;
                }
            }
        }
    }
    Ok(())
}

/// Goes over the rest of an element that has begun.
fn skip<R: BufRead>(xml: &mut Xml<R>) -> Result<(), Trouble> {
    let mut depth = 0_u32;
    loop {
        match xml.next()? {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return Ok(()),
            Event::End(_) => depth -= 1,
            Event::Eof => return Err(Trouble::Unreadable),
            _ => {}
        }
    }
}
