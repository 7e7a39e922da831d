//! Quotation marks that open and close anywhere: the file is refused, the row is known as doubtful, or it
//! is the row that was written.

use encoding_rs::{ISO_8859_14, MACINTOSH, WINDOWS_1252};
use proptest::prelude::*;

use super::*;
use crate::{EncodingChoice, Oddity, Separator, code_page::CodePage};

/// Rows read, with what is odd about each.
fn read_oddly(
    bytes: &[u8],
    options: &TableOptions,
) -> Result<Vec<(ReadRow, Option<Oddity>)>, Fatal> {
    let mut rows = open_with(bytes, options)?.rows()?;
    let mut row = Row::default();
    let mut read = Vec::new();
    while rows.next_row(&mut row)? {
        let text = |at| row.cell(at).ok().map(str::to_owned);
        let cells = (0..row.len()).map(text).collect();
        read.push(((row.number, cells), row.oddity()));
    }
    Ok(read)
}

#[test]
fn a_quote_that_closes_in_a_later_row_is_refused_wherever_it_opens_and_closes() {
    let row = |row: usize| -> Vec<String> { (0..6).map(|cell| format!("{row}{cell}")).collect() };
    for separator in [",", ";", "\t"] {
        for end in ["\n", "\r\n", "\r"] {
            for (opens, closes, rows) in (0..6)
                .flat_map(|opens| (0..6).map(move |closes| (opens, closes)))
                .flat_map(|(opens, closes)| [1, 2, 5].map(|rows| (opens, closes, rows)))
            {
                let mut table: Vec<Vec<String>> = (1..12).map(row).collect();
                table[3][opens].insert(0, '"');
                table[3 + rows][closes].push('"');
                let lines: Vec<String> = table.iter().map(|row| row.join(separator)).collect();
                let words = error(lines.join(end) + end);
                let place = format!("row 4, cell {}: a quotation mark opens", opens + 1);
                assert!(words.contains(&place), "{opens} {closes} {rows}: {words}");
            }
        }
    }
}

#[test]
fn a_quote_that_runs_into_a_short_row_is_refused_by_its_first_number() {
    let begins = "NHS number,First name,Last name,Date of birth,Notes\n999 000 0026,Ann,Lee,1990-01-01,\"rang";
    for next in ["9990000034,Bob,Ray\"\n", "999-000-0034,Bob,Ray\"\n"] {
        assert!(error(format!("{begins}\n{next}")).contains("row 2, cell 5: a quotation mark"));
    }
    // A telephone number in a note.
    assert_eq!(
        numbers(format!("{begins}\n07700 900123, after five\"\n")),
        [1, 2]
    );
}

#[test]
fn a_row_of_another_length_with_a_cell_of_several_lines_is_refused() {
    let header = "First name,Last name,Date of birth,Address,Post code\n";
    for row in [
        // The next row ends early, and with it the cell.
        "Ann,Lee,1990-01-01,\"The Cottage,NE1 1XC\nBob,Ray\"\n",
        "Ann,Lee,1990-01-01,\"The Cottage\nByker\",Newcastle,NE1 1XC\n",
    ] {
        let words = error(format!("{header}{row}"));
        assert!(words.contains("row 2, cell 4: a quotation mark"), "{words}");
    }
}

#[test]
fn a_header_that_runs_into_the_first_row_is_refused() {
    for text in [
        "NHS number,First name,Last name,\"Born\n9990000026,Ann\",Lee,1990-01-01\n",
        "NHS number,First name,Last name,\"Born\n9990000026\",Ann,Lee,1990-01-01\n",
    ] {
        assert!(error(text).contains("row 1, cell 4: a quotation mark"));
    }
    let good =
        "NHS number,First name,Last name,\"Born\n(DD/MM/YYYY)\"\n9990000026,Ann,Lee,1990-01-01\n";
    assert_eq!(numbers(good), [1, 2]);
}

#[test]
fn cells_of_several_lines_are_read_and_said() {
    let header = "NHS number,First name,Last name,Date of birth,Address,Notes\n";
    let odd = |row: &str| {
        let rows = read_oddly(
            format!("{header}{row}").as_bytes(),
            &TableOptions::default(),
        );
        rows.unwrap()[1].1
    };
    let address = "\"Flat 1,\r\n12 High Street,\r\nNewcastle\"";
    for row in [
        format!("9990000026,Ann,Lee,1990-01-01,{address},\n"),
        format!("9990000026,Ann,Lee,1990-01-01,,{address}\n"),
        format!("9990000026,Ann,Lee,1990-01-01,{address},{address}\n"),
    ] {
        assert_eq!(odd(&row), Some(Oddity::LineBreaks), "{row}");
    }
    let long = "\"Flat 1,\n12, High Street,\nByker,\nNewcastle,\nTyne and Wear,\"";
    let row = format!("9990000026,Ann,Lee,1990-01-01,{long},\n");
    assert_eq!(odd(&row), Some(Oddity::LikeARow(4)));
    assert_eq!(odd("9990000026,Ann,Lee,1990-01-01,1 High Street,\n"), None);
}

#[test]
fn a_quote_inside_a_quoted_cell_makes_its_row_doubtful() {
    let rows =
        "a|b\n\"The \"Old\" Mill\"|c\n\"The \"\"Old\"\" Mill\"|c\nThe \"Old\" Mill|c\n\"x\" |c\n";
    let oddities: Vec<_> = read_oddly(rows.as_bytes(), &TableOptions::default())
        .unwrap()
        .into_iter()
        .map(|(_, oddity)| oddity)
        .collect();
    assert!(error("\"a \"b\" c\"|d\n").contains("row 1, cell 1: the header has a quotation mark"));
    let header = "\"a \"b\" c\"|d\n";
    assert!(error(header).contains("row 1, cell 1: the header has a quotation mark"));
    assert_eq!(
        oddities,
        [None, Some(Oddity::TextAfterQuote(0)), None, None, None]
    );
}

#[test]
fn a_stray_quote_in_row_500_of_1000_names_that_row_incident_2() {
    let rows: String = (0..1000)
        .map(|row| {
            let quote = if row == 498 { "\"" } else { "" };
            format!("99900{row:05},Ann,Lee,1990-01-01,{quote}The Cottage,,Newcastle,NE1 1XC\n")
        })
        .collect();
    let header =
        "NHS number,First name,Last name,Date of birth,Address 1,Address 2,Town,Post code\n";
    let words = error(format!("{header}{rows}"));
    assert!(
        words.contains("row 500, cell 5: a quotation mark"),
        "{words}"
    );
}

#[test]
fn a_file_has_the_same_rows_however_it_ends_incident_9() {
    let rows = "a,b\nc,d\ne,f";
    for end in [
        "",
        "\n",
        "\r\n",
        "\r",
        "\n\u{1a}",
        "\u{1a}",
        "\n\n\u{1a}\u{1a}\n",
        "\n\n,\n",
        "\n\r\n \u{1a}\0\0",
    ] {
        let text = format!("{rows}{end}");
        assert_eq!(
            shown(read(&text)),
            ["1: a|b", "2: c|d", "3: e|f"],
            "{end:?}"
        );
        let utf_16: Vec<u8> = format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(numbers(&utf_16), [1, 2, 3], "{end:?}");
        assert_eq!(numbers(gzip(text.as_bytes())), [1, 2, 3], "{end:?}");
    }
    // Between rows it is a character like others.
    assert_eq!(numbers("a,b\n\u{1a}\nc,d\n"), [1, 2, 3]);
}

fn encoded(text: &str, encoding: EncodingChoice) -> Vec<u8> {
    match encoding {
        EncodingChoice::Web(web) => web.encode(text).0.into_owned(),
        EncodingChoice::Dos(page) => text
            .chars()
            .map(|c| (0..=255).find(|byte| page.character(*byte) == c).unwrap())
            .collect(),
    }
}

fn any_encoding() -> impl Strategy<Value = EncodingChoice> {
    prop::sample::select(vec![
        encoding_rs::UTF_8.into(),
        WINDOWS_1252.into(),
        MACINTOSH.into(),
        ISO_8859_14.into(),
        EncodingChoice::Dos(CodePage::Cp850),
        EncodingChoice::Dos(CodePage::Cp437),
    ])
}

fn cell() -> impl Strategy<Value = String> {
    let words = vec![
        "",
        "Ann",
        "Siân",
        "Müller",
        "JOSÉ",
        "Zoë",
        "François",
        "1 Mill Lane",
        "NE1 4ST",
        "07700 900123",
        "Weiß",
        "Muñoz",
    ];
    prop::sample::select(words).prop_map(str::to_owned)
}

/// Rows of the same number of cells, with an identifier in front.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (4..8_usize).prop_flat_map(|columns| {
        let row = prop::collection::vec(cell(), columns - 1);
        prop::collection::vec(row, 2..12).prop_map(|rows| {
            let number = |at: usize| format!("99900{at:05}");
            let row = |(at, row): (usize, Vec<String>)| [vec![number(at)], row].concat();
            rows.into_iter().enumerate().map(row).collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn quotes_anywhere_stop_the_file_or_leave_each_row_as_it_was_written(
        table in table(),
        marks in prop::collection::vec(any::<prop::sample::Index>(), 0..7),
        all_quoted: bool,
        separator in prop::sample::select(vec![Separator::Comma, Separator::Semicolon, Separator::Tab]),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        encoding in any_encoding(),
        asked: bool,
    ) {
        let quote = |cell: &String| if all_quoted { format!("\"{cell}\"") } else { cell.clone() };
        let between = char::from(separator.byte()).to_string();
        let line = |row: &Vec<String>| row.iter().map(quote).collect::<Vec<_>>().join(&between);
        let mut text: Vec<char> = table.iter().map(line).collect::<Vec<_>>().join(end).chars().collect();
        for mark in marks {
            let at = mark.index(text.len() + 1);
            // A mark within a line end would make a row of its own.
            let splits = at > 0 && text[at - 1] == '\r' && text.get(at) == Some(&'\n');
            text.insert(at + usize::from(splits), '"');
        }
        let text: String = text.into_iter().collect();
        let options = TableOptions {
            encoding: asked.then_some(encoding),
            separator: Some(separator),
            ..Default::default()
        };
        if let Ok(read) = read_oddly(&encoded(&text, encoding), &options) {
            // Without all of its columns a patient file is refused.
            if read[0].0.1.len() != table[0].len() {
                return Ok(());
            }
            prop_assert_eq!(read.len(), table.len(), "{}", text);
            for ((at, written), ((number, cells), oddity)) in (1..).zip(&table).zip(read) {
                prop_assert_eq!(number, at);
                if cells.len() == written.len() && oddity.is_none() {
                    let cells: Vec<String> = cells.into_iter().map(|cell| cell.unwrap().replace('"', "")).collect();
                    prop_assert_eq!(&cells, written, "{}", text);
                }
            }
        }
    }
}
