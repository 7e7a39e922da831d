//! The README's try, walked exactly as written, and then by what the programs themselves advise, three times in a row.

use std::{collections::BTreeSet, os::unix::fs::symlink};

use pkb_core::stage::quoted;

use super::{run_line, with_settings};
use crate::{
    guide::page,
    harness::{Campaign, Ended, fixture, programs, records, root, run},
};

/// The first block of commands behind a sentence of the README.
fn commands_behind(sentence: &str) -> Vec<String> {
    let readme = page("README.md");
    let (_, behind) = readme
        .split_once(sentence)
        .expect("the README has lost its try");
    let (_, block) = behind.split_once("```sh\n").unwrap();
    let block = block.split("\n```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

fn shell(campaign: &Campaign, line: &str) -> Ended {
    let settings = campaign.command("pkb-upload");
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .current_dir(campaign.folder.path())
        .env_clear()
        .envs(
            settings
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()))
        .args(["-c", line]);
    with_settings(campaign, &mut shell);
    run(&mut shell, b"")
}

/// The commands that a program advises, in their order.
fn advised(said: &str) -> Vec<String> {
    let steps = said.lines().filter_map(|line| line.strip_prefix("next: "));
    let command = |step: &str| {
        let at = step
            .find("pkb")
            .filter(|at| *at == 0 || step[..*at].ends_with(": "))?;
        Some(step[at..].to_owned())
    };
    steps.filter_map(command).collect()
}

#[test]
fn the_readmes_try_as_written_three_times_ends_with_all_letters_and_records() {
    let campaign = Campaign::fixture();
    std::fs::copy(fixture("patients.csv"), campaign.path("patients.csv")).unwrap();
    let commands = commands_behind("Each stage writes a file that the next stage reads");
    assert_eq!(commands.len(), 5, "{commands:?}");
    let mut delivered = None;
    for round in 1..=3 {
        for line in &commands {
            let ended = shell(&campaign, line);
            let is_verify = line.contains(" verify ");
            let expected = if is_verify { 0 } else { 65 };
            assert_eq!(
                ended.code, expected,
                "round {round}, {line}: {}",
                ended.stderr
            );
        }
        let now = campaign.read("delivered.ndjson");
        assert_eq!(records(&now).len(), 61, "round {round}");
        assert!(
            delivered.is_none_or(|before| before == now),
            "round {round}"
        );
        delivered = Some(now);
    }
}

#[test]
fn whoever_follows_each_hint_three_times_in_a_row_ends_with_verified_letters() {
    let campaign = Campaign::fixture();
    symlink(root().join("fixtures"), campaign.path("fixtures")).unwrap();
    let mut line = "pkb-upload fixtures/patients.csv --output uploaded.ndjson".to_owned();
    let mut followed = BTreeSet::new();
    loop {
        let mut hints = Vec::new();
        for round in 1..=3 {
            let ended = shell(&campaign, &line);
            assert!(
                matches!(ended.code, 0 | 65),
                "round {round}, {line}: {}",
                ended.stderr
            );
            hints.push(advised(&ended.stderr));
            if let [_, output] = line.split(" --output ").collect::<Vec<_>>()[..] {
                assert_eq!(records(&campaign.read(output)).len(), 61, "{line}");
            }
        }
        assert!(
            hints.windows(2).all(|pair| pair[0] == pair[1]),
            "{line}: {hints:?}"
        );
        assert!(
            followed.insert(line.clone()),
            "hints go round in circles: {line}"
        );
        match hints.pop().unwrap().into_iter().next() {
            Some(next) => line = next,
            None => break,
        }
    }
    assert_eq!(line, "pkb verify print delivered.ndjson");
    assert_eq!(followed.len(), 5, "{followed:?}");
}

#[test]
fn a_hint_can_be_pasted_whatever_the_names_of_files_are() {
    let campaign = super::campaign();
    let odd = "up'loaded $HOME;.ndjson";
    let line = format!("pkb-upload patients.csv --output {}", quoted(odd.as_ref()));
    let first = shell(&campaign, &line);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let [next] = &advised(&first.stderr)[..] else {
        panic!("{}", first.stderr)
    };
    let ended = shell(&campaign, next);
    assert_eq!(ended.code, 0, "{next}: {}", ended.stderr);
    assert_eq!(
        records(&campaign.read("resolved.ndjson")).len(),
        super::PATIENTS
    );
}

#[test]
fn verify_is_the_first_next_step_whatever_else_there_is_to_do() {
    let campaign = Campaign::fixture();
    let patients = crate::harness::fixture("patients.csv");
    let [_, _, invited, _] = campaign.journey(&patients, &["--out", "look"]);
    campaign.write("invited.ndjson", invited.stdout);
    let ended = run_line(
        &campaign,
        "pkb-letters invited.ndjson --out print --output delivered.ndjson",
    );
    let steps: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("next: "))
        .collect();
    assert!(steps.len() >= 3, "{}", ended.stderr);
    assert_eq!(
        steps[0],
        "next: before anything is posted: pkb verify print delivered.ndjson"
    );
}
