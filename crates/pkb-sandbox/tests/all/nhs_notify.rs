//! NHS Notify over HTTP: tokens, batches and statuses as its description has them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pkb_sandbox::{
    Config, NHS_NOTIFY_API_KEY, NHS_NOTIFY_KEY_ID, NHS_NOTIFY_PRIVATE_KEY,
    NHS_NOTIFY_ROUTING_PLANS, NhsFate, NhsNotifyConfig, Sandbox, World, WorldPatient,
};
use reqwest::{Client, Response};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA512, RsaKeyPair};
use serde_json::{Value, json};

use crate::support;

const JSON_API: &str = "application/vnd.api+json";

fn client() -> Client {
    support::client().build().unwrap()
}

fn header() -> Value {
    json!({"alg": "RS512", "typ": "JWT", "kid": NHS_NOTIFY_KEY_ID})
}

fn claims(sandbox: &Sandbox, id: &str) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    json!({
        "iss": NHS_NOTIFY_API_KEY, "sub": NHS_NOTIFY_API_KEY, "jti": id, "aud": format!("{}/oauth2/token", sandbox.base_url()),
        "exp": now + 180,
    })
}

fn signed(header: &Value, claims: &Value) -> String {
    let lines = NHS_NOTIFY_PRIVATE_KEY
        .lines()
        .filter(|line| !line.starts_with('-'));
    let key = STANDARD.decode(lines.collect::<String>()).unwrap();
    let pair = RsaKeyPair::from_der(&key).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA512,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn ask_for_token(sandbox: &Sandbox, assertion: &str) -> Response {
    let form = [
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ];
    client()
        .post(format!("{}/oauth2/token", sandbox.base_url()))
        .form(&form)
        .send()
        .await
        .unwrap()
}

async fn token(sandbox: &Sandbox) -> String {
    let assertion = signed(&header(), &claims(sandbox, "first"));
    let answer: Value = ask_for_token(sandbox, &assertion)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer["expires_in"], "599", "as text");
    answer["access_token"].as_str().unwrap().to_owned()
}

fn message(reference: &str, number: &str) -> Value {
    json!({"messageReference": reference, "recipient": {"nhsNumber": number}, "personalisation": {"access_code": "x"}})
}

fn batch(reference: &str, messages: Value) -> Value {
    json!({"data": {"type": "MessageBatch", "attributes": {
        "routingPlanId": NHS_NOTIFY_ROUTING_PLANS[0], "messageBatchReference": reference, "messages": messages,
    }}})
}

async fn post(sandbox: &Sandbox, token: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/comms/v1/message-batches", sandbox.base_url());
    let request = client()
        .post(url)
        .bearer_auth(token)
        .header("content-type", JSON_API);
    let answer = request.body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn pointers(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["source"]["pointer"].as_str().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_token_is_given_for_a_good_signature_once() {
    let sandbox = Sandbox::start(Config::default()).await.unwrap();
    let good = signed(&header(), &claims(&sandbox, "a"));
    assert_eq!(ask_for_token(&sandbox, &good).await.status(), 200);
    assert_eq!(
        ask_for_token(&sandbox, &good).await.status(),
        400,
        "used before"
    );
    let changed = |name: &str, value: Value| {
        let mut claims = claims(&sandbox, name);
        claims[name] = value;
        signed(&header(), &claims)
    };
    let late = claims(&sandbox, "late")["exp"].as_u64().unwrap();
    let mut other_key = header();
    other_key["kid"] = "other".into();
    let mut other_algorithm = header();
    other_algorithm["alg"] = "RS256".into();
    let forged = good.rsplit_once('.').unwrap().0.to_owned();
    for (assertion, status) in [
        (changed("iss", json!("other")), 401),
        (
            changed("aud", json!("https://api.service.nhs.uk/oauth2/token")),
            400,
        ),
        (changed("exp", json!(late - 400)), 400),
        (changed("exp", json!(late + 400)), 400),
        (changed("jti", json!("")), 400),
        (signed(&other_key, &claims(&sandbox, "b")), 401),
        (signed(&other_algorithm, &claims(&sandbox, "c")), 400),
        (
            format!("{forged}.{}", URL_SAFE_NO_PAD.encode([0; 256])),
            401,
        ),
        ("x".to_owned(), 400),
    ] {
        assert_eq!(ask_for_token(&sandbox, &assertion).await.status(), status);
    }
}

#[tokio::test]
async fn a_batch_is_taken_once_and_its_messages_move_on() {
    let world = World::default().with(WorldPatient {
        nhs_notify: Some(NhsFate::Deceased),
        ..WorldPatient::new("9990000026")
    });
    let config = Config {
        world,
        nhs_notify: NhsNotifyConfig {
            in_work: 1,
            ..NhsNotifyConfig::default()
        },
        ..Config::default()
    };
    let sandbox = Sandbox::start(config).await.unwrap();
    let token = token(&sandbox).await;
    let body = batch(
        "B1",
        json!([message("1", "9990000018"), message("2", "9990000026")]),
    );
    let (status, answer) = post(&sandbox, &token, &body).await;
    assert_eq!(status, 201);
    let taken = &answer["data"]["attributes"]["messages"];
    let id = |at: usize| taken[at]["id"].as_str().unwrap().to_owned();
    assert!(id(0).len() == 27 && id(0) != id(1));
    assert_eq!(taken[1]["messageReference"], "2");
    assert_eq!(post(&sandbox, &token, &body).await.0, 425);
    let (status, answer) = post(&sandbox, &token, &body).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (422, &json!("CM_DUPLICATE_REQUEST"))
    );
    assert_eq!(sandbox.nhs_messages().len(), 2);
    let mut seen = Vec::new();
    for (at, looks) in [(0, 5), (1, 3)] {
        for _ in 0..looks {
            let url = format!("{}/comms/v1/messages/{}", sandbox.base_url(), id(at));
            let answer = client().get(url).bearer_auth(&token).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            seen.push(
                answer["data"]["attributes"]["messageStatus"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    let expected = [
        "pending_enrichment",
        "enriched",
        "sending",
        "delivered",
        "delivered",
        "pending_enrichment",
        "failed",
        "failed",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_batch_is_named_by_a_pointer() {
    let sandbox = Sandbox::start(Config::default()).await.unwrap();
    let token = token(&sandbox).await;
    let mut overridden = message("5", "9990000018");
    overridden["recipient"]["contactDetails"] = json!({"sms": "07700900123"});
    let mut numbers = message("6", "9990000018");
    numbers["personalisation"]["access_code"] = 7.into();
    let messages = json!([
        message("1", "9990000018"), message("1", "9990000018"), message("3", "9990000019"), {"messageReference": " "}, overridden, numbers,
    ]);
    let (status, answer) = post(&sandbox, &token, &batch("B1", messages)).await;
    assert_eq!(status, 400);
    let all = "/data/attributes/messages";
    let expected = [
        "/1/messageReference",
        "/2/recipient/nhsNumber",
        "/3/messageReference",
        "/3/recipient/nhsNumber",
        "/4/recipient/contactDetails",
        "/5/personalisation",
    ];
    assert_eq!(
        pointers(&answer),
        expected.map(|place| format!("{all}{place}"))
    );
    for (body, status, code) in [
        (batch("B2", json!([])), 400, "CM_TOO_FEW_ITEMS"),
        (batch("B2", json!(null)), 400, "CM_NULL_VALUE"),
        (json!({"data": {}}), 400, "CM_MISSING_VALUE"),
        (
            batch("B2", json!(vec![1; 45_001])),
            413,
            "CM_TOO_MANY_ITEMS",
        ),
        (
            batch(&"x".repeat(5_200_000), json!([message("1", "9990000018")])),
            413,
            "CM_TOO_LARGE",
        ),
    ] {
        let (answered, answer) = post(&sandbox, &token, &body).await;
        assert_eq!(
            (answered, &answer["errors"][0]["code"]),
            (status, &json!(code))
        );
    }
    assert!(sandbox.nhs_messages().is_empty());
}

#[tokio::test]
async fn plans_preferences_and_headers_make_the_documented_errors() {
    let sandbox = Sandbox::start(Config::default()).await.unwrap();
    let token = token(&sandbox).await;
    let url = format!("{}/comms/v1/message-batches", sandbox.base_url());
    let body = |plan: &str| {
        let mut body = batch("B1", json!([message("1", "9990000018")]));
        body["data"]["attributes"]["routingPlanId"] = plan.into();
        body.to_string()
    };
    for (plan, status) in [
        ("4ead415a-c033-4b39-9b05-326ac237a3be", 400),
        ("3bb82e6a-9873-4683-b2b9-fdf33c9ba86f", 500),
        ("d895ade5-0029-4fc3-9fb5-86e1e5370854", 425),
        ("c8857ccf-06ec-483f-9b3a-7fc732d9ad48", 500),
        ("a3a4e55d-7a21-45a6-9286-8eb595c872a8", 500),
        ("00000000-0000-4000-8000-00000000dead", 404),
        ("mine", 400),
    ] {
        let request = client()
            .post(&url)
            .bearer_auth(&token)
            .header("content-type", JSON_API);
        assert_eq!(
            request.body(body(plan)).send().await.unwrap().status(),
            status,
            "{plan}"
        );
    }
    let good = NHS_NOTIFY_ROUTING_PLANS[0];
    for (name, value, status) in [
        ("prefer", "code=401", 401),
        ("prefer", "code=403.1", 403),
        ("prefer", "code=408", 408),
        ("prefer", "code=422_batch", 422),
        ("prefer", "code=425", 425),
        ("prefer", "code=429", 429),
        ("prefer", "code=504", 504),
        ("accept", "text/html", 406),
        ("content-type", "text/plain", 415),
        ("content-type", "application/json; charset=latin1", 406),
    ] {
        let mut request = client()
            .post(&url)
            .bearer_auth(&token)
            .header("x-correlation-id", "abc");
        if name != "content-type" {
            request = request.header("content-type", JSON_API);
        }
        let answer = request
            .header(name, value)
            .body(body(good))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{name}: {value}");
        assert_eq!(answer.headers()["x-correlation-id"], "abc");
    }
    let without = client()
        .post(&url)
        .header("content-type", JSON_API)
        .body(body(good));
    assert_eq!(without.send().await.unwrap().status(), 401);
    assert!(sandbox.nhs_messages().is_empty());
}

#[tokio::test]
async fn too_many_requests_are_told_to_wait() {
    let sandbox = Sandbox::start(Config {
        nhs_notify: NhsNotifyConfig {
            per_minute: 3,
            ..NhsNotifyConfig::default()
        },
        ..Config::default()
    });
    let sandbox = sandbox.await.unwrap();
    let token = token(&sandbox).await;
    let url = format!(
        "{}/comms/v1/messages/2WL3qFTEFM0qMY8xjRbt1LIKCzZ",
        sandbox.base_url()
    );
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let answer = client().get(&url).bearer_auth(&token).send().await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "60");
        }
        statuses.push(answer.status().as_u16());
    }
    // A minute of the clock may begin in between.
    assert!(
        statuses.contains(&429) && statuses.iter().filter(|status| **status == 404).count() <= 6
    );
}
