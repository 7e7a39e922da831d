//! One request to PKB, or to GOV.UK Notify, with everything that makes it reliable: token, rate, retries, and errors
//! that name no value.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{self, HeaderMap},
    redirect::Policy,
};
use secrecy::ExposeSecret as _;

use super::{
    CallError, Settings,
    notify::ApiKey,
    retry::{self, Backoff, Outage},
    token::{Token, TokenSource},
};
use crate::{
    Fatal,
    monitor::{Monitor, Why},
};

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

/// How a request shows who sends it.
enum Pass {
    /// By access tokens that are fetched (PKB).
    Tokens(Box<TokenSource>),
    /// By tokens that we sign ourselves (GOV.UK Notify).
    Key(ApiKey),
}

/// How often, how long and how fast.
pub(super) struct Pace {
    /// Longest wait for one answer, in seconds.
    pub(super) timeout_seconds: u64,
    /// Calls in all for one request.
    pub(super) attempts: u32,
    /// Seconds of nothing but failures after which the stage stops.
    pub(super) give_up_seconds: u64,
    /// Requests a second; 0 for no limit.
    pub(super) rate: u32,
    /// Where the jitter of pauses comes from.
    pub(super) random: fastrand::Rng,
    /// Where retries and waits are noted.
    pub(super) monitor: Arc<Monitor>,
}

/// An answer that is no success, for [`Explain`].
pub(super) struct Unsuccessful {
    pub(super) status: StatusCode,
    /// How far our clock is from the server's, if it tells the time.
    pub(super) clock_off_by: Option<Duration>,
    /// Empty if it broke off.
    pub(super) body: Vec<u8>,
}

/// What an answer that is no success means.
pub(super) enum Meaning {
    /// That is the end of the call.
    Give(CallError),
    /// All calls have to pause for so long; then this one is made again, for it was not carried out.
    Pause(Duration),
}

/// What a server means by an answer that is no success; `None` where the rules hold that are common to all.
pub(super) type Explain = Box<dyn Fn(&Unsuccessful) -> Option<Meaning> + Send + Sync>;

/// Sends requests.
pub(super) struct Transport {
    http: reqwest::Client,
    /// Whom we call, in messages.
    server: &'static str,
    pass: Pass,
    explain: Option<Explain>,
    rate: Option<DefaultDirectRateLimiter>,
    backoff: Backoff,
    outage: Outage,
    attempts: u32,
    monitor: Arc<Monitor>,
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
    /// To PKB.
    pub(super) fn new(settings: &Settings, token_url: Url, loopback: bool) -> Result<Self, Fatal> {
        let pace = Pace {
            timeout_seconds: settings.timeout_seconds,
            attempts: settings.attempts,
            give_up_seconds: settings.give_up_seconds,
            rate: settings.rate,
            random: settings.random.clone(),
            monitor: Arc::clone(&settings.monitor),
        };
        let http = http_client(pace.timeout_seconds, loopback)?;
        let tokens = Box::new(TokenSource::new(settings, token_url.into(), http.clone())?);
        Ok(Self::with("PKB", http, Pass::Tokens(tokens), None, pace))
    }

    /// To GOV.UK Notify.
    pub(super) fn to_notify(
        key: ApiKey,
        explain: Explain,
        pace: Pace,
        loopback: bool,
    ) -> Result<Self, Fatal> {
        let http = http_client(pace.timeout_seconds, loopback)?;
        let (pass, explain) = (Pass::Key(key), Some(explain));
        Ok(Self::with("GOV.UK Notify", http, pass, explain, pace))
    }

    fn with(
        server: &'static str,
        http: reqwest::Client,
        pass: Pass,
        explain: Option<Explain>,
        pace: Pace,
    ) -> Self {
        Self {
            http,
            server,
            pass,
            explain,
            rate: NonZeroU32::new(pace.rate)
                .map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            backoff: Backoff::new(pace.random),
            outage: Outage::new(
                server,
                Duration::from_secs(pace.give_up_seconds),
                Arc::clone(&pace.monitor),
            ),
            attempts: pace.attempts,
            monitor: pace.monitor,
            not_before: Mutex::new(None),
        }
    }

    /// Where waits are noted.
    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Fetches an access token, where calls carry one.
    pub(super) async fn sign_in(&self) -> Result<(), CallError> {
        if let Pass::Tokens(tokens) = &self.pass {
            tokens
                .token(None, &self.backoff, &self.outage, &self.monitor)
                .await?;
        }
        Ok(())
    }

    /// What a request carries to show who sends it; and the access token, where it is one.
    async fn show_pass(
        &self,
        request: RequestBuilder,
        refused: Option<&Token>,
    ) -> Result<(RequestBuilder, Option<Token>), CallError> {
        match &self.pass {
            Pass::Key(key) => {
                let signed = key.sign(SystemTime::now());
                Ok((request.bearer_auth(signed.expose_secret()), None))
            }
            Pass::Tokens(tokens) => {
                let token = tokens
                    .token(refused, &self.backoff, &self.outage, &self.monitor)
                    .await?;
                let request = request.header(header::AUTHORIZATION, token.bearer.clone());
                Ok((request, Some(token)))
            }
        }
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
            let request = build(self.http.request(method.clone(), url.clone()));
            let (request, token) = self.show_pass(request, refused_token.as_ref()).await?;
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
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED => match token {
                    Some(token) if !token.is_fresh() && attempt < self.attempts => {
                        refused_token = Some(token);
                        Again::Now
                    }
                    Some(token) if !token.is_fresh() => Again::Give(CallError::Unavailable {
                        cause: "the access token ended on the way".into(),
                        attempts: attempt,
                    }),
                    _ => self
                        .explained(response)
                        .await
                        .unwrap_or(Again::Give(CallError::NoAccess)),
                },
                Ok(response) => self.again_after(response, repeat).await,
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
                    self.outage.failed(&cause).map_err(CallError::Fatal)?;
                    if attempt >= self.attempts {
                        return Err(CallError::Unavailable {
                            cause,
                            attempts: attempt,
                        });
                    }
                    let asked = pause.is_some();
                    let pause = pause.unwrap_or_else(|| self.backoff.pause(attempt));
                    tracing::debug!(
                        "attempt {attempt}: {cause}; again in {} ms",
                        pause.as_millis()
                    );
                    let why = if asked {
                        Why::AskedBy(self.server)
                    } else {
                        Why::Retry(cause)
                    };
                    let waiting = self.monitor.wait(why, Some(Instant::now() + pause));
                    tokio::time::sleep(pause).await;
                    drop(waiting);
                    self.monitor.retried();
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
                    let _waiting = self.monitor.wait(Why::AskedBy(self.server), Some(until));
                    tokio::time::sleep_until(until.into()).await;
                }
                _ => return,
            }
        }
    }

    /// What the server means by an answer, if that is something of its own.
    async fn explained(&self, response: Response) -> Option<Again> {
        let explain = self.explain.as_ref()?;
        let meaning = explain(&Unsuccessful {
            status: response.status(),
            clock_off_by: clock_off_by(response.headers(), SystemTime::now()),
            body: read_body(response).await.unwrap_or_default(),
        })?;
        Some(match meaning {
            Meaning::Give(error) => Again::Give(error),
            Meaning::Pause(pause) => {
                self.pause_all(pause);
                Again::After {
                    cause: format!("{} asks for a pause", self.server),
                    pause: Some(pause),
                }
            }
        })
    }

    /// Lets no call begin for so long.
    fn pause_all(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut not_before = self
            .not_before
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |before| before.max(until)));
    }

    async fn again_after(&self, response: Response, repeat: Repeat) -> Again {
        let status = response.status();
        let asked = retry::retry_after(response.headers(), SystemTime::now());
        if let Some(again) = self.explained(response).await {
            return again;
        }
        if retry::is_busy(status) {
            if repeat == Repeat::Never && !retry::was_not_carried_out(status) {
                return Again::Give(CallError::Unanswered);
            }
            if let Some(pause) = asked {
                self.pause_all(pause);
            }
            return Again::After {
                cause: format!("{} answered {}", self.server, status.as_u16()),
                pause: asked,
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

pub(super) fn http_client(timeout_seconds: u64, loopback: bool) -> Result<reqwest::Client, Fatal> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("pkb/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(Duration::from_secs(timeout_seconds))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    if loopback {
        // A machine behind a proxy cannot reach itself through it.
        builder = builder.no_proxy();
    }
    // reqwest's own text may name the certificate file, nothing secret; the cause is enough.
    builder.build().map_err(|_| {
        Fatal::Usage("cannot set up TLS: are certificates installed (ca-certificates)?".into())
    })
}

/// How far our clock is from the server's.
fn clock_off_by(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(text).ok()?;
    now.duration_since(theirs)
        .or_else(|_| theirs.duration_since(now))
        .ok()
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
        (BodyError::TooLong, _) => Again::Give(CallError::NotUnderstood("the answer is too long")),
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
