//! Values of the file as arguments of options, checked by the options' own parsers.

use std::{any::TypeId, ffi::OsString, path::PathBuf};

use clap::{Arg, ArgAction, Command};

use super::{
    file::FileValue,
    must::must,
    option::{is_list, is_switch},
};

/// What an option would be given on the command line: `--rate=5`. Nothing for a switch that is off, or an empty list.
///
/// # Errors
/// The value is of the wrong type.
pub(super) fn arguments(arg: &Arg, value: &FileValue) -> Result<Vec<OsString>, String> {
    let long = arg.get_long().unwrap_or_default();
    let with = |text: &String| OsString::from(format!("--{long}={text}"));
    match value {
        FileValue::Switch(on) if is_switch(arg) => {
            Ok(on.then(|| format!("--{long}").into()).into_iter().collect())
        }
        _ if is_switch(arg) => Err("must be true or false".into()),
        FileValue::Text(text) => Ok(vec![with(text)]),
        FileValue::List(values) if is_list(arg) => values
            .iter()
            .map(|value| match value {
                FileValue::Text(text) => Ok(with(text)),
                _ => Err("must be a list of texts and numbers".into()),
            })
            .collect(),
        FileValue::List(_) => Err("must be one value, not a list".into()),
        FileValue::Switch(_) | FileValue::Table => Err(format!(
            "must be text or a number: {}",
            arg.get_value_names().unwrap_or_default().join(" ")
        )),
    }
}

/// Whether an option takes a value.
///
/// # Errors
/// Why it does not.
pub(super) fn check(arg: &Arg, value: &FileValue) -> Result<(), String> {
    for argument in arguments(arg, value)? {
        let text = argument.to_string_lossy();
        let text = text.split_once('=').map_or("", |(_, text)| text);
        if arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() && text.starts_with("~/") {
            return Err("must be the whole path, because only the shell understands ~".into());
        }
        if let Err(error) = alone(arg).try_get_matches_from([&argument]) {
            let found = match text.is_empty() {
                true => String::new(),
                false => format!(" (found \"{text}\")"),
            };
            let must = must(&error);
            return Err(match must.split_once(". Did") {
                Some((must, near)) => format!("{must}{found}. Did{near}"),
                None => format!("{must}{found}"),
            });
        }
    }
    Ok(())
}

/// A command with this option only, without what it has to do with others.
fn alone(arg: &Arg) -> Command {
    let mut copy = Arg::new(arg.get_id().clone())
        .long(arg.get_long().unwrap_or_default().to_owned())
        .action(match arg.get_action() {
            ArgAction::SetTrue => ArgAction::SetTrue,
            _ => ArgAction::Append,
        })
        .value_parser(arg.get_value_parser().clone());
    if let Some(delimiter) = arg.get_value_delimiter() {
        copy = copy.value_delimiter(delimiter);
    }
    Command::new("setting")
        .no_binary_name(true)
        .disable_help_flag(true)
        .arg(copy)
}
