//! What is made of answers: written out here, made up at random ([`hostile`]), and over HTTP ([`loopback`]).

mod hostile;
mod loopback;

use serde_json::{Value, json};

use super::{PatientStatus, codes, codes::Codes, status};
use crate::{CallError, rest::RecordAccess};
use pkb_core::Fatal;
use pkb_values::{DateOfBirth, NationalId, NationalIdType, NhsNumber};

fn nhs(digits: &str) -> NationalId {
    of(NationalIdType::NhsNumber, digits)
}

fn of(scheme: NationalIdType, digits: &str) -> NationalId {
    let value = NhsNumber::parse(digits).unwrap();
    NationalId { scheme, value }
}

/// The first number of the test range that has a check digit, the second, and so on.
fn numbers(count: usize) -> Vec<String> {
    (0..)
        .map(|nine| format!("{:010}", 9_990_000_000_u64 + nine))
        .filter(|digits| NhsNumber::parse(digits).is_ok())
        .take(count)
        .collect()
}

fn identifier(system: &str, value: &str) -> Value {
    json!({"name": "patientIdentifier", "valueIdentifier": {"system": system, "value": value}})
}

fn named(id: &NationalId) -> Value {
    identifier(id.scheme.fhir_system(), id.value.expose_digits())
}

fn part(name: &str, facts: impl IntoIterator<Item = Value>) -> Value {
    json!({"name": name, "part": Value::from_iter(facts)})
}

fn body(parts: impl IntoIterator<Item = Value>) -> Vec<u8> {
    json!({"resourceType": "Parameters", "parameter": Value::from_iter(parts)})
        .to_string()
        .into_bytes()
}

fn code_facts(code: &str, expiry: Option<&str>) -> Vec<Value> {
    let mut facts = vec![
        json!({"name": "code", "valueString": code}),
        json!({"name": "token", "valueString": format!("T{code}")}),
    ];
    facts.extend(expiry.map(|at| json!({"name": "expiry", "valueDatetime": at})));
    facts
}

fn tokens_part(id: &NationalId, code: &str, expiry: Option<&str>) -> Value {
    let facts = code_facts(code, expiry);
    part("patientTokens", [vec![named(id)], facts].concat())
}

fn pair(found: &Codes) -> Option<&RecordAccess> {
    match found {
        Codes::Made(pair) => Some(pair),
        Codes::LeftOut | Codes::Doubtful(_) => None,
    }
}

fn code(found: &Codes) -> Option<&str> {
    pair(found).map(|pair| pair.code.expose_code())
}

/// Why nothing was taken of a whole answer.
#[derive(Debug, PartialEq)]
enum Refused {
    SomebodyElse,
    MayBeAnybodys,
    TwoPairs,
}

fn refused<T>(answer: Result<T, CallError>) -> Option<Refused> {
    match answer {
        Ok(_) => None,
        Err(CallError::Fatal(Fatal::AboutSomebodyElse { .. })) => Some(Refused::SomebodyElse),
        Err(CallError::NotUnderstood(what))
            if what.contains("may belong to a different patient") =>
        {
            Some(Refused::MayBeAnybodys)
        }
        Err(CallError::NotUnderstood(what)) if what.contains("two pairs") => {
            Some(Refused::TwoPairs)
        }
        Err(error) => panic!("{error}"),
    }
}

/// What becomes of one patient of whom the answer says this.
fn status_of(facts: Value) -> PatientStatus {
    let id = nhs("9990000018");
    let mut all = vec![named(&id)];
    all.extend(facts.as_array().unwrap().iter().cloned());
    status::read(&[id], &body([part("patientStatus", all)])).unwrap()[0]
}

#[test]
fn each_kind_of_status_is_read_and_half_a_status_is_none() {
    use PatientStatus::{Found, Missing, NoAccess, NotFound};
    let deceased = |is: bool| json!({"name": "deceased", "valueBoolean": is});
    let registered = |is: bool| json!({"name": "registered", "valueBoolean": is});
    let born = |text: &str| json!({"name": "dateOfBirth", "valueDate": text});
    let says = |text: &str| json!({"name": "diagnostics", "valueString": text});
    let found = |deceased, registered, born: Option<&str>| Found {
        deceased,
        registered,
        date_of_birth: born.map(|born| DateOfBirth::parse(born).unwrap()),
    };
    let (yes, no) = (true, false);
    for (facts, expected) in [
        (
            json!([deceased(no), registered(yes), born("2000-09-15")]),
            found(no, yes, Some("2000-09-15")),
        ),
        (json!([deceased(yes), registered(no)]), found(yes, no, None)),
        (json!([says("Not found")]), NotFound),
        (json!([says("not found "), deceased(no)]), NotFound),
        (
            json!([deceased(no), registered(yes), says("No access")]),
            NoAccess {
                deceased: no,
                registered: yes,
            },
        ),
        (json!([]), Missing),
        (json!([deceased(no)]), Missing),
        (json!([registered(no), born("2000-09-15")]), Missing),
        (
            json!([deceased(no), registered(no), says("Merged")]),
            Missing,
        ),
        (
            json!([deceased(no), deceased(yes), registered(no)]),
            Missing,
        ),
        (
            json!([deceased(no), deceased(no), registered(no)]),
            found(no, no, None),
        ),
        (
            json!([{"name": "deceased", "valueBoolean": "false"}, registered(no)]),
            Missing,
        ),
        (
            json!([{"name": "deceased", "valueString": "false"}, registered(no)]),
            Missing,
        ),
    ] {
        assert_eq!(status_of(facts.clone()), expected, "{facts}");
    }
}

#[test]
fn what_is_left_out_is_missing_and_what_is_said_twice_must_agree() {
    let ids = numbers(4);
    let ids: Vec<_> = ids.iter().map(|digits| nhs(digits)).collect();
    let status = |id: &NationalId, registered: bool| {
        let facts = [
            named(id),
            json!({"name": "deceased", "valueBoolean": false}),
            json!({"name": "registered", "valueBoolean": registered}),
        ];
        part("patientStatus", facts)
    };
    let answer = body([
        status(&ids[2], true),
        status(&ids[1], false),
        status(&ids[0], true),
        status(&ids[1], true),
        status(&ids[1], true),
        status(&ids[2], true),
    ]);
    let seen = status::read(&[ids[0], ids[1], ids[2], ids[3], ids[0]], &answer).unwrap();
    let registered = PatientStatus::Found {
        deceased: false,
        registered: true,
        date_of_birth: None,
    };
    assert_eq!(
        seen,
        [
            registered,
            PatientStatus::Contradictory,
            registered,
            PatientStatus::Missing,
            registered
        ]
    );
}

#[test]
fn the_published_answer_is_read_in_both_spellings() {
    let id = nhs("5760678914");
    for key in ["valueDatetime", "valueDateTime"] {
        let text = r#"{"resourceType": "Parameters", "parameter": [{"name": "patientTokens", "part": [
            {"name": "patientIdentifier", "valueIdentifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "5760678914"}},
            {"name": "code", "valueString": "NKcYiAciBU"},
            {"name": "token", "valueString": "KVPnrFYPay"},
            {"name": "expiry", "KEY": "2021-01-01T09:29:23.356+00:00"}]}]}"#
            .replace("KEY", key);
        let found = codes::read(&[id], text.as_bytes()).unwrap();
        let pair = pair(&found[0]).unwrap();
        assert_eq!(pair.code.expose_code(), "NKcYiAciBU");
        assert_eq!(pair.token.expose_code(), "KVPnrFYPay");
        let expiry = pair.expires_at.unwrap().to_string();
        assert_eq!(expiry, "2021-01-01T09:29:23.356Z");
    }
}

#[test]
fn codes_without_an_expiry_are_left_to_the_callers_default_and_those_with_a_bad_one_are_not() {
    let id = nhs("9990000018");
    let read = |expiry| codes::read(&[id], &body([tokens_part(&id, "Code", expiry)])).unwrap();
    assert_eq!(pair(&read(None)[0]).unwrap().expires_at, None);
    assert!(matches!(read(Some("soon"))[..], [Codes::Doubtful(_)]));
}

#[test]
fn an_answer_about_nobody_may_have_no_list() {
    let answer = codes::read(&[nhs("9990000018")], br#"{"resourceType":"Parameters"}"#);
    assert_eq!(answer.unwrap(), [Codes::LeftOut]);
}

#[test]
fn of_two_pairs_for_one_patient_the_one_that_ends_last_is_taken() {
    let id = nhs("9990000018");
    let (early, late) = (Some("2026-01-01T00:00:00Z"), Some("2026-01-02T00:00:00Z"));
    let parts = [
        tokens_part(&id, "Early", early),
        tokens_part(&id, "Late", late),
        tokens_part(&id, "Open", None),
    ];
    for turn in 0..3 {
        let mut parts = parts.clone();
        parts.rotate_left(turn);
        let found = codes::read(&[id, id], &body(parts)).unwrap();
        assert_eq!(
            found.iter().map(code).collect::<Vec<_>>(),
            [Some("Late"); 2]
        );
    }
}

#[test]
fn an_answer_with_a_part_about_nobody_who_was_asked_for_is_not_used() {
    use Refused::{MayBeAnybodys, SomebodyElse};
    let (id, other, stranger) = (nhs("9990000018"), nhs("9990000026"), nhs("9990000034"));
    let same_digits = of(NationalIdType::ChiNumber, "9990000018");
    let chi = of(NationalIdType::ChiNumber, "9990000034");
    let nhs_system = id.scheme.fhir_system();
    let local = identifier("https://hospital.example/id", "H123");
    let slash = identifier(&format!("{nhs_system}/"), "9990000018");
    for (names, expected) in [
        (vec![named(&id)], None),
        (vec![slash], None),
        (vec![local.clone(), named(&id)], None),
        (vec![named(&id), named(&id)], None),
        (vec![named(&chi), named(&id)], None),
        (vec![named(&same_digits), named(&id)], None),
        (vec![], Some(MayBeAnybodys)),
        (vec![local], Some(MayBeAnybodys)),
        (vec![named(&same_digits)], Some(SomebodyElse)),
        (vec![named(&stranger)], Some(SomebodyElse)),
        (vec![named(&id), named(&other)], Some(MayBeAnybodys)),
        (vec![named(&id), named(&stranger)], Some(MayBeAnybodys)),
        (
            vec![named(&id), identifier(nhs_system, "9990000019")],
            Some(MayBeAnybodys),
        ),
        (
            vec![identifier(nhs_system, "99900000181")],
            Some(MayBeAnybodys),
        ),
        (
            vec![json!({"name": "patientIdentifier", "valueString": "9990000018"})],
            Some(MayBeAnybodys),
        ),
    ] {
        let shown = format!("{names:?}");
        let parts = [
            part("patientTokens", [names, code_facts("Code", None)].concat()),
            tokens_part(&other, "Good", None),
        ];
        let found = codes::read(&[id, other], &body(parts));
        if let Ok(found) = &found {
            let codes: Vec<_> = found.iter().map(code).collect();
            assert_eq!(codes, [Some("Code"), Some("Good")], "{shown}");
        }
        assert_eq!(refused(found), expected, "{shown}");
    }
}

#[test]
fn a_stranger_in_an_answer_about_statuses_stops_the_stage() {
    let (id, stranger) = (nhs("9990000018"), nhs("9990000034"));
    let parts = [&id, &stranger].map(|id| part("patientStatus", [named(id)]));
    let answer = status::read(&[id], &body(parts));
    assert_eq!(refused(answer), Some(Refused::SomebodyElse));
}

#[test]
fn a_part_about_two_patients_who_were_asked_for_is_neithers_even_in_two_schemes() {
    let ids = [
        nhs("9990000018"),
        of(NationalIdType::ChiNumber, "9990000026"),
    ];
    for names in [
        [named(&ids[0]), named(&ids[1])],
        [named(&ids[1]), named(&ids[0])],
    ] {
        let facts = [names.to_vec(), code_facts("Code", None)].concat();
        let answer = body([part("patientTokens", facts)]);
        let answer = codes::read(&ids, &answer);
        assert_eq!(refused(answer), Some(Refused::MayBeAnybodys));
    }
}

#[test]
fn a_remark_costs_nobody_their_codes_and_a_part_of_a_different_name_does() {
    let id = nhs("9990000018");
    let with = |other: Value| codes::read(&[id], &body([tokens_part(&id, "Code", None), other]));
    let remark = with(json!({"name": "total", "valueInteger": 1})).unwrap();
    assert_eq!(remark.iter().map(code).collect::<Vec<_>>(), [Some("Code")]);
    let unknown = with(part("patientInvitation", code_facts("Other", None)));
    assert_eq!(refused(unknown), Some(Refused::MayBeAnybodys));
}

/// The codes of two patients in an answer of two parts: whose each is, and its invitation and access code.
fn codes_of_two(parts: [(usize, &str, &str); 2]) -> Result<Vec<Codes>, CallError> {
    let ids = [nhs("9990000018"), nhs("9990000026")];
    let parts = parts.map(|(owner, code, token)| {
        let facts = [
            named(&ids[owner]),
            json!({"name": "code", "valueString": code}),
            json!({"name": "token", "valueString": token}),
        ];
        part("patientTokens", facts)
    });
    codes::read(&ids, &body(parts))
}

#[test]
fn a_code_of_either_kind_that_two_patients_have_belongs_to_nobody() {
    for parts in [
        [(0, "CodeSame", "CodeOne"), (1, "CodeSame", "CodeTwo")],
        [(0, "CodeOne", "CodeSame"), (1, "CodeTwo", "CodeSame")],
        [(0, "CodeOne", "CodeTwo"), (1, "CodeOne", "CodeTwo")],
        [(0, "CodeOne", "CodeTwo"), (1, "CodeTwo", "CodeThree")],
    ] {
        let found = codes_of_two(parts).unwrap();
        assert!(
            matches!(found[..], [Codes::Doubtful(_), Codes::Doubtful(_)]),
            "{parts:?}"
        );
    }
}

#[test]
fn with_two_pairs_for_one_patient_and_none_for_another_nothing_is_taken() {
    let found = codes_of_two([(0, "CodeOne", "CodeTwo"), (0, "CodeThree", "CodeFour")]);
    assert_eq!(refused(found), Some(Refused::TwoPairs));
    let unreadable = codes_of_two([(1, "CodeOne", "CodeTwo"), (1, "-", "CodeFour")]);
    assert_eq!(refused(unreadable), Some(Refused::TwoPairs));
    let twice = codes_of_two([(0, "CodeOne", "CodeTwo"), (0, "CodeOne", "CodeTwo")]).unwrap();
    assert_eq!(
        twice.iter().map(code).collect::<Vec<_>>(),
        [Some("CodeOne"), None]
    );
}

#[test]
fn two_pairs_that_have_one_code_in_common_belong_to_nobody() {
    for second in ["CodeTwo", "CodeFour"] {
        let code = if second == "CodeTwo" {
            "CodeThree"
        } else {
            "CodeOne"
        };
        let id = nhs("9990000018");
        let facts = |code: &str, token: &str| {
            let facts = [
                named(&id),
                json!({"name": "code", "valueString": code}),
                json!({"name": "token", "valueString": token}),
            ];
            part("patientTokens", facts)
        };
        let answer = body([facts("CodeOne", "CodeTwo"), facts(code, second)]);
        let found = codes::read(&[id], &answer).unwrap();
        assert!(matches!(found[..], [Codes::Doubtful(_)]), "{second}");
    }
}

#[test]
fn a_code_that_could_not_be_printed_costs_its_own_patient_only() {
    let (id, other) = (nhs("9990000018"), nhs("9990000026"));
    let parts = [
        tokens_part(&id, "Ab-cd", None),
        tokens_part(&other, "Good", None),
    ];
    let found = codes::read(&[id, other], &body(parts)).unwrap();
    assert!(matches!(found[0], Codes::Doubtful(_)));
    assert_eq!(code(&found[1]), Some("Good"));
}

/// What PKB has been seen to write for a date of birth, or might.
const NO_DATES: [&str; 16] = [
    "2000-09-14T23:00:00.000Z",
    "2000-09-14T23:00:00+00:00",
    "2000-09-15T00:00:00Z",
    "2000-09-15T00:00:00+01:00",
    "2000-09-15T00:00:00",
    "2000-09",
    "2000",
    "15/09/2000",
    "20000915",
    "2000-9-15",
    "2000-09-15Z",
    "0000-00-00",
    "2000-02-30",
    "968972400000",
    "2000-W37-5",
    "",
];

#[test]
fn a_date_of_birth_with_a_time_is_not_understood_and_never_a_different_day() {
    let unreadable = PatientStatus::Unreadable("PKB's date of birth is not a date");
    let alive = |born: Value| {
        status_of(json!([
            {"name": "deceased", "valueBoolean": false},
            {"name": "registered", "valueBoolean": false},
            born,
        ]))
    };
    for text in NO_DATES {
        for key in ["valueDate", "valueDateTime", "valueString", "valueInstant"] {
            let seen = alive(json!({"name": "dateOfBirth", key: text}));
            assert_eq!(seen, unreadable, "{key} {text}");
        }
    }
    for born in [
        json!({"name": "dateOfBirth", "valueDateTime": "2000-09-15"}),
        json!({"name": "dateOfBirth", "valueInteger": 20_000_915}),
        json!({"name": "dateOfBirth"}),
    ] {
        assert_eq!(alive(born.clone()), unreadable, "{born}");
    }
    let right = alive(json!({"name": "dateOfBirth", "valueDate": "2000-09-15"}));
    assert!(matches!(
        right,
        PatientStatus::Found {
            date_of_birth: Some(born),
            ..
        } if born.expose_iso() == "2000-09-15"
    ));
}

#[test]
fn what_is_no_parameters_resource_is_an_error_that_repeats_nothing() {
    let ids = [nhs("9990000018")];
    let long = format!(
        "{{\"resourceType\":\"Parameters\",\"x\":\"{}\"}}",
        "y".repeat(70_000)
    );
    for text in [
        "<html>Canary",
        "\"Canary\"",
        r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"Canary"}]}"#,
        r#"{"parameter":[{"name":"Canary"}]}"#,
        r#"{"resourceType":"Parameters","parameter":{"name":"Canary"}}"#,
        &long,
    ] {
        let Err(error @ CallError::NotUnderstood(_)) = codes::read(&ids, text.as_bytes()) else {
            panic!("{text} was read");
        };
        assert!(!error.to_string().contains("Canary"));
        assert!(status::read(&ids, text.as_bytes()).is_err());
    }
}
