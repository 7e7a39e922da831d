//! The token endpoint of a tethered client, and how tokens can be odd.

use pkb_sandbox::{CLIENT_ID, Config, Faults, REFRESH_TOKEN};
use reqwest::Response;
use serde_json::Value;

use crate::support::{GUIDE, Rig};

async fn refresh(rig: &Rig, change: (&str, &str)) -> Response {
    let form: Vec<(&str, &str)> = [
        ("grant_type", "refresh_token"),
        ("scope", "SITE"),
        ("client_id", CLIENT_ID),
        ("refresh_token", REFRESH_TOKEN),
    ]
    .into_iter()
    .map(|(name, value)| {
        if name == change.0 {
            change
        } else {
            (name, value)
        }
    })
    .collect();
    let request = rig.http.post(rig.url("/apiToken.action")).form(&form);
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_refresh_token_gives_a_bearer_token_and_the_next_one_and_is_spent() {
    let rig = Rig::start().await;
    let mut refresh_token = REFRESH_TOKEN.to_owned();
    let mut bearers = Vec::new();
    for _ in 0..3 {
        let response = refresh(&rig, ("refresh_token", &refresh_token)).await;
        assert_eq!(response.status(), 200);
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["expires_in"], 600);
        let request = rig
            .http
            .get(rig.url(&format!("/beta/users/byNationalId/{GUIDE}/NHS_NUMBER")))
            .bearer_auth(reply["access_token"].as_str().unwrap());
        assert_eq!(request.send().await.unwrap().status(), 404);
        bearers.push(reply["access_token"].as_str().unwrap().to_owned());
        let next = reply["refresh_token"].as_str().unwrap();
        assert_ne!(next, refresh_token);
        next.clone_into(&mut refresh_token);
    }
    // One that was used before ends the session, with all tokens of it; other clients' go on.
    let other = rig.bearer().await;
    for token in [REFRESH_TOKEN, &refresh_token] {
        let over = refresh(&rig, ("refresh_token", token)).await;
        assert_eq!(over.status(), 400);
        assert_eq!(code(over).await, "API_SESSION_INVALID");
    }
    let ask = |bearer: &str| {
        let request = rig.http.get(rig.url("/v1/users/1/recordAccessToken"));
        request.bearer_auth(bearer).send()
    };
    for bearer in &bearers {
        let over = ask(bearer).await.unwrap();
        assert_eq!(over.status(), 401);
        assert_eq!(code(over).await, "API_SESSION_INVALID");
    }
    assert_eq!(ask(&other).await.unwrap().status(), 404);
}

/// The response code of an OperationOutcome.
async fn code(response: Response) -> String {
    let outcome: Value = response.json().await.unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let coding = &outcome["issue"][0]["details"]["coding"][0];
    assert_eq!(
        coding["system"],
        "http://fhir.patientsknowbest.com/codesystem/response-code"
    );
    coding["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refusal_does_not_spend_the_refresh_token() {
    let rig = Rig::start().await;
    for (change, status, error) in [
        (("scope", "EVERYTHING"), 400, "invalid_scope"),
        (("client_id", "somebody"), 401, "unauthorized"),
        (("refresh_token", "invented"), 400, "invalid_grant"),
        (
            ("grant_type", "client_credentials"),
            400,
            "unsupported_grant_type",
        ),
    ] {
        let response = refresh(&rig, change).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.json::<Value>().await.unwrap()["error"], error);
    }
    assert_eq!(refresh(&rig, ("", "")).await.status(), 200);
}

#[tokio::test]
async fn an_answer_that_was_lost_has_spent_the_refresh_token_all_the_same() {
    let rig = Rig::start().await;
    rig.set_rules(r#"{"endpoint":"token","when":{"first":1},"fault":"truncate"}"#);
    assert!(refresh(&rig, ("", "")).await.text().await.is_err());
    assert_eq!(refresh(&rig, ("", "")).await.status(), 400);
}

#[tokio::test]
async fn tokens_can_be_short_and_say_it_as_text_or_not_at_all() {
    let rig = Rig::with(Config {
        faults: Faults::from_json(r#"{"token_seconds":1,"textual_expires_in":true}"#).unwrap(),
        ..Config::default()
    })
    .await;
    let reply: Value = refresh(&rig, ("", "")).await.json().await.unwrap();
    assert_eq!(reply["expires_in"], "1");
    let bearer = rig.bearer().await;
    let ask = || {
        let request = rig.http.get(rig.url("/v1/users/1/recordAccessToken"));
        request.bearer_auth(&bearer).send()
    };
    assert_eq!(ask().await.unwrap().status(), 404);
    rig.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(ask().await.unwrap().status(), 401);

    let faults = Faults::from_json(r#"{"omit_expires_in":true}"#).unwrap();
    rig.sandbox.set_faults(faults);
    let request = rig.token_request().form(&[
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", pkb_sandbox::CLIENT_SECRET),
    ]);
    let reply: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(reply["access_token"].is_string() && reply.get("expires_in").is_none());
}
