//! The stage.

use std::{collections::HashSet, path::PathBuf};

use pkb_core::{
    Admission, Batch, Clock, ExitCode, Fatal, Reason, Record, Stage, StageName, app,
    atomic_file::{self, AtomicFile},
    client::Client,
    pipeline::Source,
    record::{Unknown, Upload, UploadState},
    stage::BatchResult,
};

use crate::{args::Args, patient_file::PatientFile, pkb_file::Profile};

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
        None => Destination::Pkb {
            client: Box::new(args.pkb.client()?),
            path: args.upload_path.clone(),
        },
    };
    let stage = UploadStage {
        destination,
        profile: Profile::built_in()?,
        batch_rows: args.batch_rows as usize,
        keep_email: args.keep_email,
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
    Pkb { client: Box<Client>, path: String },
}

struct UploadStage {
    destination: Destination,
    profile: Profile,
    batch_rows: usize,
    keep_email: bool,
    clock: Clock,
}

impl UploadStage {
    fn done(&self, batch: &str, state: UploadState) -> Upload {
        Upload {
            batch: batch.to_owned(),
            state,
            at: self.clock.now(),
            unknown: Unknown::new(),
        }
    }
}

impl Stage for UploadStage {
    /// The patient's line of the "Add many patients" file.
    type Work = Vec<u8>;
    type Done = Upload;
    const NAME: StageName = StageName::Upload;

    fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    fn admit(&self, record: &Record) -> Admission<Vec<u8>> {
        match &record.patient {
            Some(patient) => Admission::Work(self.profile.patient_line(patient, self.keep_email)),
            None => Admission::NotReady,
        }
    }

    async fn advance(&self, batch: Batch<Vec<u8>>) -> BatchResult<Upload> {
        let name = format!("batch-{:04}.csv", batch.number);
        let rows = batch.work.len();
        let file = || {
            [self.profile.header_line()]
                .into_iter()
                .chain(batch.work)
                .flatten()
                .collect::<Vec<u8>>()
        };
        match &self.destination {
            Destination::Nowhere => Ok((0..rows)
                .map(|_| Ok(self.done(&name, UploadState::Checked)))
                .collect()),
            Destination::Folder(folder) => {
                AtomicFile::write(&folder.join(&name), &file())?;
                Ok((0..rows)
                    .map(|_| Ok(self.done(&name, UploadState::Prepared)))
                    .collect())
            }
            Destination::Pkb { client, path } => {
                let report = match client.upload(path, &name, file()).await {
                    Ok(report) => report,
                    Err(error) => {
                        let verdict = error.into_verdict()?;
                        return Ok((0..rows).map(|_| Err(verdict.clone())).collect());
                    }
                };
                tracing::info!(
                    "{name}: {} created, {} updated, {} refused",
                    report.created,
                    report.updated,
                    report.failed.len()
                );
                let refused: HashSet<u64> = report.failed.iter().map(|failed| failed.row).collect();
                // Line 1 of the batch is its header.
                Ok((2..)
                    .take(rows)
                    .map(|line| {
                        if refused.contains(&line) {
                            Err(Reason::RefusedByImport.into())
                        } else {
                            Ok(self.done(&name, UploadState::Sent))
                        }
                    })
                    .collect())
            }
        }
    }

    fn apply(&self, record: &mut Record, upload: Upload) {
        record.upload = Some(upload);
    }
}
