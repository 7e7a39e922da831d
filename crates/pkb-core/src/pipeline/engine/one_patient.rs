//! What belongs to one patient alone ([`crate::owners`]), looked at in the order of the input: so that who is the second
//! does not depend on timing.
//!
//! * What a letter or text is made with is looked at before it is made. The first is stopped, too, as long as its batch
//!   is forming; if something was done for it already, that is said with what to do about it, and the journal gets the second
//!   as evidence: the next run stops both.
//! * What PKB has just said is looked at before it is written. The journal has it as PKB said it, so that the next run
//!   knows of both, and asks again for both.

use super::{Engine, Ready, Slot};
use crate::{
    Fatal, Reason, Record, Stage,
    ndjson::Line,
    owners::{Owner, PatientIdentifiers, Shared},
    pipeline::{records::line_of, work::stop},
    stage::Handled,
    tally::Settled,
};

impl<S: Stage> Engine<S> {
    /// Whether a record has what the stage needs and a different patient also has.
    pub(super) fn need_own(
        &mut self,
        record: &Record,
        is_answered: bool,
        is_with_shared_codes: bool,
    ) -> Option<Shared> {
        let needs_own = self.plan.stage.needs_own();
        let own = PatientIdentifiers::of(record, self.owners.salt())?.only(needs_own)?;
        // A letter that was made belongs to the record that PKB named then.
        let is_on_paper = is_answered && needs_own.codes;
        let shared = match is_on_paper {
            true => self.owners.come_again(&own),
            false => self.owners.come(&own),
        };
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
        let name = self.plan.stage;
        let by_another = (line.record.outcome.as_ref())
            .is_some_and(|outcome| !is_answered && !name.tries_again(outcome));
        let patient = line.record.patient.as_ref().map(|it| it.national_id);
        if !by_another {
            let done = patient.and_then(|patient| self.stage.done_for(patient));
            // What has left the house stays in the record.
            if !name.acts_once() {
                line.record.clear(name);
            }
            let verdict = self.owners.verdict(shared, &line.record.row.file);
            stop(&mut line.record, verdict, name);
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
            evidence.outcome = Some(verdict.at(name));
            journal.append(&line_of(&evidence)?)?;
        }
        let handled = match by_another {
            true => Handled::Passed,
            false => Handled::Worked,
        };
        let mut ready = self.ready(line, handled, Settled::Stopped)?;
        ready.others = others;
        self.put(Slot::Settled(Box::new(ready)));
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
        let own = PatientIdentifiers::of(&record, self.owners.salt())
            .and_then(|own| own.only(self.plan.stage.needs_own()));
        let shared = own.and_then(|own| self.owners.come(&own));
        let verdict = match &shared {
            Some(shared) => self.owners.verdict(shared, &record.row.file),
            None => Reason::SharedRecord.into(),
        };
        stop(&mut record, verdict, self.plan.stage);
        let place = usize::try_from(piece.place - self.first_in_window).unwrap_or(usize::MAX);
        let line = Line {
            raw: Box::default(),
            record,
        };
        let ready = self.ready(line, Handled::Worked, Settled::Stopped)?;
        let slot = self.window.get_mut(place);
        let slot = slot.ok_or_else(|| Fatal::Bug("a piece of work has no place".into()))?;
        *slot = Slot::Settled(Box::new(ready));
        Ok(true)
    }

    /// Stops a record that is about to be written if it has got what is another's.
    pub(super) fn bring_own(&mut self, ready: &mut Ready) -> Result<(), Fatal> {
        let Some(own) = ready.brought.take() else {
            return Ok(());
        };
        let Some(shared) = self.owners.come(&own) else {
            return Ok(());
        };
        let mut record = ready.take_record()?;
        if record.outcome.is_none() {
            let verdict = self.owners.verdict(&shared, &record.row.file);
            stop(&mut record, verdict, self.plan.stage);
            ready.settled = Settled::Stopped;
            ready.line = line_of(&record)?;
            self.stopped.insert(own.patient);
            let already_written =
                |other: &Owner| shared.is_new && !self.stopped.contains(&other.patient);
            ready.others = shared
                .others
                .iter()
                .copied()
                .filter(already_written)
                .collect();
        }
        ready.record = Some(record);
        Ok(())
    }

    /// Keeps in mind patients who went on before it was known that `record` has the same as they.
    pub(super) fn note_already_written(&mut self, record: &Record, others: &[Owner]) {
        let already_written = |other: &Owner| AlreadyWritten {
            first: *other,
            second: record.row.number,
            file: record.row.file.clone(),
        };
        self.already_written
            .extend(others.iter().map(already_written));
    }

    /// Says what to do about patients who went on and have not been stopped.
    pub(super) fn tell_already_written(&self) {
        for AlreadyWritten {
            first,
            second,
            file,
        } in &self.already_written
        {
            if self.stopped.contains(&first.patient) {
                continue;
            }
            let name = self.owners.name(*first, file);
            match self.stage.done_for(first.patient) {
                Some(done) => tracing::warn!(
                    "{name} has the same PKB record or code as row {second}, and {done}"
                ),
                // Then nothing was made for it.
                None if self.plan.stage.needs_own().codes => {}
                None => tracing::warn!(
                    "{name} has the same PKB record or code as row {second}. This was found too late to stop {name} here: the \
                     next stage stops {name}. To stop {name} here, run the same command again"
                ),
            }
        }
    }
}

/// A patient who went on before it was known that a second one has the same.
pub(super) struct AlreadyWritten {
    first: Owner,
    /// Row and file of the second.
    second: u64,
    file: String,
}
