//! Runs a stage over a stream of records: a line in is a line out, in the order it came.
//!
//! One task owns all state. Lines come from a thread that reads and parses; work goes, in batches,
//! to tasks of its own, at most [`Limits::in_flight`] at a time; results find their place in a
//! window of records that wait to be written, and the front of the window is written as soon as it
//! is settled. The window is far larger than the limit in flight, because one slow call must not
//! keep a hundred fast ones from starting.

use std::{collections::VecDeque, io::Read, sync::Arc};

use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Admission, Batch, Fatal, Kind, Record, Stage, Verdict,
    completeness::Completeness,
    ndjson::{self, Line, NdjsonError, NdjsonReader},
    output::{Output, Target},
    progress::Progress,
    stage::BatchResult,
    tally::{Settled, Tally},
};

/// Lines that the reader hands over at a time when they are at hand.
const CHUNK_LINES: usize = 256;
/// Chunks that may wait between reader and pipeline.
const WAITING_CHUNKS: usize = 8;
/// Records in the window for each one in flight, at least; see [`Limits::window`].
const MIN_WINDOW: usize = 4096;
/// Bytes of output that are put together before they are handed to the writer.
const BLOCK_BYTES: usize = 64 << 10;
/// Bad lines that are named one by one.
const NAMED_BAD_LINES: usize = 10;

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
    /// What stopped the run early, if anything did.
    pub fatal: Option<Fatal>,
}

/// What arrives from the reader.
enum Arrival {
    Lines(Vec<Line>),
    Broken(Fatal),
}

/// Runs `stage` from `source` to `output` and returns what became of the rows. Whatever happens,
/// each record that was written is whole, and those that were not can be done in another run.
pub async fn run<S: Stage>(
    stage: Arc<S>,
    source: Source,
    output: Target,
    limits: Limits,
    progress: Progress,
) -> Report {
    let (sender, arrivals) = mpsc::channel(WAITING_CHUNKS);
    // A thread of its own: a read from standard input cannot be cancelled, and would keep the
    // runtime from shutting down.
    std::thread::spawn(move || read_all(source, &sender));
    let mut pipeline = Pipeline {
        batch_rows: stage.batch_rows().max(1),
        limits,
        stage,
        window: VecDeque::new(),
        first_in_window: 0,
        forming: Vec::new(),
        waiting: VecDeque::new(),
        running: JoinSet::new(),
        batches: 0,
        pieces: 0,
        completeness: Completeness::default(),
        tally: Tally::default(),
        output: Output::start(output),
        block: Vec::with_capacity(BLOCK_BYTES * 2),
        progress,
        repeated_rows: 0,
    };
    let ended = pipeline.drive(arrivals).await;
    pipeline.close(ended).await
}

fn read_all(source: Source, arrivals: &mpsc::Sender<Arrival>) {
    match source {
        Source::Ndjson(input) => read_ndjson(NdjsonReader::new(input), arrivals),
        Source::Records(records) => read_records(records, arrivals),
    }
}

/// Sends chunks until the end, an error, or nobody listens any more.
fn read_ndjson(mut reader: NdjsonReader<Box<dyn Read + Send>>, arrivals: &mpsc::Sender<Arrival>) {
    let mut chunk = Vec::with_capacity(CHUNK_LINES);
    loop {
        match reader.read() {
            Ok(Some(line)) => chunk.push(line),
            Ok(None) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                return;
            }
            Err(error) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                let _ = arrivals.blocking_send(Arrival::Broken(all_bad_lines(error, reader)));
                return;
            }
        }
        let full = chunk.len() == CHUNK_LINES;
        if (full || !reader.has_buffered_input())
            && arrivals
                .blocking_send(Arrival::Lines(std::mem::take(&mut chunk)))
                .is_err()
        {
            return;
        }
    }
}

/// Reads on after a bad line to name the other bad lines too, so that the operator sees the whole
/// damage at once.
fn all_bad_lines(first: NdjsonError, mut reader: NdjsonReader<Box<dyn Read + Send>>) -> Fatal {
    let mut text = first.to_string();
    let mut more = 0;
    if !matches!(first, NdjsonError::Read(_)) {
        loop {
            match reader.read() {
                Ok(Some(_)) => {}
                Ok(None) | Err(NdjsonError::Read(_)) => break,
                Err(error) => {
                    more += 1;
                    if more < NAMED_BAD_LINES {
                        text.push_str("\n  ");
                        text.push_str(&error.to_string());
                    }
                }
            }
        }
    }
    if more >= NAMED_BAD_LINES {
        text.push_str(&format!(
            "\n  and {} more bad lines",
            more + 1 - NAMED_BAD_LINES
        ));
    }
    match first {
        NdjsonError::Read(source) => Fatal::io("cannot read the input", source),
        _ => Fatal::Input(text),
    }
}

fn read_records(
    records: Box<dyn Iterator<Item = Result<Record, Fatal>> + Send>,
    arrivals: &mpsc::Sender<Arrival>,
) {
    let mut chunk = Vec::with_capacity(CHUNK_LINES);
    for record in records {
        match record {
            // No bytes yet: an untouched record of the first stage is written from its fields.
            Ok(record) => chunk.push(Line {
                raw: Box::default(),
                record,
            }),
            Err(fatal) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                let _ = arrivals.blocking_send(Arrival::Broken(fatal));
                return;
            }
        }
        if chunk.len() == CHUNK_LINES
            && arrivals
                .blocking_send(Arrival::Lines(std::mem::take(&mut chunk)))
                .is_err()
        {
            return;
        }
    }
    let _ = arrivals.blocking_send(Arrival::Lines(chunk));
}

/// A record in the window. `settled` is absent while its work is forming, waiting or running.
struct Slot {
    line: Line,
    settled: Option<Settled>,
}

/// The places in the stream of a batch's records, and their work.
type Placed<W> = Vec<(u64, W)>;

struct Pipeline<S: Stage> {
    stage: Arc<S>,
    limits: Limits,
    batch_rows: usize,
    window: VecDeque<Slot>,
    /// Place in the stream of the window's front, from 0.
    first_in_window: u64,
    forming: Placed<S::Work>,
    waiting: VecDeque<Placed<S::Work>>,
    running: JoinSet<(Vec<u64>, BatchResult<S::Done>)>,
    /// Batches started.
    batches: u64,
    /// Pieces of work started.
    pieces: u64,
    completeness: Completeness,
    tally: Tally,
    output: Output,
    block: Vec<u8>,
    progress: Progress,
    repeated_rows: u64,
}

impl<S: Stage> Pipeline<S> {
    /// Reads, works and writes until the input ends or something stops the run.
    async fn drive(&mut self, mut arrivals: mpsc::Receiver<Arrival>) -> Result<(), Fatal> {
        let mut signals = Signals::listen()?;
        let mut reading = true;
        let mut broken = None;
        loop {
            self.write_settled().await?;
            if !reading && !self.forming.is_empty() {
                self.close_batch();
            }
            self.start_waiting();
            if !reading && self.window.is_empty() {
                return broken.map_or(Ok(()), Err);
            }
            let room = self.window.len() < self.limits.window(self.batch_rows);
            tokio::select! {
                arrival = arrivals.recv(), if reading && room => match arrival {
                    Some(Arrival::Lines(lines)) => lines.into_iter().for_each(|line| self.take_in(line)),
                    Some(Arrival::Broken(fatal)) => {
                        broken = Some(fatal);
                        reading = false;
                    }
                    None => reading = false,
                },
                Some(finished) = self.running.join_next(), if !self.running.is_empty() => {
                    self.settle(finished)?;
                }
                () = self.output.failed() => return Err(output_failed()),
                terminated = signals.next() => return Err(Fatal::Interrupted { terminated }),
            }
        }
    }

    /// Finds out what to do with a record, and puts it at the end of the window.
    fn take_in(&mut self, mut line: Line) {
        self.tally.count_in();
        if !self.completeness.note(&line.record.row) {
            self.repeated_rows += 1;
        }
        self.progress
            .rows(self.tally.rows_out(), self.completeness.total());
        let place = self.first_in_window + self.window.len() as u64;
        let record = &mut line.record;
        let settled = match &record.outcome {
            Some(outcome) if outcome.stage != S::NAME || outcome.kind != Kind::Failed => {
                Some(Settled::Stopped)
            }
            _ => match self.stage.admit(record) {
                Admission::AlreadyDone => Some(Settled::AlreadyDone),
                Admission::NotReady => Some(Settled::NotReady),
                Admission::Stop(verdict) => {
                    stop(&mut line, verdict, S::NAME);
                    Some(Settled::Stopped)
                }
                Admission::Work(work) => {
                    self.forming.push((place, work));
                    None
                }
            },
        };
        self.window.push_back(Slot { line, settled });
        let span = self
            .forming
            .first()
            .map_or(0, |(first, _)| place + 1 - first);
        if self.forming.len() >= self.batch_rows || span as usize >= Limits::span(self.batch_rows) {
            self.close_batch();
        }
    }

    fn close_batch(&mut self) {
        if !self.forming.is_empty() {
            self.waiting.push_back(std::mem::take(&mut self.forming));
        }
    }

    /// Starts batches up to the limit in flight.
    fn start_waiting(&mut self) {
        while self.running.len() < self.limits.in_flight.max(1) {
            let Some(placed) = self.waiting.pop_front() else {
                return;
            };
            let (places, work): (Vec<u64>, Vec<S::Work>) = placed.into_iter().unzip();
            self.batches += 1;
            let batch = Batch {
                number: self.batches,
                first: self.pieces + 1,
                work,
            };
            self.pieces += places.len() as u64;
            let stage = Arc::clone(&self.stage);
            self.running.spawn(async move {
                let result = stage.advance(batch).await;
                (places, result)
            });
        }
    }

    /// Writes the results of a batch into its records.
    fn settle(
        &mut self,
        finished: Result<(Vec<u64>, BatchResult<S::Done>), tokio::task::JoinError>,
    ) -> Result<(), Fatal> {
        let (places, results) =
            finished.map_err(|_| Fatal::Bug("the work on a batch broke off".into()))?;
        let results = results?;
        if results.len() != places.len() {
            return Err(Fatal::Bug(
                "a batch came back with another number of results".into(),
            ));
        }
        for (place, result) in places.into_iter().zip(results) {
            let at = usize::try_from(place - self.first_in_window).unwrap_or(usize::MAX);
            let slot = self
                .window
                .get_mut(at)
                .ok_or_else(|| Fatal::Bug("a result has no record".into()))?;
            slot.settled = Some(match result {
                Ok(done) => {
                    self.stage.apply(&mut slot.line.record, done);
                    slot.line.record.outcome = None;
                    slot.line.raw = Box::default();
                    Settled::Advanced
                }
                Err(verdict) => {
                    stop(&mut slot.line, verdict, S::NAME);
                    Settled::Stopped
                }
            });
        }
        Ok(())
    }

    /// Writes the settled front of the window.
    async fn write_settled(&mut self) -> Result<(), Fatal> {
        while let Some(settled) = self.window.front().and_then(|slot| slot.settled) {
            let Some(Slot { mut line, .. }) = self.window.pop_front() else {
                break;
            };
            self.first_in_window += 1;
            if settled == Settled::Advanced {
                self.stage.collect(&mut line.record)?;
            }
            if line.raw.is_empty() {
                ndjson::append_line(&mut self.block, &line.record)
                    .map_err(|_| Fatal::Bug("a record cannot be written".into()))?;
            } else {
                self.block.extend_from_slice(&line.raw);
                self.block.push(b'\n');
            }
            self.tally.count_out(settled, line.record.outcome.as_ref());
            self.progress
                .rows(self.tally.rows_out(), self.completeness.total());
            if self.block.len() >= BLOCK_BYTES {
                self.hand_over().await?;
            }
        }
        self.hand_over().await
    }

    async fn hand_over(&mut self) -> Result<(), Fatal> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES * 2));
        self.output.write(block).await.map_err(|_| output_failed())
    }

    /// Writes what is settled, ends the stage, and puts the report together.
    async fn close(mut self, ended: Result<(), Fatal>) -> Report {
        self.running.abort_all();
        let mut fatal = ended.err();
        // Work that is settled at the front of the window is still worth writing; a second
        // failure here says nothing new.
        if fatal.is_some() {
            let _ = self.write_settled().await;
        }
        fatal = fatal.or_else(|| self.check_end().err());
        if fatal.is_none() {
            fatal = self.stage.finish().err();
        }
        if let Err(error) = self.output.finish(fatal.is_none()) {
            // The cause; what the pipeline noticed was only that the writer had gone.
            fatal = Some(error);
        }
        self.progress.finish();
        Report {
            tally: self.tally,
            fatal,
        }
    }

    fn check_end(&self) -> Result<(), Fatal> {
        if self.repeated_rows > 0 {
            tracing::warn!(
                "{} rows came more than once: was a file given twice?",
                self.repeated_rows
            );
        }
        if self.limits.partial {
            return Ok(());
        }
        self.completeness.check().map_err(|incomplete| {
            Fatal::Input(format!(
                "{incomplete}; what arrived was done (--partial if the stream is a part on purpose)"
            ))
        })
    }
}

/// Writes a verdict into a record.
fn stop(line: &mut Line, verdict: Verdict, stage: crate::StageName) {
    let outcome = verdict.at(stage);
    let detail = outcome.detail.as_deref().unwrap_or(outcome.reason.advice());
    let (row, kind, reason) = (
        line.record.row.number,
        outcome.kind.as_str(),
        outcome.reason.as_str(),
    );
    match outcome.kind {
        Kind::Excluded => tracing::info!("row {row}: {kind}: {reason}: {detail}"),
        Kind::Rejected | Kind::Failed => tracing::warn!("row {row}: {kind}: {reason}: {detail}"),
    }
    line.record.outcome = Some(outcome);
    line.raw = Box::default();
}

fn output_failed() -> Fatal {
    Fatal::io(
        "cannot write the output",
        std::io::ErrorKind::BrokenPipe.into(),
    )
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self, Fatal> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|source| Fatal::io("cannot listen for signals", source));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal; true for SIGTERM.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
        }
    }
}
