//! The stage that asks what became of what was sent. It changes nothing but the statuses in the records: a text that
//! did not arrive is told by its status and by the exit code, and not by an outcome, because the patient may have
//! a letter, too.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc, time::Duration};

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    progress::tell,
};
use pkb_client::{CallError, notify::NotifyApi};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Record, Stage, StageName,
    monitor::{Monitor, Why},
    record::{Channel, Dispatch},
    stage::{BatchResult, Conclusion, Handled, Plan},
};
use pkb_files::journal::Key;
use tokio::time::Instant;

use crate::args::StatusArgs;

/// First pause before something that is under way is asked for again; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Records that wait for their texts at the same time.
const WAITING: usize = 1024;

/// What is asked about: what a stage has sent.
trait Sent: Send + Sync + 'static {
    const NAME: StageName;
}

struct SentTexts;

impl Sent for SentTexts {
    const NAME: StageName = StageName::Sms;
}

struct SentLetters;

impl Sent for SentLetters {
    const NAME: StageName = StageName::Post;
}

/// Asks for the texts of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn of_texts(args: &StatusArgs) -> Result<ExitCode, Fatal> {
    ask::<SentTexts>(args).await
}

/// Asks for the letters of a stream.
///
/// # Errors
/// What stopped it.
pub(super) async fn of_letters(args: &StatusArgs) -> Result<ExitCode, Fatal> {
    ask::<SentLetters>(args).await
}

async fn ask<S: Sent>(args: &StatusArgs) -> Result<ExitCode, Fatal> {
    if args.stream.journal.is_some() {
        return Err(Fatal::Usage(
            "--journal is for sending: statuses are asked for anew each time".into(),
        ));
    }
    let output = args.stream.target()?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let stage = Statuses::<_, S> {
        client: args.notify.client(&args.stream.progress.monitor)?,
        clock: args.stream.clock(),
        until: Instant::now() + args.wait,
        waits: !args.wait.is_zero(),
        monitor: Arc::clone(&args.stream.progress.monitor),
        counts: Arc::clone(&counts),
        sent: PhantomData,
    };
    let in_flight = if args.wait.is_zero() {
        args.notify.concurrency.into()
    } else {
        WAITING
    };
    let run = StageRun {
        stage,
        source: args.input.open()?,
        output,
        in_flight,
        next_step: None,
    };
    let code = app::run_stage(run, &args.stream).await?;
    let counts = counts.lock();
    if !counts.statuses.is_empty() {
        let what = Channel::of_stage(S::NAME).map_or("", |channel| channel.words()[1]);
        tell(format!("{}: {what}: {counts}", S::NAME.program()));
    }
    Ok(code)
}

/// What became of all.
#[derive(Default)]
struct Counts {
    statuses: BTreeMap<String, u64>,
    failed: u64,
    under_way: u64,
    /// Notify could not be asked about them.
    unasked: u64,
}

impl Counts {
    fn add(&mut self, sent: &[Dispatch]) {
        for Dispatch { status, .. } in sent {
            *self.statuses.entry(status.as_str().to_owned()).or_default() += 1;
            self.failed += u64::from(status.is_failure());
            self.under_way += u64::from(status.is_under_way());
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (status, count)) in self.statuses.iter().enumerate() {
            write!(f, "{}{count} {status}", if at == 0 { "" } else { ", " })?;
        }
        if self.unasked > 0 {
            write!(
                f,
                " (GOV.UK Notify could not be asked about {})",
                self.unasked
            )?;
        }
        Ok(())
    }
}

struct Statuses<D, S> {
    client: D,
    clock: Clock,
    until: Instant,
    /// Whether what is under way is waited for.
    waits: bool,
    monitor: Arc<Monitor>,
    counts: Arc<Mutex<Counts>>,
    sent: PhantomData<S>,
}

impl<D: NotifyApi, S: Sent> Statuses<D, S> {
    /// Asks until nothing is under way, or the time is over.
    async fn follow(&self, mut sent: Vec<Dispatch>) -> Result<Vec<Dispatch>, Fatal> {
        let mut pause = FIRST_PAUSE;
        let mut waiting = None;
        loop {
            let mut unasked = 0;
            for dispatch in sent.iter_mut().filter(|one| !one.status.is_final()) {
                unasked += u64::from(!self.ask_for(dispatch).await?);
            }
            let now = Instant::now();
            if now >= self.until || !sent.iter().any(|one| one.status.is_under_way()) {
                self.counts.lock().unasked += unasked;
                return Ok(sent);
            }
            let ask_at = self.until.min(now + pause);
            // The one before ends after this one has begun: asking in between is no end of the wait.
            drop(waiting.replace(self.monitor.wait(Why::UnderWay(1), Some(ask_at.into()))));
            tokio::time::sleep_until(ask_at).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether Notify could be asked.
    async fn ask_for(&self, dispatch: &mut Dispatch) -> Result<bool, Fatal> {
        let Some(id) = &dispatch.id else {
            return Ok(true);
        };
        match self.client.status(id).await {
            Ok(Some(status)) => {
                dispatch.status = status;
                dispatch.checked_at = Some(self.clock.now());
                Ok(true)
            }
            // Notify has forgotten: what it said last stands.
            Ok(None) => Ok(true),
            Err(CallError::Fatal(fatal)) => Err(fatal),
            Err(_) => Ok(false),
        }
    }
}

impl<D: NotifyApi, S: Sent> Stage for Statuses<D, S> {
    type Work = Vec<Dispatch>;
    type Done = Vec<Dispatch>;

    fn plan(&self) -> Plan {
        Plan::one_by_one(S::NAME)
    }

    /// There is no journal.
    fn key(&self, _: &Record) -> Option<Key> {
        None
    }

    fn admit(&self, record: &Record, _: bool) -> Admission<Vec<Dispatch>> {
        let sent = record.dispatches(S::NAME);
        if sent.is_empty() {
            return Admission::NotConcerned;
        }
        if sent.iter().all(|one| one.status.is_final()) {
            return Admission::AlreadyDone;
        }
        Admission::Work(sent.to_vec())
    }

    async fn advance(&self, batch: Batch<Vec<Dispatch>>) -> BatchResult<Vec<Dispatch>> {
        let mut results = Vec::with_capacity(batch.work.len());
        for sent in batch.work {
            results.push(Ok(self.follow(sent).await?));
        }
        Ok(results)
    }

    fn apply(&self, record: &mut Record, sent: Vec<Dispatch>) {
        record.set_dispatches(S::NAME, sent);
    }

    fn conclude(&self, record: &mut Record, _: Handled) -> Result<Conclusion, Fatal> {
        if record.outcome.is_none() {
            self.counts.lock().add(record.dispatches(S::NAME));
        }
        Ok(Conclusion::AsItIs)
    }

    fn finish(&self, by_rows: ExitCode) -> Result<ExitCode, Fatal> {
        let counts = self.counts.lock();
        Ok(match by_rows {
            ExitCode::Done | ExitCode::SomeRowsRejected
                if counts.unasked > 0 || (counts.under_way > 0 && self.waits) =>
            {
                ExitCode::TryLater
            }
            ExitCode::Done if counts.failed > 0 => ExitCode::SomeRowsRejected,
            code => code,
        })
    }
}
