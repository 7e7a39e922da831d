//! The stage.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Record, Stage, StageName, Verdict, app,
    client::rest::PathTemplate,
    doctor,
    journal::Key,
    pipeline::Source,
    progress::tell,
    record::{Unknown, Upload, UploadState},
    shards::split,
    stage::{BatchResult, Recalled, Replay},
    value::NationalId,
};
use serde_json::{Value, json};

use crate::{
    args::{Args, Command, SplitArgs, UploadArgs},
    batch_folder::{BatchFolder, sha256},
    check,
    max_rejects::MaxRejects,
    patient_file::PatientFile,
    pkb_file::{LineOptions, PkbFile, Profile, even_batch_rows},
    report::Report,
    sender::{Sender, SentRow},
    sent_before::{self, BegunBatch, SentBefore},
};

/// Runs the program from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Columns(args)) => check::columns(&args),
        Some(Command::Profile) => {
            app::print(Profile::built_in_text())?;
            Ok(ExitCode::Done)
        }
        Some(Command::Doctor(args)) => doctor::run(*args).await,
        Some(Command::Split(args)) => split(&args),
        None => upload(args.upload).await,
    }
}

fn split(args: &SplitArgs) -> Result<ExitCode, Fatal> {
    let counts = split::split(args.input.reader()?, args.shards, &args.out, args.partial)?;
    let most = counts.iter().max().copied().unwrap_or_default();
    let least = counts.iter().min().copied().unwrap_or_default();
    tell(format!(
        "pkb-upload: {} rows in {} shards of {least} to {most} rows in {}",
        counts.iter().sum::<u64>(),
        counts.len(),
        args.out.display()
    ));
    Ok(ExitCode::Done)
}

async fn upload(args: UploadArgs) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    // Settings first: a mistake there shows at once, a large file takes its time.
    let destination = destination(&args)?;
    let pkb_file = pkb_file(&args, clock)?;
    let file = PatientFile::open(&args.file, clock.today())?;
    if !args.stream.progress.quiet || file.survey.rejected + file.survey.excluded > 0 {
        tell(Report(&file));
    }
    refuse_a_bad_file(&file, args.max_rejects)?;
    let stage = UploadStage {
        destination,
        pkb_file,
        batch_rows: even_batch_rows(file.survey.good, args.batch_rows),
        sent_before: Mutex::new(SentBefore::new(args.campaign.clone())),
        settings_noted: AtomicBool::new(false),
        clock,
    };
    let records = file.into_records()?;
    let target = args.stream.target()?;
    if let Some(time) = args.send_after {
        let progress = &args.stream.progress;
        let moment = time.wait(clock, &progress.monitor);
        app::with_progress(progress, app::task(UploadStage::NAME, &target), moment).await?;
    }
    // PKB wants one file at a time, the next after the last has been processed.
    app::run_stage(
        stage,
        Source::Records(Box::new(records)),
        target,
        1,
        &args.stream,
    )
    .await
}

fn destination(args: &UploadArgs) -> Result<Destination, Fatal> {
    Ok(match &args.batches {
        _ if args.dry_run => Destination::Nowhere,
        Some(folder) => Destination::Folder(Mutex::new(BatchFolder::open(folder)?)),
        None => Destination::Pkb(Box::new(Sender {
            pkb: args.pkb.client(&args.stream.progress.monitor)?,
            upload_path: args.upload_path.clone(),
            user_path: PathTemplate::new(&args.user_path, &["{number}", "{type}"])?,
            resend: args.resend,
            wait_processed: args.wait_processed,
        })),
    })
}

fn pkb_file(args: &UploadArgs, clock: Clock) -> Result<PkbFile, Fatal> {
    let profile = Profile::read(args.pkb_file.profile.as_deref())?;
    if let Some(template) = &args.pkb_file.template {
        profile.check_template(template)?;
    }
    Ok(PkbFile {
        profile,
        options: LineOptions {
            columns: args.pkb_file.columns,
            special_characters: args.pkb_file.special_characters,
            emails: args.keep_email,
            today: clock.today(),
        },
    })
}

/// Stops before anything is sent if more rows are bad than the operator expects.
fn refuse_a_bad_file(file: &PatientFile, limit: Option<MaxRejects>) -> Result<(), Fatal> {
    let survey = &file.survey;
    match limit {
        Some(limit) if limit.is_exceeded(survey.rejected, survey.rows) => {
            Err(Fatal::TooManyRejects(format!(
                "{} of {} rows are rejected, more than --max-rejects {limit}: nothing was sent. Mend the file \
                 (pkb-upload check FILE --problems problems.csv lists them), or raise the limit",
                survey.rejected, survey.rows
            )))
        }
        _ => Ok(()),
    }
}

/// Where the batches go.
enum Destination {
    Nowhere,
    Folder(Mutex<BatchFolder>),
    Pkb(Box<Sender>),
}

struct UploadStage {
    destination: Destination,
    pkb_file: PkbFile,
    batch_rows: usize,
    /// What the journal says of earlier runs.
    sent_before: Mutex<SentBefore>,
    /// Whether the settings of this run are in the journal.
    settings_noted: AtomicBool,
    clock: Clock,
}

/// A row of a batch.
pub struct UploadRow {
    key: Key,
    national_id: NationalId,
    /// The patient's line of the "Add many patients" file.
    line: Vec<u8>,
    /// Whether PKB will write to the patient.
    emailed: bool,
    /// Whether any e-mail address is in the line, the patient's or a carer's.
    emails: bool,
}

impl UploadStage {
    fn done(&self, batch: &str, state: UploadState, emailed: bool) -> Upload {
        Upload {
            batch: batch.to_owned(),
            state,
            at: self.clock.now(),
            emailed,
            unknown: Unknown::new(),
        }
    }

    fn line(&self, record: &Record) -> Option<Vec<u8>> {
        Some(self.pkb_file.patient_line(record.patient.as_ref()?))
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
            "the journal is of a run with another --columns, --special-characters, --keep-email or --profile: use the same \
             again, or begin a new journal to upload all rows anew"
                .into(),
        ))
    }

    fn sent_before(&self) -> MutexGuard<'_, SentBefore> {
        self.sent_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, sender: &Sender, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        let emailed: Vec<bool> = batch.work.iter().map(|row| row.emailed).collect();
        let rows: Vec<SentRow> = {
            let sent_before = self.sent_before();
            batch
                .work
                .into_iter()
                .map(|row| SentRow {
                    unsettled: sent_before.unsettled(row.key),
                    key: row.key,
                    national_id: row.national_id,
                    line: row.line,
                    emails: row.emails,
                })
                .collect()
        };
        let results = sender
            .send(
                rows,
                self.pkb_file.header_line(),
                || self.sent_before().new_name(),
                &batch.intents,
            )
            .await?;
        Ok(results
            .into_iter()
            .zip(emailed)
            .map(|(result, emailed): (Result<String, Verdict>, bool)| {
                result.map(|name| self.done(&name, UploadState::Sent, emailed))
            })
            .collect())
    }

    /// Writes a batch into the folder, but for rows that an earlier run wrote there.
    fn write(&self, folder: &Mutex<BatchFolder>, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
        let written: Vec<Option<String>> = {
            let sent_before = self.sent_before();
            let there = |row: &UploadRow| {
                let batch = sent_before.unsettled(row.key)?.batch;
                folder.has(&batch.name).then(|| batch.name.clone())
            };
            batch.work.iter().map(there).collect()
        };
        let rows: Vec<&UploadRow> = batch
            .work
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
            let begun = BegunBatch {
                name: name.clone(),
                emails,
                accepted: None,
            };
            let keys: Vec<Key> = rows.iter().map(|row| row.key).collect();
            for intent in sent_before::intents(&begun, &sha256(&file), &keys) {
                batch.intents.note(intent)?;
            }
            folder.add(&name, rows.len(), emails, &file)?;
        }
        Ok(batch
            .work
            .iter()
            .zip(written)
            .map(|(row, written)| {
                let name = written.unwrap_or_else(|| name.clone());
                Ok(self.done(&name, UploadState::Prepared, row.emailed))
            })
            .collect())
    }
}

impl Stage for UploadStage {
    type Work = UploadRow;
    type Done = Upload;
    type Gleaned = ();
    const NAME: StageName = StageName::Upload;

    fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    fn key(&self, record: &Record) -> Option<Key> {
        Some(row_key(
            &record.patient.as_ref()?.national_id,
            &self.line(record)?,
        ))
    }

    fn recall(&self, line: &Recalled, key: Option<Key>) -> Result<(), Fatal> {
        let mut sent_before = self.sent_before();
        match line {
            Recalled::Intent(intent) if intent.get("settings").is_some() => {
                self.same_settings(intent)
            }
            Recalled::Intent(intent) => sent_before.begun(intent),
            Recalled::Record(record) => {
                if let (Some(key), Some(upload)) = (key, &record.upload) {
                    sent_before.settled(key, &upload.batch);
                }
                Ok(())
            }
        }
    }

    /// A row that was only checked, or written into another folder, has not been uploaded.
    fn replay(&self, record: &Record) -> Replay {
        let Some(upload) = &record.upload else {
            return Replay::Answer;
        };
        let counts = match (&self.destination, upload.state) {
            (Destination::Nowhere, _) | (_, UploadState::Sent) => true,
            (Destination::Folder(folder), UploadState::Prepared) => folder
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .has(&upload.batch),
            (Destination::Pkb(_), UploadState::Prepared) | (_, UploadState::Checked) => false,
        };
        if counts {
            Replay::Answer
        } else {
            Replay::DoAgain
        }
    }

    fn admit(&self, record: &Record) -> Admission<UploadRow> {
        match (&record.patient, self.line(record)) {
            (Some(patient), Some(line)) => Admission::Work(UploadRow {
                key: row_key(&patient.national_id, &line),
                national_id: patient.national_id,
                line,
                emailed: self.pkb_file.invites_by_email(patient),
                emails: self.pkb_file.has_emails(patient),
            }),
            _ => Admission::NotReady,
        }
    }

    async fn advance(&self, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        if !self.settings_noted.swap(true, Ordering::Relaxed) {
            batch.intents.note(json!({ "settings": self.settings() }))?;
        }
        match &self.destination {
            Destination::Nowhere => {
                let name = self.sent_before().new_name();
                Ok(batch
                    .work
                    .iter()
                    .map(|row| Ok(self.done(&name, UploadState::Checked, row.emailed)))
                    .collect())
            }
            Destination::Folder(folder) => self.write(folder, batch),
            Destination::Pkb(sender) => self.send(sender, batch).await,
        }
    }

    fn next_step(&self, records: &str) -> Option<String> {
        Some(match &self.destination {
            Destination::Nowhere => "the same without --dry-run".to_owned(),
            Destination::Folder(_) => format!(
                "upload the batches at PKB's page; when PKB has processed them, pkb-resolve over {records}"
            ),
            Destination::Pkb(_) => format!("pkb-resolve over {records}"),
        })
    }

    fn apply(&self, record: &mut Record, upload: Upload) {
        record.upload = Some(upload);
    }
}

/// The patient and all that is uploaded of them: a row that was corrected is uploaded again.
fn row_key(id: &NationalId, line: &[u8]) -> Key {
    Key::of(&[&id.key_bytes(), line])
}
