//! What can be asked of pkb-resolve.

use clap::Parser;
use pkb_core::{
    args::{ConcurrencyArgs, InputArgs, PkbArgs, StreamArgs},
    client::rest::USER_PATH,
};

/// Find each patient at PKB, and decide who may be invited
///
/// Reads a record stream, asks PKB for each patient by national id, and writes every record on:
/// with PKB's id, or with the reason why the patient is not invited. Reads standard input unless
/// FILE is given; writes to standard output.
///
/// PKB's REST interface does not say who has registered already, so `registered` stays absent.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  pkb-resolve < uploaded.ndjson > resolved.ndjson"
)]
pub struct Args {
    #[command(flatten)]
    pub input: InputArgs,

    /// Youngest age in full years at which a patient is invited
    #[arg(long, default_value_t = 16, value_name = "YEARS")]
    pub min_age: i16,

    /// Path of byNationalId under the base address, with {number} and {type} in it
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = "PKB")]
    pub user_path: String,

    #[command(flatten)]
    pub concurrency: ConcurrencyArgs,

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
