//! What can be asked of pkb-upload.

mod compare;
mod upload;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::args::{ClockArgs, ONCE, ProgressArgs};

pub use compare::CompareArgs;
pub use pkb_patients::args::PatientFileArgs;
pub use upload::{UploadArgs, Via};

/// Check a patient file and create the records at PKB
///
/// Reads the whole file and says everything that is wrong with it. Then it sends the good rows to PKB, in batches of the "Add many
/// patients" format or as one message for each patient. It writes a record for every row. Rejected rows have the reason.
///
/// The file is a table with a header row: CSV (comma, semicolon, tab or pipe), XLSX, XLS or ODS, also compressed with gzip. It must have
/// an NHS, CHI or H&C number, first name, last name and date of birth.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  pkb-upload check patients.csv --problems problems.csv\n  pkb-upload patients.csv --max-rejects 1% -o uploaded.ndjson\n  pkb-upload patients.csv --batches for-pkb/ -o prepared.ndjson\n  pkb-upload patients.csv --via messaging -o uploaded.ndjson"
)]
pub struct Args {
    /// What to do instead of an upload.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The upload.
    #[command(flatten)]
    pub upload: UploadArgs,
}

/// What can be done instead of an upload.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say everything that is wrong with a patient file, and send nothing
    #[command(
        after_help = "Examples:\n  pkb-upload check patients.csv\n  pkb-upload check patients.csv --compare --api fhir\n  pkb-upload check patients.xlsx --sheet 2 --problems problems.csv"
    )]
    Check(Box<CheckArgs>),
    /// Show how a patient file is read: the meaning of each column, with masked samples
    #[command(
        after_help = "Examples:\n  pkb-upload columns patients.csv\n  pkb-upload columns patients.csv --map our-columns.toml"
    )]
    Columns(ColumnsArgs),
    /// Print the columns of PKB's file, to edit and use with --profile
    #[command(after_help = "Example:\n  pkb-upload profile > profile.toml")]
    Profile,
}

/// `pkb-upload check`.
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// The file.
    #[command(flatten)]
    pub file: PatientFileArgs,

    /// Write every problem to FILE, a CSV table with masked values
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,

    /// Show the values in that table, which then has patient data
    #[arg(long, requires = "problems", help_heading = ONCE)]
    pub show_values: bool,

    /// Also ask PKB which patients it has, and compare dates of birth
    ///
    /// An upload does this before it sends anything.
    #[arg(long, help_heading = "Comparison with PKB")]
    pub compare: bool,

    /// How they are compared.
    #[command(flatten)]
    pub how: CompareArgs,

    /// What is shown of the comparison.
    #[command(flatten)]
    pub progress: ProgressArgs,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

/// `pkb-upload columns`.
#[derive(Debug, ClapArgs)]
pub struct ColumnsArgs {
    /// The file.
    #[command(flatten)]
    pub file: PatientFileArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_file_is_needed_with_and_without_a_subcommand() {
        for arguments in [
            &["pkb-upload"][..],
            &["pkb-upload", "check"],
            &["pkb-upload", "--dry-run", "columns", "a.csv"],
        ] {
            assert!(Args::try_parse_from(arguments).is_err(), "{arguments:?}");
        }
        for arguments in [
            &["pkb-upload", "a.csv", "--sheet", "2"][..],
            &["pkb-upload", "check", "a.csv", "--dates", "month-first"],
        ] {
            assert!(Args::try_parse_from(arguments).is_ok(), "{arguments:?}");
        }
    }
}
