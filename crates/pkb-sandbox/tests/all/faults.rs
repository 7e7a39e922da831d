//! Each fault as a client sees it, what became of the request, and the ledger's word on it.

use std::time::{Duration, Instant, SystemTime};

use pkb_sandbox::LedgerEntry;
use reqwest::{Error, Response};
use serde_json::Value;

use crate::support::{GUIDE, GUIDE_ROW, Rig, client, file, short_row};

const GUIDE_CODES: &str = "/v1/users/3594342/recordAccessToken";
const OTHER: &str = "9990000018";

/// A sandbox in which codes and uploads suffer a fault, and a bearer token that was fetched before.
struct Faulty {
    rig: Rig,
    bearer: String,
}

impl Faulty {
    async fn new(fault: &str) -> Self {
        let rules = ["record_access_token", "upload"].map(|endpoint| {
            format!(r#"{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{fault}}}"#)
        });
        let rig = Rig::with_rules(&rules.join(",")).await;
        let bearer = rig.bearer().await;
        rig.sandbox.reset_ledger();
        Self { rig, bearer }
    }

    async fn codes(&self) -> Result<Response, Error> {
        let request = self.rig.http.get(self.rig.url(GUIDE_CODES));
        request.bearer_auth(&self.bearer).send().await
    }

    async fn upload(&self, rows: &str) -> Result<Response, Error> {
        let part = reqwest::multipart::Part::bytes(file(&[rows]).into_bytes()).file_name("b.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.rig.http.post(self.rig.url("/upload/patients"));
        request
            .bearer_auth(&self.bearer)
            .multipart(form)
            .send()
            .await
    }

    /// Codes that the guide's patient was given.
    fn issued(&self) -> usize {
        self.rig.sandbox.patient(GUIDE).unwrap().invitations
    }

    fn last(&self) -> LedgerEntry {
        self.rig.sandbox.ledger().pop().unwrap()
    }

    fn says(&self, status: Option<u16>, fault: &'static str, committed: bool) {
        let entry = self.last();
        assert_eq!(
            (entry.status, entry.fault, entry.committed),
            (status, Some(fault), committed)
        );
    }
}

/// The innermost cause.
fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn is_dropped(error: &Error) -> bool {
    error.is_request()
        && !error.is_connect()
        && !error.is_timeout()
        && !error.is_body()
        && error.status().is_none()
}

#[tokio::test]
async fn refuse_and_reset_before_drop_the_connection_and_nothing_is_done() {
    for fault in ["refuse", "reset_before"] {
        let faulty = Faulty::new(&format!("\"{fault}\"")).await;
        let error = faulty.codes().await.unwrap_err();
        assert!(is_dropped(&error));
        assert_eq!(root(&error).contains("reset by peer"), fault != "refuse");
        assert_eq!(faulty.rig.sandbox.ledger().len(), 1, "not sent again");
        faulty.says(None, fault, false);
        assert_eq!(faulty.issued(), 0);
        let error = faulty.upload(&short_row(OTHER)).await.unwrap_err();
        assert!(is_dropped(&error), "{error:?}");
        faulty.says(None, fault, false);
        assert!(faulty.rig.sandbox.patient(OTHER).is_none());
    }
}

#[tokio::test]
async fn reset_after_drops_the_connection_when_everything_is_done() {
    let faulty = Faulty::new("\"reset_after\"").await;
    let error = faulty.codes().await.unwrap_err();
    assert!(is_dropped(&error) && root(&error).contains("reset by peer"));
    assert_eq!(faulty.rig.sandbox.ledger().len(), 1, "not sent again");
    faulty.says(None, "reset_after", true);
    assert_eq!(faulty.issued(), 1);
    let error = faulty.upload(&short_row(OTHER)).await.unwrap_err();
    assert!(is_dropped(&error), "{error:?}");
    faulty.says(None, "reset_after", true);
    assert_eq!(faulty.last().upload.unwrap().rows, 1);
    assert!(faulty.rig.sandbox.patient(OTHER).is_some());
}

#[tokio::test]
async fn a_large_upload_that_is_refused_or_reset_is_an_error_too() {
    let rows: Vec<String> = pkb_synthetic::generate::patients(20_000, 1)
        .map(|patient| short_row(&patient.national_id))
        .collect();
    let rows = rows.join("\n");
    for fault in ["refuse", "reset_before", "reset_after"] {
        let faulty = Faulty::new(&format!("\"{fault}\"")).await;
        let error = faulty.upload(&rows).await.unwrap_err();
        assert!(error.is_request() && !error.is_connect(), "{error:?}");
        faulty.says(None, fault, fault == "reset_after");
    }
}

#[tokio::test]
async fn a_truncated_answer_has_its_status_and_breaks_off_in_the_body() {
    let faulty = Faulty::new("\"truncate\"").await;
    let mut response = faulty.codes().await.unwrap();
    assert_eq!(response.status(), 200);
    let announced = response.content_length().unwrap();
    let half = response.chunk().await.unwrap().unwrap();
    assert_eq!(half.len() as u64, announced / 2);
    let error = response.chunk().await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    let error = faulty.codes().await.unwrap().json::<Value>().await;
    let error = error.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    faulty.says(Some(200), "truncate", true);
    assert_eq!(faulty.issued(), 2);
    let response = faulty.upload(GUIDE_ROW).await.unwrap();
    assert!(response.text().await.is_err());
    assert_eq!(faulty.rig.sandbox.patient(GUIDE).unwrap().updates, 1);
}

#[tokio::test]
async fn a_wrong_content_type_comes_with_the_right_body() {
    let faulty = Faulty::new("\"wrong_content_type\"").await;
    let response = faulty.codes().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let reply: Value = response.json().await.unwrap();
    assert_eq!(reply["invitationCode"], "NKcYiAciBU");
    faulty.says(Some(200), "wrong_content_type", true);
}

#[tokio::test]
async fn a_login_page_garbage_and_a_redirect_stand_in_place_of_the_answer() {
    let faulty = Faulty::new("\"html\"").await;
    let response = faulty.codes().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("Sign in"));
    faulty.says(Some(200), "html", false);

    let faulty = Faulty::new("\"garbage\"").await;
    let response = faulty.codes().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let reply: Value = response.json().await.unwrap();
    assert!(reply.get("invitationCode").is_none());
    faulty.says(Some(200), "garbage", false);

    let faulty = Faulty::new("\"redirect\"").await;
    let stays = client()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = stays.get(faulty.rig.url(GUIDE_CODES));
    let response = request.bearer_auth(&faulty.bearer).send().await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/sandbox/login");
    faulty.says(Some(302), "redirect", false);
    let followed = faulty.codes().await.unwrap();
    assert_eq!(followed.status(), 200);
    assert!(followed.text().await.unwrap().contains("Sign in"));
    assert_eq!(faulty.issued(), 0);
}

#[tokio::test]
async fn every_status_can_be_had_and_the_request_is_not_carried_out() {
    for status in [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504] {
        let faulty = Faulty::new(&format!(r#"{{"status":{status}}}"#)).await;
        let response = faulty.codes().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers().contains_key("www-authenticate"),
            status == 401
        );
        let reply: Value = response.json().await.unwrap();
        assert!(reply["error"].is_string() && reply["error_description"].is_string());
        faulty.says(Some(status), "status", false);
        let uploaded = faulty.upload(&short_row(OTHER)).await.unwrap();
        assert_eq!(uploaded.status(), status);
        assert!(faulty.rig.sandbox.patient(OTHER).is_none());
        assert_eq!(faulty.issued(), 0);
    }
}

#[tokio::test]
async fn a_status_can_be_a_lie() {
    let faulty = Faulty::new(r#"{"status":504,"run":true}"#).await;
    let uploaded = faulty.upload(&short_row(OTHER)).await.unwrap();
    assert_eq!(uploaded.status(), 504);
    assert!(faulty.rig.sandbox.patient(OTHER).is_some());
    faulty.says(Some(504), "status", true);
    assert_eq!(faulty.last().upload.unwrap().rows, 1);
}

#[tokio::test]
async fn a_status_has_the_body_and_the_retry_after_that_were_asked_for() {
    let faulty = Faulty::new(r#"{"status":503,"retry_after":"3","body":"html"}"#).await;
    let response = faulty.codes().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "3");
    assert!(
        response
            .text()
            .await
            .unwrap()
            .starts_with("<!doctype html>")
    );

    let faulty = Faulty::new(r#"{"status":429,"retry_after":"date+3","body":"empty"}"#).await;
    let before = SystemTime::now();
    let response = faulty.codes().await.unwrap();
    let date = response.headers()["retry-after"].to_str().unwrap();
    let wait = httpdate::parse_http_date(date)
        .unwrap()
        .duration_since(before)
        .unwrap();
    assert!((3..6).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn latency_holds_an_answer_back() {
    let faulty = Faulty::new(r#"{"latency_ms":{"fixed":120}}"#).await;
    let started = Instant::now();
    assert_eq!(faulty.codes().await.unwrap().status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(120));
    faulty.says(Some(200), "latency", true);
    assert_eq!(faulty.last().latency_ms, 120);
}

#[tokio::test]
async fn a_slow_request_is_carried_out_even_if_the_client_did_not_wait() {
    let faulty = Faulty::new(r#"{"latency_ms":{"fixed":1000}}"#).await;
    let impatient = client().timeout(Duration::from_millis(50)).build().unwrap();
    let request = impatient.get(faulty.rig.url(GUIDE_CODES));
    let error = request.bearer_auth(&faulty.bearer).send().await;
    assert!(error.unwrap_err().is_timeout());
    assert_eq!(faulty.issued(), 0);
    let started = Instant::now();
    while faulty.issued() == 0 {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn hang_answers_nothing_until_the_client_gives_up_and_does_not_keep_the_sandbox_from_stopping()
 {
    let faulty = Faulty::new("\"hang\"").await;
    let impatient = client()
        .timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let request = impatient.get(faulty.rig.url(GUIDE_CODES));
    let error = request.bearer_auth(&faulty.bearer).send().await;
    assert!(error.unwrap_err().is_timeout());
    faulty.says(None, "hang", false);

    let patient = faulty.rig.http.get(faulty.rig.url(GUIDE_CODES));
    let waiting = tokio::spawn(patient.bearer_auth(&faulty.bearer).send());
    while faulty.rig.sandbox.ledger().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    faulty.rig.sandbox.stop().await;
    assert!(is_dropped(&waiting.await.unwrap().unwrap_err()));
    assert!(started.elapsed() < Duration::from_secs(2));
}
