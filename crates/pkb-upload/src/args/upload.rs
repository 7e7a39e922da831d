//! What the upload itself can be told.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use pkb_cli::args::{ONCE, PKB, PKB_CALLS, StreamArgs, days, hours, minutes};
use pkb_client::upload::UPLOAD_PATH;
use pkb_core::{Fatal, clock::start_of_day};
use pkb_trace::TraceFiles;

use super::{CompareArgs, PatientFileArgs};
use crate::{
    comparison::Known,
    limit::Limit,
    pkb_file::{FilledColumns, MAX_ROWS, SpecialCharacters},
    send_after::SendAfter,
};

/// PKB's "Add many patients" file.
#[derive(Debug, Args)]
pub struct PkbFileArgs {
    /// Columns of PKB's file, instead of those of this program
    #[arg(long, value_name = "FILE", help_heading = "PKB's file")]
    pub profile: Option<PathBuf>,

    /// PKB's upload template: stop if its columns are different
    ///
    /// It is the file that PKB's page offers.
    #[arg(long, value_name = "FILE", help_heading = "PKB's file")]
    pub pkb_template: Option<PathBuf>,

    /// What to do with commas, quotes and apostrophes in PKB's file
    #[arg(
        long,
        value_enum,
        default_value = "typographic",
        value_name = "POLICY",
        help_heading = "PKB's file"
    )]
    pub special_characters: SpecialCharacters,

    /// Which columns of PKB's file are filled
    #[arg(
        long,
        value_enum,
        default_value = "all",
        value_name = "WHICH",
        help_heading = "PKB's file"
    )]
    pub columns: FilledColumns,
}

/// A name that is good in a file name everywhere.
fn campaign_name(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=60).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with(['.', '-'])
    {
        Ok(text.to_owned())
    } else {
        Err(
            "must have up to 60 letters, digits, '.', '_' and '-', and begin with a letter, digit or '_'",
        )
    }
}

/// How the records get to PKB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// PKB's "Add many patients" file, in batches
    Csv,
    /// One message for each patient, which creates or updates the record. Needs PKB_MESSAGING_URL, PKB_ORG_ID and a gender
    Messaging,
    /// The same file, written to --batches DIR to upload by hand
    Batches,
}

/// What the NHS's own register says of the patients of the file.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Response file of pkb trace request
    ///
    /// Patients who have died, who must not be found, or who were not found for certain are not uploaded. Can be
    /// given more than once.
    #[arg(long, value_name = "RESPONSE", help_heading = "Trace")]
    pub trace: Vec<PathBuf>,

    /// Key of the request, which pkb trace request wrote beside it
    #[arg(long, value_name = "FILE", help_heading = "Trace")]
    pub trace_key: Option<PathBuf>,

    /// Layout of the responses: pds, batch, deaths, or a file
    ///
    /// deaths is a plain list.
    #[arg(
        long,
        value_name = "PROFILE",
        default_value = "pds",
        help_heading = "Trace"
    )]
    pub trace_profile: String,

    /// Day on which the register answered [default: when the oldest file was written]
    #[arg(long, value_name = "DATE", help_heading = "Trace")]
    pub traced_on: Option<Date>,

    /// Refuse answers of the register that are older than this
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "28d", help_heading = "Trace")]
    pub max_age_of_trace: Duration,

    /// Upload and print the register's address if it is different
    #[arg(long, help_heading = "Trace")]
    pub use_traced_address: bool,
}

impl TraceArgs {
    /// The files to read; `None` if there are none.
    #[must_use]
    pub fn files(&self) -> Option<TraceFiles> {
        (!self.trace.is_empty()).then(|| TraceFiles {
            responses: self.trace.clone(),
            key: self.trace_key.clone(),
            profile: self.trace_profile.clone(),
            answered: self.traced_on.map(start_of_day),
            max_age: self.max_age_of_trace,
            use_address: self.use_traced_address,
        })
    }
}

/// The upload.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// The file.
    #[command(flatten)]
    pub file: PatientFileArgs,

    /// How to send records: csv, messaging or batches
    ///
    /// Without this option it is csv, or batches with --batches DIR.
    #[arg(long, value_enum, value_name = "WAY")]
    via: Option<Via>,

    /// Check only. Send nothing, and write the records only
    #[arg(short = 'n', long, conflicts_with = "batches", help_heading = ONCE)]
    pub dry_run: bool,

    /// Print the message of this row with masked values, and stop
    ///
    /// This is for --via messaging.
    #[arg(long, value_name = "ROW", conflicts_with_all = ["dry_run", "batches"], help_heading = ONCE)]
    pub show_request: Option<u64>,

    /// Write the batches to DIR, to upload by hand at PKB
    #[arg(long, value_name = "DIR")]
    pub batches: Option<PathBuf>,

    /// Stop before anything is sent if more rows are rejected: 20 or 1%
    #[arg(long, value_name = "N|P%")]
    pub max_rejects: Option<Limit>,

    /// Send nothing before this UK time, such as 17:00
    ///
    /// PKB asks for this with large files.
    #[arg(long, value_name = "HH:MM", conflicts_with_all = ["dry_run", "batches"])]
    pub send_after: Option<SendAfter>,

    /// Rows in one batch, up to N
    ///
    /// The batches have the same size.
    #[arg(long, default_value_t = MAX_ROWS, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ROWS)))]
    pub batch_rows: u32,

    /// Beginning of the names of batches: NAME-0001.csv
    #[arg(long, default_value = "batch", value_name = "NAME", value_parser = campaign_name)]
    pub campaign: String,

    /// Also upload email addresses. PKB sends invitations to them
    #[arg(long)]
    pub keep_email: bool,

    /// Add the patients to these teams, by their aliases at PKB
    ///
    /// With commas between them. This is for --via messaging. PKB requires the alias of your default team.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub team_alias: Vec<String>,

    /// What PKB's file is to look like.
    #[command(flatten)]
    pub pkb_file: PkbFileArgs,

    /// Path to which batches are sent, below the base address
    ///
    /// PKB publishes no address for programs. The default is that of pkb-sandbox. Ask PKB for yours, or use
    /// --batches.
    #[arg(long, env = "PKB_UPLOAD_PATH", default_value = UPLOAD_PATH, value_name = "PATH", help_heading = PKB)]
    pub upload_path: String,

    /// Send again rows that PKB may or may not have taken
    ///
    /// PKB then updates the patients it already has. It may send a second invitation to their email addresses.
    #[arg(long, help_heading = ONCE)]
    pub resend: bool,

    /// How long to ask PKB who has arrived, after an upload without answer
    ///
    /// Set more than PKB takes to process a batch. Only after this time is anything sent again.
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = minutes, help_heading = PKB_CALLS)]
    pub settle_for: Duration,

    /// How long to wait for PKB to process a batch
    ///
    /// The next batch is sent when PKB has processed this one. After this time, run the same command again.
    #[arg(long, default_value = "4h", value_name = "TIME", value_parser = hours, help_heading = PKB_CALLS)]
    pub wait_processed: Duration,

    /// Upload without comparing with what PKB has
    ///
    /// For a client that may not read. Dates of birth at PKB are overwritten, even if they are different.
    #[arg(long, conflicts_with = "known", help_heading = "Comparison with PKB")]
    pub no_compare: bool,

    /// What to upload for patients that PKB already has
    #[arg(
        long,
        value_enum,
        default_value = "full",
        value_name = "WHAT",
        help_heading = "Comparison with PKB"
    )]
    pub known: Known,

    /// How they are compared.
    #[command(flatten)]
    pub compare: CompareArgs,

    /// What the NHS's own register says.
    #[command(flatten)]
    pub trace: TraceArgs,

    /// The stream.
    #[command(flatten)]
    pub stream: StreamArgs,
}

impl UploadArgs {
    /// How the records get to PKB. A folder of batches says it by itself.
    ///
    /// # Errors
    /// The options contradict each other.
    pub fn via(&self) -> Result<Via, Fatal> {
        match (self.via, self.batches.is_some()) {
            (None | Some(Via::Batches), true) => Ok(Via::Batches),
            (Some(Via::Batches), false) => Err(Fatal::Usage(
                "--via batches needs a folder to write to. Add --batches DIR".into(),
            )),
            (Some(_), true) => Err(Fatal::Usage(
                "--batches DIR writes files for upload by hand, and --via sends. Leave out one of the two".into(),
            )),
            (via, false) => Ok(via.unwrap_or(Via::Csv)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::campaign_name;

    #[test]
    fn a_campaigns_name_is_good_in_a_file_name() {
        for name in ["batch", "autumn_2026.a-b", &"x".repeat(60)] {
            assert!(campaign_name(name).is_ok(), "{name}");
        }
        for name in ["", "-x", ".x", "a/b", "a b", "\u{e9}", &"x".repeat(61)] {
            assert!(campaign_name(name).is_err(), "{name}");
        }
    }
}
