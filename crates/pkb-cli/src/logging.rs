//! Log lines on standard error. They hold row numbers, never values; libraries that might print
//! values (URLs with numbers, bodies with codes) are capped, whatever `RUST_LOG` asks for.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::progress::Stderr;

/// Starts logging: our own crates as `RUST_LOG` says (default `warn`), everything else at most at
/// `warn`. Lines begin with the name of the program, since several share a terminal in a pipeline.
pub fn start(program: &str) {
    let wanted = EnvFilter::builder()
        .with_default_directive(tracing::Level::WARN.into())
        .from_env_lossy();
    let capped = filter::filter_fn(|metadata| {
        metadata.target().starts_with("pkb_") || *metadata.level() <= tracing::Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Stderr)
        .event_format(ProgramLine(program.to_owned()))
        .with_filter(wanted)
        .with_filter(capped);
    // A second call (tests) changes nothing.
    let _ = tracing_subscriber::registry().with(lines).try_init();
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
        write!(out, "{}: ", self.0)?;
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
