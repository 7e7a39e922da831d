//! Numbers, times and waits in words.

use std::time::{Duration, Instant};

use crate::{
    monitor::{Wait, Why},
    rows::counted,
};

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How long, in the two largest units that matter: `45 s`, `3 min 20 s`, `2 h 5 min`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, rest) => format!("{rest} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A rate with as many digits as say something: `812/s`, `8.1/s`, `12/min`.
pub fn rate(a_second: f64) -> String {
    if a_second >= 10.0 {
        // Far below the point from which on the conversion would round.
        format!("{}/s", grouped(a_second.round() as u64))
    } else if a_second >= 0.95 {
        format!("{a_second:.1}/s")
    } else {
        format!("{:.0}/min", a_second * 60.0)
    }
}

impl Wait {
    /// What is waited for, in full.
    pub fn words(&self, now: Instant) -> String {
        let lasted = || in_words(now.saturating_duration_since(self.since));
        let soon = |text: &str| match self.left(now) {
            Some(left) => format!("{text} in {}", in_words(left)),
            None => text.to_owned(),
        };
        match &self.why {
            Why::Stopping => {
                "stopping after the calls under way (Ctrl-C again stops at once)".to_owned()
            }
            Why::TimeOfDay(time) => match self.left(now) {
                Some(left) => format!("waiting until {time} (in {})", in_words(left)),
                None => format!("waiting until {time}"),
            },
            Why::Processing(batch) => format!("PKB is processing {batch}, for {}", lasted()),
            Why::AskedBy(server) => match self.left(now) {
                Some(left) => format!("waiting {}, asked by {server}", in_words(left)),
                None => format!("waiting, asked by {server}"),
            },
            Why::Outage(cause) => format!("no usable answer for {}: {cause}", lasted()),
            Why::Arriving { batch, there } => format!(
                "{}: {batch} was not answered, {} of its patients are at PKB",
                soon("asking again"),
                grouped(*there)
            ),
            Why::AccessToken => format!("still no access token after {}", lasted()),
            Why::Comparing(patients) => {
                format!(
                    "comparing with PKB: {} to go",
                    counted(*patients, "patient", "patients")
                )
            }
            Why::Absent(patients) => format!(
                "{}: {} not at PKB yet",
                soon("asking again"),
                counted(*patients, "patient is", "patients are")
            ),
            Why::UnderWay(records) => format!(
                "{}: {} on the way at Notify",
                soon("asking again"),
                counted(*records, "record is", "records are")
            ),
            Why::LostAnswers(answers) => format!(
                "{}: {} of GOV.UK Notify lost",
                soon("asking again"),
                counted(*answers, "answer", "answers")
            ),
            Why::Retry(cause) => format!("{}: {cause}", soon("trying again")),
            Why::NoInput => format!("waiting for the previous stage, for {}", lasted()),
        }
    }

    /// The same where there is little room.
    pub fn short_words(&self, now: Instant) -> String {
        let time = self
            .left(now)
            .unwrap_or_else(|| now.saturating_duration_since(self.since));
        let time = in_words(time);
        match &self.why {
            Why::Stopping => "stopping".to_owned(),
            Why::TimeOfDay(time) => format!("until {time}"),
            Why::Processing(_) => format!("at PKB {time}"),
            Why::AskedBy(_) => format!("waits {time}"),
            Why::Outage(_) => format!("outage {time}"),
            Why::AccessToken => format!("token {time}"),
            Why::Arriving { .. }
            | Why::Absent(_)
            | Why::UnderWay(_)
            | Why::LostAnswers(_)
            | Why::Retry(_) => {
                format!("again {time}")
            }
            Why::Comparing(_) => format!("compares {time}"),
            Why::NoInput => format!("idle {time}"),
        }
    }

    /// How long it still lasts, rounded up, so that it ends with 1 s and not with 0 s.
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        Some(Duration::from_secs(
            left.as_secs() + u64::from(left.subsec_nanos() > 0),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 12, 999, 1000, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn a_time_has_two_units_at_most() {
        let texts = [0, 45, 120, 200, 7200, 7500, 90_000].map(|s| in_words(Duration::from_secs(s)));
        assert_eq!(
            texts,
            [
                "0 s",
                "45 s",
                "2 min",
                "3 min 20 s",
                "2 h",
                "2 h 5 min",
                "25 h"
            ]
        );
    }

    #[test]
    fn a_rate_has_the_digits_that_say_something() {
        let texts = [0.0, 0.2, 0.99, 1.0, 8.123, 81.23, 1812.3].map(rate);
        assert_eq!(
            texts,
            [
                "0/min", "12/min", "1.0/s", "1.0/s", "8.1/s", "81/s", "1,812/s"
            ]
        );
    }

    #[test]
    fn a_wait_says_how_long_and_who_asked() {
        let since = Instant::now();
        let wait = Wait {
            why: Why::AskedBy("PKB"),
            since,
            until: Some(since + Duration::from_secs(30)),
        };
        assert_eq!(wait.words(since), "waiting 30 s, asked by PKB");
        assert_eq!(
            wait.short_words(since + Duration::from_millis(29_500)),
            "waits 1 s"
        );
    }
}
