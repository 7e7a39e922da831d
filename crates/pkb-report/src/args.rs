//! What can be asked of the report.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use pkb_cli::args::{ClockArgs, InputArgs, ONCE, days, pence};
use pkb_values::Money;

use crate::figures::areas::FEWEST_SHOWN;

/// Writing the report.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Records of any stage
    #[command(flatten)]
    positional: InputArgs,

    /// The same as FILE
    #[arg(long = "in", value_name = "FILE", conflicts_with = "input", help_heading = ONCE)]
    named: Option<PathBuf>,

    /// Title of the page, such as "Northtown Health Board: spring 2026"
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// Price of a letter in pence, with paper and postage
    ///
    /// The page then says what the letters cost.
    #[arg(long, value_name = "PENCE", value_parser = pence)]
    pub letter_price: Option<Money>,

    /// Price of a text message in pence
    ///
    /// The page then says what the text messages cost.
    #[arg(long, value_name = "PENCE", value_parser = pence)]
    pub text_price: Option<Money>,

    /// Write the page to FILE (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Also write every table as CSV into DIR, and rows.csv
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,

    /// Also write the figures to FILE as JSON (pkb-report/1)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Earlier report, to say what has changed: its --json FILE
    ///
    /// Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub earlier: Vec<PathBuf>,

    /// When a patient who has not registered is due a reminder
    ///
    /// Counted from the date of the letter.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "28d")]
    pub reminder_after: Duration,

    /// When news of a letter from the mail company is overdue
    ///
    /// Counted from the date of the letter.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "7d")]
    pub no_word_after: Duration,

    /// Group postcode areas that have fewer patients than this
    ///
    /// So that nobody can be identified.
    #[arg(long, value_name = "N", default_value_t = FEWEST_SHOWN, value_parser = clap::value_parser!(u64).range(2..))]
    pub fewest_shown: u64,

    /// Accept part of a stream, such as one shard
    ///
    /// A pipe cannot tell the end of a stream from a stage that has failed. So without this option every row of the
    /// patient file must arrive.
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
