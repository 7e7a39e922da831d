//! A row: its number and its cells.

use std::fmt::{self, Display};

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
}

/// A cell's bytes are not text in the encoding of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable;

impl Row {
    /// The number of cells.
    pub fn len(&self) -> usize {
        self.cells
    }

    /// The text of the cell at a place counted from 0; empty where the row has no such cell.
    ///
    /// # Errors
    /// The cell's bytes cannot be decoded, or were replaced by U+FFFD here or before.
    pub fn cell(&self, at: usize) -> Result<&str, Undecodable> {
        let text = std::str::from_utf8(self.cell_raw(at)).map_err(|_| Undecodable)?;
        if !text.is_ascii() && text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Undecodable);
        }
        Ok(text)
    }

    /// Whether the bytes stand anywhere in the row.
    pub fn has(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(self.content(), bytes).is_some()
    }

    /// Whether all cells are ASCII, so that none of them is undecodable.
    pub fn is_ascii(&self) -> bool {
        self.content().is_ascii()
    }

    /// The cells as bytes, decodable or not.
    pub fn cells_raw(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.cells).map(|at| self.cell_raw(at))
    }

    fn cell_raw(&self, at: usize) -> &[u8] {
        if at >= self.cells {
            return &[];
        }
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    /// All cells together.
    pub(super) fn content(&self) -> &[u8] {
        let end = self.cells.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[..end]
    }

    /// Nothing but white space in any cell.
    pub(super) fn is_blank(&self) -> bool {
        self.content().trim_ascii_start().is_empty()
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
