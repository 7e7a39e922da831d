//! What a program reads and writes that looks at each record of a stream and makes no calls.

use std::path::PathBuf;

use clap::Args;
use pkb_core::{Fatal, output::Target, transform::Stream};

use pkb_files::exposure;

use super::{InputArgs, ONCE, STREAM};

/// A record stream, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct ThroughArgs {
    /// Records to read [default: standard input]
    #[arg(long = "in", value_name = "FILE", help_heading = STREAM)]
    pub input: Option<PathBuf>,

    /// Write the records to FILE, not to standard output
    ///
    /// FILE is complete or absent, and its owner only can read it (mode 0600).
    #[arg(short = 'o', long, value_name = "FILE", help_heading = STREAM)]
    pub output: Option<PathBuf>,

    /// Accept part of a stream, such as one shard
    ///
    /// A pipe cannot tell the end of a stream from a stage that has failed. So without this option every row of the
    /// patient file must arrive.
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// Show records on a terminal, with names, numbers and codes
    #[arg(long, help_heading = ONCE)]
    pub show_records: bool,

    /// Replace FILE even if some of its patients are not in the new one
    ///
    /// This is about --output FILE. Without this option, a file with more patients is kept.
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,
}

impl ThroughArgs {
    /// The stream, opened.
    ///
    /// # Errors
    /// The input cannot be read, or the output cannot be written there.
    pub fn stream(&self) -> Result<Stream, Fatal> {
        let input = InputArgs {
            input: self.input.clone(),
        };
        let output = match &self.output {
            Some(path) => Target::file(path, self.replace)?,
            None => Target::stdout(),
        };
        if matches!(output, Target::Stream(_)) {
            exposure::warn_of_stdout();
        }
        Ok(Stream {
            input: input.reader()?,
            output: Some(output),
            is_partial: self.partial,
        })
    }
}
