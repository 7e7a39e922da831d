//! How the client shows its secret, what it asks for, and what the token address says of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Script, Server, access_token, answer};
use crate::{AuthStyle, CallError, Client};
use pkb_core::{ExitCode, Fatal};

/// A secret with all that RFC 6749 has percent-encoded.
const SECRET: &str = "sandbox-a+b/c=d e%41:ü";

fn client(server: &Server, style: AuthStyle, scope: Option<&str>) -> Client {
    let mut settings = super::settings(&server.url, &server.url);
    settings.client_id = "trust/a b".into();
    settings.credentials = super::Credentials::Secret(SECRET.to_owned().into());
    settings.auth_style = style;
    settings.scope = scope.map(str::to_owned);
    Client::new(settings).unwrap()
}

/// What is sent to the token address: as a form, without its header, and the header `Authorization` without Base64.
async fn sent(style: AuthStyle, scope: Option<&str>) -> (String, Option<String>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let server = Server::start(Script::default(), |_| answer(404, "", ""));
    client(&server, style, scope).sign_in().await.unwrap();
    let asked = server.token_requests().remove(0);
    let (head, body) = asked.whole.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let shown = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_it = name.eq_ignore_ascii_case("authorization");
        is_it.then(|| value.strip_prefix("Basic ").unwrap())
    });
    let shown = shown.map(|shown| String::from_utf8(STANDARD.decode(shown).unwrap()).unwrap());
    (body.to_owned(), shown)
}

#[tokio::test]
async fn a_secret_is_shown_encoded_or_as_it_is_or_in_the_form() {
    let grant = "grant_type=client_credentials";
    let encoded = "trust%2Fa+b:sandbox-a%2Bb%2Fc%3Dd+e%2541%3A%C3%BC";
    let (body, shown) = sent(AuthStyle::Basic, None).await;
    assert_eq!((&*body, shown.as_deref()), (grant, Some(encoded)));
    let (body, shown) = sent(AuthStyle::BasicRaw, None).await;
    let raw = format!("trust/a b:{SECRET}");
    assert_eq!((&*body, shown), (grant, Some(raw)));
    let (body, shown) = sent(AuthStyle::Body, None).await;
    assert_eq!(shown, None);
    let (id, secret) = encoded.split_once(':').unwrap();
    let in_form = format!("client_id={id}&client_secret={secret}");
    assert!(body.contains(grant) && body.contains(&in_form), "{body}");
}

#[tokio::test]
async fn scopes_are_asked_for_as_they_are_set() {
    for style in [AuthStyle::Basic, AuthStyle::BasicRaw, AuthStyle::Body] {
        let (body, _) = sent(style, Some(" SYSTEM  user/*.read ")).await;
        assert!(body.contains("scope=SYSTEM+user%2F*.read"), "{body}");
        for none in [None, Some(""), Some("  ")] {
            assert!(!sent(style, none).await.0.contains("scope"));
        }
    }
}

/// How a stage ends whose token address answers this, and how often that was asked.
async fn end(status: u16, code: &str) -> (Fatal, usize) {
    let body = serde_json::json!({"error": code, "error_description": "Canary"}).to_string();
    let server = Server::start_with_tokens(Script::default(), move |_| answer(status, "", &body));
    let result = client(&server, AuthStyle::Basic, None).sign_in().await;
    match result {
        Err(CallError::Fatal(fatal)) => (fatal, server.tokens()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_of_oauths_errors_has_its_own_end_and_advice() {
    use ExitCode::{Credentials, Usage};
    for (status, code, exit, says) in [
        (400, "invalid_scope", Usage, "--scope"),
        (403, "invalid_scope", Usage, "--scope"),
        (400, "unauthorized_client", Credentials, "ask in this way"),
        (403, "unauthorized_client", Credentials, "the secret"),
        (400, "unsupported_grant_type", Usage, "PKB_TOKEN_URL"),
        (400, "invalid_request", Usage, "--auth-style"),
        (400, "invalid_grant", Credentials, "invalid_grant"),
        (
            400,
            "invalid_client",
            Credentials,
            "the secret and --auth-style",
        ),
        (
            401,
            "invalid_client",
            Credentials,
            "the secret and --auth-style",
        ),
        // Some servers say so of a wrong secret.
        (
            401,
            "unauthorized_client",
            Credentials,
            "the secret and --auth-style",
        ),
        (
            401,
            "unauthorized",
            Credentials,
            "the secret and --auth-style",
        ),
        (
            400,
            "something_new",
            Credentials,
            "the secret and --auth-style",
        ),
        (
            403,
            "access_denied",
            Credentials,
            "the secret and --auth-style",
        ),
    ] {
        let (fatal, asked) = end(status, code).await;
        let text = fatal.to_string();
        assert_eq!(fatal.exit_code(), exit, "{status} {code}");
        assert!(text.contains(says) && !text.contains("Canary"), "{text}");
        assert!(text.contains("What to do: "), "{text}");
        assert_eq!(asked, 1, "{code}");
    }
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_from_a_spent_refresh_token() {
    use ExitCode::{Credentials, Usage};
    for (status, code, exit, says) in [
        (
            400,
            "invalid_grant",
            Credentials,
            "refused the refresh token",
        ),
        (
            401,
            "unauthorized",
            Credentials,
            "refused the refresh token",
        ),
        (
            401,
            "invalid_client",
            Credentials,
            "does not know this client",
        ),
        (
            400,
            "invalid_client",
            Credentials,
            "does not know this client",
        ),
        (
            400,
            "unsupported_grant_type",
            Usage,
            "takes no refresh tokens",
        ),
    ] {
        let body = serde_json::json!({ "error": code }).to_string();
        let server =
            Server::start_with_tokens(Script::default(), move |_| answer(status, "", &body));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sandbox-first").unwrap();
        let mut settings = super::settings(&server.url, &server.url);
        settings.credentials = super::Credentials::RefreshToken(file.path().to_owned());
        match Client::new(settings).unwrap().sign_in().await {
            Err(CallError::Fatal(fatal)) => {
                assert_eq!(fatal.exit_code(), exit, "{status} {code}");
                assert!(fatal.to_string().contains(says), "{fatal}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read(file.path()).unwrap(), b"sandbox-first");
    }
}

#[tokio::test]
async fn a_token_address_that_is_unavailable_for_now_is_asked_again() {
    for (status, code) in [
        (400, "temporarily_unavailable"),
        (400, "server_error"),
        (403, "temporarily_unavailable"),
        (503, "temporarily_unavailable"),
    ] {
        let (fatal, asked) = end(status, code).await;
        assert_eq!(fatal.exit_code(), ExitCode::TryLater, "{code}");
        assert_eq!(asked, 3, "as often as was set");
    }
    let count = AtomicUsize::new(0);
    let server = Server::start_with_tokens(Script::default(), move |_| {
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => answer(400, "", r#"{"error":"temporarily_unavailable"}"#),
            _ => access_token("a"),
        }
    });
    let client = client(&server, AuthStyle::Basic, None);
    client.sign_in().await.unwrap();
    assert_eq!(server.tokens(), 2);
}
