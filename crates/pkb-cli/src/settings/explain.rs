//! `config`: the settings in force, and where each comes from.

use std::{ffi::OsString, fmt::Write as _};

use clap::{Arg, ArgMatches, parser::ValueSource};

use super::{Instead, Resolved, Sources, relaxed, schema, secrets, skeleton};
use pkb_files::shown::shown;

/// A setting as it is shown.
struct Row {
    key: String,
    value: String,
    from: String,
}

/// Does what `config` was asked for.
pub(super) fn config(sources: &Sources, asked: &ArgMatches) -> Instead {
    if let Some(which) = asked.get_one::<String>("toml") {
        return Instead::Print(skeleton::text(sources, which == "own"));
    }
    let mut line = vec![OsString::from(&sources.program)];
    line.extend(
        asked
            .get_many::<OsString>("line")
            .unwrap_or_default()
            .cloned(),
    );
    explain(sources, asked, line).map_or_else(|instead| instead, Instead::Print)
}

fn explain(sources: &Sources, asked: &ArgMatches, line: Vec<OsString>) -> Result<String, Instead> {
    let first = sources.look(&line)?;
    let mut line = line;
    // The file that was named before the command line that is explained.
    if let Some(named) = super::commands::named_file(asked)
        && asked.value_source("settings_file") == Some(ValueSource::CommandLine)
    {
        line.extend([OsString::from("--settings"), named.into()]);
    }
    let first = if line.len() > 1 {
        sources.look(&line)?
    } else {
        first
    };
    // Nothing is run, so nothing is required.
    let resolved = sources.resolve(&relaxed(sources.command.clone()), &first, line)?;
    // Values from a settings file, or from the environment.
    Ok(shown(&table(sources, &resolved)).into_owned())
}

fn table(sources: &Sources, resolved: &Resolved) -> String {
    let (mut leaf, mut matches) = (&sources.command, &resolved.matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(subcommand) = leaf.find_subcommand(name) else {
            break;
        };
        (leaf, matches) = (subcommand, inner);
    }
    let mut tables: Vec<(String, Vec<Row>)> = Vec::new();
    for arg in leaf.get_arguments() {
        let is_typed =
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let is_option = arg.get_long().is_some();
        if !(schema::is_setting(arg) || is_typed && is_option) {
            continue;
        }
        let home = if schema::is_setting(arg) {
            sources.schema.home(&resolved.path, arg)
        } else {
            "for this run only".into()
        };
        let row = row(arg, matches, resolved);
        match tables.iter_mut().find(|(name, _)| *name == home) {
            Some((_, rows)) => rows.push(row),
            None => tables.push((home, vec![row])),
        }
    }
    let secrets: Vec<Row> = secrets::states(leaf, matches)
        .into_iter()
        .map(|(name, state)| Row {
            key: name.into(),
            value: state,
            from: String::new(),
        })
        .collect();
    if !secrets.is_empty() {
        tables.push(("secrets".into(), secrets));
    }
    let command = resolved.path[1..].join(" ");
    let mut text = format!("{} {command}", sources.program)
        .trim_end()
        .to_owned();
    let _ = match &resolved.file {
        Some(path) => writeln!(text, ": settings file {}", path.display()),
        None => writeln!(text, ": no settings file (pkb.toml) in this folder"),
    };
    let width = |of: fn(&Row) -> usize| {
        let rows = tables.iter().flat_map(|(_, rows)| rows);
        rows.map(of).filter(|width| *width < 60).max().unwrap_or(0)
    };
    let (keys, values) = (
        width(|row| row.key.chars().count()),
        width(|row| row.value.chars().count()),
    );
    for (name, rows) in tables {
        let _ = writeln!(text, "\n{name}");
        for Row { key, value, from } in rows {
            let line = format!("  {key:keys$}  {value:values$}  {from}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

fn row(arg: &Arg, matches: &ArgMatches, resolved: &Resolved) -> Row {
    let id = arg.get_id().as_str();
    let from_file = resolved.from_file.iter().find(|one| one.id == id);
    let from = match (from_file, matches.value_source(id)) {
        (Some(one), _) => format!(
            "{}, line {}",
            resolved
                .file
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string()),
            one.line
        ),
        (None, Some(ValueSource::CommandLine)) => "flag".into(),
        (None, Some(ValueSource::EnvVariable)) => arg
            .get_env()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        (None, Some(_)) => "default".into(),
        (None, None) => String::new(),
    };
    let values: Vec<_> = matches
        .get_raw(id)
        .unwrap_or_default()
        .map(|value| value.to_string_lossy())
        .collect();
    let value = match values.join(", ") {
        // What is no file's name may be the secret itself.
        text if secrets::is_file_option(id)
            && !text.is_empty()
            && !std::path::Path::new(&text).is_file() =>
        {
            "(names no file)".into()
        }
        text if text.is_empty() && from.is_empty() => "not set".into(),
        text if text.is_empty() => "\"\"".into(),
        text => text,
    };
    Row {
        key: schema::key(arg),
        value,
        from,
    }
}
