//! What every program of the house does around its work: arguments, logging, runtime, summary,
//! exit code.

mod panics;
mod until_signal;

use std::{
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::Instant,
};

use clap::Parser;

use crate::{
    args::{ProgressArgs, StreamArgs},
    logging,
    progress::{Progress, Task, is_pipe, tell},
    settings::{self, EarlyExit, Settled},
};
use pkb_core::{
    ExitCode, Fatal, Stage, StageName,
    output::Target,
    pipeline::{self, Source},
    rehearsal,
    stage::NextStep,
    summary::{Ended, Summary},
    tally::Tally,
};
use pkb_files::{
    atomic_file::AtomicFile, exposure, journal::storage, process_limits, shown::shown,
};

/// Parses the arguments, runs `work`, and turns how it ended into an exit code. A panic becomes
/// exit code 1, and its message (which may hold a value) is not shown.
pub fn main<A, F>(
    program: &str,
    work: impl FnOnce(A) -> F + Send + 'static,
) -> std::process::ExitCode
where
    A: Parser + Send + 'static,
    F: Future<Output = Result<ExitCode, Fatal>>,
{
    process_limits::leave_no_core_file();
    let settled = settings::arguments(program, std::env::args_os().collect());
    let Settled { args, verbose } = match settled {
        Ok(settled) => settled,
        Err(early_exit) => return exit_early(program, early_exit).into(),
    };
    logging::start(program, verbose);
    panics::tell_of_them(program);
    let ended = until_signal::run(move || work(args));
    logging::finish();
    match ended {
        Ok(code) => code.into(),
        Err(fatal) => {
            tell(stopped(program, &fatal));
            if let Fatal::Interrupted(_) = fatal {
                tell("next: no file is half written. To continue, run the same command again");
            }
            fatal.exit_code().into()
        }
    }
}

/// What is done instead of the program's work.
fn exit_early(program: &str, early_exit: EarlyExit) -> ExitCode {
    let fatal = match early_exit {
        EarlyExit::Help(text) => {
            tell(text);
            return ExitCode::Usage;
        }
        EarlyExit::Usage(text) => {
            // Of what was typed, or is in a settings file, it may say anything.
            tell(format!("{program}: {text}"));
            return ExitCode::Usage;
        }
        EarlyExit::Clap(error) => {
            if error.use_stderr() {
                tell(error.render());
                return ExitCode::Usage;
            }
            // Help and version are asked for.
            let cannot_write = |source| Fatal::io("cannot write to standard output", source);
            match stdout().and_then(|_| error.print().map_err(cannot_write)) {
                Ok(()) => return ExitCode::Done,
                Err(fatal) => fatal,
            }
        }
        EarlyExit::Print(text) => match write_out(&text) {
            Ok(()) => return ExitCode::Done,
            Err(fatal) => fatal,
        },
        EarlyExit::Stop(fatal) => fatal,
    };
    tell(stopped(program, &fatal));
    fatal.exit_code()
}

/// What stopped a program, with the exit code by which the guide explains what to do.
fn stopped(program: &str, fatal: &Fatal) -> String {
    let code = fatal.exit_code().code();
    match fatal {
        Fatal::Interrupted(_) => format!("{program}: {fatal} (exit code {code})"),
        _ => format!("{program}: stopped (exit code {code}): {fatal}"),
    }
}

/// Writes a text for people that was asked for to standard output. What of it would steer a terminal is escaped.
///
/// # Errors
/// It cannot be written.
pub fn print(text: &str) -> Result<(), Fatal> {
    write_out(&shown(text))
}

fn write_out(text: &str) -> Result<(), Fatal> {
    let mut stdout = stdout()?;
    (stdout.write_all(text.as_bytes()))
        .and_then(|()| stdout.flush())
        .map_err(|source| Fatal::io("cannot write to standard output", source))
}

/// A stage with what it works on.
pub struct StageRun<S> {
    /// The stage.
    pub stage: S,
    /// Where its records come from.
    pub source: Source,
    /// Where they go.
    pub output: Target,
    /// Batches that are worked on at the same time.
    pub in_flight: usize,
    /// What the operator does next.
    pub next_step: Option<NextStep>,
}

/// Runs a stage over its input, and tells how it went: summary, what stopped it, what to do next.
///
/// # Errors
/// The summary cannot be written. What stopped the stage is told here, and is in the exit code.
pub async fn run_stage<S: Stage>(run: StageRun<S>, args: &StreamArgs) -> Result<ExitCode, Fatal> {
    let StageRun {
        stage,
        source,
        output,
        in_flight,
        next_step,
    } = run;
    let name = stage.plan().stage;
    let program = name.program();
    say_rehearsal(name, &args.progress);
    if args.clock.is_fixed() {
        tell(format!(
            "{program}: note: the time is fixed (PKB_FIXED_TIME). This is not for a real campaign"
        ));
    }
    check_files(args, &output)?;
    // Begun now, so that a place that cannot be written shows before the work and not after it.
    let summary_file = args.summary.as_deref().map(|path| {
        AtomicFile::create_instead(path, "a summary", &["{\n  \"schema\": \"pkb-summary/"])
    });
    let summary_file = summary_file.transpose()?;
    let start = Instant::now();
    let monitor = &args.progress.monitor;

    let task = task(name, &output);
    let progress = Progress::start(&args.progress, task);
    let report = pipeline::run(
        Arc::new(stage),
        source,
        output,
        args.journal.as_deref(),
        args.limits(in_flight),
        Arc::clone(monitor),
    )
    .await;
    drop(progress);
    logging::finish();
    let code = report.code;
    let summary = Summary::of(
        name,
        Ended {
            tally: &report.tally,
            files: report.files,
            snapshot: monitor.snapshot(Instant::now()),
            elapsed: start.elapsed(),
            code,
            fatal: report.fatal.as_ref(),
            journal: args.journal.as_deref(),
            rehearsal: monitor.origins().is_rehearsal(),
            next_step,
        },
    );
    if code != ExitCode::Done || !args.progress.quiet {
        tell(&summary);
        tell_how_it_ended(
            name,
            report.fatal.as_ref(),
            &report.tally,
            code,
            task.is_last,
        );
        // In a pipeline the last stage speaks for all.
        if task.is_last {
            tell(summary.next());
        }
        if let Some(words) = monitor.origins().words() {
            tell(format!("{program}: {words}"));
        }
    }
    if let Some(mut file) = summary_file {
        let json = serde_json::to_vec_pretty(&summary)
            .map_err(|_| Fatal::Bug("the summary cannot be written".into()))?;
        file.write_all(&json)
            .map_err(|source| Fatal::io("cannot write the summary", source))?;
        file.finish()?;
    }
    Ok(code)
}

/// Checks where records and journal go, and warns of files that others can read.
///
/// # Errors
/// The journal cannot be locked where it is, or is the output as well; or there is no standard output.
fn check_files(args: &StreamArgs, output: &Target) -> Result<(), Fatal> {
    if let Some(path) = args.journal.as_deref().filter(|_| !args.one_machine) {
        storage::check(path)?;
    }
    if let Some(journal) = &args.journal {
        exposure::warn_of_file(journal);
    }
    if matches!(output, Target::Stream(_)) {
        exposure::warn_of_stdout();
        if args.output.is_none() {
            stdout()?;
        }
    }
    if let (Some(journal), Some(output)) = (&args.journal, &args.output)
        && is_same(journal, output)
    {
        return Err(Fatal::Usage(format!(
            "{} is named for both --journal and --output. Give two different names",
            output.display()
        )));
    }
    Ok(())
}

/// Says what stopped a stage, or that it could advance nobody.
fn tell_how_it_ended(
    stage: StageName,
    fatal: Option<&Fatal>,
    tally: &Tally,
    code: ExitCode,
    is_last: bool,
) {
    let program = stage.program();
    if let Some(fatal) = fatal {
        tell(stopped(program, fatal));
    } else if code == ExitCode::SomeRowsRejected
        && let Some(nobody) = tally.nobody_advanced(stage)
        && (is_last || nobody.is_by_the_stage())
    {
        tell(format!(
            "{program}: stopped (exit code {}): {nobody}",
            code.code()
        ));
    }
}

/// Shows progress of `work` that is no stage, or not yet.
pub async fn with_progress<T>(args: &ProgressArgs, task: Task, work: impl Future<Output = T>) -> T {
    let _progress = Progress::start(args, task);
    work.await
}

/// Standard output, unless the program was started without one, as by `>&-`. What is written then is lost without an error: Rust opens
/// the null device in its place, for reading and writing.
///
/// # Errors
/// There is no standard output.
pub fn stdout() -> Result<io::Stdout, Fatal> {
    use std::os::unix::fs::MetadataExt as _;
    let stdout = io::stdout();
    let is_null = || {
        let null = std::fs::metadata("/dev/null").ok()?.rdev();
        Some(rustix::fs::fstat(&stdout).ok()?.st_rdev == null)
    };
    let is_both_ways = || {
        let flags = rustix::fs::fcntl_getfl(&stdout);
        flags.is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR))
    };
    match is_null() == Some(true) && is_both_ways() {
        true => Err(Fatal::io(
            "cannot write to standard output",
            io::Error::other("it is closed. To write the records to a file: --output FILE"),
        )),
        false => Ok(stdout),
    }
}

/// Whether two names are those of one file.
fn is_same(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other
        || match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}

/// Says that a run is a rehearsal, once, if that is known: for a stage that has something to say before it is run.
pub fn say_rehearsal(stage: StageName, args: &ProgressArgs) {
    let words = || args.monitor.origins().first_words();
    if !args.quiet
        && let Some(words) = words()
    {
        tell(format!("{}: {words}", stage.program()));
    }
}

/// Reads a stream until a record tells whether the run is a rehearsal, for a stage that has to know before it does anything.
/// The stream that is left is whole.
///
/// # Errors
/// It cannot be read, or the record tells the opposite of what is known.
pub async fn look_ahead(
    args: &StreamArgs,
    stage: StageName,
    input: Box<dyn io::Read + Send>,
) -> Result<Box<dyn io::Read + Send>, Fatal> {
    let monitor = Arc::clone(&args.progress.monitor);
    let task = Task {
        program: stage.program(),
        unit: "rows",
        is_last: !is_pipe(io::stdout()) || args.output.is_some(),
        results_on_screen: false,
    };
    monitor.no_input(Some(Instant::now()));
    let look = async { rehearsal::look_ahead(input, monitor.origins()) };
    let input = with_progress(&args.progress, task, look).await;
    monitor.no_input(None);
    input
}

/// A stage as it is shown.
pub fn task(stage: StageName, output: &Target) -> Task {
    let streams = matches!(output, Target::Stream(_));
    Task {
        program: stage.program(),
        unit: "rows",
        is_last: !(streams && is_pipe(io::stdout())),
        results_on_screen: streams && io::stdout().is_terminal(),
    }
}
