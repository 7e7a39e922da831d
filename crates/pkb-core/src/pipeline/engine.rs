//! The task that owns all state of a run: the window, the batches, the journal, the tally.

mod arrivals;
mod one_patient;
mod output;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use pkb_files::signals::{EndSignal, Signals};
use pkb_values::NationalId;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use self::one_patient::AlreadyWritten;
use super::{
    Limits, grace,
    reader::Arrival,
    records::{kept_whole, record_of},
    settled_journal::SettledJournal,
    work::{Number, Piece, Worked, work_on},
};
use crate::{
    Fatal, Record, Stage,
    completeness::Completeness,
    monitor::Monitor,
    output::{Output, Target},
    owners::{Known, Owner, Owners, PatientIdentifiers},
    rows::counted,
    stage::{Handled, IntentLog, Plan},
    tally::{Settled, Tally},
};

/// Bytes of output that are put together before they are handed to the writer.
const BLOCK_BYTES: usize = 64 << 10;
/// How long the output may take to write what is settled when somebody has stopped the stage.
pub(super) const OUTPUT_GRACE: Duration = Duration::from_millis(900);
/// How long calls that are in flight may take to end when the stage has to stop.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// The same for everything that can simply be done again.
pub(super) const SHORT_GRACE: Duration = Duration::from_secs(1);

/// A record in the window.
enum Slot {
    /// Its work is forming, waiting or running.
    Working,
    /// It may be written as soon as the journal is on the disk as far as that.
    Settled(Box<Ready>),
}

/// A record that is settled.
struct Ready {
    /// As it will be written, unless a conclusion changes it.
    line: Box<[u8]>,
    /// What it says, if that is kept in memory.
    record: Option<Box<Record>>,
    handled: Handled,
    settled: Settled,
    /// How far the journal must be on the disk.
    journaled: u64,
    /// What it has that must be no other patient's, to be looked at before it is written.
    brought: Option<Box<PatientIdentifiers>>,
    /// Other patients for whom something was done with the same codes or record: they are named when it is written.
    others: Vec<Owner>,
}

impl Ready {
    /// What it says, read again if it was not kept in memory.
    fn take_record(&mut self) -> Result<Box<Record>, Fatal> {
        self.record.take().map_or_else(|| record_of(&self.line), Ok)
    }
}

/// The number of a batch, and what it comes to.
type Ended = (u64, Vec<Worked>);

/// A batch that has ended.
type Finished = Result<Result<Ended, Fatal>, JoinError>;

/// All state of a run.
pub(super) struct Engine<S: Stage> {
    stage: Arc<S>,
    plan: Plan,
    journal: Option<SettledJournal>,
    /// Who has come with what.
    owners: Owners,
    /// What several patients had in earlier runs.
    known_shared: Known,
    /// Patients who were stopped in this run since others have the same.
    stopped: HashSet<NationalId>,
    /// Patients who went on before that was known.
    already_written: Vec<AlreadyWritten>,
    limits: Limits,
    window: VecDeque<Slot>,
    /// Place in the stream of the window's front, from 0.
    first_in_window: u64,
    forming: Vec<Piece<S::Work>>,
    waiting: VecDeque<Vec<Piece<S::Work>>>,
    running: JoinSet<Result<Ended, Fatal>>,
    /// Batches that have ended before one that was started earlier, if they are settled in their order.
    early: BTreeMap<u64, Vec<Worked>>,
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

/// Why and until when a run is stopping: nothing new is begun, and what is in flight may end.
struct Stopping {
    fatal: Fatal,
    deadline: Instant,
}

/// How far a run is.
struct RunState {
    /// More input may come.
    is_reading: bool,
    /// The input broke off.
    broken: Option<Fatal>,
    stopping: Option<Stopping>,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            is_reading: true,
            broken: None,
            stopping: None,
        }
    }
}

impl RunState {
    /// Begins to stop if something has failed. The first reason to stop is the one that is told.
    fn stop_if(&mut self, done: Result<(), Fatal>) {
        if let Err(fatal) = done
            && self.stopping.is_none()
        {
            self.stopping = Some(Stopping {
                fatal,
                deadline: Instant::now() + GRACE,
            });
        }
    }
}

impl<S: Stage> Engine<S> {
    /// Everything at its beginning.
    pub(super) fn new(
        (stage, plan): (Arc<S>, Plan),
        mut journal: Option<SettledJournal>,
        output: Target,
        limits: Limits,
        monitor: Arc<Monitor>,
    ) -> Self {
        let owners = journal.as_mut().map(SettledJournal::take_owners);
        let owners = owners.unwrap_or_default();
        Self {
            limits,
            stage,
            plan,
            journal,
            known_shared: owners.known(),
            owners,
            stopped: HashSet::new(),
            already_written: Vec::new(),
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
        mut arrivals: mpsc::Receiver<Arrival>,
        signals: &mut Signals,
    ) -> Option<Fatal> {
        let mut state = RunState::default();
        loop {
            if state.stopping.is_none() {
                // A reader that has stopped reading must not keep a signal from being heard.
                let step = tokio::select! {
                    step = self.write_and_start(!state.is_reading && state.broken.is_none()) => step,
                    signal = signals.next() => {
                        state.stopping = Some(self.stopped_by(signal));
                        Ok(())
                    }
                };
                state.stop_if(step);
            }
            if let Some(end) = self.end(&mut state) {
                return end;
            }
            self.tell_monitor(&state);
            let is_going_on = state.stopping.is_none();
            // Whoever has a batch waiting needs no more records: large batches would fill the memory.
            let has_room = self.waiting.is_empty()
                && self.window.len() < self.limits.window(self.plan.batch_rows);
            let takes_in = state.is_reading && has_room && is_going_on;
            let deadline = state.stopping.as_ref().map(|stopping| stopping.deadline);
            let sync_due = self.journal.as_ref().and_then(SettledJournal::sync_due);
            // Only a pause of the input counts, not one that a full window makes.
            let linger_due = self.linger_due().filter(|_| takes_in);
            tokio::select! {
                arrival = arrivals.recv(), if takes_in => self.arrive(arrival, &mut state),
                Some(finished) = self.running.join_next(), if !self.running.is_empty() => {
                    state.stop_if(self.settle_all(finished));
                }
                () = self.output.failed(), if is_going_on => state.stop_if(Err(output_failed())),
                signal = signals.next() => {
                    // A second signal: at once.
                    if let Some(Stopping { fatal: Fatal::Interrupted(_), .. }) = state.stopping {
                        return Some(Fatal::Interrupted(signal));
                    }
                    state.stopping = Some(self.stopped_by(signal));
                }
                () = sleep_until(sync_due), if sync_due.is_some() && is_going_on => {}
                () = sleep_until(linger_due), if linger_due.is_some() => self.close_batch(),
                () = sleep_until(deadline), if deadline.is_some() => {
                    return state.stopping.map(|stopping| stopping.fatal);
                }
            }
        }
    }

    /// What the run ends with, if it has ended.
    fn end(&self, state: &mut RunState) -> Option<Option<Fatal>> {
        if state.stopping.is_some() {
            let stopping = state.stopping.take_if(|_| self.running.is_empty())?;
            return Some(Some(stopping.fatal));
        }
        // What is still forming of an input that ended early stays undone: a short file now would make the files of the
        // next run, with the whole input, other files.
        let is_written = state.broken.is_some() || self.window.is_empty();
        (!state.is_reading && self.is_idle() && is_written).then(|| state.broken.take())
    }

    fn tell_monitor(&self, state: &RunState) {
        let is_stopping = state.stopping.is_some();
        let is_starved = state.is_reading && !is_stopping && self.is_idle();
        let since = is_starved.then_some(self.last_arrival);
        self.monitor.no_input(since);
        if is_stopping {
            self.monitor.stopping();
        }
    }

    /// Takes in what has come from the reader.
    fn arrive(&mut self, arrival: Option<Arrival>, state: &mut RunState) {
        self.last_arrival = Instant::now();
        match arrival {
            Some(Arrival::Records(records)) => {
                let mut records = records.into_iter();
                state.stop_if(records.try_for_each(|arrived| self.take_in(arrived)));
            }
            Some(Arrival::Broken(fatal)) => {
                state.broken = Some(fatal);
                state.is_reading = false;
            }
            None => {
                state.is_reading = false;
                state.broken = self.check_end().err();
            }
        }
    }

    /// Settles what has ended: one round for all of it.
    fn settle_all(&mut self, finished: Finished) -> Result<(), Fatal> {
        self.settle(finished)?;
        while let Some(finished) = self.running.try_join_next() {
            self.settle(finished)?;
        }
        Ok(())
    }

    /// A signal has come. Calls that must not be repeated may end, if any is under way: what is waited for is none.
    fn stopped_by(&self, signal: EndSignal) -> Stopping {
        let is_calling = self.monitor.waits() < self.running.len();
        let grace = match is_calling {
            true => grace(self.plan.stage),
            false => SHORT_GRACE,
        };
        Stopping {
            fatal: Fatal::Interrupted(signal),
            deadline: Instant::now() + grace,
        }
    }

    /// When a batch that is not full is to be closed, because no more records come for now.
    fn linger_due(&self) -> Option<Instant> {
        let linger = self.plan.linger.filter(|_| !self.forming.is_empty())?;
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

    fn close_batch(&mut self) {
        if !self.forming.is_empty() {
            self.waiting.push_back(std::mem::take(&mut self.forming));
        }
    }

    /// Starts batches up to the limit in flight.
    fn start_waiting(&mut self) {
        let name = self.plan.stage;
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
                .map_or_else(IntentLog::default, |journal| journal.intents(name));
            let stage = Arc::clone(&self.stage);
            let salt = self.owners.salt().clone();
            let monitor = Arc::clone(&self.monitor);
            self.running.spawn(async move {
                let origins = monitor.origins();
                let worked =
                    work_on((&*stage, name), number, pieces, intents, &salt, origins).await?;
                Ok((number.batch, worked))
            });
        }
    }

    /// Settles a batch that has ended, or those that may be settled now.
    fn settle(&mut self, finished: Finished) -> Result<(), Fatal> {
        let ended =
            finished.map_err(|_| Fatal::Bug("the work on a batch ended unexpectedly".into()))?;
        let (number, worked) = ended?;
        if !self.plan.stage.settles_in_order() {
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
    fn enter(&mut self, worked: Vec<Worked>) -> Result<(), Fatal> {
        for worked in worked {
            let journaled = match &mut self.journal {
                // A failure is not for good: the next run tries again.
                Some(journal) if worked.is_for_journal => {
                    self.monitor.saved();
                    journal.append(&worked.line.raw)?
                }
                _ => 0,
            };
            let at = usize::try_from(worked.place - self.first_in_window).unwrap_or(usize::MAX);
            let Some(slot) = self.window.get_mut(at) else {
                return Err(Fatal::Bug("a result has no record".into()));
            };
            *slot = Slot::Settled(Box::new(Ready {
                record: kept_whole(worked.line.record, self.plan.batch_rows),
                line: worked.line.raw,
                handled: Handled::Worked,
                settled: worked.settled,
                journaled,
                brought: worked.brought,
                others: Vec::new(),
            }));
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), Fatal> {
        if self.repeated_rows > 0 {
            tracing::warn!(
                "{} came more than once. Give each file and each shard once",
                counted(self.repeated_rows, "row", "rows")
            );
        }
        if self.limits.partial {
            return Ok(());
        }
        self.completeness.check().map_err(|incomplete| {
            Fatal::Input(format!(
                "{incomplete}. Run the same command again with the whole input, or add --partial if rows are missing on \
                 purpose"
            ))
        })
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
