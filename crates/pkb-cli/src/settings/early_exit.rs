//! What a program does instead of its work.

use pkb_core::Fatal;

/// What the program does instead of its work.
#[derive(Debug)]
pub enum EarlyExit {
    /// Help and version, or what clap has against the command line, and what to say of it besides.
    Clap(clap::Error, Vec<String>),
    /// A text that was asked for.
    Print(String),
    /// It stops.
    Stop(Fatal),
}

impl From<Fatal> for EarlyExit {
    fn from(fatal: Fatal) -> Self {
        Self::Stop(fatal)
    }
}

impl From<clap::Error> for EarlyExit {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error, Vec::new())
    }
}
