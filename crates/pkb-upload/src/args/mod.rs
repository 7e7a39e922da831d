//! What can be asked of pkb-upload.

mod compare;
mod patient_file;
mod upload;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use pkb_cli::args::{ClockArgs, ONCE};

pub use compare::CompareArgs;
pub use patient_file::PatientFileArgs;
pub use upload::UploadArgs;

/// Check a patient file and create the records at PKB
///
/// Reads the whole file and says everything that is wrong with it; then sends the good rows to PKB
/// in batches of its "Add many patients" format, one after the other, and writes a record for every
/// row to standard output, the bad ones with the reason.
///
/// The file is a table with a header row: CSV (comma, semicolon, tab or pipe), XLSX, XLS or ODS, also
/// compressed with gzip. Needed are an NHS, CHI or H&C number, first name, last name and date of birth.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  pkb-upload check patients.csv --problems problems.csv\n  pkb-upload columns patients.xlsx\n  pkb-upload patients.csv --max-rejects 1% --output uploaded.ndjson\n  pkb-upload patients.csv --batches for-pkb/ --output prepared.ndjson"
)]
pub struct Args {
    /// Something else than an upload.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The upload.
    #[command(flatten)]
    pub upload: UploadArgs,
}

/// What is not an upload.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say everything that is wrong with a patient file, and send nothing
    #[command(
        after_help = "Examples:\n  pkb-upload check patients.csv\n  pkb-upload check patients.csv --compare --api fhir\n  pkb-upload check patients.xlsx --sheet 2 --problems problems.csv"
    )]
    Check(Box<CheckArgs>),
    /// Show how a patient file would be read: what each column is taken for, with masked samples
    #[command(
        after_help = "Examples:\n  pkb-upload columns patients.csv\n  pkb-upload columns patients.csv --map our-columns.toml"
    )]
    Columns(ColumnsArgs),
    /// Print the columns of PKB's file that come with the program, to be edited and used with --profile
    #[command(after_help = "Example:\n  pkb-upload profile > profile.toml")]
    Profile,
}

/// `pkb-upload check`.
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// The file.
    #[command(flatten)]
    pub file: PatientFileArgs,

    /// Write every problem to FILE: a CSV table for a spreadsheet, with values masked
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,

    /// Show the values in the table of problems: it then holds patient data
    #[arg(long, requires = "problems", help_heading = ONCE)]
    pub show_values: bool,

    /// Also ask PKB which of the patients it has, and whether their dates of birth match. An upload does this before it
    /// sends anything
    #[arg(long, help_heading = "Comparison with PKB")]
    pub compare: bool,

    /// How they are compared.
    #[command(flatten)]
    pub how: CompareArgs,

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
