//! Counts what became of each row, and says so at the end.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

use crate::{ExitCode, Kind, Outcome, Reason, StageName};

/// What a stage did with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Did its work on it.
    Advanced,
    /// Had done its work on it in an earlier run.
    AlreadyDone,
    /// Found that an earlier stage has not done its work yet.
    NotReady,
    /// Found that there is nothing to do for it.
    NotConcerned,
    /// Stopped it, or found it stopped: the outcome is in the record.
    Stopped,
}

/// Counts of one run of one stage.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    rows_in: u64,
    rows_out: u64,
    advanced: u64,
    already_done: u64,
    not_ready: u64,
    not_concerned: u64,
    stopped: BTreeMap<(StageName, Kind, Reason), u64>,
}

impl Tally {
    /// Counts a row that was read.
    pub fn count_in(&mut self) {
        self.rows_in += 1;
    }

    /// Counts a row that was written, by what became of it.
    pub fn count_out(&mut self, settled: Settled, outcome: Option<&Outcome>) {
        self.rows_out += 1;
        match (settled, outcome) {
            (Settled::Advanced, _) => self.advanced += 1,
            (Settled::AlreadyDone, _) => self.already_done += 1,
            (Settled::NotConcerned, _) => self.not_concerned += 1,
            (Settled::Stopped, Some(o)) => {
                *self.stopped.entry((o.stage, o.kind, o.reason)).or_default() += 1;
            }
            (Settled::NotReady | Settled::Stopped, _) => self.not_ready += 1,
        }
    }

    /// Rows read so far.
    pub fn rows_in(&self) -> u64 {
        self.rows_in
    }

    /// Rows written so far.
    pub fn rows_out(&self) -> u64 {
        self.rows_out
    }

    /// Rows that stopped for `reason`, at any stage.
    pub fn stopped_for(&self, reason: Reason) -> u64 {
        self.stopped
            .iter()
            .filter(|((_, _, r), _)| *r == reason)
            .map(|(_, count)| count)
            .sum()
    }

    /// How the run went, for the shell. All rows of the stream count, also those that an earlier
    /// stage stopped, so that the last stage of a pipeline speaks for the whole campaign.
    pub fn exit_code(&self) -> ExitCode {
        let any =
            |test: fn(Reason) -> bool| self.stopped.keys().any(|(_, _, reason)| test(*reason));
        if self.stopped_for(Reason::NotUnderstood) > 0 {
            ExitCode::NotUnderstood
        } else if any(Reason::is_transient) {
            ExitCode::TryLater
        } else if self.not_ready > 0 || any(|reason| reason.kind() != Kind::Excluded) {
            ExitCode::SomeRowsRejected
        } else {
            ExitCode::Done
        }
    }

    /// The summary of a run of `stage` that took `elapsed`.
    pub fn summary(&self, stage: StageName, elapsed: Duration) -> Summary {
        Summary {
            stage,
            rows_in: self.rows_in,
            rows_out: self.rows_out,
            advanced: self.advanced,
            already_done: self.already_done,
            not_ready: self.not_ready,
            not_concerned: self.not_concerned,
            outcomes: self
                .stopped
                .iter()
                .map(|(&(stage, kind, reason), &rows)| OutcomeCount {
                    stage,
                    kind,
                    reason,
                    rows,
                })
                .collect(),
            seconds: elapsed.as_secs_f64(),
        }
    }
}

/// What `--summary FILE` holds and what stands on stderr at the end.
#[derive(Debug, Serialize)]
pub struct Summary {
    stage: StageName,
    rows_in: u64,
    rows_out: u64,
    advanced: u64,
    already_done: u64,
    not_ready: u64,
    #[serde(skip_serializing_if = "is_zero")]
    not_concerned: u64,
    outcomes: Vec<OutcomeCount>,
    seconds: f64,
}

/// Most stages have something to do for every record.
fn is_zero(rows: &u64) -> bool {
    *rows == 0
}

#[derive(Debug, Serialize)]
struct OutcomeCount {
    stage: StageName,
    kind: Kind,
    reason: Reason,
    rows: u64,
}

/// What a stage calls its own work, in the summary.
fn deed(stage: StageName) -> &'static str {
    match stage {
        StageName::Upload => "checked and uploaded or prepared",
        StageName::Resolve => "found at PKB and may be invited",
        StageName::Tokens => "given an invitation code and an access code",
        StageName::Letters => "given a letter or a text message",
        StageName::Sms => "texted through GOV.UK Notify",
        StageName::Post => "given to GOV.UK Notify to be posted",
        StageName::Recheck => "invited, and asked about again",
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.stage.program();
        writeln!(
            f,
            "{program}: {} rows in, {} rows out, {:.1} s",
            self.rows_in, self.rows_out, self.seconds
        )?;
        let width = self.rows_out.to_string().len();
        let mut line = |rows: u64, what: &str| {
            if rows == 0 {
                Ok(())
            } else {
                writeln!(f, "  {rows:>width$}  {what}")
            }
        };
        line(self.advanced, deed(self.stage))?;
        line(self.already_done, "done in an earlier run")?;
        line(
            self.not_ready,
            "not ready: an earlier stage has not worked on them yet",
        )?;
        line(self.not_concerned, "go another way")?;
        // Only the last stage accounts for what the others stopped: in a pipeline each has said so
        // itself a moment ago.
        let is_mine =
            |count: &&OutcomeCount| count.stage == self.stage || self.stage >= StageName::Letters;
        let earlier: u64 = self
            .outcomes
            .iter()
            .filter(|count| !is_mine(count))
            .map(|count| count.rows)
            .sum();
        line(earlier, "stopped by an earlier stage")?;
        for count in self.outcomes.iter().filter(is_mine) {
            let at = if count.stage == self.stage {
                String::new()
            } else {
                format!(" by {}", count.stage.program())
            };
            let (kind, reason) = (count.kind.as_str(), count.reason.as_str());
            line(
                count.rows,
                &format!("{kind}{at}: {reason} ({})", count.reason.advice()),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn tally_of(reasons: &[Reason]) -> Tally {
        let mut tally = Tally::default();
        for reason in reasons {
            let outcome = Verdict::from(*reason).at(StageName::Resolve);
            tally.count_in();
            tally.count_out(Settled::Stopped, Some(&outcome));
        }
        tally
    }

    #[test]
    fn the_exit_code_says_the_most_pressing_thing() {
        for (reasons, code) in [
            (&[][..], ExitCode::Done),
            (&[Reason::Deceased], ExitCode::Done),
            (
                &[Reason::Deceased, Reason::BadName],
                ExitCode::SomeRowsRejected,
            ),
            (&[Reason::MissingGlyph], ExitCode::SomeRowsRejected),
            (&[Reason::BadName, Reason::Unavailable], ExitCode::TryLater),
            (
                &[Reason::Unavailable, Reason::NotUnderstood],
                ExitCode::NotUnderstood,
            ),
        ] {
            assert_eq!(tally_of(reasons).exit_code(), code);
        }
    }

    #[test]
    fn the_summary_adds_up() {
        let mut tally = tally_of(&[Reason::Deceased, Reason::Deceased, Reason::NotFound]);
        tally.count_in();
        tally.count_out(Settled::Advanced, None);
        let text = tally
            .summary(StageName::Resolve, Duration::from_secs(2))
            .to_string();
        let numbers: Vec<u64> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert_eq!(numbers.len(), 3);
        assert_eq!(numbers.iter().sum::<u64>(), tally.rows_out());
    }
}
