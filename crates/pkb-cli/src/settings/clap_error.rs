//! Clap's errors, with what it cannot know.

use std::{ffi::OsString, num::ParseIntError, path::Path};

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use pkb_files::nearest::nearest;

use super::{
    early_exit::EarlyExit,
    file::{FromFile, SettingsFile},
    secrets,
};

/// Clap's error, with what it cannot know: which of the options that it names are not on the command line at all, and
/// what was probably meant.
pub(super) fn explained(
    error: clap::Error,
    command: &Command,
    line: &[OsString],
    from_file: &[FromFile],
    file: &SettingsFile,
) -> EarlyExit {
    let text = error.to_string();
    let names = |long: &str| {
        text.split(|c: char| c.is_whitespace() || "'=,".contains(c))
            .any(|word| word.strip_prefix("--") == Some(long))
    };
    let set = from_file.iter().filter(|one| !one.arguments.is_empty());
    let set = set.filter(|one| names(&one.long)).map(|one| {
        let FromFile { long, line, .. } = one;
        let name = file.name();
        format!("--{long} is set in {name}, line {line}; --no-{long} leaves it out")
    });
    let mut notes: Vec<String> = set.collect();
    if error.use_stderr() {
        notes.extend(secret_in_argument(&error));
        notes.extend(meant_command(command, line));
        notes.extend(about_a_value(&error, leaf(command, line)));
    }
    EarlyExit::Clap(error, notes)
}

/// The command that a line asks for, as far as its words say.
fn leaf<'a>(command: &'a Command, line: &[OsString]) -> &'a Command {
    let words = line.iter().skip(1).map_while(|word| word.to_str());
    let mut leaf = command;
    for word in words {
        match leaf.find_subcommand(word) {
            Some(subcommand) => leaf = subcommand,
            None => break,
        }
    }
    leaf
}

/// What to say to somebody who has typed a secret.
fn secret_in_argument(error: &clap::Error) -> Option<String> {
    let name = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(name) => name.split(['=', ' ']).next()?,
        _ => return None,
    };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let option = secrets::file_option(name.strip_prefix("--").filter(|_| is_unknown)?)?;
    Some(format!(
        "every user of this machine can read arguments, and the shell keeps them: a secret goes into a file of its own, mode 0600, \
         that --{option} names. If this was the real one, take it out of the shell's history"
    ))
}

/// What else there is to say to clap's error about a value.
fn about_a_value(error: &clap::Error, command: &Command) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let long = shown.split([' ', '=']).next()?.strip_prefix("--")?;
    let arg = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(long))?;
    let is_number = std::error::Error::source(error)?.is::<ParseIntError>();
    match arg.get_num_args() {
        Some(range) if range.max_values() > 1 => Some(format!(
            "--{long} takes all words that follow it: write FILE before it"
        )),
        _ => is_number.then(|| format!("--{long} takes a whole number")),
    }
}

/// The command of `command` that was probably meant by the first word.
fn meant_command(command: &Command, line: &[OsString]) -> Option<String> {
    let word = line
        .get(1)?
        .to_str()
        .filter(|word| !word.starts_with('-'))?;
    let names = || command.get_subcommands().map(Command::get_name);
    if names().any(|name| name == word) || Path::new(word).exists() {
        return None;
    }
    let near = nearest(word, names())?;
    Some(format!(
        "there is no command {word}; did you mean {} {near}?",
        command.get_name()
    ))
}
