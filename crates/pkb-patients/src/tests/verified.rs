//! NHS number statuses: what is said of numbers that are not verified, and rows that are left out for it.

use jiff::civil::date;
use pkb_core::Reason;

use super::{row, stopped};
use crate::{FileReport, PatientFile, ReadingOptions};

const HEADER: &str =
    "NHS number,NHS number status,First name,Last name,Date of birth,Address 1,Post code";
const CELLS: &str = "Ann,Example,1990-05-01,1 Main Street,NE1 1XC";

fn file(header: &str, cells: &[String], verified_only: bool) -> PatientFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patients.csv");
    let rows: Vec<String> = (0..).zip(cells).map(|(at, cells)| row(at, cells)).collect();
    std::fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let options = ReadingOptions {
        verified_only,
        ..ReadingOptions::of(path)
    };
    let file = PatientFile::open(&options, date(2026, 11, 23)).unwrap();
    // The second reading needs the file.
    std::mem::forget(folder);
    file
}

/// Rows with these statuses.
fn with_statuses(statuses: &[&str], verified_only: bool) -> PatientFile {
    let cells: Vec<String> = (b'A'..)
        .zip(statuses)
        .map(|(letter, status)| {
            let name = format!("Ann{}", char::from(letter));
            format!("{status},{}", CELLS.replace("Ann", &name))
        })
        .collect();
    file(HEADER, &cells, verified_only)
}

#[test]
fn numbers_that_are_not_verified_are_counted_and_left_out_only_where_that_is_asked_for() {
    let statuses = ["01", "02", "1", "03", "04", "05", "06", "07", "08", ""];
    let read = with_statuses(&statuses, false);
    let report = FileReport(&read).to_string();
    assert!(
        report.contains("7  NHS number status does not say that the number is verified"),
        "{report}"
    );
    assert!(report.contains("never merges records"), "{report}");
    assert!(report.contains("--verified-only"), "{report}");
    assert!(!report.contains("empty or absent"), "{report}");
    assert!(stopped(read).is_empty());

    let only = with_statuses(&statuses, true);
    let report = FileReport(&only).to_string();
    assert!(
        report.contains("1  NHS number status is empty or absent"),
        "{report}"
    );
    let stopped = stopped(only);
    let rows: Vec<u64> = stopped.keys().copied().collect();
    assert_eq!(rows, [3, 5, 6, 7, 8, 9, 10, 11]);
    assert!(
        stopped
            .values()
            .all(|reason| *reason == Reason::NumberUnverified)
    );
}

#[test]
fn a_file_without_statuses_is_untouched_unless_only_verified_numbers_are_wanted() {
    let header = HEADER.replace("NHS number status,", "");
    let cells = [CELLS.to_owned(), CELLS.replace("Ann", "Ben")];
    let read = file(&header, &cells, false);
    assert!(!FileReport(&read).to_string().contains("status"));
    assert!(stopped(read).is_empty());
    let only = file(&header, &cells, true);
    let report = FileReport(&only).to_string();
    assert!(
        report.contains("2  NHS number status is empty or absent"),
        "{report}"
    );
    assert_eq!(stopped(only).len(), 2);
}
