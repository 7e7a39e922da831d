//! Arguments of `verify`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use pkb_cli::args::{InputArgs, ProgressArgs};

/// Reading finished letters again.
#[derive(Debug, ClapArgs)]
pub struct VerifyArgs {
    /// Folder of the letters, or one with the folders of several shards
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// The records that pkb-letters wrote, or those that it read
    #[command(flatten)]
    pub input: InputArgs,

    /// Which square codes to read as a camera would, from the drawn page: each takes some tens of
    /// milliseconds. The others are read from their pictures, if the template has them as such
    #[arg(
        long,
        value_enum,
        default_value = "sample",
        value_name = "WHICH",
        visible_alias = "qr"
    )]
    pub square_codes: QrCodeChoice,

    /// What is shown of the work.
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// Which square codes to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QrCodeChoice {
    /// None
    None,
    /// The first and last of a file, and one of 25
    Sample,
    /// All
    All,
}
