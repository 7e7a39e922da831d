//! The task that owns all state of a run: the window, the batches, the journal, the tally.

mod one_patient;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use self::one_patient::GoneOn;
use super::{
    Limits, Report, grace,
    judge::{Answered, Judged, Open, Passing, Sighted},
    reader::Arrival,
    records::{Kept, written},
    settled_journal::SettledJournal,
    work::{Number, Piece, Worked, brought, conclude, stop, work_on},
};
use crate::{
    Admission, Fatal, Outcome, Reason, Stage,
    completeness::Completeness,
    monitor::Monitor,
    ndjson::Line,
    output::{Output, Target},
    owners::{Belongings, Owner, Owners},
    rehearsal::Evidence,
    stage::{IntentLog, Replay},
    tally::{Settled, Tally, What},
};
use pkb_files::signals::{EndSignal, Signals};
use pkb_values::NationalId;

/// Bytes of output that are put together before they are handed to the writer.
const BLOCK_BYTES: usize = 64 << 10;
/// How long the output may take to write what is settled when somebody has stopped the stage.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(900);
/// How long calls that are in flight may take to end when the stage has to stop.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// The same for everything that can simply be done again.
pub(super) const SHORT_GRACE: Duration = Duration::from_secs(1);

/// A record in the window.
struct Slot<G> {
    /// Its line without the line end, as it will be written; nothing while it is worked on.
    line: Box<[u8]>,
    state: State,
    /// What is to be collected before it is written.
    gleaned: Option<Box<G>>,
    /// What it has that must be no other patient's, to be looked at before it is written.
    brought: Option<Box<Belongings>>,
    /// Other patients for whom something was done with the same codes or record: they are named when it is written.
    others: Vec<Owner>,
}

/// How far a record is.
#[derive(Clone, Copy)]
enum State {
    /// Its work is forming, waiting or running.
    Working,
    /// May be written as soon as the journal has reached `journaled` on the disk.
    Settled {
        settled: Settled,
        stopped: Option<What>,
        journaled: u64,
    },
}

/// The number of a batch, and what it comes to.
type Ended<G> = (u64, Vec<Worked<G>>);

/// A batch that has ended.
type Finished<G> = Result<Result<Ended<G>, Fatal>, JoinError>;

/// All state of a run.
pub(super) struct Engine<S: Stage> {
    stage: Arc<S>,
    journal: Option<SettledJournal>,
    /// Who has come with what.
    owners: Owners,
    /// Patients who were stopped in this run since others have the same.
    stopped: HashSet<NationalId>,
    /// Patients who went on before that was known.
    gone_on: Vec<GoneOn>,
    limits: Limits,
    batch_rows: usize,
    window: VecDeque<Slot<S::Gleaned>>,
    /// Place in the stream of the window's front, from 0.
    first_in_window: u64,
    forming: Vec<Piece<S::Work>>,
    waiting: VecDeque<Vec<Piece<S::Work>>>,
    running: JoinSet<Result<Ended<S::Gleaned>, Fatal>>,
    /// Batches that have ended before one that was started earlier, if they are settled in their order.
    early: BTreeMap<u64, Vec<Worked<S::Gleaned>>>,
    /// Batches settled.
    settled: u64,
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

/// What comes next for a record that was taken in.
enum Next<S: Stage> {
    /// This work.
    Work(S::Work),
    /// It will be written, after this was collected.
    Settled(Settled, Option<Box<S::Gleaned>>),
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
        owners: Owners,
        output: Target,
        limits: Limits,
        monitor: Arc<Monitor>,
    ) -> Self {
        Self {
            batch_rows: stage.batch_rows().max(1),
            limits,
            stage,
            journal,
            owners,
            stopped: HashSet::new(),
            gone_on: Vec::new(),
            window: VecDeque::new(),
            first_in_window: 0,
            forming: Vec::new(),
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            early: BTreeMap::new(),
            settled: 0,
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
        mut arrivals: mpsc::Receiver<Arrival<S::Gleaned>>,
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
                    signal = signals.next() => {
                        stopping = Some(self.stopped_by(signal));
                        Ok(())
                    }
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
            // Whoever has a batch waiting needs no more records: large batches would fill the memory.
            let room =
                self.waiting.is_empty() && self.window.len() < self.limits.window(self.batch_rows);
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
                    if let Some(Stopping { fatal: Fatal::Interrupted(_), .. }) = stopping {
                        return Some(Fatal::Interrupted(signal));
                    }
                    stopping = Some(self.stopped_by(signal));
                }
                () = sleep_until(sync_due), if sync_due.is_some() && stopping.is_none() => {}
                () = sleep_until(linger_due), if linger_due.is_some() => self.close_batch(),
                () = sleep_until(deadline), if deadline.is_some() => {
                    return stopping.map(|stopping| stopping.fatal);
                }
            }
        }
    }

    /// A signal has come. Calls that must not be repeated may end, if any is under way: what is waited for is none.
    fn stopped_by(&self, signal: EndSignal) -> Stopping {
        let is_calling = self.monitor.waits() < self.running.len();
        let grace = match is_calling {
            true => grace(S::NAME),
            false => SHORT_GRACE,
        };
        Stopping {
            fatal: Fatal::Interrupted(signal),
            deadline: Instant::now() + grace,
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
    fn take_in(&mut self, judged: Judged<S::Gleaned>) -> Result<(), Fatal> {
        let mut lines = &judged.lines[..];
        for record in judged.records {
            match record {
                Sighted::Open(open) => self.take_in_open(open)?,
                Sighted::Passing(passing) => {
                    let line = lines.split_off(..passing.length).unwrap_or_default();
                    let file = judged.files.get(passing.file).map_or("", String::as_str);
                    self.pass(&passing, file, line)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the line of a record that needs no work, or puts it at the end of the window.
    fn pass(&mut self, passing: &Passing, file: &str, line: &[u8]) -> Result<(), Fatal> {
        if let Some((origin, unmarked)) = passing.origin {
            let evidence = || Evidence::Row {
                file: file.to_owned(),
                number: passing.number,
                unmarked,
            };
            self.monitor.origins().note(origin, evidence)?;
        }
        self.note_row(file, passing.number, passing.of);
        if self.window.is_empty() {
            self.first_in_window += 1;
            self.block.extend_from_slice(line);
            self.tally.count_as(passing.settled, passing.stopped);
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        self.put(Slot {
            line: line.into(),
            state: State::Settled {
                settled: passing.settled,
                stopped: passing.stopped,
                journaled: 0,
            },
            gleaned: None,
            brought: None,
            others: Vec::new(),
        });
        Ok(())
    }

    /// Counts a row that was read.
    fn note_row(&mut self, file: &str, number: u64, of: u64) {
        self.tally.count_in();
        if !self.completeness.note_number(file, number, of) {
            self.repeated_rows += 1;
        }
    }

    /// Puts a record at the end of the window.
    fn put(&mut self, slot: Slot<S::Gleaned>) {
        self.window.push_back(slot);
        let behind = self.first_in_window + self.window.len() as u64;
        let first = self.forming.first();
        let span = first.map_or(0, |first| behind - first.place);
        if self.forming.len() >= self.batch_rows || span as usize >= Limits::span(self.batch_rows) {
            self.close_batch();
        }
    }

    /// Finds out what to do with a record, and puts it at the end of the window.
    fn take_in_open(&mut self, open: Open<S::Gleaned>) -> Result<(), Fatal> {
        let Open {
            mut line,
            answered,
            had_shared_codes,
        } = open;
        self.monitor.origins().note_record(&line.record)?;
        let row = &line.record.row;
        self.note_row(&row.file, row.number, row.of);
        let is_mended = answered.is_none()
            && (line.record.outcome.as_ref())
                .is_some_and(|outcome| outcome.reason.mended_by() == Some(S::NAME));
        let had_shared_codes = had_shared_codes
            || (line.record.outcome.as_ref())
                .is_some_and(|outcome| outcome.reason == Reason::SharedCodes);
        if is_mended {
            // What this stage found earlier no longer serves, whoever has it written down.
            line.record.clear_from(S::NAME);
            line.raw = Box::default();
        }
        if let Some(shared) = self.need_own(&line.record, answered.as_ref()) {
            return self.stop_shared(line, &shared, answered.is_some());
        }
        let next = match (answered, &line.record.outcome) {
            (Some(answered), _) => self
                .replay(&mut line, answered)
                .unwrap_or_else(|| self.admit(&mut line)),
            (None, Some(outcome)) if !self.stage.tries_again(outcome) => {
                if outcome.stage != S::NAME {
                    self.stage.stopped_before(&line.record);
                }
                Next::Settled(Settled::Stopped, None)
            }
            _ => self.admit(&mut line),
        };
        let slot = match next {
            Next::Work(work) => {
                self.forming.push(Piece {
                    place: self.first_in_window + self.window.len() as u64,
                    work,
                    kept: Kept::of(line, self.batch_rows)?,
                    had_shared_codes,
                });
                Slot {
                    line: Box::default(),
                    state: State::Working,
                    gleaned: None,
                    brought: None,
                    others: Vec::new(),
                }
            }
            Next::Settled(settled, gleaned) => Slot {
                state: State::Settled {
                    settled,
                    stopped: line.record.outcome.as_ref().map(What::of),
                    journaled: 0,
                },
                brought: brought::<S>(&line.record, self.owners.salt()),
                others: Vec::new(),
                line: written(line)?,
                gleaned,
            },
        };
        self.put(slot);
        Ok(())
    }

    /// Settles a record as the journal has it; `None` if the stage has to look at it again.
    fn replay(&self, line: &mut Line, answered: Answered<S::Gleaned>) -> Option<Next<S>> {
        if line.record.outcome.as_ref().is_some_and(Outcome::is_erased) {
            return Some(Next::Settled(Settled::Stopped, None));
        }
        match self.stage.replay(&line.record) {
            Replay::Answer => {}
            Replay::DoAgain => return None,
            Replay::Stop(verdict) => {
                line.record.clear(S::NAME);
                stop(&mut line.record, verdict, S::NAME);
                line.raw = Box::default();
                return Some(Next::Settled(Settled::Stopped, None));
            }
        }
        if line.record.outcome.is_some() {
            return Some(Next::Settled(Settled::Stopped, None));
        }
        let (settled, is_changed) = conclude(&*self.stage, &mut line.record, Settled::AlreadyDone);
        if is_changed {
            line.raw = Box::default();
        }
        let is_advanced = settled != Settled::Stopped;
        let gleaned = answered.gleaned.filter(|_| is_advanced);
        Some(Next::Settled(settled, gleaned))
    }

    /// Asks the stage about a record.
    fn admit(&self, line: &mut Line) -> Next<S> {
        match self.stage.admit(&line.record) {
            Admission::AlreadyDone => Next::Settled(Settled::AlreadyDone, None),
            Admission::NotReady => Next::Settled(Settled::NotReady, None),
            Admission::NotConcerned => Next::Settled(Settled::NotConcerned, None),
            Admission::Stop(verdict) => {
                stop(&mut line.record, verdict, S::NAME);
                line.raw = Box::default();
                Next::Settled(Settled::Stopped, None)
            }
            Admission::Work(work) => Next::Work(work),
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
            let Some(pieces) = self.waiting.pop_front() else {
                return;
            };
            self.batches += 1;
            let number = Number {
                batch: self.batches,
                first: self.pieces + 1,
            };
            self.pieces += pieces.len() as u64;
            let intents = self
                .journal
                .as_ref()
                .map_or_else(IntentLog::default, |journal| journal.intents(S::NAME));
            let stage = Arc::clone(&self.stage);
            let salt = self.owners.salt().clone();
            let monitor = Arc::clone(&self.monitor);
            self.running.spawn(async move {
                let origins = monitor.origins();
                let worked = work_on(&*stage, number, pieces, intents, &salt, origins).await?;
                Ok((number.batch, worked))
            });
        }
    }

    /// Settles a batch that has ended, or those that may be settled now.
    fn settle(&mut self, finished: Finished<S::Gleaned>) -> Result<(), Fatal> {
        let ended = finished.map_err(|_| Fatal::Bug("the work on a batch broke off".into()))?;
        let (number, worked) = ended?;
        if !S::SETTLES_IN_ORDER {
            return self.enter(worked);
        }
        self.early.insert(number, worked);
        while let Some(worked) = self.early.remove(&(self.settled + 1)) {
            self.settled += 1;
            self.enter(worked)?;
        }
        Ok(())
    }

    /// Writes the results of a batch into the window and the journal.
    fn enter(&mut self, worked: Vec<Worked<S::Gleaned>>) -> Result<(), Fatal> {
        for worked in worked {
            let at = usize::try_from(worked.place - self.first_in_window).unwrap_or(usize::MAX);
            let Some(slot) = self.window.get_mut(at) else {
                return Err(Fatal::Bug("a result has no record".into()));
            };
            let journaled = match &mut self.journal {
                // A failure is not for good: the next run tries again.
                Some(journal) if worked.journal => journal.append(&worked.line)?,
                _ => 0,
            };
            *slot = Slot {
                line: worked.concluded.unwrap_or(worked.line),
                state: State::Settled {
                    settled: worked.settled,
                    stopped: worked.stopped,
                    journaled,
                },
                gleaned: worked.gleaned,
                brought: worked.brought,
                others: Vec::new(),
            };
        }
        Ok(())
    }

    /// Writes the settled front of the window.
    async fn write_settled(&mut self) -> Result<(), Fatal> {
        let synced = self.journal.as_ref().map_or(0, SettledJournal::synced);
        while let Some(front) = self.window.front()
            && let State::Settled { journaled, .. } = front.state
            && journaled <= synced
            && let Some(mut slot) = self.window.pop_front()
        {
            self.first_in_window += 1;
            self.bring_own(&mut slot)?;
            if let Some(gleaned) = slot.gleaned {
                self.stage.collect(*gleaned)?;
            }
            self.block.extend_from_slice(&slot.line);
            self.block.push(b'\n');
            if let State::Settled {
                settled, stopped, ..
            } = slot.state
            {
                self.tally.count_as(settled, stopped);
            }
            self.note_gone_on(&slot.line, &slot.others);
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
        let patience = matches!(fatal, Some(Fatal::Interrupted(_))).then_some(LAST_WORDS);
        if fatal.is_some() {
            // Work that is settled at the front of the window is still worth writing; a second
            // failure here says nothing new.
            let _ = tokio::time::timeout(patience.unwrap_or(GRACE), self.write_settled()).await;
        }
        self.tell_gone_on();
        if fatal.is_none() {
            fatal = self.stage.finish().err();
        }
        if let Err(error) = self.output.finish(fatal.is_none(), patience).await {
            // The cause; what the pipeline noticed was only that the writer had gone.
            if !matches!(fatal, Some(Fatal::Interrupted(_))) {
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

fn output_failed() -> Fatal {
    Fatal::io(
        "cannot write the output",
        std::io::ErrorKind::BrokenPipe.into(),
    )
}
