//! XLS: a look at its records tells what calamine does not (hidden rows and columns, sizes); then
//! calamine reads the workbook, which it holds as a whole. The records are those of [MS-XLS].
//!
//! [MS-XLS]: https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xls/

use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};

use calamine::{Data, DataRef, Range, Reader as _, Xls};
use cfb::CompoundFile;

use super::{
    format::Format,
    merged::Merged,
    sheets::{Converted, OpenSheet, Wanted},
    trouble::Trouble,
};
use crate::{cell_text, ranges::Ranges, source::Source};

/// Bytes of a workbook: of each of Excel's 65,536 rows four kilobytes.
const MAX_BYTES: u64 = 256 << 20;
/// Cells of all sheets, also those between others that are not there.
const MAX_CELLS: u64 = 20 << 20;
/// The places where calamine looks for the workbook.
const STREAMS: [&str; 2] = ["/Workbook", "/Book"];

/// Kinds of records.
const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const ROW: u16 = 0x0208;
const COLUMN_INFO: u16 = 0x007d;
const SEVERAL_NUMBERS: u16 = 0x00bd;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
/// Those that begin with the row and the column of a cell.
const CELLS: [u16; 7] = [0x0006, 0x00d6, 0x00fd, 0x0203, 0x0204, 0x0205, 0x027e];

/// Reads the wanted sheet, or all.
pub(super) fn read(source: &Source, wanted: &Wanted<'_>) -> Result<Converted, Trouble> {
    let mut bytes = Vec::new();
    source
        .seekable()?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| source.unreadable(error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Trouble::TooLarge("the workbook"));
    }
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(|_| Trouble::Unreadable)?;
    let marks = look(&mut file)?;
    let mut book = Xls::new(file.into_inner())?;
    let choice = wanted.choose(book.sheets_metadata(), Format::Xls)?;
    choice.read(wanted, |name, at, sheet| {
        if let Some(marks) = marks.get(at) {
            sheet.writer.hide(marks.hidden_rows.clone());
            sheet.hidden_columns = marks.hidden_columns.clone();
        }
        let merged = book.merge_cells_by_sheet_name(name)?;
        let merged = merged.iter().map(|cells| (cells.start, cells.end));
        let mut merged = Merged::new(merged.collect())?;
        write(&book.worksheet_range(name)?, &mut merged, sheet)
    })
}

fn write(range: &Range<Data>, merged: &mut Merged, sheet: &mut OpenSheet) -> Result<(), Trouble> {
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, cells) in (first_row..).zip(range.rows()) {
        for (column, cell) in (first_column..).zip(cells) {
            let cell: DataRef<'_> = cell_text::borrow(cell);
            if merged.covers((row, column)) {
                sheet.cover(row, &cell);
            } else {
                sheet.writer.put((row, column), &cell)?;
            }
        }
    }
    Ok(())
}

/// What the records of a sheet say beside its cells.
#[derive(Default)]
struct XlsMarks {
    hidden_rows: Ranges,
    hidden_columns: Ranges,
    /// One behind the last row and the last column that has a cell.
    end: (u64, u64),
    /// Records of cells.
    cells: u64,
}

/// A record and where its data begins.
struct XlsRecord<'a> {
    kind: u16,
    at: usize,
    data: &'a [u8],
}

/// Looks at all sheets, in the order of the workbook. Sizes that are more than the sheets have are taken
/// out: so much memory would be asked for at once.
fn look(file: &mut CompoundFile<Cursor<Vec<u8>>>) -> Result<Vec<XlsMarks>, Trouble> {
    let name = STREAMS.into_iter().find(|name| file.is_stream(name));
    let mut stream = name
        .and_then(|name| file.open_stream(name).ok())
        .ok_or(Trouble::Unreadable)?;
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .map_err(|_| Trouble::Unreadable)?;
    let mut marks = Vec::new();
    let mut wrong_sizes = Vec::new();
    let (mut area, mut cells) = (0, 0);
    for sheet in sheet_offsets(&bytes) {
        let mut seen = XlsMarks::default();
        for record in records_of_sheet(&bytes, sheet) {
            if record.kind == DIMENSIONS && is_more_than_a_sheet(record.data) {
                wrong_sizes.push(record.at..record.at + record.data.len());
            }
            seen.see(&record);
        }
        area += seen.end.0 * seen.end.1;
        cells += seen.cells;
        if area.max(cells) > MAX_CELLS {
            return Err(Trouble::TooLarge("the number of cells"));
        }
        marks.push(seen);
    }
    for place in wrong_sizes {
        stream
            .seek(SeekFrom::Start(place.start as u64))
            .and_then(|_| stream.write_all(&vec![0; place.len()]))
            .and_then(|()| stream.flush())
            .map_err(|_| Trouble::Unreadable)?;
    }
    Ok(marks)
}

fn records(bytes: &[u8], mut at: usize) -> impl Iterator<Item = XlsRecord<'_>> {
    std::iter::from_fn(move || {
        let head = bytes.get(at..at.checked_add(4)?)?;
        let length = usize::from(number(head, 2)?);
        let begin = at + 4;
        at = begin + length;
        Some(XlsRecord {
            kind: number(head, 0)?,
            at: begin,
            data: bytes.get(begin..at)?,
        })
    })
}

/// Where the records of each sheet begin.
fn sheet_offsets(bytes: &[u8]) -> Vec<usize> {
    records(bytes, 0)
        .take_while(|record| record.kind != END)
        .filter(|record| record.kind == BOUND_SHEET)
        .map(|record| {
            let at = record.data.first_chunk().map(|at| u32::from_le_bytes(*at));
            at.map_or(usize::MAX, |at| at as usize)
        })
        .collect()
}

/// The records of a sheet, without those of charts within it.
fn records_of_sheet(bytes: &[u8], at: usize) -> impl Iterator<Item = XlsRecord<'_>> {
    let mut depth = 0_usize;
    records(bytes, at)
        .map_while(move |record| {
            match record.kind {
                BEGIN => depth += 1,
                END => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
                _ => {}
            }
            Some((depth, record))
        })
        .filter(|(depth, _)| *depth <= 1)
        .map(|(_, record)| record)
}

impl XlsMarks {
    fn see(&mut self, record: &XlsRecord<'_>) {
        match record.kind {
            ROW => self.see_row(record.data),
            COLUMN_INFO => self.see_columns(record.data),
            SEVERAL_NUMBERS => {
                let last = record.data.len().saturating_sub(2);
                self.see_cell(number(record.data, 0), number(record.data, last));
            }
            kind if CELLS.contains(&kind) => {
                self.see_cell(number(record.data, 0), number(record.data, 2));
            }
            _ => {}
        }
    }

    /// Row, first and last column, height, four bytes, flags: bit 5 is "zero height".
    fn see_row(&mut self, data: &[u8]) {
        if let (Some(row), Some(height), Some(flags)) =
            (number(data, 0), number(data, 6), number(data, 12))
            && (flags & 0x20 != 0 || height == 0)
        {
            self.hidden_rows.add(row.into(), row.into());
        }
    }

    /// First and last column, width, format, flags: bit 0 is "hidden".
    fn see_columns(&mut self, data: &[u8]) {
        if let (Some(first), Some(last), Some(width), Some(flags)) = (
            number(data, 0),
            number(data, 2),
            number(data, 4),
            number(data, 8),
        ) && (flags & 1 != 0 || width == 0)
            && first <= last
        {
            self.hidden_columns.add(first.into(), last.into());
        }
    }

    fn see_cell(&mut self, row: Option<u16>, column: Option<u16>) {
        let Some((row, column)) = row.zip(column) else {
            return;
        };
        self.cells += 1;
        self.end.0 = self.end.0.max(u64::from(row) + 1);
        self.end.1 = self.end.1.max(u64::from(column) + 1);
    }
}

/// Whether a sheet's size is none that a sheet has.
fn is_more_than_a_sheet(data: &[u8]) -> bool {
    let wide = |at: usize| {
        let bytes = data.get(at..)?.first_chunk()?;
        Some(u64::from(u32::from_le_bytes(*bytes)))
    };
    let short = |at| number(data, at).map(u64::from);
    let (rows, columns) = if data.len() < 14 {
        ([short(0), short(2)], [short(4), short(6)])
    } else {
        ([wide(0), wide(4)], [short(8), short(10)])
    };
    let length = |ends: [Option<u64>; 2]| ends[1]?.checked_sub(ends[0]?);
    match (length(rows), length(columns)) {
        (Some(rows), Some(columns)) => rows.saturating_mul(columns) > MAX_CELLS,
        _ => true,
    }
}

/// The number of two bytes at a place.
fn number(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}
