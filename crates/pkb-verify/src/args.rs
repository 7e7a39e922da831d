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

    /// How to read the QR codes
    #[arg(long, value_enum, default_value = "all", value_name = "HOW")]
    pub qr_codes: QrCodeChoice,

    /// What is shown of the work.
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// How QR codes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QrCodeChoice {
    /// A letter may have none. Those that are there are compared
    Optional,
    /// Each letter must have one, and all are read in the PDF. For one letter in 250 it is also read from the drawn page, as by a
    /// phone's camera
    All,
    /// All are also read from the drawn page. This takes some tens of milliseconds a letter
    Camera,
}
