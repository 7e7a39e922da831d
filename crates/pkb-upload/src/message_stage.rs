//! The stage where records get to PKB as messages (`--via messaging`): rows that are compared, then sent one by one.
//!
//! A message creates the record or updates it, and the same message twice ends in the same record. So nothing is noted before it is
//! sent, and what was not answered is sent again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use parking_lot::Mutex;
use pkb_client::{
    Client,
    messaging::{PatientMessage, Processed},
};
use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict,
    monitor::Monitor,
    record::{Compared, Patient, Unknown, Upload, UploadState},
    rows::counted,
    stage::{BatchResult, Conclusion, Handled, IntentLog, NextStep, Plan, Recalled, Written},
};
use pkb_files::journal::Key;
use serde_json::{Value, json};

use crate::{
    comparison::{self, BeforeUpload, Choice, Known, StateAtPkb},
    message_form::MessageForm,
    refusal_watch::RefusalWatch,
};

/// The stage.
pub struct MessageStage {
    /// PKB; nothing is sent without it (`--dry-run`).
    pub pkb: Option<Arc<Client>>,
    /// What is asked before the first message; nothing with `--no-compare` and `--dry-run`.
    pub before_upload: Option<BeforeUpload>,
    /// What to send for patients that PKB already has.
    pub known: Known,
    /// How messages are made.
    pub form: MessageForm,
    /// Whether the settings of this run are in the journal.
    pub settings_noted: AtomicBool,
    /// Whether PKB takes any message.
    pub refusals: RefusalWatch,
    /// Warnings in PKB's answers.
    pub warnings: AtomicU64,
    /// What became of the rows of this run.
    pub sent: Mutex<SentCounts>,
    /// Where the counts are told.
    pub monitor: Arc<Monitor>,
    /// The time.
    pub clock: Clock,
}

/// Messages that PKB took in this run, by what it said that it did.
#[derive(Debug, Default)]
pub struct SentCounts {
    created: u64,
    updated: u64,
    unsaid: u64,
}

/// A row on its way to PKB.
pub struct MessageRow {
    key: Key,
    full: PatientMessage,
    /// What is sent of a patient whose other details are to stay as PKB has them.
    minimal: Option<PatientMessage>,
    /// Whether PKB will write to the patient, if all is sent.
    emailed: bool,
}

impl MessageStage {
    /// What comes after it, when the records are `records`.
    pub fn next_step(&self, records: Written<'_>) -> NextStep {
        NextStep::Then(match &self.pkb {
            Some(_) => records.command("pkb-resolve", "--output resolved.ndjson"),
            None => "the same without --dry-run".to_owned(),
        })
    }

    fn row(&self, patient: &Patient) -> Option<MessageRow> {
        let is_compared = self.before_upload.is_some();
        Some(MessageRow {
            key: self.form.key(patient),
            full: self.form.message(patient)?,
            minimal: match is_compared {
                true => Some(self.form.minimal_message(patient)?),
                false => None,
            },
            emailed: self.form.invites_by_email(patient),
        })
    }

    /// Compares a row with PKB, if that is wanted, and sends it.
    async fn upload(
        &self,
        row: MessageRow,
        intents: &IntentLog,
    ) -> Result<Result<Upload, Verdict>, Fatal> {
        let Some(before) = &self.before_upload else {
            return self.send(&row.full, row.emailed, None).await;
        };
        let key = |patient: &Patient| self.form.key(patient);
        let rows = before.rows(key, |_| false, intents).await?;
        match rows.choose(row.key, self.known)? {
            Choice::Full(standing) => {
                let compared = Some(standing.compared());
                self.send(&row.full, row.emailed, compared).await
            }
            // A message has a date of birth, and what PKB has cannot be compared with it.
            Choice::Minimal(StateAtPkb::NoAccess) => Ok(Err(Verdict::with_detail(
                Reason::NoAccess,
                "PKB has a record and does not show it, so the date of birth there cannot be compared. A message would \
                 overwrite that date. Upload this row with --via csv",
            ))),
            Choice::Minimal(standing) => {
                let missing = || Fatal::Bug("a row has no short message".into());
                let minimal = row.minimal.as_ref().ok_or_else(missing)?;
                self.send(minimal, false, Some(standing.compared())).await
            }
            Choice::Skip(compared) => Ok(Ok(self.done(UploadState::Known, Some(compared), false))),
            Choice::Stop(verdict) => Ok(Err(verdict)),
        }
    }

    async fn send(
        &self,
        message: &PatientMessage,
        emailed: bool,
        compared: Option<Compared>,
    ) -> Result<Result<Upload, Verdict>, Fatal> {
        let Some(pkb) = &self.pkb else {
            return Ok(Ok(self.done(UploadState::Checked, compared, emailed)));
        };
        match pkb.process_message(message).await {
            Ok(Processed { created, warnings }) => {
                self.refusals.taken();
                self.warnings.fetch_add(warnings, Ordering::Relaxed);
                let state = match created {
                    Some(true) => UploadState::Created,
                    Some(false) => UploadState::Updated,
                    None => UploadState::Sent,
                };
                Ok(Ok(self.done(state, compared, emailed)))
            }
            Err(error) => {
                let verdict = error.into_verdict()?;
                self.refusals.not_taken(&verdict)?;
                Ok(Err(verdict))
            }
        }
    }

    fn done(&self, state: UploadState, compared: Option<Compared>, emailed: bool) -> Upload {
        Upload {
            batch: None,
            state,
            at: self.clock.now(),
            compared,
            emailed,
            unknown: Unknown::new(),
        }
    }

    fn same_settings(&self, intent: &Value) -> Result<(), Fatal> {
        if intent["settings"] == self.form.settings() {
            self.settings_noted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(Fatal::Usage(
            "the journal belongs to a run with a different --via, --columns, --keep-email or --team-alias. Use the same options, or \
             start a new journal to send all rows again"
                .into(),
        ))
    }

    /// Whether what an earlier run has done with a row still answers it.
    fn serves(&self, upload: &Upload) -> bool {
        match upload.state {
            UploadState::Sent | UploadState::Created | UploadState::Updated => true,
            UploadState::Known => self.known == Known::Skip,
            UploadState::Prepared | UploadState::Checked => self.pkb.is_none(),
        }
    }

    /// The same for a record that an earlier run has settled. What PKB refused is sent again: it may have been for a setting at PKB,
    /// and a message may be repeated.
    fn is_answer(&self, settled: &Record) -> bool {
        match (&settled.upload, &settled.outcome) {
            (_, Some(outcome)) => outcome.reason != Reason::RefusedByImport,
            (Some(upload), None) => self.serves(upload),
            (None, None) => true,
        }
    }
}

impl Stage for MessageStage {
    type Work = MessageRow;
    type Done = Upload;

    fn plan(&self) -> Plan {
        Plan::one_by_one(StageName::Upload)
    }

    fn key(&self, record: &Record) -> Option<Key> {
        Some(self.form.key(record.patient.as_ref()?))
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
            Recalled::Intent(_) => Err(Fatal::Input("an intent is malformed".into())),
            Recalled::Record(record) => {
                if let (Some(key), Some(before)) = (key, &self.before_upload) {
                    before.settle(key, self.is_answer(record));
                }
                if record.upload.is_some() && record.outcome.is_none() {
                    self.refusals.taken();
                }
                Ok(())
            }
        }
    }

    fn answers(&self, _: &Record, settled: &Record) -> bool {
        self.is_answer(settled)
    }

    fn admit(&self, record: &Record, in_journal: bool) -> Admission<MessageRow> {
        if in_journal {
            return Admission::AlreadyDone;
        }
        let Some(patient) = &record.patient else {
            return Admission::NotReady;
        };
        match self.row(patient) {
            Some(row) => Admission::Work(row),
            None => Admission::Stop(Reason::MissingGender.into()),
        }
    }

    async fn advance(&self, batch: Batch<MessageRow>) -> BatchResult<Upload> {
        let Batch {
            work,
            records,
            intents,
            ..
        } = batch;
        if !self.settings_noted.swap(true, Ordering::Relaxed) {
            intents.note(json!({ "settings": self.form.settings() }))?;
        }
        let row_of = |place| Some(records.get(place).ok()?.row.number);
        let mut results = Vec::with_capacity(work.len());
        for row in work {
            let uploaded = self.upload(row, &intents).await;
            results.push(uploaded.map_err(|fatal| fatal.in_row(row_of))?);
        }
        Ok(results)
    }

    fn apply(&self, record: &mut Record, upload: Upload) {
        record.upload = Some(upload);
    }

    fn conclude(&self, record: &mut Record, handled: Handled) -> Result<Conclusion, Fatal> {
        let upload = record.upload.as_ref();
        if let (Handled::Worked, None, Some(upload)) = (handled, &record.outcome, upload) {
            self.sent.lock().add(upload.state);
        }
        Ok(Conclusion::AsItIs)
    }

    fn finish(&self, by_rows: ExitCode) -> Result<ExitCode, Fatal> {
        let words = self
            .sent
            .lock()
            .words(self.warnings.load(Ordering::Relaxed));
        words.into_iter().for_each(|words| self.monitor.note(words));
        Ok(by_rows)
    }
}

impl SentCounts {
    fn add(&mut self, state: UploadState) {
        match state {
            UploadState::Created => self.created += 1,
            UploadState::Updated => self.updated += 1,
            UploadState::Sent => self.unsaid += 1,
            UploadState::Checked | UploadState::Prepared | UploadState::Known => {}
        }
    }

    /// `PKB took 5 messages: 3 created a record, 2 updated one`.
    fn words(&self, warnings: u64) -> Option<String> {
        let sent = self.created + self.updated + self.unsaid;
        if sent == 0 {
            return None;
        }
        let parts = [
            (self.created, "created a record"),
            (self.updated, "updated a record"),
            (self.unsaid, "without saying what it did"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        let mut words = format!(
            "PKB took {}: {}",
            counted(sent, "message", "messages"),
            parts.join(", ")
        );
        if warnings > 0 {
            let warnings = counted(warnings, "warning", "warnings");
            words.push_str(&format!(". Its answers have {warnings}"));
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_created_or_updated_where_pkb_tells() {
        let mut counts = SentCounts::default();
        assert_eq!(counts.words(0), None);
        for state in [
            UploadState::Created,
            UploadState::Updated,
            UploadState::Created,
            UploadState::Sent,
            UploadState::Known,
        ] {
            counts.add(state);
        }
        assert_eq!(
            counts.words(1).unwrap(),
            "PKB took 4 messages: 2 created a record, 1 updated a record, 1 without saying what it did. Its answers have 1 warning"
        );
    }
}
