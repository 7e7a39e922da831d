//! What can be asked of the report.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use pkb_cli::args::{ClockArgs, InputArgs, ONCE, parse_duration};

use crate::figures::areas::FEWEST_SHOWN;

/// Writing the report.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Record stream of any stage
    #[command(flatten)]
    positional: InputArgs,

    /// The same as FILE
    #[arg(long = "in", value_name = "FILE", conflicts_with = "input", help_heading = ONCE)]
    named: Option<PathBuf>,

    /// Write the page to FILE (complete or absent, mode 0600)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Also write every table as CSV into DIR, and all row numbers as rows.csv
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,

    /// Also write the figures to FILE, as JSON (pkb-report/1)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Say what has changed since an earlier report, by its --json FILE; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub earlier: Vec<PathBuf>,

    /// A patient who has not registered is due a reminder so long after the letter's date
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "28d")]
    pub reminder_after: Duration,

    /// Put post code areas with fewer patients than this together: few patients can be told who they are
    #[arg(long, value_name = "N", default_value_t = FEWEST_SHOWN, value_parser = clap::value_parser!(u64).range(2..))]
    pub fewest_shown: u64,

    /// The stream is a part on purpose (split, filtered): do not insist on every row
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

impl ReportArgs {
    /// Where the records come from.
    #[must_use]
    pub fn input(&self) -> InputArgs {
        let input = self.named.as_ref().or(self.positional.input.as_ref());
        InputArgs {
            input: input.cloned(),
        }
    }
}
