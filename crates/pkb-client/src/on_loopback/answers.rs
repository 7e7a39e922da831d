//! What is made of single answers over REST.

use serde_json::{Value, json};

use super::{
    client, number, patient,
    server::{Script, Server, answer},
    token_path, user_path,
};
use crate::{CallError, known_patient::KnownPatient, rest::RecordAccess};
use pkb_core::Fatal;
use pkb_values::PkbId;

/// The outcome of the first patient, whose answer is `body`; and how many answers named nobody.
async fn found(body: Value) -> (Result<KnownPatient, CallError>, u64) {
    let text = body.to_string();
    let server = Server::start(Script::default(), move |_| answer(200, "", &text));
    let (client, monitor) = client(&server.url);
    let known = client.find_patient(&user_path(), &patient(0)).await;
    let snapshot = monitor.snapshot(std::time::Instant::now());
    (known, snapshot.unnamed_answers)
}

fn user(national_ids: Value) -> Value {
    json!({"id": "7", "dob": "1950-01-01", "nationalIds": national_ids})
}

#[tokio::test]
async fn an_answer_that_names_somebody_else_stops_the_stage() {
    for ids in [
        json!([{"value": number(1), "name": "NHS number"}]),
        json!([{"value": number(0), "name": "CHI number"}]),
        json!([{"value": "?"}]),
    ] {
        let (known, unnamed) = found(user(ids.clone())).await;
        let Err(CallError::Fatal(fatal)) = known else {
            panic!("{ids} was believed");
        };
        assert!(matches!(fatal, Fatal::AboutSomebodyElse { .. }), "{ids}");
        assert_eq!(fatal.exit_code().code(), 76);
        let text = fatal.in_row(|place| Some(place as u64 + 3)).to_string();
        assert!(text.contains("in row 3"), "{text}");
        assert!(!text.contains("999"), "{text}");
        assert_eq!(unnamed, 0);
    }
}

#[tokio::test]
async fn an_answer_without_a_number_is_believed_and_counted() {
    for (ids, expected) in [
        (json!(null), 1),
        (json!([]), 1),
        (json!([{"value": number(0), "name": "NHS number"}]), 0),
    ] {
        let (known, unnamed) = found(user(ids)).await;
        assert_eq!(known.unwrap().id.unwrap().expose_id(), "7");
        assert_eq!(unnamed, expected);
    }
}

#[tokio::test]
async fn what_is_not_needed_of_a_user_may_be_anything() {
    let published = [
        "userType",
        "heightCm",
        "weightKg",
        "title",
        "firstName",
        "lastName",
        "genderMF",
        "gender",
        "email",
        "phone",
        "address1",
        "address2",
        "city",
        "state",
        "postalCode",
        "country",
        "jobTitle",
        "organizationName",
        "teamName",
        "orgLevelIds",
        "teamLevelIds",
        "contacts",
        "patient",
        "newField",
    ];
    for anything in [
        json!(null),
        json!(""),
        json!(7),
        json!(["F"]),
        json!({"contactType": "EMAIL"}),
        json!([{"id": null, "contactType": 7, "primary": "yes"}]),
    ] {
        let mut body = user(json!([{"value": number(0)}]));
        for name in published {
            body[name] = anything.clone();
        }
        let (known, _) = found(body).await;
        let known = known.unwrap_or_else(|error| panic!("{anything}: {error}"));
        assert!(known.last_name.is_none() && known.address.is_none());
        assert!(known.date_of_birth.is_some() && !known.deceased);
    }
    let mut full = user(json!([{"value": number(0)}]));
    full["lastName"] = json!("Richards");
    full["gender"] = json!("F");
    full["contacts"] = json!([{"id": "1", "contactType": "EMAIL", "contactValue": "a@example.org", "phoneUseType": null}]);
    let (known, _) = found(full).await;
    assert_eq!(known.unwrap().last_name.as_deref(), Some("Richards"));
}

#[tokio::test]
async fn every_digit_of_a_long_id_is_kept_incident_38() {
    for (id, expected) in [
        (json!(12_345_678_901_234_567_u64), "12345678901234567"),
        (json!(9_007_199_254_740_993_u64), "9007199254740993"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!("12345678901234567"), "12345678901234567"),
    ] {
        let (known, _) = found(json!({"id": id})).await;
        assert_eq!(known.unwrap().id.unwrap().expose_id(), expected);
    }
    for id in [json!(1.5e17), json!(-7), json!(7.0), json!(""), json!("7x")] {
        let (known, _) = found(json!({"id": id})).await;
        assert!(matches!(known, Err(CallError::NotUnderstood(_))), "{id}");
    }
}

#[tokio::test]
async fn a_date_of_birth_that_is_not_a_plain_date_is_not_understood() {
    for text in [
        "2000-09-14T23:00:00.000Z",
        "2000-09-15T00:00:00+01:00",
        "2000-09",
        "15/09/2000",
        "20000915",
        "968972400000",
    ] {
        let (known, _) = found(json!({"id": "7", "dob": text})).await;
        let error = known.unwrap_err();
        assert_eq!(error.to_string(), "PKB's date of birth is not a date");
    }
    for dob in [json!(968_972_400_000_u64), json!({"year": 2000})] {
        let (known, _) = found(json!({"id": "7", "dob": dob})).await;
        assert!(matches!(known, Err(CallError::NotUnderstood(_))), "{dob}");
    }
}

#[tokio::test]
async fn codes_with_anything_behind_them_are_not_understood() {
    let pair = r#"{"invitationCode":"NKcYiAciBU","token":"KVPnrFYPay"}"#;
    for (body, is_taken) in [
        (pair.to_owned(), true),
        (format!("{pair}\n"), true),
        (format!("{pair}{pair}"), false),
        (format!("[{pair}]"), false),
        (format!("{pair}HTTP/1.1 200 OK\r\n\r\n{pair}"), false),
    ] {
        let server = Server::start(Script::default(), move |_| answer(200, "", &body));
        let (client, _) = client(&server.url);
        let id = PkbId::parse("7").unwrap();
        let made: Result<RecordAccess, CallError> = client.make_codes(&token_path(), &id).await;
        assert_eq!(made.is_ok(), is_taken);
    }
}
