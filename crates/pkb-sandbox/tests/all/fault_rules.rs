//! Which requests a rule hits, and how rules are set while the sandbox runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pkb_sandbox::Faults;
use pkb_synthetic::nhs_number;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{GUIDE, Rig};

const FLAKY: &str = r#"{"endpoint":"by_national_id","when":{"probability":0.3},"fault":{"status":503}},
    {"endpoint":"by_national_id","when":{"always":true},"fault":{"latency_ms":{"uniform":[0,8]}}}"#;

/// Who was hit, when `lanes` calls are under way at any time; asks for each patient twice.
async fn who_was_hit(lanes: usize) -> BTreeSet<(String, usize)> {
    let rig = Rig::start().await;
    rig.set_rules(FLAKY);
    let bearer = rig.bearer().await;
    let patients: Vec<String> = (999_000_100..999_000_300)
        .filter_map(nhs_number::complete)
        .collect();
    let lanes: Vec<_> = (0..lanes)
        .map(|lane| {
            let mine: Vec<String> = patients.iter().skip(lane).step_by(lanes).cloned().collect();
            let (http, bearer) = (rig.http.clone(), bearer.clone());
            let url = rig.url("/beta/users/byNationalId");
            tokio::spawn(async move {
                let mut hit = Vec::new();
                for patient in mine {
                    for attempt in 0..2 {
                        let request = http.get(format!("{url}/{patient}/NHS_NUMBER"));
                        let response = request.bearer_auth(&bearer).send().await.unwrap();
                        if response.status() == 503 {
                            hit.push((patient.clone(), attempt));
                        }
                    }
                }
                hit
            })
        })
        .collect();
    let mut hit = BTreeSet::new();
    for lane in lanes {
        hit.extend(lane.await.unwrap());
    }
    hit
}

#[tokio::test]
async fn concurrency_does_not_change_who_is_hit() {
    let one = who_was_hit(1).await;
    assert_eq!(one, who_was_hit(32).await);
    assert!((70..150).contains(&one.len()), "{} hits", one.len());
}

#[tokio::test]
async fn an_outage_opens_and_closes_by_itself() {
    let rig = Rig::start().await;
    let bearer = rig.bearer().await;
    rig.set_rules(
        r#"{"endpoint":"any","when":{"after_seconds":0.5,"for_seconds":0.8},"fault":"refuse"}"#,
    );
    let started = Instant::now();
    let mut seen = Vec::new();
    while seen.len() < 3 && started.elapsed() < Duration::from_secs(10) {
        let request = rig.http.get(rig.url("/v1/users/1/recordAccessToken"));
        let answered = request.bearer_auth(&bearer).send().await.is_ok();
        if seen.last() != Some(&answered) {
            seen.push(answered);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen, [true, false, true]);
}

async fn faults(rig: &Rig, method: Method, body: &str) -> Response {
    let request = rig.http.request(method, rig.url("/sandbox/faults"));
    request.body(body.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn faults_are_seen_replaced_and_lifted_at_run_time_even_when_everything_fails() {
    let rig = Rig::start().await;
    let none: Value = faults(&rig, Method::GET, "").await.json().await.unwrap();
    assert_eq!(none, json!({"rules": []}));

    let all = json!({"seed": 3, "rules": [{"endpoint": "any", "when": {"always": true}, "fault": "refuse"}]});
    let put = faults(&rig, Method::PUT, &all.to_string()).await;
    assert_eq!(put.status(), 204);
    let seen: Value = faults(&rig, Method::GET, "").await.json().await.unwrap();
    assert_eq!(seen, all);
    let nowhere = || rig.http.get(rig.url("/nowhere")).send();
    assert!(nowhere().await.is_err());
    let ledger = rig.http.get(rig.url("/sandbox/ledger")).send().await;
    assert_eq!(ledger.unwrap().status(), 200);

    let teapot = r#"{"rules":[{"endpoint":"any","when":{"first":1},"fault":{"status":409}}]}"#;
    assert_eq!(faults(&rig, Method::PUT, teapot).await.status(), 204);
    assert_eq!(nowhere().await.unwrap().status(), 409);
    assert_eq!(nowhere().await.unwrap().status(), 404);
    // Set again, the same rules count from 1 again.
    faults(&rig, Method::PUT, teapot).await;
    assert_eq!(nowhere().await.unwrap().status(), 409);

    faults(&rig, Method::PUT, &all.to_string()).await;
    assert_eq!(faults(&rig, Method::DELETE, "").await.status(), 204);
    assert_eq!(nowhere().await.unwrap().status(), 404);
}

#[tokio::test]
async fn wrong_faults_are_refused_with_a_reason_and_change_nothing() {
    let rig = Rig::start().await;
    let good = r#"{"rules":[{"endpoint":"any","when":{"always":true},"fault":"html"}]}"#;
    faults(&rig, Method::PUT, good).await;
    let rule = |endpoint: &str, when: &str, fault: &str| {
        format!(r#"{{"rules":[{{"endpoint":"{endpoint}","when":{when},"fault":{fault}}}]}}"#)
    };
    let always = r#"{"always":true}"#;
    for (wrong, named) in [
        ("{".to_owned(), "not JSON"),
        (r#"{"rule":[]}"#.to_owned(), "unknown field `rule`"),
        (rule("login", always, "\"html\""), "rules[0].endpoint"),
        (rule("any", always, "\"explode\""), "unknown variant `explode`"),
        (rule("any", always, "{}"), "say one of latency_ms"),
        (rule("any", always, r#"{"status":418}"#), "status must be"),
        (rule("any", always, r#"{"status":503,"delay":1}"#), "`delay`"),
        (rule("any", always, r#"{"status":503,"retry_after":"soon"}"#), "date+3"),
        (rule("any", always, r#"{"parts":{"shuffle":true}}"#), "status_query and generate_tokens only"),
        (rule("status_query", always, r#"{"parts":{"omit":2}}"#), "between 0 and 1"),
        (rule("status_query", always, r#"{"parts":{"strangers":1001}}"#), "1000 strangers"),
        (rule("status_query", always, r#"{"parts":{"add":1}}"#), "`add`"),
        (rule("status_query", always, r#"{"parts":{},"status":503}"#), "say one of"),
        (rule("any", always, r#"{"person":"unnamed"}"#), "not for this endpoint"),
        (rule("by_national_id", always, r#"{"person":"repeated_codes"}"#), "not for this endpoint"),
        (rule("any", always, r#"{"upload":{"lose":true}}"#), "upload and upload_status only"),
        (rule("upload_status", always, r#"{"upload":{"take":0.5}}"#), "take for upload"),
        (rule("upload", always, r#"{"upload":{"take":1.1}}"#), "between 0 and 1"),
        (rule("upload", always, r#"{"upload":{"report":"odd"}}"#), "unknown variant `odd`"),
        (rule("any", always, r#"{"extra_answer":{"after_ms":60001}}"#), "60000"),
        (rule("any", always, r#"{"latency_ms":{"uniform":[9,1]}}"#), "lower to the higher"),
        (rule("any", always, r#"{"latency_ms":{"fixed":600001}}"#), "600000"),
        (rule("any", "{}", "\"html\""), "exactly one of"),
        (rule("any", r#"{"first":1,"probability":1}"#, "\"html\""), "exactly one of"),
        (rule("any", r#"{"first":1,"to":3}"#, "\"html\""), "exactly one of"),
        (rule("any", r#"{"probability":5}"#, "\"html\""), "between 0 and 1"),
        (rule("any", r#"{"requests":[0]}"#, "\"html\""), "from 1"),
        (rule("any", r#"{"from":3,"to":2}"#, "\"html\""), "above"),
        (rule("any", r#"{"after_seconds":-1}"#, "\"html\""), "durations"),
        (rule("any", r#"{"always":false}"#, "\"html\""), "leave the rule out"),
        (rule("upload\",\"patients\":[\"1\"],\"endpoint\":\"upload", always, "\"html\""), "duplicate field"),
        (r#"{"rules":[{"endpoint":"upload","patients":["9990000018"],"when":{"first":1},"fault":"html"}]}"#.to_owned(), "patients can be named"),
        (r#"{"rules":[{"endpoint":"any","patients":[9990000018],"when":{"first":1},"fault":"html"}]}"#.to_owned(), "national ids as texts"),
    ] {
        let response = faults(&rig, Method::PUT, &wrong).await;
        assert_eq!(response.status(), 400, "{wrong}");
        let reply: Value = response.json().await.unwrap();
        let text = reply["error_description"].as_str().unwrap();
        assert!(text.contains(named), "{named:?} is not in {text:?}");
        assert!(!text.contains("999000"));
    }
    let seen = faults(&rig, Method::GET, "").await.text().await.unwrap();
    assert_eq!(seen, good);
}

#[tokio::test]
async fn a_rule_about_a_patient_knows_them_by_both_of_their_ids() {
    let rig = Rig::with_rules(&format!(
        r#"{{"endpoint":"any","patients":["{GUIDE}"],"when":{{"always":true}},"fault":{{"status":422}}}}"#
    ))
    .await;
    assert_eq!(rig.user(GUIDE).await.status(), 422);
    assert_eq!(rig.user("9990000018").await.status(), 404);
    let codes = rig.get("/v1/users/3594342/recordAccessToken").await;
    assert_eq!(codes.status(), 422);
}

#[test]
fn a_faults_file_says_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    assert!(
        Faults::read(&path)
            .unwrap_err()
            .to_string()
            .contains("cannot read")
    );
    std::fs::write(&path, "{\"rules\":[\n{\"endpoint\":\"any\"}]}").unwrap();
    let message = Faults::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("rules[0]") && message.contains("missing field `when`"),
        "{message}"
    );
}
