//! Records hold names, numbers and codes, and a terminal keeps what it has shown: in its window, its scroll-back, the
//! notes of a support call. So no command writes them there unasked.
//!
//! The rule is about arguments, so that no stage can forget it: a command that has `--show-records` writes records to standard output,
//! or to the file of `--output`. [`refuse`] is asked before any work begins.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command};

use pkb_core::Fatal;

/// The option with which records are asked for.
const SHOW: &str = "show_records";
/// With one of these options a command does not write to standard output on a terminal: letters keep their records in their folder,
/// rules are explained without records, and a request is shown with its values masked.
const ELSEWHERE: [&str; 3] = ["out", "explain", "show_request"];

/// Refuses to run `command` if it would show patient data on a terminal, and nobody asks for that.
///
/// # Errors
/// [`Fatal::Usage`], with what to do.
pub(super) fn refuse(command: &Command, matches: &ArgMatches) -> Result<(), Fatal> {
    if !command.get_arguments().any(|arg| arg.get_id() == SHOW) {
        return Ok(());
    }
    let is_set = |id: &str| {
        matches!(matches.try_contains_id(id), Ok(true)) && is_switch(matches, id) != Some(false)
    };
    let output = matches.try_get_one::<PathBuf>("output").ok().flatten();
    let to_terminal = match output {
        Some(path) => is_terminal(path),
        None => io::stdout().is_terminal() && !ELSEWHERE.iter().any(|id| is_set(id)),
    };
    if !to_terminal || is_set(SHOW) {
        return Ok(());
    }
    Err(Fatal::Usage(
        "the records would be shown on this terminal. They hold names, numbers and codes. What to do: write them to a \
         file (--output FILE), \
         or pipe them into the next stage. If you want to see them here: --show-records"
            .into(),
    ))
}

/// Whether a switch is on; `None` if it is none.
fn is_switch(matches: &ArgMatches, id: &str) -> Option<bool> {
    matches.try_get_one::<bool>(id).ok().flatten().copied()
}

/// Whether what is at `path` is a terminal, as `/dev/tty` or `/dev/stdout` may be.
fn is_terminal(path: &Path) -> bool {
    let is_file = path
        .metadata()
        .is_ok_and(|found| found.is_file() || found.is_dir());
    !is_file
        && !is_pipe(path)
        && File::options()
            .write(true)
            .open(path)
            .is_ok_and(|file| file.is_terminal())
}

/// To open a pipe for writing would wait for somebody who reads.
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata()
        .is_ok_and(|found| found.file_type().is_fifo())
}
