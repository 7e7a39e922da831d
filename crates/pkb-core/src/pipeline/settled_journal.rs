//! The journal as the pipeline uses it: which records are in it, and how far it is on the disk.

use std::{path::Path, sync::Arc, time::Instant};

use parking_lot::Mutex;
use pkb_files::journal::{Journal, Key, Lookup};

use crate::{
    Fatal, Reason, Record, Stage, StageName,
    owners::{Owners, PatientIdentifiers, Salt},
    record::Schema,
    rehearsal::{FILE_PREFIX, Origin, Origins},
    stage::{IntentLog, Recalled},
};

/// The journal of a run.
pub(super) struct SettledJournal {
    journal: Arc<Mutex<Journal>>,
    lookup: Lookup,
    /// Who has come with what in earlier runs.
    owners: Owners,
    /// Records appended in this run.
    appended: u64,
    /// Of those, the ones that are on the disk.
    synced: u64,
}

/// A line of the journal, and what it tells.
struct Line {
    recalled: Recalled,
    /// Whether this stage wrote it.
    is_own: bool,
    /// The key by which it is found.
    key: Option<Key>,
    /// What its patient came with.
    has: Option<PatientIdentifiers>,
    /// Whether it is of a rehearsal, if it tells.
    origin: Option<Origin>,
    /// It was noted for nothing else: this stage has stopped the record, and the next run tries again.
    is_evidence: bool,
}

impl SettledJournal {
    /// Opens the journal at `path` and lets `stage`, whose name is `name`, recall what is in it.
    ///
    /// # Errors
    /// It cannot be used; or `origins` know that the run is a rehearsal and the journal is not of one, or the other way round.
    pub(super) fn open<S: Stage>(
        path: &Path,
        stage: &S,
        name: StageName,
        origins: &Origins,
    ) -> Result<Self, Fatal> {
        let (mut lines, mut own) = (0_u64, 0_u64);
        let mut mixed = None;
        let mut owners = Owners::default();
        let salt = owners.salt().clone();
        let read = |line: &[u8], _| Line::read(stage, name, line, &salt);
        let journal = Journal::open(path, read, |line| {
            lines += 1;
            own += u64::from(line.is_own || line.is_evidence);
            // The lines that this stage did not write do not answer anything, but tell as much.
            let told = line.origin.map(|origin| origins.note_file(origin, path));
            if let Some(Err(fatal)) = told {
                mixed.get_or_insert(fatal);
            }
            if let Some(has) = line.has {
                owners.come(&has);
            }
            // A journal that is not used is not understood either.
            if line.is_own && mixed.is_none() {
                stage.recall(&line.recalled, line.key)?;
            }
            Ok(line.key)
        })?;
        if let Some(fatal) = mixed {
            return Err(fatal);
        }
        if lines > 0 && own == 0 {
            return Err(Fatal::Usage(format!(
                "{} has nothing of {}, so it may be the journal of a different stage. Give this stage its own --journal FILE",
                path.display(),
                name.program()
            )));
        }
        if journal.cut_bytes() > 0 {
            tracing::warn!(
                "{}: the last line was incomplete, as after a crash. It was removed ({} bytes), and its record is done again",
                path.display(),
                journal.cut_bytes()
            );
        }
        Ok(Self {
            lookup: journal.lookup(),
            owners,
            journal: Arc::new(Mutex::new(journal)),
            appended: 0,
            synced: 0,
        })
    }

    /// The lines of earlier runs, for threads that read records.
    pub(super) fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    /// Who has come with what in earlier runs.
    pub(super) fn take_owners(&mut self) -> Owners {
        std::mem::take(&mut self.owners)
    }

    /// Where a stage notes what it is about to do.
    pub(super) fn intents(&self, stage: StageName) -> IntentLog {
        IntentLog::new(stage, Arc::clone(&self.journal))
    }

    /// Appends a settled record. Returns its number: it may be written to the output when
    /// [`Self::synced`] has reached that. Only the next run looks it up: whether a patient who comes
    /// twice is answered from the journal must not depend on how fast the first answer was.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<u64, Fatal> {
        self.journal.lock().append(line, Instant::now())?;
        self.appended += 1;
        Ok(self.appended)
    }

    /// Number of the last record that is on the disk.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// When the next sync is due.
    pub(super) fn sync_due(&self) -> Option<Instant> {
        self.journal.lock().sync_due()
    }

    /// Syncs if that is due. A stage that notes an intent also syncs the journal: whatever brought
    /// them there, once nothing is left to sync all records are on the disk.
    pub(super) fn sync_if_due(&mut self) -> Result<(), Fatal> {
        match self.sync_due() {
            None => {
                self.synced = self.appended;
                Ok(())
            }
            Some(due) if due <= Instant::now() => self.sync(),
            Some(_) => Ok(()),
        }
    }

    /// Brings all that was appended to the disk.
    pub(super) fn sync(&mut self) -> Result<(), Fatal> {
        // The disk may take its time; the runtime is told so.
        tokio::task::block_in_place(|| self.journal.lock().sync())?;
        self.synced = self.appended;
        Ok(())
    }
}

impl Line {
    fn read<S: Stage>(stage: &S, name: StageName, line: &[u8], salt: &Salt) -> Result<Self, Fatal> {
        let recalled = read_line(line)?;
        Ok(match &recalled {
            Recalled::Record(record) => {
                let is_own = record.is_settled_by(name);
                let kinds = name.needs_own().and(name.brings_own());
                let is_shared =
                    |reason| matches!(reason, Reason::SharedRecord | Reason::SharedCodes);
                Self {
                    is_own,
                    key: is_own.then(|| stage.key(record)).flatten(),
                    has: PatientIdentifiers::of(record, salt).and_then(|has| has.only(kinds)),
                    origin: Origin::of(record),
                    is_evidence: (record.outcome.as_ref())
                        .is_some_and(|outcome| outcome.stage == name && is_shared(outcome.reason)),
                    recalled,
                }
            }
            Recalled::Intent(intent) => Self {
                is_own: intent["stage"] == name.as_str(),
                key: None,
                has: None,
                // A file of a rehearsal that was about to be written.
                origin: (intent["file"].as_str())
                    .filter(|file| file.starts_with(FILE_PREFIX))
                    .map(|_| Origin::Rehearsal),
                is_evidence: false,
                recalled,
            },
        })
    }
}

/// A record that a stage settled, from its line.
///
/// # Errors
/// The journal was changed by somebody else.
pub(super) fn settled_record(line: &[u8]) -> Result<Box<Record>, Fatal> {
    match read_line(line)? {
        Recalled::Record(record) => Ok(record),
        Recalled::Intent(_) => Err(Fatal::Bug("an intent was looked up".into())),
    }
}

/// A line of a journal: a record or an intent.
fn read_line(line: &[u8]) -> Result<Recalled, Fatal> {
    let text = std::str::from_utf8(line).map_err(|_| Fatal::Input("not UTF-8".into()))?;
    if let Ok(record) = serde_json::from_str::<Record>(text) {
        return Ok(Recalled::Record(Box::new(record)));
    }
    let intent = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .filter(|value| value["schema"] == IntentLog::SCHEMA);
    intent.map(Recalled::Intent).ok_or_else(|| {
        Fatal::Input(format!(
            "neither a record of version {} nor an intent",
            Schema::NAME
        ))
    })
}
