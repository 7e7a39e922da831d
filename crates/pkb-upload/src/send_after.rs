//! Sending in the evening, as PKB asks for large files.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Time};
use pkb_core::{
    Clock,
    clock::{uk_date, uk_moment},
    monitor::{Monitor, Why},
};

/// A time of day in the United Kingdom before which nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAfter(Time);

impl FromStr for SendAfter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Time::strptime("%H:%M", text)
            .map(Self)
            .map_err(|_| "must be a time of day as HH:MM, such as 17:00")
    }
}

impl SendAfter {
    /// Returns when the time of day has come: at once, if it is past today. The wait is noted in `monitor`.
    pub async fn wait(self, clock: Clock, monitor: &Monitor) {
        let wait = self.wait_from(clock.now());
        let why = Why::TimeOfDay(self.0.strftime("%H:%M").to_string());
        let _waiting = monitor.wait(why, Some(Instant::now() + wait));
        tokio::time::sleep(wait).await;
    }

    /// How long it is from `now` until the time of day, on the same day.
    fn wait_from(self, now: Timestamp) -> Duration {
        let then = uk_moment(uk_date(now).to_datetime(self.0));
        Duration::try_from(then.duration_since(now)).unwrap_or_default()
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
}
