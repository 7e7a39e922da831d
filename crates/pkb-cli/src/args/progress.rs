//! What a program shows of its work.

use std::{sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use pkb_core::monitor::Monitor;

use super::{
    headings::{RUN, STREAM},
    time::seconds,
};

/// When to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// By the last stage of a pipeline: a live line on a terminal, a line a minute elsewhere.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a program shows of its work, and where it notes it.
#[derive(Debug, Clone, Args)]
pub struct ProgressArgs {
    /// When to show progress
    ///
    /// On a terminal progress is one line that changes. In a log it is a line a minute.
    #[arg(
        long = "progress",
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = RUN
    )]
    pub when: When,

    /// Show errors and warnings only
    ///
    /// There is no progress, and no summary if all went well.
    #[arg(short = 'q', long, help_heading = STREAM)]
    pub quiet: bool,

    /// How often a log gets a line (for tests)
    #[arg(long = "progress-interval", hide = true, value_parser = seconds, default_value = "60s", value_name = "TIME")]
    pub interval: Duration,

    /// What happens, noted by all that work with these arguments.
    #[arg(skip)]
    pub monitor: Arc<Monitor>,
}

#[cfg(test)]
impl Default for ProgressArgs {
    fn default() -> Self {
        Self {
            when: When::Auto,
            quiet: false,
            interval: Duration::from_secs(60),
            monitor: Arc::default(),
        }
    }
}
