//! What earlier runs have sent, according to the journal.
//!
//! Before a batch is sent its name, SHA-256 and the keys of its rows are noted, in the order of its lines, and where each patient
//! stood at PKB before; then what PKB says of it: the id by which it is known while PKB works on it, and the report. If the run breaks
//! off before the report is in the journal, nobody knows what PKB has taken: the rows are unsettled until a later run has found out.

pub mod notes;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use pkb_client::upload::UploadId;
use pkb_core::Fatal;
use pkb_files::journal::Key;
use serde_json::Value;

use crate::comparison::StateAtPkb;

/// A batch that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunBatch {
    /// Its file name.
    pub name: String,
    /// Whether e-mail addresses were in it: PKB sends invitations to those.
    pub emails: bool,
    /// When it was sent.
    pub at: Timestamp,
}

/// A row of such a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BegunRow {
    /// Its key.
    pub key: Key,
    /// Its line in the batch, the header being 1.
    pub line: u64,
    /// Where its patient stood at PKB before, and what the upload changes there; `None` if nobody asked.
    pub before: Option<StateAtPkb>,
}

/// What PKB has said of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Answered {
    /// Nothing that serves.
    #[default]
    No,
    /// It works on it, and calls it this.
    Accepted(UploadId),
    /// It is done, and has not taken these lines.
    Reported(HashSet<u64>),
}

/// A batch with rows that are not settled.
#[derive(Debug, Clone)]
pub struct UnsettledBatch {
    /// The batch.
    pub batch: BegunBatch,
    /// How many rows it had.
    pub sent: u64,
    /// What PKB has said of it.
    pub answered: Answered,
    /// The rows that are not settled, in the order of their lines.
    pub rows: Vec<BegunRow>,
    /// What is known of the others.
    pub taken: Taken,
}

/// The rows of a batch that earlier runs have found at PKB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many.
    pub rows: u64,
    /// The last of their lines; 1 if there are none.
    pub last_line: u64,
    /// How many rows of the batch were there when it was last asked, and since when: that number has to settle.
    pub there: (u64, Timestamp),
}

impl Taken {
    /// Of a batch that was sent at `at`, and of which nothing is known.
    pub fn nothing(at: Timestamp) -> Self {
        Self {
            rows: 0,
            last_line: 1,
            there: (0, at),
        }
    }
}

/// What earlier runs have sent.
#[derive(Debug)]
pub struct SentBefore {
    /// What the names of batches begin with.
    campaign: String,
    begun: Vec<Begun>,
    /// The last batch that each row was in (its place in `begun`), and the row.
    unsettled: HashMap<Key, (usize, BegunRow)>,
    /// Some rows that are settled because PKB has them.
    at_pkb: Vec<Key>,
    /// Number of the last batch.
    last: u64,
}

#[derive(Debug)]
struct Begun {
    batch: BegunBatch,
    answered: Answered,
    taken: Taken,
    /// Line of the last row that was noted.
    last_line: u64,
}

/// Rows that are remembered to be at PKB: enough to see whether PKB shows any such patient.
const REMEMBERED: usize = 20;

impl SentBefore {
    /// Nothing yet. The names of batches begin with `campaign`.
    pub fn new(campaign: String) -> Self {
        Self {
            campaign,
            begun: Vec::new(),
            unsettled: HashMap::new(),
            at_pkb: Vec::new(),
            last: 0,
        }
    }

    /// Reads what was noted of a batch.
    ///
    /// # Errors
    /// It is malformed.
    pub fn begun(&mut self, intent: &Value) -> Result<(), Fatal> {
        self.read(intent)
            .ok_or_else(|| Fatal::Input("an intent is malformed".into()))
    }

    fn read(&mut self, intent: &Value) -> Option<()> {
        let name = intent["batch"].as_str()?;
        self.count(name);
        let at = self.begun.iter().rposition(|at| at.batch.name == name);
        if intent["withdrawn"] == true {
            self.unsettled.retain(|_, (batch, _)| Some(*batch) != at);
            return Some(());
        }
        if let Some(keys) = intent.get("rows") {
            let at = at.map_or_else(|| self.add(name, intent), Some)?;
            return self.read_rows(at, keys.as_array()?, &intent["before"]);
        }
        let begun = &mut self.begun[at?];
        if let Some(id) = intent.get("accepted") {
            begun.answered = Answered::Accepted(UploadId::parse(id.as_str()?)?);
        } else if let Some(lines) = intent.get("refused") {
            let lines = lines.as_array()?.iter().map(Value::as_u64);
            begun.answered = Answered::Reported(lines.collect::<Option<_>>()?);
        } else if let Some(there) = intent.get("there") {
            begun.taken.there = (there.as_u64()?, moment(&intent["at"])?);
        } else if intent["no_report"] == true {
            begun.answered = Answered::No;
        } else {
            return None;
        }
        Some(())
    }

    fn add(&mut self, name: &str, intent: &Value) -> Option<usize> {
        let at = moment(&intent["at"])?;
        self.begun.push(Begun {
            batch: BegunBatch {
                name: name.to_owned(),
                emails: intent["emails"].as_bool().unwrap_or(true),
                at,
            },
            answered: Answered::No,
            taken: Taken::nothing(at),
            last_line: 1,
        });
        Some(self.begun.len() - 1)
    }

    fn read_rows(&mut self, at: usize, keys: &[Value], before: &Value) -> Option<()> {
        let before = before.as_array()?;
        if before.len() != keys.len() {
            return None;
        }
        for (key, before) in keys.iter().zip(before) {
            self.begun[at].last_line += 1;
            let row = BegunRow {
                key: Key::from_hex(key.as_str()?)?,
                line: self.begun[at].last_line,
                before: match before {
                    Value::Null => None,
                    standing => Some(StateAtPkb::from_json(standing)?),
                },
            };
            self.unsettled.insert(row.key, (at, row));
        }
        Some(())
    }

    /// A row that an earlier run settled: in `batch` if PKB has it.
    pub fn settled(&mut self, key: Key, batch: Option<&str>) {
        let unsettled = self.unsettled.remove(&key);
        let Some(batch) = batch else { return };
        self.count(batch);
        if let Some((at, row)) = unsettled
            && self.begun[at].batch.name == batch
        {
            let taken = &mut self.begun[at].taken;
            taken.rows += 1;
            taken.last_line = taken.last_line.max(row.line);
        }
    }

    /// A row that PKB has, as its report said or was found out.
    pub fn note_at_pkb(&mut self, key: Key) {
        if self.at_pkb.len() < REMEMBERED {
            self.at_pkb.push(key);
        }
    }

    /// Some of the rows that PKB has.
    pub fn at_pkb(&self) -> &[Key] {
        &self.at_pkb
    }

    /// The name of the batch in which a row may or may not have been sent.
    pub fn unsettled(&self, key: Key) -> Option<&str> {
        let (at, _) = self.unsettled.get(&key)?;
        Some(&self.begun[*at].batch.name)
    }

    /// Where the patient of an unsettled row stood before it was sent.
    pub fn before(&self, key: Key) -> Option<StateAtPkb> {
        self.unsettled.get(&key)?.1.before
    }

    /// All batches with rows that are not settled, in the order in which they were sent.
    pub fn unsettled_batches(&self) -> Vec<UnsettledBatch> {
        let mut rows: Vec<Vec<BegunRow>> = vec![Vec::new(); self.begun.len()];
        for (at, row) in self.unsettled.values() {
            rows[*at].push(*row);
        }
        let batches = self.begun.iter().zip(rows);
        let unsettled = batches.filter(|(_, rows)| !rows.is_empty());
        unsettled
            .map(|(begun, mut rows)| {
                rows.sort_unstable_by_key(|row| row.line);
                UnsettledBatch {
                    batch: begun.batch.clone(),
                    sent: begun.last_line - 1,
                    answered: begun.answered.clone(),
                    rows,
                    taken: begun.taken,
                }
            })
            .collect()
    }

    /// A name that no batch has had.
    pub fn new_name(&mut self) -> String {
        self.last += 1;
        format!("{}-{:04}.csv", self.campaign, self.last)
    }

    /// Numbers go on whatever the names began with in earlier runs.
    fn count(&mut self, name: &str) {
        let number = name
            .strip_suffix(".csv")
            .and_then(|stem| stem.rsplit_once('-'))
            .and_then(|(_, number)| number.parse::<u32>().ok());
        self.last = self.last.max(number.map_or(0, u64::from));
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
