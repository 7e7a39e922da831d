#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use pkb_synthetic::derive;

use super::args::{MailCompany, Mishaps};
use super::*;

const LAYOUT: &str = r#"
form = "csv"
separator = "|"
quoting = "needed"
encoding = "windows-1252"
line_end = "crlf"
trailer = "T,{rows}"
rows_per_file = 100
[[columns]]
header = "ref"
value = "reference"
[[columns]]
header = "n"
value = "sequence"
[[columns]]
header = "name"
value = "name_line"
[[columns]]
header = "street"
value = "address_line_1"
[[columns]]
header = "pc"
value = "post_code"
[[columns]]
header = "lang"
value = "language"
[[columns]]
header = "c1"
value = "invitation_code"
[[columns]]
header = "c2"
value = "access_code"
"#;

const ROWS: &str = "ref|n|name|street|pc|lang|c1|c2\r\n\
    A1|1|Mr Read Richards|1 Main Street|NE1 1XC|en|one|two\r\n\
    A2|2|\"Ms \"\"Si\u{E2}n\"\" | Lee\"|2 Main Street|NE1 1XC|cy+en|three|four\r\n\
    A3|3|Mr Long|3 Street that is much longer than any window of an envelope|NE1 1XC|en|five|six\r\n\
    A4|4|Mrs Polish|4 Main Street|NE1 1XC|pl|seven|eight\r\n\
    A5|5|Mr Dead|5 Main Street|NE1 1XC|en|nine|ten\r\n\
    T,5\r\n";

/// A package of these files, and what a company is asked.
fn package(data: &str) -> (tempfile::TempDir, MailCompany) {
    let folder = tempfile::tempdir().unwrap();
    let args = MailCompany {
        delivery: folder.path().join("package"),
        out: folder.path().join("out"),
        key: None,
        languages: ["en", "cy", "cy+en"].map(str::to_owned).to_vec(),
        seed: 1,
        mishaps: Mishaps::default(),
        at: Some("2026-11-30T09:00:00Z".parse().unwrap()),
        truth: None,
        fault: Vec::new(),
    };
    fs::create_dir(&args.delivery).unwrap();
    // â is one byte in Windows-1252.
    let data: Vec<u8> = data
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let files = [
        ("spring.json", br#"{"stop":["A5"]}"#.to_vec()),
        ("data-profile.toml", LAYOUT.as_bytes().to_vec()),
        ("data-0001.csv", data),
    ];
    let mut marker = String::new();
    for (name, bytes) in files {
        fs::write(args.delivery.join(name), &bytes).unwrap();
        marker.push_str(&format!("{}  {name}\n", derive::sha256_hex(&bytes)));
    }
    fs::write(args.delivery.join("spring.done"), marker).unwrap();
    (folder, args)
}

/// Words of the status file and their reasons, by reference.
fn words(args: &MailCompany) -> BTreeMap<String, Vec<String>> {
    let mut words = BTreeMap::<_, Vec<String>>::new();
    let mut file = csv::Reader::from_path(args.out.join("status.csv")).unwrap();
    for row in file.records().map(Result::unwrap) {
        let own = words.entry(row[0].to_owned()).or_default();
        own.push(format!("{}{}", &row[1], &row[4]));
    }
    words
}

#[test]
fn a_package_of_data_is_printed_but_for_what_is_too_long_unknown_or_stopped() {
    let (_folder, args) = package(ROWS);
    assert_eq!(post(&args).unwrap(), 5);
    let usual = ["ACCEPTED", "PRINTED", "ENCLOSED", "DISPATCHED"]
        .map(str::to_owned)
        .to_vec();
    let words = words(&args);
    assert_eq!(words["A1"], usual);
    assert_eq!(words["A2"], usual);
    assert_eq!(words["A3"], ["REJECTEDA line of the address is too long"]);
    assert_eq!(
        words["A4"],
        ["REJECTEDThe template does not have the language"]
    );
    assert_eq!(words["A5"], ["ACCEPTED", "CANCELLED"]);
    let printed = fs::read_to_string(args.out.join("printed.txt")).unwrap();
    assert_eq!(printed.matches('\u{C}').count(), 2);
    assert!(
        printed.contains("Ms \"Siân\" | Lee\n2 Main Street\nNE1 1XC\n"),
        "{printed}"
    );
    assert!(printed.contains("three and four"));
}

#[test]
fn a_package_that_is_not_what_its_marker_says_is_refused_without_output() {
    let change = |args: &MailCompany, name: &str, from: &str, to: &str| {
        let path = args.delivery.join(name);
        let bytes = fs::read(&path).unwrap();
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let text = text.replacen(from, to, 1);
        let bytes: Vec<u8> = text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect();
        fs::write(path, bytes).unwrap();
    };
    let (_folder, args) = package(ROWS);
    change(&args, "data-0001.csv", "Read", "Reed");
    let error = post(&args).unwrap_err().to_string();
    assert!(
        error.contains("SHA-256 of data-0001.csv does not match"),
        "{error}"
    );
    assert!(!args.out.exists());
    for (from, to, words) in [
        ("A2|", "a1|", "has the reference of an earlier one"),
        ("A2|2", "A2|3", "does not have its number"),
        ("T,5", "T,6", "number of rows"),
        ("|one|", "|\"one|", "inside a cell"),
        ("|en|one", "|en", "as many cells"),
        ("A1|", "A-1|", "no reference"),
        ("ref|", "id|", "no column \"ref\""),
    ] {
        let (_folder, args) = package(&ROWS.replacen(from, to, 1));
        let error = post(&args).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
        assert!(!args.out.exists());
    }
    let (_folder, args) = package(ROWS);
    change(&args, "spring.done", "spring.json", "../spring.json");
    assert!(post(&args).unwrap_err().to_string().contains("leads out"));
}

#[test]
fn more_mishaps_than_letters_that_can_be_printed_are_refused() {
    let (_folder, mut args) = package(ROWS);
    args.mishaps.lose = 3;
    assert!(matches!(
        post(&args),
        Err(MailError::TooMany {
            wanted: 3,
            letters: 2
        })
    ));
}
