//! One request to PKB with everything that makes it reliable: token, rate, retries, and errors
//! that name no value.

use std::{
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect::Policy};
use secrecy::ExposeSecret as _;

use super::{
    CallError, Settings,
    retry::{self, Backoff, Outage},
    token::TokenSource,
};
use crate::Fatal;

/// Longest answer that is read. A user has a few kilobytes, the report on an upload of 50,000 rows
/// a few megabytes.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections are closed before common servers do, so that a request does not meet a
/// connection that is just being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// What may happen to a request that was sent and not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Asking twice is the same as asking once.
    Safe,
    /// It may have been carried out: do not send it again.
    Never,
}

/// Sends requests.
pub(super) struct Transport {
    http: reqwest::Client,
    tokens: TokenSource,
    rate: Option<DefaultDirectRateLimiter>,
    backoff: Backoff,
    outage: Outage,
    attempts: u32,
    /// No request is sent before this moment: PKB asked for a pause, which concerns all calls.
    not_before: Mutex<Option<Instant>>,
}

/// What to do after an attempt that brought nothing.
enum Again {
    Now,
    After {
        cause: String,
        pause: Option<Duration>,
    },
    Give(CallError),
}

impl Transport {
    pub(super) fn new(settings: &Settings, token_url: Url, loopback: bool) -> Result<Self, Fatal> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pkb/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .pool_idle_timeout(POOL_IDLE_TIMEOUT);
        if loopback {
            // A machine behind a proxy cannot reach itself through it.
            builder = builder.no_proxy();
        }
        // reqwest's own text may name the certificate file, nothing secret; the cause is enough.
        let http = builder.build().map_err(|_| {
            Fatal::Usage("cannot set up TLS: are certificates installed (ca-certificates)?".into())
        })?;
        Ok(Self {
            tokens: TokenSource::new(settings, token_url.into(), http.clone())?,
            http,
            rate: NonZeroU32::new(settings.rate)
                .map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            backoff: Backoff::new(settings.random.clone()),
            outage: Outage::new(Duration::from_secs(settings.give_up_seconds)),
            attempts: settings.attempts,
            not_before: Mutex::new(None),
        })
    }

    /// Sends a request until it is answered for good. `build` makes the request anew for each
    /// attempt. Returns the body of a 2xx answer.
    pub(super) async fn call(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, CallError> {
        self.call_until_whole(method, url, repeat, |_| true, build)
            .await
    }

    /// The same for answers that can be told to have been cut off on the way by what is in them, where a proxy passed on the
    /// half that it got as if it were all.
    pub(super) async fn call_until_whole(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat,
        is_whole: impl Fn(&[u8]) -> bool,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, CallError> {
        let mut attempt = 0;
        let mut refused_token = None;
        loop {
            attempt += 1;
            self.wait_for_turn().await;
            let token = self
                .tokens
                .token(refused_token.as_ref(), &self.backoff, &self.outage)
                .await?;
            let request = build(self.http.request(method.clone(), url.clone()))
                .bearer_auth(token.secret.expose_secret());
            let again = match request.send().await {
                Ok(response) if response.status().is_success() => match read_body(response).await {
                    Ok(body) if !is_whole(&body) => {
                        again_after_broken_answer(BodyError::BrokeOff, repeat)
                    }
                    Ok(body) => {
                        self.outage.answered();
                        return Ok(body);
                    }
                    Err(error) => again_after_broken_answer(error, repeat),
                },
                // A 401 with a token that cannot have ended yet is PKB's word on this patient. With
                // any other it says nothing of the patient, however often it comes.
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
                    if token.is_fresh() {
                        Again::Give(CallError::NoAccess)
                    } else if attempt < self.attempts {
                        refused_token = Some(token);
                        Again::Now
                    } else {
                        Again::Give(CallError::Unavailable {
                            cause: "the access token ended on the way".into(),
                            attempts: attempt,
                        })
                    }
                }
                Ok(response) => self.again_after(&response, repeat),
                Err(error) => again_after_error(&error, repeat),
            };
            match again {
                Again::Give(error) => {
                    if !matches!(error, CallError::Unanswered) {
                        self.outage.answered();
                    }
                    return Err(error);
                }
                Again::Now => {}
                Again::After { cause, pause } => {
                    self.outage.failed().map_err(CallError::Fatal)?;
                    if attempt >= self.attempts {
                        return Err(CallError::Unavailable {
                            cause,
                            attempts: attempt,
                        });
                    }
                    let pause = pause.unwrap_or_else(|| self.backoff.pause(attempt));
                    tracing::debug!(
                        "attempt {attempt}: {cause}; again in {} ms",
                        pause.as_millis()
                    );
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Waits for the rate limit and for a pause that PKB asked for.
    async fn wait_for_turn(&self) {
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
        }
        loop {
            let until = *self
                .not_before
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => {
                    tokio::time::sleep_until(until.into()).await
                }
                _ => return,
            }
        }
    }

    fn again_after(&self, response: &Response, repeat: Repeat) -> Again {
        let status = response.status();
        if retry::is_busy(status) {
            if repeat == Repeat::Never && !retry::was_not_carried_out(status) {
                return Again::Give(CallError::Unanswered);
            }
            let pause = retry::retry_after(response.headers(), SystemTime::now());
            if let Some(pause) = pause {
                let until = Instant::now() + pause;
                let mut not_before = self
                    .not_before
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *not_before = Some(not_before.map_or(until, |before| before.max(until)));
            }
            return Again::After {
                cause: format!("PKB answered {}", status.as_u16()),
                pause,
            };
        }
        Again::Give(match status {
            StatusCode::NOT_FOUND => CallError::NotFound,
            StatusCode::FORBIDDEN => CallError::NoAccess,
            status if status.is_redirection() => CallError::NotUnderstood(
                "PKB answered with a redirect: check the base URL and proxies",
            ),
            status => CallError::Refused {
                status: status.as_u16(),
            },
        })
    }
}

/// Why a body was not read.
pub(super) enum BodyError {
    BrokeOff,
    TooLong,
}

/// Reads a body up to [`MAX_BODY_BYTES`].
pub(super) async fn read_body(mut response: Response) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| BodyError::BrokeOff)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn again_after_broken_answer(error: BodyError, repeat: Repeat) -> Again {
    match (error, repeat) {
        (BodyError::TooLong, _) => {
            Again::Give(CallError::NotUnderstood("PKB's answer is too long"))
        }
        (BodyError::BrokeOff, Repeat::Never) => Again::Give(CallError::Unanswered),
        (BodyError::BrokeOff, Repeat::Safe) => Again::After {
            cause: "the answer broke off".into(),
            pause: None,
        },
    }
}

fn again_after_error(error: &reqwest::Error, repeat: Repeat) -> Again {
    // A connection that was never made carried no request. Everything else may have: reqwest's
    // `is_request` does not mean "was not sent".
    if !error.is_connect() && repeat == Repeat::Never {
        return Again::Give(CallError::Unanswered);
    }
    Again::After {
        cause: plain_cause(error).into(),
        pause: None,
    }
}

/// What happened, without the URL that reqwest's own texts hold.
pub(super) fn plain_cause(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
