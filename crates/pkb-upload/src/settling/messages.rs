//! What the operator is told of a batch that was not answered.

use std::time::Duration;

use pkb_core::{figures::in_words, rows::counted};

use super::evidence::ArrivalCounts;

/// Before PKB is asked.
pub fn asking(batch: &str, rows: usize, settle_for: Duration) -> String {
    let rows = counted(rows as u64, "patient", "patients");
    format!(
        "{batch} was sent and not answered. Asking PKB about {rows} in it. While some have not arrived, this goes on until nothing has \
         changed for {} (--settle-for). To stop: Ctrl-C. The same command continues later",
        in_words(settle_for)
    )
}

impl ArrivalCounts {
    /// Who arrived: `of 250 patients 120 arrived and 130 have not arrived`.
    pub fn words(&self) -> String {
        let parts: Vec<String> = [
            (self.taken, "arrived", "arrived"),
            (self.missing, "has not arrived", "have not arrived"),
            (
                self.perhaps,
                "is at PKB and may have been there before",
                "are at PKB and may have been there before",
            ),
            (self.untold, "got no clear answer", "got no clear answer"),
            (
                self.nothing,
                "cannot be judged, because PKB had the same details before",
                "cannot be judged, because PKB had the same details before",
            ),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let all = counted(self.all(), "patient", "patients");
        format!("of {all} in the batch, {}", pkb_core::rows::listed(&parts))
    }
}
