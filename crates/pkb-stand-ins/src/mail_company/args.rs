//! What can be asked of `pkb-sandbox mail-company`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// A delivery of letters, where the reports go, and what goes wrong.
#[derive(Debug, Args)]
pub struct MailCompany {
    /// Folder with letters, manifest.csv and, if there is one, manifest.json; or with a package, whose done marker names its files
    #[arg(long, value_name = "DIR")]
    pub delivery: PathBuf,

    /// Folder for status.csv, returns.csv and scans.txt; and printed.txt with the letters that were made from data
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Secret key that opens packages encrypted by age; for gpg it is in the keyring
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Languages that the template for data has. Other letters are rejected
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "en,cy,cy+en,pl+en,ro+en,pa+en,ur+en,bn+en,ar+en",
        value_name = "LANGUAGES"
    )]
    pub languages: Vec<String>,

    /// The same seed and references give the same files
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How many letters do not go their usual way
    #[command(flatten)]
    pub mishaps: Mishaps,

    /// When the letters are accepted, such as 2026-11-30T09:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<Timestamp>,

    /// Write what became of which letter to this file (JSON)
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,

    /// Something that goes wrong with the files; may be given several times
    #[arg(long, value_name = "NAME", value_enum)]
    pub fault: Vec<MailFault>,
}

/// How many letters do not go their usual way. No letter is chosen twice.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Mishaps {
    /// Letters that are accepted and never heard of again
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub lose: usize,

    /// Letters that are dispatched twice, a day apart
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub double: usize,

    /// Letters that come back weeks later
    #[arg(long = "return", value_name = "N", default_value_t = 0)]
    pub returned: usize,

    /// Letters that are not accepted
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub reject: usize,
}

/// What goes wrong with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MailFault {
    /// The rows are in another order
    Reorder,
    /// Lines end as on Windows
    Crlf,
    /// References are in lower case
    Lowercase,
    /// One further row of status.csv is about a letter of another campaign
    Foreign,
    /// Three letters are dispatched before they are accepted
    DispatchedFirst,
    /// Three letters come back that were never dispatched
    ReturnedUndispatched,
    /// status.csv ends in the middle of its last row
    Cut,
    /// status-2.csv has what status.csv has
    StatusTwice,
    /// status.csv has the words of GOV.UK Notify's printer, one row a letter
    WordsDvla,
    /// returns.csv is the report of returned letters of GOV.UK Notify's dashboard
    WordsNotify,
}
