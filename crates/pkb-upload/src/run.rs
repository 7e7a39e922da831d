//! From the arguments to the work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use parking_lot::Mutex;
use pkb_cli::{
    app::{self, StageRun},
    progress::tell,
};
use pkb_client::{Client, messaging::MOST_AT_A_TIME};
use pkb_core::{
    Clock, ExitCode, Fatal, Stage, StageName, pipeline::Source, rows::listed, stage::NextStep,
};
use tokio::sync::OnceCell;

use crate::{
    args::{Args, Command, UploadArgs, Via},
    batch_folder::BatchFolder,
    check,
    comparison::{BeforeUpload, Comparison, Hasher},
    limit::Limit,
    message_form::MessageForm,
    message_stage::MessageStage,
    pkb_directory::PkbDirectory,
    pkb_file::{LineOptions, PkbFile, Profile, even_batch_rows},
    refusal_watch::RefusalWatch,
    request_shown,
    sender::Sender,
    sent_before::SentBefore,
    settling::LostUploads,
    traced_file,
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

/// In which form the rows are sent.
enum Form {
    File(PkbFile),
    Messages(MessageForm),
}

async fn upload(mut args: UploadArgs) -> Result<ExitCode, Fatal> {
    let via = args.via()?;
    check_options(&args, via)?;
    if !args.dry_run {
        args.stream = args.stream.with_usual_journal(args.batches.as_deref());
    }
    let clock = args.stream.clock();
    // Settings first: a mistake there shows at once, a large file takes its time.
    let pkb = client(&args, via)?;
    app::say_rehearsal(StageName::Upload, &args.stream.progress);
    let folder = args.batches.as_deref().map(BatchFolder::open).transpose()?;
    let to_settle = pkb.as_ref().filter(|_| via == Via::Csv);
    let directory = to_settle.map(|pkb| PkbDirectory::new(&args.compare, pkb));
    let directory = directory.transpose()?;
    let comparison = comparison(&args, pkb.as_ref(), clock)?;
    let form = form(&args, via, clock)?;
    let file = PatientFile::open(&args.file.options()?, clock.today())?;
    let file = Arc::new(traced_file::traced(file, &args)?);
    if let (Some(row), Form::Messages(form)) = (args.show_request, &form) {
        app::print(&request_shown::of_row(row, &file, form)?)?;
        return Ok(ExitCode::Done);
    }
    if !args.stream.progress.quiet || file.survey.rejected + file.survey.excluded > 0 {
        tell(FileReport(&file));
    }
    refuse_a_bad_file(&file, args.max_rejects)?;
    let monitor = &args.stream.progress.monitor;
    say_what_is_missing(&args, via);
    let before_upload = comparison
        .map(|comparison| BeforeUpload::new(comparison, Arc::clone(&file), args.known, monitor));
    let pkb_file = match form {
        Form::File(pkb_file) => pkb_file,
        Form::Messages(form) => {
            let stage = message_stage(&args, pkb, before_upload, form, clock);
            let next_step = stage.next_step(args.stream.written());
            let at_a_time = args.compare.pkb.at_a_time();
            return run_stage(stage, next_step, at_a_time, &file, &args).await;
        }
    };
    let destination = match (folder, pkb.zip(directory)) {
        (Some(folder), _) => Destination::Folder(Mutex::new(folder)),
        (None, None) => Destination::Nowhere,
        (None, Some((pkb, directory))) => {
            Destination::Pkb(Box::new(sender(&args, pkb, directory, &file, clock)))
        }
    };
    let stage = UploadStage {
        destination,
        before_upload,
        known: args.known,
        pkb_file,
        batch_rows: even_batch_rows(file.survey.good, args.batch_rows),
        sent_before: Mutex::new(SentBefore::new(args.campaign.clone())),
        settings_noted: AtomicBool::new(false),
        clock,
    };
    let next_step = stage.next_step(args.stream.written());
    // PKB wants one file at a time, the next after the last has been processed.
    run_stage(stage, next_step, 1, &file, &args).await
}

/// Runs the stage over the rows of the file, when it is time.
async fn run_stage<S: Stage>(
    stage: S,
    next_step: NextStep,
    in_flight: usize,
    file: &Arc<PatientFile>,
    args: &UploadArgs,
) -> Result<ExitCode, Fatal> {
    let records = Arc::clone(file).records()?;
    let target = args.stream.target()?;
    if let Some(time) = args.send_after {
        let progress = &args.stream.progress;
        let moment = time.wait(args.stream.clock(), &progress.monitor);
        app::with_progress(progress, app::task(StageName::Upload, &target), moment).await;
    }
    let run = StageRun {
        next_step: Some(next_step),
        stage,
        source: Source::Records(Box::new(records)),
        output: target,
        in_flight,
    };
    app::run_stage(run, &args.stream).await
}

/// Options that are for one way of sending alone.
fn check_options(args: &UploadArgs, via: Via) -> Result<(), Fatal> {
    let at_a_time = args.compare.pkb.at_a_time();
    let pkb_file = &args.pkb_file;
    let wrong = match via {
        Via::Messaging if at_a_time > usize::from(MOST_AT_A_TIME) => format!(
            "--concurrency {at_a_time} is too much for --via messaging. PKB takes one message at a time, or up to \
             {MOST_AT_A_TIME} if PKB has agreed to that"
        ),
        Via::Messaging if pkb_file.profile.is_some() || pkb_file.pkb_template.is_some() => {
            "--profile and --pkb-template are for PKB's file, and --via messaging sends no file. Leave out both".to_owned()
        }
        Via::Csv | Via::Batches if args.show_request.is_some() => {
            "--show-request shows a message. Add --via messaging".to_owned()
        }
        Via::Csv | Via::Batches if !args.team_alias.is_empty() => {
            "PKB's file has no place for --team-alias. Add --via messaging, or leave out --team-alias".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Fatal::Usage(wrong))
}

/// Says what a run goes without.
fn say_what_is_missing(args: &UploadArgs, via: Via) {
    if args.no_compare {
        let note = "patients are not compared with PKB (--no-compare). Dates of birth at PKB are overwritten, even if \
            they differ";
        tell(format!("pkb-upload: warning: {note}"));
        args.stream.progress.monitor.note(note.to_owned());
    }
    if via != Via::Batches && !args.dry_run && args.stream.journal.is_none() {
        let note = "there is no journal, so the same command again sends all rows again. To continue instead: --journal upload.journal";
        tell(format!("pkb-upload: note: {note}"));
    }
}

/// The client of PKB, if this run calls PKB at all: one for all its calls, so that they share an access token and the rate.
fn client(args: &UploadArgs, via: Via) -> Result<Option<Arc<Client>>, Fatal> {
    if args.dry_run || args.show_request.is_some() || (args.batches.is_some() && args.no_compare) {
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
    if via == Via::Messaging && !pkb.has_messaging() {
        return Err(Fatal::Usage(
            "--via messaging needs PKB_MESSAGING_URL and PKB_ORG_ID (for a rehearsal: eval \"$(pkb-sandbox env)\")".into(),
        ));
    }
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

fn message_stage(
    args: &UploadArgs,
    pkb: Option<Arc<Client>>,
    before_upload: Option<BeforeUpload>,
    form: MessageForm,
    clock: Clock,
) -> MessageStage {
    MessageStage {
        pkb,
        before_upload,
        known: args.known,
        form,
        settings_noted: AtomicBool::new(false),
        refusals: RefusalWatch::default(),
        warnings: AtomicU64::new(0),
        sent: Mutex::default(),
        monitor: Arc::clone(&args.stream.progress.monitor),
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
    let progress = &args.stream.progress;
    pkb.map(|pkb| Comparison::new(&args.compare, Arc::clone(pkb), clock, progress))
        .transpose()
}

fn form(args: &UploadArgs, via: Via, clock: Clock) -> Result<Form, Fatal> {
    if via == Via::Messaging {
        return Ok(Form::Messages(MessageForm {
            columns: args.pkb_file.columns,
            emails: args.keep_email,
            team_aliases: args.team_alias.clone(),
            today: clock.today(),
        }));
    }
    let profile = Profile::read(args.pkb_file.profile.as_deref())?;
    if let Some(template) = &args.pkb_file.pkb_template {
        profile.check_template(template)?;
    }
    Ok(Form::File(PkbFile {
        profile,
        options: LineOptions {
            columns: args.pkb_file.columns,
            special_characters: args.pkb_file.special_characters,
            emails: args.keep_email,
            today: clock.today(),
        },
    }))
}

/// Stops before anything is sent if more rows are bad than the operator expects.
fn refuse_a_bad_file(file: &PatientFile, limit: Option<Limit>) -> Result<(), Fatal> {
    let survey = &file.survey;
    match limit {
        Some(limit) if limit.is_exceeded(survey.rejected, survey.rows) => {
            Err(Fatal::TooManyRejects(format!(
                "{} of {} rows are rejected, more than --max-rejects {limit}, so nothing was sent. What to do: correct the file, or raise the \
                 limit. To list the problems: pkb-upload check FILE --problems problems.csv",
                survey.rejected, survey.rows
            )))
        }
        _ => Ok(()),
    }
}
