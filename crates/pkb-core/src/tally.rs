//! Counts what became of each row.

use std::{collections::BTreeMap, fmt};

use crate::{ExitCode, Kind, Outcome, Reason, StageName, figures::grouped};

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

    /// Why nobody was advanced, if there were rows and none of them was, now or in an earlier run. A recheck advances
    /// nobody who has registered or is not due a reminder: it has done its work if PKB has said anything of anybody.
    pub fn nobody_advanced(&self, stage: StageName) -> Option<Nobody> {
        let is_any = self.advanced + self.already_done + self.not_concerned + self.not_ready > 0;
        let is_answer = |what: &(StageName, Kind, Reason)| {
            let (at, kind, reason) = *what;
            stage.follows_up()
                && at == stage
                && kind == Kind::Excluded
                && !matches!(reason, Reason::NotFound | Reason::NoAccess)
        };
        if self.rows_out == 0 || is_any || self.stopped.keys().any(is_answer) {
            return None;
        }
        let mut stopped: Vec<_> = self.stopped().collect();
        // Of as many, the first stage's first.
        stopped.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        Some(Nobody {
            stage,
            rows: self.rows_out,
            stopped,
        })
    }

    /// How the run of `stage` went, for the shell. All rows of the stream count, also those that an earlier
    /// stage stopped, so that the last stage of a pipeline speaks for the whole campaign.
    pub fn exit_code(&self, stage: StageName) -> ExitCode {
        let any =
            |test: fn(Reason) -> bool| self.stopped.keys().any(|(_, _, reason)| test(*reason));
        if self.stopped_for(Reason::NotUnderstood) > 0 {
            ExitCode::NotUnderstood
        } else if any(Reason::is_transient) {
            ExitCode::TryLater
        } else if self.not_ready > 0
            || any(|reason| reason.kind() != Kind::Excluded)
            || self.nobody_advanced(stage).is_some()
        {
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

/// A run that has advanced nobody, and why: for a line on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nobody {
    stage: StageName,
    rows: u64,
    /// What stopped them, and how many, the most first.
    stopped: Vec<((StageName, Kind, Reason), u64)>,
}

/// So many reasons are named.
const NAMED: usize = 3;
/// How the advice on a reason begins for which nobody has to do anything.
const NOTHING_TO_DO: &str = "nothing to do: ";

impl Nobody {
    /// Whether the stage itself has stopped any of them.
    pub fn is_by_the_stage(&self) -> bool {
        self.stopped.iter().any(|((at, ..), _)| *at == self.stage)
    }
}

impl fmt::Display for Nobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no row can go on to the next stage, because ")?;
        for (place, ((at, _, reason), rows)) in self.stopped.iter().take(NAMED).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let are = if *rows == 1 { "is" } else { "are" };
            let of = match (place, self.rows) {
                (0, 1) => " of 1 row".to_owned(),
                (0, rows) => format!(" of {} rows", grouped(rows)),
                _ => String::new(),
            };
            write!(f, "{comma}{}{of} {are} {}", grouped(*rows), reason.as_str())?;
            if *at != self.stage {
                write!(f, " ({})", at.program())?;
            }
        }
        if self.stopped.len() > NAMED {
            write!(f, ", and more rows for other reasons")?;
        }
        match self.stopped.first() {
            Some(((.., Reason::NotFound), _)) => write!(
                f,
                ". PKB may still be processing the upload. What to do: run the same command again later, or run pkb-resolve \
                 with --wait-for-records 2h"
            ),
            Some(((.., reason), _)) => match reason.advice().strip_prefix(NOTHING_TO_DO) {
                Some(why) => write!(f, ". There is nothing to do: {why}"),
                None => write!(f, ". What to do: {}", reason.advice()),
            },
            None => Ok(()),
        }
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
            let mut tally = tally_of(reasons);
            tally.count_in();
            tally.count_out(Settled::Advanced, None);
            assert_eq!(tally.exit_code(StageName::Resolve), code);
        }
    }

    #[test]
    fn a_run_that_advances_nobody_is_not_a_success_and_says_why() {
        let mut many = vec![Reason::NotFound; 1_200];
        many.extend([Reason::NoAccess, Reason::NoAccess, Reason::Deceased]);
        for (reasons, stage, words) in [
            (
                &[Reason::NotFound; 50][..],
                StageName::Resolve,
                "50 of 50 rows are not_found. PKB may still be processing the upload. What to do: run the same command again later, \
                 or run pkb-resolve with --wait-for-records 2h",
            ),
            (
                &[Reason::NoAccess],
                StageName::Tokens,
                "1 of 1 row is no_access (pkb-resolve). What to do: ask PKB for access, if your organisation is entitled to it",
            ),
            (
                &many,
                StageName::Resolve,
                "1,200 of 1,203 rows are not_found, 2 are no_access, 1 is deceased. PKB may still be processing the upload. \
                 What to do: run the same command again later, or run pkb-resolve with --wait-for-records 2h",
            ),
        ] {
            let tally = tally_of(reasons);
            let nobody = tally.nobody_advanced(stage).unwrap();
            assert_eq!(
                nobody.to_string(),
                format!("no row can go on to the next stage, because {words}")
            );
            assert_eq!(nobody.is_by_the_stage(), stage == StageName::Resolve);
            assert_eq!(tally.exit_code(stage), ExitCode::SomeRowsRejected);
        }
    }

    #[test]
    fn who_is_done_goes_another_way_or_has_registered_makes_a_run_a_success() {
        for settled in [
            Settled::Advanced,
            Settled::AlreadyDone,
            Settled::NotConcerned,
        ] {
            let mut tally = tally_of(&[Reason::NotFound; 9]);
            tally.count_in();
            tally.count_out(settled, None);
            assert_eq!(tally.exit_code(StageName::Resolve), ExitCode::Done);
        }
        assert_eq!(
            Tally::default().exit_code(StageName::Resolve),
            ExitCode::Done
        );
        let rechecked = |reason: Reason| {
            let mut tally = Tally::default();
            let outcome = Verdict::from(reason).at(StageName::Recheck);
            tally.count_in();
            tally.count_out(Settled::Stopped, Some(&outcome));
            tally.exit_code(StageName::Recheck)
        };
        for answer in [
            Reason::Registered,
            Reason::NotDue,
            Reason::Reminded,
            Reason::Deceased,
        ] {
            assert_eq!(rechecked(answer), ExitCode::Done, "{}", answer.as_str());
        }
        for none in [Reason::NotFound, Reason::NoAccess] {
            assert_eq!(rechecked(none), ExitCode::SomeRowsRejected);
        }
    }
}
