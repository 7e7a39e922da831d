use std::borrow::Cow;

use pkb_core::{record::Edition, stage::Recalled};
use pkb_print_files::{
    data_profile::{BUILT_IN, DataProfile, Value},
    series::Series,
};
use pkb_verify::data_rows::DataRows;
use proptest::prelude::*;

use super::{numbers::FileNumbers, table::Table};

const COLUMNS: &str = r#"
[[columns]]
header = "ref"
value = "reference"
[[columns]]
header = "first name"
value = "first_name"
[[columns]]
header = "link"
value = "join_link"
"#;

const VALUES: [Value; 3] = [Value::Reference, Value::FirstName, Value::JoinLink];

fn profile(settings: &str) -> DataProfile {
    DataProfile::parse(&format!("{settings}\nrows_per_file = 9\n{COLUMNS}")).unwrap()
}

/// Every form that a profile can ask for.
fn any_profile() -> impl Strategy<Value = DataProfile> {
    let csv = (
        prop::sample::select(vec![",", ";", "|", "\\t", "#"]),
        prop::sample::select(vec!["needed", "all", "never"]),
        prop::sample::select(vec!["utf-8", "utf-8-bom", "windows-1252"]),
        prop::sample::select(vec!["crlf", "lf"]),
        prop::bool::ANY,
    )
        .prop_map(|(separator, quoting, encoding, line_end, has_trailer)| {
            let trailer = if has_trailer { "trailer = \"T,{rows}\"" } else { "" };
            profile(&format!(
                "form = \"csv\"\nseparator = \"{separator}\"\nquoting = \"{quoting}\"\nencoding = \"{encoding}\"\nline_end = \"{line_end}\"\n{trailer}"
            ))
        });
    prop_oneof![4 => csv, 1 => Just(profile("form = \"jsonl\""))]
}

/// Texts of the characters that forms treat in their own way, and of any others.
fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z,;|#\t\"' \r\n=+@éŵŁ€Ž\u{81}\u{2028}-]{0,8}",
        "[A-Za-z'é -]{0,12}",
        "\\PC{0,8}",
    ]
}

proptest! {
    #[test]
    fn any_value_is_read_as_it_was_or_is_an_outcome_of_its_row(
        profile in any_profile(),
        rows in prop::collection::vec(prop::collection::vec(any_cell(), 3), 1..6),
    ) {
        let table = Table::new(profile.clone(), false);
        let mut bytes = table.start().unwrap();
        let mut written = Vec::new();
        for row in &rows {
            let cells: Vec<Cow<'_, str>> = row.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
            match table.cells(cells) {
                Ok(line) => {
                    bytes.extend(line);
                    written.push(row);
                }
                Err(refusal) => {
                    let words = refusal.words();
                    prop_assert!(words.contains("the column"), "{words}");
                }
            }
        }
        bytes.extend(table.end(written.len()).unwrap());
        if written.is_empty() {
            return Ok(());
        }
        let read = DataRows::read(Cow::Borrowed(&profile), &bytes).unwrap();
        prop_assert_eq!(read.count(), written.len());
        for (at, row) in written.into_iter().enumerate() {
            let cells = VALUES.map(|value| read.cell(at, value).unwrap());
            prop_assert_eq!(cells.as_slice(), row.as_slice());
        }
    }

    #[test]
    fn plain_names_are_never_refused_by_a_form_that_can_write_them(name in "[A-Za-z'éÉü -]{0,20}", profile in any_profile()) {
        let table = Table::new(profile, false);
        let cells = ["R1", name.as_str(), "https"].map(Cow::Borrowed).to_vec();
        prop_assert!(table.cells(cells).is_ok());
    }
}

#[test]
fn what_the_form_cannot_hold_is_named_by_column_and_without_the_value() {
    for (settings, name, words) in [
        (
            "form = \"csv\"\nencoding = \"windows-1252\"",
            "Łukasz",
            "encoding",
        ),
        ("form = \"csv\"\nencoding = \"windows-1252\"", "Siôn", ""),
        (
            "form = \"csv\"\nencoding = \"windows-1252\"",
            "Gwŷn",
            "encoding",
        ),
        ("form = \"csv\"\nquoting = \"never\"", "A, B", "separator"),
        (
            "form = \"csv\"\nquoting = \"never\"\nseparator = \"|\"",
            "A, B",
            "",
        ),
        ("form = \"csv\"", "A\nB", "line break"),
        ("form = \"jsonl\"", "A\u{2028}B", "line break"),
    ] {
        let table = Table::new(profile(settings), false);
        let cells = ["R1", name, "https"].map(Cow::Borrowed).to_vec();
        let refused = table.cells(cells).err().map(|refusal| refusal.words());
        let refused = refused.unwrap_or_default();
        assert!(
            refused.contains(words) && refused.is_empty() == words.is_empty(),
            "{refused}"
        );
        assert!(!refused.contains(name), "{refused}");
        if !words.is_empty() {
            assert!(refused.contains("\"first name\""), "{refused}");
        }
    }
}

#[test]
fn the_headers_of_each_built_in_profile_can_be_written() {
    for (name, text) in BUILT_IN {
        let table = Table::new(DataProfile::parse(text).unwrap(), true);
        assert!(table.start().is_ok(), "{name}");
    }
}

/// The line of a patient's row.
fn row(file: &str, national_id: &str, edition: &str) -> Recalled {
    let record = serde_json::json!({
        "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 7, "of": 9},
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": national_id}, "first_name": "Read",
            "last_name": "Richards", "date_of_birth": "1990-05-01",
        },
        "deliveries": [{"channel": "data", "file": file, "edition": edition}],
    });
    Recalled::Record(serde_json::from_value(record).unwrap())
}

fn intent(file: &str, rows: u64, edition: &str) -> Recalled {
    Recalled::Intent(serde_json::json!({"file": file, "rows": rows, "edition": edition}))
}

const ANN: &str = "9990000018";
const BEN: &str = "9990000026";

/// The next names of files after these lines, and whose rows are made again.
fn after(lines: Vec<Recalled>, edition: Edition, there: &[&str]) -> (Vec<String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    for name in there {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let mut numbers = FileNumbers::new(folder.path(), Series::default(), edition).unwrap();
    lines.iter().for_each(|line| numbers.recall(line).unwrap());
    let unfinished = numbers.unfinished().len();
    let names = (0..2).map(|_| numbers.next("csv"));
    (names.collect(), unfinished)
}

#[test]
fn a_file_that_lacks_rows_is_made_again_under_its_name_and_no_other_name_is_used_twice() {
    let one = "data-0001.csv";
    let whole = || {
        vec![
            intent(one, 2, "first"),
            row(one, ANN, "first"),
            row(one, BEN, "first"),
        ]
    };
    let cut = || vec![intent(one, 2, "first"), row(one, ANN, "first")];
    let first = Edition::First;
    let names = |numbers: [u8; 2]| {
        numbers
            .map(|number| format!("data-000{number}.csv"))
            .to_vec()
    };
    assert_eq!(after(Vec::new(), first, &[]), (names([1, 2]), 0));
    // It may have been sent, and deleted here.
    assert_eq!(after(whole(), first, &[]), (names([2, 3]), 0));
    assert_eq!(after(cut(), first, &[one]), (names([1, 2]), 1));
    // Another kind of run leaves it alone.
    assert_eq!(after(cut(), Edition::Reissue, &[one]), (names([2, 3]), 0));
    // What the journal does not know may have been sent.
    assert_eq!(
        after(Vec::new(), first, &["data-0001.csv.gpg"]),
        (names([2, 3]), 0)
    );
    let reprint = || vec![intent("data-0002.csv", 1, "reprint")];
    let both = |lines: Vec<Recalled>| lines.into_iter().chain(reprint()).collect::<Vec<_>>();
    assert_eq!(after(both(whole()), first, &[]), (names([3, 4]), 0));
    assert_eq!(
        after(both(whole()), Edition::Reprint, &[]),
        (names([2, 3]), 0)
    );
}

#[test]
fn a_journal_that_lost_rows_of_an_earlier_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = FileNumbers::new(folder.path(), Series::default(), Edition::First).unwrap();
    for line in [
        intent("data-0001.csv", 2, "first"),
        row("data-0001.csv", ANN, "first"),
        intent("data-0002.csv", 1, "first"),
    ] {
        numbers.recall(&line).unwrap();
    }
    let error = numbers
        .recall(&row("data-0002.csv", BEN, "first"))
        .unwrap_err();
    assert!(
        error.to_string().contains("lines have been lost"),
        "{error}"
    );
}
