//! Rows of a table, one after the other.

use std::io::{BufRead as _, BufReader, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr2};
use pkb_core::Fatal;

use super::{
    layout::{self, Layout},
    row::Row,
    source::Source,
};

/// Bytes asked of the source at once.
const BUFFER: usize = 256 << 10;
/// A row longer than this is no row of patient data.
const MAX_ROW_BYTES: usize = 1 << 20;
/// As many columns as Excel has.
const MAX_CELLS: usize = 16_384;
/// A quoted cell with line breaks that goes beyond these is one that was never closed.
const MAX_LINE_BREAKS: usize = 100;
const MAX_BYTES_WITH_LINE_BREAKS: usize = 64 << 10;
/// With fewer columns, free text with line breaks may look like rows.
const COLUMNS_OF_A_LINE: usize = 4;

/// Reads the rows of a table.
///
/// This drives csv-core itself, as the csv crate's own reader does. So it sees where a line begins,
/// which makes the row numbers exact for each kind of line end, and can stop before a quotation mark
/// that is never closed swallows the rest of the file.
pub struct Rows {
    source: Source,
    layout: Layout,
    input: BufReader<Box<dyn Read + Send>>,
    csv: Reader,
    /// Rows gone by, empty ones included.
    gone: u64,
    /// The last row ended with CR: a LF that follows belongs to it.
    after_cr: bool,
    /// Cells of the first row that is not blank.
    header_cells: Option<usize>,
}

impl Rows {
    pub(super) fn new(source: Source, layout: &Layout) -> Result<Self, Fatal> {
        Self::with_buffer(BUFFER, source, layout)
    }

    pub(super) fn with_buffer(
        bytes: usize,
        source: Source,
        layout: &Layout,
    ) -> Result<Self, Fatal> {
        let text = layout::text(&source, layout.encoding)?;
        Ok(Self {
            source,
            layout: *layout,
            input: BufReader::with_capacity(bytes, Box::new(text)),
            csv: ReaderBuilder::new()
                .delimiter(layout.separator.byte())
                .build(),
            gone: 0,
            after_cr: false,
            header_cells: None,
        })
    }

    /// Reads the next row that has anything in it; false at the end. After an error there are no
    /// more rows.
    ///
    /// # Errors
    /// The file cannot be read, or a row runs on where a quotation mark is not closed.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, Fatal> {
        while self.find_row()? {
            self.read_row(row)?;
            if self.layout.sheet_width.is_some() {
                row.take_types();
            }
            let is_hint = self.layout.hint && row.number == 1;
            if is_hint || row.is_blank() {
                continue;
            }
            if let Some(width) = self.layout.sheet_width {
                row.widen(width);
            } else if memchr2(b'\n', b'\r', row.content()).is_some() {
                self.check_line_breaks(row)?;
            }
            self.header_cells.get_or_insert(row.len());
            return Ok(true);
        }
        row.cells = 0;
        Ok(false)
    }

    /// Goes over empty lines, which the parser would skip without counting.
    fn find_row(&mut self) -> Result<bool, Fatal> {
        loop {
            let input = self.input.fill_buf();
            let input = input.map_err(|error| self.source.unreadable(error))?;
            match input.first() {
                None => return Ok(false),
                Some(b'\n') if self.after_cr => self.after_cr = false,
                Some(byte @ (b'\n' | b'\r')) => {
                    self.gone += 1;
                    self.after_cr = *byte == b'\r';
                }
                Some(_) => return Ok(true),
            }
            self.input.consume(1);
        }
    }

    /// Reads the row that begins here.
    fn read_row(&mut self, row: &mut Row) -> Result<(), Fatal> {
        self.gone += 1;
        row.number = self.gone;
        if self.read_plain_row(row) {
            return Ok(());
        }
        row.cells = 0;
        row.between = 0;
        let mut bytes = 0;
        loop {
            let input = self.input.fill_buf();
            let input = input.map_err(|error| self.source.unreadable(error))?;
            // A line end at the end of the file closes the last row, unless a quotation mark is
            // still open.
            let is_end = input.is_empty();
            let input = if is_end { b"\n" } else { input };
            let (result, read, written, ended) =
                self.csv
                    .read_record(input, &mut row.bytes[bytes..], &mut row.ends[row.cells..]);
            bytes += written;
            row.cells += ended;
            self.after_cr = read > 0 && input[read - 1] == b'\r';
            if !is_end {
                self.input.consume(read);
            }
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::InputEmpty if is_end => return Err(self.open_quote(row)),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if bytes < MAX_ROW_BYTES => {
                    row.bytes.resize((bytes * 2).max(1 << 10), 0);
                }
                ReadRecordResult::OutputEndsFull if row.cells < MAX_CELLS => {
                    row.ends.resize((row.cells * 2).max(1 << 5), 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(self.endless(row));
                }
            }
        }
    }

    /// Reads the row that begins here if it is one that nothing has to be taken out of, as nearly all are:
    /// a line in the buffer, without quotation marks. csv-core makes the same cells of it, byte by byte.
    fn read_plain_row(&mut self, row: &mut Row) -> bool {
        // The header goes to csv-core, which takes a byte-order mark from the first row that it gets. A
        // sheet's rows may have to be widened.
        if self.header_cells.is_none() || self.layout.sheet_width.is_some() {
            return false;
        }
        let input = self.input.buffer();
        let Some(end) = memchr(b'\n', input) else {
            return false;
        };
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        if memchr2(b'"', b'\r', line).is_some()
            || !row.take_line(line, self.layout.separator.byte(), MAX_CELLS)
        {
            return false;
        }
        self.input.consume(end + 1);
        self.after_cr = false;
        true
    }

    /// Tells a cell with line breaks from rows that an open quotation mark has swallowed.
    fn check_line_breaks(&self, row: &Row) -> Result<(), Fatal> {
        let separator = self.layout.separator.byte();
        let columns = self
            .header_cells
            .filter(|cells| *cells >= COLUMNS_OF_A_LINE);
        for (at, cell) in row.cells_raw().enumerate() {
            if memchr2(b'\n', b'\r', cell).is_none() {
                continue;
            }
            let count = |byte| memchr_iter(byte, cell).count();
            let lines = count(b'\n').max(count(b'\r'));
            let swallowed = columns.is_some_and(|columns| {
                let is_row = |text: &[u8]| memchr_iter(separator, text).count() + 1 >= columns;
                // A row within the cell, or the end of one and the beginning of the next, up to the
                // quotation mark that closes the cell where it should open one.
                cell.split(|byte| matches!(byte, b'\n' | b'\r')).any(is_row)
                    || (is_row(cell) && memchr(b'"', cell).is_some())
            });
            if lines > MAX_LINE_BREAKS || cell.len() > MAX_BYTES_WITH_LINE_BREAKS || swallowed {
                return Err(self.unclosed(row.number, at));
            }
        }
        Ok(())
    }

    /// The file has ended in the middle of a cell.
    fn open_quote(&self, row: &Row) -> Fatal {
        self.unclosed(row.number, row.cells)
    }

    fn unclosed(&self, number: u64, at: usize) -> Fatal {
        Fatal::Input(format!(
            "{}: row {number}, cell {}: a quotation mark opens the cell and is not closed, so that the following rows run into it; close or remove it there",
            self.source,
            at + 1
        ))
    }

    /// The row goes on and on.
    fn endless(&mut self, row: &Row) -> Fatal {
        // A line end closes a row, but not a quotation mark.
        let (result, ..) = self.csv.read_record(b"\n", &mut [0; 8], &mut [0; 8]);
        if matches!(result, ReadRecordResult::Record) {
            Fatal::Input(format!(
                "{}: row {} is too long to be a row of a table; check the file and its encoding",
                self.source, row.number
            ))
        } else {
            self.open_quote(row)
        }
    }
}
