//! An address on this machine over one that is not, or the other way round: a rehearsal with the settings of a campaign.

use clap::{Arg, ArgMatches, parser::ValueSource};
use url::Url;

use super::file::{DEFAULT_NAME, FileEntry, FileValue};
use pkb_client::is_loopback;
use pkb_core::Fatal;

/// Whether an option takes an address.
fn is_address(arg: &Arg) -> bool {
    arg.get_value_names()
        .is_some_and(|names| names.len() == 1 && names[0] == "URL")
}

/// Refuses an address from the command line or the environment that is on this machine where the one of the settings file
/// `file` is not, or the other way round. Each by itself may be right; together they would show the campaign's secrets to a
/// sandbox, or a sandbox's codes to patients.
///
/// # Errors
/// [`Fatal::Usage`], which names both.
pub(super) fn check(
    arg: &Arg,
    matches: &ArgMatches,
    entry: &FileEntry,
    file: &str,
) -> Result<(), Fatal> {
    let FileValue::Text(in_file) = &entry.value else {
        return Ok(());
    };
    let id = arg.get_id().as_str();
    let given = matches
        .get_raw(id)
        .and_then(|mut values| values.next_back()?.to_str());
    let (Some(given), true) = (given, is_address(arg)) else {
        return Ok(());
    };
    let (Some(given), Some(in_file)) = (read(given), read(in_file)) else {
        // The option's own parser says what is wrong with it.
        return Ok(());
    };
    if is_loopback(&given) == is_loopback(&in_file) {
        return Ok(());
    }
    let (long, line) = (arg.get_long().unwrap_or_default(), entry.line);
    let variable = arg
        .get_env()
        .map(|name| name.to_string_lossy().into_owned());
    let (name, undo) = match (matches.value_source(id), variable) {
        (Some(ValueSource::EnvVariable), Some(name)) => (name.clone(), format!("unset {name}")),
        _ => (format!("--{long}"), format!("leave out --{long}")),
    };
    let (host, other) = (host(&given), host(&in_file));
    let given_at = format!("{name} ({host})");
    let filed_at = format!("{file}, line {line} ({other})");
    let (here, away, advice) = match is_loopback(&given) {
        true => {
            let without = match file == DEFAULT_NAME {
                true => format!("work in a folder without {file}"),
                false => format!("do not use {file} (--settings, PKB_SETTINGS)"),
            };
            let advice = format!("for a rehearsal, {without}. For the campaign, {undo}");
            (given_at, filed_at, advice)
        }
        false => {
            let advice =
                format!("for the campaign, correct line {line} of {file}. For a rehearsal, {undo}");
            (filed_at, given_at, advice)
        }
    };
    Err(Fatal::Usage(format!(
        "--{long} has two addresses. That of {here} is on this machine, for a rehearsal. That of {away} is not. What to do: \
         {advice}"
    )))
}

fn read(text: &str) -> Option<Url> {
    Url::parse(text.trim()).ok()
}

/// Without a name, a password, a path or a question.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
