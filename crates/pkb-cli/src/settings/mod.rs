//! Settings: every option of every program may also stand in `pkb.toml`. Flags beat environment variables, those beat
//! the file, and that the defaults.
//!
//! It works on clap's [`Command`], so no stage has code for it and a new option is a setting by itself: what the file
//! says becomes arguments, as if they had been typed. So an option that needs another is content with one from the
//! file, a required one may come from there, and whatever an option's own parser refuses is refused here.
//!
//! * `file`: what stands in the file, with lines; `schema`: what may; `value`: the one as the other.
//! * `commands`: what every program has besides its work; `explain`: `config`; `skeleton`: `config --toml`;
//!   `pages`: manual pages and completions.
//! * `on_terminal`: patient data are not shown on terminals unasked.
//! * `addresses`: of the file and of the environment, which must not be of a campaign and of a rehearsal.
//! * `secrets`: where they go, since they do not go here.
//!
//! Paths are taken as on the command line: from the current folder, where `pkb.toml` is looked for.

mod addresses;
mod commands;
mod explain;
mod file;
mod on_terminal;
mod pages;
mod schema;
mod secrets;
mod skeleton;
#[cfg(test)]
mod tests;
mod value;

use std::{
    ffi::OsString,
    fmt::Write as _,
    num::ParseIntError,
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgMatches, Command, Id, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

pub use schema::{PROGRAMS, program_of};

use self::{file::SettingsFile, schema::Schema};
use pkb_core::Fatal;
use pkb_files::nearest::nearest;

/// Something wrong in the file.
#[derive(Debug)]
struct Problem {
    line: usize,
    what: String,
}

/// What the program does instead of its work.
#[derive(Debug)]
pub enum Instead {
    /// Help and version, or what clap has against the command line, and what to say of it besides.
    Clap(clap::Error, Vec<String>),
    /// A text that was asked for.
    Print(String),
    /// It stops.
    Stop(Fatal),
}

impl From<Fatal> for Instead {
    fn from(fatal: Fatal) -> Self {
        Self::Stop(fatal)
    }
}

impl From<clap::Error> for Instead {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error, Vec::new())
    }
}

/// A program's arguments and where they come from.
struct Sources {
    program: String,
    command: Command,
    schema: Schema,
}

/// What a command line comes to.
struct Resolved {
    matches: ArgMatches,
    /// The command: `["letters", "sms", "send"]`.
    path: Vec<String>,
    file: Option<PathBuf>,
    from_file: Vec<FromFile>,
    /// What must not be together, of the file and of what is nearer. Shown settings are shown all the same.
    clash: Option<Fatal>,
}

/// A setting that is taken from the file.
struct FromFile {
    id: Id,
    long: String,
    line: usize,
    arguments: Vec<OsString>,
}

/// The arguments of `program`, from the command line `line` (the program's name first), the environment and the
/// settings file.
///
/// # Errors
/// What the program does instead of its work.
pub fn arguments<A: Parser>(program: &str, line: Vec<OsString>) -> Result<A, Instead> {
    let sources = Sources::new(program, A::command());
    let first = sources.look(&line)?;
    match first.subcommand() {
        Some(("config", asked)) => return Err(explain::config(&sources, asked)),
        Some(("man", asked)) => return Err(pages::man(&sources, asked)),
        Some(("completions", asked)) => return Err(pages::completions(&sources, asked)),
        _ => {}
    }
    let mut resolved = sources.resolve(&sources.command, &first, line)?;
    if let Some(clash) = resolved.clash {
        return Err(clash.into());
    }
    let (mut leaf, mut matches) = (&sources.command, &resolved.matches);
    while let Some((name, inner)) = matches.subcommand()
        && let Some(subcommand) = leaf.find_subcommand(name)
    {
        (leaf, matches) = (subcommand, inner);
    }
    on_terminal::refuse(leaf, matches)?;
    A::from_arg_matches_mut(&mut resolved.matches)
        .map_err(|error| error.format(&mut sources.command.clone()).into())
}

impl Sources {
    fn new(program: &str, command: Command) -> Self {
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
    fn look(&self, line: &[OsString]) -> Result<ArgMatches, clap::Error> {
        let command = relaxed(commands::with_switches_off(self.command.clone()));
        command.ignore_errors(true).try_get_matches_from(line)
    }

    /// Reads the file and puts what it says to what `first` has found. `command` are the arguments that are to hold.
    fn resolve(
        &self,
        command: &Command,
        first: &ArgMatches,
        line: Vec<OsString>,
    ) -> Result<Resolved, Instead> {
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
        let matches = command
            .try_get_matches_from(&line)
            .map_err(|error| self.explained(error, &line, &from_file, &file))?;
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
            1 => format!("{name} is not in order:"),
            several => format!("{name} is not in order, in {several} places:"),
        };
        for Problem { line, what } in problems {
            let _ = write!(text, "\n  line {line}: {what}");
        }
        Err(Fatal::Usage(text))
    }

    /// Clap's error, with what it cannot know: which of the options that it names are not on the command line at all, and
    /// what was probably meant.
    fn explained(
        &self,
        error: clap::Error,
        line: &[OsString],
        from_file: &[FromFile],
        file: &SettingsFile,
    ) -> Instead {
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
            notes.extend(meant_command(&self.command, line));
            notes.extend(about_a_value(&error, self.leaf(line)));
        }
        Instead::Clap(error, notes)
    }

    /// The command that a line asks for, as far as its words say.
    fn leaf(&self, line: &[OsString]) -> &Command {
        let words = line.iter().skip(1).map_while(|word| word.to_str());
        let mut leaf = &self.command;
        for word in words {
            match leaf.find_subcommand(word) {
                Some(subcommand) => leaf = subcommand,
                None => break,
            }
        }
        leaf
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
        for arg in leaf.get_arguments().filter(|arg| schema::is_setting(arg)) {
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
            let key = schema::key(arg);
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

impl SettingsFile {
    /// What it is called in messages.
    fn name(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string())
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
fn relaxed(command: Command) -> Command {
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
