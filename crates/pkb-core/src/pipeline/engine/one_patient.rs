//! What belongs to one patient alone ([`crate::owners`]), looked at in the order of the input: so that who is the second
//! does not depend on timing.
//!
//! * What a letter or text is made with is looked at before it is made. The first is stopped, too, as long as its batch
//!   is forming; if something was done for it already, that is said with what to do about it, and the journal gets the second
//!   as evidence: the next run stops both.
//! * What PKB has just said is looked at before it is written. The journal has it as PKB said it, so that the next run
//!   knows of both, and asks again for both.

use super::{Answered, Engine, Slot, State};
use crate::{
    Fatal, Reason, Record, Stage, StageName,
    ndjson::Line,
    owners::{Belongings, Owner, Shared},
    pipeline::{
        records::{line_of, record_of, written},
        work::stop,
    },
    record::KeyFields,
    tally::{Settled, What},
};

impl<S: Stage> Engine<S> {
    /// Whether a record has what the stage needs and a different patient also has.
    pub(super) fn need_own(
        &mut self,
        record: &Record,
        answered: Option<&Answered<S::Gleaned>>,
    ) -> Option<Shared> {
        let own = Belongings::of(record, self.owners.salt())?.only(S::NEEDS_OWN)?;
        // A letter that was made belongs to the record that PKB named then.
        let is_on_paper = answered.is_some() && S::NEEDS_OWN.codes;
        let shared = match is_on_paper {
            true => self.owners.come_again(&own),
            false => self.owners.come(&own),
        };
        let is_with_shared_codes = answered.is_some_and(|answered| answered.is_with_shared_codes);
        match (shared, is_with_shared_codes) {
            (None, true) => Some(Shared {
                reasons: vec![Reason::SharedCodes],
                others: Vec::new(),
                is_new: false,
            }),
            (shared, _) => shared,
        }
    }

    /// Stops a record that has what is another's, and the other one if nothing has been done for it yet.
    pub(super) fn stop_shared(
        &mut self,
        mut line: Line,
        shared: &Shared,
        is_answered: bool,
    ) -> Result<(), Fatal> {
        let by_another = (line.record.outcome.as_ref())
            .is_some_and(|outcome| !is_answered && !self.stage.tries_again(outcome));
        let patient = line.record.patient.as_ref().map(|it| it.national_id);
        if by_another {
            let is_other_stage =
                (line.record.outcome.as_ref()).is_some_and(|it| it.stage != S::NAME);
            if is_other_stage {
                self.stage.stopped_before(&line.record);
            }
        } else {
            let done = patient.and_then(|patient| self.stage.done_for(patient));
            // What has left the house stays in the record.
            if !matches!(S::NAME, StageName::Sms | StageName::Post) {
                line.record.clear(S::NAME);
            }
            let verdict = self.owners.verdict(shared, &line.record.row.file);
            stop(&mut line.record, verdict, S::NAME);
            line.raw = Box::default();
            if let Some(done) = done {
                tracing::warn!("row {}: {done}", line.record.row.number);
            }
        }
        let mut others = Vec::new();
        for other in &shared.others {
            if !self.stop_forming(*other)?
                && shared.is_new
                && !self.stopped.contains(&other.patient)
            {
                others.push(*other);
            }
        }
        self.stopped.extend(patient);
        if let Some(journal) = self.journal.as_mut().filter(|_| !others.is_empty()) {
            let mut evidence = line.record.clone();
            let verdict = self.owners.verdict(shared, &evidence.row.file);
            evidence.outcome = Some(verdict.at(S::NAME));
            journal.append(&line_of(&evidence)?)?;
        }
        self.put(Slot {
            state: State::Settled {
                settled: Settled::Stopped,
                stopped: line.record.outcome.as_ref().map(What::of),
                journaled: 0,
            },
            line: written(line)?,
            gleaned: None,
            brought: None,
            others,
        });
        Ok(())
    }

    /// Stops a patient whose work has not begun, because a second patient has the same. `false` if there is no such work.
    fn stop_forming(&mut self, other: Owner) -> Result<bool, Fatal> {
        let mut found = None;
        for (at, piece) in self.forming.iter().enumerate() {
            if piece.kept.patient()? == Some(other.patient) {
                found = Some(at);
            }
        }
        let Some(at) = found else {
            return Ok(false);
        };
        self.stopped.insert(other.patient);
        let piece = self.forming.remove(at);
        let mut record = piece.kept.into_record()?;
        let own =
            Belongings::of(&record, self.owners.salt()).and_then(|own| own.only(S::NEEDS_OWN));
        let shared = own.and_then(|own| self.owners.come(&own));
        let verdict = match &shared {
            Some(shared) => self.owners.verdict(shared, &record.row.file),
            None => Reason::SharedRecord.into(),
        };
        stop(&mut record, verdict, S::NAME);
        let place = usize::try_from(piece.place - self.first_in_window).unwrap_or(usize::MAX);
        let slot = self.window.get_mut(place);
        let slot = slot.ok_or_else(|| Fatal::Bug("a piece of work has no place".into()))?;
        slot.state = State::Settled {
            settled: Settled::Stopped,
            stopped: record.outcome.as_ref().map(What::of),
            journaled: 0,
        };
        slot.line = line_of(&record)?;
        Ok(true)
    }

    /// Stops a record that is about to be written if it has got what is another's.
    pub(super) fn bring_own(&mut self, slot: &mut Slot<S::Gleaned>) -> Result<(), Fatal> {
        let Some(own) = slot.brought.take() else {
            return Ok(());
        };
        let Some(shared) = self.owners.come(&own) else {
            return Ok(());
        };
        let mut record = record_of(&slot.line)?;
        if record.outcome.is_some() {
            return Ok(());
        }
        let verdict = self.owners.verdict(&shared, &record.row.file);
        stop(&mut record, verdict, S::NAME);
        slot.state = State::Settled {
            settled: Settled::Stopped,
            stopped: record.outcome.as_ref().map(What::of),
            journaled: 0,
        };
        slot.line = line_of(&record)?;
        slot.gleaned = None;
        self.stopped.insert(own.patient);
        let gone_on = |other: &Owner| shared.is_new && !self.stopped.contains(&other.patient);
        slot.others = shared.others.iter().copied().filter(gone_on).collect();
        Ok(())
    }

    /// Keeps in mind patients who went on before it was known that the record of `line` has the same as they.
    pub(super) fn note_gone_on(&mut self, line: &[u8], others: &[Owner]) {
        if others.is_empty() {
            return;
        }
        if let Ok(fields) = serde_json::from_slice::<KeyFields<'_>>(line) {
            let gone_on = |other: &Owner| GoneOn {
                first: *other,
                second: fields.row.number,
                file: fields.row.file.clone().into_owned(),
            };
            self.gone_on.extend(others.iter().map(gone_on));
        }
    }

    /// Says what to do about patients who went on and have not been stopped.
    pub(super) fn tell_gone_on(&self) {
        for GoneOn {
            first,
            second,
            file,
        } in &self.gone_on
        {
            if self.stopped.contains(&first.patient) {
                continue;
            }
            let name = self.owners.name(*first, file);
            match self.stage.done_for(first.patient) {
                Some(done) => tracing::warn!(
                    "{name}: row {second} has the same PKB record or code, and {done}"
                ),
                // Then nothing was made for it.
                None if S::NEEDS_OWN.codes => {}
                None => tracing::warn!(
                    "{name}: row {second} has the same PKB record or code, which was found after {name} had gone on. The \
                     next stage stops {name}. To stop {name} here, run the same command again"
                ),
            }
        }
    }
}

/// A patient who went on before it was known that a second one has the same.
pub(super) struct GoneOn {
    first: Owner,
    /// Row and file of the second.
    second: u64,
    file: String,
}
