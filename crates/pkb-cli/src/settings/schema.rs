//! What may stand in a settings file: worked out from the options of the programs, so that a new option is a setting
//! by itself.

use clap::{Arg, Args, Command};

use super::{
    commands,
    file::{FileProblem, FileTable},
    option::{is_list, is_setting, is_switch, key, why_not},
    secrets, value,
};
use crate::args::{ApiArgs, NotifyArgs, PkbArgs, STREAM};
use pkb_files::nearest::nearest;

/// The table of the program pkb: `[pkb]` has what is said of PKB to all programs.
const CAMPAIGN: &str = "campaign";

/// Tables of the programs. A program knows its own options only: another's table is for that one to check.
pub const PROGRAMS: [&str; 6] = [
    "upload", "resolve", "tokens", "letters", "notify", "campaign",
];

/// The tables that a program knows.
pub(super) struct Schema {
    /// Options that several programs have and that should be the same for all: `[pkb]`, and of `[notify]` what `pkb doctor` also
    /// needs.
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

    /// As in the file: `[notify.sms]`.
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

    /// The tables that programs share, and that no program has as its own.
    pub(super) fn shared(&self) -> impl Iterator<Item = &SchemaTable> {
        let is_own = |table: &&SchemaTable| PROGRAMS.contains(&table.name[0].as_str());
        self.shared.iter().filter(move |table| !is_own(table))
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
        if let Some(shared) = self.shared_by(arg)
            && !tables.contains(&shared.name)
        {
            tables.push(shared.name.clone());
        }
        tables
    }

    /// Everything that is wrong with a table of the file.
    pub(super) fn check(&self, table: &FileTable) -> Vec<FileProblem> {
        let name: Vec<&str> = table.name.iter().map(String::as_str).collect();
        let own = self.own[0].name[0].as_str();
        match name.first() {
            None => return self.check_above_tables(table),
            // Another program's: it looks at it itself.
            Some(first) if PROGRAMS.contains(first) && *first != own => return Vec::new(),
            Some(_) => {}
        }
        let mut tables = self.own.iter().chain(&self.shared);
        let Some(known) = tables.find(|known| known.name == name) else {
            return vec![self.unknown_table(table)];
        };
        let mut problems = Vec::new();
        for entry in &table.entries {
            let what = match known.setting(&entry.key) {
                Some(arg) => value::check(arg, &entry.value),
                None => Err(self.why_not(known, &entry.key)),
            };
            problems.extend(what.err().map(|what| FileProblem {
                line: entry.line,
                what: format!("{} {} {what}", known.header(), entry.key),
            }));
        }
        problems
    }

    /// Settings above the first header belong to nobody.
    fn check_above_tables(&self, table: &FileTable) -> Vec<FileProblem> {
        table
            .entries
            .iter()
            .map(|entry| {
                let what = secrets::where_to_put(&entry.key).unwrap_or_else(|| {
                    match self
                        .tables()
                        .find(|table| table.setting(&entry.key).is_some())
                    {
                        Some(table) => format!("is above all tables. Move it below {}", table.header()),
                        None => format!(
                            "is above all tables. Move it below the table of its program, such as {}",
                            self.own[0].header()
                        ),
                    }
                });
                FileProblem {
                    line: entry.line,
                    what: format!("{} {what}", entry.key),
                }
            })
            .collect()
    }

    fn unknown_table(&self, table: &FileTable) -> FileProblem {
        let name = table.name.join(".");
        let mut known: Vec<String> = self.tables().map(|table| table.name.join(".")).collect();
        known.extend(PROGRAMS.map(str::to_owned));
        let hint = match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!(". Did you mean [{near}]?"),
            None => {
                known.retain(|table| !table.contains('.'));
                known.sort_unstable();
                known.dedup();
                format!(". The tables are [{}]", known.join("], ["))
            }
        };
        FileProblem {
            line: table.line,
            what: format!("[{name}] does not exist{hint}"),
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
                Some(why) => return why.to_owned(),
                None if arg.get_long().is_none() => {
                    return "is not a setting. Give it on the command line".into();
                }
                // With hyphens instead.
                None => {}
            }
        }
        let mut elsewhere = self.tables().filter(|other| other.name != table.name);
        if let Some(other) = elsewhere.find(|other| other.setting(wrong).is_some()) {
            return format!("is in the wrong table. Move it below {}", other.header());
        }
        let keys: Vec<String> = table.settings().map(key).collect();
        match nearest(&wrong.replace('-', "_"), keys.iter().map(String::as_str)) {
            Some(near) => format!("does not exist. Did you mean {near}?"),
            None => "does not exist. To print all settings: config --toml".into(),
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
    for subcommand in command.get_subcommands() {
        if name.len() == 1 && commands::OURS.contains(&subcommand.get_name()) {
            continue;
        }
        let mut name = name.clone();
        name.push(subcommand.get_name().to_owned());
        walk(subcommand, name, tables);
    }
    let below = tables[at + 1..].iter().flat_map(|table| &table.args);
    let mut subcommands: Vec<Arg> = below.cloned().collect();
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
