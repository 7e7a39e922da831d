//! Access tokens of NHS England's OAuth 2.0 for applications: a signed token of ours is changed for one of theirs. There is no
//! refresh token: a new one is signed early.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Method, StatusCode, Url, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::signer::Signer;
use crate::{
    error::CallError,
    http::{self, Http, Longest, note_origin},
    retry::{self, Backoff, Outage},
    token::Token,
};
use pkb_core::{
    Fatal,
    monitor::{Monitor, Why},
};

/// How long a token is used when the answer does not say how long it lives.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where access tokens come from.
pub(crate) struct SignedTokens {
    signer: Signer,
    url: Url,
    attempts: u32,
    monitor: Arc<Monitor>,
    /// Held while a token is fetched, so that everybody else waits for that one.
    current: Mutex<Option<Token>>,
}

/// Why there is no token.
enum Failure {
    /// Waiting may help; and how long the server asks to wait.
    Busy(&'static str, Option<Duration>),
    Fatal(Fatal),
}

impl SignedTokens {
    pub(super) fn new(signer: Signer, url: Url, attempts: u32, monitor: Arc<Monitor>) -> Self {
        Self {
            signer,
            url,
            attempts,
            monitor,
            current: Mutex::default(),
        }
    }

    /// A token that is good for now. `refused` is one that NHS Notify did not accept.
    pub(crate) async fn token(
        &self,
        http: &Http,
        refused: Option<&Token>,
        backoff: &Backoff,
        outage: &Outage,
    ) -> Result<Token, CallError> {
        let mut current = self.current.lock().await;
        if let Some(token) = &*current {
            let is_refused = refused.is_some_and(|refused| refused.is_same(token));
            if !is_refused && !token.is_due() {
                return Ok(token.clone());
            }
        }
        let _waiting = self.monitor.wait(Why::AccessToken, None);
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.fetch(http).await {
                Ok(token) => {
                    *current = Some(token.clone());
                    return Ok(token);
                }
                Err(Failure::Fatal(fatal)) => return Err(CallError::Fatal(fatal)),
                Err(Failure::Busy(cause, pause)) => {
                    outage.failed(cause).map_err(CallError::Fatal)?;
                    if attempt >= self.attempts {
                        return Err(CallError::Fatal(Fatal::TryLater(format!(
                            "no access token for NHS Notify: {cause}. What to do: run the same command again later"
                        ))));
                    }
                    tokio::time::sleep(pause.unwrap_or_else(|| backoff.pause(attempt))).await;
                    self.monitor.retried();
                }
            }
        }
    }

    async fn fetch(&self, http: &Http) -> Result<Token, Failure> {
        let asked = Instant::now();
        let assertion = self
            .signer
            .sign(SystemTime::now())
            .map_err(Failure::Fatal)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.expose_secret()),
        ];
        let request = http
            .request(Method::POST, self.url.clone())
            .header(header::ACCEPT, "application/json")
            .form(&form);
        let response = request
            .send()
            .await
            .map_err(|error| match http.fault(&error) {
                Some(fault) => Failure::Fatal(fault.into_fatal()),
                None => Failure::Busy(http::plain_cause(&error), None),
            })?;
        let status = response.status();
        let of = (&self.url, status, response.headers());
        note_origin(self.monitor.origins(), "NHS Notify", of).map_err(Failure::Fatal)?;
        let pause = retry::retry_after(response.headers(), SystemTime::now());
        let body = http::read_body(response, Longest::Token).await;
        if retry::is_busy(status) {
            let cause = "the server at the token address is busy or failing";
            return Err(Failure::Busy(cause, pause));
        }
        let body = match body {
            Ok(body) => body,
            Err(http::BodyError::BrokeOff) => {
                return Err(Failure::Busy("the answer was cut off", None));
            }
            Err(http::BodyError::TooLong) => Vec::new(),
        };
        if !status.is_success() {
            return Err(Failure::Fatal(refused(status, &body)));
        }
        read(&body, asked).ok_or_else(|| Failure::Fatal(not_understood()))
    }
}

/// The token in an answer. Some servers write `"expires_in":"599"`.
pub(super) fn read(body: &[u8], asked: Instant) -> Option<Token> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        expires_in: Option<serde_json::Value>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let seconds = answer.expires_in.and_then(|life| match life.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => life.as_u64(),
    });
    let life = seconds.map_or(DEFAULT_LIFE, Duration::from_secs);
    tracing::debug!("new access token for {} s", life.as_secs());
    Token::new(&answer.access_token, asked, life)
}

/// What a refusal says (RFC 6749, 5.2). The description may repeat what was sent, and is not shown.
fn refused(status: StatusCode, body: &[u8]) -> Fatal {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let is_about_us = matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    if !is_about_us || body["error"].as_str().is_none() {
        return not_understood();
    }
    Fatal::Credentials(
        "the token address refused the signed request. What to do: check that NHS_NOTIFY_API_KEY_FILE has the application's API \
         key, that NHS_NOTIFY_KEY_ID is the id (kid) under which its public key is registered, that the private key is its other \
         half, and that this machine's clock is right"
            .into(),
    )
}

fn not_understood() -> Fatal {
    Fatal::NotUnderstood(
        "the token address of NHS Notify answered something that is not an access token. What to do: check NHS_NOTIFY_TOKEN_URL and \
         proxies"
            .into(),
    )
}
