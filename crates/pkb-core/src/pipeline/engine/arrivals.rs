//! How records come in: each is passed on, stopped, answered by the journal, or becomes work.

use super::{Engine, Ready, Slot};
use crate::{
    Admission, Fatal, Outcome, Reason, Stage, StageName,
    ndjson::Line,
    pipeline::{
        Limits,
        reader::{Arrived, Journaled},
        records::{Kept, kept_whole, written},
        work::{Piece, brought, stop},
    },
    stage::Handled,
    tally::Settled,
};

impl<S: Stage> Engine<S> {
    /// Takes in a record: finds out what to do with it, and puts it at the end of the window.
    pub(super) fn take_in(&mut self, arrived: Arrived) -> Result<(), Fatal> {
        let Arrived {
            mut line,
            journaled,
        } = arrived;
        self.monitor.origins().note_record(&line.record)?;
        self.note_row(&line);
        let name = self.plan.stage;
        let reason = line.record.outcome.as_ref().map(|outcome| outcome.reason);
        if reason.is_some_and(|reason| StageName::that_fixes(reason) == Some(name)) {
            // What this stage found earlier no longer serves, whoever has it written down.
            line.record.clear_from(name);
            line.raw = Box::default();
        }
        let mut had_shared_codes = reason == Some(Reason::SharedCodes);
        let mut answer = journaled.filter(|it| self.is_answer(&line, it));
        // What PKB said about two patients alike may have been corrected.
        if name.brings_own().any()
            && answer
                .take_if(|it| self.known_shared.concerns(&it.line.record))
                .is_some()
        {
            had_shared_codes |= name.brings_own().codes;
        }
        let is_answered = answer.is_some();
        let is_with_shared_codes = answer.as_ref().is_some_and(|it| it.is_with_shared_codes);
        if let Some(answer) = answer {
            line = answer.line;
        }
        if let Some(shared) = self.need_own(&line.record, is_answered, is_with_shared_codes) {
            return self.stop_shared(line, &shared, is_answered);
        }
        self.admit(line, is_answered, had_shared_codes)
    }

    /// Whether what the journal has of a record still answers it: that the patient was erased does, whatever the stage
    /// looks at.
    fn is_answer(&self, line: &Line, journaled: &Journaled) -> bool {
        let now = &journaled.line.record;
        now.outcome.as_ref().is_some_and(Outcome::is_erased)
            || self.stage.answers(&line.record, now)
    }

    /// Counts a row that was read.
    fn note_row(&mut self, line: &Line) {
        if !line.record.seed {
            self.tally.count_in();
        }
        let row = &line.record.row;
        if !self.completeness.note_number(&row.file, row.number, row.of) {
            self.repeated_rows += 1;
        }
    }

    /// Asks the stage about a record.
    fn admit(
        &mut self,
        mut line: Line,
        in_journal: bool,
        had_shared_codes: bool,
    ) -> Result<(), Fatal> {
        let name = self.plan.stage;
        let handled = match in_journal {
            true => Handled::Journaled,
            false => Handled::Passed,
        };
        if line.record.seed && !name.takes_seeds() {
            return self.settle_line(line, Handled::Passed, Settled::NotConcerned);
        }
        let is_stopped =
            (line.record.outcome.as_ref()).is_some_and(|outcome| !name.tries_again(outcome));
        if is_stopped {
            return self.settle_line(line, handled, Settled::Stopped);
        }
        match self.stage.admit(&line.record, in_journal) {
            Admission::AlreadyDone => self.settle_line(line, handled, Settled::AlreadyDone),
            Admission::NotReady => self.settle_line(line, Handled::Passed, Settled::NotReady),
            Admission::NotConcerned => {
                self.settle_line(line, Handled::Passed, Settled::NotConcerned)
            }
            Admission::Stop(verdict) => {
                if in_journal {
                    line.record.clear(name);
                }
                stop(&mut line.record, verdict, name);
                line.raw = Box::default();
                self.settle_line(line, Handled::Worked, Settled::Stopped)
            }
            Admission::Work(work) => {
                self.forming.push(Piece {
                    place: self.first_in_window + self.window.len() as u64,
                    work,
                    kept: Kept::of(line, self.plan.batch_rows)?,
                    had_shared_codes,
                });
                self.put(Slot::Working);
                Ok(())
            }
        }
    }

    /// Puts a record that is settled at the end of the window.
    fn settle_line(&mut self, line: Line, handled: Handled, settled: Settled) -> Result<(), Fatal> {
        let ready = Ready {
            brought: brought(self.plan.stage, &line.record, self.owners.salt()),
            ..self.ready(line, handled, settled)?
        };
        self.put(Slot::Settled(Box::new(ready)));
        Ok(())
    }

    /// A record that may be written at once.
    pub(super) fn ready(
        &self,
        line: Line,
        handled: Handled,
        settled: Settled,
    ) -> Result<Ready, Fatal> {
        let Line { raw, record } = written(line)?;
        Ok(Ready {
            line: raw,
            record: kept_whole(record, self.plan.batch_rows),
            handled,
            settled,
            journaled: 0,
            brought: None,
            others: Vec::new(),
        })
    }

    /// Puts a record at the end of the window.
    pub(super) fn put(&mut self, slot: Slot) {
        self.window.push_back(slot);
        let behind = self.first_in_window + self.window.len() as u64;
        let first = self.forming.first();
        let span = first.map_or(0, |first| behind - first.place);
        let rows = self.plan.batch_rows;
        if self.forming.len() >= rows || span as usize >= Limits::span(rows) {
            self.close_batch();
        }
    }
}
