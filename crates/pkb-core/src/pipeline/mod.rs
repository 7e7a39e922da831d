//! Runs a stage over a stream of records: a line in is a line out, in the order it came.
//!
//! There is one way for all records. One task owns all state. Records come from threads that read them and look them up in
//! the journal (`reader`); the task decides what becomes of each (`engine/arrivals`); work goes, in batches, to tasks of its own, at most [`Limits::in_flight`] at a time; results find their place in a
//! window of records that wait to be written, and the front of the window is written as soon as it
//! is settled. The window is far larger than the limit in flight, because one slow call must not
//! keep a hundred fast ones from starting.

mod engine;
mod reader;
mod records;
mod settled_journal;
mod work;

use std::{io::Read, path::Path, sync::Arc, time::Duration};

use tokio::sync::mpsc;

pub use self::records::Records;
use self::{engine::Engine, reader::Reader, settled_journal::SettledJournal};
use crate::{
    ExitCode, Fatal, Record, Stage, StageName, monitor::Monitor, output::Target, tally::Tally,
};
use pkb_files::signals::{Attended, Signals};

/// Blocks of records that may wait between reader and pipeline.
const WAITING_BLOCKS: usize = 4;
/// Records that may wait for one that is slow, at least; see [`Limits::window`].
const MIN_WINDOW: usize = 4096;

/// How long calls that are under way may take to end when a signal stops the stage. An answer to what must not be sent
/// twice is worth waiting for. Questions are simply asked again.
fn grace(stage: StageName) -> Duration {
    match stage.acts_once() {
        true => engine::GRACE,
        false => engine::SHORT_GRACE,
    }
}

/// Where the records come from.
pub enum Source {
    /// A record stream.
    Ndjson(Box<dyn Read + Send>),
    /// Records made by the first stage. An error ends the stream.
    Records(Box<dyn Iterator<Item = Result<Record, Fatal>> + Send>),
}

/// How many at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Batches that are worked on at the same time.
    pub in_flight: usize,
    /// Whether the stream is a part on purpose: then rows may be missing.
    pub partial: bool,
}

impl Limits {
    /// Rows after which a batch is closed even if it is not full. Counted in input order, so that
    /// batches do not depend on timing; the window holds at least one such span, so that a batch
    /// that waits for more can never stop the flow.
    fn span(batch_rows: usize) -> usize {
        MIN_WINDOW.max(batch_rows * 4)
    }

    /// Records that may wait for one that is slow.
    fn window(self, batch_rows: usize) -> usize {
        if batch_rows == 1 {
            MIN_WINDOW.max(self.in_flight * 4)
        } else {
            Self::span(batch_rows) * (self.in_flight + 1)
        }
    }
}

/// How a run ended.
pub struct Report {
    /// What became of each row.
    pub tally: Tally,
    /// The names of the patient files that the rows are from.
    pub files: Vec<String>,
    /// What stopped the run early, if anything did.
    pub fatal: Option<Fatal>,
    /// How it went, for the shell.
    pub code: ExitCode,
}

/// Runs `stage` from `source` to `output` and returns what became of the rows. Whatever happens,
/// each record that was written is whole, and those that were not can be done in another run.
///
/// With a `journal`, a record is on the disk there before it is written to the output, and records
/// that are in it already are answered from it. How far it is, is noted in `monitor`.
pub async fn run<S: Stage>(
    stage: Arc<S>,
    source: Source,
    output: Target,
    journal: Option<&Path>,
    limits: Limits,
    monitor: Arc<Monitor>,
) -> Report {
    let mut plan = stage.plan();
    plan.batch_rows = plan.batch_rows.max(1);
    let started = journal
        .map(|path| SettledJournal::open(path, &*stage, plan.stage, monitor.origins()))
        .transpose()
        .and_then(|journal| Ok((journal, Signals::listen()?)));
    let (journal, mut signals) = match started {
        Ok(started) => started,
        Err(fatal) => {
            return Report {
                tally: Tally::default(),
                files: Vec::new(),
                code: fatal.exit_code(),
                fatal: Some(fatal),
            };
        }
    };
    let (sender, arrivals) = mpsc::channel(WAITING_BLOCKS);
    // A thread of its own: a read from standard input cannot be cancelled, and would keep the
    // runtime from shutting down.
    let lookup = journal.as_ref().map(SettledJournal::lookup);
    let reader = Reader::new(Arc::clone(&stage), plan.stage, lookup);
    std::thread::spawn(move || reader.read_all(source, &sender));
    let mut engine = Engine::new((stage, plan), journal, output, limits, monitor);
    let attended = Attended::begin(grace(plan.stage) + engine::OUTPUT_GRACE);
    let fatal = engine.drive(arrivals, &mut signals).await;
    match fatal {
        Some(Fatal::Interrupted(_)) => attended.has_heard(),
        _ => drop(attended),
    }
    engine.close(fatal).await
}
