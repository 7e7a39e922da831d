//! Sends a batch once.
//!
//! A request that was sent and not answered may have been carried out. Rows of which that is
//! unknown are looked up at PKB before anything is sent again, and only what is missing is sent.

use std::{collections::HashSet, sync::Arc};

use pkb_core::{
    Fatal, Reason, Verdict,
    client::{CallError, Client, rest::PathTemplate},
    journal::Key,
    stage::IntentLog,
    value::NationalId,
};
use sha2::{Digest as _, Sha256};

use crate::sent_before::{self, BegunBatch, withdrawal};

/// Rows of which each is looked up; of more, first only a sample.
const LOOK_UP_ALL: usize = 200;
/// Rows of a sample, spread evenly over the batch.
const SAMPLE: usize = 50;

/// What is needed to send batches.
pub struct Sender {
    /// PKB.
    pub pkb: Client,
    /// Where batches go.
    pub upload_path: String,
    /// Where patients are looked up.
    pub user_path: PathTemplate,
    /// Whether rows with e-mail addresses may be sent twice.
    pub resend: bool,
    /// Whether the lines have e-mail addresses in them.
    pub keep_email: bool,
}

/// A row that is to be sent.
pub struct SentRow {
    /// Its key.
    pub key: Key,
    /// Who it is about.
    pub national_id: NationalId,
    /// Its line.
    pub line: Vec<u8>,
    /// The batch in which it may have been sent by an earlier run.
    pub unsettled: Option<Arc<BegunBatch>>,
}

impl Sender {
    /// Sends the rows that PKB does not have yet; for each row the name of the batch that it went
    /// with, now or earlier.
    ///
    /// # Errors
    /// The stage has to stop.
    pub async fn send(
        &self,
        rows: Vec<SentRow>,
        header: Vec<u8>,
        new_name: impl FnOnce() -> String,
        intents: &IntentLog,
    ) -> Result<Vec<Result<String, Verdict>>, Fatal> {
        let arrived = self.find_arrived(&rows).await?;
        let mut results = Vec::with_capacity(rows.len());
        let mut to_send = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            results.push(match &row.unsettled {
                Some(batch) if arrived.contains(&place) => Ok(batch.name.clone()),
                Some(batch) if batch.emails && !self.resend => Err(Verdict::with_detail(
                    Reason::Unanswered,
                    format!("{} may have been sent with e-mail addresses: --resend if that does no harm", batch.name),
                )),
                _ => {
                    to_send.push(place);
                    Ok(String::new())
                }
            });
        }
        if to_send.is_empty() {
            return Ok(results);
        }
        let batch = BegunBatch {
            name: new_name(),
            emails: self.keep_email,
        };
        let lines = to_send.iter().map(|place| rows[*place].line.as_slice());
        let csv: Vec<u8> = [header.as_slice()]
            .into_iter()
            .chain(lines)
            .collect::<Vec<_>>()
            .concat();
        let sha256: String = Sha256::digest(&csv)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let keys: Vec<Key> = to_send.iter().map(|place| rows[*place].key).collect();
        for intent in sent_before::intents(&batch, &sha256, &keys) {
            intents.note(intent)?;
        }
        match self.pkb.upload(&self.upload_path, &batch.name, csv).await {
            Ok(report) => {
                tracing::info!(
                    "{}: {} created, {} updated, {} refused",
                    batch.name,
                    report.created,
                    report.updated,
                    report.failed.len()
                );
                let refused: HashSet<u64> = report.failed.iter().map(|failed| failed.row).collect();
                // Line 1 of the batch is its header.
                for (line, place) in (2..).zip(to_send) {
                    results[place] = if refused.contains(&line) {
                        Err(Reason::RefusedByImport.into())
                    } else {
                        Ok(batch.name.clone())
                    };
                }
            }
            Err(error) => {
                let verdict = self.not_taken(error, &batch, intents)?;
                for place in to_send {
                    results[place] = Err(verdict.clone());
                }
            }
        }
        Ok(results)
    }

    /// What becomes of the rows of a batch that brought no report. While it is unknown whether PKB has
    /// taken a batch, or PKB is busy, the next one is not sent: PKB wants one after the other.
    fn not_taken(
        &self,
        error: CallError,
        batch: &BegunBatch,
        intents: &IntentLog,
    ) -> Result<Verdict, Fatal> {
        let name = &batch.name;
        match error {
            CallError::Unanswered => Err(Fatal::TryLater(format!(
                "{name} was sent and not answered: PKB may or may not have taken it. Run the same command again (with \
                 --journal): it asks PKB which rows arrived, and sends only what is missing"
            ))),
            CallError::NotUnderstood(words) => Err(Fatal::NotUnderstood(format!(
                "{name} was sent, and it is not known whether PKB has taken it: {words}"
            ))),
            error => {
                intents.note(withdrawal(batch))?;
                match error {
                    CallError::Unavailable { .. } => Err(Fatal::TryLater(format!(
                        "{name} was not taken: {error}; run the same command again later"
                    ))),
                    error => error.into_verdict(),
                }
            }
        }
    }

    /// The places of the unsettled rows that PKB has records of.
    async fn find_arrived(&self, rows: &[SentRow]) -> Result<HashSet<usize>, Fatal> {
        let unsettled: Vec<usize> = (0..rows.len())
            .filter(|at| rows[*at].unsettled.is_some())
            .collect();
        if unsettled.is_empty() {
            return Ok(HashSet::new());
        }
        tracing::warn!(
            "{} rows were sent by an earlier run and not answered: asking PKB which arrived",
            unsettled.len()
        );
        if unsettled.len() > LOOK_UP_ALL {
            let step = unsettled.len() / SAMPLE;
            let sample: Vec<usize> = unsettled.iter().copied().step_by(step).collect();
            let found = self.look_up(rows, &sample).await?;
            if found.len() == sample.len() {
                return Ok(unsettled.into_iter().collect());
            }
            if found.is_empty() {
                return Ok(found);
            }
        }
        self.look_up(rows, &unsettled).await
    }

    /// Those of `places` that PKB has records of.
    async fn look_up(&self, rows: &[SentRow], places: &[usize]) -> Result<HashSet<usize>, Fatal> {
        let mut found = HashSet::new();
        for place in places {
            match self
                .pkb
                .find_patient(&self.user_path, &rows[*place].national_id)
                .await
            {
                // Somebody whom PKB does not show us is there.
                Ok(_) | Err(CallError::NoAccess) => {
                    found.insert(*place);
                }
                Err(CallError::NotFound) => {}
                Err(CallError::Fatal(fatal)) => return Err(fatal),
                Err(error) => {
                    return Err(Fatal::TryLater(format!(
                        "cannot find out whether an earlier upload arrived: {error}; run the same command again later"
                    )));
                }
            }
        }
        Ok(found)
    }
}
