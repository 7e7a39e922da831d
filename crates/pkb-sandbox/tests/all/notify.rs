//! GOV.UK Notify's endpoints, called as its documentation says.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use pkb_sandbox::{Config, NOTIFY_API_KEY, NOTIFY_TEMPLATES, NotifyConfig};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::Rig;

/// The moment of the rig's clock.
const NOW: i64 = 1_795_338_000;

/// A token by the documentation, issued so many seconds after now.
fn token(after: i64) -> String {
    let (rest, secret) = NOTIFY_API_KEY.split_at(NOTIFY_API_KEY.len() - 36);
    let service = &rest[rest.len() - 37..rest.len() - 1];
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(json!({"typ": "JWT", "alg": "HS256"})),
        part(json!({"iss": service, "iat": NOW + after}))
    );
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
    )
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    let response: Response = request.bearer_auth(token(0)).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn post(rig: &Rig, kind: &str, body: Value) -> (u16, Value) {
    sent(
        rig.http
            .post(rig.url(&format!("/v2/notifications/{kind}")))
            .json(&body),
    )
    .await
}

async fn get(rig: &Rig, path: &str) -> (u16, Value) {
    sent(rig.http.get(rig.url(path))).await
}

fn text(phone: &str) -> Value {
    json!({
        "phone_number": phone,
        "template_id": NOTIFY_TEMPLATES[0],
        "personalisation": {"first name": "Read", "organisation": "Northtown"},
        "reference": "one",
    })
}

#[tokio::test]
async fn a_token_must_be_of_the_key_and_of_the_last_thirty_seconds() {
    let rig = Rig::start().await;
    let path = rig.url(&format!("/v2/template/{}", NOTIFY_TEMPLATES[0]));
    for (token, status) in [
        (token(0), 200),
        (token(-30), 200),
        (token(-31), 403),
        (token(31), 403),
        (format!("{}A", token(0)), 403),
    ] {
        let answer = rig.http.get(&path).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(rig.http.get(&path).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_same_text_is_sent_as_often_as_it_is_asked_for_and_found_by_its_reference() {
    let rig = Rig::start().await;
    for _ in 0..2 {
        let (status, answer) = post(&rig, "sms", text("07700 900123")).await;
        assert_eq!(status, 201);
        let body = answer["content"]["body"].as_str().unwrap();
        assert!(body.starts_with("Hello Read, Northtown"), "{body}");
    }
    let (_, found) = get(&rig, "/v2/notifications?reference=one").await;
    assert_eq!(found["notifications"].as_array().unwrap().len(), 2);
    let (_, none) = get(&rig, "/v2/notifications?reference=two").await;
    assert_eq!(none["notifications"], json!([]));
    let summary: Value = rig
        .http
        .get(rig.url("/sandbox/notify"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(summary, json!({"texts": 2, "letters": 0, "repeated": 1}));
}

#[tokio::test]
async fn what_is_wrong_with_a_text_is_answered_as_documented() {
    let rig = Rig::start().await;
    let changed = |field: &str, value: Value| {
        let mut body = text("07700900123");
        body[field] = value;
        body
    };
    for (body, kind) in [
        (
            changed("phone_number", "0191 496 0123".into()),
            "ValidationError",
        ),
        (changed("phone_number", Value::Null), "ValidationError"),
        (changed("extra", 1.into()), "ValidationError"),
        (
            changed("template_id", "00000000-0000-4000-8000-00000000dead".into()),
            "BadRequestError",
        ),
        (
            changed("personalisation", json!({"organisation": "x"})),
            "BadRequestError",
        ),
    ] {
        let (status, answer) = post(&rig, "sms", body).await;
        assert_eq!((status, &answer["status_code"]), (400, &json!(400)));
        assert_eq!(answer["errors"][0]["error"], kind);
    }
    assert!(rig.sandbox.notified().is_empty());
}

#[tokio::test]
async fn a_text_to_a_smoke_test_number_is_answered_and_not_remembered() {
    let rig = Rig::start().await;
    let (status, answer) = post(&rig, "sms", text("07700900111")).await;
    assert_eq!((status, answer["id"].is_string()), (201, true));
    assert!(rig.sandbox.notified().is_empty());
    let id = answer["id"].as_str().unwrap();
    assert_eq!(get(&rig, &format!("/v2/notifications/{id}")).await.0, 404);
}

#[tokio::test]
async fn each_look_moves_a_text_on_to_its_end() {
    let rig = Rig::start().await;
    for (phone, last) in [
        ("07700900123", "delivered"),
        ("07700900999", "permanent-failure"),
        ("07700900998", "temporary-failure"),
    ] {
        let (_, answer) = post(&rig, "sms", text(phone)).await;
        let path = format!("/v2/notifications/{}", answer["id"].as_str().unwrap());
        assert_eq!(get(&rig, &path).await.1["status"], "sending");
        for _ in 0..2 {
            assert_eq!(get(&rig, &path).await.1["status"], last);
        }
    }
}

#[tokio::test]
async fn any_pdf_is_taken_as_a_letter_and_a_damaged_one_fails_later() {
    let rig = Rig::start().await;
    let letter = |content: &[u8]| json!({"reference": "l", "content": STANDARD.encode(content), "postage": "second"});
    let (status, answer) = post(&rig, "letter", letter(b"words")).await;
    assert_eq!(
        (status, &answer["errors"][0]["error"]),
        (400, &json!("BadRequestError"))
    );
    for (pdf, last) in [
        (&b"%PDF-1.7 \n%%EOF\n"[..], "received"),
        (&b"%PDF-1.7 half"[..], "validation-failed"),
    ] {
        let (status, answer) = post(&rig, "letter", letter(pdf)).await;
        assert_eq!(status, 201);
        let path = format!("/v2/notifications/{}", answer["id"].as_str().unwrap());
        for _ in 0..3 {
            get(&rig, &path).await;
        }
        assert_eq!(get(&rig, &path).await.1["status"], last);
    }
}

#[tokio::test]
async fn too_much_at_once_and_too_much_a_day_are_two_errors() {
    let with = |notify| {
        Rig::with(Config {
            notify,
            ..Config::default()
        })
    };
    let rig = with(NotifyConfig {
        burst: 1,
        ..NotifyConfig::default()
    })
    .await;
    assert_eq!(post(&rig, "sms", text("07700900123")).await.0, 201);
    let (status, answer) = post(&rig, "sms", text("07700900123")).await;
    assert_eq!(
        (status, &answer["errors"][0]["error"]),
        (429, &json!("RateLimitError"))
    );
    let rig = with(NotifyConfig {
        daily_limit: 1,
        ..NotifyConfig::default()
    })
    .await;
    assert_eq!(post(&rig, "sms", text("07700900123")).await.0, 201);
    let (status, answer) = post(&rig, "sms", text("07700900124")).await;
    assert_eq!(
        (status, &answer["errors"][0]["error"]),
        (429, &json!("TooManyRequestsError"))
    );
}
