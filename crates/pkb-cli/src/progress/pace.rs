//! How fast it goes, and how long it still takes.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The last minute counts: what a journal answered at the beginning says nothing of the calls that come.
const SPAN: Duration = Duration::from_secs(60);
/// Nothing is said of the rate before so much time has passed...
const FIRST_WORD: Duration = Duration::from_secs(2);
/// ...and so many rows: one alone would promise days. Of those that come slowly, the span has to do.
const FIRST_ROWS: u64 = 10;

/// Rows done at some moments of the last minute, and one before it.
#[derive(Debug)]
pub(crate) struct Pace {
    seen: VecDeque<(Instant, u64)>,
}

impl Pace {
    pub(crate) fn start(now: Instant) -> Self {
        Self {
            seen: VecDeque::from([(now, 0)]),
        }
    }

    /// So many rows are done at `now`.
    pub(crate) fn note(&mut self, now: Instant, done: u64) {
        if self.seen.back().is_none_or(|(_, before)| *before != done) {
            self.seen.push_back((now, done));
        }
        let is_old = |moment: Instant| now.saturating_duration_since(moment) > SPAN;
        // One that is older than the span stays, so that rows that come in bursts have a rate, too.
        while self.seen.get(1).is_some_and(|(moment, _)| is_old(*moment)) {
            self.seen.pop_front();
        }
    }

    /// Rows a second; `None` while that cannot be said.
    pub(crate) fn rate(&self, now: Instant) -> Option<f64> {
        let ((first, before), (_, done)) = (self.seen.front()?, self.seen.back()?);
        let time = now.saturating_duration_since(*first);
        let rows = done.saturating_sub(*before);
        let is_enough = time >= FIRST_WORD && (rows >= FIRST_ROWS || time >= SPAN);
        is_enough.then(|| rows as f64 / time.as_secs_f64())
    }

    /// How long the rest of `total` takes at this rate.
    pub(crate) fn left(&self, now: Instant, total: u64) -> Option<Duration> {
        let rate = self.rate(now).filter(|rate| *rate > 0.0)?;
        let (_, done) = self.seen.back()?;
        let rest = total.checked_sub(*done).filter(|rest| *rest > 0)?;
        Duration::try_from_secs_f64(rest as f64 / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seen: &[(u64, u64)]) -> (Pace, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let at = move |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::start(start);
        for (seconds, done) in seen {
            pace.note(at(*seconds), *done);
        }
        (pace, at)
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        // 100,000 rows from a journal, then ten a second.
        let seen: Vec<(u64, u64)> = (0..200).map(|s| (s + 1, 100_000 + 10 * s)).collect();
        let (pace, at) = pace(&seen);
        let rate = pace.rate(at(200)).unwrap();
        assert!((9.5..10.5).contains(&rate), "{rate}");
        let left = pace.left(at(200), 102_590).unwrap();
        assert!((55..65).contains(&left.as_secs()), "{left:?}");
    }

    #[test]
    fn rows_that_come_in_bursts_have_a_rate_between_them_too() {
        let (pace, at) = pace(&[(90, 5000), (180, 10_000)]);
        let rate = pace.rate(at(200)).unwrap();
        assert!((40.0..60.0).contains(&rate), "{rate}");
    }

    #[test]
    fn without_rows_there_is_no_time_left_to_be_told() {
        let (pace, at) = pace(&[(1, 9)]);
        assert_eq!(pace.rate(at(30)), None, "a few rows say nothing");
        assert!(pace.rate(at(90)).is_some());
        let (pace, at) = super::tests::pace(&[]);
        assert_eq!(pace.rate(at(1)), None);
        assert_eq!(pace.rate(at(100)), Some(0.0));
        assert_eq!(pace.left(at(100), 1000), None);
    }
}
