//! A row: its number and its cells.

use std::{
    fmt::{self, Display},
    ops::Range,
};

use memchr::memmem::Finder;

use super::cell_type::CellType;

/// A row of a table. One is made by the caller and filled again and again.
#[derive(Clone, Default)]
pub struct Row {
    /// The number that a spreadsheet shows: a row with line breaks in its cells is one, empty ones
    /// count.
    pub number: u64,
    /// The cells one after the other; longer than they are.
    pub(super) bytes: Vec<u8>,
    /// Where each cell ends; longer than there are cells.
    pub(super) ends: Vec<usize>,
    pub(super) cells: usize,
    /// Bytes between two cells: none, or the separator of a row that was taken over as it stood.
    pub(super) between: usize,
    /// The letters of the cells' types, in a row of a workbook that has any.
    types: Vec<u8>,
    pub(super) oddity: Option<Oddity>,
}

/// What is odd about a row of a text file, so that somebody should look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Text follows the quotation mark that closes this cell: what was meant is not certain.
    TextAfterQuote(usize),
    /// Some cells have line breaks.
    LineBreaks,
    /// This cell has line breaks, and as many separators as a row.
    LikeARow(usize),
}

/// A cell's bytes are not text in the encoding of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable;

impl Row {
    /// The number of cells.
    pub fn len(&self) -> usize {
        self.cells
    }

    /// Whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is odd about the row, if anything is.
    pub fn oddity(&self) -> Option<Oddity> {
        self.oddity
    }

    /// The text of the cell at a place counted from 0; empty where the row has no such cell.
    ///
    /// # Errors
    /// The cell's bytes cannot be decoded, or were replaced by U+FFFD here or before.
    pub fn cell(&self, at: usize) -> Result<&str, Undecodable> {
        self.texts().get(at)
    }

    /// The cells as text.
    pub fn texts(&self) -> Texts<'_> {
        let whole = std::str::from_utf8(self.content()).ok();
        Texts {
            row: self,
            whole,
            is_certain: whole.is_some_and(|text| !text.contains(char::REPLACEMENT_CHARACTER)),
        }
    }

    /// Whether a cell has a type (see [`CellType`]).
    pub fn has_types(&self) -> bool {
        !self.types.is_empty()
    }

    /// The type of the cell at a place counted from 0.
    pub fn cell_type(&self, at: usize) -> Option<CellType> {
        self.types
            .get(at)
            .and_then(|letter| CellType::of_letter(*letter))
    }

    /// Whether what is looked for stands anywhere in the row, if only over the edge of two cells.
    pub fn has(&self, what: &Finder<'_>) -> bool {
        what.find(self.content()).is_some()
    }

    /// The cells as bytes, decodable or not.
    pub fn cells_raw(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.cells).map(|at| self.cell_raw(at))
    }

    fn cell_raw(&self, at: usize) -> &[u8] {
        &self.bytes[self.place(at)]
    }

    /// Where a cell stands in `bytes`.
    fn place(&self, at: usize) -> Range<usize> {
        if at >= self.cells {
            return 0..0;
        }
        let before = at.checked_sub(1);
        let start = before.map_or(0, |before| self.ends[before] + self.between);
        start..self.ends[at]
    }

    /// Takes the first cell, which has the types of the others, out of the row.
    pub(super) fn take_types(&mut self) {
        self.types.clear();
        let Some(others) = self.cells.checked_sub(1) else {
            return;
        };
        let length = self.ends[0];
        self.types.extend_from_slice(&self.bytes[..length]);
        let end = self.ends[others];
        self.bytes.copy_within(length..end, 0);
        self.ends.copy_within(1..=others, 0);
        for end in &mut self.ends[..others] {
            *end -= length;
        }
        self.cells = others;
    }

    /// Takes over a line without quotation marks as it stands. False if it has more than `max` cells.
    pub(super) fn take_line(&mut self, line: &[u8], separator: u8, max: usize) -> bool {
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(separator, line));
        self.ends.push(line.len());
        self.bytes.clear();
        self.bytes.extend_from_slice(line);
        self.between = 1;
        self.oddity = None;
        self.cells = self.ends.len();
        self.cells <= max
    }

    /// All cells together, with what stands between them.
    pub(super) fn content(&self) -> &[u8] {
        let end = self.cells.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[..end]
    }

    /// Nothing but white space in any cell.
    pub(super) fn is_blank(&self) -> bool {
        self.cells_raw()
            .all(|cell| cell.trim_ascii_start().is_empty())
    }

    /// Adds empty cells up to a width.
    pub(super) fn widen(&mut self, width: usize) {
        let end = self.content().len();
        if self.ends.len() < width {
            self.ends.resize(width, 0);
        }
        while self.cells < width {
            self.ends[self.cells] = end;
            self.cells += 1;
        }
    }
}

/// The cells of a row as text. What can be found out about all of them at once is found out once: nearly
/// every row is text.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    row: &'a Row,
    /// All cells together, with what stands between them, if that is UTF-8.
    whole: Option<&'a str>,
    /// No cell is undecodable.
    is_certain: bool,
}

impl<'a> Texts<'a> {
    /// The text of a cell, as [`Row::cell`] has it.
    ///
    /// # Errors
    /// The cell is undecodable.
    pub fn get(&self, at: usize) -> Result<&'a str, Undecodable> {
        let text = match self.whole {
            // Without what stood between them, the end of one cell and the beginning of the next may make
            // a character.
            Some(whole) => whole.get(self.row.place(at)),
            None => std::str::from_utf8(self.row.cell_raw(at)).ok(),
        };
        match text {
            Some(text) if self.is_certain || !text.contains(char::REPLACEMENT_CHARACTER) => {
                Ok(text)
            }
            _ => Err(Undecodable),
        }
    }

    /// Whether all cells are ASCII.
    pub fn are_ascii(&self) -> bool {
        self.whole.is_some_and(str::is_ascii)
    }
}

/// Shows the number only: the cells are patients' data.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("number", &self.number)
            .field("cells", &self.cells)
            .finish_non_exhaustive()
    }
}

impl Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("has bytes that are not text in the file's encoding")
    }
}

impl std::error::Error for Undecodable {}
