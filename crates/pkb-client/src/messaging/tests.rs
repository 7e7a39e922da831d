use pkb_values::{Gender, NationalId, NationalIdType, NhsNumber};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{self, Processed},
    patient::{MessagePatient, Name, PatientMessage, PostalAddress},
};
use crate::CallError;
use pkb_core::Fatal;

fn national_id() -> NationalId {
    NationalId {
        scheme: NationalIdType::NhsNumber,
        value: NhsNumber::parse("5760678914").unwrap(),
    }
}

fn guide<'a>() -> MessagePatient<'a> {
    MessagePatient {
        national_id: national_id(),
        name: Name {
            title: "Mr",
            first: "Read",
            last: "Richards",
        },
        gender: Gender::Male,
        birth_date: jiff::civil::date(2000, 9, 15),
        deceased: false,
        address: PostalAddress {
            lines: ["1 Eastgate", ""],
            city: "Newcastle",
            county: "",
            postcode: "NE1 1XC",
        },
        phone: "07700900123",
        email: "",
        team_aliases: &[],
    }
}

fn body(patient: &MessagePatient<'_>) -> Value {
    serde_json::from_slice(PatientMessage::new(patient).expose_body()).unwrap()
}

#[test]
fn the_patient_of_the_guide_is_written_as_pkb_describes_it() {
    let aliases = ["renal-main".to_owned()];
    let patient = MessagePatient {
        team_aliases: &aliases,
        ..guide()
    };
    let expected = json!({
        "resourceType": "Patient",
        "extension": [{
            "url": "http://fhir.patientsknowbest.com/structuredefinition/team-alias",
            "valueString": "renal-main",
        }],
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "5760678914"}],
        "name": [{"prefix": ["Mr"], "given": ["Read"], "family": "Richards"}],
        "gender": "male",
        "birthDate": "2000-09-15",
        "telecom": [{"system": "phone", "value": "07700900123"}],
        "address": [{"line": ["1 Eastgate"], "city": "Newcastle", "postalCode": "NE1 1XC"}],
    });
    assert_eq!(body(&patient), expected);
}

#[test]
fn what_a_patient_does_not_have_is_left_out_and_a_death_is_said() {
    let mut bare = guide();
    bare.name.title = "";
    bare.phone = "";
    bare.address = PostalAddress::default();
    let told = body(&bare);
    for element in [
        "extension",
        "telecom",
        "address",
        "deceasedBoolean",
        "deceasedDateTime",
    ] {
        assert_eq!(told.get(element), None, "{element}");
    }
    assert_eq!(told["name"][0].get("prefix"), None);
    bare.deceased = true;
    assert_eq!(body(&bare)["deceasedBoolean"], true);
}

fn read(status: u16, body: &str) -> Result<Processed, CallError> {
    assert!(answer::is_whole(body.as_bytes()), "{body}");
    let status = StatusCode::from_u16(status).unwrap();
    answer::read(status, body.as_bytes(), &national_id())
}

fn outcome(severity: &str, text: &str) -> String {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": "required", "diagnostics": text}],
    })
    .to_string()
}

fn patient(system: &str, number: &str) -> String {
    let identifier = json!([{"system": system, "value": number}]);
    json!({"resourceType": "Patient", "identifier": identifier}).to_string()
}

#[test]
fn any_2xx_is_a_success_and_says_created_or_updated_where_pkb_tells() {
    let asked = patient(national_id().scheme.fhir_system(), "5760678914");
    for (status, body, created, warnings) in [
        (200, String::new(), None, 0),
        (202, " \n".to_owned(), None, 0),
        (204, String::new(), None, 0),
        (201, String::new(), Some(true), 0),
        (200, asked.clone(), None, 0),
        (201, asked, Some(true), 0),
        (200, patient("https://pkb.example/local", "17"), None, 0),
        (
            200,
            outcome("information", "The record was created."),
            Some(true),
            0,
        ),
        (
            200,
            outcome("information", "Updated the record"),
            Some(false),
            0,
        ),
        (200, outcome("information", "Done"), None, 0),
        (200, outcome("warning", "cut off"), None, 1),
        (200, r#"{"resourceType":"Parameters"}"#.to_owned(), None, 0),
    ] {
        let processed = read(status, &body).unwrap();
        assert_eq!(
            processed,
            Processed { created, warnings },
            "{status} {body}"
        );
    }
}

#[test]
fn an_error_in_a_2xx_answer_is_a_refusal_that_names_elements_and_no_value() {
    for severity in ["error", "fatal"] {
        let text = "Patient.birthDate of Richards is after 2000-09-15, Patient.gender: Canary";
        let refused = read(200, &outcome(severity, text)).unwrap_err();
        let CallError::RowRefused(what) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(
            what,
            "PKB answered 200 with an error: gender, birthDate (required)"
        );
    }
}

#[test]
fn an_answer_about_a_different_patient_stops_everything() {
    let other = patient(national_id().scheme.fhir_system(), "9990000018");
    assert!(matches!(
        read(200, &other),
        Err(CallError::Fatal(Fatal::AboutSomebodyElse { .. }))
    ));
}

#[test]
fn a_page_and_what_is_no_fhir_resource_are_no_success() {
    for body in [
        "<!doctype html><title>Sign in</title>",
        "OK",
        "{}",
        r#"{"page":{"of":1},"items":[]}"#,
    ] {
        let read = read(200, body);
        assert!(matches!(read, Err(CallError::NotUnderstood(_))), "{body}");
    }
    assert!(!answer::is_whole(br#"{"resourceType":"Pat"#));
}
