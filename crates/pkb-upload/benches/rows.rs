//! What each row of a patient file costs.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fmt::Write as _, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use divan::{Bencher, counter::ItemsCount};
use pkb_upload::hot;

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

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    let rows = hot::Rows::open(&path).unwrap();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| rows.read().unwrap());
}

#[divan::bench]
fn survey(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| hot::survey(&path).unwrap());
}

#[divan::bench]
fn second_reading(bencher: Bencher<'_, '_>) {
    let (_folder, path) = file();
    let file = hot::open(&path).unwrap();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| hot::second_reading(&file).unwrap());
}
