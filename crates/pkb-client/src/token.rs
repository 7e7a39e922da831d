//! Access tokens by OAuth 2.0: client credentials (RFC 6749, 4.4), or the refresh token of one of
//! PKB's tethered-token clients. PKB's tokens live for about 600 s, so a long run fetches many:
//! early, and by one call for all that wait.

mod failure;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicTokenResponse},
};
use reqwest::{
    StatusCode,
    header::{self, HeaderValue},
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use crate::{
    address::not_a_sandbox_secret,
    error::CallError,
    http::{self, BodyError, Http, Longest, ONE_REQUEST, note_origin},
    refresh_token::RefreshTokenFile,
    refusal::Refusal,
    retry::{self, Backoff, Outage},
    settings::{AuthStyle, Credentials, Settings},
};
use failure::Failure;
use pkb_core::{
    Fatal,
    monitor::{Monitor, Why},
    rehearsal,
};

/// How long a token is used when the answer does not say how long it lives.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

/// The scope of PKB's tethered tokens, where no other is set.
const TETHERED_SCOPE: &str = "SITE";

type OauthClient =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Where tokens come from.
pub(super) struct TokenSource {
    oauth: OauthClient,
    grant: Grant,
    /// What is asked for, if that is said.
    scopes: Vec<Scope>,
    http: Exchange,
    attempts: u32,
    /// PKB has refused a young token, and then taken a new one.
    end_early: AtomicBool,
    /// Held while a token is fetched, so that everybody else waits for that one.
    current: Mutex<Current>,
}

/// What came of the last try to get a token.
#[derive(Default)]
struct Current {
    token: Option<Token>,
    /// Why there will be none: the stage stops, and those that waited need not ask again. Many
    /// refused sign-ins at once can lock a client out.
    given_up: Option<Failure>,
}

/// By what a token is asked for.
enum Grant {
    ClientCredentials,
    /// PKB's tethered tokens: each refresh token is good once and brings the next.
    Tethered(RefreshTokenFile),
}

impl Grant {
    fn is_tethered(&self) -> bool {
        matches!(self, Self::Tethered(_))
    }
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    /// As each request carries it; marked as sensitive, so that it shows itself nowhere.
    pub(super) bearer: HeaderValue,
    fetched: Instant,
    life: Duration,
}

impl Token {
    /// A token that was asked for at `asked`; `None` if it has characters that no header may have.
    pub(super) fn new(text: &str, asked: Instant, life: Duration) -> Option<Self> {
        Some(Self {
            bearer: bearer(text)?,
            fetched: asked,
            life,
        })
    }

    /// Whether both came with the same answer.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.fetched == other.fetched
    }

    /// Whether it is time for the next one: early, so that a call that starts now does not arrive
    /// with a token that has ended.
    pub(super) fn is_due(&self) -> bool {
        self.fetched.elapsed() >= self.life.mul_f64(0.8)
    }
}

/// Why there is no token.
enum TokenError {
    Failure(Failure),
    Fatal(Fatal),
}

impl TokenSource {
    pub(super) fn new(settings: &Settings, token_url: String, http: Http) -> Result<Self, Fatal> {
        let is_clear = token_url.starts_with("http:");
        let url = TokenUrl::new(token_url)
            .map_err(|_| Fatal::Usage("PKB_TOKEN_URL is not a URL".into()))?;
        let oauth = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_auth_type(match settings.auth_style {
                AuthStyle::Basic | AuthStyle::BasicRaw => AuthType::BasicAuth,
                AuthStyle::Body => AuthType::RequestBody,
            })
            .set_token_uri(url);
        let (oauth, grant) = match &settings.credentials {
            Credentials::Secret(secret) => {
                let secret = ClientSecret::new(secret.expose_secret().to_owned());
                (oauth.set_client_secret(secret), Grant::ClientCredentials)
            }
            Credentials::RefreshToken(path) => {
                (oauth, Grant::Tethered(RefreshTokenFile::new(path)))
            }
        };
        let basic_raw = match (&settings.credentials, settings.auth_style) {
            (Credentials::Secret(secret), AuthStyle::BasicRaw) => {
                Some(basic_raw(&settings.client_id, secret.expose_secret())?)
            }
            _ => None,
        };
        let scope = settings.scope.clone();
        let http = Exchange {
            http,
            basic_raw,
            is_clear,
            monitor: Arc::clone(&settings.monitor),
        };
        Ok(Self {
            oauth,
            grant,
            scopes: scopes(scope.as_deref()),
            http,
            attempts: settings.attempts,
            end_early: AtomicBool::new(false),
            current: Mutex::default(),
        })
    }

    /// Whether tokens have been seen to end before their time: then something else signs in as the same client.
    pub(super) fn end_early(&self) -> bool {
        self.end_early.load(Ordering::Relaxed)
    }

    /// A young token was refused, and a new one was taken.
    pub(super) fn note_early_end(&self) {
        if !self.end_early.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "an access token of PKB expired early. PKB seems to keep one token for each client, and a second program \
                 signs in as PKB_CLIENT_ID. Nothing is lost, but the run takes longer. To be faster, run one stage at a \
                 time"
            );
        }
    }

    /// A token that is good for now. `refused` is one that PKB did not accept: it is not handed
    /// out again, but one that another call has fetched in the meantime is. Waits are noted in `monitor`.
    pub(super) async fn token(
        &self,
        refused: Option<&Token>,
        backoff: &Backoff,
        outage: &Outage,
        monitor: &Monitor,
    ) -> Result<Token, CallError> {
        let mut current = self.current.lock().await;
        if let Some(failure) = &current.given_up {
            return Err(CallError::Fatal(
                failure.clone().into_fatal(self.grant.is_tethered()),
            ));
        }
        if let Some(token) = &current.token {
            let is_refused = refused.is_some_and(|refused| refused.is_same(token));
            if !is_refused && !token.is_due() {
                return Ok(token.clone());
            }
        }
        let _waiting = monitor.wait(Why::AccessToken, None);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match self.fetch().await {
                Ok(token) => {
                    current.token = Some(token.clone());
                    return Ok(token);
                }
                Err(TokenError::Fatal(fatal)) => return Err(CallError::Fatal(fatal)),
                Err(TokenError::Failure(failure)) => failure,
            };
            if let Failure::Unavailable { cause, pause } = failure {
                outage.failed(cause).map_err(CallError::Fatal)?;
                if attempt < self.attempts {
                    tokio::time::sleep(pause.unwrap_or_else(|| backoff.pause(attempt))).await;
                    monitor.retried();
                    continue;
                }
            }
            current.given_up = Some(failure.clone());
            return Err(CallError::Fatal(
                failure.into_fatal(self.grant.is_tethered()),
            ));
        }
    }

    async fn fetch(&self) -> Result<Token, TokenError> {
        let asked = Instant::now();
        let answer = match &self.grant {
            Grant::ClientCredentials => {
                let request = self.oauth.exchange_client_credentials();
                let request = request.add_scopes(self.scopes.iter().cloned());
                understood(request.request_async(&self.http).await)?
            }
            Grant::Tethered(file) => {
                // Other stages of the pipeline use the same file: one at a time.
                let held = file.hold().await.map_err(TokenError::Fatal)?;
                let token = held.read().map_err(TokenError::Fatal)?;
                if self.http.is_clear && !rehearsal::is_sandbox_secret(&token) {
                    let words = not_a_sandbox_secret("the refresh token", "PKB_TOKEN_URL");
                    return Err(TokenError::Fatal(Fatal::Usage(words)));
                }
                let token = RefreshToken::new(token);
                let request = self.oauth.exchange_refresh_token(&token);
                let request = match self.scopes.is_empty() {
                    true => request.add_scope(Scope::new(TETHERED_SCOPE.into())),
                    false => request.add_scopes(self.scopes.iter().cloned()),
                };
                let answer = understood(request.request_async(&self.http).await)?;
                if let Some(next) = answer.refresh_token() {
                    held.store(next.secret()).map_err(TokenError::Fatal)?;
                }
                answer
            }
        };
        let life = answer.expires_in().unwrap_or(DEFAULT_LIFE);
        tracing::debug!("new access token for {} s", life.as_secs());
        Token::new(answer.access_token().secret(), asked, life)
            .ok_or(TokenError::Failure(Failure::NotUnderstood))
    }
}

/// The value of the header `Authorization`; `None` if the token has characters that no header may have.
fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The errors' own texts may hold the answer's body, so only their kinds are looked at.
fn understood(
    answer: Result<BasicTokenResponse, RequestTokenError<Failure, BasicErrorResponse>>,
) -> Result<BasicTokenResponse, TokenError> {
    answer.map_err(|error| {
        TokenError::Failure(match error {
            RequestTokenError::ServerResponse(answer) => Failure::of_code(answer.error()),
            RequestTokenError::Request(failure) => failure,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Failure::NotUnderstood,
        })
    })
}

/// The scopes of a setting that has spaces between them.
fn scopes(setting: Option<&str>) -> Vec<Scope> {
    let words = setting.unwrap_or_default().split_whitespace();
    words.map(|scope| Scope::new(scope.to_owned())).collect()
}

/// The header `Authorization` with name and secret as they are (RFC 7617).
fn basic_raw(client_id: &str, secret: &str) -> Result<HeaderValue, Fatal> {
    let shown = STANDARD.encode(format!("{client_id}:{secret}"));
    let mut value = HeaderValue::from_str(&format!("Basic {shown}"))
        .map_err(|_| Fatal::Bug("Base64 does not go into a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Lets oauth2 use our HTTP client.
struct Exchange {
    http: Http,
    /// What is sent in place of oauth2's own header `Authorization`.
    basic_raw: Option<HeaderValue>,
    /// Whether the token address is reached unencrypted.
    is_clear: bool,
    /// Hears whether it is a sandbox.
    monitor: Arc<Monitor>,
}

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let malformed = |_| Failure::unavailable("malformed request");
            let mut request = reqwest::Request::try_from(request).map_err(malformed)?;
            request
                .headers_mut()
                .insert(header::CONNECTION, ONE_REQUEST);
            if let Some(value) = &self.basic_raw {
                request
                    .headers_mut()
                    .insert(header::AUTHORIZATION, value.clone());
            }
            let broken = |error| match self.http.fault(&error) {
                Some(fault) => Failure::Network(fault),
                None => Failure::unavailable(http::plain_cause(&error)),
            };
            let url = request.url().clone();
            let response = self.http.execute(request).await.map_err(broken)?;
            let status = response.status();
            note_origin(
                self.monitor.origins(),
                "PKB",
                (&url, status, response.headers()),
            )
            .map_err(|mixed| Failure::Mixed(mixed.to_string()))?;
            let pause = retry::retry_after(response.headers(), SystemTime::now());
            let body = http::read_body(response, Longest::Token).await;
            let read = body.as_ref().map_or(&[][..], Vec::as_slice);
            if let Refusal::Client(what) = Refusal::of_code(read) {
                return Err(Failure::RefusedClient(what));
            }
            match status {
                status if retry::is_busy(status) || status.is_server_error() => {
                    return Err(Failure::Unavailable {
                        cause: "the server at the token address is busy or failing",
                        pause,
                    });
                }
                StatusCode::UNAUTHORIZED => return Err(Failure::of_401(read)),
                // The server's word on the credentials, if it is one that OAuth knows.
                StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {}
                // Another server's word on another matter: a wrong address, or a proxy.
                status if status.is_client_error() => return Err(Failure::NotUnderstood),
                _ => {}
            }
            let body = body.map_err(|error| match error {
                BodyError::BrokeOff => Failure::unavailable("the answer was cut off"),
                BodyError::TooLong => Failure::NotUnderstood,
            })?;
            if status == StatusCode::BAD_REQUEST
                && let Some(fault) = self.http.fault_in_answer(&url, &body)
            {
                return Err(Failure::Network(fault));
            }
            // Without its content type, as the other calls: the body tells what it is.
            oauth2::http::Response::builder()
                .status(status)
                .body(with_number(body))
                .map_err(|_| Failure::unavailable("malformed answer"))
        })
    }
}

/// Some servers write `"expires_in":"600"`, which RFC 6749 does not know: the number is taken from
/// the text, and what is no number is left out.
fn with_number(body: Vec<u8>) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return body;
    };
    let Some(text) = answer["expires_in"].as_str() else {
        return body;
    };
    answer["expires_in"] = text
        .trim()
        .parse::<u64>()
        .map_or(serde_json::Value::Null, Into::into);
    serde_json::to_vec(&answer).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_into_a_header_and_shows_itself_nowhere() {
        let value = bearer("Canary").unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer Canary");
        assert!(!format!("{value:?}").contains("Canary"));
        assert!(bearer("Canary\n").is_none());
    }

    #[test]
    fn a_textual_life_is_read_as_a_number_and_nonsense_as_none() {
        let life = |body: &str| {
            let answer: BasicTokenResponse =
                serde_json::from_slice(&with_number(body.into())).unwrap();
            answer.expires_in().map(|life| life.as_secs())
        };
        let body = |life: &str| format!(r#"{{"access_token":"a","token_type":"bearer"{life}}}"#);
        assert_eq!(life(&body(r#","expires_in":600"#)), Some(600));
        assert_eq!(life(&body(r#","expires_in":"600""#)), Some(600));
        assert_eq!(life(&body(r#","expires_in":"soon""#)), None);
        assert_eq!(life(&body("")), None);
    }
}
