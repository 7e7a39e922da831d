//! Every block of commands in the README and the guide is run, in a folder with what the page says that it begins with.

use std::{
    fmt::Write as _,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    blocks::{blocks, said_at_the_top},
    campaigns::{Campaigns, project, shell},
    not_run, page, paths,
};
use crate::harness::{Campaign, run};

/// Pages whose commands begin in the folder of the project.
const IN_THE_PROJECT: [&str; 2] = ["README.md", "start/try-it.md"];

/// What is different in a test: names of a real campaign in a rehearsal.
const REPLACED: [(&str, &str); 1] = [("letters-0001.pdf", "rehearsal-letters-0001.pdf")];

#[test]
fn every_command_of_the_readme_and_the_guide_ends_as_the_page_says() {
    let campaigns = Campaigns::prepare();
    let pages = paths();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(path) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = check(path, &campaigns) {
                        writeln!(failures.lock().unwrap(), "\n{path}: {what}").unwrap();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn whoever_walks_the_readme_twice_in_a_row_gets_the_same() {
    let campaign = project();
    for round in 1..=2 {
        run_page("README.md", &campaign, campaign.folder.path())
            .unwrap_or_else(|what| panic!("round {round}: {what}"));
        assert!(
            !campaign.path("try").exists(),
            "the README leaves its folder behind"
        );
    }
}

fn check(path: &str, campaigns: &Campaigns) -> Result<(), String> {
    let text = page(path);
    if blocks(&text).iter().all(|block| block.language != "sh") {
        return Ok(());
    }
    if IN_THE_PROJECT.contains(&path) {
        let campaign = project();
        return run_page(path, &campaign, campaign.folder.path());
    }
    let begins_with = said_at_the_top(&text, "Begins with:").unwrap_or_default();
    let (later, folder, prepared) = campaigns.of(begins_with, said_at_the_top(&text, "Time:"));
    run_page(path, later.as_ref().unwrap_or(prepared), folder.path())
}

/// Runs the commands of a page in one shell, and compares exit codes and what is to be in the output.
fn run_page(path: &str, campaign: &Campaign, folder: &Path) -> Result<(), String> {
    let text = page(path);
    let results = tempfile::tempdir().unwrap();
    let mut script = String::new();
    let mut commands: Vec<(usize, String, i32)> = Vec::new();
    let mut outputs: Vec<(usize, Vec<String>)> = Vec::new();
    for block in blocks(&text) {
        if block.comment == "is in the output" {
            outputs.push((commands.len() - 1, block.lines));
            continue;
        }
        if block.language != "sh" {
            continue;
        }
        let lines = block.commands();
        let codes = block.exit_codes(lines.len());
        if codes.len() != lines.len() {
            return Err(format!(
                "line {}: {} commands and {} exit codes",
                block.line,
                lines.len(),
                codes.len()
            ));
        }
        for ((line, command), code) in lines.into_iter().zip(codes) {
            if not_run::is_line_of_another(&command) {
                continue;
            }
            let command = REPLACED.iter().fold(command, |command, (real, rehearsed)| {
                command.replace(real, rehearsed)
            });
            let at = commands.len();
            writeln!(
                script,
                "{{ {command}\n}} >\"$RESULTS/{at}\" 2>&1; echo $? >\"$RESULTS/{at}.code\""
            )
            .unwrap();
            commands.push((line, command, code));
        }
    }
    let mut shell = shell(campaign, Some(folder));
    run(
        shell.env("RESULTS", results.path()).arg("-c").arg(script),
        b"",
    );
    let output = |at: usize| {
        std::fs::read_to_string(results.path().join(at.to_string())).unwrap_or_default()
    };
    let mut wrong = String::new();
    for (at, (line, command, code)) in commands.iter().enumerate() {
        let ended =
            std::fs::read_to_string(results.path().join(format!("{at}.code"))).unwrap_or_default();
        if ended.trim() != code.to_string() {
            write!(
                wrong,
                "\nline {line}: {command}\nended with {}, not {code}:\n{}",
                ended.trim(),
                output(at)
            )
            .unwrap();
        }
    }
    for (at, lines) in outputs {
        for line in lines
            .iter()
            .filter(|line| !output(at).lines().any(|printed| printed == line.as_str()))
        {
            write!(
                wrong,
                "\n{} does not print: {line}\n{}",
                commands[at].1,
                output(at)
            )
            .unwrap();
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
