//! Sends a batch once, and waits until PKB has worked through it: files go one at a time.
//!
//! A request that was sent and not answered may have been carried out. Before anything is sent again, PKB is asked: for the report on the
//! batch if it has accepted it, otherwise about each patient in it ([`crate::settling`]). Only what certainly was not taken is sent again;
//! what stays unknown is sent again if somebody asks for that.

mod earlier;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};

use pkb_client::{
    CallError, Client,
    upload::{UploadId, UploadReport, UploadStatus, Uploaded},
};
use pkb_core::{Clock, Fatal, Reason, Verdict, stage::IntentLog};
use pkb_files::journal::Key;
use tokio::sync::OnceCell;

use crate::{
    batch_folder::sha256,
    comparison::StateAtPkb,
    pkb_file::PkbFile,
    sent_before::{BegunBatch, BegunRow, SentBefore, Taken, notes},
    settling::{BatchFinding, Found, LostUploads, Unanswered},
};

/// What is needed to send batches.
pub struct Sender {
    /// PKB.
    pub pkb: Arc<Client>,
    /// Where batches go.
    pub upload_path: String,
    /// Whether rows are sent again of which nobody knows whether PKB took them.
    pub resend: bool,
    /// How long to wait for PKB to work through a batch.
    pub wait_processed: Duration,
    /// How it is found out what became of a batch.
    pub settling: LostUploads,
    /// What became of the rows of earlier runs; those that are to be sent are not in it.
    pub earlier: OnceCell<HashMap<Key, RowResult>>,
    /// The time.
    pub clock: Clock,
}

/// A row that is to be sent.
pub struct SentRow {
    /// Its key.
    pub key: Key,
    /// Its line.
    pub line: Vec<u8>,
    /// Whether an e-mail address is in it.
    pub emails: bool,
    /// Where its patient stands at PKB, if PKB was asked.
    pub before: Option<StateAtPkb>,
}

/// What became of a row: the name of the batch that it went with.
pub type RowResult = Result<String, Verdict>;

/// What a stage knows while it sends.
#[derive(Clone, Copy)]
pub struct Sending<'s> {
    /// PKB's file.
    pub pkb_file: &'s PkbFile,
    /// What earlier runs sent.
    pub sent_before: &'s Mutex<SentBefore>,
    /// Where acts are noted.
    pub intents: &'s IntentLog,
}

impl Sending<'_> {
    fn sent_before(&self) -> MutexGuard<'_, SentBefore> {
        self.sent_before.lock()
    }
}

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
        sending: Sending<'_>,
    ) -> Result<Vec<RowResult>, Fatal> {
        let earlier = self
            .earlier
            .get_or_try_init(|| self.settle_earlier(sending));
        let earlier = earlier.await?;
        let of_row = |row: &SentRow| earlier.get(&row.key).cloned();
        let mut results: Vec<Option<RowResult>> = rows.iter().map(of_row).collect();
        let to_send: Vec<usize> = (0..rows.len())
            .filter(|at| results[*at].is_none())
            .collect();
        if !to_send.is_empty() {
            let chosen: Vec<&SentRow> = to_send.iter().map(|at| &rows[*at]).collect();
            let sent = self.send_batch(&chosen, sending).await?;
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

    /// Sends rows as one batch, and waits until PKB has worked through it.
    async fn send_batch(
        &self,
        rows: &[&SentRow],
        sending: Sending<'_>,
    ) -> Result<Vec<RowResult>, Fatal> {
        let Sending {
            pkb_file, intents, ..
        } = sending;
        let (batch, begun) = self.begin(rows, sending);
        let header = pkb_file.header_line();
        let lines = rows.iter().map(|row| row.line.as_slice());
        let csv: Vec<&[u8]> = std::iter::once(header.as_slice()).chain(lines).collect();
        let csv = csv.concat();
        let sha256 = sha256(&csv);
        for intent in notes::intents(&batch, &sha256, &begun) {
            intents.note(intent)?;
        }
        let answer = self.pkb.upload(&self.upload_path, &batch.name, csv).await;
        let report = match answer {
            Ok(Uploaded::Processed(report)) => Some(report),
            Ok(Uploaded::Accepted(id)) => {
                intents.note(notes::acceptance(&batch.name, &id))?;
                tracing::info!("{} is accepted, waiting for PKB to process it", batch.name);
                self.wait(&batch.name, &id, intents).await?
            }
            Err(CallError::Unanswered) => None,
            Err(error) => {
                let verdict = not_taken(error, &batch.name, rows.len(), intents)?;
                return Ok(vec![Err(verdict); rows.len()]);
            }
        };
        let Some(report) = report else {
            return self.find_out(&batch, &begun, sending).await;
        };
        let refused = read_report(&batch.name, &report, rows.len() as u64, intents)?;
        Ok(begun
            .iter()
            .map(|row| {
                let result = refused.row(row.line, &batch.name);
                if result.is_ok() {
                    sending.sent_before().note_at_pkb(row.key);
                }
                result
            })
            .collect())
    }

    /// A new batch of `rows`.
    fn begin(&self, rows: &[&SentRow], sending: Sending<'_>) -> (BegunBatch, Vec<BegunRow>) {
        let mut sent_before = sending.sent_before();
        let batch = BegunBatch {
            name: sent_before.new_name(),
            emails: rows.iter().any(|row| row.emails),
            at: self.clock.now(),
        };
        // Line 1 of the batch is its header.
        let begun = (2..).zip(rows).map(|(line, row)| BegunRow {
            key: row.key,
            line,
            before: row.before.or_else(|| sent_before.before(row.key)),
        });
        let begun = begun.collect();
        (batch, begun)
    }

    /// Finds out what became of a batch that this run has sent. Unless PKB has it, nothing more is sent.
    async fn find_out(
        &self,
        batch: &BegunBatch,
        rows: &[BegunRow],
        sending: Sending<'_>,
    ) -> Result<Vec<RowResult>, Fatal> {
        let at_pkb = sending.sent_before().at_pkb().to_vec();
        let unanswered = Unanswered {
            batch,
            rows,
            taken: Taken::nothing(batch.at),
            at_pkb: &at_pkb,
            is_of_this_run: true,
        };
        let found = self
            .settling
            .settle(unanswered, sending.pkb_file, sending.intents);
        let found = found.await?;
        let name = &batch.name;
        match found.finding {
            BatchFinding::Whole => {
                tracing::warn!("{name}: {}", found.words());
                let result = |row: &BegunRow| match found.is_taken(row.key) {
                    true => Ok(name.clone()),
                    false => Err(unknown(name)),
                };
                Ok(rows.iter().map(result).collect())
            }
            BatchFinding::None | BatchFinding::Open => Err(Fatal::TryLater(format!(
                "{name} was sent and not answered, and {}. {}",
                found.words(),
                what_to_do(&found, batch, sending.intents)
            ))),
        }
    }

    /// Waits until PKB has worked through a batch that it has accepted; `None` if it does not know
    /// the batch.
    async fn wait(
        &self,
        name: &str,
        id: &UploadId,
        intents: &IntentLog,
    ) -> Result<Option<UploadReport>, Fatal> {
        let waited = self
            .pkb
            .wait_for_upload(&self.upload_path, name, id, self.wait_processed);
        match waited.await {
            Ok(UploadStatus::Processed(report)) => Ok(Some(report)),
            Ok(UploadStatus::Processing) => Err(Fatal::TryLater(format!(
                "PKB is still processing {name}. What to do: run the same command again later (with --journal). It \
                 continues to wait, and sends nothing twice"
            ))),
            Err(CallError::NotFound) => {
                tracing::warn!("{name} was accepted, and PKB no longer knows this upload");
                intents.note(notes::no_report(name))?;
                Ok(None)
            }
            Err(CallError::Fatal(fatal)) => Err(fatal),
            Err(error @ CallError::Unavailable { .. }) => Err(Fatal::TryLater(format!(
                "{name} was accepted, and PKB does not say now what became of the file: {error}. What to do: run the same \
                 command \
                 again later (with --journal)"
            ))),
            Err(error) => Err(not_reported(name, &error.to_string(), intents)?),
        }
    }
}

/// What somebody does about a batch of this run of which PKB has not all.
fn what_to_do(found: &Found, batch: &BegunBatch, intents: &IntentLog) -> &'static str {
    match found.finding {
        _ if !intents.is_kept() => {
            "What to do: look for the batch in PKB's Reports tab. The same command would send the batch again, because \
             this run has no journal"
        }
        BatchFinding::None if !batch.emails => {
            "What to do: run the same command again. It asks PKB once more, and sends what has not arrived"
        }
        _ => {
            "What to do: look for the batch in PKB's Reports tab, and run the same command again. It asks PKB once more. \
             With --resend it also \
             sends again what may have been sent"
        }
    }
}

/// The verdict on a row that may have been sent. What is known of its batch has been told.
fn unknown(batch: &str) -> Verdict {
    let detail = format!(
        "PKB did not answer {batch}, and may have accepted the row. Check with PKB first. To send the row again, add \
         --resend"
    );
    Verdict::with_detail(Reason::Unanswered, detail)
}

/// What PKB's report says of each row of a batch, also for the next run.
///
/// # Errors
/// It does not account for each row.
fn read_report(
    name: &str,
    report: &UploadReport,
    rows: u64,
    intents: &IntentLog,
) -> Result<Refused, Fatal> {
    let refused = match report.refused_lines(rows) {
        Ok(refused) => refused,
        Err(what) => {
            let what = format!("PKB's report cannot be right: {what}");
            return Err(not_reported(name, &what, intents)?);
        }
    };
    tracing::info!(
        "{name}: {} created, {} updated, {} refused",
        report.created,
        report.updated,
        report.failed.len()
    );
    intents.note(notes::report(name, &refused))?;
    Ok(Refused(refused))
}

/// PKB has taken a batch, and its word on that is of no use. The next run looks its patients up.
fn not_reported(name: &str, what: &str, intents: &IntentLog) -> Result<Fatal, Fatal> {
    intents.note(notes::no_report(name))?;
    Ok(Fatal::NotUnderstood(format!(
        "{name} was sent, and it is not known which of its rows PKB has taken: {what}. What to do: run the same command again (with \
         --journal). It asks PKB who has arrived, before it sends anything. If you see this again, report this message"
    )))
}

/// What becomes of the rows of a batch that certainly was not taken, or of which nobody knows. While PKB is busy, the next one is not
/// sent: PKB wants one after the other.
fn not_taken(
    error: CallError,
    name: &str,
    rows: usize,
    intents: &IntentLog,
) -> Result<Verdict, Fatal> {
    if let CallError::NotUnderstood(what) = error {
        return Err(not_reported(name, what, intents)?);
    }
    intents.note(notes::withdrawal(name))?;
    match error {
        CallError::Unavailable { .. } => Err(Fatal::TryLater(format!(
            "{name} was not taken: {error}. What to do: run the same command again later"
        ))),
        CallError::Refused { status, .. } if rows > 1 => {
            Err(Fatal::Refused(refused_whole(name, rows, status)))
        }
        error => error.into_verdict(),
    }
}

/// The message for a batch that PKB refuses as a file.
fn refused_whole(name: &str, rows: usize, status: u16) -> String {
    let fewer = rows.div_ceil(2);
    let why = match status {
        413 => "the file is too large for PKB, or for a server in front of it",
        _ => "PKB does not say which row is wrong, or whether the file is",
    };
    format!(
        "PKB answered {status} to {name} with its {rows} rows, and took none of them: {why}. What to do: run the same command again with \
         --batch-rows {fewer}. If PKB refuses each smaller file too, compare the columns with PKB's upload template: \
             --pkb-template FILE"
    )
}
