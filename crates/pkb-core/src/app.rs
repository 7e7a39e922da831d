//! What every program of the house does around its work: arguments, logging, runtime, summary,
//! exit code.

use std::{
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use clap::Parser;

use crate::{
    ExitCode, Fatal, Stage,
    args::StreamArgs,
    atomic_file::AtomicFile,
    journal::storage,
    logging,
    output::Target,
    pipeline,
    pipeline::Source,
    progress::{Progress, tell},
};

/// Parses the arguments, runs `work`, and turns how it ended into an exit code. A panic becomes
/// exit code 1, and its message (which may hold a value) is not shown.
pub fn main<A, F>(program: &str, work: impl FnOnce(A) -> F) -> std::process::ExitCode
where
    A: Parser,
    F: Future<Output = Result<ExitCode, Fatal>>,
{
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are asked for (0); the rest is a usage error (2).
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            };
            let _ = error.print();
            return code.into();
        }
    };
    logging::start(program);
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        tell(format!("bug{place}: please report this line"));
    }));
    let result = catch_unwind(AssertUnwindSafe(|| run(work(args))))
        .unwrap_or_else(|_| Err(Fatal::Bug("the program broke off".into())));
    match result {
        Ok(code) => code.into(),
        Err(fatal) => {
            tell(format!("{program}: {fatal}"));
            fatal.exit_code().into()
        }
    }
}

/// Writes a text that was asked for to standard output.
///
/// # Errors
/// It cannot be written.
pub fn print(text: &str) -> Result<(), Fatal> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|source| Fatal::io("cannot write to standard output", source))
}

fn run<F: Future<Output = Result<ExitCode, Fatal>>>(work: F) -> Result<ExitCode, Fatal> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Fatal::io("cannot start", source))?
        .block_on(work)
}

/// Runs a stage over its input and writes the summary.
///
/// # Errors
/// What stopped the stage; the summary has been written then, too.
pub async fn run_stage<S: Stage>(
    stage: S,
    source: Source,
    output: Target,
    in_flight: usize,
    args: &StreamArgs,
) -> Result<ExitCode, Fatal> {
    if args.clock.is_fixed() {
        tell(format!(
            "{}: note: the time is fixed (PKB_FIXED_TIME): not for a real campaign",
            S::NAME.program()
        ));
    }
    if let Some(path) = args.journal.as_deref().filter(|_| !args.one_machine) {
        storage::check(path)?;
    }
    let start = Instant::now();
    let records_on_screen = matches!(output, Target::Stream(_)) && io::stdout().is_terminal();
    let progress = Progress::start(args.progress, records_on_screen);
    let report = pipeline::run(
        Arc::new(stage),
        source,
        output,
        args.journal.as_deref(),
        args.limits(in_flight),
        progress,
    )
    .await;
    let summary = report.tally.summary(S::NAME, start.elapsed());
    tell(&summary);
    if let Some(path) = &args.summary {
        let json = serde_json::to_vec_pretty(&summary)
            .map_err(|_| Fatal::Bug("the summary cannot be written".into()))?;
        AtomicFile::write(path, &json)?;
    }
    report
        .fatal
        .map_or_else(|| Ok(report.tally.exit_code()), Err)
}
