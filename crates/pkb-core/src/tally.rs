//! Counts what became of each row.

use std::collections::BTreeMap;

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

/// What is counted of an outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct What((StageName, Kind, Reason));

impl What {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self((outcome.stage, outcome.kind, outcome.reason))
    }
}

/// Counts of one run of one stage.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub(crate) rows_in: u64,
    pub(crate) rows_out: u64,
    pub(crate) advanced: u64,
    pub(crate) already_done: u64,
    pub(crate) not_ready: u64,
    pub(crate) not_concerned: u64,
    stopped: BTreeMap<(StageName, Kind, Reason), u64>,
}

impl Tally {
    /// Counts a row that was read.
    pub fn count_in(&mut self) {
        self.rows_in += 1;
    }

    /// As [`Self::count_as`], for tests.
    #[cfg(test)]
    pub(crate) fn count_out(&mut self, settled: Settled, outcome: Option<&Outcome>) {
        self.count_as(settled, outcome.map(What::of));
    }

    /// Counts a row that was written, by what became of it.
    pub(crate) fn count_as(&mut self, settled: Settled, stopped: Option<What>) {
        self.rows_out += 1;
        match (settled, stopped) {
            (Settled::Advanced, _) => self.advanced += 1,
            (Settled::AlreadyDone, _) => self.already_done += 1,
            (Settled::NotConcerned, _) => self.not_concerned += 1,
            (Settled::Stopped, Some(what)) => *self.stopped.entry(what.0).or_default() += 1,
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

    /// Rows that were stopped: where, what that asks of the operator, why, and how many.
    pub fn stopped(&self) -> impl Iterator<Item = ((StageName, Kind, Reason), u64)> {
        self.stopped.iter().map(|(&what, &rows)| (what, rows))
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
}
