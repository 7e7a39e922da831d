use std::io::Cursor;

use pkb_core::ExitCode;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::*;
use crate::Separator;

const XLS: &[u8] = include_bytes!("../../../pkb-upload/tests/data/patients.xls");
const ODS: &[u8] = include_bytes!("../../../pkb-upload/tests/data/patients.ods");
/// What all of the workbooks hold in their sheet "Patients".
const ROWS: [&str; 3] = [
    "3: |NHS number|First name|Date of birth|Seen|Consent|Mobile",
    "5: |9990000026|Siân, \"Lee\"\nAnn|2000-09-15|2026-11-22 09:30:00|TRUE|07700 900001",
    "6: |9990000034|Łukasz|1931-01-02|1.25|#N/A|",
];

fn xlsx() -> Vec<u8> {
    let mut book = Workbook::new();
    let notes = book.add_worksheet();
    notes.set_name("Notes").unwrap().set_hidden(true);
    notes.write(0, 0, "exported for a test").unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Patients").unwrap().set_active(true);
    let header = [
        "NHS number",
        "First name",
        "Date of birth",
        "Seen",
        "Consent",
        "Mobile",
    ];
    sheet.write_row(2, 1, header).unwrap();
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let time = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let date = |text| ExcelDateTime::parse_from_str(text).unwrap();
    sheet.write(4, 1, 9_990_000_026.0).unwrap();
    sheet.write(4, 2, "Siân, \"Lee\"\nAnn").unwrap();
    sheet
        .write_with_format(4, 3, date("2000-09-15"), &day)
        .unwrap();
    sheet
        .write_with_format(4, 4, date("2026-11-22 09:30"), &time)
        .unwrap();
    sheet.write(4, 5, true).unwrap();
    sheet.write(4, 6, "07700 900001").unwrap();
    sheet.write(5, 1, 9_990_000_034.0).unwrap();
    sheet.write(5, 2, "Łukasz").unwrap();
    sheet
        .write_with_format(5, 3, date("1931-01-02"), &day)
        .unwrap();
    sheet.write(5, 4, 1.25).unwrap();
    let na = rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A");
    sheet.write(5, 5, na).unwrap();
    // Formatted, and empty.
    sheet.write_blank(7, 9, &day).unwrap();
    book.save_to_buffer().unwrap()
}

fn sheet(name: &str) -> TableOptions {
    TableOptions {
        sheet: Some(name.into()),
        ..Default::default()
    }
}

fn refusal(bytes: &[u8], options: &TableOptions) -> (ExitCode, String) {
    let fatal = open_with(bytes, options).err().unwrap();
    (fatal.exit_code(), fatal.to_string())
}

#[test]
fn workbooks_of_each_kind_are_read_as_they_are_shown() {
    for bytes in [&xlsx()[..], XLS, ODS] {
        for wanted in ["Patients", "patients ", "2"] {
            let table = open_with(bytes, &sheet(wanted)).unwrap();
            assert_eq!(
                shown(all(table.rows().unwrap())),
                ROWS,
                "{}",
                table.how_read()
            );
            assert_eq!(shown(all(table.rows().unwrap())), ROWS);
        }
        let packed = open_with(&gzip(bytes), &sheet("2")).unwrap();
        assert_eq!(shown(all(packed.rows().unwrap())), ROWS);
    }
}

#[test]
fn without_a_wish_the_first_sheet_that_is_not_hidden_is_read() {
    let table = open(xlsx()).unwrap();
    assert_eq!(
        table.how_read().to_string(),
        "sheet \"Patients\" of an XLSX workbook (sheets: Notes (hidden), Patients)"
    );
    for (bytes, kind) in [(XLS, "XLS"), (ODS, "ODS")] {
        let table = open(bytes).unwrap();
        assert_eq!(
            table.how_read().to_string(),
            format!("sheet \"Notes\" of an {kind} workbook (sheets: Notes, Patients)")
        );
        assert_eq!(
            shown(all(table.rows().unwrap())),
            ["1: exported for a test"]
        );
    }
}

#[test]
fn a_workbook_that_counts_from_1904_has_other_days() {
    let at = XLS
        .windows(6)
        .position(|record| record == [0x22, 0, 2, 0, 0, 0])
        .unwrap();
    let mut later = XLS.to_vec();
    later[at + 4] = 1;
    let rows = shown(all(open_with(&later, &sheet("2")).unwrap().rows().unwrap()));
    assert!(rows[1].contains("|2004-09-16|"), "{}", rows[1]);
}

#[test]
fn a_sheet_that_is_not_there_is_answered_with_those_that_are() {
    for wanted in ["Patient", "0", "3", ""] {
        let (code, words) = refusal(&xlsx(), &sheet(wanted));
        assert_eq!(code, ExitCode::Usage);
        assert!(words.contains("Its sheets are Notes, Patients."), "{words}");
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    assert_eq!(refusal(b"a,b\n", &sheet("1")).0, ExitCode::Usage);
    let separator = TableOptions {
        separator: Some(Separator::Tab),
        ..Default::default()
    };
    assert_eq!(refusal(ODS, &separator).0, ExitCode::Usage);
}

/// An XLSX with a password is a compound file with a stream of this name.
fn encrypted() -> Vec<u8> {
    let utf_16 = |text: &str| -> Vec<u8> {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.resize(64, 0);
        bytes
    };
    let mut bytes = XLS.to_vec();
    let stream = utf_16("Workbook");
    let at = bytes.windows(64).position(|name| name == stream).unwrap();
    bytes[at..at + 64].copy_from_slice(&utf_16("EncryptedPackage"));
    bytes[at + 64] = 34;
    bytes
}

#[test]
fn a_workbook_with_a_password_is_refused_for_that_reason() {
    let (code, words) = refusal(&encrypted(), &TableOptions::default());
    assert_eq!(code, ExitCode::Input);
    assert!(words.contains("is protected by a password"), "{words}");
}

#[test]
fn other_archives_are_refused_with_advice() {
    let mut book = Cursor::new(xlsx());
    book.get_mut().truncate(2000);
    let (code, words) = refusal(book.get_ref(), &TableOptions::default());
    assert_eq!(code, ExitCode::Input);
    assert!(words.contains("Save it as CSV UTF-8"), "{words}");
}

#[test]
fn a_row_of_a_sheet_can_be_named_as_the_header() {
    let with_header = |row| {
        let options = TableOptions {
            sheet: Some("Patients".into()),
            header_row: Some(row),
            ..Default::default()
        };
        open_with(&xlsx(), &options).and_then(|table| all(table.rows()?))
    };
    assert_eq!(shown(with_header(5)), ROWS[1..]);
    let error = with_header(4).unwrap_err().to_string();
    assert!(
        error.contains("row 4 is empty or does not exist"),
        "{error}"
    );
}
