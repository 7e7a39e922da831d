//! What a manual page has beside the options: examples, exit status, environment, files.

use std::io::{self, Write};

use clap::{Arg, Command};
use clap_mangen::roff::{Roff, bold, roman};
use pkb_core::ExitCode;

use super::secrets;

/// A name and what there is to say of it.
pub(super) type Entry = (String, String);

/// The examples, line by line as they are typed.
pub(super) fn examples(text: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let Some(text) = text else { return Ok(()) };
    let mut roff = Roff::default();
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in text.lines().filter(|line| !line.starts_with("Example")) {
        roff.text([roman(line.trim())]);
    }
    roff.control("fi", []);
    roff.to_writer(out)
}

/// The exit codes.
pub(super) fn exit_status(out: &mut dyn Write) -> io::Result<()> {
    let codes: Vec<Entry> = ExitCode::TABLE
        .iter()
        .map(|(code, words)| (code.code().to_string(), (*words).to_owned()))
        .collect();
    list("EXIT STATUS", &codes, out)
}

/// A section with a paragraph for each entry.
pub(super) fn list(heading: &str, entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [heading]);
    for (name, words) in entries {
        roff.control("TP", []);
        roff.text([bold(name.as_str())]);
        roff.text([roman(words.as_str())]);
    }
    roff.to_writer(out)
}

/// The variables that a command reads.
pub(super) fn environment(command: &Command) -> Vec<Entry> {
    let option = |arg: &Arg| {
        let variable = arg.get_env().filter(|_| !arg.is_hide_set())?;
        let option = format!("The same as --{}.", arg.get_long()?);
        Some((variable.to_string_lossy().into_owned(), option))
    };
    let mut entries: Vec<Entry> = command.get_arguments().filter_map(option).collect();
    entries.extend(
        secrets::variables(command)
            .into_iter()
            .map(|(variable, file)| {
                let words = format!("The secret itself. A file is safer: --{file}.");
                (variable.to_owned(), words)
            }),
    );
    let always = [
        (
            "HTTPS_PROXY, NO_PROXY",
            "The proxy for calls, and what is called without it.",
        ),
        ("NO_COLOR", "No colours on a terminal."),
        (
            "RUST_LOG",
            "What is logged, for finding faults. Use -v instead.",
        ),
    ];
    entries.extend(always.map(|(name, words)| (name.to_owned(), words.to_owned())));
    entries
}

/// Files that all programs know.
pub(super) fn files() -> Vec<Entry> {
    [
        ("pkb.toml", "Settings of all programs, in the folder in which a program is started. No secret may be in it."),
        ("FILE.journal, DIR.journal", "What a run has done, beside its output. Keep it until the campaign ends. It can hold names and codes."),
        ("FILE.ndjson", "Records, one JSON object a line. They hold names, NHS numbers and codes."),
    ]
    .map(|(name, words)| (name.to_owned(), words.to_owned()))
    .into()
}
