//! No patient, whatever the names, can change the form of the file.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn patient(changes: serde_json::Value) -> Patient {
    let mut json = serde_json::json!({
        "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
        "first_name": "Read", "last_name": "O'Brien", "date_of_birth": "2000-09-05",
        "address": ["1 Main Street", "Newcastle"], "postcode": "NE1 1XC", "email": "r@example.org",
    });
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    serde_json::from_value(json).unwrap()
}

fn file(options: LineOptions) -> PkbFile {
    PkbFile {
        profile: Profile::read(None).unwrap(),
        options,
    }
}

const OPTIONS: LineOptions = LineOptions {
    columns: FilledColumns::All,
    special_characters: SpecialCharacters::Typographic,
    emails: false,
    today: date(2026, 11, 23),
};

/// The rows of a file by a parser that has nothing to do with the writer.
fn foreign_rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = simd_csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    reader
        .byte_records()
        .map(|record| {
            let record = record.unwrap();
            let text = |cell: &[u8]| String::from_utf8(cell.to_vec()).unwrap();
            record.iter().map(text).collect()
        })
        .collect()
}

/// Whether a file follows the grammar of RFC 4180, section 2, to the letter: readers forgive more than
/// an importer may.
fn is_strict(bytes: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum At {
        CellStart,
        Bare,
        Quoted,
        QuoteInQuoted,
        CarriageReturn,
    }
    let mut at = At::CellStart;
    for byte in bytes {
        at = match (at, byte) {
            (At::CellStart, b'"') => At::Quoted,
            (At::CellStart | At::Bare | At::QuoteInQuoted, b',') => At::CellStart,
            (At::CellStart | At::Bare | At::QuoteInQuoted, b'\r') => At::CarriageReturn,
            (At::CarriageReturn, b'\n') => At::CellStart,
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::QuoteInQuoted, b'"') | (At::Quoted, _) => At::Quoted,
            (At::CellStart | At::Bare, byte) if !matches!(byte, b'"' | b'\n') => At::Bare,
            _ => return false,
        };
    }
    at == At::CellStart
}

fn cells(line: &[u8]) -> Vec<String> {
    foreign_rows(line).remove(0)
}

fn cell(file: &PkbFile, patient: &Patient, header: &str) -> String {
    let at = file.profile.headers().position(|h| h == header).unwrap();
    cells(&file.patient_line(patient))[at].clone()
}

#[test]
fn dates_and_identifiers_keep_their_zeros() {
    let file = file(OPTIONS);
    let patient = patient(serde_json::json!({"organisation_id": "0012345", "team_id": "007"}));
    for (header, expected) in [
        ("DD", "05"),
        ("MM", "09"),
        ("YYYY", "2000"),
        ("National Identifier", "5760678914"),
        ("Organisation Identifier", "0012345"),
        ("Team Identifier", "007"),
        ("Last name", "O\u{2019}Brien"),
    ] {
        assert_eq!(cell(&file, &patient, header), expected, "{header}");
    }
}

#[test]
fn no_line_of_an_address_is_lost() {
    for (lines, town, county, expected) in [
        (&[][..], None, None, ["", "", "", ""]),
        (&["a"], None, None, ["a", "", "", ""]),
        (&["a", "b"], None, None, ["a", "", "b", ""]),
        (&["a", "b", "c"], None, None, ["a", "b", "c", ""]),
        (&["a", "b", "c", "d"], None, None, ["a", "b, c", "d", ""]),
        (&["a", "b", "c"], Some(1), Some(2), ["a", "", "b", "c"]),
        (
            &["a", "b", "c", "d"],
            Some(2),
            Some(3),
            ["a", "b", "c", "d"],
        ),
        (
            &["a", "b", "c", "d", "e"],
            Some(3),
            Some(4),
            ["a", "b, c", "d", "e"],
        ),
        (&["a", "b", "c"], None, Some(2), ["a", "", "b", "c"]),
        (&["a"], Some(0), None, ["", "", "a", ""]),
    ] {
        assert_eq!(spread(lines, town, county), expected);
    }
}

#[test]
fn an_email_is_uploaded_only_when_asked_and_never_a_childs() {
    let adult = patient(serde_json::json!({}));
    let child = patient(serde_json::json!({"date_of_birth": "2010-11-24"}));
    let just_sixteen = patient(serde_json::json!({"date_of_birth": "2010-11-23"}));
    let asked = file(LineOptions {
        emails: true,
        ..OPTIONS
    });
    for (file, patient, expected) in [
        (&file(OPTIONS), &adult, ""),
        (&asked, &adult, "r@example.org"),
        (&asked, &child, ""),
        (&asked, &just_sixteen, "r@example.org"),
    ] {
        assert_eq!(cell(file, patient, "E-mail"), expected);
        assert_eq!(file.invites_by_email(patient), !expected.is_empty());
    }
}

#[test]
fn a_minimal_line_overwrites_nothing_but_the_names() {
    let file = file(LineOptions {
        columns: FilledColumns::Minimal,
        emails: true,
        ..OPTIONS
    });
    let patient = patient(serde_json::json!({"title": "Mr", "mobile": "07700 900123"}));
    let filled: Vec<String> = cells(&file.patient_line(&patient))
        .into_iter()
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(filled, ["Read", "O\u{2019}Brien", "5760678914"]);
    assert!(!file.invites_by_email(&patient));
}

#[test]
fn batches_are_even() {
    for (rows, most, expected) in [
        (0, 50_000, 1),
        (1, 50_000, 1),
        (50_000, 50_000, 50_000),
        (50_001, 50_000, 25_001),
        (400_000, 50_000, 50_000),
        (100, 33, 25),
    ] {
        assert_eq!(even_batch_rows(rows, most), expected, "{rows}");
    }
}

/// Texts that are hard on a CSV file.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-',\"=+@;|\\\\a-z \t\r\n]{1,20}",
        "\\PC{1,20}",
        Just("\"".to_owned()),
        Just(",,,".to_owned()),
        Just("\"a\"\"b".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_cells_changes_the_columns_or_rows_of_the_file(
        patients in proptest::collection::vec(
            (text(), text(), proptest::collection::vec(text(), 0..5), text()),
            0..8,
        ),
        policy in prop_oneof![
            Just(SpecialCharacters::Keep),
            Just(SpecialCharacters::Typographic),
            Just(SpecialCharacters::Space),
        ],
    ) {
        let file = file(LineOptions { special_characters: policy, emails: true, ..OPTIONS });
        let mut bytes = file.header_line();
        let mut names = Vec::new();
        for (first, last, address, title) in patients {
            // Whatever the values' own rules let through.
            let name = |text: &str| PersonName::parse(text).ok();
            let (Some(first_name), Some(last_name)) = (name(&first), name(&last)) else {
                continue;
            };
            let mut patient = patient(serde_json::json!({}));
            patient.first_name = first_name;
            patient.last_name = last_name;
            patient.title = name(&title);
            patient.address = address.iter().filter_map(|line| AddressLine::parse(line).ok()).collect();
            bytes.extend(file.patient_line(&patient));
            names.push(policy.apply(patient.last_name.expose_name()).into_owned());
        }
        prop_assert!(is_strict(&bytes));
        let rows = foreign_rows(&bytes);
        prop_assert_eq!(rows.len(), names.len() + 1);
        prop_assert!(rows.iter().all(|row| row.len() == 22));
        for (row, name) in rows[1..].iter().zip(names) {
            prop_assert_eq!(&row[2], &name);
        }
    }
}
