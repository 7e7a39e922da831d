//! Uploads that are processed for a while, by a clock that stands still until the test moves it.

use jiff::SignedDuration;
use pkb_sandbox::Config;
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig, file, short_row};

const OTHER: &str = "9990000018";

/// A PKB that works on each file for a second.
async fn slow() -> Rig {
    Rig::with(Config {
        processing_ms: 1000,
        ..Config::default()
    })
    .await
}

/// Uploads `rows`; the id.
async fn accepted(rig: &Rig, rows: &[&str]) -> String {
    let response = rig.upload_bytes(file(rows)).await;
    assert_eq!(response.status(), 202);
    let answer: Value = response.json().await.unwrap();
    let id = answer["upload"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({"upload": id, "state": "processing"}));
    id
}

async fn status(rig: &Rig, id: &str) -> Value {
    let response = rig.get(&format!("/upload/patients/{id}")).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn pass(rig: &Rig, milliseconds: i64) {
    rig.clock.advance(SignedDuration::from_millis(milliseconds));
}

#[tokio::test]
async fn an_upload_is_accepted_at_once_and_its_records_appear_when_it_is_processed() {
    let rig = slow().await;
    let id = accepted(&rig, &[GUIDE_ROW, "Ann,Example"]).await;
    pass(&rig, 999);
    let processing = json!({"upload": id, "state": "processing"});
    assert_eq!(status(&rig, &id).await, processing);
    assert_eq!(rig.user(GUIDE).await.status(), 404);
    assert_eq!(rig.sandbox.count_patients(), 0);
    pass(&rig, 1);
    assert_eq!(rig.user(GUIDE).await.status(), 200);
    let report = status(&rig, &id).await;
    assert_eq!(report["state"], "processed");
    assert_eq!(
        (
            &report["created"],
            &report["updated"],
            &report["failed"][0]["row"]
        ),
        (&json!(1), &json!(0), &json!(3))
    );
    assert_eq!(status(&rig, &id).await, report);
}

#[tokio::test]
async fn uploads_are_processed_one_after_the_other() {
    let rig = slow().await;
    let first = accepted(&rig, &[GUIDE_ROW]).await;
    pass(&rig, 600);
    let second = accepted(&rig, &[GUIDE_ROW, &short_row(OTHER)]).await;
    assert_ne!(first, second);
    pass(&rig, 1000);
    assert_eq!(status(&rig, &first).await["created"], 1);
    assert_eq!(status(&rig, &second).await["state"], "processing");
    assert!(rig.sandbox.patient(OTHER).is_none());
    pass(&rig, 400);
    let report = status(&rig, &second).await;
    assert_eq!(
        (&report["created"], &report["updated"]),
        (&json!(1), &json!(1))
    );
    // A rest in between is not made up for.
    pass(&rig, 5000);
    let third = accepted(&rig, &[GUIDE_ROW]).await;
    pass(&rig, 999);
    assert_eq!(status(&rig, &third).await["state"], "processing");
}

#[tokio::test]
async fn several_uploads_that_are_due_are_processed_in_their_order() {
    let rig = slow().await;
    for street in ["1 First Street", "2 Second Street"] {
        accepted(&rig, &[&GUIDE_ROW.replace("1 Main Street", street)]).await;
    }
    pass(&rig, 60_000);
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(user["address1"], "2 Second Street");
}

#[tokio::test]
async fn a_malformed_file_is_refused_at_once_and_takes_no_time() {
    let rig = slow().await;
    assert_eq!(rig.upload_bytes("Name,Age\n").await.status(), 400);
    let id = accepted(&rig, &[GUIDE_ROW]).await;
    pass(&rig, 1000);
    assert_eq!(status(&rig, &id).await["state"], "processed");
}

#[tokio::test]
async fn a_status_needs_a_token_and_an_id_that_was_given_out() {
    let rig = slow().await;
    let id = accepted(&rig, &[GUIDE_ROW]).await;
    let url = rig.url(&format!("/upload/patients/{id}"));
    assert_eq!(rig.http.get(url).send().await.unwrap().status(), 401);
    let unknown = rig.get("/upload/patients/unknown").await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn a_status_has_a_name_in_the_ledger_and_in_rules() {
    let rig = slow().await;
    let id = accepted(&rig, &[GUIDE_ROW]).await;
    rig.set_rules(r#"{"endpoint":"upload_status","when":{"first":1},"fault":{"status":503}}"#);
    rig.sandbox.reset_ledger();
    let path = format!("/upload/patients/{id}");
    assert_eq!(rig.get(&path).await.status(), 503);
    assert_eq!(rig.get(&path).await.status(), 200);
    accepted(&rig, &[&short_row(OTHER)]).await;
    let ledger = rig.sandbox.ledger();
    let seen: Vec<_> = ledger
        .iter()
        .filter(|entry| entry.endpoint != "token")
        .map(|entry| (entry.endpoint, entry.status, entry.patient.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            ("upload_status", Some(503), None),
            ("upload_status", Some(200), None),
            ("upload", Some(202), None),
        ]
    );
    assert_eq!(ledger.last().unwrap().upload.as_ref().unwrap().rows, 1);
}
