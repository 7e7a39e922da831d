//! What every program has besides its work: `--settings`, `config`, `man`, `completions`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::{
    help,
    option::{self, SETTINGS_FILE},
};
use crate::args::RUN;

/// The option that asks for more log.
const VERBOSE: &str = "verbose";

/// The subcommands.
pub(super) const OURS: [&str; 4] = ["config", "man", "completions", "help"];

/// The program's own arguments, with what every program has.
pub(super) fn add_to(command: Command) -> Command {
    let config = config(command.get_name());
    let command = command
        .args_conflicts_with_subcommands(true)
        .subcommand_negates_reqs(true)
        .arg(
            Arg::new(SETTINGS_FILE)
                .long("settings")
                .env("PKB_SETTINGS")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .global(true)
                .help_heading(RUN)
                .help("Read settings from FILE instead of pkb.toml in this folder"),
        )
        .arg(
            Arg::new(VERBOSE)
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help_heading(RUN)
                .help("Log more: -v says what happens, -vv and -vvv are for finding faults. No value of a patient is logged"),
        )
        .subcommands([config, man(), completions()]);
    help::shaped(command)
}

/// How often more log was asked for.
pub(super) fn verbose(matches: &ArgMatches) -> u8 {
    matches
        .try_get_one::<u8>(VERBOSE)
        .ok()
        .flatten()
        .copied()
        .unwrap_or_default()
}

fn config(program: &str) -> Command {
    Command::new("config")
        .about("Show the settings in force, and where each comes from")
        .long_about(
            "Show the settings in force, and where each comes from\n\n\
             An option on the command line comes first, then the environment, then the settings file (pkb.toml), then the default. What follows \
             `config` is read as a command line of this program. It is explained and not run. Secrets are not shown.",
        )
        .after_help(format!(
            "Examples:\n  {program} config\n  {program} config --toml > pkb.toml\n  {program} config --progress never"
        ))
        .arg(
            Arg::new("toml")
                .long("toml")
                .value_name("WHICH")
                .value_parser(["all", "own"])
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("all")
                .hide_possible_values(true)
                .help("Print a settings file with every setting as a comment, to edit"),
        )
        .arg(
            Arg::new("line")
                .value_name("ARGUMENTS")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(std::ffi::OsString))
                .help("A command line of this program to explain"),
        )
}

fn man() -> Command {
    Command::new("man")
        .about("Print the manual page, for man -l -")
        .hide(true)
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Write the pages of the program and its commands to DIR"),
        )
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print what a shell needs to complete this program's options")
        .hide(true)
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell)),
        )
}

/// The settings file that was named.
pub(super) fn named_file(matches: &clap::ArgMatches) -> Option<&PathBuf> {
    matches.get_one::<PathBuf>(SETTINGS_FILE)
}

/// The switch by which a command line sets aside what the file says: `--no-journal`.
pub(super) fn without(arg: &Arg) -> String {
    format!("without {}", arg.get_id())
}

/// The command with such a switch for each setting. They are left out of the help: one for each option would be half of it.
pub(super) fn with_switches_off(command: Command) -> Command {
    let mut switches = Vec::new();
    for arg in command
        .get_arguments()
        .filter(|arg| option::is_setting(arg))
    {
        let long = format!("no-{}", arg.get_long().unwrap_or_default());
        let is_taken = command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(&long));
        if !is_taken {
            switches.push(
                Arg::new(without(arg))
                    .long(long)
                    .action(ArgAction::SetTrue)
                    .hide(true),
            );
        }
    }
    command.args(switches).mut_subcommands(with_switches_off)
}
