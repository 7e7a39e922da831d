//! Whether this machine's clock is right, by the `Date` of a server's answers (RFC 9110, 6.6.1). Ages, last days and the
//! age of answers depend on the clock: if it is a year ahead, letters name a last day after their codes expired.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use reqwest::header::{self, HeaderMap};

use pkb_core::Fatal;

/// A difference that is worth a warning.
const WORTH_A_WORD: Duration = Duration::from_secs(5 * 60);
/// A difference that makes dates wrong.
const TOO_MUCH: Duration = Duration::from_secs(24 * 60 * 60);

/// Compares clocks with each answer, and warns once.
#[derive(Default)]
pub(super) struct ClockCheck {
    has_warned: AtomicBool,
}

impl ClockCheck {
    /// Looks at the `Date` of an answer that has just come, at `now`.
    ///
    /// # Errors
    /// The clocks are a day or more apart.
    pub(super) fn check(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Fatal> {
        // What a cache has kept has the time of long ago.
        if headers.contains_key(header::AGE) {
            return Ok(());
        }
        let Some((off_by, side)) = difference(headers, now) else {
            return Ok(());
        };
        if off_by >= TOO_MUCH {
            return Err(Fatal::Usage(format!(
                "this machine's clock is {} {side} PKB's, so dates on letters would be wrong. What to do: set the clock \
                 (to see the time: timedatectl). Then run the same command again",
                in_words(off_by)
            )));
        }
        if off_by >= WORTH_A_WORD && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "this machine's clock is {} {side} PKB's. Set the clock before letters are printed (to see the time: \
                 timedatectl)",
                in_words(off_by)
            );
        }
        Ok(())
    }
}

/// How far our clock is from the server's.
pub(super) fn clock_off_by(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    difference(headers, now).map(|(off_by, _)| off_by)
}

fn difference(headers: &HeaderMap, now: SystemTime) -> Option<(Duration, &'static str)> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(text).ok()?;
    match (now.duration_since(theirs), theirs.duration_since(now)) {
        (Ok(ahead), _) => Some((ahead, "ahead of")),
        (_, Ok(behind)) => Some((behind, "behind")),
        _ => None,
    }
}

fn in_words(off_by: Duration) -> String {
    let count = |seconds: u64, unit: &str| match off_by.as_secs() / seconds {
        1 => format!("1 {unit}"),
        many => format!("{many} {unit}s"),
    };
    match off_by.as_secs() {
        0..7200 => count(60, "minute"),
        7200..172_800 => count(3600, "hour"),
        _ => count(86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an answer with this `Date` at 06 Nov 1994 08:49:37 GMT.
    fn check(date: &str) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let check = ClockCheck::default();
        let result = check
            .check(&headers, now)
            .map_err(|fatal| fatal.to_string());
        let has_warned = check.has_warned.load(Ordering::Relaxed);
        let off_by = clock_off_by(&headers, now).unwrap_or_default();
        assert_eq!(has_warned, result.is_ok() && off_by >= WORTH_A_WORD);
        headers.insert(header::AGE, "9".parse().unwrap());
        assert!(check.check(&headers, now).is_ok(), "a cache's");
        result
    }

    #[test]
    fn a_clock_that_is_a_day_off_stops_the_stage_and_a_few_minutes_do_not() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:44:00 GMT",
            "Sun, 06 Nov 1994 20:49:37 GMT",
            "Sat, 05 Nov 1994 09:00:00 GMT",
            "yesterday",
            "",
        ] {
            assert_eq!(check(date), Ok(()), "{date}");
        }
        for (date, words) in [
            ("Sat, 06 Nov 1993 08:49:37 GMT", "365 days ahead of"),
            ("Mon, 06 Nov 1995 08:49:37 GMT", "365 days behind"),
            ("Sat, 05 Nov 1994 08:49:37 GMT", "24 hours ahead of"),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "9075 days ahead of"),
        ] {
            let message = check(date).unwrap_err();
            assert!(message.contains(words), "{message}");
            assert!(message.contains("timedatectl"));
        }
    }
}
