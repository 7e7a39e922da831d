//! The stage that hands the deliveries of one channel to GOV.UK Notify: what it does whatever the channel is.

use std::future::Future;

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    progress::tell,
};
use pkb_client::notify::{Notify, NotifyApi};
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    output::Target,
    pipeline::Source,
    record::{Channel, Delivery, Dispatch, Invitation, Patient},
    stage::{BatchResult, Conclusion, Handled, IntentLog, NextStep, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::{Money, NationalId};

use crate::{
    args::SendingArgs,
    freshness::Freshness,
    once::{Intent, Keys, SendOnce, with_journal},
};

/// Somebody to whom something is sent.
#[derive(Clone, Copy)]
pub(crate) struct Recipient<'a> {
    pub record: &'a Record,
    pub patient: &'a Patient,
    pub codes: &'a Invitation,
    pub delivery: &'a Delivery,
}

/// What is sent to one patient.
pub(crate) struct PendingSend<T> {
    pub intent: Intent,
    pub content: T,
    /// There is no other way to the patient.
    pub is_alone: bool,
}

/// What became of a parcel.
pub(crate) type Sent = Result<Result<Vec<Dispatch>, Verdict>, Fatal>;

/// What is the channel's own.
pub(crate) trait Sender: Send + Sync + 'static {
    /// The stage.
    const NAME: StageName;
    /// What to do about something that was sent with codes or a record that a different patient also has.
    const WITHDRAWAL: &str;
    /// What is sent to one patient.
    type Content: Send + 'static;

    /// The keys by which the journal knows what is sent for a record.
    fn keys(record: &Record) -> Option<Keys>;

    /// What is sent, and what its reference is made of; `None` if the record lacks something.
    ///
    /// # Errors
    /// Why it cannot be sent.
    fn prepare(&self, to: Recipient<'_>) -> Result<Option<(Self::Content, Key)>, Verdict>;

    /// What the service takes for what was sent to a patient, as far as a price list tells.
    fn price(&self, _: &Record) -> Option<Money> {
        None
    }

    /// What is said when all is done: how many have a price, and their sum.
    fn total(&self, _: u64, _: Money) -> Option<String> {
        None
    }

    /// Sends it.
    fn send(
        &self,
        once: &SendOnce<impl NotifyApi>,
        parcel: PendingSend<Self::Content>,
        intents: &IntentLog,
    ) -> impl Future<Output = Sent> + Send;
}

/// The keys of a letter that is in a file: the patient and the file. A letter that was made again, into another file, is posted again.
pub(crate) fn keys_of_file(record: &Record, channel: Channel) -> Option<Keys> {
    let patient = record.patient.as_ref()?.national_id.key_bytes();
    let file = record.delivery(channel)?.file.as_bytes();
    let key = Key::of(&[&patient, file]);
    Some(Keys {
        work: key,
        invitation: key,
    })
}

/// What a reference is made of: the patient, where it goes, and the code that nobody else knows.
pub(crate) fn reference_of(to: Recipient<'_>, place: &[u8]) -> Key {
    let code = to.codes.code.expose_code().as_bytes();
    Key::of(&[&to.patient.national_id.key_bytes(), place, code])
}

/// Why GOV.UK Notify would not post a letter.
pub(crate) fn not_postable(words: &str) -> Verdict {
    Verdict::with_detail(Reason::NotPostable, words)
}

/// A command that sends, before it has its sender.
pub(crate) struct Start {
    pub args: SendingArgs,
    pub client: Notify,
    output: Target,
}

impl Start {
    /// Checks what all senders need. Nothing is sent yet.
    ///
    /// # Errors
    /// There is no journal, the output cannot be used, or the settings of Notify are wrong.
    pub(crate) fn of(mut args: SendingArgs) -> Result<Self, Fatal> {
        args.stream = with_journal(args.stream, &mut args.once)?;
        let output = args.stream.target()?;
        let client = args.notify.client(&args.stream.progress.monitor)?;
        Ok(Self {
            args,
            client,
            output,
        })
    }

    /// Sends what is in `source`. `next` are the words before the command that asks what became of it, and its options.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) async fn run<S: Sender>(
        self,
        sender: S,
        source: Source,
        next: [&str; 2],
    ) -> Result<ExitCode, Fatal> {
        let Self {
            args,
            client,
            output,
        } = self;
        let stage = Sending {
            sender,
            freshness: Freshness::new(&args.freshness, args.stream.clock()),
            once: SendOnce::new(client, &args.once, &args.stream),
            total: Mutex::default(),
        };
        let [words, options] = next;
        let status = format!("{} status", S::NAME.program());
        let command = args.stream.written().command(&status, options);
        let run = StageRun {
            stage,
            source,
            output,
            in_flight: args.notify.concurrency.into(),
            next_step: Some(NextStep::Then(format!("{words}{command}"))),
        };
        app::run_stage(run, &args.stream).await
    }
}

/// The stage.
struct Sending<S, D> {
    sender: S,
    freshness: Freshness,
    once: SendOnce<D>,
    /// How many have a price, and their sum.
    total: Mutex<(u64, Money)>,
}

impl<S: Sender, D: NotifyApi> Sending<S, D> {
    fn parcel(
        &self,
        record: &Record,
        delivery: &Delivery,
    ) -> Result<Option<PendingSend<S::Content>>, Verdict> {
        self.freshness.check(record)?;
        let (Some(patient), Some(codes), Some(keys)) =
            (&record.patient, &record.invitation, S::keys(record))
        else {
            return Ok(None);
        };
        let prepared = self.sender.prepare(Recipient {
            record,
            patient,
            codes,
            delivery,
        })?;
        let Some((content, reference)) = prepared else {
            return Ok(None);
        };
        Ok(Some(PendingSend {
            intent: self.once.intend(keys, reference, record.row.number)?,
            content,
            is_alone: record.deliveries.len() == 1,
        }))
    }
}

impl<S: Sender, D: NotifyApi> Stage for Sending<S, D> {
    type Work = PendingSend<S::Content>;
    type Done = Vec<Dispatch>;

    fn plan(&self) -> Plan {
        Plan::one_by_one(S::NAME)
    }

    fn key(&self, record: &Record) -> Option<Key> {
        S::keys(record).map(|keys| keys.work)
    }

    fn recall(&self, line: &Recalled, _: Option<Key>) -> Result<(), Fatal> {
        let record = match line {
            Recalled::Record(record) => Some(record),
            Recalled::Intent(_) => None,
        };
        // What Notify refused has gone nowhere.
        let is_sent = record.is_some_and(|record| {
            let mut sent = record.dispatches(S::NAME).iter();
            sent.any(|dispatch| dispatch.id.is_some())
        });
        let keys = record.and_then(|record| S::keys(record));
        self.once.recall(line, keys, is_sent)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<PendingSend<S::Content>> {
        if in_journal {
            return match S::keys(record) {
                Some(keys) if !self.once.is_first(keys) => {
                    Admission::Stop(Reason::AlreadyInvited.into())
                }
                _ => Admission::AlreadyDone,
            };
        }
        let channel = Channel::of_stage(S::NAME);
        let delivery = match channel.and_then(|channel| record.delivery(channel)) {
            None if record.deliveries.is_empty() => return Admission::NotReady,
            None => return Admission::NotConcerned,
            Some(delivery) if !delivery.dispatches.is_empty() => return Admission::AlreadyDone,
            Some(delivery) => delivery,
        };
        match self.parcel(record, delivery) {
            Ok(Some(parcel)) => Admission::Work(parcel),
            Ok(None) => Admission::NotReady,
            // An outcome would keep the letter from being posted.
            Err(verdict)
                if verdict.reason == Reason::TextedBefore && record.deliveries.len() > 1 =>
            {
                let row = record.row.number;
                tracing::warn!(
                    "row {row}: its text message was sent to an earlier number, so none was sent to the new number. To \
                     text the new number: run the same command again with --resend {row}"
                );
                Admission::AlreadyDone
            }
            Err(verdict) => Admission::Stop(verdict),
        }
    }

    async fn advance(&self, batch: Batch<PendingSend<S::Content>>) -> BatchResult<Vec<Dispatch>> {
        let mut results = Vec::with_capacity(batch.work.len());
        for parcel in batch.work {
            results.push(self.sender.send(&self.once, parcel, &batch.intents).await?);
        }
        Ok(results)
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let has_sent = self.once.has_sent(patient);
        has_sent.then(|| format!("{}. Tell your data protection officer", S::WITHDRAWAL))
    }

    fn apply(&self, record: &mut Record, sent: Vec<Dispatch>) {
        self.once.note_sent(record);
        record.set_dispatches(S::NAME, sent);
    }
    fn conclude(&self, record: &mut Record, _: Handled) -> Result<Conclusion, Fatal> {
        let mut sent = record.dispatches(S::NAME).iter();
        if sent.any(|dispatch| dispatch.id.is_some())
            && let Some(price) = self.sender.price(record)
        {
            let (count, sum) = &mut *self.total.lock();
            *count += 1;
            *sum += price;
        }
        Ok(Conclusion::AsItIs)
    }

    fn finish(&self, by_rows: ExitCode) -> Result<ExitCode, Fatal> {
        let (count, sum) = *self.total.lock();
        if let Some(words) = self.sender.total(count, sum).filter(|_| count > 0) {
            tell(format!("{}: {words}", S::NAME.program()));
        }
        Ok(by_rows)
    }
}
