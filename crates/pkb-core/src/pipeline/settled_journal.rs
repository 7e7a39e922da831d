//! The journal as the pipeline uses it: which records are in it, and how far it is on the disk.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{
    Fatal, Record, Stage, StageName,
    journal::{Journal, Key},
    record::Schema,
    stage::{IntentLog, Recalled},
};

/// The journal of a run.
pub(super) struct SettledJournal {
    journal: Arc<Mutex<Journal>>,
    /// Records appended in this run.
    appended: u64,
    /// Of those, the ones that are on the disk.
    synced: u64,
}

impl SettledJournal {
    /// Opens the journal at `path` and lets `stage` recall what is in it.
    pub(super) fn open<S: Stage>(path: &Path, stage: &S) -> Result<Self, Fatal> {
        let (mut lines, mut own) = (0_u64, 0_u64);
        let journal = Journal::open(path, |line| {
            lines += 1;
            let recalled = read_line(line)?;
            let key = match &recalled {
                Recalled::Record(record) if record.is_settled_by(S::NAME) => stage.key(record),
                Recalled::Intent(intent) if intent["stage"] == S::NAME.as_str() => None,
                Recalled::Record(_) | Recalled::Intent(_) => return Ok(None),
            };
            own += 1;
            stage.recall(&recalled)?;
            Ok(key)
        })?;
        if lines > 0 && own == 0 {
            return Err(Fatal::Usage(format!(
                "{}: nothing in it is of {}: is it the journal of another stage?",
                path.display(),
                S::NAME.program()
            )));
        }
        if journal.cut_bytes() > 0 {
            tracing::warn!(
                "{}: the last line was torn and has been cut off ({} bytes); its record is done again",
                path.display(),
                journal.cut_bytes()
            );
        }
        Ok(Self {
            journal: Arc::new(Mutex::new(journal)),
            appended: 0,
            synced: 0,
        })
    }

    /// Where a stage notes what it is about to do.
    pub(super) fn intents(&self, stage: StageName) -> IntentLog {
        IntentLog::new(stage, Arc::clone(&self.journal))
    }

    /// The record with `key` as it was settled in an earlier run.
    pub(super) fn get(&self, key: Key) -> Result<Option<Record>, Fatal> {
        let mut journal = lock(&self.journal);
        match journal.get(key)? {
            None => Ok(None),
            Some(line) => match read_line(line)? {
                Recalled::Record(record) => Ok(Some(*record)),
                Recalled::Intent(_) => Err(Fatal::Bug("an intent was looked up".into())),
            },
        }
    }

    /// Appends a settled record. Returns its number: it may be written to the output when
    /// [`Self::synced`] has reached that. Only the next run looks it up: whether a patient who comes
    /// twice is answered from the journal must not depend on how fast the first answer was.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<u64, Fatal> {
        lock(&self.journal).append(None, line, Instant::now())?;
        self.appended += 1;
        Ok(self.appended)
    }

    /// Number of the last record that is on the disk.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// When the next sync is due.
    pub(super) fn sync_due(&self) -> Option<Instant> {
        lock(&self.journal).sync_due()
    }

    /// Syncs if that is due.
    pub(super) fn sync_if_due(&mut self) -> Result<(), Fatal> {
        let now = Instant::now();
        if lock(&self.journal).sync_due().is_some_and(|due| due <= now) {
            self.sync()
        } else {
            Ok(())
        }
    }

    /// Brings all that was appended to the disk.
    pub(super) fn sync(&mut self) -> Result<(), Fatal> {
        // The disk may take its time; the runtime is told so.
        tokio::task::block_in_place(|| lock(&self.journal).sync())?;
        self.synced = self.appended;
        Ok(())
    }
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
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
