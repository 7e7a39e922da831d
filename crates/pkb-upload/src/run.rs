//! The stage.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Record, Stage, StageName, Verdict, app,
    atomic_file::{self, AtomicFile},
    client::rest::PathTemplate,
    journal::Key,
    pipeline::Source,
    record::{Unknown, Upload, UploadState},
    stage::{BatchResult, Recalled},
    value::NationalId,
};

use crate::{
    args::Args,
    patient_file::PatientFile,
    pkb_file::Profile,
    sender::{Sender, SentRow},
    sent_before::SentBefore,
};

/// Runs the stage from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    let clock = args.stream.clock();
    let destination = match &args.batches {
        _ if args.dry_run => Destination::Nowhere,
        Some(folder) => {
            atomic_file::create_private_folder(folder)?;
            Destination::Folder(folder.clone())
        }
        None => Destination::Pkb(Box::new(Sender {
            pkb: args.pkb.client()?,
            upload_path: args.upload_path.clone(),
            user_path: PathTemplate::new(&args.user_path, &["{number}", "{type}"])?,
            resend: args.resend,
            keep_email: args.keep_email,
        })),
    };
    let stage = UploadStage {
        destination,
        profile: Profile::built_in()?,
        batch_rows: args.batch_rows as usize,
        keep_email: args.keep_email,
        sent_before: Mutex::default(),
        clock,
    };
    let records = PatientFile::open(&args.file)?.into_records(clock.today())?;
    // PKB wants one file at a time, the next after the last has been taken.
    app::run_stage(
        stage,
        Source::Records(Box::new(records)),
        args.stream.target()?,
        1,
        &args.stream,
    )
    .await
}

/// Where the batches go.
enum Destination {
    Nowhere,
    Folder(PathBuf),
    Pkb(Box<Sender>),
}

struct UploadStage {
    destination: Destination,
    profile: Profile,
    batch_rows: usize,
    keep_email: bool,
    /// What the journal says of earlier runs.
    sent_before: Mutex<SentBefore>,
    clock: Clock,
}

/// A row of a batch.
pub struct UploadRow {
    key: Key,
    national_id: NationalId,
    /// The patient's line of the "Add many patients" file.
    line: Vec<u8>,
}

impl UploadStage {
    fn done(&self, batch: &str, state: UploadState) -> Upload {
        Upload {
            batch: batch.to_owned(),
            state,
            at: self.clock.now(),
            emailed: false,
            unknown: Unknown::new(),
        }
    }

    fn line(&self, record: &Record) -> Option<Vec<u8>> {
        Some(
            self.profile
                .patient_line(record.patient.as_ref()?, self.keep_email),
        )
    }

    /// A name that no batch of this campaign has had.
    fn new_name(&self) -> String {
        self.sent_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .new_name()
    }

    async fn send(&self, sender: &Sender, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        let rows: Vec<SentRow> = {
            let sent_before = self
                .sent_before
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let unsettled = |row: &UploadRow| sent_before.unsettled(row.key).cloned();
            batch
                .work
                .into_iter()
                .map(|row| SentRow {
                    unsettled: unsettled(&row),
                    key: row.key,
                    national_id: row.national_id,
                    line: row.line,
                })
                .collect()
        };
        let results = sender
            .send(
                rows,
                self.profile.header_line(),
                || self.new_name(),
                &batch.intents,
            )
            .await?;
        Ok(results
            .into_iter()
            .map(|result: Result<String, Verdict>| {
                result.map(|name| self.done(&name, UploadState::Sent))
            })
            .collect())
    }
}

impl Stage for UploadStage {
    type Work = UploadRow;
    type Done = Upload;
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

    fn recall(&self, line: &Recalled) -> Result<(), Fatal> {
        let mut sent_before = self
            .sent_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match line {
            Recalled::Intent(intent) => sent_before.begun(intent),
            Recalled::Record(record) => {
                if let (Some(key), Some(upload)) = (self.key(record), &record.upload) {
                    sent_before.settled(key, &upload.batch);
                }
                Ok(())
            }
        }
    }

    fn admit(&self, record: &Record) -> Admission<UploadRow> {
        match (&record.patient, self.line(record)) {
            (Some(patient), Some(line)) => Admission::Work(UploadRow {
                key: row_key(&patient.national_id, &line),
                national_id: patient.national_id,
                line,
            }),
            _ => Admission::NotReady,
        }
    }

    async fn advance(&self, batch: Batch<UploadRow>) -> BatchResult<Upload> {
        let all = |rows: usize, name: &str, state| {
            (0..rows).map(|_| Ok(self.done(name, state))).collect()
        };
        match &self.destination {
            Destination::Nowhere => Ok(all(
                batch.work.len(),
                &format!("batch-{:04}.csv", batch.number),
                UploadState::Checked,
            )),
            Destination::Folder(folder) => {
                let name = self.new_name();
                let rows = batch.work.len();
                let lines = batch.work.into_iter().map(|row| row.line);
                let file: Vec<u8> = [self.profile.header_line()]
                    .into_iter()
                    .chain(lines)
                    .flatten()
                    .collect();
                AtomicFile::write(&folder.join(&name), &file)?;
                Ok(all(rows, &name, UploadState::Prepared))
            }
            Destination::Pkb(sender) => self.send(sender, batch).await,
        }
    }

    fn apply(&self, record: &mut Record, upload: Upload) {
        record.upload = Some(upload);
    }
}

/// The patient and all that is uploaded of them: a row that was corrected is uploaded again.
fn row_key(id: &NationalId, line: &[u8]) -> Key {
    Key::of(&[&id.key_bytes(), line])
}
