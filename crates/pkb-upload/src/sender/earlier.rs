//! What became of the batches that earlier runs have sent.

use std::collections::HashMap;

use pkb_core::{Fatal, stage::IntentLog};
use pkb_files::journal::Key;

use super::{Refused, RowResult, Sender, Sending, read_report, unknown};
use crate::{
    sent_before::{Answered, UnsettledBatch},
    settling::{BatchFinding, Unanswered},
};

impl Sender {
    /// What became of the rows that earlier runs have sent. Those that are to be sent again are not in it.
    pub(super) async fn settle_earlier(
        &self,
        sending: Sending<'_>,
    ) -> Result<HashMap<Key, RowResult>, Fatal> {
        let (batches, at_pkb) = {
            let sent_before = sending.sent_before();
            (
                sent_before.unsettled_batches(),
                sent_before.at_pkb().to_vec(),
            )
        };
        let mut results = HashMap::new();
        for batch in batches {
            match self.reported(&batch, sending.intents).await? {
                Some(refused) => results.extend(
                    (batch.rows.iter())
                        .map(|row| (row.key, refused.row(row.line, &batch.batch.name))),
                ),
                None => self.look_up(&batch, &at_pkb, sending, &mut results).await?,
            }
        }
        Ok(results)
    }

    /// What PKB's report says of a batch of an earlier run, if there is one.
    async fn reported(
        &self,
        unsettled: &UnsettledBatch,
        intents: &IntentLog,
    ) -> Result<Option<Refused>, Fatal> {
        let name = &unsettled.batch.name;
        let id = match &unsettled.answered {
            Answered::No => return Ok(None),
            Answered::Reported(refused) => return Ok(Some(Refused(refused.clone()))),
            Answered::Accepted(id) => id,
        };
        tracing::info!("{name} was accepted in an earlier run. Asking PKB for the report on it");
        match self.wait(name, id, intents).await? {
            Some(report) => read_report(name, &report, unsettled.sent, intents).map(Some),
            None => Ok(None),
        }
    }

    /// Finds out by looking up its patients what became of a batch of an earlier run.
    async fn look_up(
        &self,
        unsettled: &UnsettledBatch,
        at_pkb: &[Key],
        sending: Sending<'_>,
        results: &mut HashMap<Key, RowResult>,
    ) -> Result<(), Fatal> {
        let UnsettledBatch {
            batch, rows, taken, ..
        } = unsettled;
        let unanswered = Unanswered {
            batch,
            rows,
            taken: *taken,
            at_pkb,
            is_of_this_run: false,
        };
        let found = self
            .settling
            .settle(unanswered, sending.pkb_file, sending.intents);
        let found = found.await?;
        tracing::warn!("{}: {}", batch.name, found.words());
        let may_send = match found.finding {
            BatchFinding::None if batch.emails => self.resend,
            BatchFinding::None => true,
            BatchFinding::Whole | BatchFinding::Open => self.resend,
        };
        for row in rows {
            if found.is_taken(row.key) {
                results.insert(row.key, Ok(batch.name.clone()));
            } else if !may_send {
                results.insert(row.key, Err(unknown(&batch.name)));
            }
        }
        if !may_send && found.finding == BatchFinding::None {
            tracing::warn!(
                "{} has email addresses, so PKB may have sent invitations. To send it again: --resend",
                batch.name
            );
        }
        Ok(())
    }
}
