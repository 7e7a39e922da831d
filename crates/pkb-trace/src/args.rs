//! What can be asked of `pkb trace`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use pkb_cli::args::{ClockArgs, ONCE, ThroughArgs, days};
use pkb_core::clock::start_of_day;
use pkb_patients::args::PatientFileArgs;

use crate::traced::TraceFiles;

/// `pkb trace`.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Write a request about each patient of a patient file or of records
    ///
    /// The request has a reference for each patient that says nothing about the patient. The key of these references is written to
    /// request.csv.key. Keep it, because answers cannot be applied without it. You send the request yourself.
    #[command(
        after_help = "Examples:\n  pkb trace request patients.csv --out request.csv\n  pkb trace request delivered.ndjson --out request.csv --rows 50000"
    )]
    Request(Box<RequestArgs>),
    /// Write the register's answers into records
    ///
    /// Patients who have died, whose record is sensitive, or who were not found for certain are stopped, each with the reason. Patients
    /// without an answer are also stopped.
    #[command(
        after_help = "Examples:\n  pkb trace apply RESP_request.csv --key request.csv.key --in uploaded.ndjson --output traced.ndjson\n  pkb trace apply deaths.csv --profile deaths --in delivered.ndjson --output traced.ndjson"
    )]
    Apply(Box<ApplyArgs>),
}

/// `pkb trace request`.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// The patients, and how their file is read.
    #[command(flatten)]
    pub file: PatientFileArgs,

    /// Write the request to FILE, and the key to FILE.key (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Layout of the request: pds, pds-long, batch, or a file
    #[arg(long, value_name = "PROFILE", default_value = "pds")]
    pub profile: String,

    /// Patients in one file [default: all in one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rows: Option<u32>,

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

/// Which answers are applied.
#[derive(Debug, Clone, Args)]
pub struct AnswerArgs {
    /// Key of the request, which pkb trace request wrote beside it
    #[arg(long = "key", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Layout of the responses: pds, batch, deaths, or a file
    ///
    /// deaths is a plain list.
    #[arg(long, value_name = "PROFILE", default_value = "pds")]
    pub profile: String,

    /// Day on which the register answered
    ///
    /// Without this option it is the day on which the oldest file was written.
    #[arg(long, value_name = "DATE")]
    pub answered: Option<Date>,

    /// Refuse answers that are older than this
    ///
    /// Patients may have died since.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "28d")]
    pub max_age_of_trace: Duration,

    /// Use the register's address if it is different
    ///
    /// Never for sensitive records.
    #[arg(long)]
    pub use_traced_address: bool,
}

impl AnswerArgs {
    /// The files to read.
    #[must_use]
    pub fn files(&self, responses: &[PathBuf]) -> TraceFiles {
        TraceFiles {
            responses: responses.to_vec(),
            key: self.key.clone(),
            profile: self.profile.clone(),
            answered: self.answered.map(start_of_day),
            max_age: self.max_age_of_trace,
            use_address: self.use_traced_address,
        }
    }
}

/// `pkb trace apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Files that the register returned
    #[arg(value_name = "RESPONSE", required = true)]
    pub responses: Vec<PathBuf>,

    /// How they are read.
    #[command(flatten)]
    pub answers: AnswerArgs,

    /// The stream.
    #[command(flatten)]
    pub through: ThroughArgs,

    /// Write to FILE what to correct in the patient file
    ///
    /// New NHS numbers and newer addresses.
    #[arg(long, value_name = "FILE")]
    pub findings: Option<PathBuf>,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}
