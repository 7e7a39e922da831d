//! How records leave: in their order, after a last look at each.

use super::{BLOCK_BYTES, Engine, GRACE, OUTPUT_GRACE, Ready, Slot, output_failed};
use crate::{
    Fatal, Stage,
    pipeline::{Report, records::line_of, settled_journal::SettledJournal, work::stop},
    stage::Conclusion,
    tally::{Settled, What},
};

impl<S: Stage> Engine<S> {
    /// Writes the settled front of the window.
    pub(super) async fn write_settled(&mut self) -> Result<(), Fatal> {
        let synced = self.journal.as_ref().map_or(0, SettledJournal::synced);
        while let Some(Slot::Settled(front)) = self.window.front()
            && front.journaled <= synced
            && let Some(Slot::Settled(ready)) = self.window.pop_front()
        {
            self.first_in_window += 1;
            self.write(*ready)?;
            if self.block.len() >= BLOCK_BYTES {
                self.hand_over().await?;
            }
        }
        self.monitor
            .rows(self.tally.rows_out(), self.completeness.total());
        self.hand_over().await
    }

    /// Writes a record, after the stage has seen it.
    fn write(&mut self, mut ready: Ready) -> Result<(), Fatal> {
        self.bring_own(&mut ready)?;
        let mut record = ready.take_record()?;
        match self.stage.conclude(&mut record, ready.handled)? {
            Conclusion::AsItIs => {}
            Conclusion::Changed => ready.line = line_of(&record)?,
            Conclusion::Stop(verdict) => {
                stop(&mut record, verdict, self.plan.stage);
                ready.line = line_of(&record)?;
                ready.settled = Settled::Stopped;
            }
        }
        self.block.extend_from_slice(&ready.line);
        self.block.push(b'\n');
        let stopped = record.outcome.as_ref().map(What::of);
        if !record.seed {
            self.tally.count_as(ready.settled, stopped);
        }
        self.note_already_written(&record, &ready.others);
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Fatal> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.output
            .write(&mut self.block)
            .await
            .map_err(|_| output_failed())
    }

    /// Writes what is settled, ends the stage, and puts the report together.
    pub(in crate::pipeline) async fn close(mut self, mut fatal: Option<Fatal>) -> Report {
        self.running.abort_all();
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.sync()
        {
            fatal = fatal.or(Some(error));
        }
        let patience = matches!(fatal, Some(Fatal::Interrupted(_))).then_some(OUTPUT_GRACE);
        if fatal.is_some() {
            // Work that is settled at the front of the window is still worth writing; a second
            // failure here says nothing new.
            let _ = tokio::time::timeout(patience.unwrap_or(GRACE), self.write_settled()).await;
        }
        self.tell_already_written();
        let mut code = self.tally.exit_code(self.plan.stage);
        if fatal.is_none() {
            match self.stage.finish(code) {
                Ok(said) => code = said,
                Err(failed) => fatal = Some(failed),
            }
        }
        if let Err(error) = self.output.finish(fatal.is_none(), patience).await {
            // The cause; what the pipeline noticed was only that the writer had gone.
            if !matches!(fatal, Some(Fatal::Interrupted(_))) {
                fatal = Some(error);
            }
        }
        Report {
            files: (self.completeness.files())
                .map(|(file, ..)| file.to_owned())
                .collect(),
            code: fatal.as_ref().map_or(code, Fatal::exit_code),
            tally: self.tally,
            fatal,
        }
    }
}
