//! The ledger, in process and over HTTP.

use pkb_sandbox::{LedgerEntry, UploadCommit};
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig};

fn entry(endpoint: &'static str, patient: Option<&str>, status: u16) -> LedgerEntry {
    LedgerEntry {
        endpoint,
        patient: patient.map(str::to_owned),
        status: Some(status),
        fault: None,
        latency_ms: 0,
        committed: status == 200,
        identifiers: None,
        invited_by_email: false,
        upload: None,
    }
}

/// The file of `Rig::upload(&[GUIDE_ROW])`, by `sha256sum`.
const GUIDE_FILE_SHA256: &str = "c9c6531a5f51abef46102be2c261582736e036452cca4d54936d55f9dc81f367";

#[tokio::test]
async fn the_ledger_has_every_request_and_whom_it_was_about() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    rig.user(GUIDE).await;
    rig.codes("3594342").await;
    rig.get("/v1/users/1/recordAccessToken").await;
    rig.get("/nowhere").await;
    rig.http
        .get(rig.url("/sandbox/login"))
        .send()
        .await
        .unwrap();
    let token = || entry("token", None, 200);
    let upload = LedgerEntry {
        upload: Some(UploadCommit {
            sha256: GUIDE_FILE_SHA256.to_owned(),
            rows: 1,
        }),
        ..entry("upload", None, 200)
    };
    assert_eq!(
        rig.sandbox.ledger(),
        [
            token(),
            upload,
            token(),
            entry("by_national_id", Some(GUIDE), 200),
            token(),
            entry("record_access_token", Some(GUIDE), 200),
            token(),
            entry("record_access_token", Some("1"), 404),
            token(),
            entry("unknown", None, 404),
        ]
    );
}

#[tokio::test]
async fn the_summary_counts_and_lists_the_files_without_naming_patients() {
    let rig = Rig::with_rules(
        r#"{"endpoint":"by_national_id","when":{"first":2},"fault":{"status":503}}"#,
    )
    .await;
    rig.upload(&[GUIDE_ROW]).await;
    for _ in 0..3 {
        rig.user(GUIDE).await;
    }
    assert_eq!(rig.upload_bytes("nothing of use").await.status(), 400);
    let summary = rig
        .http
        .get(rig.url("/sandbox/ledger"))
        .send()
        .await
        .unwrap();
    let summary: Value = summary.json().await.unwrap();
    let count = |endpoint: &str, status: u16, fault: Option<&str>, requests: u64| json!({"endpoint": endpoint, "status": status, "fault": fault, "requests": requests});
    assert_eq!(
        summary,
        json!({
            "patients": 1,
            "requests": [
                count("by_national_id", 200, None, 1),
                count("by_national_id", 503, Some("status"), 2),
                count("token", 200, None, 5),
                count("upload", 200, None, 1),
                count("upload", 400, None, 1),
            ],
            "uploads": [{"sha256": GUIDE_FILE_SHA256, "rows": 1}],
        })
    );
}

#[tokio::test]
async fn the_full_ledger_is_a_line_for_each_request() {
    let rig =
        Rig::with_rules(r#"{"endpoint":"upload","when":{"first":1},"fault":"wrong_content_type"}"#)
            .await;
    rig.upload(&[GUIDE_ROW]).await;
    rig.user(GUIDE).await;
    let full = rig.http.get(rig.url("/sandbox/ledger?full=1"));
    let full = full.send().await.unwrap();
    assert_eq!(full.headers()["content-type"], "application/x-ndjson");
    let text = full.text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let upload = json!({"sha256": GUIDE_FILE_SHA256, "rows": 1});
    assert_eq!(
        lines[1],
        json!({"endpoint": "upload", "patient": null, "status": 200, "fault": "wrong_content_type", "latency_ms": 0, "committed": true, "upload": upload})
    );
    assert_eq!(
        lines[3],
        json!({"endpoint": "by_national_id", "patient": GUIDE, "status": 200, "fault": null, "latency_ms": 0, "committed": true})
    );
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn the_ledger_can_be_emptied() {
    let rig = Rig::start().await;
    rig.user(GUIDE).await;
    let reset = rig.http.post(rig.url("/sandbox/ledger/reset"));
    assert_eq!(reset.send().await.unwrap().status(), 204);
    assert!(rig.sandbox.ledger().is_empty());
    let full = rig.http.get(rig.url("/sandbox/ledger?full=1"));
    assert_eq!(full.send().await.unwrap().text().await.unwrap(), "");
}
