//! A sheet on its way into a spool: one line of CSV for each row of the sheet, blank ones too, and
//! columns counted from A, so that places are those that the spreadsheet shows.

use std::{fs::File, io, sync::Arc};

use calamine::DataRef;
use csv::{Writer, WriterBuilder};
use pkb_core::Fatal;

use super::{
    cell_text,
    source::{cannot_spool, spool_file},
};

/// Rows and columns of Excel's sheets.
const MAX_ROWS: u32 = 1_048_576;
const MAX_COLUMNS: u32 = 16_384;
const BUFFER: usize = 256 << 10;

/// Takes cells row by row.
pub(super) struct SheetWriter {
    file: Arc<File>,
    csv: Writer<Arc<File>>,
    /// The row that is gathered, from 0.
    row: u32,
    cells: Vec<String>,
    /// Cells of this row up to the last that is not empty.
    used: usize,
    /// The same of all rows.
    width: usize,
}

/// Why a cell was not taken.
pub(super) enum WriteError {
    /// No spreadsheet has a cell there, or not in this order.
    Misplaced,
    Spool(Fatal),
}

impl SheetWriter {
    pub(super) fn new() -> Result<Self, Fatal> {
        let file = Arc::new(spool_file()?);
        let csv = WriterBuilder::new()
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_writer(Arc::clone(&file));
        Ok(Self {
            file,
            csv,
            row: 0,
            cells: Vec::new(),
            used: 0,
            width: 0,
        })
    }

    /// Takes the cell at a row and a column, both from 0. Rows must come in order.
    pub(super) fn put(
        &mut self,
        (row, column): (u32, u32),
        cell: &DataRef<'_>,
    ) -> Result<(), WriteError> {
        if matches!(cell, DataRef::Empty) {
            return Ok(());
        }
        if row < self.row || row >= MAX_ROWS || column >= MAX_COLUMNS {
            return Err(WriteError::Misplaced);
        }
        while self.row < row {
            self.end_row().map_err(WriteError::Spool)?;
        }
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize_with(column + 1, String::new);
        }
        self.cells[column].clear();
        cell_text::append(&mut self.cells[column], cell);
        if !self.cells[column].is_empty() {
            self.used = self.used.max(column + 1);
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Fatal> {
        let cells = &mut self.cells[..self.used];
        let written = if cells.is_empty() {
            self.csv.write_record([""])
        } else {
            self.csv.write_record(&*cells)
        };
        cells.iter_mut().for_each(String::clear);
        self.width = self.width.max(self.used);
        self.used = 0;
        self.row += 1;
        written.map_err(|error| cannot_spool(error.into()))
    }

    /// The spool and the number of the sheet's columns.
    pub(super) fn finish(mut self) -> Result<(Arc<File>, usize), Fatal> {
        self.end_row()?;
        self.csv
            .flush()
            .map_err(|error: io::Error| cannot_spool(error))?;
        Ok((self.file, self.width))
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

    #[test]
    fn rows_keep_their_places_and_take_nothing_from_the_row_before() {
        let mut sheet = SheetWriter::new().unwrap();
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
        let (spool, width) = sheet.finish().unwrap();
        let mut text = String::new();
        (&*spool).rewind().unwrap();
        (&*spool).read_to_string(&mut text).unwrap();
        assert_eq!(text, "\"\"\na,b,c\n\"\"\nd,,e\n,f\n");
        assert_eq!(width, 3);
    }

    #[test]
    fn cells_where_no_spreadsheet_has_any_are_refused() {
        let mut sheet = SheetWriter::new().unwrap();
        assert!(put(&mut sheet, 5, 0, "a"));
        assert!(!put(&mut sheet, 4, 0, "b"));
        assert!(!put(&mut sheet, 5, MAX_COLUMNS, "b"));
        assert!(!put(&mut sheet, MAX_ROWS, 0, "b"));
    }
}
