//! What a program does instead of its work.

use pkb_core::Fatal;

/// What the program does instead of its work.
#[derive(Debug)]
pub enum EarlyExit {
    /// Help or version.
    Clap(clap::Error),
    /// The help of a program that was called without anything to do.
    Help(String),
    /// What is wrong with the command line.
    Usage(String),
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
        Self::Clap(error)
    }
}
