//! What was found out about a batch that was not answered.

use std::collections::HashMap;

use pkb_files::journal::Key;

use super::evidence::{ArrivalCounts, BatchFinding, BatchRow, Evidence};

/// What was found out.
pub struct Found {
    /// About the batch.
    pub finding: BatchFinding,
    /// Of its rows.
    pub counts: ArrivalCounts,
    /// PKB does not show this client patients who are there.
    pub is_blind: bool,
    /// What each row shows.
    pub(super) rows: HashMap<Key, BatchRow>,
    /// The last line that is known to be taken.
    pub(super) last_taken: u64,
}

impl Found {
    /// Whether a row was taken. A row that shows nothing was, if those behind it were: an import that stops leaves out the rows at the end.
    pub fn is_taken(&self, key: Key) -> bool {
        self.rows.get(&key).is_some_and(|row| {
            let is_before = self.finding == BatchFinding::Whole && row.line <= self.last_taken;
            row.seen == Evidence::Taken || is_before
        })
    }

    /// What is known.
    pub fn words(&self) -> String {
        match (self.finding, self.is_blind) {
            (BatchFinding::Whole, _) => "PKB has taken the batch".to_owned(),
            (BatchFinding::None, _) => format!("PKB has none of its rows: {}", self.counts.words()),
            (BatchFinding::Open, true) => {
                "PKB shows this client none of the patients in the batch, and none of those that PKB has certainly taken".to_owned()
            }
            (BatchFinding::Open, false) => {
                format!("it is not known whether PKB has taken the whole batch: {}", self.counts.words())
            }
        }
    }
}
