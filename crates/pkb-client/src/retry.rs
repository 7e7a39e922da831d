//! When to call again, and after how long.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use reqwest::{StatusCode, header::HeaderMap};

use pkb_core::{Fatal, monitor::Monitor};

/// First pause; doubles with every attempt.
const BASE: Duration = Duration::from_millis(250);
/// Longest pause of our own choosing.
const CAP: Duration = Duration::from_secs(30);
/// Longest pause that PKB may ask for before we rather ask again.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);

/// Pauses with full jitter: anything from nothing to the doubled base, so that many clients that
/// failed together do not come back together.
pub(super) struct Backoff {
    random: Mutex<fastrand::Rng>,
}

impl Backoff {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self {
            random: Mutex::new(random),
        }
    }

    /// The pause after attempt number `attempt` (from 1).
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let ceiling = BASE
            .saturating_mul(1 << attempt.saturating_sub(1).min(16))
            .min(CAP);
        let mut random = self.random.lock();
        ceiling.mul_f64(random.f64())
    }
}

/// Notices when nothing but failures comes for so long that going on would only mark thousands of
/// rows as failed.
pub(super) struct Outage {
    server: &'static str,
    give_up_after: Duration,
    monitor: Arc<Monitor>,
    since: Mutex<Option<Instant>>,
}

impl Outage {
    pub(super) fn new(
        server: &'static str,
        give_up_after: Duration,
        monitor: Arc<Monitor>,
    ) -> Self {
        Self {
            server,
            give_up_after,
            monitor,
            since: Mutex::new(None),
        }
    }

    /// The server answered something that is not an outage.
    pub(super) fn answered(&self) {
        let mut since = self.since.lock();
        if since.take().is_some() {
            self.monitor.answered();
        }
    }

    /// A call failed for `cause`. `Err` once there has been nothing else for the set time.
    pub(super) fn failed(&self, cause: &str) -> Result<(), Fatal> {
        let mut since = self.since.lock();
        let began = *since.get_or_insert_with(Instant::now);
        self.monitor.outage(began, cause);
        let lasted = began.elapsed();
        if lasted < self.give_up_after {
            return Ok(());
        }
        Err(Fatal::TryLater(format!(
            "{} has not answered properly for {} s ({cause}). What to do: run the same command again later. To check the server and its \
             address: pkb doctor",
            self.server,
            lasted.as_secs()
        )))
    }
}

/// Answers that say "not now".
pub(super) fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whether a busy answer proves that the request was not carried out: 429 and 503 refuse it, while a
/// 500 may come after half of the work and a gateway's 502 and 504 after all of it.
pub(super) fn was_not_carried_out(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The pause that the server asks for (RFC 9110, Retry-After: seconds or a date), capped. `None` for nonsense, and for no time at all: that
/// is no pause, and one of our own choosing is better.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    uncapped_retry_after(headers, now).map(|pause| pause.min(RETRY_AFTER_CAP))
}

/// The same, however long it is.
pub(super) fn uncapped_retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(pause).filter(|pause| !pause.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::RETRY_AFTER, text.parse().unwrap());
        // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(
            &headers,
            SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777),
        )
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_capped_incident_34() {
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 08:49:47 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(asked("86400"), Some(RETRY_AFTER_CAP));
        assert_eq!(asked("1771404540"), Some(RETRY_AFTER_CAP), "a moment");
    }

    #[test]
    fn retry_after_of_nonsense_leaves_the_pause_to_us_incident_34() {
        for text in [
            "soon",
            "",
            "-5",
            "0",
            "1.5",
            "5s",
            "99999999999999999999",
            "Sun, 06 Nov 1994 08:00:00 GMT",
            "Wed, 31 Feb 2027 08:00:00 GMT",
            "Sun, 06 Nov 94 08:49:47",
        ] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn pauses_grow_to_the_cap_and_are_never_longer() {
        let backoff = Backoff::new(fastrand::Rng::with_seed(1));
        for attempt in 1..40 {
            let ceiling = BASE.saturating_mul(1 << (attempt - 1).min(16)).min(CAP);
            assert!(backoff.pause(attempt) <= ceiling);
        }
        let early: Duration = (0..100).map(|_| backoff.pause(1)).sum();
        let late: Duration = (0..100).map(|_| backoff.pause(5)).sum();
        assert!(late > early * 4);
    }
}
