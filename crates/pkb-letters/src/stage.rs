//! The stage: which records get what by which channel, and what is written about each.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use parking_lot::Mutex;
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Outcome, Reason, Record, Stage, StageName, Verdict,
    record::{AddressMark, Channel, Delivery, GoesTo, PkbAnswer, Reference, Trace},
    stage::{BatchResult, Conclusion, Handled, Plan, Recalled},
};
use pkb_files::journal::Key;
use pkb_print_files::{
    made_for::{MadeFor, Places},
    series::Series,
};
use pkb_values::{NationalId, NationalIdType};

use crate::{
    channels::{
        choice::Choice,
        format,
        maker::{DeliveryBatch, DeliveryMaker, Invitee},
    },
    corrected::{Corrected, PrintedValues},
    expiry::Expiry,
    made_again::{MadeAgain, take_place_of},
};

/// The stage.
pub(crate) struct Letters {
    /// What makes the deliveries of each channel.
    pub makers: Vec<Arc<dyn DeliveryMaker>>,
    /// By which channels patients are invited.
    pub choice: Choice,
    /// Whether the letters have codes: those for NHS login have none.
    pub has_codes: bool,
    /// How long codes must be valid.
    pub expiry: Expiry,
    /// Whose names and numbers they have.
    pub series: Series,
    /// PKB's answers are too old if they are older.
    pub oldest_answer: Timestamp,
    /// Answers of a trace are too old if they are older.
    pub oldest_trace: Timestamp,
    /// Letters of one batch at most.
    pub letters_per_file: usize,
    /// Letters that are to be made again, and nothing else.
    pub made_again: MadeAgain,
    /// What earlier runs and this one have done.
    pub done: Mutex<Done>,
    /// Whose deliveries have to be made again, because the journal has a part of their file only.
    pub unfinished: OnceLock<HashSet<NationalId>>,
}

/// What earlier runs and this one have done.
#[derive(Default)]
pub(crate) struct Done {
    /// Where the deliveries are, of earlier runs and of this one.
    made: MadeFor,
    /// What is on those of earlier runs.
    earlier: HashMap<NationalId, PrintedValues>,
    /// Rows that have been corrected since.
    corrected: Corrected,
    /// Everybody who has been admitted in this run.
    invited: HashSet<NationalId>,
}

/// What one patient gets.
pub(crate) struct Work {
    /// What is to be made.
    drafts: Vec<Delivery>,
    /// What stays as it is.
    kept: Vec<Delivery>,
}

impl Letters {
    fn maker(&self, channel: Channel) -> Option<&Arc<dyn DeliveryMaker>> {
        self.makers.iter().find(|maker| maker.channel() == channel)
    }

    /// What an invitee gets by a channel. Whoever cannot read print gets no printed letter.
    fn draft(&self, channel: Channel, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        let channel = match channel {
            Channel::Letter if format::is_needed_by(to.patient) => Channel::Format,
            other => other,
        };
        let maker = self.maker(channel).ok_or(Reason::Unmailable)?;
        Ok(Delivery {
            date: Some(self.expiry.today),
            edition: self.made_again.edition(),
            ..maker.draft(to)?
        })
    }

    /// What an invitee gets who has nothing so far, or whose codes are new.
    fn drafts(&self, to: &Invitee<'_>) -> Result<Vec<Delivery>, Verdict> {
        if let Some(codes) = to.codes {
            self.expiry.last_day(codes)?;
        }
        self.choice
            .drafts(to.record, |channel| self.draft(channel, to))
    }

    /// What an invitee gets once more, whatever else there was.
    fn reprints(&self, to: &Invitee<'_>) -> Result<Vec<Delivery>, Verdict> {
        let makers = self.makers.iter().filter(|maker| maker.can_reprint());
        let channels = makers.map(|maker| maker.channel());
        let own = channels.filter(|channel| to.record.delivery(*channel).is_some());
        own.map(|channel| self.draft(channel, to)).collect()
    }

    /// Where a record stands that has no codes, or whose codes have ended and are no longer kept.
    fn admit_without_codes(&self, record: &Record) -> Admission<Work> {
        match (record.without_codes(), record.deliveries.is_empty()) {
            (None, _) => Admission::NotReady,
            (Some(verdict), true) => Admission::Stop(verdict),
            (Some(verdict), false) => {
                if self.made_again.is_reprinted(record) {
                    tracing::warn!(
                        "row {0}: not printed again: {1}. To fetch new codes: pkb-tokens --reissue {0}",
                        record.row.number,
                        verdict.detail.unwrap_or_default()
                    );
                }
                Admission::AlreadyDone
            }
        }
    }

    /// Where a record stands that may get a letter without codes; `None` if it gets one. NHS login is for England and Wales, and
    /// whoever has codes gets a letter with them.
    fn admit_for_nhs_login(record: &Record) -> Option<Admission<Work>> {
        let patient = record.patient.as_ref()?;
        let is_elsewhere = patient.national_id.scheme != NationalIdType::NhsNumber;
        if is_elsewhere || record.invitation.is_some() {
            return Some(Admission::NotConcerned);
        }
        record.pkb.is_none().then_some(Admission::NotReady)
    }

    /// The letter that there is stays as it is.
    fn keep_letter(&self, record: &Record, verdict: &Verdict, in_journal: bool) {
        tracing::warn!(
            "row {}: not printed again: {}",
            record.row.number,
            verdict.detail.as_deref().unwrap_or(verdict.reason.as_str())
        );
        // What the journal has is entered when the record is written.
        if !in_journal && let Err(fatal) = self.enter(record) {
            tracing::warn!("the manifest does not have the letter: {fatal}");
        }
    }

    /// Enters what was made for a record into the files that accompany the deliveries.
    fn enter(&self, record: &Record) -> Result<(), Fatal> {
        let mut makers = self.makers.iter();
        makers.try_for_each(|maker| maker.enter(record))?;
        if let Some(patient) = &record.patient {
            let places = Places::of(&record.deliveries);
            self.done.lock().made.note(patient.national_id, places);
        }
        Ok(())
    }

    /// Where a record stands that the journal has; `None` if its letter is to be printed again.
    fn admit_journaled(&self, record: &Record) -> Option<Admission<Work>> {
        if let Some(patient) = record
            .patient
            .as_ref()
            .filter(|_| !record.deliveries.is_empty())
        {
            if !self.done.lock().invited.insert(patient.national_id) {
                return Some(Admission::Stop(Reason::AlreadyInvited.into()));
            }
            if let Some(to) = Invitee::of(record) {
                for delivery in &record.deliveries {
                    if let Some(maker) = self.maker(delivery.channel) {
                        maker.answered(&to, delivery);
                    }
                }
            }
        }
        if self.made_again.is_reprinted(record) {
            return None;
        }
        if let Some(patient) = &record.patient {
            let done = &mut *self.done.lock();
            let then = done.earlier.get(&patient.national_id);
            if let (Some(then), Some(places)) = (then, done.made.of(patient.national_id)) {
                done.corrected.compare(record, *then, &places);
            }
        }
        Some(Admission::AlreadyDone)
    }

    /// Somebody may be put on a list, or die, after the letter was printed and before it is posted.
    fn warn_of_printed(&self, record: &Record, outcome: &Outcome) {
        let done = self.done.lock();
        let Some(patient) = record.patient.as_ref().map(|patient| patient.national_id) else {
            return;
        };
        if outcome.stage != StageName::Letters
            && done.earlier.contains_key(&patient)
            && let Some(places) = done.made.of(patient)
        {
            tracing::warn!(
                "row {}: {} now, and {places}",
                record.row.number,
                outcome.reason.as_str()
            );
        }
    }
}

/// Gives a delivery its reference, and the mark of the address that it goes to.
fn name(draft: &mut Delivery, to: &Invitee<'_>) {
    let (channel, edition, replaced) = (draft.channel, draft.edition, draft.replaces.len());
    let reference = match to.codes {
        Some(codes) => Reference::of(codes, channel, edition, replaced),
        None => Reference::without_codes(to.record, channel, edition, replaced),
    };
    if draft.channel.goes_to() == GoesTo::Address {
        draft.sent_to = Some(AddressMark::of(&reference, to.patient));
    }
    draft.reference = Some(reference);
}

impl Stage for Letters {
    type Work = Work;
    type Done = Vec<Delivery>;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Letters,
            batch_rows: self.letters_per_file,
            linger: None,
        }
    }

    /// The patient alone: the journal is the campaign's ledger, and whoever is in it has a letter,
    /// whatever has been corrected since. A reminder is another invitation, also for a ledger that has the first.
    fn key(&self, record: &Record) -> Option<Key> {
        let patient = record.patient.as_ref()?.national_id.key_bytes();
        let earlier = record.earlier.len().to_string();
        Some(match record.earlier.is_empty() {
            true => Key::of(&[&patient]),
            false => Key::of(&[&patient, earlier.as_bytes()]),
        })
    }

    fn recall(&self, line: &Recalled, _: Option<Key>) -> Result<(), Fatal> {
        let mut makers = self.makers.iter();
        makers.try_for_each(|maker| maker.recall(line))?;
        let Recalled::Record(record) = line else {
            return Ok(());
        };
        let mut deliveries = record.all_deliveries();
        deliveries.try_for_each(|delivery| self.series.check(&delivery.file))?;
        self.made_again.recall(record);
        if let Some(patient) = record
            .patient
            .as_ref()
            .filter(|_| !record.deliveries.is_empty())
        {
            let mut done = self.done.lock();
            let places = Places::of(&record.deliveries);
            done.made.note(patient.national_id, places);
            done.earlier
                .insert(patient.national_id, PrintedValues::of(patient));
        }
        Ok(())
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let done = self.done.lock();
        done.made.of(patient).map(|places| places.to_string())
    }

    fn answers(&self, record: &Record, _: &Record) -> bool {
        // Asked for once: the journal has been seen when the first record comes.
        let makers = || self.makers.iter();
        let unfinished = (self.unfinished)
            .get_or_init(|| makers().flat_map(|maker| maker.unfinished()).collect());
        let patient = record.patient.as_ref();
        !self.made_again.has_new_codes(record)
            && !patient.is_some_and(|patient| unfinished.contains(&patient.national_id))
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<Work> {
        if in_journal && let Some(admission) = self.admit_journaled(record) {
            return admission;
        }
        if !self.has_codes
            && let Some(admission) = Self::admit_for_nhs_login(record)
        {
            return admission;
        }
        let has_what_it_needs = |to: &Invitee<'_>| to.codes.is_some() || !self.has_codes;
        let Some(to) = Invitee::of(record).filter(has_what_it_needs) else {
            return self.admit_without_codes(record);
        };
        let is_reprint = self.made_again.is_reprinted(record);
        let is_again = is_reprint || self.made_again.is_reissued(record);
        if !is_again && !record.deliveries.is_empty() {
            return Admission::AlreadyDone;
        }
        let is_other_work = !self.made_again.is_empty() || self.choice.is_left_to_another(record);
        if !is_again && is_other_work {
            return Admission::NotReady;
        }
        let is_old = |pkb: &PkbAnswer| pkb.checked_at < self.oldest_answer;
        if !is_reprint && record.pkb.as_ref().is_some_and(is_old) {
            return Admission::Stop(Reason::AnswerTooOld.into());
        }
        let is_old = |trace: &Trace| trace.at < self.oldest_trace;
        if !is_reprint && record.trace.as_ref().is_some_and(is_old) {
            return Admission::Stop(Reason::TraceTooOld.into());
        }
        let drafts = match is_reprint {
            true => self.reprints(&to),
            false => self.drafts(&to),
        };
        let mut drafts = match drafts {
            Ok(drafts) if drafts.is_empty() => {
                self.made_again.has_no_letter(record);
                return Admission::AlreadyDone;
            }
            Ok(drafts) => drafts,
            Err(verdict) if is_reprint => {
                self.keep_letter(record, &verdict, in_journal);
                return Admission::AlreadyDone;
            }
            Err(verdict) => return Admission::Stop(verdict),
        };
        let is_first = self.done.lock().invited.insert(to.patient.national_id);
        if !is_first && !is_reprint {
            return Admission::Stop(Reason::AlreadyInvited.into());
        }
        for draft in &mut drafts {
            if let Some(maker) = self.maker(draft.channel) {
                maker.assign(&to, draft);
            }
        }
        let old = match record.deliveries.is_empty() {
            true => self.made_again.replaced_by(to.patient),
            false => record.deliveries.clone(),
        };
        let kept = take_place_of(old, &mut drafts);
        drafts.iter_mut().for_each(|draft| name(draft, &to));
        Admission::Work(Work { drafts, kept })
    }

    async fn advance(&self, batch: Batch<Work>) -> BatchResult<Vec<Delivery>> {
        let mut drafts: Vec<_> = self.makers.iter().map(|_| Vec::new()).collect();
        let mut results = Vec::with_capacity(batch.work.len());
        for (place, work) in batch.work.into_iter().enumerate() {
            results.push(Ok(work.kept));
            for draft in work.drafts {
                let is_its = |maker: &Arc<dyn DeliveryMaker>| maker.channel() == draft.channel;
                if let Some(at) = self.makers.iter().position(is_its) {
                    drafts[at].push((place, draft));
                }
            }
        }
        for (maker, drafts) in self.makers.iter().zip(drafts) {
            let places: Vec<usize> = drafts.iter().map(|(place, _)| *place).collect();
            let made = maker.make(DeliveryBatch {
                number: batch.number,
                records: batch.records.clone(),
                drafts,
                intents: &batch.intents,
            });
            let made = made.await.inspect_err(|_| {
                self.makers.iter().for_each(|maker| maker.stop());
            })?;
            for (place, made) in places.into_iter().zip(made) {
                match (made, &mut results[place]) {
                    (Ok(delivery), Ok(deliveries)) => deliveries.push(delivery),
                    (Err(verdict), result @ Ok(_)) => *result = Err(verdict),
                    (_, Err(_)) => {}
                }
            }
        }
        for deliveries in results.iter_mut().flatten() {
            deliveries.sort_by_key(|delivery| delivery.channel);
        }
        Ok(results)
    }

    fn apply(&self, record: &mut Record, deliveries: Vec<Delivery>) {
        record.deliveries = deliveries;
    }

    fn conclude(&self, record: &mut Record, handled: Handled) -> Result<Conclusion, Fatal> {
        match (&record.outcome, handled) {
            (Some(outcome), Handled::Passed) => self.warn_of_printed(record, outcome),
            (None, Handled::Worked | Handled::Journaled) if !record.deliveries.is_empty() => {
                self.enter(record)?;
            }
            _ => {}
        }
        Ok(Conclusion::AsItIs)
    }

    fn finish(&self, by_rows: ExitCode) -> Result<ExitCode, Fatal> {
        let mut makers = self.makers.iter();
        makers.try_for_each(|maker| maker.finish())?;
        let corrected = std::mem::take(&mut self.done.lock().corrected);
        if !corrected.is_empty() {
            pkb_cli::progress::tell(corrected.to_string());
        }
        self.made_again.finish()?;
        Ok(by_rows)
    }
}
