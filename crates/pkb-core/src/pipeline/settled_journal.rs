//! The journal as the pipeline uses it: which records are in it, and how far it is on the disk.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use memchr::memmem;

use crate::{
    Fatal, Record, Stage, StageName,
    journal::{Journal, Key},
    record::{KeyFields, Schema},
    stage::{IntentLog, Recalled},
};

/// The journal of a run.
pub(super) struct SettledJournal {
    journal: Arc<Mutex<Journal>>,
    /// Keys whose newest line is no longer good.
    stale: HashSet<Key>,
    /// Records appended in this run.
    appended: u64,
    /// Of those, the ones that are on the disk.
    synced: u64,
}

impl SettledJournal {
    /// Opens the journal at `path` and lets `stage` recall what is in it.
    pub(super) fn open<S: Stage>(path: &Path, stage: &S) -> Result<Self, Fatal> {
        let (mut lines, mut own) = (0_u64, 0_u64);
        let mut stale = HashSet::new();
        let journal = Journal::open(path, |line| {
            lines += 1;
            if S::QUICK_REPLAY
                && let Ok(fields) = serde_json::from_slice::<KeyFields>(line)
            {
                let is_own = fields.is_settled_by(S::NAME);
                own += u64::from(is_own);
                let key = stage.quick_key(&fields).filter(|_| is_own);
                if let Some(key) = key {
                    // The newest line of a key decides; one that is no longer good hides those before it.
                    if stage.still_good(&fields) {
                        stale.remove(&key);
                    } else {
                        stale.insert(key);
                    }
                }
                return Ok(key);
            }
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
            stale,
            appended: 0,
            synced: 0,
        })
    }

    /// Where a stage notes what it is about to do.
    pub(super) fn intents(&self, stage: StageName) -> IntentLog {
        IntentLog::new(stage, Arc::clone(&self.journal))
    }

    /// The record with `key` as it was settled in an earlier run. `input` is the line that asks.
    pub(super) fn get(
        &self,
        stage: StageName,
        key: Key,
        input: &[u8],
    ) -> Result<Option<Replayed>, Fatal> {
        if self.stale.contains(&key) {
            return Ok(None);
        }
        let mut journal = lock(&self.journal);
        let Some(line) = journal.get(key)? else {
            return Ok(None);
        };
        if adds_only_the_work_of(stage, input, line) {
            return Ok(Some(Replayed::Line(line.into())));
        }
        match read_line(line)? {
            Recalled::Record(record) => Ok(Some(Replayed::Record(record))),
            Recalled::Intent(_) => Err(Fatal::Bug("an intent was looked up".into())),
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

    /// Syncs if that is due. A stage that notes an intent syncs the journal, too: whatever brought
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
        tokio::task::block_in_place(|| lock(&self.journal).sync())?;
        self.synced = self.appended;
        Ok(())
    }
}

/// A record as an earlier run settled it.
pub(super) enum Replayed {
    /// The stage did its work, and the line is just what it would write now.
    Line(Box<[u8]>),
    /// What it settled then may have to be put into another record.
    Record(Box<Record>),
}

/// Whether `settled` is `input` with the section of `stage` behind it and nothing else. Records are
/// written with their sections in order, so this is how nearly all lines are; comparing bytes is
/// much quicker than reading and writing the record.
fn adds_only_the_work_of(stage: StageName, input: &[u8], settled: &[u8]) -> bool {
    let Some(work) = input
        .strip_suffix(b"}")
        .and_then(|open| settled.strip_prefix(open))
    else {
        return false;
    };
    let (own, later): (&[u8], &[&[u8]]) = match stage {
        StageName::Resolve => (
            b",\"pkb\":{",
            &[b"\"invitation\":", b"\"delivery\":", b"\"outcome\":"],
        ),
        StageName::Tokens => (b",\"invitation\":{", &[b"\"delivery\":", b"\"outcome\":"]),
        // pkb-upload has no input line, and the others look at their records.
        StageName::Upload
        | StageName::Letters
        | StageName::Sms
        | StageName::Post
        | StageName::Recheck => return false,
    };
    // In a text such a name would have its quotes escaped.
    work.starts_with(own) && !later.iter().any(|name| memmem::find(work, name).is_some())
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

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &str = r#"{"schema":"pkb-record/1","row":{"file":"p","number":2,"of":1}}"#;

    fn is_line(stage: StageName, work: &str) -> bool {
        let open = INPUT.strip_suffix('}').unwrap();
        adds_only_the_work_of(
            stage,
            INPUT.as_bytes(),
            format!("{open}{work}}}").as_bytes(),
        )
    }

    #[test]
    fn a_line_is_handed_on_only_if_the_stage_and_nobody_else_added_to_it() {
        assert!(is_line(StageName::Resolve, r#","pkb":{"id":"1"}"#));
        assert!(is_line(
            StageName::Tokens,
            r#","invitation":{"code":"\"delivery\":"}"#
        ));
        assert!(!is_line(
            StageName::Tokens,
            r#","pkb":{"id":"1"},"invitation":{}"#
        ));
        assert!(!is_line(
            StageName::Resolve,
            r#","pkb":{"id":"1"},"invitation":{}"#
        ));
        assert!(!is_line(
            StageName::Resolve,
            r#","pkb":{"id":"1"},"outcome":{}"#
        ));
        assert!(!is_line(StageName::Resolve, r#","outcome":{}"#));
        assert!(!adds_only_the_work_of(
            StageName::Resolve,
            b"{\"a\":1}",
            b"{\"a\":2,\"pkb\":{}}"
        ));
        assert!(!adds_only_the_work_of(StageName::Resolve, b"", b"{}"));
    }
}
