//! The token endpoint and the life of a bearer token.

use jiff::SignedDuration;
use pkb_sandbox::{CLIENT_ID, CLIENT_SECRET};
use serde_json::Value;

use crate::support::{GUIDE, Rig};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn both_ways_to_name_the_client_give_a_token() {
    let rig = Rig::start().await;
    let basic = rig
        .token_request()
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .form(&[GRANT]);
    let body = rig.token_request().form(&[
        GRANT,
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ]);
    for request in [basic, body] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["token_type"], "bearer");
        assert_eq!(reply["expires_in"], 600);
        assert_eq!(reply["scope"], "none");
        assert!(reply["jti"].is_string());
        assert!(reply.get("refresh_token").is_none());
        let bearer = reply["access_token"].as_str().unwrap();
        let request = rig
            .http
            .get(rig.url(&format!("/beta/users/byNationalId/{GUIDE}/NHS_NUMBER")));
        assert_eq!(
            request.bearer_auth(bearer).send().await.unwrap().status(),
            404
        );
    }
}

#[tokio::test]
async fn a_wrong_secret_is_answered_with_401() {
    let rig = Rig::start().await;
    let basic = rig
        .token_request()
        .basic_auth(CLIENT_ID, Some("wrong"))
        .form(&[GRANT]);
    let body =
        rig.token_request()
            .form(&[GRANT, ("client_id", CLIENT_ID), ("client_secret", "wrong")]);
    let none = rig.token_request().form(&[GRANT]);
    for request in [basic, body, none] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["error"], "unauthorized");
        assert!(reply["error_description"].is_string());
    }
}

#[tokio::test]
async fn another_grant_type_is_answered_with_400() {
    let rig = Rig::start().await;
    let request = rig
        .token_request()
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .form(&[("grant_type", "password")]);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.json::<Value>().await.unwrap()["error"],
        "unsupported_grant_type"
    );
}

#[tokio::test]
async fn a_token_dies_after_600_seconds_of_the_sandboxs_clock() {
    let rig = Rig::start().await;
    let bearer = rig.bearer().await;
    let ask = || {
        rig.http
            .get(rig.url("/v1/users/1/recordAccessToken"))
            .bearer_auth(&bearer)
            .send()
    };
    rig.clock.advance(SignedDuration::from_secs(599));
    assert_eq!(ask().await.unwrap().status(), 404);
    rig.clock.advance(SignedDuration::from_secs(1));
    let late = ask().await.unwrap();
    assert_eq!(late.status(), 401);
    assert_eq!(
        late.json::<Value>().await.unwrap()["error"],
        "invalid_token"
    );
}

#[tokio::test]
async fn calls_without_a_token_or_with_an_invented_one_are_answered_with_401() {
    let rig = Rig::start().await;
    let path = rig.url("/v1/users/1/recordAccessToken");
    for request in [
        rig.http.get(&path),
        rig.http.get(&path).bearer_auth("invented"),
        rig.http.post(rig.url("/upload/patients")),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.json::<Value>().await.unwrap()["error"],
            "invalid_token"
        );
    }
}
