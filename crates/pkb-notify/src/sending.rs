//! The stage that hands the deliveries of one channel to GOV.UK Notify: what it does whatever the channel is.

use std::future::Future;

use pkb_client::notify::NotifyApi;
use pkb_core::{
    Admission, Batch, Fatal, Reason, Record, Stage, StageName, Verdict,
    record::{Channel, Delivery, Dispatch, Invitation, Patient},
    stage::{BatchResult, IntentLog, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::{
    freshness::Freshness,
    once::{Intent, Keys, SendOnce},
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

    /// Sends it.
    fn send(
        &self,
        once: &SendOnce<impl NotifyApi>,
        parcel: PendingSend<Self::Content>,
        intents: &IntentLog,
    ) -> impl Future<Output = Sent> + Send;
}

/// The stage.
pub(crate) struct Sending<S, D> {
    pub sender: S,
    pub freshness: Freshness,
    pub once: SendOnce<D>,
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
}
