//! How the patients of a file are compared with PKB.

use clap::Args;
use pkb_cli::args::{Api, PKB, PkbArgs};
use pkb_client::rest::USER_PATH;

use crate::limit::Limit;

/// How the patients of a file are compared with PKB.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Stop before anything is sent if more known patients differ at PKB
    ///
    /// A number such as 5, or a percentage (then at least 3 patients).
    #[arg(
        long,
        value_name = "N|P%",
        default_value = "1%",
        help_heading = "Comparison with PKB"
    )]
    pub max_mismatches: Limit,

    /// Stop before anything is sent if more known patients have moved
    ///
    /// It compares the house with what PKB has. A number, or a percentage (then at least 3 patients). 100% allows
    /// everybody a new address.
    #[arg(
        long,
        value_name = "N|P%",
        default_value = "50%",
        help_heading = "Comparison with PKB"
    )]
    pub max_address_changes: Limit,

    /// Interface of PKB for the comparison
    ///
    /// FHIR takes 5,000 patients a call and compares dates of birth. REST takes one patient a call, and also
    /// compares names and addresses.
    #[arg(
        long,
        env = "PKB_API",
        value_enum,
        default_value = "rest",
        value_name = "API",
        help_heading = PKB
    )]
    pub api: Api,

    /// Path of byNationalId below the base address
    ///
    /// It looks up patients before an upload, and after an upload that PKB did not answer.
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = PKB)]
    pub user_path: String,

    /// How PKB is reached.
    #[command(flatten)]
    pub pkb: PkbArgs,
}
