//! What time it is. Passed in, so that a test or a rehearsal can fix it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// Source of the current time.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Always the same moment.
    Fixed(Timestamp),
}

impl Clock {
    /// The current moment in whole seconds (records do not need more).
    pub fn now(self) -> Timestamp {
        let now = match self {
            Self::System => Timestamp::now(),
            Self::Fixed(moment) => moment,
        };
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// The moment that is so long ago.
    pub fn ago(self, age: Duration) -> Timestamp {
        SignedDuration::try_from(age)
            .ok()
            .and_then(|age| self.now().checked_sub(age).ok())
            .unwrap_or(Timestamp::MIN)
    }

    /// The moment in which the day begins, in the United Kingdom, that is so many days from today.
    pub fn start_of_day_in(self, days: u16) -> Timestamp {
        let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
        self.today()
            .checked_add(i64::from(days).days())
            .and_then(|day| day.to_zoned(zone))
            .map_or(Timestamp::MAX, |start| start.timestamp())
    }

    /// Today's date in the United Kingdom.
    pub fn today(self) -> Date {
        uk_date(self.now())
    }
}

/// The day in the United Kingdom at `moment`: what a letter, an age and an expiry mean by a date.
pub fn uk_date(moment: Timestamp) -> Date {
    // The time zone data is compiled in; UTC is at most an hour away.
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    moment.to_zoned(zone).date()
}

/// The last whole day on which codes that end at `end` work: the day before. `None` only at the
/// beginning of time.
pub fn last_whole_day(end: Timestamp) -> Option<Date> {
    uk_date(end).yesterday().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summer_evening_in_utc_is_already_tomorrow_in_london() {
        let moment: Timestamp = "2026-07-01T23:30:00Z".parse().unwrap();
        assert_eq!(uk_date(moment).to_string(), "2026-07-02");
        assert_eq!(Clock::Fixed(moment).today().to_string(), "2026-07-02");
    }
}
