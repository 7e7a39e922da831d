//! A table is read as it was written, or what is wrong is reported; it is never altered.

use clap::ValueEnum as _;
use encoding_rs::{Encoding, UTF_16BE, WINDOWS_1252};
use proptest::prelude::*;

use super::*;
use crate::{EncodingChoice, Separator};

#[derive(Debug, Clone, Copy)]
enum Written {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Written {
    /// `None` if the encoding lacks a character.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        let utf_16 = |of: fn(u16) -> [u8; 2]| {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            units.flat_map(of).collect()
        };
        match self {
            Self::Utf8 => Some(text.into()),
            Self::Utf8Marked => Some(format!("\u{feff}{text}").into()),
            Self::Utf16Le => Some(utf_16(u16::to_le_bytes)),
            Self::Utf16Be => Some(utf_16(u16::to_be_bytes)),
            Self::Windows1252 => {
                let (bytes, _, lacks) = WINDOWS_1252.encode(text);
                (!lacks).then(|| bytes.into_owned())
            }
        }
    }

    fn encoding(self) -> EncodingChoice {
        let encoding: &'static Encoding = match self {
            Self::Windows1252 => WINDOWS_1252,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Utf8 | Self::Utf8Marked => encoding_rs::UTF_8,
        };
        encoding.into()
    }
}

type Cells = Vec<Vec<String>>;

fn tables(cell: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Cells> {
    (1..=6_usize).prop_flat_map(move |columns| {
        prop::collection::vec(prop::collection::vec(cell.clone(), columns), 1..=20)
    })
}

fn any_cell() -> impl Strategy<Value = String> + Clone {
    let special = prop::sample::select(
        ",;\t|\"\r\n a7é\u{fffd}\u{feff}\0"
            .chars()
            .collect::<Vec<_>>(),
    );
    let western = prop::sample::select(('\u{a0}'..='\u{ff}').collect::<Vec<_>>());
    let one = prop_oneof![3 => special, 2 => western, 1 => any::<char>()];
    prop::collection::vec(one, 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn western_cell() -> impl Strategy<Value = String> + Clone {
    "[A-Za-z ,;|\"\néëöüâ-]{0,12}"
}

fn written(table: &Cells, separator: Separator, crlf: bool) -> String {
    let mut csv = csv::WriterBuilder::new()
        .delimiter(separator.byte())
        .terminator(if crlf {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        })
        .from_writer(Vec::new());
    for row in table {
        csv.write_record(row).unwrap();
    }
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}

/// Rows of white space are left out but counted; a cell with U+FFFD is not certain.
fn expected(table: &Cells) -> Vec<ReadRow> {
    let cell = |cell: &String| (!cell.contains('\u{fffd}')).then(|| cell.clone());
    (1..)
        .zip(table)
        .filter(|(_, row)| !row.concat().trim_ascii().is_empty())
        .map(|(number, row)| (number, row.iter().map(cell).collect()))
        .collect()
}

fn check(
    table: &Cells,
    bytes: &[u8],
    options: &TableOptions,
    packed: bool,
) -> Result<(), TestCaseError> {
    let bytes = if packed { gzip(bytes) } else { bytes.to_vec() };
    let read = open_with(&bytes, options).and_then(|opened| {
        let first = all(opened.rows()?)?;
        Ok((first, all(opened.rows()?)?))
    });
    match read {
        Ok((first, second)) => {
            prop_assert_eq!(&first, &expected(table));
            prop_assert_eq!(first, second);
        }
        // In wide tables, text with line breaks may look like rows that a quotation mark swallowed.
        Err(error) => {
            let words = error.to_string();
            let may = table[0].len() >= 4 && words.contains("quotation mark")
                || options.encoding.is_none() && words.contains("--encoding");
            prop_assert!(may, "{}", words);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_table_is_read_as_it_was_written(
        table in tables(any_cell()),
        separator in prop::sample::select(Separator::value_variants()),
        form in prop::sample::select(vec![
            Written::Utf8, Written::Utf8Marked, Written::Utf16Le, Written::Utf16Be, Written::Windows1252,
        ]),
        asked: bool,
        packed: bool,
        crlf: bool,
    ) {
        // A mark at the beginning of the first cell is the file's.
        prop_assume!(!table[0][0].starts_with('\u{feff}'));
        let text = written(&table, separator, crlf);
        // A Ctrl-Z at the end is the file's, too.
        let end = |c: char| c.is_ascii_whitespace() || c == '\0';
        prop_assume!(!text.trim_end_matches(end).ends_with('\u{1a}'));
        if let Some(bytes) = form.encode(&text) {
            // Nothing tells some UTF-8 from Windows-1252, nor text full of NUL from UTF-16.
            let asked = asked
                || matches!(form, Written::Windows1252)
                || matches!(form, Written::Utf8) && text.contains('\0');
            let options = TableOptions {
                encoding: asked.then(|| form.encoding()),
                separator: Some(separator),
                ..Default::default()
            };
            check(&table, &bytes, &options, packed)?;
        }
    }

    #[test]
    fn names_in_windows_1252_are_read_or_asked_about(table in tables(western_cell()), packed: bool) {
        let text = written(&table, Separator::Comma, true);
        let bytes = Written::Windows1252.encode(&text).unwrap();
        let options = TableOptions {
            separator: Some(Separator::Comma),
            ..Default::default()
        };
        check(&table, &bytes, &options, packed)?;
    }
}
