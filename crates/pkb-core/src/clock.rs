//! What time it is. Passed in, so that a test or a rehearsal can fix it.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp, ToSpan as _, Zoned,
    civil::{Date, DateTime},
    tz::TimeZone,
};

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
        let day = self.today().checked_add(i64::from(days).days());
        day.map_or(Timestamp::MAX, start_of_day)
    }

    /// Today's date in the United Kingdom.
    pub fn today(self) -> Date {
        uk_date(self.now())
    }
}

/// The day in the United Kingdom at `moment`: what a letter, an age and an expiry mean by a date.
pub fn uk_date(moment: Timestamp) -> Date {
    uk_time(moment).date()
}

/// What clocks in the United Kingdom show at `moment`.
pub fn uk_time(moment: Timestamp) -> Zoned {
    moment.to_zoned(uk_zone())
}

/// The moment at which clocks in the United Kingdom show this. An hour that is missing when they go forward is the hour after it, and of
/// an hour that comes twice when they go back it is the first.
pub fn uk_moment(time: DateTime) -> Timestamp {
    let zoned = time.to_zoned(uk_zone());
    zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// The moment in which a day begins in the United Kingdom.
pub fn start_of_day(day: Date) -> Timestamp {
    uk_moment(day.at(0, 0, 0, 0))
}

fn uk_zone() -> TimeZone {
    // The time zone data is compiled in; UTC is at most an hour away.
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
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
