//! What a stage is to the pipeline: which records it can work on, and the work.
//!
//! A stage sees states, not streams: [`Stage::admit`] takes from a record just what the work needs,
//! [`Stage::advance`] turns that into what is to be added, [`Stage::apply`] writes it into the
//! record. Reading, ordering, retrying later, counting and writing are the pipeline's.

use std::future::Future;

use crate::{Fatal, Record, StageName, Verdict};

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

    /// How many pieces of work go together. How records fall into batches depends on their order
    /// alone, never on timing.
    fn batch_rows(&self) -> usize {
        1
    }

    /// Where `record` stands. Called in input order. Records with an outcome of another stage, or
    /// with an outcome that is for good, never get here.
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

    /// Sees each record that this stage has advanced, in output order and before it is written.
    ///
    /// # Errors
    /// Whatever must stop the stage before the record is written.
    fn collect(&self, _record: &mut Record) -> Result<(), Fatal> {
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
}
