//! What can be asked of pkb-tokens.

use std::time::Duration;

use clap::Parser;
use pkb_cli::args::{
    ApiArgs, InputArgs, ONCE, PKB, PkbArgs, RUN, StreamArgs, days, days_of_a_year, whole_days,
};
use pkb_client::rest::TOKEN_PATH;

/// Fetch the two codes of each patient who may be invited
///
/// Reads records, asks PKB for the invitation code and the access code of each patient, and writes every record to the output. The codes
/// give access to a patient's record. They are written to the output and the journal only.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  pkb-tokens resolved.ndjson --output invited.ndjson\n  pkb-tokens resolved.ndjson --api fhir --output invited.ndjson"
)]
pub struct Args {
    #[command(flatten)]
    pub input: InputArgs,

    /// Days for which codes are valid, if PKB does not say
    #[arg(long, default_value = "30d", value_name = "DAYS", value_parser = days_of_a_year)]
    pub valid_days: u16,

    /// Skip patients last checked with PKB longer ago than this
    ///
    /// They may have died since.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "7d")]
    pub max_age_of_answer: Duration,

    /// Days for which codes of an earlier run must still be valid
    ///
    /// Codes with fewer days are fetched again.
    #[arg(long, default_value = "14d", value_name = "DAYS", value_parser = whole_days)]
    pub min_days_left: u16,

    /// Fetch new codes for these rows: 812,2040
    ///
    /// For `pkb-letters --reissue`. Rows are those of the patient file. The old codes stay valid until they expire.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', requires = "journal", help_heading = ONCE)]
    pub reissue: Vec<u64>,

    /// Keep codes that --reissue fetched less than this long ago
    ///
    /// Then running the same command again fetches nothing twice.
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "1d", help_heading = RUN)]
    pub same_reissue_within: Duration,

    /// Path of recordAccessToken below the base address, with {id}
    #[arg(long, default_value = TOKEN_PATH, value_name = "PATH", help_heading = PKB)]
    pub token_path: String,

    #[command(flatten)]
    pub api: ApiArgs,

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
