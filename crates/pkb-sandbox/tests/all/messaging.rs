//! The messaging endpoint: headers, elements, teams, contacts, and the answers that can be asked for.

use pkb_sandbox::{ORG_ID, World, WorldPatient};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{GUIDE, Rig, file};

const TEAM_ALIAS: &str = "http://fhir.patientsknowbest.com/structuredefinition/team-alias";

fn guide() -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": GUIDE}],
        "name": [{"prefix": ["Mr"], "given": ["Read"], "family": "Richards"}],
        "gender": "male",
        "birthDate": "2000-09-15",
        "telecom": [{"system": "phone", "value": "07700900123"}],
        "address": [{"line": ["1 Eastgate"], "city": "Newcastle", "postalCode": "NE1 1XC"}],
    })
}

async fn post(rig: &Rig, org_id: Option<&str>, kind: &str, body: String) -> Response {
    let url = format!("{}/Patient/$process-message", rig.sandbox.messaging_url());
    let mut request = (rig.http.post(url))
        .bearer_auth(rig.bearer().await)
        .header("Content-Type", kind)
        .header("Accept", "application/fhir+json")
        .body(body);
    if let Some(org_id) = org_id {
        request = request.header("X-Org-Public-Id", org_id);
    }
    request.send().await.unwrap()
}

async fn send(rig: &Rig, message: &Value) -> Response {
    post(
        rig,
        Some(ORG_ID),
        "application/fhir+json",
        message.to_string(),
    )
    .await
}

/// Status and the text of the first issue.
async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/fhir+json");
    let outcome: Value = response.json().await.unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let text = outcome["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(
        !text.contains(GUIDE) && !text.contains("Richards"),
        "{text}"
    );
    (status, text.to_owned())
}

fn messages(rig: &Rig) -> Vec<pkb_sandbox::LedgerEntry> {
    let mut ledger = rig.sandbox.ledger();
    ledger.retain(|entry| entry.endpoint == "process_message");
    ledger
}

#[tokio::test]
async fn an_unknown_number_becomes_a_record_and_a_known_one_is_updated() {
    let rig = Rig::start().await;
    assert_eq!(send(&rig, &guide()).await.status(), 201);
    let made = rig.sandbox.patient(GUIDE).unwrap();
    assert_eq!((made.gender.as_str(), made.updates), ("M", 0));
    assert_eq!(made.mobile, "07700900123");
    assert_eq!(made.address, ["1 Eastgate", "", "Newcastle", ""]);
    let mut moved = guide();
    moved["address"][0]["line"] = json!(["2 Westgate", "Byker"]);
    let answer = send(&rig, &moved).await;
    assert_eq!(answer.status(), 200);
    let outcome: Value = answer.json().await.unwrap();
    assert_eq!(outcome["issue"][0]["severity"], "information");
    let updated = rig.sandbox.patient(GUIDE).unwrap();
    assert_eq!(updated.address[..2], ["2 Westgate", "Byker"]);
    assert_eq!((updated.pkb_id, updated.updates), (made.pkb_id, 1));
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(
        (&user["gender"], &user["dob"]),
        (&json!("M"), &json!("2000-09-15"))
    );
}

#[tokio::test]
async fn headers_are_checked_before_anything_is_read() {
    let rig = Rig::start().await;
    let fhir = "application/fhir+json";
    for (org_id, kind, status) in [
        (None, fhir, 401),
        (Some("00000000-0000-4000-8000-000000000000"), fhir, 403),
        (Some(ORG_ID), "application/json", 415),
    ] {
        let response = post(&rig, org_id, kind, "no Patient".to_owned()).await;
        assert_eq!(refused(response).await.0, status);
    }
    let url = format!("{}/Patient/$process-message", rig.sandbox.messaging_url());
    let without_token = rig.http.post(url).send().await.unwrap();
    assert_eq!(without_token.status(), 401);
    assert_eq!(rig.sandbox.count_patients(), 0);
}

#[tokio::test]
async fn each_element_that_is_needed_is_named_when_it_is_missing_or_wrong() {
    let rig = Rig::start().await;
    for (element, wrong, status, words) in [
        ("/resourceType", json!("Bundle"), 400, "Patient resource"),
        (
            "/identifier",
            json!([]),
            422,
            "Patient.identifier is required",
        ),
        (
            "/identifier/0/system",
            json!("https://x.example"),
            422,
            "Patient.identifier is required",
        ),
        (
            "/identifier/0/value",
            json!("5760678915"),
            422,
            "Patient.identifier",
        ),
        (
            "/name/0/given",
            json!([]),
            422,
            "Patient.name.given is required",
        ),
        (
            "/name/0/family",
            json!(["Richards"]),
            422,
            "Patient.name.family",
        ),
        ("/gender", Value::Null, 422, "Patient.gender is required"),
        ("/gender", json!("M"), 422, "Patient.gender"),
        (
            "/birthDate",
            Value::Null,
            422,
            "Patient.birthDate is required",
        ),
        ("/birthDate", json!("15/09/2000"), 422, "Patient.birthDate"),
        ("/birthDate", json!("2000-09"), 422, "Patient.birthDate"),
    ] {
        let mut message = guide();
        *message.pointer_mut(element).unwrap() = wrong;
        let (found, text) = refused(send(&rig, &message).await).await;
        assert_eq!(found, status, "{element}");
        assert!(text.contains(words), "{element}: {text}");
    }
    let broken = post(&rig, Some(ORG_ID), "application/fhir+json", "{".into()).await;
    assert_eq!(refused(broken).await.0, 400);
    assert_eq!(rig.sandbox.count_patients(), 0);
}

#[tokio::test]
async fn team_aliases_are_known_and_one_is_that_of_the_default_team() {
    let rig = Rig::start().await;
    let with = |aliases: &[&str]| {
        let mut message = guide();
        let extension = aliases
            .iter()
            .map(|alias| json!({"url": TEAM_ALIAS, "valueString": alias}));
        message["extension"] = extension.collect();
        message
    };
    for (aliases, words) in [
        (&["renal"][..], "default team"),
        (&["main", "cardiac"], "not one of the organisation's"),
    ] {
        let (status, text) = refused(send(&rig, &with(aliases)).await).await;
        assert_eq!(status, 422);
        assert!(
            text.contains(words) && text.contains("Patient.extension"),
            "{text}"
        );
    }
    assert_eq!(send(&rig, &with(&["main", "renal"])).await.status(), 201);
    assert_eq!(send(&rig, &with(&["main"])).await.status(), 200);
}

#[tokio::test]
async fn there_is_one_phone_and_an_email_address_brings_an_invitation() {
    let rig = Rig::start().await;
    let mut message = guide();
    message["telecom"] =
        json!([{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}]);
    assert!(
        refused(send(&rig, &message).await)
            .await
            .1
            .contains("telecom")
    );
    message["telecom"] = json!([
        {"system": "email", "value": "read@example.org"}, {"system": "email", "value": "other@example.org"},
    ]);
    assert_eq!(send(&rig, &message).await.status(), 201);
    assert!(messages(&rig).last().unwrap().invited_by_email);
    message["identifier"][0]["value"] = json!("9990000018");
    let (status, text) = refused(send(&rig, &message).await).await;
    assert!(
        status == 422 && text.contains("another patient's record"),
        "{text}"
    );
    assert!(!messages(&rig).last().unwrap().invited_by_email);
}

#[tokio::test]
async fn a_death_is_known_from_then_on_and_the_world_stays_as_it_is() {
    let mut missing = WorldPatient::new("9990000018");
    missing.missing = true;
    let rig = Rig::with_world(World::default().with(missing)).await;
    for (element, value, day) in [
        (
            "deceasedDateTime",
            json!("2025-01-02T03:04:05Z"),
            "2025-01-02",
        ),
        ("deceasedBoolean", json!(true), "2026-11-22"),
    ] {
        let mut message = guide();
        message[element] = value;
        assert!(send(&rig, &message).await.status().is_success());
        let died = rig.sandbox.patient(GUIDE).unwrap().deceased.unwrap();
        assert_eq!(died.to_string(), day);
    }
    let mut message = guide();
    message["identifier"][0]["value"] = json!("9990000018");
    assert_eq!(send(&rig, &message).await.status(), 201);
    assert!(rig.sandbox.patient("9990000018").is_none());
}

#[tokio::test]
async fn a_success_looks_as_it_is_asked_for_and_an_error_does_nothing() {
    for (form, status, resource, is_done) in [
        ("patient", 200, Some("Patient"), true),
        ("another_patient", 200, Some("Patient"), true),
        ("outcome", 200, Some("OperationOutcome"), true),
        ("warnings", 200, Some("OperationOutcome"), true),
        ("created", 201, None, true),
        ("accepted", 202, None, true),
        ("no_content", 204, None, true),
        ("error", 200, Some("OperationOutcome"), false),
    ] {
        let rig = Rig::start().await;
        rig.set_rules(&format!(
            r#"{{"endpoint":"process_message","when":{{"first":1}},"fault":{{"message":"{form}"}}}}"#
        ));
        let answer = send(&rig, &guide()).await;
        assert_eq!(answer.status(), status, "{form}");
        let body = answer.text().await.unwrap();
        let told: Option<Value> = serde_json::from_str(&body).ok();
        let kind = told.as_ref().and_then(|told| told["resourceType"].as_str());
        assert_eq!(kind, resource, "{form}");
        assert_eq!(rig.sandbox.count_patients(), usize::from(is_done), "{form}");
    }
}

#[tokio::test]
async fn a_cut_after_the_act_leaves_a_record_and_the_same_message_again_is_an_update() {
    let rig = Rig::start().await;
    rig.set_rules(r#"{"endpoint":"process_message","when":{"first":1},"fault":"reset_after"}"#);
    let url = format!("{}/Patient/$process-message", rig.sandbox.messaging_url());
    let lost = (rig.http.post(url))
        .bearer_auth(rig.bearer().await)
        .header("Content-Type", "application/fhir+json")
        .header("X-Org-Public-Id", ORG_ID)
        .body(guide().to_string());
    assert!(lost.send().await.is_err());
    assert_eq!(rig.sandbox.count_patients(), 1);
    assert_eq!(send(&rig, &guide()).await.status(), 200);
    let entries = messages(&rig);
    assert!(entries.iter().all(|entry| entry.committed));
    assert_eq!(rig.sandbox.patient(GUIDE).unwrap().updates, 1);
    // A file that comes later has no gender, and takes none away.
    rig.upload_bytes(file(&[crate::support::GUIDE_ROW])).await;
    assert_eq!(rig.sandbox.patient(GUIDE).unwrap().gender, "M");
}
