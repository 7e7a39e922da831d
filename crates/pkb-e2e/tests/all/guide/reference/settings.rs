//! All settings, as `config --toml` prints them, and all environment variables.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::Command};

use super::{check, made, table};
use crate::harness::{programs, root};

/// A setting of `pkb.toml`.
struct Setting {
    key: String,
    value: String,
    about: String,
    choices: Option<String>,
    variable: Option<String>,
}

/// Variables that are no option: secrets, and what the system has for all programs.
const OTHERS: [(&str, &str); 11] = [
    (
        "PKB_CLIENT_SECRET",
        "The OAuth client's secret itself, instead of PKB_CLIENT_SECRET_FILE",
    ),
    (
        "NOTIFY_API_KEY",
        "The API key of GOV.UK Notify itself, instead of NOTIFY_API_KEY_FILE",
    ),
    (
        "NHS_NOTIFY_API_KEY",
        "The API key of NHS Notify itself, instead of NHS_NOTIFY_API_KEY_FILE",
    ),
    (
        "PKB_SETTINGS",
        "Settings of all programs, instead of pkb.toml in this folder",
    ),
    (
        "PKB_FIXED_TIME",
        "The time of a test. Not for a real campaign",
    ),
    (
        "HTTPS_PROXY, NO_PROXY",
        "How the network is reached, and which addresses are reached without a proxy",
    ),
    (
        "SSL_CERT_FILE",
        "Certificates of authorities that are trusted instead of this machine's",
    ),
    ("NO_COLOR", "No colours, if it is set"),
    (
        "RUST_LOG",
        "How much is logged: debug, for example. It never shows a patient's values",
    ),
    (
        "TMPDIR",
        "Folder for temporary files. They have no name, and are gone when the program ends",
    ),
    (
        "TERM",
        "The kind of terminal. With dumb there is no live line",
    ),
];

/// The tables of the settings file, each with what is said of it.
fn tables() -> Vec<(String, String, Vec<Setting>)> {
    let mut program = Command::new(programs().join("pkb-upload"));
    program
        .env_clear()
        .current_dir(std::env::temp_dir())
        .args(["config", "--toml"]);
    let printed = String::from_utf8(program.output().unwrap().stdout).unwrap();
    let mut tables: Vec<(String, String, Vec<Setting>)> = Vec::new();
    for block in printed.split("\n\n").skip(1) {
        let mut notes: Vec<&str> = Vec::new();
        for line in block.lines() {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                tables.push((name.to_owned(), String::new(), Vec::new()));
            } else if let Some(note) = line.strip_prefix("# ") {
                notes.push(note);
            } else if let Some((key, value)) = line
                .strip_prefix('#')
                .and_then(|line| line.split_once(" = "))
            {
                let behind = |word: &str| {
                    notes
                        .iter()
                        .find_map(|note| note.strip_prefix(word))
                        .map(str::to_owned)
                };
                let setting = Setting {
                    key: key.to_owned(),
                    value: value.to_owned(),
                    about: notes.first().copied().unwrap_or_default().to_owned(),
                    choices: behind("One of: "),
                    variable: behind("Environment: "),
                };
                tables.last_mut().unwrap().2.push(setting);
                notes.clear();
            }
        }
        if let Some((_, about, _)) = tables
            .last_mut()
            .filter(|(_, about, settings)| about.is_empty() && settings.is_empty())
        {
            *about = notes.join(" ");
        }
    }
    tables
}

#[test]
fn the_page_of_settings_has_every_setting_of_every_program() {
    let mut contents = String::new();
    for (name, about, settings) in tables() {
        write!(contents, "## [{name}]\n\n").unwrap();
        if !about.is_empty() {
            write!(contents, "{about}\n\n").unwrap();
        }
        if settings.is_empty() {
            contents.push_str("Nothing of its own.\n\n");
            continue;
        }
        let rows = settings.into_iter().map(|setting| {
            let about = match setting.choices {
                Some(choices) => format!("{}. One of: {choices}", setting.about),
                None => setting.about,
            };
            let variable = setting
                .variable
                .map(|name| format!("`{name}`"))
                .unwrap_or_default();
            [
                format!("`{}`", setting.key),
                format!("`{}`", setting.value),
                about,
                variable,
            ]
        });
        contents.push_str(&table(
            [
                "setting",
                "default, or kind of value",
                "what it is",
                "environment",
            ],
            rows,
        ));
        contents.push('\n');
    }
    let introduction = "\
Every setting that can be in `pkb.toml`. `pkb-upload config --toml > pkb.toml` writes a file with all of them, as comments. How settings work:
[Settings](../campaign/settings.md).";
    check(
        "reference/settings.md",
        &made("All settings", introduction, &contents),
    );
}

#[test]
fn the_page_of_the_environment_has_every_variable_that_is_read() {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (_, _, settings) in tables() {
        for setting in settings {
            if let Some(name) = setting.variable {
                variables
                    .entry(name)
                    .or_insert(format!("{} (`{}`)", setting.about, setting.key));
            }
        }
    }
    for (name, about) in OTHERS {
        variables.entry(name.to_owned()).or_insert(about.to_owned());
    }
    for name in read_by_the_programs(&root().join("crates")) {
        let is_listed = variables
            .keys()
            .any(|names| names.split(", ").any(|known| known == name));
        assert!(
            is_listed,
            "{name} is read, and not in the page of the environment (OTHERS)"
        );
    }
    let rows = variables
        .into_iter()
        .map(|(name, about)| [format!("`{name}`"), about]);
    let introduction = "\
A flag wins over an environment variable. That wins over `pkb.toml`, and the file wins over the default. In brackets: the setting of the same meaning.";
    check(
        "reference/environment.md",
        &made(
            "Environment variables",
            introduction,
            &table(["variable", "what it is"], rows),
        ),
    );
}

/// Names of variables in the sources of the programs.
fn read_by_the_programs(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_of_a_program = ![
            "pkb-e2e",
            "pkb-sandbox",
            "pkb-stand-ins",
            "pkb-synthetic",
            "tests",
            "benches",
            "on_loopback",
        ]
        .iter()
        .any(|other| path.ends_with(other));
        if path.is_dir() && is_of_a_program {
            names.extend(read_by_the_programs(&path));
        } else if path.extension().is_some_and(|end| end == "rs")
            && !path.ends_with("stamping_tests.rs")
        {
            let source = std::fs::read_to_string(&path).unwrap();
            for before in ["env::var(\"", "env::var_os(\"", "env = \""] {
                let found = source
                    .split(before)
                    .skip(1)
                    .map(|behind| behind.split('"').next().unwrap().to_owned());
                names.extend(found.filter(|name| !name.starts_with("PKB_WRITE_")));
            }
        }
    }
    names
}
