//! Log lines on standard error. They hold row numbers, never values; libraries that might print
//! values (URLs with numbers, bodies with codes) are capped, whatever `RUST_LOG` asks for.

mod same_rows;

use std::{fmt, sync::OnceLock};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::progress::{Stderr, tell};

/// Starts logging: our own crates as often as `-v` was given, or as `RUST_LOG` says (default `warn`), everything else at most at
/// `warn`. Lines begin with the name of the program, since several share a terminal in a pipeline.
pub fn start(program: &str, verbose: u8) {
    let more = match verbose {
        0 => None,
        1 => Some(Level::INFO),
        2 => Some(Level::DEBUG),
        _ => Some(Level::TRACE),
    };
    let wanted = match more {
        Some(level) => EnvFilter::default().add_directive(level.into()),
        None => EnvFilter::builder()
            .with_default_directive(Level::WARN.into())
            .from_env_lossy(),
    };
    let capped = filter::filter_fn(|metadata| {
        metadata.target().starts_with("pkb_") || *metadata.level() <= Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Stderr)
        .event_format(ProgramLine(program.to_owned()))
        .with_filter(wanted)
        .with_filter(capped);
    // A second call (tests) changes nothing.
    let _ = PROGRAM.set(program.to_owned());
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// The name that lines begin with.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Writes what was kept back, because it was said of many rows: at the end of a run.
pub fn finish() {
    let program = PROGRAM.get().map_or("pkb", String::as_str);
    for line in same_rows::take() {
        tell(format!("{program}: {line}"));
    }
}

/// `pkb-resolve: row 17: …`
struct ProgramLine(String);

impl<S, N> FormatEvent<S, N> for ProgramLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        context
            .field_format()
            .format_fields(Writer::new(&mut line), event)?;
        match same_rows::is_for_now(&line) {
            true => writeln!(out, "{}: {line}", self.0),
            false => Ok(()),
        }
    }
}
