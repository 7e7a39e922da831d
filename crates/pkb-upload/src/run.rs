//! From the arguments to the work.

use std::sync::{Arc, atomic::AtomicBool};

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    progress::tell,
};
use pkb_client::Client;
use pkb_core::{Clock, ExitCode, Fatal, StageName, pipeline::Source, rows::listed};
use tokio::sync::OnceCell;

use crate::{
    args::{Args, Command, UploadArgs},
    batch_folder::BatchFolder,
    check,
    comparison::{BeforeUpload, Comparison, Hasher},
    limit::Limit,
    pkb_directory::PkbDirectory,
    pkb_file::{LineOptions, PkbFile, Profile, even_batch_rows},
    sender::Sender,
    sent_before::SentBefore,
    settling::LostUploads,
    upload_stage::{Destination, UploadStage},
};
use pkb_patients::{FileReport, PatientFile};

/// Runs the program from the arguments.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Some(Command::Check(args)) => check::check(&args).await,
        Some(Command::Columns(args)) => check::columns(&args),
        Some(Command::Profile) => {
            app::print(Profile::built_in_text())?;
            Ok(ExitCode::Done)
        }
        None => upload(args.upload).await,
    }
}

async fn upload(mut args: UploadArgs) -> Result<ExitCode, Fatal> {
    if !args.dry_run {
        args.stream = args.stream.with_usual_journal(args.batches.as_deref());
    }
    let clock = args.stream.clock();
    // Settings first: a mistake there shows at once, a large file takes its time.
    let pkb = client(&args)?;
    app::say_rehearsal(StageName::Upload, &args.stream.progress);
    let folder = args.batches.as_deref().map(BatchFolder::open).transpose()?;
    let directory = (pkb.as_ref()).map(|pkb| PkbDirectory::new(&args.compare, pkb));
    let directory = directory.transpose()?;
    let comparison = comparison(&args, pkb.as_ref(), clock)?;
    let pkb_file = pkb_file(&args, clock)?;
    let file = Arc::new(PatientFile::open(&args.file.options()?, clock.today())?);
    if !args.stream.progress.quiet || file.survey.rejected + file.survey.excluded > 0 {
        tell(FileReport(&file));
    }
    refuse_a_bad_file(&file, args.max_rejects)?;
    let monitor = &args.stream.progress.monitor;
    if args.no_compare {
        let note = "not compared with PKB (--no-compare): dates of birth at PKB are overwritten, even if they differ";
        tell(format!("pkb-upload: warning: {note}"));
        monitor.note(note.to_owned());
    }
    let destination = match (folder, pkb.zip(directory)) {
        (Some(folder), _) => Destination::Folder(Mutex::new(folder)),
        (None, None) => Destination::Nowhere,
        (None, Some((pkb, directory))) => {
            Destination::Pkb(Box::new(sender(&args, pkb, directory, &file, clock)))
        }
    };
    if matches!(destination, Destination::Pkb(_)) && args.stream.journal.is_none() {
        let note = "there is no journal: running the same command again sends all rows again. Better: add --journal upload.journal";
        tell(format!("pkb-upload: note: {note}"));
    }
    let stage = UploadStage {
        destination,
        before_upload: comparison.map(|comparison| {
            BeforeUpload::new(comparison, Arc::clone(&file), args.known, monitor)
        }),
        known: args.known,
        pkb_file,
        batch_rows: even_batch_rows(file.survey.good, args.batch_rows),
        sent_before: Mutex::new(SentBefore::new(args.campaign.clone())),
        settings_noted: AtomicBool::new(false),
        clock,
    };
    let records = file.records()?;
    let target = args.stream.target()?;
    if let Some(time) = args.send_after {
        let progress = &args.stream.progress;
        let moment = time.wait(clock, &progress.monitor);
        app::with_progress(progress, app::task(StageName::Upload, &target), moment).await;
    }
    // PKB wants one file at a time, the next after the last has been processed.
    let run = StageRun {
        next_step: Some(stage.next_step(args.stream.written())),
        stage,
        source: Source::Records(Box::new(records)),
        output: target,
        in_flight: 1,
    };
    app::run_stage(run, &args.stream).await
}

/// The client of PKB, if this run calls PKB at all: one for all its calls, so that they share an access token and the rate.
fn client(args: &UploadArgs) -> Result<Option<Arc<Client>>, Fatal> {
    if args.dry_run || (args.batches.is_some() && args.no_compare) {
        return Ok(None);
    }
    let missing = args.compare.pkb.missing();
    if args.batches.is_some() && !missing.is_empty() {
        let are = if missing.len() == 1 { "is" } else { "are" };
        return Err(Fatal::Usage(format!(
            "{} {are} not set. Before batches are written, PKB is asked whether its dates of birth differ, because an \
             upload overwrites them. Set what is missing, or write the batches without this comparison: --no-compare",
            listed(&missing)
        )));
    }
    let pkb = args.compare.pkb.client(&args.stream.progress.monitor)?;
    Ok(Some(Arc::new(pkb)))
}

fn sender(
    args: &UploadArgs,
    pkb: Arc<Client>,
    directory: PkbDirectory,
    file: &Arc<PatientFile>,
    clock: Clock,
) -> Sender {
    Sender {
        pkb,
        upload_path: args.upload_path.clone(),
        resend: args.resend,
        wait_processed: args.wait_processed,
        settling: LostUploads {
            directory,
            file: Arc::clone(file),
            settle_for: args.settle_for,
            clock,
            monitor: Arc::clone(&args.stream.progress.monitor),
            hasher: Hasher::default(),
        },
        earlier: OnceCell::new(),
        clock,
    }
}

/// The comparison with PKB, unless nothing is uploaded or nobody wants it.
fn comparison(
    args: &UploadArgs,
    pkb: Option<&Arc<Client>>,
    clock: Clock,
) -> Result<Option<Comparison>, Fatal> {
    let pkb = pkb.filter(|_| !args.no_compare);
    let monitor = &args.stream.progress.monitor;
    pkb.map(|pkb| Comparison::new(&args.compare, Arc::clone(pkb), clock, monitor))
        .transpose()
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
fn refuse_a_bad_file(file: &PatientFile, limit: Option<Limit>) -> Result<(), Fatal> {
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
