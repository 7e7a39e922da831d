//! Sending in the evening, as PKB asks for large files.

use std::{str::FromStr, time::Duration};

use jiff::{
    Timestamp, Zoned,
    civil::Time,
    tz::{Disambiguation, TimeZone},
};
use pkb_core::{Clock, progress::tell};

/// A time of day in the United Kingdom before which nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAfter(Time);

impl FromStr for SendAfter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Time::strptime("%H:%M", text)
            .map(Self)
            .map_err(|_| "write a time of day as HH:MM (17:00)")
    }
}

impl SendAfter {
    /// Returns when the time of day has come: at once, if it is past today.
    pub async fn wait(self, clock: Clock) {
        let wait = self.wait_from(clock.now());
        if !wait.is_zero() {
            tell(format!(
                "pkb-upload: nothing is sent before {} (in {})",
                self.0.strftime("%H:%M"),
                in_words(wait)
            ));
            tokio::time::sleep(wait).await;
        }
    }

    /// How long it is from `now` until the time of day, on the same day.
    fn wait_from(self, now: Timestamp) -> Duration {
        let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
        let now: Zoned = now.to_zoned(zone.clone());
        // In the night when clocks go forward an hour is missing: then the time after it.
        zone.to_ambiguous_zoned(now.date().to_datetime(self.0))
            .disambiguate(Disambiguation::Compatible)
            .ok()
            .and_then(|then| then.duration_since(&now).try_into().ok())
            .unwrap_or_default()
    }
}

fn in_words(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_at_the_time_of_day_in_the_united_kingdom() {
        let after: SendAfter = "17:00".parse().unwrap();
        for (now, minutes) in [
            ("2026-11-23T16:30:00Z", 30),
            ("2026-11-23T17:00:00Z", 0),
            ("2026-11-23T21:00:00Z", 0),
            ("2026-11-23T00:00:00Z", 17 * 60),
            // Summer time is an hour ahead.
            ("2026-07-01T15:30:00Z", 30),
        ] {
            let wait = after.wait_from(now.parse().unwrap());
            assert_eq!(wait, Duration::from_secs(minutes * 60), "{now}");
        }
    }

    #[test]
    fn only_a_time_of_day_will_do() {
        for text in ["", "5pm", "24:00", "17", "17:60"] {
            assert!(text.parse::<SendAfter>().is_err(), "{text}");
        }
    }

    #[test]
    fn waits_are_told_in_hours_and_minutes() {
        assert_eq!(in_words(Duration::from_secs(59)), "1 min");
        assert_eq!(in_words(Duration::from_secs(7260)), "2 h 1 min");
    }
}
