//! What an earlier run has found out, from its journal. After each part of the patients that PKB was asked about a line is
//! noted, with the keys of those who may be uploaded; of those who may not, PKB is asked again, because its record or the file
//! may be corrected. What PKB had of a patient before an upload that was not answered cannot be asked any more: for those rows
//! a note never becomes too old.

use std::collections::HashSet;

use foldhash::HashMap;
use jiff::Timestamp;
use pkb_core::{Clock, Fatal, record::Compared};
use pkb_files::journal::Key;
use serde_json::{Map, Value, json};
use std::time::Duration;

use super::differences::Differences;
use crate::pkb_file::SentColumns;

/// The field by which such a line is known.
pub const FIELD: &str = "compared";
/// For how long an answer serves.
const SERVES: Duration = Duration::from_secs(24 * 3600);

/// Where a patient stands who may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateAtPkb {
    /// PKB has no record.
    New,
    /// PKB has a record and does not show it.
    NoAccess,
    /// PKB has a record, which differs in this.
    Known(Differences),
}

impl StateAtPkb {
    /// The same with those differences alone that an upload changes.
    pub fn changed_by(self, sent: SentColumns) -> Self {
        match self {
            Self::Known(differences) => Self::Known(differences.made_by(sent)),
            other => other,
        }
    }

    /// The same for a record.
    pub fn compared(self) -> Compared {
        match self {
            Self::New => Compared::New,
            Self::NoAccess => Compared::NoAccess,
            Self::Known(_) => Compared::Known,
        }
    }

    /// The same for the journal.
    pub fn to_json(self) -> Value {
        match self {
            Self::New => "new".into(),
            Self::NoAccess => "no_access".into(),
            Self::Known(differences) => differences.number().into(),
        }
    }

    /// Reads what [`Self::to_json`] gave; `None` for anything else.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(word) if word == "new" => Some(Self::New),
            Value::String(word) if word == "no_access" => Some(Self::NoAccess),
            number => Differences::from_number(number.as_u64()?).map(Self::Known),
        }
    }
}

/// The line to be noted about `rows`, asked for at `at`.
pub fn note(at: Timestamp, rows: &[(Key, StateAtPkb)]) -> Value {
    let of = |wanted: StateAtPkb| -> Vec<String> {
        let rows = rows.iter().filter(|(_, standing)| *standing == wanted);
        rows.map(|(key, _)| key.expose_hex()).collect()
    };
    let known: Map<String, Value> = rows
        .iter()
        .filter_map(|(key, standing)| match standing {
            StateAtPkb::Known(differences) => Some((key.expose_hex(), differences.number().into())),
            StateAtPkb::New | StateAtPkb::NoAccess => None,
        })
        .collect();
    json!({ FIELD: { "at": at, "new": of(StateAtPkb::New), "no_access": of(StateAtPkb::NoAccess), "known": known } })
}

/// What the journal says about rows of earlier runs.
#[derive(Debug, Default)]
pub struct Noted {
    standings: HashMap<Key, (Timestamp, StateAtPkb)>,
    /// Rows that need no upload any more.
    settled: HashSet<Key>,
}

impl Noted {
    /// Reads a line.
    ///
    /// # Errors
    /// It is malformed.
    pub fn read(&mut self, line: &Value) -> Result<(), Fatal> {
        self.read_line(&line[FIELD])
            .ok_or_else(|| Fatal::Input("a note of a comparison is malformed".into()))
    }

    fn read_line(&mut self, line: &Value) -> Option<()> {
        let at: Timestamp = line["at"].as_str()?.parse().ok()?;
        for (name, standing) in [
            ("new", StateAtPkb::New),
            ("no_access", StateAtPkb::NoAccess),
        ] {
            for key in line[name].as_array()? {
                let key = Key::from_hex(key.as_str()?)?;
                self.standings.insert(key, (at, standing));
            }
        }
        for (key, number) in line["known"].as_object()? {
            let differences = Differences::from_number(number.as_u64()?)?;
            let standing = StateAtPkb::Known(differences);
            self.standings.insert(Key::from_hex(key)?, (at, standing));
        }
        Some(())
    }

    /// A row that an earlier run settled, or (`answers` is false) one whose answer this run cannot use.
    pub fn settle(&mut self, key: Key, answers: bool) {
        if answers {
            self.settled.insert(key);
        } else {
            self.settled.remove(&key);
        }
    }

    /// Whether a row needs no upload any more.
    pub fn is_settled(&self, key: Key) -> bool {
        self.settled.contains(&key)
    }

    /// Where a row stands, if PKB need not be asked again. `is_unsettled` says whether it may have been sent since.
    pub fn standing(&self, key: Key, clock: Clock, is_unsettled: bool) -> Option<StateAtPkb> {
        let (at, standing) = *self.standings.get(&key)?;
        (is_unsettled || at >= clock.ago(SERVES)).then_some(standing)
    }
}
