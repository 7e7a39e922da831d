//! What a command line comes to, with the environment and the settings file.

use std::{ffi::OsString, fmt::Write as _, path::PathBuf};

use clap::{Arg, ArgMatches, Command, parser::ValueSource};
use pkb_core::Fatal;

use super::{
    addresses, clap_error, commands,
    early_exit::EarlyExit,
    file::{FileProblem, FromFile, SettingsFile},
    option,
    schema::{self, Schema},
    value,
};

/// A program's arguments and where they come from.
pub(super) struct Sources {
    pub(super) program: String,
    pub(super) command: Command,
    pub(super) schema: Schema,
}

/// What a command line comes to.
pub(super) struct Resolved {
    pub(super) matches: ArgMatches,
    /// The command: `["letters", "sms", "send"]`.
    pub(super) path: Vec<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) from_file: Vec<FromFile>,
    /// What must not be together, of the file and of what is nearer. Shown settings are shown all the same.
    pub(super) clash: Option<Fatal>,
}

impl Sources {
    pub(super) fn new(program: &str, command: Command) -> Self {
        let command = without_values(commands::add_to(command.name(program.to_owned())));
        let schema = Schema::new(program, &command);
        Self {
            program: program.to_owned(),
            command,
            schema,
        }
    }

    /// Which command is asked for and which of its options are given, whatever else may be wrong: that is said when
    /// the file has been read. Help is shown even where the file is broken.
    pub(super) fn look(&self, line: &[OsString]) -> Result<ArgMatches, clap::Error> {
        let command = relaxed(commands::with_switches_off(self.command.clone()));
        command.ignore_errors(true).try_get_matches_from(line)
    }

    /// Reads the file and puts what it says to what `first` has found. `command` are the arguments that are to hold.
    pub(super) fn resolve(
        &self,
        command: &Command,
        first: &ArgMatches,
        line: Vec<OsString>,
    ) -> Result<Resolved, EarlyExit> {
        let file = self.read_file(commands::named_file(first))?;
        let mut path = vec![schema::table_of(&self.program).to_owned()];
        let (mut leaf, mut matches) = (&self.command, first);
        while let Some((name, inner)) = matches.subcommand() {
            let Some(subcommand) = leaf.find_subcommand(name) else {
                break;
            };
            path.push(name.to_owned());
            (leaf, matches) = (subcommand, inner);
        }
        let (from_file, clash) = self.taken_from(&file, &path, leaf, matches);
        let line = with(line, &from_file);
        let command = commands::with_switches_off(command.clone());
        let matches = command.try_get_matches_from(&line).map_err(|error| {
            clap_error::explained(error, &self.command, &line, &from_file, &file)
        })?;
        Ok(Resolved {
            matches,
            path,
            file: file.path,
            from_file,
            clash,
        })
    }

    fn read_file(&self, named: Option<&PathBuf>) -> Result<SettingsFile, Fatal> {
        let (file, mut problems) = SettingsFile::open(named.map(PathBuf::as_path))?;
        for table in &file.tables {
            problems.extend(self.schema.check(table));
        }
        if problems.is_empty() {
            return Ok(file);
        }
        problems.sort_by_key(|problem| problem.line);
        let name = file.name();
        let mut text = match problems.len() {
            1 => format!("{name} has a mistake:"),
            several => format!("{name} has {several} mistakes:"),
        };
        for FileProblem { line, what } in problems {
            let _ = write!(text, "\n  line {line}: {what}");
        }
        Err(Fatal::Usage(text))
    }

    /// What the file says for the options of `leaf` that are not given otherwise, and what it must not say beside those that
    /// are.
    fn taken_from(
        &self,
        file: &SettingsFile,
        path: &[String],
        leaf: &Command,
        matches: &ArgMatches,
    ) -> (Vec<FromFile>, Option<Fatal>) {
        let given: Vec<&Arg> = leaf
            .get_arguments()
            .filter(|arg| is_given(arg, matches))
            .collect();
        let (mut found, mut clash) = (Vec::new(), None);
        for arg in leaf.get_arguments().filter(|arg| option::is_setting(arg)) {
            let id = arg.get_id();
            let set_aside = matches
                .try_get_one::<bool>(&commands::without(arg))
                .is_ok_and(|flag| flag == Some(&true));
            // What is nearer wins, also over a setting that does not go together with it.
            let gives_way = given.iter().any(|other| {
                other.get_id() == id || exclude(leaf, other, arg) || exclude(leaf, arg, other)
            });
            if set_aside {
                continue;
            }
            let key = option::key(arg);
            let tables = self.schema.tables_for(path, arg);
            let entry = tables.iter().find_map(|name| {
                let table = file.tables.iter().find(|table| table.name == *name)?;
                table.entries.iter().find(|entry| entry.key == key)
            });
            let Some(entry) = entry else { continue };
            if gives_way && is_given(arg, matches) {
                let checked = addresses::check(arg, matches, entry, &file.name());
                clash = clash.or(checked.err());
            }
            if gives_way {
                continue;
            }
            found.push(FromFile {
                id: id.clone(),
                long: arg.get_long().unwrap_or_default().to_owned(),
                line: entry.line,
                // It has been checked.
                arguments: value::arguments(arg, &entry.value).unwrap_or_default(),
            });
        }
        (found, clash)
    }
}

/// Whether an option is on the command line or in the environment. An empty variable is none.
fn is_given(arg: &Arg, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    match matches.value_source(id) {
        Some(ValueSource::CommandLine) => true,
        Some(ValueSource::EnvVariable) => matches
            .get_raw(id)
            .is_some_and(|mut values| values.any(|value| !value.is_empty())),
        _ => false,
    }
}

fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let conflicts = command.get_arg_conflicts_with(one);
    conflicts.iter().any(|arg| arg.get_id() == other.get_id())
}

/// The command with help that does not repeat what variables hold.
fn without_values(command: Command) -> Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(without_values)
}

/// The command with nothing required: to see what is there.
pub(super) fn relaxed(command: Command) -> Command {
    command
        .mut_args(|arg| arg.required(false))
        .subcommand_required(false)
        .arg_required_else_help(false)
        .mut_subcommands(relaxed)
}

/// The command line with what comes from the file, as options of the last command.
fn with(mut line: Vec<OsString>, from_file: &[FromFile]) -> Vec<OsString> {
    let end = line
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(line.len());
    let arguments = from_file.iter().flat_map(|one| one.arguments.clone());
    line.splice(end..end, arguments);
    line
}
