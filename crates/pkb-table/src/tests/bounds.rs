//! Small files that claim to be large, or become so.

use super::{
    made::{Sheet, ods, ods_row, one_sheet, package, text, xlsx},
    *,
};

const XLS: &[u8] = include_bytes!("../../../../fixtures/patient-files/hidden-rows.xls");

fn is_too_large(bytes: &[u8]) -> bool {
    let words = error(bytes);
    [
        "is larger than any patient file needs",
        "longer than a spreadsheet allows",
    ]
    .iter()
    .any(|end| words.contains(end))
}

#[test]
fn cells_that_inflate_to_more_than_a_spreadsheet_holds_are_refused() {
    let million = "x".repeat(1 << 20);
    let pieces = "<t>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</t>".repeat(10_000);
    for rows in [
        format!("<row>{}</row>", text("", &million)),
        format!("<row>{}</row>", text("", &"y".repeat(140_000))),
        format!("<row><c t=\"inlineStr\"><is>{pieces}</is></c></row>"),
        format!("<row><c t=\"str\"><v><!--{million}--></v></c></row>"),
        format!("<row><c t=\"{million}x\"/></row>"),
        format!("<row>{}</row>", "<c>".repeat(200)),
    ] {
        let bytes = one_sheet("", &rows);
        assert!(bytes.len() < 20_000);
        assert!(is_too_large(&bytes));
    }
}

#[test]
fn shared_strings_that_claim_or_hold_too_much_are_refused() {
    let content =
        "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c></row></sheetData></worksheet>";
    let read = |strings: &str| xlsx(&[Sheet("P", "", content)], Some(strings));
    assert!(is_too_large(&read(
        "<sst uniqueCount=\"999999999999\"><si><t>a</t></si></sst>"
    )));
    let long = format!(
        "<sst><si>{}</si></sst>",
        "<r><t>xxxxxxxx</t></r>".repeat(40_000)
    );
    assert!(is_too_large(&read(&long)));
    let good = read("<sst uniqueCount=\"1\"><si><t>a</t></si></sst>");
    assert_eq!(shown(super::read(good)), ["1: a"]);
}

#[test]
fn one_string_in_very_many_cells_is_refused() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(32_000));
    let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(200));
    let content = format!(
        "<worksheet><sheetData>{}</sheetData></worksheet>",
        row.repeat(50)
    );
    assert!(is_too_large(&xlsx(
        &[Sheet("P", "", &content)],
        Some(&strings)
    )));
}

#[test]
fn cells_beyond_the_last_row_or_column_are_refused() {
    for rows in [
        format!("<row>{}</row>", "<c/>".repeat(16_385)),
        "<row r=\"1048577\"><c/></row>".to_owned(),
    ] {
        let words = error(one_sheet("", &rows));
        assert!(words.contains("beyond the last cell"), "{words}");
    }
}

#[test]
fn styles_with_very_many_entries_are_refused() {
    let content = "<worksheet><sheetData/></worksheet>";
    let whole = xlsx(&[Sheet("P", "", content)], None);
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    let parts: Vec<(String, Vec<u8>)> = names
        .into_iter()
        .map(|name| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut zip.by_name(&name).unwrap(), &mut bytes).unwrap();
            if name.ends_with("styles.xml") {
                let entries = "<xf/>".repeat(3 << 20);
                bytes = format!("<styleSheet><cellXfs>{entries}</cellXfs></styleSheet>").into();
            }
            (name, bytes)
        })
        .collect();
    let parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, bytes)| (&**name, &**bytes))
        .collect();
    assert!(is_too_large(&package(&parts)));
}

#[test]
fn what_repeats_without_end_in_an_ods_file_is_refused_or_left_out() {
    let table = |rows: &str| {
        ods(
            "",
            &format!("<table:table table:name=\"P\">{rows}</table:table>"),
        )
    };
    let cell = |repeated: u64, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated=\"{repeated}\" office:value-type=\"string\">\
             <text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |repeated: u64, cells: &str| {
        format!(
            "<table:table-row table:number-rows-repeated=\"{repeated}\">{cells}</table:table-row>"
        )
    };
    assert!(is_too_large(&table(&row(1_048_576, &cell(16_384, "x")))));
    assert!(is_too_large(&table(
        &row(1, &cell(16_384, "x")).repeat(1000)
    )));
    assert!(is_too_large(&table(&row(
        1,
        &cell(1, "<text:s text:c=\"4294967295\"/>")
    ))));
    // What a cell beyond the last column holds is lost in no program in silence.
    let words = error(table(&row(1, &cell(16_385, "x"))));
    assert!(words.contains("row 1, column XFE"), "{words}");
    let blank = "<table:table-row table:number-rows-repeated=\"99999999999\">\
                 <table:table-cell table:number-columns-repeated=\"99999999999\"/></table:table-row>";
    let bytes = table(&format!("{}{blank}", ods_row("", &["a"])));
    assert_eq!(shown(read(bytes)), ["1: a"]);
}

#[test]
fn an_old_workbook_that_claims_to_be_large_is_read_by_its_cells() {
    let at = XLS
        .windows(4)
        .position(|head| head == [0x00, 0x02, 14, 0])
        .unwrap()
        + 4;
    let rows = read(XLS).unwrap();
    for size in [
        [[0, 0, 0, 0], [0xff; 4], [0, 0, 0xff, 0xff]],
        [[9, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]],
    ] {
        let mut bytes = XLS.to_vec();
        bytes[at..at + 12].copy_from_slice(&size.concat());
        assert_eq!(read(bytes).unwrap(), rows);
    }
}

#[test]
fn an_old_workbook_with_cells_far_apart_is_refused() {
    // A cell of text in the last row and in column 65,536: so many empty cells lie between.
    let head = [0xfd, 0, 10, 0];
    let at = XLS.windows(4).position(|record| record == head).unwrap() + 4;
    let mut bytes = XLS.to_vec();
    bytes[at..at + 4].fill(0xff);
    assert!(is_too_large(&bytes));
}

#[test]
fn a_text_document_is_not_a_workbook() {
    let bytes = package(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", b"<office:document-content/>"),
    ]);
    assert!(error(bytes).contains("cannot be read as a workbook"));
}
