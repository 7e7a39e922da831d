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
    headings::{ONCE, STREAM},
    progress::ProgressArgs,
};

/// How a stage reads, counts and reports.
#[derive(Debug, Clone, Args)]
pub struct StreamArgs {
    /// The stream is a part on purpose (split, filtered): do not insist on every row
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// Note each settled record in FILE, and answer from it what an earlier run has settled: after
    /// any failure, run the same command again. An earlier output of this stage will do, too
    ///
    /// Without this option, a run with --output FILE has its journal in FILE.journal, and one that writes into a folder
    /// DIR in DIR.journal. Keep it: it holds codes and knows who has a letter
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub journal: Option<PathBuf>,

    /// Keep no journal: the same command again begins from the start
    #[arg(long, conflicts_with = "journal", help_heading = STREAM)]
    pub no_journal: bool,

    /// No other machine works on this campaign: take a journal also where locks do not hold between machines
    #[arg(
        long,
        env = "PKB_ONE_MACHINE",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = STREAM
    )]
    pub one_machine: bool,

    /// Write the records to FILE (complete or absent, mode 0600) instead of standard output
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub output: Option<PathBuf>,

    /// Write the records to standard output even if it is a terminal: they hold names, numbers and codes
    #[arg(long, help_heading = ONCE)]
    pub show_records: bool,
    /// Replace the records in the --output FILE even if some of their patients are not in the new ones
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,

    /// What is shown of the work.
    #[command(flatten)]
    pub progress: ProgressArgs,

    /// Also write the summary to FILE, as JSON
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
    #[arg(long, env = "PKB_FIXED_TIME", value_name = "TIME", hide = true)]
    fixed_time: Option<Timestamp>,
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
    /// Record stream to read; standard input if absent or "-"
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
                    "{}: is a folder, not a file",
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
