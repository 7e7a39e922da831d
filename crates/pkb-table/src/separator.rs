//! What stands between the cells of a text file.

use std::fmt::{self, Display};

use clap::ValueEnum;
use csv::{ByteRecord, ReaderBuilder};

/// A separator of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`, which Excel writes where the comma is the decimal sign
    Semicolon,
    /// Tab
    Tab,
    /// `|`
    Pipe,
}

impl Separator {
    /// In order of preference.
    pub(super) const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// The separator that a first line `sep=;` names: a hint for Excel, not a row of the table.
    pub(super) fn hinted(start: &[u8]) -> Option<Self> {
        let line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let line = line
            .strip_prefix(b"\"")
            .and_then(|line| line.strip_suffix(b"\""))
            .unwrap_or(line);
        let (word, byte) = line.split_at_checked(4)?;
        Self::ALL
            .into_iter()
            .find(|separator| word.eq_ignore_ascii_case(b"sep=") && byte == [separator.byte()])
    }

    /// The separator that makes the most cells of the first row that has any; the comma where none
    /// makes more than one.
    pub(super) fn most_cells(start: &[u8]) -> Self {
        let mut best = (1, Self::Comma);
        for separator in Self::ALL {
            let cells = cells_of_first_row(start, separator);
            if cells > best.0 {
                best = (cells, separator);
            }
        }
        best.1
    }
}

fn cells_of_first_row(start: &[u8], separator: Separator) -> usize {
    let mut csv = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator.byte())
        .from_reader(start);
    let mut row = ByteRecord::new();
    while matches!(csv.read_byte_record(&mut row), Ok(true)) {
        if row.iter().any(|cell| !cell.trim_ascii().is_empty()) {
            return row.len();
        }
    }
    0
}

impl Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Pipe => "pipes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_that_makes_the_most_cells_of_the_header_wins() {
        let cases: [(&[u8], Separator); 8] = [
            (b"a,b,c\n1;2;3;4;5", Separator::Comma),
            (b"a;b;c,d\n", Separator::Semicolon),
            (b"\r\n\r\na\tb\r\n", Separator::Tab),
            (b"a|b|c", Separator::Pipe),
            (b"\"a,b,c,d\";e;f\n", Separator::Semicolon),
            (b"\"a\nb,c\";d", Separator::Semicolon),
            (b"a,b;c\n", Separator::Comma),
            (b"alone\n1;2\n", Separator::Comma),
        ];
        for (start, separator) in cases {
            assert_eq!(Separator::most_cells(start), separator);
        }
    }

    #[test]
    fn only_the_whole_first_line_is_a_hint() {
        assert_eq!(Separator::hinted(b"sep=;\r\na"), Some(Separator::Semicolon));
        assert_eq!(Separator::hinted(b"\"SEP=|\"\na"), Some(Separator::Pipe));
        assert_eq!(Separator::hinted(b"sep=\t"), Some(Separator::Tab));
        for not in [
            "", "sep", "sep=", "sep=x\n", "sep=;;\n", "sep=;a", "\nsep=;",
        ] {
            assert_eq!(Separator::hinted(not.as_bytes()), None, "{not:?}");
        }
    }
}
