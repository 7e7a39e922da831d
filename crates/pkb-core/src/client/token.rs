//! Access tokens by OAuth 2.0 client credentials (RFC 6749, 4.4). PKB's tokens live for about
//! 600 s, so a long run fetches many: early, and by one call for all that wait.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RequestTokenError, TokenResponse as _, TokenUrl, basic::BasicClient,
};
use reqwest::{StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::{AuthStyle, CallError, Settings, transport};
use crate::Fatal;

/// How long a token is used when the answer does not say how long it lives.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);
/// A token younger than this that PKB refuses is not the problem: the patient is.
pub(super) const FRESH: Duration = Duration::from_secs(20);

type OauthClient =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Where tokens come from.
pub(super) struct TokenSource {
    oauth: OauthClient,
    http: Exchange,
    /// Held while a token is fetched, so that everybody else waits for that one.
    current: Mutex<Option<Token>>,
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) fetched: Instant,
    refresh: Instant,
}

/// Why there is no token.
enum TokenError {
    Refused,
    Unavailable(&'static str),
    NotUnderstood,
}

impl TokenSource {
    pub(super) fn new(
        settings: &Settings,
        token_url: String,
        http: reqwest::Client,
    ) -> Result<Self, Fatal> {
        let url = TokenUrl::new(token_url)
            .map_err(|_| Fatal::Usage("PKB_TOKEN_URL is not a URL".into()))?;
        let oauth = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(
                settings.client_secret.expose_secret().to_owned(),
            ))
            .set_auth_type(match settings.auth_style {
                AuthStyle::Basic => AuthType::BasicAuth,
                AuthStyle::Body => AuthType::RequestBody,
            })
            .set_token_uri(url);
        Ok(Self {
            oauth,
            http: Exchange(http),
            current: Mutex::new(None),
        })
    }

    /// A token that is good for now. `refused` is one that PKB did not accept: it is not handed
    /// out again, but one that another call has fetched in the meantime is.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, CallError> {
        let mut current = self.current.lock().await;
        if let Some(token) = &*current {
            let is_refused = refused.is_some_and(|refused| refused.fetched == token.fetched);
            if !is_refused && Instant::now() < token.refresh {
                return Ok(token.clone());
            }
        }
        let token = self.fetch().await.map_err(|error| {
            CallError::Fatal(match error {
                TokenError::Refused => Fatal::Credentials(
                    "PKB refused the client's credentials: check PKB_CLIENT_ID, the secret and --auth-style".into(),
                ),
                TokenError::Unavailable(cause) => {
                    Fatal::TryLater(format!("no access token to be had: {cause}; try again later"))
                }
                TokenError::NotUnderstood => Fatal::NotUnderstood(
                    "the token address answered something that is not an access token: check PKB_TOKEN_URL and proxies".into(),
                ),
            })
        })?;
        *current = Some(token.clone());
        Ok(token)
    }

    async fn fetch(&self) -> Result<Token, TokenError> {
        let asked = Instant::now();
        let request = self.oauth.exchange_client_credentials();
        let answer = request.request_async(&self.http).await;
        // The errors' own texts may hold the answer's body, so only their kinds are looked at.
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(_) => TokenError::Refused,
            RequestTokenError::Request(error) => TokenError::Unavailable(error.0),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => TokenError::NotUnderstood,
        })?;
        let life = answer.expires_in().unwrap_or(DEFAULT_LIFE);
        tracing::debug!("new access token for {} s", life.as_secs());
        Ok(Token {
            secret: SecretString::from(answer.access_token().secret().as_str()),
            fetched: asked,
            // Early, so that a call that starts now does not arrive with a token that has ended.
            refresh: asked + life.mul_f64(0.8),
        })
    }
}

/// Why the token request brought no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ExchangeError(&'static str);

/// Lets oauth2 use our HTTP client.
struct Exchange(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = ExchangeError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ExchangeError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let malformed = |_| ExchangeError("malformed request");
            let request = reqwest::Request::try_from(request).map_err(malformed)?;
            let broken = |error| ExchangeError(transport::plain_cause(&error));
            let response = self.0.execute(request).await.map_err(broken)?;
            let status = response.status();
            // 400 and 401 are the server's word on the credentials; these are not.
            if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
                return Err(ExchangeError("the token address is busy or failing"));
            }
            let mut plain = oauth2::http::Response::builder().status(status);
            if let Some(content_type) = response.headers().get(header::CONTENT_TYPE) {
                plain = plain.header(header::CONTENT_TYPE, content_type);
            }
            let broke_off = |_| ExchangeError("the answer broke off");
            let body = transport::read_body(response).await.map_err(broke_off)?;
            plain
                .body(body)
                .map_err(|_| ExchangeError("malformed answer"))
        })
    }
}
