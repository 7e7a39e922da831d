//! What can be asked of pkb-tokens.

use std::time::Duration;

use clap::Parser;
use pkb_cli::args::{
    ApiArgs, ConcurrencyArgs, InputArgs, ONCE, PkbArgs, StreamArgs, parse_duration,
};
use pkb_client::rest::TOKEN_PATH;

/// Fetch the invitation code and the access code of each patient who may be invited
///
/// Reads a record stream, asks PKB for a pair of codes for each patient, and writes every record
/// on. The codes give access to a patient's record: they are written to standard output and
/// nowhere else. Reads standard input unless FILE is given.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-tokens resolved.ndjson --output invited.ndjson\n  pkb-tokens resolved.ndjson --api fhir --output invited.ndjson"
)]
pub struct Args {
    #[command(flatten)]
    pub input: InputArgs,

    /// Days for which codes are valid, where PKB's answer does not say (PKB's guide: 30)
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=366))]
    pub valid_days: u16,

    /// Make no codes for a patient of whom PKB was asked longer ago than this: somebody may have died since
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days for which codes of an earlier run must still be valid; others are fetched anew
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    pub min_days_left: u16,

    /// Fetch new codes for these rows of the patient file, although they have codes that are good: for
    /// `pkb-letters --reissue`. The codes before stay valid until they end
    #[arg(long, value_name = "ROW", num_args = 1.., requires = "journal", help_heading = ONCE)]
    pub reissue: Vec<u64>,

    /// A row whose codes were fetched by --reissue within this time keeps them: the same command is
    /// being run again
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1d")]
    pub same_reissue_within: Duration,

    /// Path of recordAccessToken under the base address, with {id} in it
    #[arg(long, default_value = TOKEN_PATH, value_name = "PATH", help_heading = "PKB")]
    pub token_path: String,

    #[command(flatten)]
    pub api: ApiArgs,

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
