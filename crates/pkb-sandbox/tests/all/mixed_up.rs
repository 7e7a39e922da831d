//! A PKB that mixes patients up: whose record it answers with, whose codes, how many answers.

use std::io::{Read, Write};
use std::net::TcpStream;

use pkb_sandbox::{World, WorldPatient};
use serde_json::{Value, json};

use crate::support::{Rig, short_row};

const ANN: &str = "9990000018";
const BEN: &str = "9990000026";

async fn two_patients() -> Rig {
    let rig = Rig::start().await;
    rig.upload(&[&short_row(ANN), &short_row(BEN)]).await;
    rig
}

fn rule(endpoint: &str, fault: &str) -> String {
    format!(r#"{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{fault}}}"#)
}

async fn user(rig: &Rig, number: &str) -> Value {
    rig.user(number).await.json().await.unwrap()
}

#[tokio::test]
async fn a_user_object_can_be_anothers_in_whole_or_in_part() {
    let rig = two_patients().await;
    let (ann, ben) = (user(&rig, ANN).await, user(&rig, BEN).await);
    for (person, id, ids) in [
        ("another_person", &ben["id"], &ben["nationalIds"]),
        ("another_person_unnamed", &ben["id"], &Value::Null),
        ("another_id", &ben["id"], &ann["nationalIds"]),
        ("another_number", &ann["id"], &ben["nationalIds"]),
        ("unnamed", &ann["id"], &Value::Null),
    ] {
        rig.set_rules(&rule(
            "by_national_id",
            &json!({"person": person}).to_string(),
        ));
        let told = user(&rig, ANN).await;
        assert_eq!((&told["id"], &told["nationalIds"]), (id, ids), "{person}");
    }
}

#[tokio::test]
async fn codes_can_be_told_twice_in_whole_or_in_part() {
    let rig = two_patients().await;
    let id = |user: Value| user["id"].as_str().unwrap().to_owned();
    let (ann, ben) = (id(user(&rig, ANN).await), id(user(&rig, BEN).await));
    for (person, same_code, same_token) in [
        ("repeated_codes", true, true),
        ("repeated_code", true, false),
        ("repeated_token", false, true),
        ("another_person", false, false),
    ] {
        rig.set_rules("");
        let first = rig.codes(&ann).await;
        rig.set_rules(&rule(
            "record_access_token",
            &json!({"person": person}).to_string(),
        ));
        let second = rig.codes(&ben).await;
        assert_eq!(second.0 == first.0, same_code, "{person}");
        assert_eq!(second.1 == first.1, same_token, "{person}");
    }
    let owners = rig.sandbox.invitations(ANN);
    assert_eq!(owners.len(), 5, "the last pair that Ben got is Ann's");
}

#[tokio::test]
async fn a_date_of_birth_can_be_a_text_that_is_none() {
    let world = World::default().with(WorldPatient {
        date_of_birth_text: Some("2000-09-14T23:00:00.000Z".to_owned()),
        ..WorldPatient::new(ANN)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[&short_row(ANN)]).await;
    assert_eq!(user(&rig, ANN).await["dob"], "2000-09-14T23:00:00.000Z");
}

#[tokio::test]
async fn an_answer_can_come_a_second_time_whole_or_in_part() {
    let rig = two_patients().await;
    let bearer = rig.bearer().await;
    for (fault, answers) in [
        (r#"{"extra_answer":{}}"#, 2),
        (r#"{"extra_answer":{"after_ms":50}}"#, 2),
        (r#"{"extra_answer":{"half":true}}"#, 1),
    ] {
        rig.set_rules(&rule("by_national_id", fault));
        let address = rig.sandbox.base_url().replace("http://", "");
        let request = format!(
            "GET /beta/users/byNationalId/{ANN}/NHS_NUMBER HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\r\n"
        );
        let read = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        let text = tokio::task::spawn_blocking(read).await.unwrap();
        assert_eq!(text.matches("contacts").count(), answers, "{fault}: {text}");
        assert_eq!(text.matches("HTTP/1.1 200").count(), 2, "{fault}: {text}");
    }
}

#[tokio::test]
async fn one_live_token_ends_the_one_before() {
    let rig = two_patients().await;
    let path = format!("/beta/users/byNationalId/{ANN}/NHS_NUMBER");
    for (faults, status) in [("{}", 200), (r#"{"one_live_token":true}"#, 401)] {
        rig.sandbox
            .set_faults(pkb_sandbox::Faults::from_json(faults).unwrap());
        let old = rig.bearer().await;
        let new = rig.bearer().await;
        let get = |bearer: String| rig.http.get(rig.url(&path)).bearer_auth(bearer).send();
        assert_eq!(get(old).await.unwrap().status(), status);
        assert_eq!(get(new).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_401_can_say_that_the_token_is_refused() {
    let rig = two_patients().await;
    rig.set_rules(&rule(
        "by_national_id",
        r#"{"status":401,"body":"invalid_token"}"#,
    ));
    let response = rig.user(ANN).await;
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "invalid_token");
}
