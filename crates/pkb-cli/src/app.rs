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
    settings::{self, Instead},
};
use pkb_core::{
    ExitCode, Fatal, Stage, StageName,
    output::Target,
    pipeline::{self, Source},
    rehearsal,
    stage::Written,
    summary::{Ended, Summary},
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
    let args = match settings::arguments(program, std::env::args_os().collect()) {
        Ok(args) => args,
        Err(instead) => return do_instead(program, instead).into(),
    };
    logging::start(program);
    panics::tell_of_them(program);
    match until_signal::run(move || work(args)) {
        Ok(code) => code.into(),
        Err(fatal) => {
            tell(format!("{program}: {fatal}"));
            if let Fatal::Interrupted(_) = fatal {
                tell("next: no file is half written. To go on, run the same command again");
            }
            fatal.exit_code().into()
        }
    }
}

/// What is done instead of the program's work.
fn do_instead(program: &str, instead: Instead) -> ExitCode {
    let stopped = match instead {
        Instead::Clap(error, notes) => {
            if error.use_stderr() {
                // Of what was typed, or stands in a settings file, it may say anything.
                tell(error.render());
                notes.into_iter().for_each(tell);
                return ExitCode::Usage;
            }
            // Help and version are asked for.
            let cannot_write = |source| Fatal::io("cannot write to standard output", source);
            match stdout().and_then(|_| error.print().map_err(cannot_write)) {
                Ok(()) => return ExitCode::Done,
                Err(fatal) => fatal,
            }
        }
        Instead::Print(text) => match write_out(&text) {
            Ok(()) => return ExitCode::Done,
            Err(fatal) => fatal,
        },
        Instead::Stop(fatal) => fatal,
    };
    tell(format!("{program}: {stopped}"));
    stopped.exit_code()
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

/// Runs a stage over its input, and tells how it went: summary, what stopped it, what to do next.
///
/// # Errors
/// The summary cannot be written. What stopped the stage is told here, and is in the exit code.
pub async fn run_stage<S: Stage>(
    stage: S,
    source: Source,
    output: Target,
    in_flight: usize,
    args: &StreamArgs,
) -> Result<ExitCode, Fatal> {
    let program = S::NAME.program();
    say_rehearsal(S::NAME, &args.progress);
    if args.clock.is_fixed() {
        tell(format!(
            "{program}: note: the time is fixed (PKB_FIXED_TIME): not for a real campaign"
        ));
    }
    if let Some(path) = args.journal.as_deref().filter(|_| !args.one_machine) {
        storage::check(path)?;
    }
    if let Some(journal) = &args.journal {
        exposure::warn_of_file(journal);
    }
    if matches!(output, Target::Stream(_)) {
        exposure::warn_of_stdout();
    }
    if let Target::Stream(_) = output
        && args.output.is_none()
    {
        stdout()?;
    }
    if let (Some(journal), Some(output)) = (&args.journal, &args.output)
        && is_same(journal, output)
    {
        return Err(Fatal::Usage(format!(
            "{}: a file cannot be both --journal and --output: give two names",
            output.display()
        )));
    }
    // Begun now, so that a place that cannot be written shows before the work and not after it.
    let summary_file = args
        .summary
        .as_deref()
        .map(|path| {
            AtomicFile::create_instead(path, "a summary", &["{\n  \"schema\": \"pkb-summary/"])
        })
        .transpose()?;
    let start = Instant::now();
    let (stage, monitor) = (Arc::new(stage), &args.progress.monitor);

    let task = task(S::NAME, &output);
    let progress = Progress::start(&args.progress, task);
    let report = pipeline::run(
        Arc::clone(&stage),
        source,
        output,
        args.journal.as_deref(),
        args.limits(in_flight),
        Arc::clone(monitor),
    )
    .await;
    drop(progress);
    let code = match &report.fatal {
        Some(fatal) => fatal.exit_code(),
        None => stage.exit_code(report.tally.exit_code(S::NAME)),
    };
    let records = Written(args.output.as_deref());
    let summary = Summary::of(
        S::NAME,
        Ended {
            tally: &report.tally,
            files: report.files,
            snapshot: monitor.snapshot(Instant::now()),
            elapsed: start.elapsed(),
            code,
            fatal: report.fatal.as_ref(),
            journal: args.journal.as_deref(),
            rehearsal: monitor.origins().is_rehearsal(),
            next_step: stage.next_step(records),
        },
    );
    if code != ExitCode::Done || !args.progress.quiet {
        tell(&summary);
        if let Some(fatal) = &report.fatal {
            tell(format!("{program}: {fatal}"));
        } else if code == ExitCode::SomeRowsRejected
            && let Some(nobody) = report.tally.nobody_advanced(S::NAME)
            && (task.is_last || nobody.is_by_the_stage())
        {
            tell(format!("{program}: {nobody}"));
        }
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
            io::Error::other("it is closed (records go to a file with --output FILE)"),
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
