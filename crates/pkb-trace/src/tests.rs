//! Responses of all kinds, applied to records.

use std::path::{Path, PathBuf};

use pkb_core::{Clock, Reason, Record, StageName, record::TraceResult};
use proptest::prelude::*;

use crate::{
    key::Key,
    traced::{TraceFiles, Traced},
};

const HEADER: &str = "UNIQUE REFERENCE,REQ_NHS_NUMBER,FAMILY_NAME,DATE_OF_BIRTH,DATE_OF_DEATH,ADDRESS_LINE1,ADDRESS_LINE2,POSTCODE,SENSITIVTY_FLAG,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR,MATCHED_CONFIDENCE_PERCENTAGE";

/// Numbers of the test range, each a patient's.
const NUMBERS: [&str; 6] = [
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
];

fn record(place: usize) -> Record {
    let json = serde_json::json!({
        "schema": "pkb-record/1", "row": {"file": "a.csv", "number": place + 2, "of": NUMBERS.len()},
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": NUMBERS[place]}, "first_name": "Ann", "last_name": "Lee",
            "date_of_birth": "1990-05-01", "address": ["1 Mill Lane", "Leeds"], "postcode": "LS1 1AA",
        },
    });
    serde_json::from_value(json).unwrap()
}

struct Trial {
    folder: tempfile::TempDir,
    key: Key,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::random().unwrap();
        key.write(&folder.path().join("request.csv.key")).unwrap();
        Self { folder, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn reference(&self, place: usize) -> String {
        self.key.reference(record(place).patient.as_ref().unwrap())
    }

    /// The row of a patient who is where the patient file says; `change` gives it other cells.
    fn row(&self, place: usize, change: impl Fn(&mut Vec<String>)) -> String {
        let mut cells: Vec<String> = [
            &*self.reference(place),
            NUMBERS[place],
            "LEE",
            "19900501",
            "",
            "",
            "1 MILL LANE",
            "LS1 1AA",
            "",
            "00",
            NUMBERS[place],
            "1",
            "100.00",
        ]
        .map(str::to_owned)
        .into();
        change(&mut cells);
        cells.join(",")
    }

    fn read(&self, text: &str) -> Result<Traced, String> {
        std::fs::write(self.path("response.csv"), text).unwrap();
        let files = TraceFiles {
            responses: vec![self.path("response.csv")],
            key: Some(self.path("request.csv.key")),
            profile: "pds".into(),
            answered: None,
            max_age: std::time::Duration::from_secs(86_400),
            use_address: true,
        };
        Traced::read(&files, &Clock::System).map_err(|fatal| fatal.to_string())
    }
}

fn set(cells: &mut [String], header: &str, value: &str) {
    let at = HEADER.split(',').position(|own| own == header).unwrap();
    value.clone_into(&mut cells[at]);
}

/// What is decided of the first patient when the row has these cells.
fn decided(changes: &[(&str, &str)]) -> (Option<TraceResult>, Record) {
    let trial = Trial::new();
    let row = trial.row(0, |cells| {
        changes
            .iter()
            .for_each(|(header, value)| set(cells, header, value))
    });
    let traced = trial.read(&format!("{HEADER}\n{row}\n")).unwrap();
    let mut own = record(0);
    let applied = traced.apply(&mut own).unwrap();
    (applied.result, own)
}

#[test]
fn each_answer_has_one_meaning_and_the_most_serious_comes_first() {
    use TraceResult::*;
    let moved = ("POSTCODE", "YO1 7AA");
    for (changes, result, reason) in [
        (&[][..], Verified, None),
        (&[moved], NewerAddress, None),
        (
            &[("DATE_OF_DEATH", "20260301"), moved],
            Deceased,
            Some(Reason::Deceased),
        ),
        (
            &[("ERROR/SUCCESS_CODE", "92"), ("DATE_OF_DEATH", "2026")],
            Sensitive,
            Some(Reason::Sensitive),
        ),
        (
            &[("SENSITIVTY_FLAG", "S")],
            Sensitive,
            Some(Reason::Sensitive),
        ),
        (&[("SENSITIVTY_FLAG", "U")], Verified, None),
        (
            &[("ERROR/SUCCESS_CODE", "91")],
            InvalidNumber,
            Some(Reason::InvalidNumber),
        ),
        (
            &[
                ("ERROR/SUCCESS_CODE", "90"),
                ("MATCHED_NHS_NO", "9990000042"),
            ],
            Superseded,
            Some(Reason::Superseded),
        ),
        (
            &[("ERROR/SUCCESS_CODE", "97")],
            SeveralMatches,
            Some(Reason::SeveralMatches),
        ),
        (
            &[("MATCHED_NHS_NO", "9999999999")],
            SeveralMatches,
            Some(Reason::SeveralMatches),
        ),
        (
            &[("ERROR/SUCCESS_CODE", "98")],
            NotTraced,
            Some(Reason::NotTraced),
        ),
        (
            &[("ERROR/SUCCESS_CODE", "96")],
            NotTraced,
            Some(Reason::NotTraced),
        ),
        (
            &[("MATCHED_NHS_NO", "0000000000")],
            NotTraced,
            Some(Reason::NotTraced),
        ),
        (
            &[("MATCHED_NHS_NO", "9990000042")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("MATCHED_NHS_NO", "")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("MATCHED_ALGORITHM_INDICATOR", "3")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("MATCHED_CONFIDENCE_PERCENTAGE", "99.99")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("MATCHED_CONFIDENCE_PERCENTAGE", "")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("DATE_OF_BIRTH", "19900502")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (
            &[("DATE_OF_BIRTH", "199005")],
            IdentityMismatch,
            Some(Reason::IdentityMismatch),
        ),
        (&[("DATE_OF_BIRTH", "199005010800")], Verified, None),
        (
            &[("ERROR/SUCCESS_CODE", "13")],
            NoAnswer,
            Some(Reason::NoTraceAnswer),
        ),
        (
            &[("REQ_NHS_NUMBER", "9990000042")],
            NoAnswer,
            Some(Reason::NoTraceAnswer),
        ),
    ] {
        let (decided, record) = decided(changes);
        assert_eq!(decided, Some(result), "{changes:?}");
        assert_eq!(
            record.outcome.as_ref().map(|own| own.reason),
            reason,
            "{changes:?}"
        );
        assert!(
            record
                .outcome
                .is_none_or(|own| own.stage == StageName::Trace)
        );
    }
}

#[test]
fn the_register_writes_addresses_its_own_way_and_that_is_not_a_move() {
    for changes in [
        &[("ADDRESS_LINE1", ""), ("ADDRESS_LINE2", "1 Mill Lane")][..],
        &[("ADDRESS_LINE1", "1"), ("ADDRESS_LINE2", "MILL LN.")],
        &[("ADDRESS_LINE2", ""), ("POSTCODE", "")],
        &[("POSTCODE", "ls11aa")],
    ] {
        assert_eq!(
            decided(changes).0,
            Some(TraceResult::Verified),
            "{changes:?}"
        );
    }
    for changes in [
        &[("ADDRESS_LINE2", "3 Mill Lane")][..],
        &[("ADDRESS_LINE1", "Flat 2")],
        &[("POSTCODE", "LS1 1AB")],
    ] {
        assert_eq!(
            decided(changes).0,
            Some(TraceResult::NewerAddress),
            "{changes:?}"
        );
    }
}

#[test]
fn the_address_of_the_register_is_used_by_choice_and_never_for_a_sensitive_record() {
    let moved = [("POSTCODE", "YO1 7AA"), ("ADDRESS_LINE2", "7 High Street")];
    let (_, record) = decided(&moved);
    let patient = record.patient.unwrap();
    assert_eq!(patient.postcode.unwrap().expose_postcode(), "YO1 7AA");
    assert!(record.trace.unwrap().address_used);
    for flag in [("SENSITIVTY_FLAG", "S"), ("DATE_OF_DEATH", "20260101")] {
        let (_, record) = decided(&[moved[0], moved[1], flag]);
        assert_eq!(
            record.patient.unwrap().postcode.unwrap().expose_postcode(),
            "LS1 1AA"
        );
    }
}

#[test]
fn a_newer_response_lifts_what_an_earlier_one_said_and_nothing_else() {
    let trial = Trial::new();
    let dead = trial.row(0, |cells| set(cells, "DATE_OF_DEATH", "20260101"));
    let alive = trial.row(0, |_| {});
    let mut own = record(0);
    trial
        .read(&format!("{HEADER}\n{dead}\n"))
        .unwrap()
        .apply(&mut own)
        .unwrap();
    assert!(own.outcome.is_some());
    trial
        .read(&format!("{HEADER}\n{alive}\n"))
        .unwrap()
        .apply(&mut own)
        .unwrap();
    assert!(own.outcome.is_none());
    // What another stage says for good stays, and what may pass gives way to a death.
    for (reason, stays) in [
        (Reason::UnderAge, true),
        (Reason::NotFound, false),
        (Reason::Unavailable, false),
    ] {
        own.outcome = Some(pkb_core::Verdict::from(reason).at(StageName::Resolve));
        trial
            .read(&format!("{HEADER}\n{dead}\n"))
            .unwrap()
            .apply(&mut own)
            .unwrap();
        let outcome = own.outcome.clone().unwrap();
        assert_eq!(outcome.reason == reason, stays, "{reason:?}");
        assert!(outcome.reason == Reason::Deceased || outcome.also.contains(&Reason::Deceased));
    }
}

#[test]
fn files_are_read_with_a_record_about_them_or_without_names_of_columns_and_refused_otherwise() {
    let trial = Trial::new();
    let row = trial.row(0, |_| {});
    let about = "RESP_A,SPINE_PDS_MESH_V1,20261101120000,1";
    for text in [
        format!("{about}\n{HEADER}\n{row}\n"),
        format!("\u{feff}{HEADER}\r\n{row}\r\n"),
        format!("{}\n{row}", HEADER.to_lowercase()),
    ] {
        let traced = trial.read(&text).unwrap();
        assert_eq!(
            traced.apply(&mut record(0)).unwrap().result,
            Some(TraceResult::Verified),
            "{text}"
        );
    }
    for (text, words) in [
        (
            format!("{about}\n{HEADER}\n{row}\n{row}\n"),
            "says that it has 1 answer, and it has 2",
        ),
        (
            "RESP_A,SPINE_PDS_MESH_V1,20261101120000,0,06\n".to_owned(),
            "code 06",
        ),
        ("one,two\n".to_owned(), "has no answers"),
        (String::new(), "has no answers"),
        (
            HEADER.replace("ERROR/SUCCESS_CODE", "X") + "\n",
            "has no column errorsuccesscode",
        ),
    ] {
        let refused = trial.read(&text).err().unwrap();
        assert!(refused.contains(words), "{refused}");
    }
    let unknown = trial.row(0, |cells| set(cells, "ERROR/SUCCESS_CODE", "77"));
    let traced = trial.read(&format!("{HEADER}\n{unknown}\n")).unwrap();
    let refused = traced.apply(&mut record(0)).err().unwrap();
    assert_eq!(refused.exit_code(), pkb_core::ExitCode::NotUnderstood);
    assert!(refused.to_string().contains("code 77"), "{refused}");
    // Where columns are shifted, a patient's value stands there.
    let shifted = trial.row(0, |cells| set(cells, "ERROR/SUCCESS_CODE", "Canary"));
    let traced = trial.read(&format!("{HEADER}\n{shifted}\n")).unwrap();
    let refused = traced.apply(&mut record(0)).err().unwrap().to_string();
    assert!(!refused.contains("Canary"), "{refused}");
}

#[test]
fn a_response_of_a_different_request_is_refused() {
    let (own, other) = (Trial::new(), Trial::new());
    let row = other.row(0, |_| {});
    let traced = own.read(&format!("{HEADER}\n{row}\n")).unwrap();
    assert_eq!(
        traced.apply(&mut record(0)).unwrap().result,
        Some(TraceResult::NoAnswer)
    );
    assert!(
        traced
            .faults(false)
            .unwrap_err()
            .to_string()
            .contains("no answer is about")
    );
}

#[test]
fn a_list_of_deaths_says_nothing_of_those_who_are_not_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deaths.csv");
    std::fs::write(
        &path,
        "CHI number,Died\n9990000018,01/03/2026\n9990000026,\nnobody,\n",
    )
    .unwrap();
    let files = TraceFiles {
        responses: vec![path],
        key: None,
        profile: "deaths".into(),
        answered: None,
        max_age: std::time::Duration::from_secs(86_400),
        use_address: false,
    };
    let traced = Traced::read(&files, &Clock::System).unwrap();
    let result = |place| traced.apply(&mut record(place)).unwrap().result;
    assert_eq!(
        [0, 1, 2].map(result),
        [
            Some(TraceResult::Deceased),
            Some(TraceResult::Deceased),
            None
        ]
    );
    assert_eq!(traced.faults(false).unwrap().count(), 1);
}

/// Something that happens to the rows of a response on their way.
#[derive(Debug, Clone)]
enum Mishap {
    Lost(usize),
    Doubled(usize),
    Swapped(usize, usize),
    Foreign,
    Cut(usize),
    LowerCase,
    Windows,
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let place = 0..NUMBERS.len();
    prop_oneof![
        place.clone().prop_map(Mishap::Lost),
        place.clone().prop_map(Mishap::Doubled),
        (place.clone(), place).prop_map(|(one, other)| Mishap::Swapped(one, other)),
        Just(Mishap::Foreign),
        (1_usize..200).prop_map(Mishap::Cut),
        Just(Mishap::LowerCase),
        Just(Mishap::Windows),
    ]
}

/// The text of a response to which mishaps happened.
fn mangled(trial: &Trial, mut rows: Vec<String>, mishaps: &[Mishap]) -> String {
    let (mut ends, mut cut) = ("\n", 0);
    for mishap in mishaps {
        match mishap {
            Mishap::Lost(place) if *place < rows.len() => drop(rows.remove(*place)),
            Mishap::Doubled(place) if *place < rows.len() => rows.push(rows[*place].clone()),
            Mishap::Swapped(one, other) if *one.max(other) < rows.len() => rows.swap(*one, *other),
            Mishap::Foreign => {
                let reference = trial.reference(0);
                rows.push(
                    trial
                        .row(0, |_| {})
                        .replace(&reference, "ZZZZZZZZZZZZZZZZZZZZ"),
                );
            }
            Mishap::Cut(bytes) => cut = *bytes,
            Mishap::LowerCase => {
                for row in &mut rows {
                    let (reference, rest) = row.split_once(',').unwrap();
                    *row = format!("{},{rest}", reference.to_lowercase());
                }
            }
            Mishap::Windows => ends = "\r\n",
            _ => {}
        }
    }
    let mut text: String = [HEADER.to_owned()]
        .into_iter()
        .chain(rows)
        .map(|row| row + ends)
        .collect();
    text.truncate(text.len() - cut.min(text.len() - HEADER.len() - 3));
    text
}

proptest! {
    #[test]
    fn no_mishap_turns_the_dead_or_sensitive_into_invited_or_moves_an_answer(
        kinds in proptest::collection::vec(0_u8..3, NUMBERS.len()),
        mishaps in proptest::collection::vec(mishap(), 0..4),
    ) {
        let trial = Trial::new();
        let rows = kinds.iter().enumerate().map(|(place, kind)| trial.row(place, |cells| match kind {
            1 => set(cells, "DATE_OF_DEATH", "20260101"),
            2 => set(cells, "ERROR/SUCCESS_CODE", "92"),
            _ => {}
        }));
        let text = mangled(&trial, rows.collect(), &mishaps);
        let Ok(traced) = trial.read(&text) else {
            return Ok(());
        };
        for (place, kind) in kinds.iter().enumerate() {
            let mut own = record(place);
            let Ok(applied) = traced.apply(&mut own) else {
                continue;
            };
            let result = applied.result.unwrap();
            match kind {
                0 => prop_assert!(matches!(result, TraceResult::Verified | TraceResult::NoAnswer | TraceResult::IdentityMismatch), "{result:?}"),
                1 => prop_assert!(matches!(result, TraceResult::Deceased | TraceResult::NoAnswer), "{result:?}"),
                _ => prop_assert!(matches!(result, TraceResult::Sensitive | TraceResult::NoAnswer), "{result:?}"),
            }
            prop_assert_eq!(own.outcome.is_none(), result == TraceResult::Verified);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[ -~\n\r\",]{0,300}") {
        let trial = Trial::new();
        for text in [text.clone(), format!("{HEADER}\n{text}")] {
            if let Ok(traced) = trial.read(&text) {
                let _ = traced.apply(&mut record(0));
                let _ = traced.faults(false);
            }
        }
    }
}

#[test]
fn a_key_is_its_owners_alone_and_other_files_are_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let trial = Trial::new();
    let path = trial.path("request.csv.key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = Key::read(&path).unwrap();
    let patient = record(0).patient.unwrap();
    assert_eq!(again.reference(&patient), trial.reference(0));
    assert!(!format!("{again:?}").contains(char::is_numeric));
    std::fs::write(&path, "{}").unwrap();
    assert!(
        Key::read(&path)
            .unwrap_err()
            .to_string()
            .contains("not a key")
    );
    assert_eq!(
        Key::beside(Path::new("a/request.csv")),
        Path::new("a/request.csv.key")
    );
}
