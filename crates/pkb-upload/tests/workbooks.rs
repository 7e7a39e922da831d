//! What an operator is told about workbooks that hold more than they show, and what becomes of their rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs::File,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rust_xlsxwriter::{Format, Note, Workbook, Worksheet};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const HEADER: [&str; 7] = [
    "NHS number",
    "First name",
    "Last name",
    "Date of birth",
    "Address 1",
    "Town",
    "Post code",
];
const NUMBERS: [&str; 3] = ["9997000005", "9997000013", "9997000021"];

/// Exit code and all that was said.
fn check(path: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pkb-upload"))
        .arg("check")
        .arg(path)
        .args(arguments)
        .env("PKB_FIXED_TIME", "2026-11-22T09:00:00Z")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(words).unwrap(),
    )
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/patient-files")
        .join(name)
}

fn patients(sheet: &mut Worksheet, first: usize, count: usize) {
    sheet.write_row(0, 0, HEADER).unwrap();
    for row in 1..=count {
        let number = NUMBERS[first + row - 1];
        let cells = [
            number,
            "Canary",
            "Canary",
            "01/02/1950",
            "1 Mill Lane",
            "Newcastle",
            "NE1 4ST",
        ];
        sheet.write_row(row as u32, 0, cells).unwrap();
    }
}

/// Checks a workbook whose sheets are made by `make`.
fn check_made(make: impl FnOnce(&mut Workbook), arguments: &[&str]) -> (i32, String) {
    let mut book = Workbook::new();
    make(&mut book);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.xlsx");
    book.save(&path).unwrap();
    let (code, words) = check(&path, arguments);
    assert!(
        !words.contains("Canary") && !words.contains("99970"),
        "{words}"
    );
    (code, words)
}

#[test]
fn hidden_rows_are_read_or_left_out_as_the_operator_says_incident_1() {
    for name in ["hidden-rows.xlsx", "hidden-rows.ods", "hidden-rows.xls"] {
        let (code, words) = check(&case(name), &[]);
        assert_eq!(code, 65, "{words}");
        assert!(
            words.contains("2 rows are hidden (such as by a filter): 4 and 7"),
            "{words}"
        );
        for (said, rows) in [("drop", "   8  rows\n"), ("keep", "  10  rows\n")] {
            let (code, words) = check(&case(name), &["--hidden-rows", said]);
            assert_eq!(code, 0, "{words}");
            assert!(words.contains(rows.trim_start_matches(' ')), "{words}");
        }
    }
}

#[test]
fn numbers_that_an_old_workbook_has_as_fractions_are_all_rejected_incident_7() {
    let (code, words) = check(&case("numbers-as-fractions.xls"), &[]);
    assert_eq!(code, 65, "{words}");
    for part in [
        "   0  can be uploaded",
        "  10  rejected",
        "10  NHS number is a number with a decimal point",
        "format the column as text, and export again",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let stopped = Command::new(env!("CARGO_BIN_EXE_pkb-upload"))
        .arg(case("numbers-as-fractions.xls"))
        .args(["--dry-run", "--max-rejects", "5%"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(65), "{words}");
    assert!(words.contains("10 of 10 rows are rejected"), "{words}");
    assert!(stopped.stdout.is_empty());
}

#[test]
fn patients_on_a_later_sheet_are_read_only_if_it_is_named() {
    let (code, words) = check(&case("cover-sheet-first.xlsx"), &[]);
    assert_eq!(code, 65);
    assert!(
        words.contains("has several sheets that seem to have patients (2): \"Data\" (5 rows), \"Data (2)\" (1 row)"),
        "{words}"
    );
    assert_eq!(
        check(&case("cover-sheet-first.xlsx"), &["--sheet", "Data"]).0,
        0
    );
    let cover_and_patients = |book: &mut Workbook| {
        book.add_worksheet().write(0, 0, "Report for PKB").unwrap();
        patients(book.add_worksheet().set_name("July's $1").unwrap(), 0, 2);
    };
    let (code, words) = check_made(cover_and_patients, &[]);
    assert_eq!(code, 65);
    assert!(words.contains("--sheet 'July'\\''s $1'"), "{words}");
    assert_eq!(check_made(cover_and_patients, &["--sheet", "2"]).0, 0);
}

#[test]
fn a_cell_behind_the_last_column_that_has_a_header_rejects_its_row() {
    let behind = |column: u16, text: &'static str| {
        move |book: &mut Workbook| {
            let sheet = book.add_worksheet();
            patients(sheet, 0, 3);
            sheet.write(2, column, text).unwrap();
        }
    };
    // Such as a value that was pushed out by a cell too many, and a word that somebody wrote beside the table.
    for (column, text) in [(7, "NE1 4ST"), (7, "Deceased"), (9, "x")] {
        let (_, words) = check_made(behind(column, text), &[]);
        for part in [
            "2  can be uploaded",
            "1  rejected",
            "has more cells than the header",
        ] {
            assert!(words.contains(part), "{words}");
        }
    }
    let (code, words) = check_made(behind(8, "  "), &[]);
    assert_eq!(code, 0, "{words}");
}

#[test]
fn a_sheet_that_goes_on_without_a_header_is_named() {
    let (code, words) = check_made(
        |book| {
            patients(book.add_worksheet(), 0, 2);
            let second = book.add_worksheet();
            second
                .write_row(0, 0, [NUMBERS[2], "Canary", "Canary"])
                .unwrap();
        },
        &[],
    );
    assert_eq!(code, 65);
    assert!(
        words.contains("\"Sheet1\" (2 rows), \"Sheet2\" (1 row)"),
        "{words}"
    );
}

#[test]
fn a_hidden_sheet_is_never_the_patients_in_silence_incident_1() {
    let hidden_patients = |book: &mut Workbook| {
        book.add_worksheet().write(0, 0, "Report for PKB").unwrap();
        let sheet = book.add_worksheet();
        patients(sheet.set_hidden(true), 0, 2);
    };
    let (code, words) = check_made(hidden_patients, &[]);
    assert_eq!(code, 65);
    assert!(
        words.contains("on a hidden sheet, \"Sheet2\" (2 rows, hidden)"),
        "{words}"
    );
    assert_eq!(check_made(hidden_patients, &["--sheet", "Sheet2"]).0, 0);
    let (code, words) = check_made(
        |book| {
            patients(book.add_worksheet().set_hidden(true), 0, 2);
            patients(book.add_worksheet().set_active(true), 2, 1);
        },
        &[],
    );
    assert_eq!(code, 65);
    assert!(words.contains("\"Sheet1\" (2 rows, hidden)"), "{words}");
    let (code, words) = check_made(
        |book| {
            patients(book.add_worksheet(), 0, 1);
            patients(book.add_worksheet().set_very_hidden(true), 1, 2);
        },
        &[],
    );
    assert_eq!(code, 65);
    assert!(words.contains("\"Sheet2\" (2 rows, hidden)"), "{words}");
}

#[test]
fn sheets_without_patients_do_not_stop_a_run() {
    let (code, words) = check_made(
        |book| {
            patients(book.add_worksheet(), 0, 2);
            let notes = book.add_worksheet();
            notes.write_row(0, 0, ["NHS", "Town", "Patients"]).unwrap();
            notes.write_row(1, 0, ["Trust", "Newcastle", "2"]).unwrap();
            // A header alone has no patients.
            patients(book.add_worksheet(), 0, 0);
        },
        &[],
    );
    assert_eq!(code, 0, "{words}");
}

#[test]
fn hidden_columns_are_used_or_not_as_the_operator_says_incident_1() {
    let hidden = |book: &mut Workbook| {
        let sheet = book.add_worksheet();
        patients(sheet, 0, 2);
        sheet.set_column_hidden(4).unwrap();
        // Nothing uses this one.
        sheet.write(0, 8, "Ward").unwrap();
        sheet.set_column_hidden(8).unwrap();
    };
    let (code, words) = check_made(hidden, &[]);
    assert_eq!(code, 65);
    assert!(
        words.contains("1 column that would be used: column E \"Address 1\" as Address 1."),
        "{words}"
    );
    assert_eq!(check_made(hidden, &["--hidden-columns", "keep"]).0, 0);
    let (code, words) = check_made(hidden, &["--hidden-columns", "drop"]);
    assert_eq!(code, 65, "{words}");
    assert!(
        words.contains("no column has the house and street"),
        "{words}"
    );
    let (code, words) = check_made(hidden, &["--hidden-columns", "drop", "--no-street"]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("not used: column E, "), "{words}");
}

#[test]
fn a_hidden_column_of_deaths_is_used_even_if_others_are_dropped() {
    let hidden = |book: &mut Workbook| {
        let sheet = book.add_worksheet();
        patients(sheet, 0, 2);
        sheet.write(0, 7, "Deceased").unwrap();
        sheet.set_column_hidden(7).unwrap();
    };
    let (code, words) = check_made(hidden, &[]);
    assert_eq!(code, 65);
    assert!(
        words.contains("column H \"Deceased\" as Deceased"),
        "{words}"
    );
    let (code, words) = check_made(hidden, &["--hidden-columns", "drop"]);
    assert_eq!(code, 0);
    assert!(!words.contains("not used"), "{words}");
}

#[test]
fn what_a_spreadsheet_made_of_text_is_rejected_where_it_would_be_printed() {
    let (code, words) = check(&case("date-cell-in-address.xlsx"), &[]);
    assert_eq!(code, 65);
    assert!(words.contains("1  Address 1 is a date:"), "{words}");
    let (code, words) = check_made(
        |book| {
            let sheet = book.add_worksheet();
            patients(sheet, 0, 3);
            let time = Format::new().set_num_format("hh:mm");
            let date = Format::new().set_num_format("dd/mm/yyyy");
            sheet.write(1, 1, true).unwrap();
            sheet.write_with_format(1, 6, 0.25, &time).unwrap();
            sheet.write(2, 4, 2.1).unwrap();
            sheet.write(2, 5, 1e10).unwrap();
            // A house number, and a date where one is wanted.
            sheet.write(3, 4, 12).unwrap();
            sheet.write_with_format(3, 3, 18_000, &date).unwrap();
        },
        &[],
    );
    assert_eq!(code, 65);
    for line in [
        "1  First name is a TRUE or FALSE cell, not text (row 2)",
        "1  Post code is a time:",
        "1  Address 1 is a number that no house",
        "1  Town is a number that no house",
        "1  can be uploaded",
    ] {
        assert!(words.contains(line), "{line}: {words}");
    }
}

/// The same workbook as a tool writes it that calculates nothing.
fn without_results(path: &Path) {
    let mut zip = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut copy = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..zip.len() {
        let mut part = zip.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        copy.start_file(name, SimpleFileOptions::default()).unwrap();
        copy.write_all(text.replace("</f><v>0</v>", "</f>").as_bytes())
            .unwrap();
    }
    std::fs::write(path, copy.finish().unwrap().into_inner()).unwrap();
}

#[test]
fn a_hidden_column_about_death_or_consent_is_never_dropped() {
    for header in ["CAUSE_OF_DEATH", "SMS consent", "VIP"] {
        let hidden = |book: &mut Workbook| {
            let sheet = book.add_worksheet();
            patients(sheet, 0, 2);
            sheet.write(0, 7, header).unwrap();
            sheet.set_column_hidden(7).unwrap();
        };
        let (code, words) = check_made(hidden, &["--hidden-columns", "drop"]);
        assert_eq!(code, 65, "{words}");
        assert!(words.contains(header), "{words}");
    }
}

#[test]
fn a_formula_without_its_result_is_never_an_empty_cell() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    patients(sheet, 0, 3);
    sheet.write(0, 7, "Deceased").unwrap();
    sheet.write_formula(1, 4, "=A1").unwrap();
    sheet.write_formula(2, 7, "=A1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.xlsx");
    book.save(&path).unwrap();
    without_results(&path);
    let (code, words) = check(&path, &[]);
    assert_eq!(code, 65);
    for line in [
        "1  Address 1 is a formula without its result (row 2)",
        "1  column H \"Deceased\" is a formula without its result (row 3)",
        "1  can be uploaded",
    ] {
        assert!(words.contains(line), "{line}: {words}");
    }
}

#[test]
fn a_date_in_an_address_of_a_text_file_is_also_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.csv");
    let row = |number: &str, address: &str| {
        format!("{number},Canary,Canary,01/02/1950,{address},Newcastle,NE1 4ST\n")
    };
    let rows = [
        format!("{}\n", HEADER.join(",")),
        row(NUMBERS[0], "03-May"),
        row(NUMBERS[1], "03/05/2026"),
        row(NUMBERS[2], "3-5"),
    ];
    std::fs::write(&path, rows.concat()).unwrap();
    let (code, words) = check(&path, &[]);
    assert_eq!(code, 65);
    assert!(words.contains("2  Address 1 is a date:"), "{words}");
    assert!(words.contains("1  can be uploaded"), "{words}");
}

#[test]
fn comments_of_death_or_do_not_contact_stop_the_file_and_others_do_not() {
    for (note, stops) in [
        ("Died 3 March", true),
        ("RIP", true),
        ("Please do not write to her", true),
        ("DECEASED per GP", true),
        ("Prefers mornings", false),
    ] {
        let (code, words) = check_made(
            |book| {
                let sheet = book.add_worksheet();
                patients(sheet, 0, 3);
                sheet.insert_note(2, 2, &Note::new(note)).unwrap();
            },
            &[],
        );
        assert_eq!(words.contains("row 3. Comments"), stops, "{note}: {words}");
        assert_eq!(code == 65, stops, "{note}: {words}");
        assert!(!words.contains(note), "{words}");
    }
}

#[test]
fn rows_that_are_struck_through_stop_the_file() {
    let struck = Format::new().set_font_strikethrough();
    let (code, words) = check_made(
        |book| {
            let sheet = book.add_worksheet();
            patients(sheet, 0, 3);
            // An empty cell has nothing to strike out.
            sheet.write_blank(1, 9, &struck).unwrap();
            sheet.write_with_format(3, 1, "Canary", &struck).unwrap();
        },
        &[],
    );
    assert_eq!(code, 65, "{words}");
    assert!(words.contains("struck through in row 4"), "{words}");
}

#[test]
fn values_that_a_merged_cell_covers_stop_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, covered) = (folder.path().join("a.xlsx"), folder.path().join("b.xlsx"));
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    patients(sheet, 0, 3);
    // The last name of the second patient is under the first name.
    sheet
        .merge_range(2, 1, 2, 2, "Canary", &Format::new())
        .unwrap();
    sheet.write(2, 2, "Canary").unwrap();
    book.save(&covered).unwrap();
    let (code, words) = check(&covered, &[]);
    assert_eq!(code, 65, "{words}");
    assert!(
        words.contains("merged cells in row 3 cover other cells"),
        "{words}"
    );
    // Nothing is under a merged cell, as usual.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    patients(sheet, 0, 3);
    sheet
        .merge_range(1, 5, 2, 5, "Newcastle", &Format::new())
        .unwrap();
    book.save(&plain).unwrap();
    assert_eq!(check(&plain, &[]).0, 0);
}

#[test]
fn a_sheet_of_the_dead_or_of_exclusions_is_not_called_a_copy() {
    for name in [
        "RIP",
        "Deceased",
        "Exclusions",
        "Opt-outs",
        "DO NOT CONTACT",
        "Removed",
    ] {
        let (code, words) = check_made(
            |book| {
                patients(book.add_worksheet().set_name("Patients").unwrap(), 0, 3);
                patients(book.add_worksheet().set_name(name).unwrap(), 1, 1);
            },
            &[],
        );
        assert_eq!(code, 65, "{words}");
        let also =
            format!("a patient of the sheet \"Patients\" is on the sheet \"{name}\" as well");
        assert!(words.contains(&also), "{words}");
        assert!(!words.contains("old or copies"), "{words}");
    }
    let (_, words) = check_made(
        |book| {
            patients(book.add_worksheet().set_name("March").unwrap(), 0, 2);
            patients(book.add_worksheet().set_name("April").unwrap(), 2, 1);
        },
        &[],
    );
    assert!(words.contains("old or copies"), "{words}");
}
