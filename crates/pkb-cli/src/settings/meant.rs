//! The command that was meant by a first word that is no command of the program: one of nearly that name, an option of that
//! name, or a command of another program.

use std::{ffi::OsString, path::Path};

use clap::Command;
use pkb_files::nearest::nearest;

use super::commands::OURS;

/// The commands of all programs. A test of the real programs compares.
pub const COMMANDS: [(&str, &[&str]); 6] = [
    ("pkb-upload", &["check", "columns", "profile"]),
    ("pkb-resolve", &[]),
    ("pkb-tokens", &[]),
    ("pkb-letters", &["template"]),
    ("pkb-notify", &["sms", "post", "rows", "nhs"]),
    (
        "pkb",
        &[
            "doctor", "split", "report", "merge", "verify", "trace", "package", "returns",
            "ledger", "purge", "seal",
        ],
    ),
];

/// What to say of the first word of a command line, if that is neither a command of `command` nor a file.
pub(super) fn instead(command: &Command, line: &[OsString]) -> Option<String> {
    let word = line.get(1)?.to_str()?;
    let is_word = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let names = || command.get_subcommands().map(Command::get_name);
    let is_ours = OURS.contains(&word) || names().any(|name| name == word);
    if !is_word || word.starts_with('-') || is_ours || Path::new(word).exists() {
        return None;
    }
    let program = command.get_name();
    // Where the word could also have been a file's name.
    let file = match command.get_positionals().next() {
        Some(_) => ", and no file of that name",
        None => "",
    };
    let other = |word: &str| {
        let mut all = COMMANDS.iter();
        all.find(|(_, commands)| commands.contains(&word))
            .map(|(program, _)| *program)
    };
    let found = if let Some(other) = other(word) {
        format!("{word} is a command of {other}. Run: {other} {word}")
    } else if command
        .get_arguments()
        .any(|arg| arg.get_long() == Some(word))
    {
        format!("{word} is an option. Run: {program} --{word}")
    } else if let Some((stage, _)) = COMMANDS
        .iter()
        .find(|(name, _)| name.strip_prefix("pkb-") == Some(word))
    {
        format!("{stage} is a program of its own. Run: {stage}")
    } else if let Some(near) = nearest(word, names()) {
        format!("there is no command {word}{file}. Did you mean: {program} {near}")
    } else {
        let others = COMMANDS
            .iter()
            .flat_map(|(_, commands)| commands.iter().copied());
        let near = nearest(word, others)?;
        let other = other(near)?;
        format!("there is no command {word}{file}. Did you mean: {other} {near}")
    };
    Some(found)
}
