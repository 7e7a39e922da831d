//! A program that reads standard input waits in silence if that is a terminal. So it shows its help or says what it waits for.

use std::io::{self, IsTerminal as _};

use clap::{ArgMatches, Command};
use pkb_core::Fatal;

/// Arguments that name the input.
const INPUT: [&str; 2] = ["input", "named"];
/// With one of these options a command reads no records.
const READS_NOTHING: [&str; 2] = ["explain", "example"];

/// Refuses to run `command` if it would read records from a terminal, and nobody asks for that with "-".
///
/// # Errors
/// [`Fatal::Usage`], with what to do.
pub(super) fn refuse(command: &Command, matches: &ArgMatches) -> Result<(), Fatal> {
    let is_given = |id: &str| matches!(matches.try_contains_id(id), Ok(true));
    let is_on = |id: &str| matches.try_get_one::<bool>(id).ok().flatten() == Some(&true);
    let mut arguments = command.get_arguments();
    let reads = arguments.any(|arg| arg.get_id() == INPUT[0]);
    let is_named = INPUT.iter().any(|id| is_given(id));
    let is_idle = READS_NOTHING.iter().any(|id| is_on(id));
    if !reads || is_named || is_idle || !io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Fatal::Usage(
        "no file of records is named, and standard input is this terminal. What to do: name the file of records, or pipe \
         them \
         in. To type them here: -"
            .into(),
    ))
}
