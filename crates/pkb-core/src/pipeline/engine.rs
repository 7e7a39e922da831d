//! The task that owns all state of a run: the window, the batches, the journal, the tally.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use super::{
    Limits, Report,
    judge::{Judged, Passing, Sighted},
    reader::Arrival,
    settled_journal::{Replayed, SettledJournal},
    signals::Signals,
};
use crate::{
    Admission, Batch, Fatal, Kind, Record, Stage, StageName, Verdict,
    completeness::Completeness,
    monitor::Monitor,
    ndjson::{self, Line},
    output::{Output, Target},
    stage::{BatchResult, Conclusion, IntentLog, Replay},
    tally::{Settled, Tally, What},
};

/// Bytes of output that are put together before they are handed to the writer.
const BLOCK_BYTES: usize = 64 << 10;
/// How long the output may take to write what is settled when somebody has stopped the stage.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long calls that are in flight may take to end when the stage has to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A record in the window.
struct Slot {
    held: Held,
    state: State,
}

/// What is kept of a record until it is written.
enum Held {
    /// All of it.
    Record(Line),
    /// Of one that passes, its line with the line end.
    Passing(Box<[u8]>, Option<What>),
}

/// How far a record is.
#[derive(Clone, Copy)]
enum State {
    /// Its work is forming, waiting or running.
    Working,
    /// May be written as soon as the journal has reached `journaled` on the disk.
    Settled {
        settled: Settled,
        collect: bool,
        journaled: u64,
    },
}

impl State {
    /// Nothing for the journal, nothing to collect.
    fn plain(settled: Settled) -> Self {
        Self::Settled {
            settled,
            collect: false,
            journaled: 0,
        }
    }
}

/// The places in the stream of a batch's records, and their work.
type Placed<W> = Vec<(u64, W)>;
/// A batch that has ended: the places of its records, and what became of them.
type Finished<D> = Result<(Vec<u64>, BatchResult<D>), JoinError>;

/// All state of a run.
pub(super) struct Engine<S: Stage> {
    stage: Arc<S>,
    journal: Option<SettledJournal>,
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
    monitor: Arc<Monitor>,
    repeated_rows: u64,
    /// When records came last.
    last_arrival: Instant,
}

/// Why and until when a run is stopping: nothing new is begun, and what is in flight may end.
struct Stopping {
    fatal: Fatal,
    deadline: Instant,
}

impl<S: Stage> Engine<S> {
    /// Everything at its beginning.
    pub(super) fn new(
        stage: Arc<S>,
        journal: Option<SettledJournal>,
        output: Target,
        limits: Limits,
        monitor: Arc<Monitor>,
    ) -> Self {
        Self {
            batch_rows: stage.batch_rows().max(1),
            limits,
            stage,
            journal,
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
            monitor,
            repeated_rows: 0,
            last_arrival: Instant::now(),
        }
    }

    /// Reads, works and writes until the input ends or something stops the run.
    pub(super) async fn drive(
        &mut self,
        mut arrivals: mpsc::Receiver<Arrival>,
        signals: &mut Signals,
    ) -> Option<Fatal> {
        let mut reading = true;
        let mut broken = None;
        let mut stopping: Option<Stopping> = None;
        loop {
            if stopping.is_none() {
                // A reader that has stopped reading must not keep a signal from being heard.
                let step = tokio::select! {
                    step = self.write_and_start(!reading && broken.is_none()) => step,
                    signal = signals.next() => Err(signal),
                };
                if let Err(fatal) = step {
                    stop_for(&mut stopping, fatal);
                }
            }
            match stopping.take() {
                Some(Stopping { fatal, .. }) if self.running.is_empty() => return Some(fatal),
                // What is still forming of an input that ended early stays undone: a short file now
                // would make the files of the next run, with the whole input, other files.
                None if !reading
                    && self.is_idle()
                    && (broken.is_some() || self.window.is_empty()) =>
                {
                    return broken;
                }
                still => stopping = still,
            }
            let is_starved = reading && stopping.is_none() && self.is_idle();
            self.monitor
                .no_input(is_starved.then_some(self.last_arrival));
            if stopping.is_some() {
                self.monitor.stopping();
            }
            let room = self.window.len() < self.limits.window(self.batch_rows);
            let deadline = stopping.as_ref().map(|stopping| stopping.deadline);
            let sync_due = self.journal.as_ref().and_then(SettledJournal::sync_due);
            // Only a pause of the input counts, not one that a full window makes.
            let linger_due = self
                .linger_due()
                .filter(|_| reading && room && stopping.is_none());
            tokio::select! {
                arrival = arrivals.recv(), if reading && room && stopping.is_none() => {
                    self.last_arrival = Instant::now();
                    let taken = match arrival {
                        Some(Arrival::Records(records)) => self.take_in(records),
                        Some(Arrival::Broken(fatal)) => {
                            broken = Some(fatal);
                            reading = false;
                            Ok(())
                        }
                        None => {
                            reading = false;
                            broken = self.check_end().err();
                            Ok(())
                        }
                    };
                    if let Err(fatal) = taken {
                        stop_for(&mut stopping, fatal);
                    }
                }
                Some(finished) = self.running.join_next(), if !self.running.is_empty() => {
                    let mut settled = self.settle(finished);
                    // What has ended meanwhile, too: one round for all of it.
                    while settled.is_ok() && let Some(finished) = self.running.try_join_next() {
                        settled = self.settle(finished);
                    }
                    if let Err(fatal) = settled {
                        stop_for(&mut stopping, fatal);
                    }
                }
                () = self.output.failed(), if stopping.is_none() => {
                    stop_for(&mut stopping, output_failed());
                }
                signal = signals.next() => {
                    // A second signal: at once.
                    if let Some(Stopping { fatal: Fatal::Interrupted { .. }, .. }) = stopping {
                        return Some(signal);
                    }
                    stopping = Some(Stopping { fatal: signal, deadline: Instant::now() + GRACE });
                }
                () = sleep_until(sync_due), if sync_due.is_some() && stopping.is_none() => {}
                () = sleep_until(linger_due), if linger_due.is_some() => self.close_batch(),
                () = sleep_until(deadline), if deadline.is_some() => {
                    return stopping.map(|stopping| stopping.fatal);
                }
            }
        }
    }

    /// When a batch that is not full is to be closed, because no more records come for now.
    fn linger_due(&self) -> Option<Instant> {
        let linger = self.stage.linger().filter(|_| !self.forming.is_empty())?;
        Some(self.last_arrival + linger)
    }

    /// Nothing is being worked on, or about to be.
    fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    /// Writes what may be written, and starts what may be started; at the end of the input also a
    /// batch that is not full.
    async fn write_and_start(&mut self, at_end: bool) -> Result<(), Fatal> {
        if let Some(journal) = &mut self.journal {
            journal.sync_if_due()?;
        }
        self.write_settled().await?;
        if at_end {
            self.close_batch();
        }
        self.start_waiting();
        Ok(())
    }

    /// Takes in the records of a block, in their order.
    fn take_in(&mut self, judged: Judged) -> Result<(), Fatal> {
        let mut lines = &judged.lines[..];
        for record in judged.records {
            match record {
                Sighted::Open(line) => self.take_in_open(line)?,
                Sighted::Passing(passing) => {
                    let line = lines.split_off(..passing.length).unwrap_or_default();
                    let file = judged.files.get(passing.file).map_or("", String::as_str);
                    self.pass(&passing, file, line);
                }
            }
        }
        Ok(())
    }

    /// Writes the line of a record that needs no work, or puts it at the end of the window.
    fn pass(&mut self, passing: &Passing, file: &str, line: &[u8]) {
        self.note_row(file, passing.number, passing.of);
        if self.window.is_empty() {
            self.first_in_window += 1;
            self.block.extend_from_slice(line);
            self.tally.count_as(passing.settled, passing.stopped);
            return;
        }
        self.put(Slot {
            held: Held::Passing(line.into(), passing.stopped),
            state: State::plain(passing.settled),
        });
    }

    /// Counts a row that was read.
    fn note_row(&mut self, file: &str, number: u64, of: u64) {
        self.tally.count_in();
        if !self.completeness.note_number(file, number, of) {
            self.repeated_rows += 1;
        }
    }

    /// Puts a record at the end of the window.
    fn put(&mut self, slot: Slot) {
        self.window.push_back(slot);
        let behind = self.first_in_window + self.window.len() as u64;
        let span = self.forming.first().map_or(0, |(first, _)| behind - first);
        if self.forming.len() >= self.batch_rows || span as usize >= Limits::span(self.batch_rows) {
            self.close_batch();
        }
    }

    /// Finds out what to do with a record, and puts it at the end of the window.
    fn take_in_open(&mut self, mut line: Line) -> Result<(), Fatal> {
        let row = &line.record.row;
        self.note_row(&row.file, row.number, row.of);
        let place = self.first_in_window + self.window.len() as u64;
        let state = match &line.record.outcome {
            Some(outcome) if outcome.reason.mended_by() == Some(S::NAME) => {
                // What this stage found earlier no longer serves, whoever has it written down.
                line.record.clear_from(S::NAME);
                line.raw = Box::default();
                self.admit(&mut line, place)
            }
            Some(outcome) if !self.stage.tries_again(outcome) => {
                if outcome.stage != S::NAME {
                    self.stage.stopped_before(&line.record);
                }
                State::plain(Settled::Stopped)
            }
            _ => match self.answer_from_journal(&mut line)? {
                Some(state) => state,
                None => self.admit(&mut line, place),
            },
        };
        self.put(Slot {
            held: Held::Record(line),
            state,
        });
        Ok(())
    }

    /// Settles a record that an earlier run settled.
    fn answer_from_journal(&self, line: &mut Line) -> Result<Option<State>, Fatal> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let Some(key) = self.stage.key(&line.record) else {
            return Ok(None);
        };
        // An outcome to be tried again, or a reader of records, needs the whole record.
        let plain = line.record.outcome.is_none() && S::QUICK_REPLAY;
        let input: &[u8] = if plain { &line.raw } else { &[] };
        match journal.get(S::NAME, key, input)? {
            None => return Ok(None),
            Some(Replayed::Line(_)) if !self.stage.answers(&line.record, None) => return Ok(None),
            Some(Replayed::Record(settled))
                if !self.stage.answers(&line.record, settled.outcome.as_ref()) =>
            {
                return Ok(None);
            }
            Some(Replayed::Line(raw)) => {
                line.raw = raw;
                return Ok(Some(State::plain(Settled::AlreadyDone)));
            }
            Some(Replayed::Record(settled)) => {
                line.record.take_over(S::NAME, *settled);
                line.raw = Box::default();
            }
        }
        match self.stage.replay(&line.record) {
            Replay::Answer => {}
            Replay::DoAgain => return Ok(None),
            Replay::Stop(verdict) => {
                line.record.clear(S::NAME);
                stop(line, verdict, S::NAME);
                return Ok(Some(State::plain(Settled::Stopped)));
            }
        }
        let settled = if line.record.outcome.is_some() {
            Settled::Stopped
        } else {
            conclude(&*self.stage, line, Settled::AlreadyDone)
        };
        Ok(Some(State::Settled {
            settled,
            collect: settled != Settled::Stopped,
            journaled: 0,
        }))
    }

    /// Asks the stage about a record.
    fn admit(&mut self, line: &mut Line, place: u64) -> State {
        match self.stage.admit(&line.record) {
            Admission::AlreadyDone => State::plain(Settled::AlreadyDone),
            Admission::NotReady => State::plain(Settled::NotReady),
            Admission::NotConcerned => State::plain(Settled::NotConcerned),
            Admission::Stop(verdict) => {
                stop(line, verdict, S::NAME);
                State::plain(Settled::Stopped)
            }
            Admission::Work(work) => {
                self.forming.push((place, work));
                State::Working
            }
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
            let intents = self
                .journal
                .as_ref()
                .map_or_else(IntentLog::default, |journal| journal.intents(S::NAME));
            let batch = Batch {
                number: self.batches,
                first: self.pieces + 1,
                work,
                intents,
            };
            self.pieces += places.len() as u64;
            let stage = Arc::clone(&self.stage);
            self.running.spawn(async move {
                let result = stage.advance(batch).await;
                (places, result)
            });
        }
    }

    /// Writes the results of a batch into its records and the journal.
    fn settle(&mut self, finished: Finished<S::Done>) -> Result<(), Fatal> {
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
            let Some(Slot {
                held: Held::Record(line),
                state,
            }) = self.window.get_mut(at)
            else {
                return Err(Fatal::Bug("a result has no record".into()));
            };
            let mut settled = match result {
                Ok(done) => {
                    line.record.outcome = None;
                    self.stage.apply(&mut line.record, done);
                    Settled::Advanced
                }
                Err(verdict) => {
                    stop(line, verdict, S::NAME);
                    Settled::Stopped
                }
            };
            line.raw = to_line(&line.record)?;
            let journaled = match &mut self.journal {
                // A failure is not for good: the next run tries again.
                Some(journal) if line.record.is_settled_by(S::NAME) => journal.append(&line.raw)?,
                _ => 0,
            };
            // After the journal, which is to know what was done and not what follows from it today.
            if settled == Settled::Advanced {
                settled = conclude(&*self.stage, line, settled);
            }
            let collect = settled == Settled::Advanced;
            *state = State::Settled {
                settled,
                collect,
                journaled,
            };
        }
        Ok(())
    }

    /// Writes the settled front of the window.
    async fn write_settled(&mut self) -> Result<(), Fatal> {
        let synced = self.journal.as_ref().map_or(0, SettledJournal::synced);
        while let Some(Slot {
            held,
            state:
                State::Settled {
                    settled,
                    collect,
                    journaled,
                },
        }) = self.window.front()
            && *journaled <= synced
        {
            match held {
                Held::Passing(line, stopped) => {
                    self.block.extend_from_slice(line);
                    self.tally.count_as(*settled, *stopped);
                }
                Held::Record(line) => {
                    if *collect {
                        self.stage.collect(&line.record)?;
                    }
                    if line.raw.is_empty() {
                        ndjson::append_line(&mut self.block, &line.record).map_err(unwritable)?;
                    } else {
                        self.block.extend_from_slice(&line.raw);
                        self.block.push(b'\n');
                    }
                    self.tally.count_out(*settled, line.record.outcome.as_ref());
                }
            }
            self.window.pop_front();
            self.first_in_window += 1;
            if self.block.len() >= BLOCK_BYTES {
                self.hand_over().await?;
            }
        }
        self.monitor
            .rows(self.tally.rows_out(), self.completeness.total());
        self.hand_over().await
    }

    async fn hand_over(&mut self) -> Result<(), Fatal> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.output
            .write(&mut self.block)
            .await
            .map_err(|_| output_failed())
    }

    /// Writes what is settled, ends the stage, and puts the report together.
    pub(super) async fn close(mut self, mut fatal: Option<Fatal>) -> Report {
        self.running.abort_all();
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.sync()
        {
            fatal = fatal.or(Some(error));
        }
        let patience = matches!(fatal, Some(Fatal::Interrupted { .. })).then_some(LAST_WORDS);
        if fatal.is_some() {
            // Work that is settled at the front of the window is still worth writing; a second
            // failure here says nothing new.
            let _ = tokio::time::timeout(patience.unwrap_or(GRACE), self.write_settled()).await;
        }
        if fatal.is_none() {
            fatal = self.stage.finish().err();
        }
        if let Err(error) = self.output.finish(fatal.is_none(), patience).await {
            // The cause; what the pipeline noticed was only that the writer had gone.
            if !matches!(fatal, Some(Fatal::Interrupted { .. })) {
                fatal = Some(error);
            }
        }
        Report {
            files: (self.completeness.files())
                .map(|(file, ..)| file.to_owned())
                .collect(),
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
                "{incomplete}; run the same command again with the whole input (--partial if it is a part on purpose)"
            ))
        })
    }
}

/// The first reason to stop is the one that is told.
fn stop_for(stopping: &mut Option<Stopping>, fatal: Fatal) {
    if stopping.is_none() {
        *stopping = Some(Stopping {
            fatal,
            deadline: Instant::now() + GRACE,
        });
    }
}

/// Waits until a moment that may not come.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// A record as one line, without its line end.
fn to_line(record: &Record) -> Result<Box<[u8]>, Fatal> {
    serde_json::to_vec(record)
        .map(Vec::into_boxed_slice)
        .map_err(unwritable)
}

fn unwritable(_: serde_json::Error) -> Fatal {
    Fatal::Bug("a record cannot be written".into())
}

/// What follows for a record that is `settled`.
fn conclude<S: Stage>(stage: &S, line: &mut Line, settled: Settled) -> Settled {
    match stage.conclude(&mut line.record) {
        Conclusion::AsItIs => settled,
        Conclusion::Changed => {
            line.raw = Box::default();
            settled
        }
        Conclusion::Stop(verdict) => {
            stop(line, verdict, S::NAME);
            Settled::Stopped
        }
    }
}

/// Writes a verdict into a record.
fn stop(line: &mut Line, verdict: Verdict, stage: StageName) {
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
