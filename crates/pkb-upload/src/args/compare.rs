//! How the patients of a file are compared with PKB.

use clap::Args;
use pkb_cli::args::{Api, ConcurrencyArgs, PkbArgs};
use pkb_client::rest::USER_PATH;

use crate::limit::Limit;

/// How the patients of a file are compared with PKB.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Stop before anything is sent if more known patients than this differ at PKB: a number such as 5, or a percentage
    /// (then at least 3 patients)
    #[arg(
        long,
        value_name = "N|P%",
        default_value = "1%",
        help_heading = "Comparison with PKB"
    )]
    pub max_mismatches: Limit,

    /// Stop before anything is sent if more of the patients whom PKB has live in another house than PKB says: a number, or a
    /// percentage (then at least 3 patients). 100% allows for new addresses of everybody
    #[arg(
        long,
        value_name = "N|P%",
        default_value = "50%",
        hide_short_help = true,
        help_heading = "Comparison with PKB"
    )]
    pub max_address_changes: Limit,

    /// Interface of PKB for the comparison. FHIR takes 5,000 patients a call and tells dates of birth. REST takes one
    /// patient a call, and also tells names and addresses
    #[arg(
        long,
        env = "PKB_API",
        value_enum,
        default_value = "rest",
        value_name = "API",
        help_heading = "PKB"
    )]
    pub api: Api,

    /// Path of byNationalId under the base address, to look up patients before an upload, and after an upload that PKB
    /// did not answer
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = "PKB")]
    pub user_path: String,

    /// Calls at a time.
    #[command(flatten)]
    pub concurrency: ConcurrencyArgs,

    /// How PKB is reached.
    #[command(flatten)]
    pub pkb: PkbArgs,
}
