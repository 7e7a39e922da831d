//! What a line of progress says: all of it where there is room, the most important of it where there is
//! little. It never fills the last column, so it never wraps.

use std::time::Instant;

use super::pace::Pace;
use pkb_core::{
    figures::{grouped, in_words, rate},
    monitor::Snapshot,
};
use pkb_files::shown;

/// Columns between the parts.
const GAP: usize = 2;
/// Columns of the bar at least and at most, with its ends.
const BAR: (usize, usize) = (10, 26);
/// A wait stands out.
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// All that can be said at one moment.
#[derive(Debug)]
pub(crate) struct ProgressWords {
    title: &'static str,
    /// Done, of how many that are known of.
    share: Option<f64>,
    count: String,
    unit: &'static str,
    rate: Option<String>,
    left: Option<String>,
    retries: Option<String>,
    wait: Option<[String; 2]>,
}

/// The parts of a line in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePart {
    Title,
    Bar,
    Count,
    Rate,
    Left,
    Retries,
    Wait,
}

impl ProgressWords {
    /// What is to be said of `snapshot`; `unit` is what is counted, in the plural.
    pub(crate) fn of(
        title: &'static str,
        unit: &'static str,
        snapshot: &Snapshot,
        pace: &Pace,
        now: Instant,
    ) -> Self {
        let Snapshot {
            done,
            total,
            retries,
            ..
        } = *snapshot;
        let count = match total {
            0 => grouped(done),
            total => format!("{} of {}", grouped(done), grouped(total)),
        };
        Self {
            title,
            share: (total > 0).then(|| done as f64 / total as f64),
            count,
            unit,
            rate: pace.rate(now).filter(|_| done > 0).map(rate),
            left: pace
                .left(now, total)
                .map(|left| format!("{} left", in_words(left))),
            retries: match retries {
                0 => None,
                1 => Some("1 retry".to_owned()),
                retries => Some(format!("{} retries", grouped(retries))),
            },
            wait: snapshot
                .wait
                .as_ref()
                .map(|wait| [wait.short_words(now), wait.words(now)])
                .map(|words| words.map(|words| shown::in_line(&words).into_owned())),
        }
    }

    /// For a log.
    pub(crate) fn in_full(&self) -> String {
        let percent = self.percent().map(|percent| format!(" ({percent})"));
        let first = format!(
            "{} {}{}",
            self.count,
            self.unit,
            percent.unwrap_or_default()
        );
        let wait = self.wait.as_ref().map(|[_, long]| long);
        let others = [
            self.rate.as_ref(),
            self.left.as_ref(),
            self.retries.as_ref(),
            wait,
        ];
        let parts: Vec<&str> = std::iter::once(first.as_str())
            .chain(others.into_iter().flatten().map(String::as_str))
            .collect();
        format!("{}: {}", self.title, parts.join(", "))
    }

    /// For a terminal that is so many columns wide.
    pub(crate) fn in_line(&self, columns: usize, colour: bool) -> String {
        let room = columns.saturating_sub(1);
        let [short_wait, long_wait] = self.wait.clone().unwrap_or_default();
        let percent = self.percent();
        let count = format!("{} {}", self.count, self.unit);
        // The most important first; each takes the place of what was chosen for its part before.
        let steps = [
            (LinePart::Count, percent.clone()),
            (LinePart::Wait, Some(short_wait)),
            (LinePart::Count, Some(self.count.clone())),
            (LinePart::Wait, Some(long_wait)),
            (LinePart::Left, self.left.clone()),
            (LinePart::Rate, self.rate.clone()),
            (LinePart::Retries, self.retries.clone()),
            (LinePart::Count, Some(count.clone())),
            (LinePart::Title, Some(self.title.to_owned())),
            (
                LinePart::Count,
                percent.map(|percent| format!("{percent:>4}  {count}")),
            ),
        ];
        let mut line = FittedLine::default();
        for (part, text) in steps {
            line.take(part, text.unwrap_or_default(), room);
        }
        if let Some(share) = self.share {
            let free = room.saturating_sub(line.columns() + GAP);
            if free >= BAR.0 {
                line.take(LinePart::Bar, bar(share, free.min(BAR.1)), room);
            }
        }
        line.text(colour)
    }

    fn percent(&self) -> Option<String> {
        // Rounded down: 100% is all.
        self.share
            .map(|share| format!("{}%", (share * 100.0).floor().min(100.0)))
    }
}

/// What was chosen so far.
#[derive(Default)]
struct FittedLine([String; 7]);

impl FittedLine {
    fn take(&mut self, part: LinePart, text: String, room: usize) {
        let before = std::mem::replace(&mut self.0[part as usize], text);
        if self.columns() > room {
            self.0[part as usize] = before;
        }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    fn columns(&self) -> usize {
        let texts: usize = self.parts().map(|text| text.chars().count()).sum();
        texts + GAP * self.parts().count().saturating_sub(1)
    }

    fn text(mut self, colour: bool) -> String {
        let wait = &mut self.0[LinePart::Wait as usize];
        if colour && !wait.is_empty() {
            *wait = format!("{YELLOW}{wait}{PLAIN}");
        }
        self.parts().collect::<Vec<_>>().join("  ")
    }
}

fn bar(share: f64, columns: usize) -> String {
    let inside = columns - 2;
    let full = ((share.clamp(0.0, 1.0) * inside as f64) as usize).min(inside);
    let tip = if full < inside { ">" } else { "" };
    format!("[{:<inside$}]", format!("{}{tip}", "=".repeat(full)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use pkb_core::monitor::{Wait, Why};

    fn words(done: u64, total: u64, retries: u64, why: Option<Why>) -> ProgressWords {
        let start = Instant::now();
        let now = start + Duration::from_secs(30);
        let mut pace = Pace::start(start);
        pace.note(now, done);
        let snapshot = Snapshot {
            done,
            total,
            saved: 0,
            retries,
            unnamed_answers: 0,
            notes: Vec::new(),
            waited: Duration::ZERO,
            wait: why.map(|why| Wait {
                why,
                since: start,
                until: Some(now + Duration::from_secs(30)),
            }),
        };
        ProgressWords::of("pkb-letters", "rows", &snapshot, &pace, now)
    }

    #[test]
    fn with_less_room_the_less_important_is_left_out() {
        let waiting = words(163_840, 400_000, 12, Some(Why::AskedBy("PKB")));
        for (columns, line) in [
            (
                140,
                "pkb-letters  [=========>              ]   40%  163,840 of 400,000 rows  5,461/s  43 s left  12 retries  waiting 30 s, asked by PKB",
            ),
            (
                120,
                "pkb-letters  [=====>       ]   40%  163,840 of 400,000 rows  5,461/s  43 s left  12 retries  waiting 30 s, asked by PKB",
            ),
            (
                80,
                "163,840 of 400,000  5,461/s  43 s left  12 retries  waiting 30 s, asked by PKB",
            ),
            (40, "163,840 of 400,000  5,461/s  waits 30 s"),
            (32, "163,840 of 400,000  waits 30 s"),
            (20, "40%  waits 30 s"),
            (10, "40%"),
            (3, ""),
        ] {
            assert_eq!(waiting.in_line(columns, false), line, "{columns}");
        }
        let working = words(163_840, 400_000, 0, None);
        assert_eq!(working.in_line(20, false), "163,840 of 400,000");
        assert_eq!(
            working.in_line(40, false),
            "163,840 of 400,000  5,461/s  43 s left"
        );
    }

    #[test]
    fn a_log_has_all_of_it() {
        let waiting = words(163_840, 400_000, 1, Some(Why::AskedBy("PKB")));
        assert_eq!(
            waiting.in_full(),
            "pkb-letters: 163,840 of 400,000 rows (40%), 5,461/s, 43 s left, 1 retry, waiting 30 s, asked by PKB"
        );
        let first = words(0, 0, 0, None);
        assert_eq!(first.in_full(), "pkb-letters: 0 rows");
    }

    #[test]
    fn the_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0.0, 12), "[>         ]");
        assert_eq!(bar(0.999, 12), "[=========>]");
        assert_eq!(bar(1.0, 12), "[==========]");
        assert_eq!(words(399_999, 400_000, 0, None).percent().unwrap(), "99%");
    }

    proptest! {
        #[test]
        fn a_line_never_reaches_the_last_column(
            columns in 0_usize..200,
            done in 0_u64..10_000_000,
            more in 0_u64..10_000_000,
            retries in 0_u64..100_000,
            cause in proptest::option::of("[a-z ]{0,80}"),
        ) {
            let words = words(done, done + more, retries, cause.map(Why::Outage));
            let line = words.in_line(columns, false);
            prop_assert!(line.is_empty() || line.chars().count() < columns, "{line}");
            let coloured = words.in_line(columns, true).replace(YELLOW, "").replace(PLAIN, "");
            prop_assert_eq!(line, coloured);
        }
    }
}
