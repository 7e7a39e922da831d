//! The stage: rows that are compared, then sent, written or only checked, and never twice.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

use pkb_core::{
    Admission, Batch, Clock, Fatal, Record, Stage, StageName, Verdict,
    record::{Compared, Unknown, Upload, UploadState},
    stage::{BatchResult, IntentLog, NextStep, Plan, Recalled, Written},
};
use pkb_files::journal::Key;
use serde_json::{Value, json};

use crate::{
    batch_folder::{BatchFolder, sha256},
    comparison::{self, BeforeUpload, Known, StateAtPkb},
    pkb_file::{LineOptions, PkbFile},
    sender::{Sender, Sending, SentRow},
    sent_before::{BegunBatch, BegunRow, SentBefore, notes},
    upload_row::{Decision, UploadRow},
};

/// Where the batches go.
pub enum Destination {
    /// Nowhere: rows are only checked.
    Nowhere,
    /// Into a folder, for upload by hand.
    Folder(Mutex<BatchFolder>),
    /// To PKB.
    Pkb(Box<Sender>),
}

/// The stage that uploads the rows of a patient file, or writes them for it.
pub struct UploadStage {
    /// Where the batches go.
    pub destination: Destination,
    /// What is asked before the first batch; nothing with `--no-compare` and `--dry-run`.
    pub before_upload: Option<BeforeUpload>,
    /// What to upload for patients that PKB already has.
    pub known: Known,
    /// PKB's file.
    pub pkb_file: PkbFile,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// What the journal says of earlier runs.
    pub sent_before: Mutex<SentBefore>,
    /// Whether the settings of this run are in the journal.
    pub settings_noted: AtomicBool,
    /// The time.
    pub clock: Clock,
}

impl UploadStage {
    fn done(&self, batch: &str, state: UploadState, row: &RowFacts) -> Upload {
        Upload {
            batch: Some(batch.to_owned()),
            state,
            at: self.clock.now(),
            compared: row.compared,
            emailed: row.emailed,
            unknown: Unknown::new(),
        }
    }

    /// Of a patient that PKB already has, and for whom nothing is uploaded.
    fn skipped(&self, compared: Compared) -> Upload {
        Upload {
            batch: None,
            state: UploadState::Known,
            at: self.clock.now(),
            compared: Some(compared),
            emailed: false,
            unknown: Unknown::new(),
        }
    }

    /// What the lines of PKB's file depend on, besides the patients. Rows of the journal are known again by
    /// their lines, so they are known only under the same settings.
    fn settings(&self) -> Value {
        let LineOptions {
            columns,
            special_characters,
            emails,
            today: _,
        } = self.pkb_file.options;
        json!({
            "columns": format!("{columns:?}").to_lowercase(),
            "special_characters": special_characters,
            "keep_email": emails,
            "profile": sha256(&self.pkb_file.header_line()),
        })
    }

    fn same_settings(&self, intent: &Value) -> Result<(), Fatal> {
        if intent["settings"] == self.settings() {
            self.settings_noted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(Fatal::Usage(
            "the journal belongs to a run with a different --via, --columns, --special-characters, --keep-email or --profile. Use \
             the same options, or start a new journal to upload all rows again"
                .into(),
        ))
    }

    fn sent_before(&self) -> MutexGuard<'_, SentBefore> {
        self.sent_before.lock()
    }

    /// A row that an earlier run settled.
    fn settled(&self, key: Key, upload: Option<&Upload>) {
        let mut sent_before = self.sent_before();
        sent_before.settled(key, upload.and_then(|upload| upload.batch.as_deref()));
        let is_at_pkb = |upload: &Upload| match upload.state {
            UploadState::Sent | UploadState::Created | UploadState::Updated => true,
            UploadState::Known => upload.compared == Some(Compared::Known),
            UploadState::Prepared | UploadState::Checked => false,
        };
        if upload.is_some_and(is_at_pkb) {
            sent_before.note_at_pkb(key);
        }
    }

    /// Compares the rows with PKB, if that is wanted: those that are to be uploaded, and what is known already of the others.
    async fn decide(
        &self,
        work: Vec<UploadRow>,
        intents: &IntentLog,
    ) -> Result<Vec<Decision>, Fatal> {
        let Some(before) = &self.before_upload else {
            return Ok(work.into_iter().map(Decision::Upload).collect());
        };
        let is_unsettled = |key| self.sent_before().unsettled(key).is_some();
        let compared = before
            .rows(|patient| self.pkb_file.key(patient), is_unsettled, intents)
            .await?;
        work.into_iter()
            .map(|row| row.decide(compared, self.known))
            .collect()
    }

    /// Uploads, writes or only checks the rows of a batch.
    async fn upload(&self, rows: Vec<UploadRow>, intents: &IntentLog) -> BatchResult<Upload> {
        match &self.destination {
            Destination::Nowhere => {
                let name = self.sent_before().new_name();
                let checked = |row: &UploadRow| {
                    Ok(self.done(&name, UploadState::Checked, &RowFacts::of(row)))
                };
                Ok(rows.iter().map(checked).collect())
            }
            Destination::Folder(folder) => self.write(folder, &rows, intents),
            Destination::Pkb(sender) => self.send(sender, rows, intents).await,
        }
    }

    async fn send(
        &self,
        sender: &Sender,
        rows: Vec<UploadRow>,
        intents: &IntentLog,
    ) -> BatchResult<Upload> {
        let facts: Vec<RowFacts> = rows.iter().map(RowFacts::of).collect();
        let rows = rows.into_iter().map(|row| SentRow {
            key: row.key,
            line: row.line,
            emails: row.emails,
            before: row.before,
        });
        let sending = Sending {
            pkb_file: &self.pkb_file,
            sent_before: &self.sent_before,
            intents,
        };
        let results = sender.send(rows.collect(), sending).await?;
        Ok(results
            .into_iter()
            .zip(facts)
            .map(|(result, row): (Result<String, Verdict>, RowFacts)| {
                result.map(|name| self.done(&name, UploadState::Sent, &row))
            })
            .collect())
    }

    /// Writes a batch into the folder, but for rows that an earlier run wrote there.
    fn write(
        &self,
        folder: &Mutex<BatchFolder>,
        work: &[UploadRow],
        intents: &IntentLog,
    ) -> BatchResult<Upload> {
        let mut folder = folder.lock();
        let written: Vec<Option<String>> = {
            let sent_before = self.sent_before();
            let there = |row: &UploadRow| {
                let batch = sent_before.unsettled(row.key)?;
                folder.has(batch).then(|| batch.to_owned())
            };
            work.iter().map(there).collect()
        };
        let rows: Vec<&UploadRow> = work
            .iter()
            .zip(&written)
            .filter_map(|(row, written)| written.is_none().then_some(row))
            .collect();
        let mut name = String::new();
        if !rows.is_empty() {
            name = self.sent_before().new_name();
            let header = self.pkb_file.header_line();
            let file: Vec<u8> = std::iter::once(header.as_slice())
                .chain(rows.iter().map(|row| row.line.as_slice()))
                .collect::<Vec<_>>()
                .concat();
            let emails = rows.iter().any(|row| row.emails);
            let batch = BegunBatch {
                name: name.clone(),
                emails,
                at: self.clock.now(),
            };
            let begun = (2..).zip(&rows).map(|(line, row)| BegunRow {
                key: row.key,
                line,
                before: row.before,
            });
            let begun: Vec<BegunRow> = begun.collect();
            for intent in notes::intents(&batch, &sha256(&file), &begun) {
                intents.note(intent)?;
            }
            folder.add(&name, rows.len(), emails, &file)?;
        }
        Ok(work
            .iter()
            .zip(written)
            .map(|(row, written)| {
                let name = written.unwrap_or_else(|| name.clone());
                Ok(self.done(&name, UploadState::Prepared, &RowFacts::of(row)))
            })
            .collect())
    }

    /// What comes after it, when the records are `records`.
    pub fn next_step(&self, records: Written<'_>) -> NextStep {
        let command = records.command("pkb-resolve", "--output resolved.ndjson");
        NextStep::Then(match &self.destination {
            Destination::Nowhere => "the same without --dry-run".to_owned(),
            Destination::Folder(_) => {
                format!(
                    "upload the batches at PKB's page, and when PKB has processed them: {command}"
                )
            }
            Destination::Pkb(_) => command,
        })
    }

    /// Whether what an earlier run has done with a row still answers it: one that was only checked, or written into another
    /// folder, has not been uploaded.
    fn serves(&self, upload: &Upload) -> bool {
        match (&self.destination, upload.state) {
            (_, UploadState::Known) => self.known == Known::Skip,
            (Destination::Nowhere, _)
            | (_, UploadState::Sent | UploadState::Created | UploadState::Updated) => true,
            (Destination::Folder(folder), UploadState::Prepared) => {
                let folder = folder.lock();
                upload
                    .batch
                    .as_deref()
                    .is_some_and(|batch| folder.has(batch))
            }
            (Destination::Pkb(_), UploadState::Prepared) | (_, UploadState::Checked) => false,
        }
    }
}

/// What the record says of a row that was uploaded.
struct RowFacts {
    emailed: bool,
    compared: Option<Compared>,
}

impl RowFacts {
    fn of(row: &UploadRow) -> Self {
        Self {
            emailed: row.emailed,
            compared: row.before.map(StateAtPkb::compared),
        }
    }
}

impl Stage for UploadStage {
    type Work = UploadRow;
    type Done = Upload;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Upload,
            batch_rows: self.batch_rows,
            linger: None,
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        Some(self.pkb_file.key(record.patient.as_ref()?))
    }

    fn recall(&self, line: &Recalled, key: Option<Key>) -> Result<(), Fatal> {
        match line {
            Recalled::Intent(intent) if intent.get("settings").is_some() => {
                self.same_settings(intent)
            }
            Recalled::Intent(intent) if intent.get(comparison::FIELD).is_some() => self
                .before_upload
                .as_ref()
                .map_or(Ok(()), |before| before.recall(intent)),
            Recalled::Intent(intent) => self.sent_before().begun(intent),
            Recalled::Record(record) => {
                let upload = record.upload.as_ref();
                if let (Some(key), Some(before)) = (key, &self.before_upload) {
                    before.settle(key, upload.is_none_or(|upload| self.serves(upload)));
                }
                if let Some(key) = key {
                    self.settled(key, upload);
                }
                Ok(())
            }
        }
    }

    fn answers(&self, _: &Record, settled: &Record) -> bool {
        let upload = settled.upload.as_ref();
        upload.is_none_or(|upload| self.serves(upload))
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<UploadRow> {
        if in_journal {
            return Admission::AlreadyDone;
        }
        let is_compared = self.before_upload.is_some();
        record
            .patient
            .as_ref()
            .map_or(Admission::NotReady, |patient| {
                Admission::Work(UploadRow::of(patient, &self.pkb_file, is_compared))
            })
    }

    async fn advance(&self, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        let Batch { work, intents, .. } = batch;
        if !self.settings_noted.swap(true, Ordering::Relaxed) {
            intents.note(json!({ "settings": self.settings() }))?;
        }
        let mut rows = Vec::with_capacity(work.len());
        let mut results = Vec::with_capacity(work.len());
        for decision in self.decide(work, &intents).await? {
            results.push(match decision {
                Decision::Upload(row) => {
                    rows.push(row);
                    None
                }
                Decision::Skip(compared) => Some(Ok(self.skipped(compared))),
                Decision::Stop(verdict) => Some(Err(verdict)),
            });
        }
        let mut uploaded = Vec::new().into_iter();
        if !rows.is_empty() {
            uploaded = self.upload(rows, &intents).await?.into_iter();
        }
        let missing = || Fatal::Bug("a row was neither uploaded nor left out".into());
        results
            .into_iter()
            .map(|result| result.or_else(|| uploaded.next()).ok_or_else(missing))
            .collect()
    }

    fn apply(&self, record: &mut Record, upload: Upload) {
        record.upload = Some(upload);
    }
}
