//! The stage that gives NHS Notify a message for each patient with codes.

use std::collections::HashSet;

use jiff::{Timestamp, civil::Date};
use parking_lot::Mutex;
use pkb_cli::join_url::with_codes;
use pkb_client::nhs_notify::NhsNotifyApi;
use pkb_core::{
    Admission, Batch, Fatal, Reason, Record, Stage, StageName, Verdict,
    clock::last_whole_day,
    record::{
        Channel, Delivery, Dispatch, DispatchStatus, Edition, Invitation, Patient, Reference,
    },
    stage::{BatchResult, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::{NationalId, NationalIdType};
use url::Url;

use super::{
    batches::Taken,
    fields::{Fields, Values},
    sender::{BatchSender, PendingMessage},
};
use crate::freshness::Freshness;

/// A message that is to be sent, and what its delivery says.
pub(super) struct NhsMessage {
    pending: PendingMessage,
    reference: Reference,
    edition: Edition,
}

/// The stage.
pub(super) struct NhsStage<D> {
    pub(super) sender: BatchSender<D>,
    pub(super) batch_rows: usize,
    pub(super) fields: Fields,
    pub(super) join_url: Url,
    pub(super) freshness: Freshness,
    /// What was begun before this moment may have been forgotten by NHS Notify.
    pub(super) oldest_batch: Timestamp,
    pub(super) today: Date,
    pub(super) resend: HashSet<u64>,
    pub(super) seen: Mutex<HashSet<Key>>,
    /// Patients who were sent something, in this run or an earlier one.
    pub(super) sent: Mutex<HashSet<NationalId>>,
}

impl<D: NhsNotifyApi> NhsStage<D> {
    /// Whether a row comes for the first time in this run.
    fn is_first(&self, key: Key) -> bool {
        self.seen.lock().insert(key)
    }

    fn message(
        &self,
        record: &Record,
        patient: &Patient,
        codes: &Invitation,
        key: Key,
    ) -> Result<NhsMessage, Verdict> {
        self.freshness.check(record)?;
        if !self.is_first(key) {
            return Err(Reason::AlreadyInvited.into());
        }
        let is_resent = self.resend.contains(&record.row.number);
        if self.sender.batches().is_doubtful(key, self.oldest_batch) {
            if !is_resent {
                return Err(Reason::PerhapsSent.into());
            }
            self.sender.batches().release(key);
        }
        let edition = edition(codes);
        let reference = Reference::of(codes, Channel::NhsNotify, edition, record.earlier.len());
        let end = last_whole_day(codes.expires_at).ok_or(Reason::CodesExpiring)?;
        let values = Values {
            invitation_code: codes.code.expose_code().to_owned(),
            access_code: codes.token.expose_code().to_owned(),
            codes_end: pkb_core::text_message::english_date(end),
            join_link: with_codes(&self.join_url, codes).to_string(),
        };
        let message = self.sender.form.message(
            reference.as_str(),
            patient.national_id.value,
            self.fields.fill(&values),
        );
        Ok(NhsMessage {
            pending: PendingMessage {
                key,
                is_resent,
                message,
            },
            reference,
            edition,
        })
    }

    fn delivery(&self, reference: Reference, edition: Edition, taken: Taken) -> Delivery {
        let status = match taken.id {
            Some(_) => DispatchStatus::created(),
            None => DispatchStatus::taken(),
        };
        let name = reference.as_str().to_owned();
        Delivery {
            reference: Some(reference),
            date: Some(self.today),
            edition,
            dispatches: vec![Dispatch::new(taken.id, name, status, taken.at)],
            ..Delivery::new(Channel::NhsNotify, taken.batch.to_string())
        }
    }
}

fn edition(codes: &Invitation) -> Edition {
    match codes.reissued_at {
        Some(_) => Edition::Reissue,
        None => Edition::First,
    }
}

/// The patient. A reissue and a reminder are other invitations, with their codes; other codes from another run of pkb-tokens are not.
fn key_of(record: &Record) -> Option<Key> {
    let national_id = record.patient.as_ref()?.national_id;
    if national_id.scheme != NationalIdType::NhsNumber {
        return None;
    }
    let national_id = national_id.key_bytes();
    let codes = record.invitation.as_ref();
    let is_another =
        !record.earlier.is_empty() || codes.is_some_and(|codes| codes.reissued_at.is_some());
    Some(match codes.filter(|_| is_another) {
        Some(codes) => Key::of(&[&national_id, codes.code.expose_code().as_bytes()]),
        None => Key::of(&[&national_id]),
    })
}

impl<D: NhsNotifyApi> Stage for NhsStage<D> {
    type Work = NhsMessage;
    type Done = Delivery;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Nhs,
            batch_rows: self.batch_rows,
            linger: None,
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        key_of(record)
    }

    fn recall(&self, line: &Recalled, key: Option<Key>) -> Result<(), Fatal> {
        match line {
            Recalled::Intent(intent) => self.sender.batches().recall(intent),
            Recalled::Record(record) => {
                if let Some(key) = key {
                    self.sender.batches().settle(key);
                }
                if let (Some(patient), false) = (
                    &record.patient,
                    record.dispatches(StageName::Nhs).is_empty(),
                ) {
                    self.sent.lock().insert(patient.national_id);
                }
                Ok(())
            }
        }
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<NhsMessage> {
        let key = key_of(record);
        if in_journal {
            return match key {
                Some(key) if !self.is_first(key) => Admission::Stop(Reason::AlreadyInvited.into()),
                _ => Admission::AlreadyDone,
            };
        }
        if record.delivery(Channel::NhsNotify).is_some() {
            return Admission::AlreadyDone;
        }
        // By a plan, the same invitation goes on by another channel.
        let is_continued = record
            .continued_deliveries()
            .any(|own| own.channel == Channel::NhsNotify);
        if is_continued || !record.deliveries.is_empty() {
            return Admission::NotConcerned;
        }
        if let Some(verdict) = record.without_codes() {
            return Admission::Stop(verdict);
        }
        match (&record.patient, &record.invitation, key) {
            (Some(_), Some(_), None) => Admission::NotConcerned,
            (Some(patient), Some(codes), Some(key)) => {
                match self.message(record, patient, codes, key) {
                    Ok(message) => Admission::Work(message),
                    Err(verdict) => Admission::Stop(verdict),
                }
            }
            _ => Admission::NotReady,
        }
    }

    async fn advance(&self, batch: Batch<NhsMessage>) -> BatchResult<Delivery> {
        let (facts, pending): (Vec<_>, Vec<_>) = batch
            .work
            .into_iter()
            .map(|work| ((work.reference, work.edition), work.pending))
            .unzip();
        let sent = self.sender.send(&pending, self.batch_rows, &batch.intents);
        let results = sent.await?.into_iter().zip(facts);
        let deliveries = results.map(|(result, (reference, edition))| {
            result.map(|taken| self.delivery(reference, edition, taken))
        });
        Ok(deliveries.collect())
    }

    fn apply(&self, record: &mut Record, delivery: Delivery) {
        if let Some(patient) = &record.patient {
            self.sent.lock().insert(patient.national_id);
        }
        record.set_delivery(delivery);
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let has_sent = self.sent.lock().contains(&patient);
        has_sent.then(|| {
            "its message was given to NHS Notify. Tell the patient not to use the codes. Tell your data protection \
             officer".into()
        })
    }
}
