//! What can be asked of `pkb returns`.

use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use jiff::civil::Date;
use pkb_cli::args::{ClockArgs, ThroughArgs};
use pkb_core::record::PrintStatus;

/// `pkb returns`.
#[derive(Debug, Args)]
pub struct ReturnsArgs {
    /// Status files, lists of returned letters, or scans
    ///
    /// A scan has references or numbers of letters, one a line.
    #[arg(value_name = "REPORT", required = true)]
    pub reports: Vec<PathBuf>,

    /// Layout of the reports: default, dvla, notify, or a file
    #[arg(long, value_name = "PROFILE", default_value = "default")]
    pub profile: String,

    /// What happened to the letters of a list that does not say
    #[arg(long = "as", value_name = "STATUS", default_value = "returned", value_parser = status())]
    pub bare_status: PrintStatus,

    /// Day of a list that does not say [default: today]
    #[arg(long = "on", value_name = "DATE")]
    pub bare_day: Option<Date>,

    /// Manifest of the letters (manifest.json), to compare totals
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,

    /// The stream.
    #[command(flatten)]
    pub through: ThroughArgs,

    /// Write to FILE the letters that need somebody's attention
    ///
    /// Returned, not produced, dispatched twice, or not dispatched.
    #[arg(long, value_name = "FILE")]
    pub findings: Option<PathBuf>,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

fn status() -> impl clap::builder::TypedValueParser<Value = PrintStatus> {
    PossibleValuesParser::new(PrintStatus::ALL.map(PrintStatus::as_str))
        .try_map(|text| PrintStatus::parse(&text).ok_or("is not in the list"))
}
