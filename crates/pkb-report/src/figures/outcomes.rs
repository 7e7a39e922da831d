//! Why records were stopped, and which.

use std::collections::BTreeMap;

use pkb_core::{Kind, Reason, StageName};

use super::rows::RowSet;
use crate::fields::{Outcome, Row};

/// The rows of one reason at one stage.
#[derive(Debug, Default)]
pub struct ReasonRows {
    /// Stopped for this reason above all.
    pub first: RowSet,
    /// Stopped for another reason; this one would have stopped them, too.
    pub also: RowSet,
}

/// Reasons in the order of the stages.
#[derive(Debug, Default)]
pub struct Outcomes(BTreeMap<(StageName, Kind, Reason), ReasonRows>);

impl Outcomes {
    /// Counts an outcome.
    pub fn count(&mut self, row: &Row<'_>, outcome: &Outcome) {
        let stage = outcome.stage;
        let first = self.rows(stage, outcome.kind, outcome.reason);
        first.first.insert(row);
        for reason in &outcome.also {
            let others = self.rows(stage, reason.kind(), *reason);
            others.also.insert(row);
        }
    }

    fn rows(&mut self, stage: StageName, kind: Kind, reason: Reason) -> &mut ReasonRows {
        self.0.entry((stage, kind, reason)).or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (StageName, Kind, Reason, &ReasonRows)> {
        self.0
            .iter()
            .map(|(&(stage, kind, reason), rows)| (stage, kind, reason, rows))
    }

    /// Whether nothing was stopped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
