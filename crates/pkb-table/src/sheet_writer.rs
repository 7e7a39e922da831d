//! A sheet on its way into a spool: one line of CSV for each row of the sheet, blank ones too, and
//! columns counted from A, so that places are those that the spreadsheet shows. Before the cells of a
//! row stand the letters of their types (see [`CellType`]).

use std::{fs::File, io, sync::Arc};

use calamine::DataRef;
use csv::{Writer, WriterBuilder};
use pkb_core::Fatal;

use super::{
    cell_text,
    cell_type::CellType,
    ranges::Ranges,
    source::{cannot_spool, spool_file},
};

/// Rows and columns of Excel's sheets.
pub(super) const MAX_ROWS: u32 = 1_048_576;
pub(super) const MAX_COLUMNS: u32 = 16_384;
/// Bytes of a cell: Excel allows 32,767 characters.
const MAX_CELL_BYTES: usize = 4 * 32_767;
/// Bytes of a sheet: a kilobyte for each row that there can be.
const MAX_SHEET_BYTES: u64 = if cfg!(test) { 16 << 20 } else { 1 << 30 };
/// Rows at the beginning that are kept to look at.
const FIRST_ROWS: usize = 20;
const BUFFER: usize = 256 << 10;

/// Takes cells row by row.
pub(super) struct SheetWriter {
    file: Arc<File>,
    csv: Writer<Arc<File>>,
    /// Rows that the spreadsheet does not show.
    hidden: Ranges,
    /// Hidden rows are written as blank ones.
    drops_hidden: bool,
    /// The row that is gathered, from 0.
    row: u32,
    cells: Vec<String>,
    /// The letters of the cells' types.
    types: String,
    /// Cells of this row up to the last that is not empty.
    used: usize,
    bytes: u64,
    sheet: WrittenSheet,
}

/// What is known of a sheet that was written.
#[derive(Debug, Default)]
pub(super) struct WrittenSheet {
    /// The number of columns.
    pub(super) width: usize,
    /// Rows with anything in them, without those that were dropped.
    pub(super) rows: u64,
    /// The first of them.
    pub(super) first_rows: Vec<Vec<String>>,
    /// Hidden rows with anything in them.
    pub(super) hidden_rows: Ranges,
}

/// Why a cell was not taken.
#[derive(Debug)]
pub(super) enum WriteError {
    /// No spreadsheet has a cell at this row and column (from 0), or not in this order, or two.
    Misplaced(u32, u32),
    /// The cell at this row and column (from 0) is longer than a spreadsheet's can be.
    LongCell(u32, u32),
    /// The sheet holds more than a patient file can.
    LargeSheet,
    Spool(Fatal),
}

impl SheetWriter {
    /// A writer that keeps hidden rows, or writes blank ones in their places.
    pub(super) fn new(drops_hidden: bool) -> Result<Self, Fatal> {
        let file = Arc::new(spool_file()?);
        let csv = WriterBuilder::new()
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_writer(Arc::clone(&file));
        Ok(Self {
            file,
            csv,
            hidden: Ranges::default(),
            drops_hidden,
            row: 0,
            cells: Vec::new(),
            types: String::new(),
            used: 0,
            bytes: 0,
            sheet: WrittenSheet::default(),
        })
    }

    /// Says that the spreadsheet does not show some rows. Must come before their cells.
    pub(super) fn hide(&mut self, rows: Ranges) {
        self.hidden = rows;
    }

    /// Says the same of rows from `first` to `last`, in ascending order.
    pub(super) fn hide_also(&mut self, first: u32, last: u32) {
        self.hidden.add(first, last);
    }

    /// Takes the cell at a row and a column, both from 0. Rows must come in order.
    pub(super) fn put(&mut self, place: (u32, u32), cell: &DataRef<'_>) -> Result<(), WriteError> {
        if matches!(cell, DataRef::Empty) {
            return Ok(());
        }
        let at = self.go_to(place)?;
        cell_text::append(&mut self.cells[at], cell);
        let length = self.cells[at].len();
        if length == 0 {
            return Ok(());
        }
        if length > MAX_CELL_BYTES {
            return Err(WriteError::LongCell(place.0, place.1));
        }
        self.bytes += length as u64;
        self.used = self.used.max(at + 1);
        if let Some(cell_type) = CellType::of(cell) {
            self.set_type(at, cell_type);
        }
        Ok(())
    }

    /// Takes an empty cell that is not meant to be empty.
    pub(super) fn put_uncalculated(&mut self, place: (u32, u32)) -> Result<(), WriteError> {
        let at = self.go_to(place)?;
        self.used = self.used.max(at + 1);
        self.set_type(at, CellType::Uncalculated);
        Ok(())
    }

    /// Ends the rows before a place, and makes room for its cell.
    fn go_to(&mut self, (row, column): (u32, u32)) -> Result<usize, WriteError> {
        let misplaced = WriteError::Misplaced(row, column);
        if row < self.row || row >= MAX_ROWS || column >= MAX_COLUMNS {
            return Err(misplaced);
        }
        while self.row < row {
            self.end_row()?;
        }
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize_with(column + 1, String::new);
        }
        if self.cells[column].is_empty() {
            Ok(column)
        } else {
            Err(misplaced)
        }
    }

    fn set_type(&mut self, at: usize, cell_type: CellType) {
        // Letters and blanks are one byte each.
        while self.types.len() <= at {
            self.types.push(' ');
        }
        let mut letter = [0; 4];
        self.types
            .replace_range(at..=at, cell_type.letter().encode_utf8(&mut letter));
    }

    fn end_row(&mut self) -> Result<(), WriteError> {
        let is_hidden = self.used > 0 && self.hidden.contains(self.row);
        if is_hidden {
            self.sheet.hidden_rows.add(self.row, self.row);
        }
        let used = if is_hidden && self.drops_hidden {
            0
        } else {
            self.used
        };
        let cells = &self.cells[..used];
        let types = if used == 0 { "" } else { &self.types };
        let texts = cells.iter().map(String::as_str);
        self.bytes += 1 + used as u64;
        let written = self.csv.write_record(std::iter::once(types).chain(texts));
        written.map_err(|error| WriteError::Spool(cannot_spool(error.into())))?;
        if used > 0 {
            self.sheet.rows += 1;
            self.sheet.width = self.sheet.width.max(used);
            if self.sheet.first_rows.len() < FIRST_ROWS {
                self.sheet.first_rows.push(cells.to_vec());
            }
        }
        self.cells[..self.used].iter_mut().for_each(String::clear);
        self.types.clear();
        self.used = 0;
        self.row += 1;
        if self.bytes > MAX_SHEET_BYTES {
            return Err(WriteError::LargeSheet);
        }
        Ok(())
    }

    /// The spool and what is in it.
    pub(super) fn finish(mut self) -> Result<(Arc<File>, WrittenSheet), WriteError> {
        self.end_row()?;
        self.csv
            .flush()
            .map_err(|error: io::Error| WriteError::Spool(cannot_spool(error)))?;
        Ok((self.file, self.sheet))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    fn put(sheet: &mut SheetWriter, row: u32, column: u32, text: &str) -> bool {
        let cell = DataRef::SharedString(text);
        sheet.put((row, column), &cell).is_ok()
    }

    fn written(sheet: SheetWriter) -> (String, WrittenSheet) {
        let (spool, sheet) = sheet.finish().unwrap();
        let mut text = String::new();
        (&*spool).rewind().unwrap();
        (&*spool).read_to_string(&mut text).unwrap();
        (text, sheet)
    }

    #[test]
    fn rows_keep_their_places_and_take_nothing_from_the_row_before() {
        let mut sheet = SheetWriter::new(false).unwrap();
        for (row, column, text) in [
            (1, 0, "a"),
            (1, 1, "b"),
            (1, 2, "c"),
            (3, 2, "e"),
            (3, 0, "d"),
            (4, 1, "f"),
            (4, 3, ""),
        ] {
            assert!(put(&mut sheet, row, column, text));
        }
        sheet.put((4, 2), &DataRef::Bool(true)).unwrap();
        let (text, sheet) = written(sheet);
        assert_eq!(text, "\"\"\n,a,b,c\n\"\"\n,d,,e\n  l,,f,TRUE\n");
        assert_eq!((sheet.width, sheet.rows), (3, 3));
        assert_eq!(sheet.first_rows[1], ["d", "", "e"]);
    }

    #[test]
    fn cells_where_no_spreadsheet_has_any_are_refused() {
        let mut sheet = SheetWriter::new(false).unwrap();
        assert!(put(&mut sheet, 5, 0, "a"));
        assert!(!put(&mut sheet, 4, 0, "b"));
        assert!(!put(&mut sheet, 5, MAX_COLUMNS, "b"));
        assert!(!put(&mut sheet, MAX_ROWS, 0, "b"));
        assert!(!put(&mut sheet, 5, 0, "a second one"));
    }

    #[test]
    fn what_no_spreadsheet_can_hold_is_refused() {
        let mut sheet = SheetWriter::new(false).unwrap();
        let text = "x".repeat(MAX_CELL_BYTES);
        assert!(put(&mut sheet, 0, 0, &text));
        assert!(!put(&mut sheet, 0, 1, &format!("{text}x")));
        let mut sheet = SheetWriter::new(false).unwrap();
        let filled = (0..MAX_ROWS).find(|row| !put(&mut sheet, *row, 0, &text));
        assert!(filled.is_some_and(|row| row < 200));
    }

    #[test]
    fn hidden_rows_are_known_and_blank_if_they_are_dropped() {
        for (drops, text) in [(false, ",a\n,b\n,c\n"), (true, ",a\n\"\"\n,c\n")] {
            let mut sheet = SheetWriter::new(drops).unwrap();
            sheet.hide_also(1, 1);
            // Nothing is in this one.
            sheet.hide_also(7, 9);
            for (row, text) in [(0, "a"), (1, "b"), (2, "c")] {
                assert!(put(&mut sheet, row, 0, text));
            }
            let (spooled, sheet) = written(sheet);
            assert_eq!(spooled, text);
            assert_eq!(sheet.hidden_rows.to_string(), "2");
            assert_eq!(sheet.rows, if drops { 2 } else { 3 });
        }
    }
}
