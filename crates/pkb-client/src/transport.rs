//! One request to PKB, GOV.UK Notify or NHS Notify, with everything that makes it reliable: token, rate, retries, and errors
//! that name no value.

mod again;
mod answer;
mod attempt;
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
use reqwest::{Method, RequestBuilder, Url, header};
use secrecy::ExposeSecret as _;

use crate::{
    call_watch::CallWatch,
    clock_check::ClockCheck,
    error::CallError,
    http::{Http, Longest, ONE_REQUEST},
    network::Network,
    network_fault::server,
    nhs_notify::token::SignedTokens,
    notify::api_key::ApiKey,
    retry::{Backoff, Outage},
    settings::Settings,
    token::{Token, TokenSource},
    turns::{Turn, Turns},
};
use again::RetryDecision;
use attempt::{Attempt, Success};
use explain::Explain;
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
    /// By access tokens that are fetched with tokens that we sign ourselves (NHS Notify).
    Signed(Box<SignedTokens>),
}

/// How often, how long and how fast.
pub(super) struct RetryLimits {
    /// Longest wait for one answer.
    pub(super) timeout: Duration,
    /// Calls in all for one request.
    pub(super) attempts: u32,
    /// How long every call may fail before the stage stops.
    pub(super) give_up_after: Duration,
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
    /// Which calls may be made at the same time, where that is limited (PKB).
    turns: Option<Turns>,
    /// Counts calls of that kind.
    calls: Arc<CallWatch>,
    backoff: Backoff,
    outage: Outage,
    attempts: u32,
    monitor: Arc<Monitor>,
    /// A pause that the server asked for, which concerns all calls.
    pause: SharedPause,
}

impl Transport {
    /// To PKB.
    pub(super) fn new(settings: &Settings, base: &Url, token_url: Url) -> Result<Self, Fatal> {
        let pace = RetryLimits {
            timeout: settings.timeout,
            attempts: settings.attempts,
            give_up_after: settings.give_up_after,
            rate: settings.rate,
            random: settings.random.clone(),
            monitor: Arc::clone(&settings.monitor),
        };
        let http = Http::new(&settings.network, pace.timeout)?;
        let tokens = Box::new(TokenSource::new(settings, token_url.into(), http.clone())?);
        let pass = Pass::Tokens(tokens, ClockCheck::default());
        Ok(Self {
            turns: Some(Turns::new(&server(base), settings.at_a_time)),
            calls: Arc::clone(&settings.calls),
            ..Self::with("PKB", http, pass, None, pace)
        })
    }

    /// To GOV.UK Notify.
    pub(super) fn to_notify(
        key: ApiKey,
        explain: Explain,
        pace: RetryLimits,
        network: &Network,
    ) -> Result<Self, Fatal> {
        let http = Http::new(network, pace.timeout)?;
        let (pass, explain) = (Pass::Key(key), Some(explain));
        Ok(Self::with("GOV.UK Notify", http, pass, explain, pace))
    }

    /// To NHS Notify.
    pub(super) fn to_nhs_notify(
        tokens: SignedTokens,
        explain: Explain,
        pace: RetryLimits,
        network: &Network,
    ) -> Result<Self, Fatal> {
        let http = Http::new(network, pace.timeout)?;
        let (pass, explain) = (Pass::Signed(Box::new(tokens)), Some(explain));
        Ok(Self::with("NHS Notify", http, pass, explain, pace))
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
            turns: None,
            calls: Arc::default(),
            backoff: Backoff::new(pace.random),
            outage: Outage::new(server, pace.give_up_after, Arc::clone(&pace.monitor)),
            attempts: pace.attempts,
            monitor: pace.monitor,
            pause: SharedPause::default(),
        }
    }

    /// What requests without a token are sent by.
    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Where waits are noted.
    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Fetches an access token, where calls carry one.
    pub(super) async fn sign_in(&self) -> Result<(), CallError> {
        if let Pass::Tokens(tokens, _) = &self.pass {
            let _turn = self.turn().await;
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
            Pass::Signed(tokens) => {
                let token = tokens.token(&self.http, refused, &self.backoff, &self.outage);
                let token = token.await?;
                let request = request.header(header::AUTHORIZATION, token.bearer.clone());
                Ok((request, Some(token)))
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
        let answer = self.call_for_answer(method, url, repeat, longest, is_whole, build);
        Ok(answer.await?.body)
    }

    /// The same, with the status of the answer.
    pub(super) async fn call_for_answer(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat<'_>,
        longest: Longest,
        is_whole: impl Fn(&[u8]) -> bool,
        build: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Success, CallError> {
        let mut attempt = 0;
        let mut refused = RefusedTokens::default();
        loop {
            attempt += 1;
            let turn = self.turn().await;
            let request = build(self.http.request(method.clone(), url.clone()));
            let (request, token) = self.show_pass(request, refused.last.as_ref()).await?;
            let sent = self.send(request, repeat, longest, &is_whole).await;
            drop(turn);
            self.calls.called();
            let again = match (sent.map_err(CallError::Fatal)?, token) {
                (Attempt::Answered(answer), _) => {
                    self.outage.answered();
                    self.note_early_end(&refused);
                    return Ok(answer);
                }
                (Attempt::Refused(refusal, status), Some(token)) => {
                    let end_early = || self.tokens_end_early();
                    refused
                        .after(refusal, status, token, end_early, &self.backoff)
                        .await
                }
                (Attempt::Refused(..), None) => RetryDecision::Give(CallError::NoAccess),
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
            "attempt {attempt}: {cause}. Trying again in {} ms",
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

    /// Waits for the rate limit, for a turn, and for a pause that the server asked for: then nobody else on this machine asks either.
    pub(super) async fn turn(&self) -> Option<Turn<'_>> {
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
        }
        let turn = match &self.turns {
            Some(turns) => Some(turns.take().await),
            None => None,
        };
        while let Some(until) = self.pause.until() {
            let _waiting = self.monitor.wait(Why::AskedBy(self.server), Some(until));
            tokio::time::sleep_until(until.into()).await;
        }
        turn
    }
}
