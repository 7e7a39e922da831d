//! One answer too many, early, late or half: nobody gets a different patient's answer or codes.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use super::{
    client, number, patient,
    server::{Request, Script, Server, answer},
    token_path, user_path,
};
use crate::CallError;
use pkb_core::Fatal;
use pkb_values::PkbId;

/// How many patients are asked for, one after another.
const PATIENTS: usize = 30;

/// The user object of the patient with this number, whose PKB id is the number. It does not say whose it is.
fn user(number: &str) -> Vec<u8> {
    let body = json!({"id": number, "dob": "1950-01-01", "lastName": "Archer"});
    answer(200, "", &body.to_string())
}

/// Codes that say for which id they were made.
fn codes(id: &str) -> Vec<u8> {
    let body = json!({"invitationCode": format!("C{id}"), "token": format!("T{id}")});
    answer(200, "", &body.to_string())
}

fn right(request: &Request) -> Vec<u8> {
    match request.path().starts_with("/users") {
        true => user(request.part(1)),
        false => codes(request.part(0)),
    }
}

fn odd_servers() -> Vec<(&'static str, Script)> {
    let ms = Duration::from_millis;
    let surplus = |surplus, after| Script {
        surplus,
        surplus_after: ms(after),
        ..Script::default()
    };
    vec![
        ("one answer too many at once", surplus(1.0, 0)),
        ("one answer too many a moment later", surplus(1.0, 1)),
        (
            "one answer too many while the next is asked",
            surplus(1.0, 5),
        ),
        ("half an answer too many", surplus(0.5, 0)),
        ("half an answer too many, later", surplus(0.5, 3)),
        (
            "the answer before in front of each answer",
            Script {
                repeats_the_last: true,
                ..Script::default()
            },
        ),
    ]
}

#[tokio::test]
async fn an_extra_answer_is_never_the_answer_about_the_next_patient() {
    for (what, script) in odd_servers() {
        let server = Server::start(script, right);
        let (client, monitor) = client(&server.url);
        for count in 0..PATIENTS {
            let known = client.find_patient(&user_path(), &patient(count)).await;
            let id = known.unwrap().id.unwrap();
            assert_eq!(id.expose_id(), number(count), "{what}");
        }
        let used: HashSet<usize> = server.requests().iter().map(|it| it.connection).collect();
        assert_eq!(used.len(), PATIENTS, "{what}");
        let unnamed = monitor.snapshot(std::time::Instant::now()).unnamed_answers;
        assert_eq!(unnamed, PATIENTS as u64);
    }
}

#[tokio::test]
async fn an_extra_answer_never_gives_codes_of_a_different_patient() {
    for (what, script) in odd_servers() {
        let server = Server::start(script, right);
        let (client, _) = client(&server.url);
        for count in 0..PATIENTS {
            let id = PkbId::parse(&number(count)).unwrap();
            let made = client.make_codes(&token_path(), &id).await.unwrap();
            let expected = (format!("C{}", number(count)), format!("T{}", number(count)));
            let codes = (made.code.expose_code(), made.token.expose_code());
            assert_eq!(codes, (&*expected.0, &*expected.1), "{what}");
        }
        assert_eq!(server.requests().len(), PATIENTS, "{what}: asked once each");
    }
}

#[tokio::test]
async fn each_request_asks_for_a_connection_of_its_own_incident_33() {
    let server = Server::start(Script::default(), right);
    let (client, _) = client(&server.url);
    let both = [patient(0), patient(1)];
    for patient in &both {
        client.find_patient(&user_path(), patient).await.unwrap();
    }
    for request in server.requests() {
        assert_eq!(request.header("connection"), Some("close"));
    }
}

#[tokio::test]
async fn an_answer_that_was_sent_before_the_question_is_never_believed_about_another() {
    let body = json!({"id": "77", "dob": "1950-01-01", "nationalIds": [{"value": number(9), "name": "NHS number"}]});
    let script = Script {
        early: answer(200, "", &body.to_string()),
        ..Script::default()
    };
    // The token has a server of its own, or its request would also be answered early.
    let server = Server::start(script, right);
    let tokens = Server::start(Script::default(), right);
    let (client, _) = super::client_with_tokens(&server.url, &tokens.url);
    for count in 0..5 {
        match client.find_patient(&user_path(), &patient(count)).await {
            Err(
                CallError::Fatal(Fatal::AboutSomebodyElse { .. }) | CallError::Unavailable { .. },
            ) => {}
            Err(error) => panic!("{error}"),
            Ok(known) => assert_eq!(known.id.unwrap().expose_id(), number(count)),
        }
    }
}
