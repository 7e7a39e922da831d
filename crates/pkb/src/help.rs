//! `pkb help`: the guide on a terminal. Help of a command (`pkb help verify`) is clap's.

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use clap::CommandFactory as _;
use pkb_cli::progress::tell;
use pkb_core::ExitCode;
use pkb_files::nearest::nearest;

use crate::args::Args;

/// Answers `pkb help` and `pkb help TOPIC`. `None` if something else was asked for.
pub fn asked_for(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if words.next()? != "help" {
        return None;
    }
    let Some(word) = words.next() else {
        return Some(print(&all()));
    };
    let word = word.to_string_lossy();
    if word.starts_with('-') || is_command(&word) || words.next().is_some() {
        return None;
    }
    if let Some(topic) = pkb_docs::find(&word) {
        return Some(print(&topic.text()));
    }
    tell(format!("pkb: {}", unknown(&word)));
    Some(ExitCode::Usage)
}

/// Commands and topics, and how to see one.
fn all() -> String {
    let mut command = Args::command();
    let commands = command.render_help().to_string();
    let commands = commands
        .split("\n\n")
        .find(|part| part.starts_with("Commands:"));
    format!(
        "pkb help COMMAND shows the options of a command, pkb help TOPIC a page of the guide.\n\n{}\n\n{}",
        commands.unwrap_or_default(),
        pkb_docs::list().trim_end().to_owned() + "\n"
    )
}

fn is_command(word: &str) -> bool {
    let of_all = ["config", "man", "completions", "help"];
    of_all.contains(&word) || Args::command().find_subcommand(word).is_some()
}

fn unknown(word: &str) -> String {
    let topics = pkb_docs::SECTIONS.iter().flat_map(|section| section.topics);
    let command = Args::command();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let names: Vec<&str> = topics.map(|topic| topic.name).chain(commands).collect();
    match nearest(word, names.into_iter()) {
        Some(near) => format!("there is no topic {word}. Did you mean: pkb help {near}"),
        None => format!("there is no topic {word}. To list all topics: pkb help"),
    }
}

/// Prints a text. A reader that has seen enough (`| head`) is content.
fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(format!("pkb: cannot write to standard output: {error}"));
            ExitCode::Io
        }
        _ => ExitCode::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Option<ExitCode> {
        asked_for(words.iter().map(OsString::from))
    }

    #[test]
    fn no_topic_has_the_name_of_a_command() {
        for topic in pkb_docs::SECTIONS.iter().flat_map(|section| section.topics) {
            assert!(!is_command(topic.name), "{}", topic.name);
        }
    }

    #[test]
    fn help_of_commands_and_options_is_left_to_the_command_line() {
        for words in [
            &[][..],
            &["verify"],
            &["help", "verify"],
            &["help", "trace", "apply"],
            &["help", "--help"],
        ] {
            assert_eq!(asked(words), None, "{words:?}");
        }
    }

    #[test]
    fn an_unknown_topic_is_answered_with_a_near_one_or_the_list() {
        assert!(unknown("exit-code").ends_with("pkb help exit-codes"));
        assert!(unknown("verfy").ends_with("pkb help verify"));
        assert!(unknown("zzzzzzzz").ends_with("pkb help"));
    }

    #[test]
    fn all_commands_and_topics_are_listed() {
        let all = all();
        for name in ["verify", "exit-codes", "lost-files", "data-protection"] {
            assert!(
                all.lines().any(|line| line.trim_start().starts_with(name)),
                "{name}: {all}"
            );
        }
    }
}
