//! What the journal says of batches, so that nobody gets a message twice and nobody is missed.
//!
//! NHS Notify takes a batch once for each reference. So before each call the journal gets the reference and the rows
//! (`begin`). An answer ends what is unknown: `taken` has the ids, `not` says that this call took nothing, and `end` that
//! nothing else of the batch was taken. A run that finds rows without an end sends them again under the same reference:
//! NHS Notify then says whether it has them.
//!
//! A reference is made of the references of its messages, which are made of the codes. It is the same in each run, and says nothing
//! of a patient.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use pkb_core::{
    Fatal,
    record::{NotificationId, opaque_name},
};
use pkb_files::journal::Key;
use serde_json::{Value, json};

/// Rows in one line of the journal: a line has at most 1 MiB.
const ROWS_A_LINE: usize = 5_000;
/// Characters of the reference of a batch.
pub(super) const REFERENCE_LENGTH: usize = 26;

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum RowState {
    /// Nothing was sent.
    #[default]
    Free,
    /// It was in a call of this batch whose answer is not known.
    Open(Arc<str>),
    /// NHS Notify has it. Without an id, its answer was lost.
    Taken(Taken),
}

/// A message that NHS Notify has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// The reference of its batch.
    pub(super) batch: Arc<str>,
    pub(super) id: Option<NotificationId>,
    pub(super) at: Timestamp,
}

#[derive(Debug, Default)]
struct Row {
    state: RowState,
    /// Batches in which it has been.
    batches: u32,
}

/// A call of a batch whose answer is not known.
#[derive(Debug)]
struct Call {
    /// The mark of the request.
    mark: String,
    rows: HashSet<Key>,
}

#[derive(Debug)]
struct Begun {
    at: Timestamp,
    calls: Vec<Call>,
}

/// What is known of rows and batches.
#[derive(Debug, Default)]
pub(super) struct Batches {
    rows: HashMap<Key, Row>,
    begun: HashMap<Arc<str>, Begun>,
}

impl Batches {
    /// Where a row stands.
    pub(super) fn state(&self, key: Key) -> RowState {
        let row = self.rows.get(&key);
        row.map(|row| row.state.clone()).unwrap_or_default()
    }

    /// Whether nobody can say what became of a row: it was begun before `oldest`, or an open batch was called with it and without
    /// it.
    pub(super) fn is_doubtful(&self, key: Key, oldest: Timestamp) -> bool {
        let RowState::Open(batch) = self.state(key) else {
            return false;
        };
        self.begun.get(&batch).is_some_and(|begun| {
            begun.at < oldest || begun.calls.iter().any(|call| !call.rows.contains(&key))
        })
    }

    /// Whether the answer of an earlier call of a batch is unknown.
    pub(super) fn is_open(&self, batch: &str) -> bool {
        self.begun.contains_key(batch)
    }

    /// Whether all unknown calls of a batch were this same request.
    pub(super) fn is_same_request(&self, batch: &str, mark: &str) -> bool {
        let begun = self.begun.get(batch);
        begun.is_none_or(|begun| begun.calls.iter().all(|call| call.mark == mark))
    }

    /// Whether a request is one of the unknown calls of its batch.
    pub(super) fn is_noted(&self, batch: &str, mark: &str) -> bool {
        let begun = self.begun.get(batch);
        begun.is_some_and(|begun| begun.calls.iter().any(|call| call.mark == mark))
    }

    /// The reference of a new batch of these rows, made of the references of its messages. It is a different one for rows that were
    /// in a batch before, and for those that somebody has resent.
    pub(super) fn reference(&self, keys: &[Key], messages: &[&str], is_resent: bool) -> Arc<str> {
        let batches = |key| self.rows.get(key).map_or(0, |row| row.batches);
        let before = keys.iter().map(batches).max().unwrap_or_default();
        let before = format!("{}{before}", if is_resent { "resent-" } else { "" });
        let parts: Vec<&str> = ["pkb-nhs-batch/1", before.as_str()]
            .into_iter()
            .chain(messages.iter().copied())
            .collect();
        opaque_name(&parts, REFERENCE_LENGTH).into()
    }

    /// The rows of a batch that NHS Notify has for certain, now that it has said that it has the batch: those of all calls that it
    /// may have taken.
    pub(super) fn certain(&self, batch: &str, key: Key) -> bool {
        let begun = self.begun.get(batch);
        begun.is_some_and(|begun| begun.calls.iter().all(|call| call.rows.contains(&key)))
    }

    /// A row was settled: nothing of it is open.
    pub(super) fn settle(&mut self, key: Key) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.state = RowState::Free;
        }
    }

    /// Somebody has decided that a row was not sent.
    pub(super) fn release(&mut self, key: Key) {
        self.settle(key);
    }

    /// NHS Notify has a batch, and has not told the ids.
    pub(super) fn take_without_id(&mut self, key: Key, batch: &Arc<str>, at: Timestamp) {
        let row = self.rows.entry(key).or_default();
        row.state = RowState::Taken(Taken {
            batch: Arc::clone(batch),
            id: None,
            at,
        });
    }

    fn begin(&mut self, batch: Arc<str>, mark: &str, at: Timestamp, keys: &[Key]) {
        for key in keys {
            let row = self.rows.entry(*key).or_default();
            if row.state != RowState::Open(Arc::clone(&batch)) {
                row.batches += 1;
            }
            row.state = RowState::Open(Arc::clone(&batch));
        }
        let calls = Vec::new();
        let begun = self.begun.entry(batch).or_insert(Begun { at, calls });
        match begun.calls.iter_mut().find(|call| call.mark == mark) {
            Some(call) => call.rows.extend(keys),
            None => begun.calls.push(Call {
                mark: mark.to_owned(),
                rows: keys.iter().copied().collect(),
            }),
        }
    }

    /// A call took nothing.
    fn drop_call(&mut self, batch: &str, mark: &str) {
        if let Some(begun) = self.begun.get_mut(batch) {
            begun.calls.retain(|call| call.mark != mark);
        }
    }

    /// Nothing else of a batch was taken. After a clash its rows count as never sent in it.
    fn end(&mut self, batch: &str, is_clash: bool) {
        let Some(begun) = self.begun.remove(batch) else {
            return;
        };
        for key in begun.calls.into_iter().flat_map(|call| call.rows) {
            self.free(batch, key, is_clash);
        }
    }

    fn free(&mut self, batch: &str, key: Key, is_clash: bool) {
        if let Some(row) = self.rows.get_mut(&key)
            && matches!(&row.state, RowState::Open(open) if **open == *batch)
        {
            row.state = RowState::Free;
            row.batches -= u32::from(is_clash);
        }
    }

    /// Sees a note of an earlier run, or of this one.
    ///
    /// # Errors
    /// It is damaged.
    pub(super) fn recall(&mut self, note: &Value) -> Result<(), Fatal> {
        self.read(note)
            .ok_or_else(|| Fatal::Input("an intent of the journal is damaged".into()))
    }

    fn read(&mut self, note: &Value) -> Option<()> {
        let batch = note["batch"].as_str()?;
        let name = || -> Arc<str> { batch.into() };
        match note["nhs"].as_str()? {
            "begin" => {
                let keys = note["rows"].as_array()?.iter();
                let keys: Vec<Key> = keys
                    .map(|key| Key::from_hex(key.as_str()?))
                    .collect::<Option<_>>()?;
                let at = note["at"].as_str()?.parse().ok()?;
                self.begin(name(), note["mark"].as_str()?, at, &keys);
            }
            "taken" => {
                let at = note["at"].as_str()?.parse().ok()?;
                for row in note["rows"].as_array()? {
                    let key = Key::from_hex(row[0].as_str()?)?;
                    let id = NotificationId::ksuid(row[1].as_str()?)?;
                    let batch = name();
                    let id = Some(id);
                    self.rows.entry(key).or_default().state =
                        RowState::Taken(Taken { batch, id, at });
                }
            }
            "not" => self.drop_call(batch, note["mark"].as_str()?),
            "end" => self.end(batch, false),
            "clash" => self.end(batch, true),
            _ => return None,
        }
        Some(())
    }
}

/// What to note before a call.
pub(super) fn begin<'a>(
    batch: &'a str,
    mark: &'a str,
    at: Timestamp,
    keys: &'a [Key],
) -> impl Iterator<Item = Value> + 'a {
    keys.chunks(ROWS_A_LINE).map(move |keys| {
        let rows: Vec<String> = keys.iter().map(|key| key.expose_hex()).collect();
        json!({"nhs": "begin", "batch": batch, "mark": mark, "at": at, "rows": rows})
    })
}

/// What to note when NHS Notify has told the ids of the messages of a batch; then comes [`end`].
pub(super) fn taken<'a>(
    batch: &'a str,
    at: Timestamp,
    rows: &'a [(Key, NotificationId)],
) -> impl Iterator<Item = Value> + 'a {
    rows.chunks(ROWS_A_LINE).map(move |rows| {
        let rows = rows.iter();
        let rows: Vec<Value> = rows
            .map(|(key, id)| json!([key.expose_hex(), id.as_str()]))
            .collect();
        json!({"nhs": "taken", "batch": batch, "at": at, "rows": rows})
    })
}

/// What to note when a call took nothing.
pub(super) fn not(batch: &str, mark: &str) -> Value {
    json!({"nhs": "not", "batch": batch, "mark": mark})
}

/// What to note when nothing else of a batch was taken.
pub(super) fn end(batch: &str) -> Value {
    json!({"nhs": "end", "batch": batch})
}

/// What to note when NHS Notify had a batch before we sent it.
pub(super) fn clash(batch: &str) -> Value {
    json!({"nhs": "clash", "batch": batch})
}

#[cfg(test)]
#[path = "batches_tests.rs"]
mod tests;
