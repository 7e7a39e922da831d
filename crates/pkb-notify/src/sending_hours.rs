//! The hours in which texts are sent. GOV.UK Notify has no quiet hours of its own: who wants texts by day has to send by day.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
};
use pkb_cli::progress::tell;
use pkb_core::{
    Clock, StageName,
    clock::{uk_date, uk_moment, uk_time},
    monitor::{Monitor, Why},
};

/// Two times of day in the United Kingdom: from the first on, and before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SendingHours {
    from: Time,
    until: Time,
}

/// Days on which texts may be sent are looked for so far ahead.
const DAYS_AHEAD: i64 = 7;

impl FromStr for SendingHours {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, until) = text
            .split_once('-')
            .ok_or("must be two times of day, such as 08:00-18:00")?;
        let time = |text: &str| {
            Time::strptime("%H:%M", text.trim())
                .map_err(|_| "must be two times of day, such as 08:00-18:00")
        };
        let hours = Self {
            from: time(from)?,
            until: time(until)?,
        };
        match hours.from < hours.until {
            true => Ok(hours),
            false => Err("must end later than it begins, such as 08:00-18:00"),
        }
    }
}

impl SendingHours {
    /// When texts may be sent: `now`, or the next moment at which the hours begin.
    fn next(self, now: Timestamp, weekdays: bool) -> Timestamp {
        let today = uk_date(now);
        let is_open =
            |day: Date| !weekdays || !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        for ahead in 0..=DAYS_AHEAD {
            let day = today.saturating_add(ahead.days());
            if !is_open(day) {
                continue;
            }
            let begin = uk_moment(day.to_datetime(self.from));
            if now < begin {
                return begin;
            }
            if now < uk_moment(day.to_datetime(self.until)) {
                return now;
            }
        }
        now
    }
}

/// Waits for the hours.
pub(crate) struct WaitForHours {
    pub hours: SendingHours,
    pub weekdays: bool,
    pub clock: Clock,
    /// Whether the operator has been told.
    pub is_told: AtomicBool,
}

impl WaitForHours {
    /// Returns when texts may be sent. The wait is noted in `monitor`, and told once.
    pub(crate) async fn wait(&self, monitor: &Monitor) {
        let now = self.clock.now();
        let next = self.hours.next(now, self.weekdays);
        let Ok(pause) = Duration::try_from(next.duration_since(now)) else {
            return;
        };
        if pause.is_zero() {
            return;
        }
        let when = uk_time(next).strftime("%H:%M on %-d %B %Y").to_string();
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tell(format!(
                "{}: note: texts wait until {when} (--between). To stop: Ctrl-C. The same command continues later",
                StageName::Sms.program()
            ));
        }
        let _waiting = monitor.wait(Why::TimeOfDay(when), Some(Instant::now() + pause));
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(hours: &str, weekdays: bool, now: &str) -> String {
        let hours: SendingHours = hours.parse().unwrap();
        hours.next(now.parse().unwrap(), weekdays).to_string()
    }

    #[test]
    fn texts_go_between_the_hours_and_else_when_they_begin_next() {
        for (now, expected) in [
            ("2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z"),
            ("2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-11-23T17:59:59Z", "2026-11-23T17:59:59Z"),
            ("2026-11-23T18:00:00Z", "2026-11-24T08:00:00Z"),
            // In summer the United Kingdom is an hour ahead.
            ("2026-07-01T06:30:00Z", "2026-07-01T07:00:00Z"),
            ("2026-07-01T17:00:00Z", "2026-07-02T07:00:00Z"),
        ] {
            assert_eq!(next("08:00-18:00", false, now), expected, "{now}");
        }
    }

    #[test]
    fn on_weekdays_the_weekend_is_passed() {
        // 27 November 2026 is a Friday.
        for (now, expected) in [
            ("2026-11-27T17:00:00Z", "2026-11-27T17:00:00Z"),
            ("2026-11-27T18:00:00Z", "2026-11-30T08:00:00Z"),
            ("2026-11-28T12:00:00Z", "2026-11-30T08:00:00Z"),
            ("2026-11-29T23:59:59Z", "2026-11-30T08:00:00Z"),
        ] {
            assert_eq!(next("08:00-18:00", true, now), expected, "{now}");
        }
    }

    #[test]
    fn both_changes_of_the_clock_are_kept_to() {
        for (hours, now, expected) in [
            // On 29 March 2026 01:00 to 02:00 is missing.
            (
                "01:30-18:00",
                "2026-03-29T00:00:00Z",
                "2026-03-29T01:30:00Z",
            ),
            (
                "08:00-18:00",
                "2026-03-28T20:00:00Z",
                "2026-03-29T07:00:00Z",
            ),
            // On 25 October 2026 01:00 to 02:00 comes twice.
            (
                "01:30-18:00",
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                "08:00-18:00",
                "2026-10-24T20:00:00Z",
                "2026-10-25T08:00:00Z",
            ),
            (
                "00:00-01:30",
                "2026-10-25T00:29:00Z",
                "2026-10-25T00:29:00Z",
            ),
        ] {
            assert_eq!(next(hours, false, now), expected, "{now}");
        }
    }

    #[test]
    fn only_two_times_of_one_day_will_do() {
        for text in [
            "",
            "08:00",
            "18:00-08:00",
            "08:00-08:00",
            "8-18",
            "08:00-25:00",
        ] {
            assert!(text.parse::<SendingHours>().is_err(), "{text}");
        }
    }
}
