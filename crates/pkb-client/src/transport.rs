//! One request to PKB, or to GOV.UK Notify, with everything that makes it reliable: token, rate, retries, and errors
//! that name no value.

mod again;
pub(super) mod explain;
mod pause;
mod refused;
mod repeat;

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use secrecy::ExposeSecret as _;

use crate::{
    clock_check::{ClockCheck, clock_off_by},
    error::CallError,
    http::{BodyError, Http, Longest, ONE_REQUEST, note_origin, read_body},
    network::Network,
    notify::api_key::ApiKey,
    retry::{self, Backoff, Outage},
    settings::Settings,
    token::{Token, TokenSource},
};
use again::RetryDecision;
use explain::{AnswerMeaning, Explain, Unsuccessful};
use pause::SharedPause;
use pkb_core::{
    Fatal,
    monitor::{Monitor, Why},
};
use refused::RefusedTokens;
pub(super) use repeat::Repeat;

/// How a request shows who sends it.
enum Pass {
    /// By access tokens that are fetched (PKB). Its clock is compared with ours.
    Tokens(Box<TokenSource>, ClockCheck),
    /// By tokens that we sign ourselves (GOV.UK Notify).
    Key(ApiKey),
}

/// How often, how long and how fast.
pub(super) struct RetryLimits {
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

/// Sends requests.
pub(super) struct Transport {
    http: Http,
    /// Whom we call, in messages.
    server: &'static str,
    pass: Pass,
    explain: Option<Explain>,
    rate: Option<DefaultDirectRateLimiter>,
    backoff: Backoff,
    outage: Outage,
    attempts: u32,
    monitor: Arc<Monitor>,
    /// A pause that the server asked for, which concerns all calls.
    pause: SharedPause,
}

/// What came of sending a request.
enum Attempt {
    Body(Vec<u8>),
    /// 401 or 403.
    Refused(Response),
    RetryDecision(RetryDecision),
}

impl Transport {
    /// To PKB.
    pub(super) fn new(settings: &Settings, token_url: Url) -> Result<Self, Fatal> {
        let pace = RetryLimits {
            timeout_seconds: settings.timeout_seconds,
            attempts: settings.attempts,
            give_up_seconds: settings.give_up_seconds,
            rate: settings.rate,
            random: settings.random.clone(),
            monitor: Arc::clone(&settings.monitor),
        };
        let http = Http::new(&settings.network, pace.timeout_seconds)?;
        let tokens = Box::new(TokenSource::new(settings, token_url.into(), http.clone())?);
        let pass = Pass::Tokens(tokens, ClockCheck::default());
        Ok(Self::with("PKB", http, pass, None, pace))
    }

    /// To GOV.UK Notify.
    pub(super) fn to_notify(
        key: ApiKey,
        explain: Explain,
        pace: RetryLimits,
        network: &Network,
    ) -> Result<Self, Fatal> {
        let http = Http::new(network, pace.timeout_seconds)?;
        let (pass, explain) = (Pass::Key(key), Some(explain));
        Ok(Self::with("GOV.UK Notify", http, pass, explain, pace))
    }

    fn with(
        server: &'static str,
        http: Http,
        pass: Pass,
        explain: Option<Explain>,
        pace: RetryLimits,
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
            pause: SharedPause::default(),
        }
    }

    /// Where waits are noted.
    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Fetches an access token, where calls carry one.
    pub(super) async fn sign_in(&self) -> Result<(), CallError> {
        if let Pass::Tokens(tokens, _) = &self.pass {
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
            Pass::Tokens(tokens, _) => {
                let token = tokens
                    .token(refused, &self.backoff, &self.outage, &self.monitor)
                    .await?;
                let request = request
                    .header(header::AUTHORIZATION, token.bearer.clone())
                    .header(header::CONNECTION, ONE_REQUEST);
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
        repeat: Repeat<'_>,
        longest: Longest,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, CallError> {
        self.call_until_whole(method, url, repeat, longest, |_| true, build)
            .await
    }

    /// The same for answers that can be told to have been cut off on the way by what is in them, where a proxy passed on the
    /// half that it got as if it were all.
    pub(super) async fn call_until_whole(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat<'_>,
        longest: Longest,
        is_whole: impl Fn(&[u8]) -> bool,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, CallError> {
        let mut attempt = 0;
        let mut refused = RefusedTokens::default();
        loop {
            attempt += 1;
            self.wait_for_turn().await;
            let request = build(self.http.request(method.clone(), url.clone()));
            let (request, token) = self.show_pass(request, refused.last.as_ref()).await?;
            let sent = self.send(request, repeat, longest, &is_whole).await;
            let again = match (sent.map_err(CallError::Fatal)?, token) {
                (Attempt::Body(body), _) => {
                    self.outage.answered();
                    self.note_early_end(&refused);
                    return Ok(body);
                }
                (Attempt::Refused(response), Some(token)) => {
                    refused
                        .after(response, token, || self.tokens_end_early(), &self.backoff)
                        .await
                }
                (Attempt::Refused(response), None) => self.again_after(response, repeat).await,
                (Attempt::RetryDecision(again), _) => again,
            };
            match again {
                RetryDecision::Give(error) => {
                    if !matches!(error, CallError::Unanswered) {
                        self.outage.answered();
                    }
                    return Err(error);
                }
                // A call with a new token is no further attempt.
                RetryDecision::Now => attempt -= 1,
                RetryDecision::After { cause, pause } => {
                    self.pause_before_next(attempt, cause, pause).await?;
                }
            }
        }
    }

    fn tokens_end_early(&self) -> bool {
        matches!(&self.pass, Pass::Tokens(tokens, _) if tokens.end_early())
    }

    /// A new token was taken where a young one had been refused.
    fn note_early_end(&self, refused: &RefusedTokens) {
        if let (true, Pass::Tokens(tokens, _)) = (refused.any_early, &self.pass) {
            tokens.note_early_end();
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Our clock is wrong, or there can be no connection in confidence.
    async fn send(
        &self,
        request: RequestBuilder,
        repeat: Repeat<'_>,
        longest: Longest,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Attempt, Fatal> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return match self.http.fault(&error) {
                    Some(fault) => Err(fault.into_fatal()),
                    None => Ok(Attempt::RetryDecision(RetryDecision::after_error(
                        &error, repeat,
                    ))),
                };
            }
        };
        // What may have been carried out is settled, whatever the time is.
        if let (Pass::Tokens(_, clock), true) = (&self.pass, repeat.is_safe()) {
            clock.check(response.headers(), SystemTime::now())?;
        }
        self.note_origin(&response)?;
        Ok(match response.status() {
            status if status.is_success() => match read_body(response, longest).await {
                Ok(body) if is_whole(&body) => Attempt::Body(body),
                Ok(_) | Err(BodyError::BrokeOff) => {
                    Attempt::RetryDecision(RetryDecision::after_broken_answer(repeat))
                }
                // What may have been carried out is looked up, whatever came back.
                Err(BodyError::TooLong) if !repeat.is_safe() => {
                    Attempt::RetryDecision(RetryDecision::Give(CallError::Unanswered))
                }
                Err(BodyError::TooLong) => return Err(longest.exceeded(self.server)),
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Attempt::Refused(response),
            _ => Attempt::RetryDecision(self.again_after(response, repeat).await),
        })
    }

    /// Hears whether a sandbox answered.
    ///
    /// # Errors
    /// Something else has told the opposite.
    fn note_origin(&self, response: &Response) -> Result<(), Fatal> {
        note_origin(
            self.monitor.origins(),
            self.server,
            (response.url(), response.status(), response.headers()),
        )
    }

    /// Waits before attempt number `attempt + 1`.
    ///
    /// # Errors
    /// There is none: that was the last, or there has been nothing but failures for too long.
    async fn pause_before_next(
        &self,
        attempt: u32,
        cause: String,
        asked: Option<Duration>,
    ) -> Result<(), CallError> {
        self.outage.failed(&cause).map_err(CallError::Fatal)?;
        if attempt >= self.attempts {
            return Err(CallError::Unavailable {
                cause,
                attempts: attempt,
            });
        }
        let pause = asked.unwrap_or_else(|| self.backoff.pause(attempt));
        tracing::debug!(
            "attempt {attempt}: {cause}; again in {} ms",
            pause.as_millis()
        );
        let why = match asked {
            Some(_) => Why::AskedBy(self.server),
            None => Why::Retry(cause),
        };
        let waiting = self.monitor.wait(why, Some(Instant::now() + pause));
        tokio::time::sleep(pause).await;
        drop(waiting);
        self.monitor.retried();
        Ok(())
    }

    /// Waits for the rate limit and for a pause that PKB asked for.
    async fn wait_for_turn(&self) {
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
        }
        while let Some(until) = self.pause.until() {
            let _waiting = self.monitor.wait(Why::AskedBy(self.server), Some(until));
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// What the server means by an answer, if that is something of its own.
    async fn explained(&self, response: Response) -> Option<RetryDecision> {
        let explain = self.explain.as_ref()?;
        let meaning = explain(&Unsuccessful {
            status: response.status(),
            clock_off_by: clock_off_by(response.headers(), SystemTime::now()),
            body: read_body(response, Longest::One).await.unwrap_or_default(),
        })?;
        Some(match meaning {
            AnswerMeaning::Give(error) => RetryDecision::Give(error),
            AnswerMeaning::Pause(pause) => {
                self.pause.extend(pause);
                RetryDecision::After {
                    cause: format!("{} asks for a pause", self.server),
                    pause: Some(pause),
                }
            }
        })
    }

    /// A 400 is the server's word on what was asked, or the web server's in front of it on our certificate.
    async fn after_bad_request(&self, response: Response) -> CallError {
        let (status, url) = (response.status().as_u16(), response.url().clone());
        let body = read_body(response, Longest::One).await.unwrap_or_default();
        match self.http.fault_in_answer(&url, &body) {
            Some(fault) => CallError::Fatal(fault.into_fatal()),
            None => CallError::Refused { status },
        }
    }

    async fn again_after(&self, response: Response, repeat: Repeat<'_>) -> RetryDecision {
        let status = response.status();
        let asked = retry::retry_after(response.headers(), SystemTime::now());
        if status == StatusCode::BAD_REQUEST && self.explain.is_none() {
            return RetryDecision::Give(self.after_bad_request(response).await);
        }
        if let Some(again) = self.explained(response).await {
            return again;
        }
        if retry::is_busy(status) {
            if let Some(pause) = asked {
                self.pause.extend(pause);
            }
            if repeat.may_be_done(status) {
                return RetryDecision::Give(CallError::Unanswered);
            }
            return RetryDecision::After {
                cause: format!("{} answered {}", self.server, status.as_u16()),
                pause: asked,
            };
        }
        RetryDecision::Give(match status {
            StatusCode::NOT_FOUND => CallError::NotFound,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CallError::NoAccess,
            status if status.is_redirection() => CallError::NotUnderstood(
                "PKB answered with a redirect: check the base URL and proxies",
            ),
            status => CallError::Refused {
                status: status.as_u16(),
            },
        })
    }
}
