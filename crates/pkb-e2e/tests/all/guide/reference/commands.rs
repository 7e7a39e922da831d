//! All commands with their options: the pinned help, which a test compares with the programs.

use std::fmt::Write as _;

use super::{check, made, table};
use crate::harness::{PROGRAMS, root};

/// The commands of a program, each with its long help.
pub(super) fn pinned(program: &str) -> Vec<(String, String)> {
    let pinned = root().join(format!("crates/pkb-e2e/tests/cmd/help/{program}.trycmd"));
    let pinned = std::fs::read_to_string(pinned).unwrap();
    let blocks = pinned.split("```console\n$ ").skip(1);
    let helps = blocks.filter_map(|block| {
        let (command, help) = block.split_once('\n').unwrap();
        let help = help.split("\n```").next().unwrap();
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        Some((
            command.strip_suffix(" --help")?.to_owned(),
            lines.join("\n").trim().to_owned(),
        ))
    });
    helps.collect()
}

#[test]
fn the_page_of_commands_has_the_help_of_every_command() {
    let commands: Vec<_> = PROGRAMS.into_iter().flat_map(pinned).collect();
    let rows = commands.iter().map(|(command, help)| {
        let anchor = command.replace(' ', "-");
        [
            format!("[{command}](#{anchor})"),
            help.split("\n\n").next().unwrap().to_owned(),
        ]
    });
    let mut contents = table(["command", "what it does"], rows);
    for (command, help) in &commands {
        write!(contents, "\n## {command}\n\n```text\n{help}\n```\n").unwrap();
    }
    let introduction = "Each command prints this with `--help`, and a shorter version with `-h`.";
    check(
        "reference/commands.md",
        &made("Commands", introduction, &contents),
    );
}
