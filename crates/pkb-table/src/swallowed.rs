//! Tells a cell of several lines, such as an address, from rows that a quotation mark has swallowed: one
//! that opens in a row and closes in a later one.

use memchr::{memchr, memchr_iter, memchr2};

use super::row::Row;

/// A quoted cell with line breaks that goes beyond these is one that was never closed.
const MAX_LINE_BREAKS: usize = 100;
const MAX_BYTES_WITH_LINE_BREAKS: usize = 64 << 10;
/// With fewer columns, free text with line breaks may look like rows. No patient file has fewer.
const COLUMNS_OF_A_LINE: usize = 4;
/// The first cell of a row is known again by so many digits.
const DIGITS_OF_AN_IDENTIFIER: usize = 6;

/// What a row with line breaks in its cells is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineBreaks {
    /// A row with cells of several lines.
    Plain,
    /// Such a row, but this cell has as many separators as a row has.
    LikeARow(usize),
    /// More than one row: this cell has swallowed the end of one and the beginning of the next.
    Swallowed(usize),
}

/// Judges a row that has line breaks in its cells. `header` is the number of the header's cells; the header
/// itself has none yet.
pub(super) fn judge(row: &Row, separator: u8, header: Option<usize>) -> LineBreaks {
    let (is_header, columns) = (header.is_none(), header.unwrap_or(row.len()));
    let cells = Cells {
        row,
        separator,
        needed: columns.saturating_sub(1),
        inside: row
            .cells_raw()
            .map(|cell| memchr_iter(separator, cell).count())
            .collect(),
    };
    let several_lines = || {
        row.cells_raw()
            .enumerate()
            .filter(|(_, cell)| memchr2(b'\n', b'\r', cell).is_some())
    };
    if let Some((at, _)) = several_lines().find(|(_, cell)| is_endless(cell)) {
        return LineBreaks::Swallowed(at);
    }
    if columns < COLUMNS_OF_A_LINE {
        return LineBreaks::Plain;
    }
    // A row of another length, with a cell of several lines: nobody knows which line is which row's.
    let is_ragged = row.len() != columns;
    let is_bad = |at: usize, cell: &[u8]| {
        is_ragged || is_header && cells.hold_more_than_a_header(at, cell) || cells.swallow(at, cell)
    };
    if let Some((at, _)) = several_lines().find(|(at, cell)| is_bad(*at, cell)) {
        return LineBreaks::Swallowed(at);
    }
    several_lines()
        .find(|(at, _)| cells.inside[*at] >= cells.needed)
        .map_or(LineBreaks::Plain, |(at, _)| LineBreaks::LikeARow(at))
}

fn is_endless(cell: &[u8]) -> bool {
    let count = |byte| memchr_iter(byte, cell).count();
    count(b'\n').max(count(b'\r')) > MAX_LINE_BREAKS || cell.len() > MAX_BYTES_WITH_LINE_BREAKS
}

fn lines(cell: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    cell.split(|byte| matches!(byte, b'\n' | b'\r'))
}

struct Cells<'a> {
    row: &'a Row,
    separator: u8,
    /// Separators that a row has.
    needed: usize,
    /// Separators within each cell.
    inside: Vec<usize>,
}

impl Cells<'_> {
    fn count(&self, text: &[u8]) -> usize {
        memchr_iter(self.separator, text).count()
    }

    fn swallow(&self, at: usize, cell: &[u8]) -> bool {
        let has_a_row = lines(cell).any(|line| self.count(line) >= self.needed);
        // Up to the quotation mark that closes the cell where it should open one.
        let has_a_mark = self.inside[at] >= self.needed && memchr(b'"', cell).is_some();
        has_a_row
            || has_a_mark
            || self.is_complete_on_both_sides(at, cell)
            || self.begins_again(cell)
    }

    /// Whether there are as many separators as a row has before the cell's first line break, and as many
    /// behind its last: the end of one row and the beginning of the next. This holds wherever the mark
    /// opens and closes.
    fn is_complete_on_both_sides(&self, at: usize, cell: &[u8]) -> bool {
        let (mut lines, mut back) = (lines(cell), lines(cell).rev());
        let first = lines.next().map_or(0, |line| self.count(line));
        let last = back.next().map_or(0, |line| self.count(line));
        let outside = |inside: &[usize]| inside.iter().sum::<usize>() + inside.len();
        outside(&self.inside[..at]) + first >= self.needed
            && last + outside(&self.inside[at + 1..]) >= self.needed
    }

    /// A name of a column has no separators, and no line that is a patient's number.
    fn hold_more_than_a_header(&self, at: usize, cell: &[u8]) -> bool {
        self.inside[at] > 0 || lines(cell).skip(1).any(|line| digits(line).is_some())
    }

    /// Whether a later line of the cell begins as the row does, with a number of as many digits.
    fn begins_again(&self, cell: &[u8]) -> bool {
        let first_cell = |text: &'_ [u8]| {
            let end = memchr(self.separator, text)?;
            digits(&text[..end])
        };
        let Some(own) = self
            .row
            .cells_raw()
            .next()
            .and_then(|first| digits(lines(first).next()?))
        else {
            return false;
        };
        lines(cell)
            .skip(1)
            .any(|line| first_cell(line) == Some(own))
    }
}

/// How many digits a number such as `999 000 0026` has; `None` for any other text.
fn digits(text: &[u8]) -> Option<usize> {
    let is_number = text
        .iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'"' | b'\''));
    let count = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    (is_number && count >= DIGITS_OF_AN_IDENTIFIER).then_some(count)
}
