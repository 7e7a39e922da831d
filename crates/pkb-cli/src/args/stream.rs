//! What a stage reads and writes, and what time it is.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use pkb_core::{
    Clock, Fatal,
    output::{Target, is_stream},
    pipeline::{Limits, Source},
    stage::Written,
};
use pkb_files::exposure;

use super::{
    headings::{ONCE, RUN, STREAM},
    progress::ProgressArgs,
};

/// How a stage reads, counts and reports.
#[derive(Debug, Clone, Args)]
pub struct StreamArgs {
    /// Accept part of a stream, such as one shard
    ///
    /// A pipe cannot tell the end of a stream from a stage that has failed. So without this option every row of the
    /// patient file must arrive.
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// Continue from FILE what an earlier run began
    ///
    /// Each finished record is noted in FILE. After any failure, run the same command again: records in FILE are
    /// not worked on twice. An earlier output of this stage can also be given here.
    ///
    /// Without this option, a run with --output FILE keeps its journal in FILE.journal, and a run that writes into
    /// a folder DIR keeps it in DIR.journal. Keep the journal. It can hold codes, and it knows who has a letter.
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub journal: Option<PathBuf>,

    /// Keep no journal, so that the same command starts from the beginning
    #[arg(long, conflicts_with = "journal", help_heading = RUN)]
    pub no_journal: bool,

    /// Use a journal on shared storage without reliable locks
    ///
    /// Only safe if no other machine runs this campaign.
    #[arg(
        long,
        env = "PKB_ONE_MACHINE",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = RUN
    )]
    pub one_machine: bool,

    /// Write the records to FILE, not to standard output
    ///
    /// FILE is complete or absent, and its owner only can read it (mode 0600).
    #[arg(short = 'o', long, value_name = "FILE", help_heading = STREAM)]
    pub output: Option<PathBuf>,

    /// Show records on a terminal, with names, numbers and codes
    #[arg(long, help_heading = ONCE)]
    pub show_records: bool,
    /// Replace FILE even if some of its patients are not in the new one
    ///
    /// This is about --output FILE. Without this option, a file with more patients is kept.
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,

    /// What is shown of the work.
    #[command(flatten)]
    pub progress: ProgressArgs,

    /// Write the summary to FILE as JSON
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub summary: Option<PathBuf>,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

/// What time it is.
#[derive(Debug, Clone, Args)]
pub struct ClockArgs {
    /// Pretend that it is this moment (for tests and rehearsals): 2026-11-22T09:00:00Z
    #[arg(long, env = "PKB_FIXED_TIME", value_name = "TIME", value_parser = moment, hide = true)]
    fixed_time: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    text.parse()
        .map_err(|_| "must be a date and time, such as 2026-11-22T09:00:00Z")
}

impl ClockArgs {
    /// The clock of this run.
    pub fn clock(&self) -> Clock {
        self.fixed_time.map_or(Clock::System, Clock::Fixed)
    }

    /// Whether the time is pretended.
    pub fn is_fixed(&self) -> bool {
        self.fixed_time.is_some()
    }
}

impl StreamArgs {
    /// The clock of this run.
    pub fn clock(&self) -> Clock {
        self.clock.clock()
    }

    /// Where the records go.
    ///
    /// # Errors
    /// The file cannot be written there.
    pub fn target(&self) -> Result<Target, Fatal> {
        self.output.as_deref().map_or_else(
            || Ok(Target::stdout()),
            |path| Target::file(path, self.replace),
        )
    }

    /// The same, for the command that comes next.
    #[must_use]
    pub fn written(&self) -> Written<'_> {
        Written(self.output.as_deref())
    }

    /// The same with the journal that a run has if nobody chose one: beside the `folder` of what it makes, or beside its
    /// output. A stream that goes on to somewhere else has none.
    #[must_use]
    pub fn with_usual_journal(mut self, folder: Option<&Path>) -> Self {
        let output = self.output.as_deref().filter(|path| !is_stream(path));
        if !self.no_journal && self.journal.is_none() {
            self.journal = folder.or(output).and_then(usual_journal);
        }
        self
    }

    /// The limits of a stage that works on `in_flight` batches at a time.
    pub fn limits(&self, in_flight: usize) -> Limits {
        Limits {
            in_flight,
            partial: self.partial,
        }
    }
}

/// The journal of a run that writes `place`: beside it and not in it, because a folder of letters goes to a printer.
pub fn usual_journal(place: &Path) -> Option<PathBuf> {
    let place = match place.file_name() {
        Some(_) => place.to_owned(),
        // "." and "print/.." have their name only where they are.
        None => place.canonicalize().ok()?,
    };
    let mut name = place.file_name()?.to_owned();
    name.push(".journal");
    Some(place.with_file_name(name))
}

/// Where a stage other than the first reads its records.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// Records to read [default: standard input, also "-"]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

impl InputArgs {
    /// Opens the input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(&self) -> Result<Source, Fatal> {
        self.reader().map(Source::Ndjson)
    }

    /// The bytes of the input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reader(&self) -> Result<Box<dyn Read + Send>, Fatal> {
        Ok(match &self.input {
            Some(path) if path.is_dir() => {
                return Err(Fatal::Input(format!(
                    "{} is a folder, not a file",
                    path.display()
                )));
            }
            Some(path) if path.as_os_str() != "-" => {
                exposure::warn_of_file(path);
                Box::new(
                    std::fs::File::open(path).map_err(|source| Fatal::cannot_read(path, source))?,
                )
            }
            _ => Box::new(std::io::stdin()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_beside_what_a_run_makes_and_never_in_it() {
        for (place, journal) in [
            ("print", "print.journal"),
            ("print/", "print.journal"),
            ("./print/.", "./print.journal"),
            ("/a b/delivered.ndjson", "/a b/delivered.ndjson.journal"),
            ("print/01-of-04", "print/01-of-04.journal"),
        ] {
            assert_eq!(
                usual_journal(Path::new(place)),
                Some(journal.into()),
                "{place}"
            );
        }
        let here = Path::new(".").canonicalize().unwrap();
        let journal = usual_journal(Path::new(".")).unwrap();
        assert_eq!(journal.parent(), here.parent());
        assert_eq!(usual_journal(Path::new("/")), None);
    }
}
