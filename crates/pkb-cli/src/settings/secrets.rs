//! Secrets: they are in files of their own or in the environment, never in a settings file or an argument, and are
//! never shown.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command};

/// A secret and where it may be.
struct Secret {
    /// What people call it, and the keys under which somebody may try to set it.
    names: &'static [&'static str],
    /// The option that names its file.
    file: &'static str,
    /// The variable that may hold it.
    variable: Option<&'static str>,
}

const SECRETS: [Secret; 5] = [
    Secret {
        names: &["client_secret", "secret", "password"],
        file: "client_secret_file",
        variable: Some("PKB_CLIENT_SECRET"),
    },
    Secret {
        names: &["refresh_token", "token"],
        file: "refresh_token_file",
        variable: None,
    },
    Secret {
        names: &["api_key", "notify_api_key", "key"],
        file: "api_key_file",
        variable: Some("NOTIFY_API_KEY"),
    },
    Secret {
        names: &["nhs_api_key", "nhs_notify_api_key"],
        file: "nhs_api_key_file",
        variable: Some("NHS_NOTIFY_API_KEY"),
    },
    Secret {
        names: &["nhs_private_key", "private_key"],
        file: "nhs_private_key_file",
        variable: None,
    },
];

/// Where a secret goes that somebody tries to set by `key`; `None` if it is no secret's name.
pub(super) fn where_to_put(key: &str) -> Option<String> {
    let secret = called(key)?;
    Some(format!(
        "must not be in a settings file, because it is a secret and such files are copied and emailed. Put the secret into a file of its \
         own with mode 0600, and name that file here: {} = \"FILE\"",
        secret.file
    ))
}

/// The option that names the file of a secret of this name.
pub(super) fn file_option(name: &str) -> Option<String> {
    called(name).map(|secret| secret.file.replace('_', "-"))
}

fn called(name: &str) -> Option<&'static Secret> {
    let name = name.replace('-', "_");
    SECRETS
        .iter()
        .find(|secret| secret.names.contains(&name.as_str()))
}

/// Whether an option names the file of a secret. What should be a path may be the secret itself, by mistake.
pub(super) fn is_file_option(id: &str) -> bool {
    SECRETS.iter().any(|secret| secret.file == id)
}

/// The variables that may hold the secrets of a command, each with the option that names a file instead.
pub(super) fn variables(command: &Command) -> Vec<(&'static str, String)> {
    let has = |id: &str| command.get_arguments().any(|arg| arg.get_id() == id);
    let usable = SECRETS.iter().filter(|secret| has(secret.file));
    usable
        .filter_map(|secret| Some((secret.variable?, secret.file.replace('_', "-"))))
        .collect()
}

/// Each secret that a command can use, and whether it is set.
pub(super) fn states(command: &Command, matches: &ArgMatches) -> Vec<(&'static str, String)> {
    SECRETS
        .iter()
        .filter(|secret| {
            command
                .get_arguments()
                .any(|arg| arg.get_id() == secret.file)
        })
        .map(|secret| {
            let file = matches.get_one::<PathBuf>(secret.file);
            (secret.names[0], state(secret, file.map(PathBuf::as_path)))
        })
        .collect()
}

fn state(secret: &Secret, file: Option<&Path>) -> String {
    match file {
        Some(file) => match fs::read_to_string(file) {
            Ok(text) if text.trim().is_empty() => format!("not set: {} is empty", file.display()),
            Ok(_) => format!("set (from {})", file.display()),
            // What is no file's name may be the secret itself.
            Err(_) => format!("not set: {} names no file that can be read", secret.file),
        },
        None => match secret.variable {
            Some(name) if env::var_os(name).is_some_and(|value| !value.is_empty()) => {
                format!("set (from {name})")
            }
            _ => "not set".into(),
        },
    }
}
