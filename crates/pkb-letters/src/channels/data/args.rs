//! What can be asked about data for a mail company.

use std::path::PathBuf;

use clap::Args;
use pkb_files::{Fatal, profile::text_of};
use pkb_print_files::data_profile::{BUILT_IN, DataProfile, MOST_ROWS};

/// What can be asked about data for a mail company.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Columns and form of the data files
    ///
    /// `default`, `notify-letter` (the spreadsheet of letters for GOV.UK Notify), `jsonl`, or a file that was
    /// agreed with the mail company.
    #[arg(
        long,
        default_value = "default",
        value_name = "NAME|FILE",
        help_heading = "Data for a mail company"
    )]
    pub data_profile: String,

    /// Rows in one data file, up to N [default: as the profile says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ROWS)), help_heading = "Data for a mail company")]
    pub rows_per_file: Option<u32>,

    /// Encrypt the data files to this public key of the mail company
    ///
    /// The key decides between gpg and age. The plain file is never on the disk.
    #[arg(long, value_name = "KEYFILE", help_heading = "Data for a mail company")]
    pub encrypt_to: Option<PathBuf>,
}

impl DataArgs {
    /// The profile, and its text.
    ///
    /// # Errors
    /// There is none, it cannot be read, or something in it is wrong.
    pub(super) fn profile(&self) -> Result<(DataProfile, String), Fatal> {
        let name = &self.data_profile;
        let text = text_of("--data-profile", name, &BUILT_IN)?.into_owned();
        let profile = DataProfile::parse(&text)
            .map_err(|words| Fatal::Usage(format!("--data-profile {name}: {words}")))?;
        Ok((profile, text))
    }
}
