//! What help shows. `-h`: the options that people use daily, one line for each. `--help`: everything, in groups. Both begin
//! with examples. The rules are here, so that an option says nothing about it beyond its heading and its words: the first
//! paragraph is its line in `-h`.

use std::{any::TypeId, ffi::OsString, time::Duration};

use clap::{Arg, ArgAction, Command, builder::StyledStr};
use pkb_core::ExitCode;

use crate::args::DAILY;

const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}{all-args}{after-help}";

/// Widest help of an option in `-h`, with its default and values.
const LINE: usize = 64;

/// The whole command with what all help has: examples first, exit codes last.
pub(super) fn shaped(command: Command) -> Command {
    let command = with_examples_first(command);
    command.after_long_help(exit_codes())
}

fn with_examples_first(command: Command) -> Command {
    let after = command.get_after_help().cloned();
    let command = match after {
        Some(examples) => command.before_help(examples).after_help(StyledStr::new()),
        None => command,
    };
    command
        .help_template(TEMPLATE)
        .mut_args(with_unit)
        .mut_subcommands(with_examples_first)
}

/// Whether a command line asks for `-h`.
pub(super) fn is_short(line: &[OsString]) -> bool {
    let mut options = line.iter().skip(1).take_while(|word| *word != "--");
    options.any(|word| word == "-h")
}

/// The command as `-h` shows it.
pub(super) fn short(command: Command) -> Command {
    let hidden = hidden_headings(&command);
    let command = command
        .mut_args(|arg| match is_daily(&arg) {
            true => one_line(arg),
            false => arg.hide_short_help(true),
        })
        .mut_subcommands(short);
    match hidden.is_empty() {
        true => command,
        false => command.after_help(format!("More options, in --help: {}", hidden.join(", "))),
    }
}

fn is_daily(arg: &Arg) -> bool {
    arg.get_help_heading()
        .is_none_or(|heading| DAILY.contains(&heading))
}

/// Groups that only `--help` has, in their order.
fn hidden_headings(command: &Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut headings: Vec<String> = Vec::new();
    for heading in shown
        .filter(|arg| !is_daily(arg))
        .filter_map(Arg::get_help_heading)
    {
        if !headings.iter().any(|known| known == heading) {
            headings.push(heading.to_owned());
        }
    }
    headings
}

/// An option with its default and its values on one line, as far as there is room.
fn one_line(arg: Arg) -> Arg {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let Some(help) = arg.get_help().filter(|_| takes_value) else {
        return arg.hide_env(true);
    };
    let mut help = help.to_string();
    // The first of these for which there is room.
    let mut add = |more: &[String]| {
        let length = help.chars().count();
        let fits = more
            .iter()
            .find(|more| length + more.chars().count() <= LINE);
        help.push_str(fits.map_or("", |more| more));
    };
    let values = arg.get_possible_values();
    let names: Vec<&str> = (values.iter().filter(|value| !value.is_hide_set()))
        .map(|value| value.get_name())
        .collect();
    if !names.is_empty() && !arg.is_hide_possible_values_set() {
        add(&[format!(": {}", names.join(", "))]);
    }
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() {
        add(&[
            format!(" [default: {}]", defaults.join(",")),
            format!(" [{}]", defaults.join(",")),
        ]);
    }
    arg.help(help)
        .hide_possible_values(true)
        .hide_default_value(true)
        .hide_env(true)
}

/// A length of time with the unit that a number alone has.
fn with_unit(arg: Arg) -> Arg {
    let Some(sentence) = unit_sentence(&arg) else {
        return arg;
    };
    let text = arg.get_long_help().or(arg.get_help());
    let text = text.map(ToString::to_string).unwrap_or_default();
    arg.long_help(format!("{text}\n\n{sentence}"))
}

fn unit_sentence(arg: &Arg) -> Option<&'static str> {
    if arg.get_value_names()?.first()?.as_str() == "DAYS" {
        return Some("Whole days: 14 or 14d");
    }
    if arg.get_value_parser().type_id() != TypeId::of::<Duration>() {
        return None;
    }
    let alone = Command::new("unit").no_binary_name(true).arg(
        Arg::new("time")
            .long("time")
            .value_parser(arg.get_value_parser().clone()),
    );
    let matches = alone.try_get_matches_from(["--time=1"]).ok()?;
    match matches.get_one::<Duration>("time")?.as_secs() {
        1 => Some("Such as 90s, 5m or 2h. A number alone is seconds"),
        60 => Some("Such as 90s, 5m or 2h. A number alone is minutes"),
        3_600 => Some("Such as 30m, 12h or 2d. A number alone is hours"),
        _ => Some("Such as 36h or 7d. A number alone is days"),
    }
}

/// What the program ends with, for `--help`.
fn exit_codes() -> String {
    let lines = ExitCode::TABLE
        .iter()
        .map(|(code, words)| format!("\n  {:>3}  {words}", code.code()));
    format!("Exit codes:{}", lines.collect::<String>())
}
