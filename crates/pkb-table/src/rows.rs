//! Rows of a table, one after the other.

use std::io::{BufRead as _, BufReader};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr2};
use pkb_core::Fatal;

use super::{
    layout::{self, Layout, TextReader},
    quotes::Quotes,
    row::{Oddity, Row},
    source::Source,
    swallowed::{self, LineBreaks},
};

/// Bytes asked of the source at once.
const BUFFER: usize = 256 << 10;
/// A row longer than this is no row of patient data.
const MAX_ROW_BYTES: usize = 1 << 20;
/// As many columns as Excel has.
const MAX_CELLS: usize = 16_384;
/// Reads the rows of a table.
///
/// This drives csv-core itself, as the csv crate's own reader does. So it sees where a line begins,
/// which makes the row numbers exact for each kind of line end, and can stop before a quotation mark
/// that is never closed swallows the rest of the file.
pub struct Rows {
    source: Source,
    layout: Layout,
    input: BufReader<TextReader>,
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
            input: BufReader::with_capacity(bytes, text),
            csv: ReaderBuilder::new()
                .delimiter(layout.separator.byte())
                .build(),
            gone: 0,
            after_cr: false,
            header_cells: None,
        })
    }

    /// Reads the next row that has anything in it, beginning with the header; false at the end. After
    /// an error there are no more rows.
    ///
    /// # Errors
    /// The file cannot be read, a row runs on where a quotation mark is not closed, or there is nothing
    /// in the row that the operator calls the header.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, Fatal> {
        while self.find_row()? {
            self.read_row(row)?;
            if self.layout.sheet_width.is_some() {
                row.take_types();
            }
            let is_hint = self.layout.hint && row.number == 1;
            let is_above = self.header_cells.is_none()
                && self
                    .layout
                    .header_row
                    .is_some_and(|header| row.number < header);
            if is_hint || is_above || row.is_blank() {
                continue;
            }
            if let Some(width) = self.layout.sheet_width {
                row.widen(width);
            } else {
                self.check_line_breaks(row)?;
            }
            self.begin_with_header(row)?;
            return Ok(true);
        }
        row.cells = 0;
        if self.header_cells.is_none() && self.layout.header_row.is_some() {
            return Err(self.no_header());
        }
        Ok(false)
    }

    /// Takes the first row for the header, and nothing else for one that the operator has named.
    fn begin_with_header(&mut self, row: &Row) -> Result<(), Fatal> {
        if self.header_cells.is_some() {
            return Ok(());
        }
        self.header_cells = Some(row.len());
        if let Some(Oddity::TextAfterQuote(at)) = row.oddity {
            return Err(Fatal::Refused(format!(
                "{}: row {}, cell {}: the header has a quotation mark inside a quoted cell, so it is not certain where the cell ends. Remove the mark, and check the file again. Run: {}",
                self.source,
                row.number,
                at + 1,
                self.source.command("").trim_end(),
            )));
        }
        match self.layout.header_row {
            Some(header) if header != row.number => Err(self.no_header()),
            _ => Ok(()),
        }
    }

    fn no_header(&self) -> Fatal {
        Fatal::Usage(format!(
            "{}: row {} is empty or does not exist, so it is not the header. Look for the header's row number in a \
             spreadsheet. Run: {}",
            self.source,
            self.layout.header_row.unwrap_or_default(),
            self.source.command("--header-row ROW"),
        ))
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
        row.oddity = None;
        let mut quotes = Quotes::default();
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
            quotes.follow(&input[..read], self.layout.separator.byte());
            if !is_end {
                self.input.consume(read);
            }
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => {
                    row.oddity = quotes.text_after().map(Oddity::TextAfterQuote);
                    return Ok(());
                }
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
    fn check_line_breaks(&self, row: &mut Row) -> Result<(), Fatal> {
        if row.between > 0 || memchr2(b'\n', b'\r', row.content()).is_none() {
            return Ok(());
        }
        let separator = self.layout.separator.byte();
        let judged = swallowed::judge(row, separator, self.header_cells);
        let at = match (judged, row.oddity) {
            (LineBreaks::Swallowed(at), _) | (_, Some(Oddity::TextAfterQuote(at))) => at,
            (LineBreaks::LikeARow(at), _) => {
                row.oddity = Some(Oddity::LikeARow(at));
                return Ok(());
            }
            (LineBreaks::Plain, _) => {
                row.oddity = Some(Oddity::LineBreaks);
                return Ok(());
            }
        };
        Err(self.unclosed(row.number, at))
    }

    /// The file has ended in the middle of a cell.
    fn open_quote(&self, row: &Row) -> Fatal {
        self.unclosed(row.number, row.cells)
    }

    fn unclosed(&self, number: u64, at: usize) -> Fatal {
        Fatal::Refused(format!(
            "{}: row {number}, cell {}: a quotation mark opens the cell and is not closed there, so the next rows run into the cell. Close the mark or remove it, and check the file again. Run: {}",
            self.source,
            at + 1,
            self.source.command("").trim_end(),
        ))
    }

    /// The row goes on and on.
    fn endless(&mut self, row: &Row) -> Fatal {
        // A line end closes a row, but not a quotation mark.
        let (result, ..) = self.csv.read_record(b"\n", &mut [0; 8], &mut [0; 8]);
        if matches!(result, ReadRecordResult::Record) {
            Fatal::Input(format!(
                "{}: row {} is too long to be a row of a table. Check the file and its encoding",
                self.source, row.number
            ))
        } else {
            self.open_quote(row)
        }
    }
}
