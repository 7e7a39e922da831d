//! Sends a batch once, and waits until PKB has worked through it: files go one at a time.
//!
//! A request that was sent and not answered may have been carried out. Before anything is sent
//! again, PKB is asked: for the report on the batch if it has accepted it, otherwise for the
//! patients in it; only what is missing is sent.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use pkb_client::{
    CallError, Client,
    rest::PathTemplate,
    upload::{UploadId, UploadReport, UploadStatus, Uploaded},
};
use pkb_core::{Fatal, Reason, Verdict, journal::Key, stage::IntentLog, value::NationalId};

use crate::{
    batch_folder::sha256,
    sent_before::{self, BegunBatch, UnsettledRow, acceptance, withdrawal},
};

/// Rows of which each is looked up; of more, first only a sample.
const LOOK_UP_ALL: usize = 200;
/// Rows of a sample, spread evenly over the batch.
const SAMPLE: usize = 50;

/// What is needed to send batches.
pub struct Sender {
    /// PKB.
    pub pkb: Arc<Client>,
    /// Where batches go.
    pub upload_path: String,
    /// Where patients are looked up.
    pub user_path: PathTemplate,
    /// Whether rows with e-mail addresses may be sent twice.
    pub resend: bool,
    /// How long to wait for PKB to work through a batch.
    pub wait_processed: Duration,
}

/// A row that is to be sent.
pub struct SentRow {
    /// Its key.
    pub key: Key,
    /// Who it is about.
    pub national_id: NationalId,
    /// Its line.
    pub line: Vec<u8>,
    /// Whether an e-mail address is in it.
    pub emails: bool,
    /// Where it may have been sent by an earlier run.
    pub unsettled: Option<UnsettledRow>,
}

/// What became of a row: the name of the batch that it went with.
type RowResult = Result<String, Verdict>;

/// The lines of a batch that PKB did not take, according to its report.
struct Refused(HashSet<u64>);

impl Refused {
    fn row(&self, line: u64, batch: &str) -> RowResult {
        if self.0.contains(&line) {
            Err(Reason::RefusedByImport.into())
        } else {
            Ok(batch.to_owned())
        }
    }
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
    ) -> Result<Vec<RowResult>, Fatal> {
        let mut results = self.settle_accepted(&rows).await?;
        self.settle_arrived(&rows, &mut results).await?;
        let to_send: Vec<usize> = (0..rows.len())
            .filter(|at| results[*at].is_none())
            .collect();
        if !to_send.is_empty() {
            let sent = self
                .send_batch(&rows, &to_send, header, new_name(), intents)
                .await?;
            for (place, result) in to_send.into_iter().zip(sent) {
                results[place] = Some(result);
            }
        }
        let missing = || Fatal::Bug("a row was neither sent nor settled".into());
        results
            .into_iter()
            .map(|result| result.ok_or_else(missing))
            .collect()
    }

    /// Sends the rows at `places` as one batch, and waits until PKB has worked through it.
    async fn send_batch(
        &self,
        rows: &[SentRow],
        places: &[usize],
        header: Vec<u8>,
        name: String,
        intents: &IntentLog,
    ) -> Result<Vec<RowResult>, Fatal> {
        let batch = BegunBatch {
            name,
            emails: places.iter().any(|place| rows[*place].emails),
            accepted: None,
        };
        let lines = places.iter().map(|place| rows[*place].line.as_slice());
        let csv: Vec<u8> = [header.as_slice()]
            .into_iter()
            .chain(lines)
            .collect::<Vec<_>>()
            .concat();
        let sha256 = sha256(&csv);
        let keys: Vec<Key> = places.iter().map(|place| rows[*place].key).collect();
        for intent in sent_before::intents(&batch, &sha256, &keys) {
            intents.note(intent)?;
        }
        let refused = match self.pkb.upload(&self.upload_path, &batch.name, csv).await {
            Ok(Uploaded::Processed(report)) => read_report(&batch.name, &report),
            Ok(Uploaded::Accepted(id)) => {
                intents.note(acceptance(&batch, &id))?;
                tracing::info!("{} is accepted, waiting for PKB to process it", batch.name);
                self.wait(&batch.name, &id).await?.ok_or_else(|| {
                    Fatal::TryLater(format!(
                        "{} was accepted, and PKB does not know it any more. Run the same command again (with --journal): \
                         it asks PKB which rows arrived, and sends only what is missing",
                        batch.name
                    ))
                })?
            }
            Err(error) => {
                let verdict = self.not_taken(error, &batch, intents)?;
                return Ok(places.iter().map(|_| Err(verdict.clone())).collect());
            }
        };
        // Line 1 of the batch is its header.
        Ok((2..)
            .zip(places)
            .map(|(line, _)| refused.row(line, &batch.name))
            .collect())
    }

    /// Waits until PKB has worked through a batch that it has accepted; `None` if it does not know
    /// the batch.
    async fn wait(&self, name: &str, id: &UploadId) -> Result<Option<Refused>, Fatal> {
        let waited = self
            .pkb
            .wait_for_upload(&self.upload_path, name, id, self.wait_processed);
        match waited.await {
            Ok(UploadStatus::Processed(report)) => Ok(Some(read_report(name, &report))),
            Ok(UploadStatus::Processing) => Err(Fatal::TryLater(format!(
                "PKB is still processing {name}: run the same command again later (with --journal): it goes on waiting, \
                 and sends nothing twice"
            ))),
            Err(CallError::NotFound) => Ok(None),
            Err(CallError::Fatal(fatal)) => Err(fatal),
            Err(error @ CallError::Unavailable { .. }) => Err(Fatal::TryLater(format!(
                "{name} was accepted, and it cannot be found out what became of it: {error}; run the same command again \
                 later (with --journal)"
            ))),
            Err(error) => Err(Fatal::NotUnderstood(format!(
                "{name} was accepted, and PKB does not say what became of it: {error}"
            ))),
        }
    }

    /// Settles rows of batches that PKB has accepted in an earlier run from its reports on them.
    async fn settle_accepted(&self, rows: &[SentRow]) -> Result<Vec<Option<RowResult>>, Fatal> {
        let mut reports: HashMap<&str, Option<Refused>> = HashMap::new();
        let mut results = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(UnsettledRow { batch, line }) = &row.unsettled else {
                results.push(None);
                continue;
            };
            let Some(id) = &batch.accepted else {
                results.push(None);
                continue;
            };
            if !reports.contains_key(id.as_str()) {
                tracing::info!(
                    "{} was accepted in an earlier run: asking PKB for its report",
                    batch.name
                );
                reports.insert(id.as_str(), self.wait(&batch.name, id).await?);
            }
            let report = reports.get(id.as_str()).and_then(Option::as_ref);
            results.push(report.map(|refused| refused.row(*line, &batch.name)));
        }
        Ok(results)
    }

    /// Settles unsettled rows without a report that PKB has records of, and those that must not be
    /// sent again.
    async fn settle_arrived(
        &self,
        rows: &[SentRow],
        results: &mut [Option<RowResult>],
    ) -> Result<(), Fatal> {
        let unsettled: Vec<usize> = (0..rows.len())
            .filter(|at| rows[*at].unsettled.is_some() && results[*at].is_none())
            .collect();
        let arrived = self.find_arrived(rows, &unsettled).await?;
        for place in unsettled {
            let Some(UnsettledRow { batch, .. }) = &rows[place].unsettled else {
                continue;
            };
            if arrived.contains(&place) {
                results[place] = Some(Ok(batch.name.clone()));
            } else if batch.emails && !self.resend {
                results[place] = Some(Err(Verdict::with_detail(
                    Reason::Unanswered,
                    format!(
                        "{} may have been sent with e-mail addresses: --resend if that does no harm",
                        batch.name
                    ),
                )));
            }
        }
        Ok(())
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

    /// The places of the `unsettled` rows that PKB has records of.
    async fn find_arrived(
        &self,
        rows: &[SentRow],
        unsettled: &[usize],
    ) -> Result<HashSet<usize>, Fatal> {
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
                return Ok(unsettled.iter().copied().collect());
            }
            if found.is_empty() {
                return Ok(found);
            }
        }
        self.look_up(rows, unsettled).await
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

fn read_report(name: &str, report: &UploadReport) -> Refused {
    tracing::info!(
        "{name}: {} created, {} updated, {} refused",
        report.created,
        report.updated,
        report.failed.len()
    );
    Refused(report.failed.iter().map(|failed| failed.row).collect())
}
