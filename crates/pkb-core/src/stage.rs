//! What a stage is to the pipeline: which records it can work on, and the work.
//!
//! A stage sees states, not streams: [`Stage::admit`] takes from a record just what the work needs,
//! [`Stage::advance`] turns that into what is to be added, [`Stage::apply`] writes it into the
//! record. Reading, ordering, retrying later, counting and writing are the pipeline's.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::Value;

use crate::{ExitCode, Fatal, Record, StageName, Verdict, pipeline::Records};
use pkb_files::journal::{Journal, Key};
use pkb_values::NationalId;

/// Where a record without an outcome stands for a stage.
#[derive(Debug)]
pub enum Admission<W> {
    /// Here is what the work needs.
    Work(W),
    /// The record can be stopped without any work.
    Stop(Verdict),
    /// This stage has done its work on it in an earlier run.
    AlreadyDone,
    /// The stage before has not done its work on it.
    NotReady,
    /// There is nothing to do for it: it goes another way.
    NotConcerned,
}

/// Work that is done together: one request, one file.
#[derive(Debug)]
pub struct Batch<W> {
    /// Number of the batch in this run, from 1.
    pub number: u64,
    /// Number of its first piece of work in this run, from 1.
    pub first: u64,
    /// The work, in input order.
    pub work: Vec<W>,
    /// The records that it is for, in the same order; they are no longer there when the work has ended.
    pub records: Records,
    /// Where to note an act that must not be repeated, before it.
    pub intents: IntentLog,
}

/// Notes, ahead of an act that must not be repeated, what is about to be done: they are on the disk
/// when the act begins. Without a journal there is nothing to note it in.
#[derive(Clone, Default)]
pub struct IntentLog(Option<(StageName, Arc<Mutex<Journal>>)>);

impl IntentLog {
    /// The version of an intent, in its field `schema`.
    pub const SCHEMA: &str = "pkb-intent/1";

    pub(crate) fn new(stage: StageName, journal: Arc<Mutex<Journal>>) -> Self {
        Self(Some((stage, journal)))
    }

    /// Whether what is noted is kept for the next run.
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Brings `intent` to the disk; its fields `schema` and `stage` are set here. It must hold no value of a
    /// patient and no secret.
    ///
    /// # Errors
    /// The journal cannot be written: then the act must not begin.
    pub fn note(&self, mut intent: Value) -> Result<(), Fatal> {
        let Some((stage, journal)) = &self.0 else {
            return Ok(());
        };
        intent["schema"] = Self::SCHEMA.into();
        intent["stage"] = stage.as_str().into();
        let line = serde_json::to_vec(&intent)
            .map_err(|_| Fatal::Bug("an intent cannot be written".into()))?;
        tokio::task::block_in_place(|| {
            let mut journal = journal.lock();
            journal.append(&line, std::time::Instant::now())?;
            journal.sync()
        })
    }
}

impl std::fmt::Debug for IntentLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "IntentLog(journal)"
        } else {
            "IntentLog(nothing)"
        })
    }
}

/// A line of the journal, as a stage sees it again when a run begins.
pub enum Recalled {
    /// A record that this stage settled.
    Record(Box<Record>),
    /// An act that it was about to do.
    Intent(Value),
}

/// What a stage is, and how its work is put together. It stays the same for a run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Which stage it is.
    pub stage: StageName,
    /// How many pieces of work go together. How records fall into batches depends on their order alone, never on timing,
    /// unless there is a [`Self::linger`].
    pub batch_rows: usize,
    /// For how long a batch that is not full may wait for more work while the input pauses; without it, for ever. For
    /// stages whose batches leave no trace, such as questions to PKB.
    pub linger: Option<Duration>,
}

impl Plan {
    /// A stage that works on one record at a time.
    pub fn one_by_one(stage: StageName) -> Self {
        Self {
            stage,
            batch_rows: 1,
            linger: None,
        }
    }
}

/// How a record was handled in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// The stage has worked on it, or stopped it.
    Worked,
    /// It is as the journal has it.
    Journaled,
    /// It passes: a different stage has stopped it, or this stage has nothing to do for it.
    Passed,
}

/// What follows from a stage's work by the settings of this run.
#[derive(Debug)]
pub enum Conclusion {
    /// The record goes on as it is.
    AsItIs,
    /// The record has been changed.
    Changed,
    /// The record is stopped, with what the work has brought in it.
    Stop(Verdict),
}

/// What becomes of each piece of work of a batch, in its order.
pub type BatchResult<D> = Result<Vec<Result<D, Verdict>>, Fatal>;

/// One step of a campaign.
pub trait Stage: Send + Sync + 'static {
    /// What the work needs of a record.
    type Work: Send + 'static;
    /// What the work adds to a record.
    type Done: Send + 'static;

    /// Which stage it is, and how its work is put together. The same whenever it is asked.
    fn plan(&self) -> Plan;

    /// The key under which the journal has a record that this stage has settled: the patient, and all that the stage reads
    /// of the record, so that a row that was corrected is new work. It must be the same before and after the stage's work.
    /// `None` for a record that the stage cannot work on.
    fn key(&self, record: &Record) -> Option<Key>;

    /// Sees each line of the journal that is this stage's own, in their order and before the first record, with the key by
    /// which it is found.
    ///
    /// # Errors
    /// What makes the journal unusable.
    fn recall(&self, _line: &Recalled, _key: Option<Key>) -> Result<(), Fatal> {
        Ok(())
    }

    /// Whether what the journal has of `record` (`settled`, the newest line with its key) is an answer to it in this run.
    /// If not, the record is as if the journal did not have it.
    fn answers(&self, _record: &Record, _settled: &Record) -> bool {
        true
    }

    /// Where a record without outcome stands, in input order. One that is `in_journal` comes as the journal has it:
    /// [`Admission::Work`] has the work done again.
    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Self::Work>;

    /// Does the work of one batch; several may run at the same time.
    ///
    /// # Errors
    /// Only what stops the whole stage. What stops one record is its [`Verdict`].
    fn advance(
        &self,
        batch: Batch<Self::Work>,
    ) -> impl Future<Output = BatchResult<Self::Done>> + Send;

    /// Writes what was done into the record. The journal gets the record so.
    fn apply(&self, record: &mut Record, done: Self::Done);

    /// Sees each record before it is written, in output order: to count it, to write down what accompanies it, and to draw
    /// a conclusion from what was done. A conclusion goes into the output and not into the journal, so that a run with
    /// other settings draws its own; only records without outcome that the stage has worked on, now or by the journal, may
    /// be changed or stopped.
    ///
    /// # Errors
    /// Whatever must stop the stage before the record is written.
    fn conclude(&self, _record: &mut Record, _handled: Handled) -> Result<Conclusion, Fatal> {
        Ok(Conclusion::AsItIs)
    }

    /// What has been done for a patient, now or in an earlier run, and what to do about it if it turns out that the patient
    /// has what belongs to another: `its letter was printed: remove page 12 of letters-0001.pdf before the letters are
    /// posted`.
    fn done_for(&self, _patient: NationalId) -> Option<String> {
        None
    }

    /// All records have been written, and nothing fatal happened. How the run went, for the shell: `by_rows` is what the
    /// outcomes of the rows say.
    ///
    /// # Errors
    /// Whatever makes the run a failure.
    fn finish(&self, by_rows: ExitCode) -> Result<ExitCode, Fatal> {
        Ok(by_rows)
    }
}

/// What the operator does next: a command where that is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Before all else, and whatever else there is to do.
    First(String),
    /// When this stage has nothing more to do.
    Then(String),
}

/// Where a stage has written its records.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a>(pub Option<&'a Path>);

impl Written<'_> {
    /// `pkb-tokens resolved.ndjson --output invited.ndjson`: a command that can be pasted, or, where nobody knows the name
    /// of the records, `pkb-tokens on these records`.
    pub fn command(self, before: &str, behind: &str) -> String {
        match self.0 {
            Some(path) => format!("{before} {} {behind}", quoted(path)),
            None => format!("{before} on these records"),
        }
        .trim_end()
        .to_owned()
    }
}

/// A path as a shell takes it for one word.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/+,:@%".contains(&byte);
    match text.bytes().all(is_plain) && !text.starts_with('-') {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
