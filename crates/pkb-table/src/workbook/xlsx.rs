//! XLSX: a first look at a sheet's XML tells what calamine does not (hidden rows and columns, formulas
//! without results, sizes); then calamine reads its cells one by one, whatever the size of the sheet.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
    ops::Range,
};

use calamine::{DataRef, Reader as _, Xlsx};
use quick_xml::events::{BytesStart, Event};

use super::{
    bounds::MAX_SHEET,
    comments::{self, Comment},
    format::Format,
    merged::{Group, Merged},
    package::{MAX_TEXT, Package, PackagePart, attribute, place_of},
    sheets::{Converted, OpenSheet, Wanted},
    trouble::Trouble,
};
use crate::{
    ranges::Ranges,
    sheet_writer::{MAX_COLUMNS, MAX_ROWS},
    source::Source,
};

/// Cells with formulas and without results that are kept.
const MAX_UNCALCULATED: usize = 4 << 20;

/// What a sheet's XML says beside its cells.
#[derive(Default)]
struct XlsxMarks {
    hidden_rows: Ranges,
    hidden_columns: Ranges,
    /// Rows with text that is struck through.
    struck_rows: Ranges,
    /// Cells that are merged into one.
    merged: Vec<Group>,
    comments: Vec<Comment>,
    /// Cells with a formula whose result is not in the file, as row and column from 0.
    uncalculated: Vec<(u32, u32)>,
    /// The tag that gives the sheet's size, where calamine cannot read it. Nothing depends on it.
    bad_dimension: Option<Range<u64>>,
    has_no_rows: bool,
}

/// Reads the wanted sheet, or all.
pub(super) fn read(source: &Source, wanted: &Wanted<'_>) -> Result<Converted, Trouble> {
    let mut package = Package::open(source.seekable()?)?;
    let paths = package.sheets()?;
    let mut book = Xlsx::new(source.seekable()?)?;
    let choice = wanted.choose(book.sheets_metadata(), Format::Xlsx)?;
    let mut marks: HashMap<usize, XlsxMarks> = HashMap::new();
    let mut blanks = HashMap::new();
    let struck = std::mem::take(&mut package.struck);
    for at in choice.places() {
        let path = paths.get(at).ok_or(Trouble::Unreadable)?;
        let mut found = package
            .read(path, MAX_SHEET, |part| look(part, &struck))?
            .ok_or(Trouble::Unreadable)?;
        found.comments = comments::of_sheet(&mut package, path)?;
        if let Some(place) = found.bad_dimension.take() {
            blanks.insert(path.clone(), place);
        }
        marks.insert(at, found);
    }
    if !blanks.is_empty() {
        book = Xlsx::new(package.with_blanks(source, &blanks)?.seekable()?)?;
    }
    choice.read(wanted, |name, at, sheet: &mut OpenSheet| {
        let marks = marks.remove(&at).unwrap_or_default();
        sheet.writer.hide(marks.hidden_rows);
        sheet.hidden_columns = marks.hidden_columns;
        sheet.struck_rows = marks.struck_rows;
        sheet.comments = marks.comments;
        let mut merged = Merged::new(marks.merged)?;
        let mut uncalculated = marks.uncalculated.into_iter().peekable();
        let mut cells = book.worksheet_cells_reader(name)?;
        while let Some(cell) = cells.next_cell()? {
            let place = cell.get_position();
            let is_uncalculated = uncalculated.next_if_eq(&place).is_some();
            if merged.covers(place) {
                sheet.cover(place.0, cell.get_value());
                continue;
            }
            if is_uncalculated && *cell.get_value() == DataRef::Empty {
                sheet.writer.put_uncalculated(place)?;
            } else {
                sheet.writer.put(place, cell.get_value())?;
            }
        }
        Ok(())
    })
}

/// Looks at a sheet. `struck` are the styles of text that is struck through.
fn look<R: Read>(
    part: &mut PackagePart<'_, R>,
    struck: &HashSet<u32>,
) -> Result<XlsxMarks, Trouble> {
    let mut marks = XlsxMarks::default();
    look_above_rows(part, &mut marks)?;
    look_at_rows(part, struck, &mut marks)?;
    loop {
        match part.next()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "mergeCell" => {
                marks.merged.extend(group_of(&tag));
            }
            Event::Eof => return Ok(marks),
            _ => {}
        }
    }
}

/// The cells that a tag merges.
fn group_of(tag: &BytesStart<'_>) -> Option<Group> {
    let places = attribute(tag, "ref")?;
    let (first, last) = places.split_once(':')?;
    Some((place_of(first)?, place_of(last)?))
}

/// Looks at a sheet up to the beginning of its rows.
fn look_above_rows<R: Read>(
    part: &mut PackagePart<'_, R>,
    marks: &mut XlsxMarks,
) -> Result<(), Trouble> {
    loop {
        let before = part.position();
        match part.next()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "sheetData" => return Ok(()),
                "dimension" if !is_dimension(&tag) => {
                    marks.bad_dimension = Some(before..part.position());
                }
                "col" => marks.see_column(&tag),
                _ => {}
            },
            Event::Empty(tag) => match tag.local_name().as_ref() {
                "sheetData" => {
                    marks.has_no_rows = true;
                    return Ok(());
                }
                "dimension" if !is_dimension(&tag) => {
                    marks.bad_dimension = Some(before..part.position());
                }
                "col" => marks.see_column(&tag),
                _ => {}
            },
            Event::Eof => return Err(Trouble::Unreadable),
            _ => {}
        }
    }
}

/// Looks at the rows of a sheet, up to their end.
fn look_at_rows<R: Read>(
    part: &mut PackagePart<'_, R>,
    struck: &HashSet<u32>,
    marks: &mut XlsxMarks,
) -> Result<(), Trouble> {
    if marks.has_no_rows {
        return Ok(());
    }
    let mut cells = Cells::default();
    loop {
        match part.next()? {
            Event::Start(tag) => cells.begin(&tag, struck, marks)?,
            Event::Empty(tag) => {
                cells.begin(&tag, struck, marks)?;
                cells.end(tag.local_name().as_ref(), marks)?;
            }
            Event::End(tag) if tag.local_name().as_ref() == "sheetData" => return Ok(()),
            Event::End(tag) => cells.end(tag.local_name().as_ref(), marks)?,
            Event::Text(text) => cells.text += text.len(),
            Event::CData(text) => cells.text += text.len(),
            Event::GeneralRef(_) => cells.text += 1,
            Event::Eof => return Err(Trouble::Unreadable),
            _ => {}
        }
        if cells.text > MAX_TEXT {
            return Err(Trouble::LongCell(cells.row, cells.column));
        }
    }
}

/// Where the look at a sheet's cells is.
#[derive(Default)]
struct Cells {
    row: u32,
    column: u32,
    /// Bytes of text in the cell so far.
    text: usize,
    has_formula: bool,
    has_type: bool,
    /// Bytes of text before the value began.
    before_value: usize,
    has_value: bool,
    is_struck: bool,
}

impl Cells {
    fn begin(
        &mut self,
        tag: &BytesStart<'_>,
        struck: &HashSet<u32>,
        marks: &mut XlsxMarks,
    ) -> Result<(), Trouble> {
        match tag.local_name().as_ref() {
            "row" => {
                if let Some(number) = attribute(tag, "r") {
                    let number: Option<u32> = number.parse().ok();
                    self.row = number
                        .and_then(|number| number.checked_sub(1))
                        .ok_or(Trouble::Unreadable)?;
                }
                self.column = 0;
                if is_true(tag, "hidden") || is_flat(tag, "ht", 1.0) {
                    marks.hidden_rows.add(self.row, self.row);
                }
            }
            "c" => {
                self.has_type = false;
                self.is_struck = false;
                for attribute in tag.attributes().with_checks(false).flatten() {
                    match attribute.key.as_ref() {
                        "r" => self.go_to(&attribute.value)?,
                        "t" => self.has_type = true,
                        "s" if !struck.is_empty() => {
                            let style = attribute.value.parse();
                            self.is_struck = style.is_ok_and(|style| struck.contains(&style));
                        }
                        _ => {}
                    }
                }
                if self.row >= MAX_ROWS || self.column >= MAX_COLUMNS {
                    return Err(Trouble::Misplaced(self.row, self.column));
                }
                self.text = 0;
                self.has_formula = false;
                self.has_value = false;
            }
            "f" => self.has_formula = true,
            "v" => self.before_value = self.text,
            _ => {}
        }
        Ok(())
    }

    /// Goes to the place of a cell, which is in the row that it is written in.
    fn go_to(&mut self, place: &str) -> Result<(), Trouble> {
        let (row, column) = place_of(place).ok_or(Trouble::Unreadable)?;
        if row != self.row {
            return Err(Trouble::Misplaced(row, column));
        }
        self.column = column;
        Ok(())
    }

    fn end(&mut self, name: &str, marks: &mut XlsxMarks) -> Result<(), Trouble> {
        match name {
            "row" => self.row = self.row.saturating_add(1),
            "v" => self.has_value = self.text > self.before_value,
            "c" => {
                if self.is_struck && self.text > 0 {
                    marks.struck_rows.add(self.row, self.row);
                }
                // A result that is an empty text has a type.
                if self.has_formula && !self.has_value && !self.has_type {
                    if marks.uncalculated.len() == MAX_UNCALCULATED {
                        return Err(Trouble::TooLarge("the number of formulas"));
                    }
                    marks.uncalculated.push((self.row, self.column));
                }
                self.column = self.column.saturating_add(1);
                self.text = 0;
            }
            _ => {}
        }
        Ok(())
    }
}

impl XlsxMarks {
    fn see_column(&mut self, tag: &BytesStart<'_>) {
        if !is_true(tag, "hidden") && !is_flat(tag, "width", 0.1) {
            return;
        }
        let number = |name| -> Option<u32> { attribute(tag, name)?.parse().ok() };
        if let (Some(first), Some(last)) = (number("min"), number("max"))
            && (1..=last).contains(&first)
        {
            self.hidden_columns
                .add(first - 1, last.min(MAX_COLUMNS) - 1);
        }
    }
}

fn is_true(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).is_some_and(|value| matches!(value.trim(), "1" | "true" | "on"))
}

/// Whether a height or width is one at which nothing can be read.
fn is_flat(tag: &BytesStart<'_>, name: &str, less_than: f64) -> bool {
    attribute(tag, name)
        .and_then(|size| size.trim().parse().ok())
        .is_some_and(|size: f64| size < less_than)
}

/// Whether calamine can read the tag.
fn is_dimension(tag: &BytesStart<'_>) -> bool {
    let Some(dimension) = attribute(tag, "ref") else {
        return false;
    };
    let places: Option<Vec<(u32, u32)>> = dimension.split(':').map(place_of).collect();
    match places.as_deref() {
        Some([_]) => true,
        Some([first, last]) => first.0 <= last.0 && first.1 <= last.1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_spreadsheets_have() {
        for (text, place) in [
            ("A1", Some((0, 0))),
            ("b7", Some((6, 1))),
            ("XFD1048576", Some((1_048_575, 16_383))),
            ("A0", None),
            ("A", None),
            ("7", None),
            ("", None),
            ("A1B", None),
            ("A99999999999", None),
            ("AAAA1", None),
        ] {
            assert_eq!(place_of(text), place, "{text}");
        }
    }
}
