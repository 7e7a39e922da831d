//! `config --toml`: a settings file with everything in it, as comments.

use std::{fmt::Write as _, process::Command as Process};

use clap::Arg;

use super::{
    option::{is_list, is_setting, is_switch, key},
    resolve::Sources,
    schema::{PROGRAMS, SchemaTable, program_of, table_of},
};

const HEAD: &str = "# Settings of pkb-upload, pkb-resolve, pkb-tokens, pkb-letters, pkb-notify and pkb. Each program reads pkb.toml in the \
 folder in which it is\n# started, or the file that --settings or PKB_SETTINGS names. An option on the command line comes \
 first, then the environment, then this file,\n# then the default.\n# Settings below [pkb] are for all programs. To set one \
 for one program only, write it below that program's table.\n# A setting has the name of its option without --, and with _ \
 instead of -. Paths start in the folder in which a program is started.\n# No secret may be in this file. A secret has a \
 file of its own, with mode 0600, and client_secret_file names it.\n# To set something, delete the # before it. Each line \
 shows the default, or what the value must be.\n";

/// The file: what programs share and what each has of its own, or (`own`) this program's part alone.
pub(super) fn text(sources: &Sources, own: bool) -> String {
    let mut text = String::new();
    if own {
        write_own(sources, &mut text);
        return text;
    }
    text.push_str(HEAD);
    for table in sources.schema.shared() {
        write_table(table, table.settings(), &mut text);
    }
    for program in PROGRAMS {
        if program == table_of(&sources.program) {
            write_own(sources, &mut text);
        } else {
            text.push_str(&of_another(program));
        }
    }
    text
}

fn write_own(sources: &Sources, text: &mut String) {
    for table in sources.schema.own() {
        // What is set above or for all programs need not be set again.
        let settings: Vec<&Arg> = table
            .settings()
            .filter(|arg| sources.schema.tables_for(&table.name, arg).len() == 1)
            .collect();
        if table.name.len() == 1 || !settings.is_empty() {
            write_table(table, settings.into_iter(), text);
        }
    }
}

/// Another program's part, from itself: only it knows its options. It is installed beside this one.
fn of_another(program: &str) -> String {
    let name = program_of(program);
    let printed = std::env::current_exe().ok().and_then(|own| {
        let mut process = Process::new(own.with_file_name(&name));
        let output = process.args(["config", "--toml=own"]).output().ok()?;
        String::from_utf8(output.stdout)
            .ok()
            .filter(|_| output.status.success())
    });
    printed.unwrap_or_else(|| {
        format!("\n# [{program}]: {name} is not installed beside this program. To print its settings: {name} config --toml\n")
    })
}

fn write_table<'a>(
    table: &SchemaTable,
    settings: impl Iterator<Item = &'a Arg>,
    text: &mut String,
) {
    let _ = writeln!(text, "\n{}", table.header());
    if let Some(about) = &table.about
        && table.name.len() > 1
    {
        let _ = writeln!(text, "# {about}");
    }
    for arg in settings.filter(|arg| is_setting(arg)) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|_| !is_switch(arg))
            .map(|value| value.get_name().to_owned())
            .collect();
        let _ = writeln!(text, "\n# {}", help.replace('\n', " "));
        if !values.is_empty() {
            let _ = writeln!(text, "# One of: {}", values.join(", "));
        }
        if let Some(variable) = arg.get_env() {
            let _ = writeln!(text, "# Environment: {}", variable.display());
        }
        let _ = writeln!(text, "#{} = {}", key(arg), example(arg));
    }
}

/// The default, or the name of what there may be.
fn example(arg: &Arg) -> String {
    if is_switch(arg) {
        return "false".into();
    }
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let text = match arg.get_default_values() {
        [] => arg.get_value_names().unwrap_or_default().join(" "),
        values => {
            let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
            values.join(",")
        }
    };
    if text.parse::<u32>().is_ok() {
        text
    } else if is_list(arg) {
        format!("[{}]", quoted(&text))
    } else {
        quoted(&text)
    }
}
