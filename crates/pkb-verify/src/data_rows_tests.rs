use super::*;

const PROFILE: &str = r#"
form = "csv"
rows_per_file = 10
[[columns]]
header = "ref"
value = "reference"
[[columns]]
header = "no"
value = "sequence"
[[columns]]
header = "name"
value = "name_line"
[[columns]]
header = "line 1"
value = "address_line_1"
[[columns]]
header = "line 2"
value = "address_line_2"
[[columns]]
header = "post code"
value = "post_code"
[[columns]]
header = "code"
value = "invitation_code"
[[columns]]
header = "access"
value = "access_code"
[[columns]]
header = "until"
value = "codes_end_text"
[[columns]]
header = "link"
value = "join_link"
[[columns]]
header = "job"
text = "spring"
"#;

const HEADER: &str = "ref,no,name,line 1,line 2,post code,code,access,until,link,job";
const RIGHT: [&str; 11] = [
    "AB12",
    "1",
    "Ms Siân Richards",
    "1 Main Street",
    "NEWCASTLE",
    "NE1 1XC",
    "NKcYiAciBU",
    "KVPnrFYPay",
    "22 December 2026",
    "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay",
    "spring",
];

fn record() -> Record {
    let record = serde_json::json!({
        "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 3, "of": 3},
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Ms", "first_name": "Siân",
            "last_name": "Richards", "date_of_birth": "1990-05-01", "mobile": "+447700900123",
            "address": ["1 Main Street,", "Newcastle", "England"], "postcode": "NE1 1XC",
        },
        "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        "deliveries": [{"channel": "data", "reference": "AB12", "file": "data-0001.csv"}],
    });
    serde_json::from_value(record).unwrap()
}

fn owners() -> Owners {
    let mut owners = Owners::default();
    owners.enter(["NKcYiAciBU", "KVPnrFYPay"].map(ShortText::of), 3);
    owners.enter(["OtherCode1", "OtherTokn1"].map(ShortText::of), 4);
    owners
}

fn file(cells: &[&str]) -> String {
    format!("{HEADER}\r\n{}\r\n", cells.join(","))
}

fn failures(cells: &[&str]) -> Vec<String> {
    let profile = DataProfile::parse(PROFILE).unwrap();
    let file = file(cells);
    let rows = DataRows::read(Cow::Borrowed(&profile), file.as_bytes()).unwrap();
    let record = record();
    rows.failures(0, &record, &record.deliveries[0], &owners())
}

#[test]
fn each_cell_of_a_row_is_compared_with_the_record() {
    assert_eq!(failures(&RIGHT), Vec::<String>::new());
    for (column, cell, words) in [
        (0, "AB13", "\"ref\" does not match"),
        (1, "2", "\"no\" does not match"),
        (2, "Ms Ann Richards", "\"name\" does not match"),
        (
            3,
            "",
            "a line of the address, or the postcode, is not in the row",
        ),
        (3, "2 Main Street", "a line of the address"),
        (5, "NE1 1XD", "\"post code\" does not match"),
        (6, "OtherCode1", "a code of row 4 is in the row"),
        (7, "OtherTokn1", "\"access\" does not match"),
        (8, "23 December 2026", "\"until\" does not match"),
        (
            9,
            "https://joinpkb.com/?t1=NKcYiAciBU&t2=OtherTokn1",
            "\"link\" does not match",
        ),
        (10, "born 1 May 1990", "the date of birth"),
        (10, "9990000018", "the date of birth"),
        (10, "07700900123", "a phone number"),
    ] {
        let mut cells = RIGHT;
        cells[column] = cell;
        let found = failures(&cells);
        assert!(
            found.iter().any(|own| own.contains(words)),
            "{words}: {found:?}"
        );
    }
}

#[test]
fn both_of_two_rows_with_the_same_code_need_new_codes() {
    let profile = DataProfile::parse(PROFILE).unwrap();
    let first = record();
    let mut second = record();
    second.row.number = 8;
    let cells = [RIGHT, RIGHT].map(|cells| cells.join(","));
    let text = format!("{HEADER}\r\n{}\r\n", cells.join("\r\n"));
    let rows = DataRows::read(Cow::Borrowed(&profile), text.as_bytes()).unwrap();
    let records =
        [&first, &second].map(|record| Ok((Cow::Borrowed(record), &record.deliveries[0])));
    let found = rows.compare(records.into_iter()).unwrap();
    for (at, other) in [(0, 8), (1, 3)] {
        let (_, verdict) = found.iter().find(|(place, _)| *place == at).unwrap();
        assert_eq!(verdict.reason, Reason::SharedCodes);
        let words = format!("row {other} has the same code");
        assert_eq!(verdict.detail.as_deref(), Some(words.as_str()));
    }
}

#[test]
fn a_line_that_has_more_than_the_records_own_is_found() {
    let mut cells = RIGHT;
    cells[4] = "NEWCASTLE 9 High Street";
    assert!(!failures(&cells).is_empty());
}

#[test]
fn a_file_with_other_columns_or_a_wrong_trailer_is_not_read() {
    let text = file(&RIGHT);
    let with_trailer = format!("trailer = \"T,{{rows}}\"\n{PROFILE}");
    for (profile, text, is_read) in [
        (PROFILE, text.clone(), true),
        (PROFILE, text.replacen("ref,no", "no,ref", 1), false),
        (PROFILE, text.replacen(",job", ",job,REHEARSAL", 1), false),
        (PROFILE, text.trim_end().to_owned(), false),
        (PROFILE, String::new(), false),
        (&with_trailer, format!("{text}T,1\r\n"), true),
        (&with_trailer, format!("{text}T,2\r\n"), false),
        (&with_trailer, text.clone(), false),
    ] {
        let profile = DataProfile::parse(profile).unwrap();
        let read = DataRows::read(Cow::Borrowed(&profile), text.as_bytes());
        assert_eq!(read.is_some(), is_read, "{text}");
    }
}

#[test]
fn the_table_of_windows_characters_is_unicodes() {
    for (byte, character) in [
        (0x80, '€'),
        (0x8A, 'Š'),
        (0x9F, 'Ÿ'),
        (0x8E, 'Ž'),
        (0x9E, 'ž'),
        (0xE9, 'é'),
        (b'A', 'A'),
    ] {
        assert_eq!(of_windows(byte), Some(character));
    }
    for byte in [0x81, 0x8D, 0x8F, 0x90, 0x9D] {
        assert_eq!(of_windows(byte), None);
    }
}
