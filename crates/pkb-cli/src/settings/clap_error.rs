//! Clap's errors in our words: what is wrong, and what to do. Nothing else, because a page of usage hides both.

use std::ffi::OsString;

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{
    early_exit::EarlyExit,
    file::{FromFile, SettingsFile},
    must::must,
    secrets,
};

/// Clap's error as the operator reads it, with what clap cannot know: which of the options that it names are not on the command
/// line at all.
pub(super) fn explained(
    error: clap::Error,
    command: &Command,
    line: &[OsString],
    from_file: &[FromFile],
    file: &SettingsFile,
) -> EarlyExit {
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !error.use_stderr() {
        return EarlyExit::Clap(error);
    }
    let names = named_options(&error);
    let set = from_file.iter().filter(|one| !one.arguments.is_empty());
    let set = set.filter(|one| names.iter().any(|name| *name == format!("--{}", one.long)));
    let (leaf, name) = leaf(command, line);
    let example = leaf.get_before_help().map(ToString::to_string);
    let example = example.and_then(|text| Some(text.lines().nth(1)?.trim().to_owned()));
    let mut lines = vec![match secret_in_argument(&error) {
        Some(secret) => secret,
        None => what_is_wrong(&error, leaf, example.as_deref()),
    }];
    lines.extend(set.map(|one| {
        let FromFile { long, line, .. } = one;
        format!(
            "--{long} is set in {}, line {line}. To leave it out: --no-{long}",
            file.name()
        )
    }));
    lines.push(format!("All options: {name} --help"));
    EarlyExit::Usage(lines.join("\n"))
}

/// The options that an error names, without their values: `--journal`.
fn named_options(error: &clap::Error) -> Vec<String> {
    [ContextKind::InvalidArg, ContextKind::PriorArg]
        .iter()
        .flat_map(|kind| texts(error, *kind))
        .map(|text| option_of(&text).to_owned())
        .collect()
}

/// `--rate` of `--rate <N>` and of `--rate=5`.
fn option_of(text: &str) -> &str {
    text.split([' ', '=']).next().unwrap_or(text)
}

/// The option with what it takes: `-o, --output <FILE>` without its short form.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![long_form(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(|text| long_form(text)).collect(),
        _ => Vec::new(),
    }
}

fn long_form(text: &str) -> String {
    let after = text.find(", --").map(|at| &text[at + 2..]);
    after.unwrap_or(text).to_owned()
}

/// What is wrong, and what to do; `example` is a command line of this command.
fn what_is_wrong(error: &clap::Error, command: &Command, example: Option<&str>) -> String {
    let invalid = texts(error, ContextKind::InvalidArg);
    let option = invalid.first().map_or("", |text| option_of(text));
    let value = texts(error, ContextKind::InvalidValue).concat();
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_argument(error, command, option),
        ErrorKind::InvalidValue if value.is_empty() && !invalid.is_empty() => {
            format!("{option} needs a value: {}", invalid.concat())
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let must = must(error);
            let (must, near) = must
                .split_once(". Did")
                .map_or((must.as_str(), String::new()), |(must, near)| {
                    (must, format!(". Did{near}"))
                });
            format!("{option} {must} (found \"{value}\"){near}")
        }
        ErrorKind::MissingRequiredArgument => {
            let are = if invalid.len() == 1 { "is" } else { "are" };
            let example = example.map(|example| format!(". Example: {example}"));
            format!(
                "{} {are} missing{}",
                invalid.join(" and "),
                example.unwrap_or_default()
            )
        }
        ErrorKind::ArgumentConflict if error.get(ContextKind::InvalidSubcommand).is_some() => {
            one_too_many(&texts(error, ContextKind::InvalidSubcommand).concat())
        }
        ErrorKind::ArgumentConflict if !texts(error, ContextKind::PriorArg).is_empty() => {
            let prior = texts(error, ContextKind::PriorArg);
            let prior: Vec<&str> = prior.iter().map(|text| option_of(text)).collect();
            format!(
                "{option} cannot be used with {}. Leave out one of them",
                prior.join(" and ")
            )
        }
        ErrorKind::InvalidSubcommand => {
            let word = texts(error, ContextKind::InvalidSubcommand).concat();
            match texts(error, ContextKind::SuggestedSubcommand).last() {
                Some(near) => format!("there is no command {word}. Did you mean {near}?"),
                None => format!("there is no command {word}"),
            }
        }
        _ => trimmed(error),
    }
}

fn one_too_many(word: &str) -> String {
    format!(
        "\"{word}\" is one argument too many. Write commas between several values of an option: 812,2040"
    )
}

/// The same option, or one that begins with it, of a command of `command`: `pkb-upload check --problems`.
fn of_a_subcommand(command: &Command, option: &str) -> Option<String> {
    let long = option.strip_prefix("--").filter(|long| long.len() > 2)?;
    let begins = |name: &str| name.starts_with(long);
    let own = |arg: &clap::Arg| arg.get_long().is_some_and(begins);
    if command.get_arguments().any(own) {
        return None;
    }
    command.get_subcommands().find_map(|subcommand| {
        let arg = subcommand.get_arguments().find(|arg| own(arg))?;
        let (command, subcommand) = (command.get_name(), subcommand.get_name());
        Some(format!("{command} {subcommand} --{}", arg.get_long()?))
    })
}

fn unknown_argument(error: &clap::Error, command: &Command, option: &str) -> String {
    if !option.starts_with('-') {
        return one_too_many(option);
    }
    if let Some(other) = of_a_subcommand(command, option) {
        return format!(
            "there is no option {option} of {}. Did you mean: {other}",
            command.get_name()
        );
    }
    match texts(error, ContextKind::SuggestedArg).first() {
        Some(near) => format!(
            "there is no option {option}. Did you mean {}?",
            option_of(near)
        ),
        None => format!("there is no option {option}"),
    }
}

/// What clap says, without its pages.
fn trimmed(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text
        .split("\n\nFor more information")
        .next()
        .unwrap_or_default();
    text.trim_start_matches("error: ").trim_end().to_owned()
}

/// The command that a line asks for, as far as its words say: `pkb-notify sms send`.
fn leaf<'a>(command: &'a Command, line: &[OsString]) -> (&'a Command, String) {
    let words = line.iter().skip(1).map_while(|word| word.to_str());
    let (mut leaf, mut name) = (command, command.get_name().to_owned());
    for word in words {
        match leaf.find_subcommand(word) {
            Some(subcommand) => leaf = subcommand,
            None => break,
        }
        name = format!("{name} {word}");
    }
    (leaf, name)
}

/// What to say to somebody who has typed a secret.
fn secret_in_argument(error: &clap::Error) -> Option<String> {
    let invalid = texts(error, ContextKind::InvalidArg);
    let name = option_of(invalid.first()?);
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let option = secrets::file_option(name.strip_prefix("--").filter(|_| is_unknown)?)?;
    Some(format!(
        "there is no option {name}, because every user of this machine can read arguments. What to do: put the secret into a file of \
         its own with mode 0600, and name the file with --{option}.\nIf you typed the real secret, remove it from the shell's history"
    ))
}
