//! What is noted of a batch in the journal, a line each.

use std::collections::HashSet;

use jiff::Timestamp;
use pkb_client::upload::UploadId;
use serde_json::{Value, json};

use super::{BegunBatch, BegunRow};
use crate::comparison::StateAtPkb;

/// Keys in one line of the journal: a line has at most 1 MiB.
pub const KEYS_A_LINE: usize = 10_000;

/// What to note before a batch is sent.
pub fn intents(batch: &BegunBatch, sha256: &str, rows: &[BegunRow]) -> impl Iterator<Item = Value> {
    rows.chunks(KEYS_A_LINE).map(move |rows| {
        let keys: Vec<String> = rows.iter().map(|row| row.key.expose_hex()).collect();
        let before = rows.iter().map(|row| row.before.map(StateAtPkb::to_json));
        let before: Vec<Option<Value>> = before.collect();
        json!({
            "batch": batch.name, "sha256": sha256, "emails": batch.emails, "at": batch.at, "rows": keys, "before": before,
        })
    })
}

/// What to note when PKB has accepted a batch and works on it.
pub fn acceptance(batch: &str, id: &UploadId) -> Value {
    json!({ "batch": batch, "accepted": id.as_str() })
}

/// What to note when PKB is done with a batch, but for these lines.
pub fn report(batch: &str, refused: &HashSet<u64>) -> Value {
    let mut refused: Vec<u64> = refused.iter().copied().collect();
    refused.sort_unstable();
    json!({ "batch": batch, "refused": refused })
}

/// What to note when PKB's report on a batch cannot be used, or PKB no longer knows it.
pub fn no_report(batch: &str) -> Value {
    json!({ "batch": batch, "no_report": true })
}

/// What to note when so many rows of an unanswered batch are at PKB, since `at`.
pub fn there(batch: &str, rows: u64, at: Timestamp) -> Value {
    json!({ "batch": batch, "there": rows, "at": at })
}

/// What to note when a batch that was about to be sent certainly was not taken.
pub fn withdrawal(batch: &str) -> Value {
    json!({ "batch": batch, "withdrawn": true })
}
