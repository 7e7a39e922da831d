//! What the upload itself can be told.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use pkb_cli::args::{ONCE, StreamArgs, parse_duration};
use pkb_client::upload::UPLOAD_PATH;

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
    /// Columns of PKB's file, instead of those that come with the program
    #[arg(long, value_name = "FILE", help_heading = "PKB's file")]
    pub profile: Option<PathBuf>,

    /// The template that PKB's page offers: stop if its columns are not those of the profile
    #[arg(long, value_name = "FILE", help_heading = "PKB's file")]
    pub template: Option<PathBuf>,

    /// What becomes of commas, quotes and apostrophes in names and addresses
    #[arg(
        long,
        value_enum,
        default_value = "typographic",
        value_name = "POLICY",
        help_heading = "PKB's file"
    )]
    pub special_characters: SpecialCharacters,

    /// Which columns are filled
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
        Err("at most 60 letters, digits, '.', '_' and '-', not beginning with '.' or '-'")
    }
}

/// The upload.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// The file.
    #[command(flatten)]
    pub file: PatientFileArgs,

    /// Check only: send and write nothing but the records
    #[arg(long, conflicts_with = "batches", help_heading = ONCE)]
    pub dry_run: bool,

    /// Write the batches to DIR, for upload by hand in PKB's web interface, and send nothing
    #[arg(long, value_name = "DIR")]
    pub batches: Option<PathBuf>,

    /// Stop before anything is sent if more rows than this are rejected: a number, or a percentage
    #[arg(long, value_name = "N|P%")]
    pub max_rejects: Option<Limit>,

    /// Send nothing before this time of day in the United Kingdom (17:00), as PKB asks for large files
    #[arg(long, value_name = "HH:MM", conflicts_with_all = ["dry_run", "batches"])]
    pub send_after: Option<SendAfter>,

    /// Rows in a batch at most; the batches are of even size
    #[arg(long, default_value_t = MAX_ROWS, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ROWS)))]
    pub batch_rows: u32,

    /// What the names of batches begin with: NAME-0001.csv
    #[arg(long, default_value = "batch", value_name = "NAME", value_parser = campaign_name)]
    pub campaign: String,

    /// Upload e-mail addresses too: PKB then sends invitations of its own to them
    #[arg(long)]
    pub keep_email: bool,

    /// What PKB's file is to look like.
    #[command(flatten)]
    pub pkb_file: PkbFileArgs,

    /// Path under the base address that takes the upload. PKB publishes no address for machines:
    /// the default is that of pkb-sandbox. Ask PKB for yours, or use --batches
    #[arg(long, env = "PKB_UPLOAD_PATH", default_value = UPLOAD_PATH, value_name = "PATH", help_heading = "PKB")]
    pub upload_path: String,

    /// Send rows again of which it stays unknown whether PKB took them. PKB then updates the patients it already
    /// has, and may send a second invitation to their e-mail addresses
    #[arg(long, help_heading = ONCE)]
    pub resend: bool,

    /// If PKB does not answer an upload: how long to ask who has arrived, until nothing changes any more: 90s, 30m, 2h.
    /// Set more than PKB takes to process a batch. Only then is anything sent again
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = parse_duration, help_heading = "PKB")]
    pub settle_for: Duration,

    /// How long to wait for PKB to process a batch: 90s, 30m, 2h. The next batch is sent when PKB is
    /// done with it; after this time, run the same command again
    #[arg(long, default_value = "4h", value_name = "TIME", value_parser = parse_duration, help_heading = "PKB")]
    pub wait_processed: Duration,

    /// Upload without asking PKB which of the patients it has, if your client may not read. Dates of birth at PKB are
    /// then overwritten, even if they differ
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

    /// The stream.
    #[command(flatten)]
    pub stream: StreamArgs,
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
