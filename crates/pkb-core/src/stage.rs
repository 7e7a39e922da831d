//! What a stage is to the pipeline: which records it can work on, and the work.
//!
//! A stage sees states, not streams: [`Stage::admit`] takes from a record just what the work needs,
//! [`Stage::advance`] turns that into what is to be added, [`Stage::apply`] writes it into the
//! record. Reading, ordering, retrying later, counting and writing are the pipeline's.

use std::{
    future::Future,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;

use crate::{
    ExitCode, Fatal, Kind, Outcome, Record, StageName, Verdict, owners::Kinds, pipeline::Records,
    record::KeyFields,
};
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
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.append(None, &line, std::time::Instant::now())?;
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

/// What to do with a record that the journal has.
#[derive(Debug)]
pub enum Replay {
    /// The journal's answer stands.
    Answer,
    /// The work is to be done again: [`Stage::admit`] is asked.
    DoAgain,
    /// The record is stopped.
    Stop(Verdict),
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
    /// Which stage it is.
    const NAME: StageName;
    /// What of a record must be no other patient's before the work is done on it (see [`crate::owners`]).
    const NEEDS_OWN: Kinds = Kinds::NONE;
    /// What of a record must be no other patient's once the work is done, since the work brings it. PKB may have
    /// corrected it by the next run, so PKB is asked again, whatever the journal says.
    const BRINGS_OWN: Kinds = Kinds::NONE;

    /// How many pieces of work go together. How records fall into batches depends on their order
    /// alone, never on timing, unless the stage has a [`Self::linger`].
    fn batch_rows(&self) -> usize {
        1
    }

    /// For how long a batch that is not full may wait for more work while the input pauses; without
    /// it, for ever. For stages whose batches leave no trace, such as questions to PKB.
    fn linger(&self) -> Option<Duration> {
        None
    }

    /// The key under which the journal has a record that this stage has settled: the patient, and
    /// all that the stage reads of the record, so that a row that was corrected is new work. It must
    /// be the same before and after the stage's work. `None` for a record that the stage cannot
    /// work on. Called by several threads and in no order.
    fn key(&self, record: &Record) -> Option<Key>;

    /// Sees each line of the journal that is this stage's own, before the first record, with the key by which it is
    /// found.
    ///
    /// # Errors
    /// What makes the journal unusable.
    fn recall(&self, _line: &Recalled, _key: Option<Key>) -> Result<(), Fatal> {
        Ok(())
    }

    /// Whether lines of the journal need not be read whole: then [`Self::quick_key`] says the key, and
    /// [`Self::recall`] sees no line, [`Self::replay`] and [`Self::glean`] perhaps no record of it.
    const QUICK_REPLAY: bool = false;

    /// [`Self::key`] from a few fields; see [`Self::QUICK_REPLAY`].
    fn quick_key(&self, _fields: &KeyFields<'_>) -> Option<Key> {
        None
    }

    /// Whether a line of the journal is still good, as one of a few fields; of one that is not the work
    /// is done again. See [`Self::QUICK_REPLAY`]. Lines are seen in no order: of two, the one with the larger
    /// `place` is newer.
    fn still_good(&self, _fields: &KeyFields<'_>, _place: u64) -> bool {
        true
    }

    /// Whether each record can be judged by itself: [`Self::admit`], [`Self::answers`] and [`Self::tries_again`] look
    /// at nothing but the record and what stays as it is for the whole run, and nothing else of the stage sees
    /// records that pass, or that the journal answers ([`Self::stopped_before`], [`Self::replay`],
    /// [`Self::conclude`], [`Self::glean`]). Then those records are judged where they are read, by several
    /// threads and in no order, and `admit` may be called for a record more than once. Needs
    /// [`Self::QUICK_REPLAY`].
    const JUDGES_ALONE: bool = false;

    /// [`Self::answers`] from a few fields of the record, or of the line that the journal has of it; `false` also
    /// where they do not tell. See [`Self::JUDGES_ALONE`].
    fn quick_answers(&self, _fields: &KeyFields<'_>, _outcome: Option<&Outcome>) -> bool {
        false
    }

    /// Whether what the journal has of `record` still answers it: `outcome` is how it was settled then. For
    /// what a stage looks at besides the record itself, such as lists of its own. Called by several threads and in no order.
    fn answers(&self, _record: &Record, _outcome: Option<&Outcome>) -> bool {
        true
    }

    /// Sees each record that the journal has, with what the journal has of it, in input order, and
    /// says whether that is the answer.
    fn replay(&self, _record: &Record) -> Replay {
        Replay::Answer
    }

    /// Whether a record with `outcome` is looked at again: by default one that failed at this very stage. Asked by several
    /// threads and in no order.
    fn tries_again(&self, outcome: &Outcome) -> bool {
        outcome.stage == Self::NAME && outcome.kind == Kind::Failed
    }

    /// What has been done for a patient, now or in an earlier run, and what to do about it if it turns out that it has
    /// what belongs to another: `its letter was printed: remove sheet 12 of letters-0001.pdf before the letters are
    /// posted`.
    fn done_for(&self, _patient: NationalId) -> Option<String> {
        None
    }

    /// Whether [`Self::stopped_before`] is to be called. Asked once, when the journal has been recalled.
    fn minds_stopped(&self) -> bool {
        false
    }

    /// Sees each record that another stage has stopped, in input order. Needs [`Self::minds_stopped`].
    fn stopped_before(&self, _record: &Record) {}

    /// Where `record` stands. Called in input order. Records with an outcome never get here, but for those
    /// that [`Self::tries_again`].
    fn admit(&self, record: &Record) -> Admission<Self::Work>;

    /// Does the work of one batch; several may run at the same time.
    ///
    /// # Errors
    /// Only what stops the whole stage. What stops one record is its [`Verdict`].
    fn advance(
        &self,
        batch: Batch<Self::Work>,
    ) -> impl Future<Output = BatchResult<Self::Done>> + Send;

    /// Writes what was done into the record.
    fn apply(&self, record: &mut Record, done: Self::Done);

    /// Draws a conclusion from what was done, now or by the journal. It goes into the output and not into
    /// the journal, so that a run with other settings draws its own.
    fn conclude(&self, _record: &mut Record) -> Conclusion {
        Conclusion::AsItIs
    }

    /// Whether the records of a batch go into the journal after those of all batches before it: so that what a later run
    /// counts there (files, numbers) has no gap that an earlier batch would have to go into.
    const SETTLES_IN_ORDER: bool = false;

    /// What is collected of a record.
    type Gleaned: Send + 'static;

    /// What is to be collected of a record that this stage has advanced, now or in an earlier run. Called in no order.
    fn glean(&self, _record: &Record) -> Option<Self::Gleaned> {
        None
    }

    /// Collects what was gleaned from each record, in output order and before the record is written.
    ///
    /// # Errors
    /// Whatever must stop the stage before the record is written.
    fn collect(&self, _gleaned: Self::Gleaned) -> Result<(), Fatal> {
        Ok(())
    }

    /// All records have been seen. Called only when the input was complete and nothing fatal
    /// happened.
    ///
    /// # Errors
    /// Whatever makes the run a failure.
    fn finish(&self) -> Result<(), Fatal> {
        Ok(())
    }

    /// How the run went, for the shell, where the outcomes of the rows (`by_rows`) do not say all of it.
    fn exit_code(&self, by_rows: ExitCode) -> ExitCode {
        by_rows
    }

    /// What the operator does next with the `records` that were written.
    fn next_step(&self, _records: Written<'_>) -> Option<NextStep> {
        None
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
