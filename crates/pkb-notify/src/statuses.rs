//! The stage that asks what became of what was sent. It changes nothing but the statuses in the records: a text that
//! did not arrive is told by its status and by the exit code, and not by an outcome, because the patient may have
//! a letter, too.

use std::{collections::BTreeMap, future::Future, marker::PhantomData, sync::Arc, time::Duration};

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    args::{InputArgs, StreamArgs},
    progress::tell,
};
use pkb_client::{CallError, notify::NotifyApi};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Record, Stage, StageName, Verdict,
    monitor::{Monitor, Why},
    record::{Channel, Dispatch, NotificationId},
    stage::{BatchResult, Conclusion, Handled, Plan},
};
use pkb_files::journal::Key;
use pkb_values::Money;
use tokio::time::Instant;

use crate::args::StatusArgs;

/// First pause before something that is under way is asked for again; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Records that wait for their texts at the same time.
const WAITING: usize = 1024;

/// What is asked about: what a stage has sent.
pub(crate) trait Sent: Send + Sync + 'static {
    /// The stage.
    const NAME: StageName;
    /// Who is asked.
    const SERVICE: &str;

    /// What the answers say against writing to the patient.
    fn verdict(_: &[Dispatch]) -> Option<Verdict> {
        None
    }
}

/// Whom to ask.
pub(crate) trait AskStatus: Send + Sync + 'static {
    /// Asks about something with an id, and notes what is said; whether the service knows it.
    fn ask(
        &self,
        id: &NotificationId,
        dispatch: &mut Dispatch,
    ) -> impl Future<Output = Result<bool, CallError>> + Send;
}

/// GOV.UK Notify.
struct GovUk<D>(D);

impl<D: NotifyApi> AskStatus for GovUk<D> {
    async fn ask(&self, id: &NotificationId, dispatch: &mut Dispatch) -> Result<bool, CallError> {
        let state = self.0.status(id).await?;
        let is_known = state.is_some();
        if let Some(state) = state {
            dispatch.status = state.status;
            dispatch.cost = state.cost.or(dispatch.cost);
        }
        Ok(is_known)
    }
}

const GOV_UK: &str = "GOV.UK Notify";

struct SentTexts;

impl Sent for SentTexts {
    const NAME: StageName = StageName::Sms;
    const SERVICE: &str = GOV_UK;
}

struct SentLetters;

impl Sent for SentLetters {
    const NAME: StageName = StageName::Post;
    const SERVICE: &str = GOV_UK;
}

struct SentRows;

impl Sent for SentRows {
    const NAME: StageName = StageName::Rows;
    const SERVICE: &str = GOV_UK;
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

/// Asks for the letters of a stream that were made of rows.
///
/// # Errors
/// What stopped it.
pub(super) async fn of_rows(args: &StatusArgs) -> Result<ExitCode, Fatal> {
    ask::<SentRows>(args).await
}

async fn ask<S: Sent>(args: &StatusArgs) -> Result<ExitCode, Fatal> {
    let question = Question {
        client: GovUk(args.notify.client(&args.stream.progress.monitor)?),
        input: &args.input,
        stream: &args.stream,
        wait: args.wait,
        concurrency: args.notify.concurrency,
    };
    question.ask::<S>().await
}

/// What is asked, and of whom.
pub(crate) struct Question<'a, D> {
    /// Whom.
    pub client: D,
    /// The records.
    pub input: &'a InputArgs,
    /// Stream arguments.
    pub stream: &'a StreamArgs,
    /// For how long it is asked again.
    pub wait: Duration,
    /// Calls at the same time.
    pub concurrency: u16,
}

impl<D: AskStatus> Question<'_, D> {
    /// Asks for what the stage `S` has sent.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) async fn ask<S: Sent>(self) -> Result<ExitCode, Fatal> {
        if self.stream.journal.is_some() {
            return Err(Fatal::Usage(
                "--journal is for sending. What to do: leave out --journal. Statuses are asked for again each time".into(),
            ));
        }
        let output = self.stream.target()?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let waits = !self.wait.is_zero();
        let stage = Statuses::<_, S> {
            client: self.client,
            clock: self.stream.clock(),
            until: Instant::now() + self.wait,
            waits,
            monitor: Arc::clone(&self.stream.progress.monitor),
            counts: Arc::clone(&counts),
            sent: PhantomData,
        };
        let run = StageRun {
            stage,
            source: self.input.open()?,
            output,
            in_flight: if waits {
                WAITING
            } else {
                self.concurrency.into()
            },
            next_step: None,
        };
        let code = app::run_stage(run, self.stream).await?;
        let counts = counts.lock();
        if !counts.statuses.is_empty() {
            let what = Channel::of_stage(S::NAME).map_or("", |channel| channel.words()[1]);
            let unasked = match counts.unasked {
                0 => String::new(),
                unasked => format!(" ({} could not be asked about {unasked})", S::SERVICE),
            };
            tell(format!("{}: {what}: {counts}{unasked}", S::NAME.program()));
        }
        Ok(code)
    }
}

/// What became of all.
#[derive(Default)]
struct Counts {
    statuses: BTreeMap<String, u64>,
    failed: u64,
    under_way: u64,
    /// What GOV.UK Notify says that they cost, and of how many it says so.
    cost: Money,
    with_cost: u64,
    /// Notify could not be asked about them.
    unasked: u64,
}

impl Counts {
    fn add(&mut self, sent: &[Dispatch]) {
        for Dispatch { status, cost, .. } in sent {
            self.with_cost += u64::from(cost.is_some());
            self.cost += cost.unwrap_or_default();
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
        if self.with_cost > 0 {
            write!(
                f,
                ". Cost: {} plus VAT for {} of them, without the free allowance",
                self.cost, self.with_cost
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

impl<D: AskStatus, S: Sent> Statuses<D, S> {
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
        let Some(id) = dispatch.id.clone() else {
            return Ok(true);
        };
        match self.client.ask(&id, dispatch).await {
            Ok(true) => {
                dispatch.checked_at = Some(self.clock.now());
                Ok(true)
            }
            // The service has forgotten: what it said last stands.
            Ok(false) => Ok(true),
            Err(CallError::Fatal(fatal)) => Err(fatal),
            Err(_) => Ok(false),
        }
    }
}

impl<D: AskStatus, S: Sent> Stage for Statuses<D, S> {
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
        if record.outcome.is_some() {
            return Ok(Conclusion::AsItIs);
        }
        let sent = record.dispatches(S::NAME);
        self.counts.lock().add(sent);
        Ok(S::verdict(sent).map_or(Conclusion::AsItIs, Conclusion::Stop))
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
