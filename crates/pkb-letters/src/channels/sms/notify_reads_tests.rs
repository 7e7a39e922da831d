//! Finished sheets as GOV.UK Notify reads them: by its published rules, with a reader and rules that
//! share nothing with what wrote them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{collections::BTreeMap, fs, path::Path};

use pkb_core::{record::Design, text_message::TextValues};

use super::{
    args::SmsTemplate,
    sheet::{SmsSpreadsheets, SpreadsheetNumbers},
    text::Texts,
};
use proptest::prelude::*;

/// Reads CSV by RFC 4180, a character at a time.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut characters) = (false, text.chars().peekable());
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                cell.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {
                characters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    assert!(
        !quoted && cell.is_empty() && row.is_empty(),
        "the file breaks off"
    );
    rows
}

/// How Notify compares names of columns and placeholders.
fn folded(name: &str) -> String {
    name.to_lowercase().replace([' ', '_', '-'], "")
}

/// Names between double brackets.
fn placeholders(text: &str) -> Vec<String> {
    let begins = text.match_indices("((").map(|(at, _)| at + 2);
    begins
        .map(|at| text[at..at + text[at..].find("))").unwrap()].to_owned())
        .collect()
}

/// A mobile of the United Kingdom, in the form that we write.
fn is_mobile(cell: &str) -> bool {
    cell.strip_prefix("+447")
        .is_some_and(|rest| rest.len() == 9 && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// What Notify would say about a sheet with these templates; its rows if nothing.
fn accept(path: &Path, templates: &[String]) -> Result<Vec<BTreeMap<String, String>>, String> {
    let bytes = fs::read(path).unwrap();
    if bytes.len() > 10 * 1024 * 1024 {
        return Err("larger than 10 MiB".into());
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let mut rows = cells(&text).into_iter();
    let header: Vec<String> = rows
        .next()
        .unwrap()
        .iter()
        .map(|name| folded(name))
        .collect();
    for (at, name) in header.iter().enumerate() {
        if header[..at].contains(name) {
            return Err(format!("two columns {name}"));
        }
    }
    let needed: Vec<String> = templates
        .iter()
        .flat_map(|text| placeholders(text))
        .map(|name| folded(&name))
        .chain(["phonenumber".to_owned()])
        .collect();
    if let Some(missing) = needed.iter().find(|name| !header.contains(name)) {
        return Err(format!("no column {missing}"));
    }
    let mut accepted = Vec::new();
    for row in rows {
        if row.len() != header.len() {
            return Err("a row has another number of cells".into());
        }
        let row: BTreeMap<String, String> = header.iter().cloned().zip(row).collect();
        if needed.iter().any(|name| row[name].trim().is_empty()) {
            return Err("an empty cell".into());
        }
        if row.values().any(|cell| cell.contains(['\n', '\r'])) {
            return Err("a line break in a cell".into());
        }
        if !is_mobile(&row["phonenumber"]) {
            return Err("not a mobile".into());
        }
        accepted.push(row);
    }
    if accepted.is_empty() || accepted.len() > 100_000 {
        return Err(format!("{} rows", accepted.len()));
    }
    Ok(accepted)
}

fn row(number: u32, first_name: &str, organisation: &str) -> TextValues {
    TextValues {
        phone_number: format!("+4477009{number:05}"),
        first_name: first_name.to_owned(),
        organisation: organisation.to_owned(),
        invitation_code: "NKcYiAciBU".into(),
        access_code: "KVPnrFYPay".into(),
        expiry: "21 December 2026".into(),
        link: "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into(),
    }
}

/// Writes rows as the stage does; all sheets in their order, as Notify reads them.
fn sheets(rows: &[TextValues]) -> Vec<Vec<BTreeMap<String, String>>> {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = SpreadsheetNumbers::new(folder.path(), Default::default()).unwrap();
    let mut sheets = SmsSpreadsheets::new(folder.path(), false);
    let mut names = Vec::new();
    for row in rows {
        let name = numbers.assign(row);
        sheets.add(&name, row).unwrap();
        names.push(name);
    }
    names.dedup();
    sheets.finish().unwrap();
    Texts::open(&SmsTemplate::Two, Design::Letter)
        .unwrap()
        .write(folder.path())
        .unwrap();
    let templates = ["sms-text-1.txt", "sms-text-2.txt"]
        .map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    names
        .iter()
        .map(|name| accept(&folder.path().join(name), &templates).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn notify_accepts_every_sheet_and_reads_what_was_written(
        names in prop::collection::vec("[\\PC&&[^\\p{Z}]]{1,12}( [\\PC&&[^\\p{Z}]]{1,9})?", 1..30),
        organisation in "[A-Z][a-z,\"'; &=]{0,20}[a-z]",
    ) {
        let organisation = organisation.split_whitespace().collect::<Vec<_>>().join(" ");
        let rows: Vec<TextValues> = (0..).zip(&names).map(|(number, name)| row(number, name, &organisation)).collect();
        let read: Vec<_> = sheets(&rows).concat();
        prop_assert_eq!(read.len(), rows.len());
        for (read, written) in read.iter().zip(&rows) {
            prop_assert_eq!(&read["phonenumber"], &written.phone_number);
            prop_assert_eq!(&read["firstname"], &written.first_name);
            prop_assert_eq!(&read["organisation"], &written.organisation);
            prop_assert_eq!(&read["link"], &written.link);
        }
    }

    #[test]
    fn line_breaks_never_get_into_a_cell(name in "[a-z]{1,5}[\\r\\n\\t \\u{85}\\u{2028}]{1,4}[a-z]{1,5}") {
        let read = sheets(&[row(1, &name, "Northtown\nHospitals")]).concat();
        prop_assert_eq!(&read[0]["organisation"], "Northtown Hospitals");
        prop_assert_eq!(read[0]["firstname"].split(' ').count(), 2);
    }
}

#[test]
fn a_sheet_is_full_by_its_bytes_or_its_rows_whichever_is_first() {
    // Long rows: bytes. The rows are as long as names may be.
    let long = row(1, &"ŵ".repeat(100), &"x".repeat(400));
    let read = sheets(&vec![long; 20_000]);
    assert_eq!(read.len(), 2);
    // Short rows: rows.
    let short = TextValues {
        link: "x".into(),
        expiry: "x".into(),
        ..row(1, "x", "x")
    };
    let read = sheets(&vec![short; 100_001]);
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [100_000, 1]);
}

#[test]
fn this_reader_refuses_what_notify_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.csv");
    let templates = ["((First_Name))".to_owned()];
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        accept(&path, &templates)
    };
    assert!(read("Phone Number,first-name\r\n+447700900123,\"A, \"\"B\"\"\"\r\n").is_ok());
    for (text, words) in [
        ("phone number\r\n+447700900123\r\n", "no column firstname"),
        ("phone number,phone_number,first name\r\n", "two columns"),
        (
            "phone number,first name\r\n+447700900123, \r\n",
            "an empty cell",
        ),
        (
            "phone number,first name\r\n+447700900123,\"A\nB\"\r\n",
            "a line break",
        ),
        (
            "phone number,first name\r\n07700 900123,A\r\n",
            "not a mobile",
        ),
        (
            "phone number,first name\r\n+4477009001234,A\r\n",
            "not a mobile",
        ),
        (
            "phone number,first name\r\n+447700900123\r\n",
            "another number",
        ),
        ("phone number,first name\r\n", "0 rows"),
    ] {
        assert!(read(text).unwrap_err().contains(words), "{text}");
    }
}
