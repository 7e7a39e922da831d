//! What can be asked of pkb-upload.

use std::path::PathBuf;

use clap::Parser;
use pkb_core::{
    args::{PkbArgs, StreamArgs},
    client::{rest::USER_PATH, upload::UPLOAD_PATH},
};

use crate::pkb_file::MAX_ROWS;

/// Check a patient file and create the records at PKB
///
/// Reads the whole file and names every problem with its row and column; then sends the good rows
/// to PKB in batches of its "Add many patients" format, one after the other, and writes a record
/// for every row to standard output, the bad ones with the reason.
///
/// The file is CSV in UTF-8 with the columns NHS number, Title, First name, Last name, Date of
/// birth (YYYY-MM-DD), Address 1, Address 2, Town, County, Post code, Mobile, Email, Language.
/// NHS number, first name, last name and date of birth are needed.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-upload patients.csv --dry-run > /dev/null\n  pkb-upload patients.csv > uploaded.ndjson\n  pkb-upload patients.csv --batches for-pkb/ > prepared.ndjson"
)]
pub struct Args {
    /// Patient file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Check only: send and write nothing but the records
    #[arg(long, conflicts_with = "batches")]
    pub dry_run: bool,

    /// Write the batches to DIR, for upload by hand in PKB's web interface, and send nothing
    #[arg(long, value_name = "DIR")]
    pub batches: Option<PathBuf>,

    /// Rows in a batch at most
    #[arg(long, default_value_t = MAX_ROWS, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ROWS)))]
    pub batch_rows: u32,

    /// Upload e-mail addresses too: PKB then sends invitations of its own to them
    #[arg(long)]
    pub keep_email: bool,

    /// Path under the base address that takes the upload. PKB publishes no address for machines:
    /// the default is that of pkb-sandbox. Ask PKB for yours, or use --batches
    #[arg(long, env = "PKB_UPLOAD_PATH", default_value = UPLOAD_PATH, value_name = "PATH", help_heading = "PKB")]
    pub upload_path: String,

    /// Send rows again that may have been sent with their e-mail addresses and not answered: PKB may
    /// invite those patients by e-mail twice
    #[arg(long)]
    pub resend: bool,

    /// Path of byNationalId under the base address, by which rows are looked up that were sent and
    /// not answered
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = "PKB")]
    pub user_path: String,

    #[command(flatten)]
    pub pkb: PkbArgs,

    #[command(flatten)]
    pub stream: StreamArgs,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_consistent() {
        <super::Args as clap::CommandFactory>::command().debug_assert();
    }
}
