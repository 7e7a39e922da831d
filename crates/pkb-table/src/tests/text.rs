use std::path::Path;

use pkb_core::ExitCode;

use super::*;
use crate::{Separator, parse_encoding};

#[test]
fn row_numbers_are_those_of_a_spreadsheet_for_each_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let two_line_ends = format!("f,\"g{end}{end}h\"");
        let lines = [
            "\"a\nb\",c",
            "",
            "d,e",
            "",
            "",
            " , ",
            &two_line_ends,
            "i,j",
        ];
        let content = lines.join(end);
        assert_eq!(numbers(&content), [1, 3, 7, 8], "{end:?}");
        assert_eq!(numbers(format!("{content}{end}{end}")), [1, 3, 7, 8]);
        assert_eq!(
            numbers(format!("\u{feff}{end}{end}{content}")),
            [3, 5, 9, 10]
        );
    }
}

#[test]
fn row_numbers_are_right_where_line_ends_are_mixed() {
    assert_eq!(numbers("a\r\nb\nc\rd\n\re\n\r\n\r\nf"), [1, 2, 3, 4, 6, 9]);
}

#[test]
fn quoted_cells_keep_separators_quotes_and_line_breaks() {
    let rows = read("1,2,3,4\na,\"b,\"\"c\"\"\r\nd\",5\" pipe,\"\"\n");
    assert_eq!(shown(rows), ["1: 1|2|3|4", "2: a|b,\"c\"\r\nd|5\" pipe|"]);
}

#[test]
fn a_row_has_as_many_cells_as_it_has() {
    assert_eq!(
        shown(read("a,b\nc\nd,e,f\n")),
        ["1: a|b", "2: c", "3: d|e|f"]
    );
    let mut rows = open("a").unwrap().rows().unwrap();
    let mut row = Row::default();
    assert!(rows.next_row(&mut row).unwrap());
    assert_eq!(row.cell(7), Ok(""));
    assert!(!rows.next_row(&mut row).unwrap());
    assert_eq!(row.len(), 0);
}

#[test]
fn separators_are_found_or_given() {
    for (text, separator) in [
        ("a,b\n", Separator::Comma),
        ("a;b\n", Separator::Semicolon),
        ("a\tb\n", Separator::Tab),
        ("a|b\n", Separator::Pipe),
    ] {
        assert_eq!(shown(read(text)), ["1: a|b"]);
        let options = TableOptions {
            separator: Some(separator),
            ..Default::default()
        };
        let text = format!("x{text}");
        let rows = open_with(text.as_bytes(), &options).unwrap().rows();
        assert_eq!(shown(all(rows.unwrap())), ["1: xa|b"]);
    }
}

#[test]
fn excels_hint_is_honoured_and_counts_as_a_row() {
    assert_eq!(shown(read("sep=;\r\na,b;c\r\n")), ["2: a,b|c"]);
    assert_eq!(shown(read("\u{feff}\"sep=,\"\na,b\n")), ["2: a|b"]);
}

#[test]
fn encodings_are_decoded() {
    let text = "Name,Town\r\nSiân,Łódź\r\n";
    let expected = ["1: Name|Town", "2: Siân|Łódź"];
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", &little[..]].concat(),
        [b"\xfe\xff", &big[..]].concat(),
        little,
        big,
    ] {
        assert_eq!(shown(read(&bytes)), expected);
        assert_eq!(shown(read(gzip(&bytes))), expected);
    }
    let western = b"Name\nSi\xe2n\nO\x92Brien\n";
    assert_eq!(shown(read(western)), ["1: Name", "2: Siân", "3: O’Brien"]);
    let options = TableOptions {
        encoding: Some(parse_encoding("macintosh").unwrap()),
        ..Default::default()
    };
    let rows = open_with(b"Si\x89n\n", &options).unwrap().rows();
    assert_eq!(shown(all(rows.unwrap())), ["1: Siân"]);
}

#[test]
fn an_undecodable_cell_is_reported_alone() {
    let utf_8 = [
        "Siân,Łódź\n".repeat(5).as_bytes(),
        b"Jos\xe9,Lee\n",
        "Jos\u{fffd},Lee\n".as_bytes(),
    ]
    .concat();
    assert_eq!(shown(read(utf_8))[5..], ["6: ?|Lee", "7: ?|Lee"]);
    // Half a surrogate pair, and a byte too few at the end.
    let utf_16 = b"\xff\xfea\0,\0\x00\xd8\n\0b\0,\0c";
    assert_eq!(shown(read(utf_16)), ["1: a|?", "2: b|?"]);
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_named() {
    let expected = "in/patients: row 3, cell 2: a quotation mark opens the cell and is not closed";
    let begins = "a,b\n\n1,\"Lee\n2,Ann\n";
    for text in [
        begins.to_owned(),
        begins.replace('\n', "\r"),
        format!("{begins}{}", "3,Bob\n".repeat(1 << 18)),
        // Closed by another quotation mark, far away.
        format!("{begins}{}4,\"Cy\"\n", "3,Bob\n".repeat(101)),
        format!("{begins}{}4,\"Cy\"\n", "3,Bob\n".repeat(20_000)),
    ] {
        assert!(error(&text).starts_with(expected), "{}", error(&text));
    }
    let refused = read("\"").unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::SomeRowsRejected);
    assert_eq!(shown(read("a,\"\"")), ["1: a|"]);
}

#[test]
fn rows_swallowed_by_a_stray_quotation_mark_are_noticed() {
    let header = "NHS number,First name,Last name,Date of birth,Address,Post code\n";
    let good = "9990000026,Ann,Lee,1990-01-01,1 High Street,NE1 1XC\n";
    let stray = "9990000034,Bob,\"Ray,1990-01-01,2 High Street,NE1 1XC\n";
    for next in [
        format!("{good}{good}9990000042,Cy,\"Jones,1990-01-01,,\n"),
        "9990000042,Cy,\"Jones\",1990-01-01,,\n".to_owned(),
    ] {
        let text = format!("{header}{good}{stray}{next}{good}");
        assert!(error(&text).contains("row 3, cell 3: a quotation mark"));
    }
}

#[test]
fn an_address_of_many_lines_is_no_swallowed_row() {
    let header = "NHS number,First name,Last name,Date of birth,Address,Post code\n";
    let row = "9990000026,Ann,Lee,1990-01-01,\"Flat 1,\n\"\"The Cedars\"\",\n12, High Street,\nTown\",NE1 1XC\n";
    assert_eq!(numbers(format!("{header}{row}{row}")), [1, 2, 3]);
    let row = row.replace("\"\"", "") + "x";
    assert_eq!(numbers(format!("{header}{row}")), [1, 2, 3]);
}

#[test]
fn a_file_without_line_ends_is_not_read_into_memory() {
    let endless = error("x".repeat(3 << 20));
    assert!(endless.contains("row 1 is too long"), "{endless}");
    let commas = error(",".repeat(1 << 20));
    assert!(commas.contains("row 1 is too long"), "{commas}");
}

#[test]
fn passes_are_the_same_and_do_not_move_each_other() {
    let content = "a,b\n".repeat(200_000);
    for bytes in [content.as_bytes().to_vec(), gzip(content.as_bytes())] {
        let table = open(bytes).unwrap();
        let (mut one, mut two) = (table.rows().unwrap(), table.rows().unwrap());
        let (mut first, mut second) = (Row::default(), Row::default());
        let mut count = 0;
        while one.next_row(&mut first).unwrap() {
            assert!(two.next_row(&mut second).unwrap());
            assert_eq!(first.number, second.number);
            count += 1;
        }
        assert_eq!(count, 200_000);
        assert_eq!(all(table.rows().unwrap()).unwrap().len(), count);
    }
}

#[test]
fn how_it_is_read_is_told() {
    let how = |bytes: &[u8]| open(bytes).unwrap().how_read().to_string();
    assert_eq!(how(b"a,b\n"), "CSV in UTF-8, separated by commas");
    assert_eq!(
        how(&gzip(b"Si\xe2n;Zo\xeb\n")),
        "CSV in Windows-1252 (detected), gzip, separated by semicolons"
    );
    let mostly = ["é|\n".repeat(10).as_bytes(), b"\xe9\n"].concat();
    assert_eq!(
        how(&mostly),
        "CSV in UTF-8 (some bytes are not), separated by pipes"
    );
}

#[test]
fn files_are_opened_by_path_and_named_without_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patients.csv");
    let open = |path: &Path| Table::open(path, &TableOptions::default());
    assert!(
        open(&path)
            .err()
            .unwrap()
            .to_string()
            .contains("no such file")
    );
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("is a folder"), "{error}");
    std::fs::write(&path, "a,b\n").unwrap();
    let table = open(&path).unwrap();
    assert_eq!(table.name(), "patients.csv");
    assert_eq!(shown(all(table.rows().unwrap())), ["1: a|b"]);
}

#[test]
fn empty_files_and_files_of_white_space_have_no_rows() {
    for text in ["", "\n", "\r\n\r\n", "\u{feff}", " \n,,\n\t"] {
        assert_eq!(read(text).unwrap(), [], "{text:?}");
    }
    assert_eq!(read(gzip(b"")).unwrap(), []);
}

#[test]
fn pages_that_are_named_like_workbooks_are_refused() {
    for page in [
        "<html><table>",
        "\u{feff}\r\n<TABLE border=1>",
        "<?xml version=\"1.0\"?>",
    ] {
        assert!(error(page).contains("is an HTML or XML page"));
    }
}

#[test]
fn a_row_in_debug_output_shows_no_cell() {
    let mut rows = open("Siân").unwrap().rows().unwrap();
    let mut row = Row::default();
    rows.next_row(&mut row).unwrap();
    assert_eq!(format!("{row:?}"), "Row { number: 1, cells: 1, .. }");
}
