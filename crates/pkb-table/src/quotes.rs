//! Follows the quotation marks of a row. csv-core reads what is between them; it does not say where
//! text follows a closing mark, as in `"The "Old" Mill"`, of which it makes something else.

use memchr::memchr;

/// Where in a cell the bytes have come to.
#[derive(Debug, Clone, Copy, Default)]
enum QuotePlace {
    #[default]
    CellStart,
    Unquoted,
    Quoted,
    /// Behind a mark that closes the cell, or is the first of two.
    Closed,
    /// Blanks follow the closing mark.
    Padding,
}

/// The quotation marks of a row.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    place: QuotePlace,
    cell: usize,
    text_after: Option<usize>,
}

impl Quotes {
    /// Goes on through bytes of the row, its line end included.
    pub(super) fn follow(&mut self, mut bytes: &[u8], separator: u8) {
        while let Some(first) = bytes.first() {
            let used = match self.place {
                QuotePlace::CellStart if *first == b'"' => {
                    self.place = QuotePlace::Quoted;
                    1
                }
                QuotePlace::CellStart | QuotePlace::Unquoted => match memchr(separator, bytes) {
                    Some(at) => self.next_cell(at + 1),
                    None => {
                        self.place = QuotePlace::Unquoted;
                        bytes.len()
                    }
                },
                QuotePlace::Quoted => match memchr(b'"', bytes) {
                    Some(at) => {
                        self.place = QuotePlace::Closed;
                        at + 1
                    }
                    None => bytes.len(),
                },
                QuotePlace::Closed if *first == b'"' => {
                    self.place = QuotePlace::Quoted;
                    1
                }
                QuotePlace::Closed | QuotePlace::Padding => self.behind(*first, separator),
            };
            bytes = &bytes[used..];
        }
    }

    /// The byte behind a closing mark.
    fn behind(&mut self, byte: u8, separator: u8) -> usize {
        match byte {
            _ if byte == separator => return self.next_cell(1),
            b'\n' | b'\r' => {}
            b' ' | b'\t' => self.place = QuotePlace::Padding,
            _ => {
                self.text_after = self.text_after.or(Some(self.cell));
                self.place = QuotePlace::Unquoted;
            }
        }
        1
    }

    fn next_cell(&mut self, used: usize) -> usize {
        self.cell += 1;
        self.place = QuotePlace::CellStart;
        used
    }

    /// The first cell that has text behind its closing quotation mark.
    pub(super) fn text_after(&self) -> Option<usize> {
        self.text_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_after(row: &str) -> Option<usize> {
        // In pieces of every size.
        let found = (1..=row.len()).map(|size| {
            let mut quotes = Quotes::default();
            for piece in row.as_bytes().chunks(size) {
                quotes.follow(piece, b',');
            }
            quotes.text_after()
        });
        let found: Vec<_> = found.collect();
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{row}");
        found[0]
    }

    #[test]
    fn text_behind_a_closing_quotation_mark_is_found() {
        for (row, cell) in [
            ("a,\"The \"Old\" Mill\",b\r\n", Some(1)),
            ("\"a\"b\n", Some(0)),
            ("a,b,\"c\"\" \"d\n", Some(2)),
            ("\"a\" \"b\"\n", Some(0)),
            ("\"The \"\"Old\"\" Mill\",b\n", None),
            ("\"a\" ,\"b\"\t\r\n", None),
            ("5\" pipe,The \"Old\" Mill\n", None),
            ("\"a\nb\",\"\"\n", None),
            (" \"a\"b\n", None),
        ] {
            assert_eq!(text_after(row), cell, "{row}");
        }
    }
}
