//! What each row of a patient file costs.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use divan::{Bencher, counter::ItemsCount};
use jiff::civil::date;
use pkb_patients::{PatientFile, ReadingOptions};
use pkb_table::{Row, Table, TableOptions};

const ROWS: u32 = 10_000;

fn main() {
    divan::main();
}

/// A patient file, and the folder that it is in: one cell in ten is quoted.
fn file() -> (tempfile::TempDir, PathBuf) {
    let mut text = "NHS number,Title,First name,Last name,Date of birth,Address 1,Address 2,Town,County,Post code,Mobile,Email,Language\n".to_owned();
    for row in 0..ROWS {
        let house = if row % 10 == 0 {
            "\"Flat 3, 77 Juniper Terrace\""
        } else {
            "127 Weaver's Way"
        };
        writeln!(text, "{},Mrs,Priya,Fairweather,{}-04-12,{house},,Swansea,,SA3 7WD,07700 900825,patient{row}@example.org,en", number(row), 1930 + row % 70).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patients.csv");
    let mut options = std::fs::OpenOptions::new();
    let created = options.write(true).create_new(true).mode(0o600).open(&path);
    created.unwrap().write_all(text.as_bytes()).unwrap();
    (folder, path)
}

/// A number of the range for tests with its check digit; where there is none, that of a placeholder.
fn number(row: u32) -> String {
    let nine = format!("999{row:06}");
    let sum: u32 = (2..=10)
        .rev()
        .zip(nine.bytes())
        .map(|(weight, digit)| weight * u32::from(digit - b'0'))
        .sum();
    match (11 - sum % 11) % 11 {
        10 => "9990000018".to_owned(),
        check => format!("{nine}{check}"),
    }
}

fn open(path: &Path) -> PatientFile {
    PatientFile::open(&ReadingOptions::of(path), date(2026, 11, 23)).unwrap()
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    let table = Table::open(&path, &TableOptions::default()).unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let (mut rows, mut row, mut count) = (table.rows().unwrap(), Row::default(), 0);
        while rows.next_row(&mut row).unwrap() {
            count += 1;
        }
        count
    });
}

#[divan::bench]
fn survey(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| open(&path).survey.good);
}

#[divan::bench]
fn second_reading(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    let file = open(&path);
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let (mut reading, mut patients) = (file.second_reading().unwrap(), 0);
        while let Some(judged) = reading.next_row(&file).unwrap() {
            patients += u32::from(judged.patient.is_some());
        }
        patients
    });
}
