//! 401: one new token for each request, whatever the age of the old one, and never a patient's outcome for what the token has done.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::json;

use super::{
    client, number, patient,
    server::{Request, Script, Server, access_token, answer},
    user_path,
};
use crate::CallError;
use pkb_core::Fatal;

const UNAUTHORIZED: &str = r#"{"error":"unauthorized"}"#;

fn user(request: &Request) -> Vec<u8> {
    let body = json!({"id": "7", "nationalIds": [{"value": request.part(1)}]});
    answer(200, "", &body.to_string())
}

/// Tokens that are handed out, of which the last alone is good.
fn one_live_token(refusal: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Server {
    let live = AtomicUsize::new(0);
    Server::start_with_tokens(Script::default(), move |request| {
        if request.is_for_token() {
            let token = live.fetch_add(1, Ordering::SeqCst) + 1;
            return access_token(&format!("t{token}"));
        }
        let good = format!("bearer t{}", live.load(Ordering::SeqCst));
        match request.header("authorization") == Some(&good) {
            true => user(request),
            false => refusal(),
        }
    })
}

fn outcome(code: &str) -> String {
    let coding = json!([{"system": "http://fhir.patientsknowbest.com/codesystem/response-code", "code": code}]);
    let issue = json!([{"severity": "error", "details": {"coding": coding}}]);
    json!({"resourceType": "OperationOutcome", "issue": issue}).to_string()
}

fn plain_refusal() -> Vec<u8> {
    answer(401, "www-authenticate: Bearer\r\n", UNAUTHORIZED)
}

fn token_refusal() -> Vec<u8> {
    answer(
        401,
        "www-authenticate: Bearer error=\"invalid_token\"\r\n",
        "",
    )
}

#[tokio::test]
async fn two_stages_that_sign_in_as_one_client_lose_nobody() {
    for refusal in [plain_refusal, token_refusal] {
        let server = one_live_token(refusal);
        let (one, other) = (client(&server.url).0, client(&server.url).0);
        for count in 0..40 {
            // Each has a token of some milliseconds that the other's call has ended.
            for client in [&one, &other] {
                let known = client.find_patient(&user_path(), &patient(count)).await;
                assert!(known.is_ok(), "patient {count}");
            }
        }
    }
}

#[tokio::test]
async fn a_plain_401_costs_one_new_token_and_is_then_about_the_patient() {
    let server = Server::start(Script::default(), |request| match request.part(1) {
        it if it == number(1) => plain_refusal(),
        _ => user(request),
    });
    let (client, _) = client(&server.url);
    for (count, is_seen, tokens) in [(0, true, 1), (1, false, 2), (2, true, 2), (1, false, 3)] {
        let known = client.find_patient(&user_path(), &patient(count)).await;
        assert_eq!(known.is_ok(), is_seen);
        assert!(is_seen || matches!(known, Err(CallError::NoAccess)));
        assert_eq!(server.tokens(), tokens);
    }
    assert_eq!(server.requests().len(), 6, "each refused one twice");
}

#[tokio::test]
async fn a_token_that_is_refused_again_and_again_stops_the_stage() {
    for refusal in [
        answer(401, "", r#"{"error":"invalid_token"}"#),
        token_refusal(),
        answer(401, "", &outcome("ACC_TOKEN_EXPIRED")),
        answer(500, "", &outcome("BAD_AUTHENTICATION")),
        answer(200, "", &outcome("ACC_TOKEN_EXPIRED")),
    ] {
        let server = Server::start(Script::default(), move |_| refusal.clone());
        let (client, _) = client(&server.url);
        let error = client.find_patient(&user_path(), &patient(0)).await;
        let Err(CallError::Fatal(fatal @ Fatal::Credentials(_))) = error else {
            panic!("it is somebody's outcome");
        };
        assert!(fatal.to_string().contains("PKB_TOKEN_URL"));
    }
}

#[tokio::test]
async fn a_client_of_the_wrong_kind_stops_the_stage_and_a_frozen_record_does_not() {
    for (status, code, is_fatal) in [
        (403, "USER_TYPE_NOT_PERM", true),
        (401, "API_SESSION_INVALID", true),
        (200, "API_SESSION_EXPIRED", true),
        (503, "USER_TYPE_NOT_PERM", true),
        (401, "NO_CONSENT", false),
        (403, "ACCESS_FROZEN_INWARD", false),
        (404, "NO_ASSOCIATION", false),
        (422, "NO_DECRYPT_KEY", false),
        (500, "SHARING_DISABLED", false),
        (200, "NO_CONSENT", false),
    ] {
        let body = outcome(code);
        let server = Server::start(Script::default(), move |_| answer(status, "", &body));
        let (client, _) = client(&server.url);
        let error = client.find_patient(&user_path(), &patient(0)).await;
        match error {
            Err(CallError::Fatal(Fatal::Credentials(_))) => assert!(is_fatal, "{code}"),
            Err(CallError::Withheld(said)) => {
                assert!(!is_fatal && said.as_str() == code, "{code}");
            }
            _ => panic!("{status} {code}"),
        }
        assert_eq!(server.tokens(), 1, "{code}");
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_code_that_is_not_for_such_a_client_or_not_pkbs_own_is_not_believed() {
    let server = Server::start(Script::default(), |_| {
        answer(403, "", &outcome("ACCESS_FROZEN_OUTWARD"))
    });
    let (client_of_pkb, _) = client(&server.url);
    let error = client_of_pkb.find_patient(&user_path(), &patient(0)).await;
    assert!(matches!(error, Err(CallError::NotUnderstood(what)) if what.contains("OUTWARD")));

    let others = outcome("NO_CONSENT").replace("patientsknowbest", "somebody-else");
    let server = Server::start(Script::default(), move |_| answer(404, "", &others));
    let (client_of_other, _) = client(&server.url);
    let error = client_of_other
        .find_patient(&user_path(), &patient(0))
        .await;
    assert!(
        matches!(error, Err(CallError::NotFound)),
        "the status decides"
    );
}

#[tokio::test]
async fn calls_that_are_refused_together_share_one_new_token() {
    let refused = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&refused);
    let server = one_live_token(move || {
        *counted.lock() += 1;
        plain_refusal()
    });
    let (one, other) = (client(&server.url).0, client(&server.url).0);
    one.sign_in().await.unwrap();
    other.sign_in().await.unwrap();
    let path = user_path();
    let patients: Vec<_> = (0..8).map(patient).collect();
    let found = join_all(patients.iter().map(|id| one.find_patient(&path, id))).await;
    assert!(found.iter().all(Result::is_ok));
    assert!(*refused.lock() >= 1);
    assert_eq!(server.tokens(), 3, "one each, and one new for all");
}

#[tokio::test]
async fn a_clock_that_is_a_year_off_stops_before_anything_is_believed() {
    let server = Server::start(Script::default(), |request| {
        let body = json!({"id": "7", "nationalIds": [{"value": request.part(1)}]});
        answer(
            200,
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            &body.to_string(),
        )
    });
    let (client, _) = client(&server.url);
    let error = client.find_patient(&user_path(), &patient(0)).await;
    let Err(CallError::Fatal(fatal @ Fatal::Usage(_))) = error else {
        panic!("it was believed");
    };
    assert!(fatal.to_string().contains("clock"), "{fatal}");
}
