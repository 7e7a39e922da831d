//! What may stand in a settings file: worked out from the options of the programs, so that a new option is a setting
//! by itself.

use clap::{Arg, ArgAction, Args, Command};

use super::{Problem, commands, file::Table, secrets, value};
use crate::args::{ApiArgs, ConcurrencyArgs, NotifyArgs, ONCE, PkbArgs, STREAM};
use pkb_files::nearest::nearest;

/// The table of the program pkb: `[pkb]` has what is said of PKB to all programs.
const CAMPAIGN: &str = "campaign";

/// Tables of the programs. A program knows its own options only: another's table is for that one to check.
pub const PROGRAMS: [&str; 5] = ["upload", "resolve", "tokens", "letters", "campaign"];

/// The tables that a program knows.
pub(super) struct Schema {
    /// Options that several programs have and that should be the same for all: `[pkb]`, `[notify]`.
    shared: Vec<SchemaTable>,
    /// The program's own, one for each of its commands; the program's itself comes first.
    own: Vec<SchemaTable>,
}

/// A table and what may stand in it.
#[derive(Clone)]
pub(super) struct SchemaTable {
    pub(super) name: Vec<String>,
    pub(super) about: Option<String>,
    /// Options of the command, also those that are no settings.
    args: Vec<Arg>,
    /// Has subcommands and no options of its own: what stands in its table is for the subcommands that have it.
    is_group: bool,
}

/// The key of an option: its long name, with `_`.
pub(super) fn key(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().replace('-', "_")
}

/// Whether an option can stand in a settings file.
pub(super) fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && why_not(arg).is_none()
}

/// Why an option cannot stand in a settings file.
fn why_not(arg: &Arg) -> Option<&'static str> {
    if arg.get_help_heading() == Some(ONCE) {
        return Some(
            "is for one run: in a file it would hold for every run; give it on the command line",
        );
    }
    if arg.is_hide_set() {
        return Some("is for tests and rehearsals; give it on the command line");
    }
    let is_ours = commands::is_ours(arg);
    let informs = !matches!(
        arg.get_action(),
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue
    );
    (is_ours || informs).then_some("is for the command line only")
}

impl SchemaTable {
    fn new(name: Vec<String>, command: &Command) -> Self {
        Self {
            name,
            about: command.get_about().map(ToString::to_string),
            args: command.get_arguments().cloned().collect(),
            is_group: false,
        }
    }

    fn shared<A: Args>(name: &str) -> Self {
        Self::new(vec![name.into()], &A::augment_args(Command::new("shared")))
    }

    /// The options that may stand here.
    pub(super) fn settings(&self) -> impl Iterator<Item = &Arg> {
        self.args.iter().filter(|arg| is_setting(arg))
    }

    fn setting(&self, wanted: &str) -> Option<&Arg> {
        self.settings().find(|arg| key(arg) == wanted)
    }

    /// As in the file: `[letters.sms]`.
    pub(super) fn header(&self) -> String {
        format!("[{}]", self.name.join("."))
    }
}

/// How PKB is reached, whatever it is asked for.
#[derive(Args)]
struct SharedPkbArgs {
    #[command(flatten)]
    _pkb: PkbArgs,
    #[command(flatten)]
    _api: ApiArgs,
    #[command(flatten)]
    _concurrency: ConcurrencyArgs,
}

impl Schema {
    /// The tables that `program`, whose arguments are `command`, knows.
    pub(super) fn new(program: &str, command: &Command) -> Self {
        let mut own = Vec::new();
        walk(command, vec![table_of(program).to_owned()], &mut own);
        Self {
            shared: vec![
                SchemaTable::shared::<SharedPkbArgs>("pkb"),
                SchemaTable::shared::<NotifyArgs>("notify"),
            ],
            own,
        }
    }

    /// The tables, with those first that programs share.
    pub(super) fn tables(&self) -> impl Iterator<Item = &SchemaTable> {
        self.shared.iter().chain(&self.own)
    }

    /// The tables that programs share.
    pub(super) fn shared(&self) -> impl Iterator<Item = &SchemaTable> {
        self.shared.iter()
    }

    /// The program's own tables.
    pub(super) fn own(&self) -> impl Iterator<Item = &SchemaTable> {
        self.own.iter()
    }

    /// The table that an option of the command `path` is in by nature: a shared one, or the command's own.
    pub(super) fn home(&self, path: &[String], arg: &Arg) -> String {
        self.shared_by(arg)
            .map_or_else(|| format!("[{}]", path.join(".")), SchemaTable::header)
    }

    fn shared_by(&self, arg: &Arg) -> Option<&SchemaTable> {
        self.shared.iter().find(|table| {
            table.args.iter().any(|shared| {
                shared.get_id() == arg.get_id()
                    && shared.get_help_heading() == arg.get_help_heading()
            })
        })
    }

    /// The tables from which the command `path` takes an option, the nearest first: its own, that of the command above
    /// it if that has the same option, and the one that all programs share.
    pub(super) fn tables_for(&self, path: &[String], arg: &Arg) -> Vec<Vec<String>> {
        let mut tables = vec![path.to_vec()];
        for length in (1..path.len()).rev() {
            let above = self.own.iter().find(|table| table.name == path[..length]);
            if above.is_some_and(|above| above.hands_down(arg)) {
                tables.push(path[..length].to_vec());
            }
        }
        tables.extend(self.shared_by(arg).map(|table| table.name.clone()));
        tables
    }

    /// Everything that is wrong with a table of the file.
    pub(super) fn check(&self, table: &Table) -> Vec<Problem> {
        let name: Vec<&str> = table.name.iter().map(String::as_str).collect();
        let Some(known) = self.tables().find(|known| known.name == name) else {
            return match name.first() {
                None => self.check_above_tables(table),
                // Another program's: it looks at it itself.
                Some(first) if PROGRAMS.contains(first) && *first != self.own[0].name[0] => {
                    Vec::new()
                }
                Some(_) => vec![self.unknown_table(table)],
            };
        };
        let mut problems = Vec::new();
        for entry in &table.entries {
            let what = match known.setting(&entry.key) {
                Some(arg) => value::check(arg, &entry.value),
                None => Err(self.why_not(known, &entry.key)),
            };
            problems.extend(what.err().map(|what| Problem {
                line: entry.line,
                what: format!("{} {}: {what}", known.header(), entry.key),
            }));
        }
        problems
    }

    /// Settings above the first header belong to nobody.
    fn check_above_tables(&self, table: &Table) -> Vec<Problem> {
        table
            .entries
            .iter()
            .map(|entry| {
                let what = secrets::where_to_put(&entry.key).unwrap_or_else(|| {
                    match self
                        .tables()
                        .find(|table| table.setting(&entry.key).is_some())
                    {
                        Some(table) => format!("write it below {}", table.header()),
                        None => format!(
                            "write it below the table of its program, such as {}",
                            self.own[0].header()
                        ),
                    }
                });
                Problem {
                    line: entry.line,
                    what: format!("{}: {what}", entry.key),
                }
            })
            .collect()
    }

    fn unknown_table(&self, table: &Table) -> Problem {
        let name = table.name.join(".");
        let mut known: Vec<String> = self.tables().map(|table| table.name.join(".")).collect();
        known.extend(PROGRAMS.map(str::to_owned));
        let hint = match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean [{near}]?"),
            None => {
                known.retain(|table| !table.contains('.'));
                known.sort_unstable();
                known.dedup();
                format!("; there are [{}]", known.join("], ["))
            }
        };
        Problem {
            line: table.line,
            what: format!("[{name}]: there is no such table{hint}"),
        }
    }

    /// Why `wrong` is not a setting in `table`, and what to do.
    fn why_not(&self, table: &SchemaTable, wrong: &str) -> String {
        if let Some(advice) = secrets::where_to_put(wrong) {
            return advice;
        }
        let dashed = wrong.replace('_', "-");
        let refused = |arg: &&Arg| {
            arg.get_long() == Some(&dashed)
                || (arg.get_long().is_none() && arg.get_id().as_str() == wrong)
        };
        if let Some(arg) = table.args.iter().find(refused) {
            match why_not(arg) {
                Some(why) => return format!("--{dashed} {why}"),
                None if arg.get_long().is_none() => {
                    return "what a command works on stands on the command line".into();
                }
                // With hyphens instead.
                None => {}
            }
        }
        let mut elsewhere = self.tables().filter(|other| other.name != table.name);
        if let Some(other) = elsewhere.find(|other| other.setting(wrong).is_some()) {
            return format!("not here: write it below {}", other.header());
        }
        let keys: Vec<String> = table.settings().map(key).collect();
        match nearest(&wrong.replace('-', "_"), keys.iter().map(String::as_str)) {
            Some(near) => format!("there is no such setting; did you mean {near}?"),
            None => "there is no such setting; `config --toml` prints all there are".into(),
        }
    }
}

impl SchemaTable {
    /// Whether a subcommand's option is the same as one here, so that what is set here holds there, too. Where a
    /// command reads and writes is never the same as for another.
    fn hands_down(&self, arg: &Arg) -> bool {
        let is_own = |arg: &Arg| arg.get_help_heading() == Some(STREAM) || arg.is_required_set();
        if self.is_group {
            return self.setting(&key(arg)).is_some();
        }
        self.setting(&key(arg)).is_some_and(|above| {
            above.get_value_names() == arg.get_value_names()
                && is_list(above) == is_list(arg)
                && is_switch(above) == is_switch(arg)
                && !is_own(above)
                && !is_own(arg)
        })
    }
}

fn walk(command: &Command, name: Vec<String>, tables: &mut Vec<SchemaTable>) {
    let at = tables.len();
    tables.push(SchemaTable::new(name.clone(), command));
    let mut subcommands = Vec::new();
    for subcommand in command.get_subcommands() {
        if name.len() == 1 && commands::OURS.contains(&subcommand.get_name()) {
            continue;
        }
        let mut name = name.clone();
        name.push(subcommand.get_name().to_owned());
        walk(subcommand, name, tables);
        subcommands.extend(subcommand.get_arguments().cloned());
    }
    if tables[at].settings().next().is_none() && !subcommands.is_empty() {
        subcommands.retain(|arg| arg.get_help_heading() != Some(STREAM));
        let mut seen = std::collections::HashSet::new();
        subcommands.retain(|arg| seen.insert(arg.get_id().clone()));
        tables[at].args = subcommands;
        tables[at].is_group = true;
    }
}

/// `upload` of `pkb-upload`.
pub fn table_of(program: &str) -> &str {
    program.strip_prefix("pkb-").unwrap_or(CAMPAIGN)
}

/// The program of a table.
pub fn program_of(table: &str) -> String {
    match table {
        CAMPAIGN => "pkb".to_owned(),
        _ => format!("pkb-{table}"),
    }
}

/// Whether an option may be given several times.
pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
        || arg
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1)
}

/// Whether an option is on or off.
pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}
