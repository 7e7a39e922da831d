//! A journal that is not as it was written stops its stage, and two runs do not write to one place at the same time.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use pkb_sandbox::World;

use crate::harness::{Campaign, Ended, synthetic_csv};

/// The stages of a campaign, from file to file, and the journal of each.
const STAGES: [(&str, &str); 4] = [
    (
        "pkb-upload",
        "patients.csv --journal u.journal --output u.ndjson",
    ),
    (
        "pkb-resolve",
        "u.ndjson --rate 0 --journal r.journal --output r.ndjson",
    ),
    (
        "pkb-tokens",
        "r.ndjson --rate 0 --journal t.journal --output t.ndjson",
    ),
    (
        "pkb-letters",
        "t.ndjson --out print --letters-per-file 5 --journal l.journal --output l.ndjson",
    ),
];
const JOURNALS: [&str; 4] = ["u.journal", "r.journal", "t.journal", "l.journal"];

fn stage(campaign: &Campaign, (program, args): (&str, &str)) -> Ended {
    let args: Vec<&str> = args.split(' ').collect();
    campaign.stage(program, &args, b"")
}

fn finished() -> Campaign {
    finished_with(3)
}

/// A campaign whose patients are those of a seed.
fn finished_with(seed: u64) -> Campaign {
    let campaign = Campaign::start(World::default());
    campaign.write("patients.csv", synthetic_csv(24, seed));
    for command in STAGES {
        let ended = stage(&campaign, command);
        assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    }
    campaign
}

fn files_in(campaign: &Campaign, folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = campaign.path(folder).read_dir().unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn lines(journal: &[u8]) -> Vec<Vec<u8>> {
    let lines = journal.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

#[test]
fn a_line_taken_out_of_any_journal_stops_its_stage_and_nothing_is_made_twice() {
    let campaign = finished();
    let letters = files_in(&campaign, "print");
    let calls = campaign.sandbox.ledger().len();
    for (command, name) in STAGES.into_iter().zip(JOURNALS) {
        let whole = campaign.read(name);
        let all = lines(&whole);
        assert!(all.len() > 3);
        for at in [0, 1, all.len() / 2, all.len() - 2] {
            let mut fewer = all.clone();
            fewer.remove(at);
            let damaged = fewer.concat();
            campaign.write(name, &damaged);
            let ended = stage(&campaign, command);
            assert_eq!(ended.code, 66, "{name} {at}: {}", ended.stderr);
            let words = format!(
                "{name}: line {} does not follow the lines before it",
                at + 1
            );
            assert!(ended.stderr.contains(&words), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("do not delete lines"),
                "{}",
                ended.stderr
            );
            assert!(campaign.read(name) == damaged);
        }
        campaign.write(name, &whole);
    }
    assert!(files_in(&campaign, "print") == letters);
    assert_eq!(campaign.sandbox.ledger().len(), calls, "PKB was asked");
    for command in STAGES {
        assert!(matches!(stage(&campaign, command).code, 0 | 65));
    }
}

#[test]
fn a_flipped_bit_in_a_code_stops_letters_codes_and_the_ledger() {
    let campaign = finished();
    for (command, name) in [(STAGES[2], JOURNALS[2]), (STAGES[3], JOURNALS[3])] {
        let whole = campaign.read(name);
        let text = String::from_utf8(whole.clone()).unwrap();
        let at = text.rfind("\"code\":\"").unwrap() + 10;
        let number = text[..at].lines().count();
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        campaign.write(name, &damaged);
        let mut all = vec![stage(&campaign, command)];
        if name == "l.journal" {
            all.push(stage(&campaign, ("pkb", "ledger --journal l.journal")));
            all.push(stage(&campaign, ("pkb", "purge l.journal")));
            let before = "u.ndjson --rate 0 --invited-before l.journal --not-again-within 90d";
            all.push(stage(&campaign, ("pkb-resolve", before)));
        }
        for ended in all {
            assert_eq!(ended.code, 66, "{}", ended.stderr);
            let words = format!("{name}: line {number} is damaged");
            assert!(ended.stderr.contains(&words), "{}", ended.stderr);
            assert!(
                !ended.stderr.contains(&text[at - 2..at + 4]),
                "a code is shown"
            );
        }
        assert!(campaign.read(name) == damaged);
        campaign.write(name, &whole);
    }
}

#[test]
fn a_line_that_is_there_twice_or_is_another_journals_stops_the_stage() {
    let (campaign, other) = (finished(), finished_with(4));
    let whole = campaign.read("l.journal");
    let (all, others) = (lines(&whole), lines(&other.read("l.journal")));
    // Notes of files are the same in both; what is about a patient is not.
    let is_record = |line: &Vec<u8>| line.starts_with(b"{\"schema\":\"pkb-record/1\"");
    let at = (3..all.len()).find(|at| is_record(&all[*at]) && is_record(&others[*at]));
    let at = at.unwrap();
    let mut doubled = all.clone();
    doubled.insert(at + 1, all[at].clone());
    let mut foreign = all.clone();
    foreign[at] = others[at].clone();
    let mut from_output = all.clone();
    from_output.insert(at, lines(&campaign.read("l.ndjson"))[0].clone());
    for damaged in [doubled, foreign, from_output] {
        campaign.write("l.journal", damaged.concat());
        let ended = stage(&campaign, STAGES[3]);
        assert_eq!(ended.code, 66, "{}", ended.stderr);
        let is_named = [at + 1, at + 2].map(|line| format!("l.journal: line {line} "));
        let named = is_named
            .iter()
            .any(|words| ended.stderr.contains(words.as_str()));
        assert!(named, "{}", ended.stderr);
    }
}

#[test]
fn a_file_with_some_of_its_letters_in_the_journal_stops_unless_a_run_was_killed_there() {
    use crate::harness::without_checks;
    let campaign = finished();
    let letters = files_in(&campaign, "print");
    // Without its checks the journal cannot tell that a line was taken out: its notes of the files can.
    let journal = without_checks(&String::from_utf8(campaign.read("l.journal")).unwrap());
    let all = lines(journal.as_bytes());
    let is_of = |line: &Vec<u8>, file: &str| {
        let line = String::from_utf8(line.clone()).unwrap();
        line.contains(&format!("\"file\":\"{file}\"")) && !line.contains("pkb-intent/1")
    };
    let first = all
        .iter()
        .position(|line| is_of(line, "rehearsal-letters-0001.pdf"))
        .unwrap();
    let mut fewer = all.clone();
    fewer.remove(first);
    campaign.write("l.journal", fewer.concat());
    let ended = stage(&campaign, STAGES[3]);
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let words = "rehearsal-letters-0002.pdf comes here, and before it only 4 of the 5 letters of rehearsal-letters-0001.pdf";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(files_in(&campaign, "print") == letters);
    // Killed between the name of the last file and its lines.
    let kept = all.len() - 2;
    campaign.write("l.journal", all[..kept].concat());
    let ended = stage(&campaign, STAGES[3]);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    assert!(files_in(&campaign, "print") == letters);
}

/// A stage that has begun and waits for its input.
fn waiting(campaign: &Campaign, program: &str, args: &str) -> Child {
    let mut command = campaign.command(program);
    command.args(args.split(' '));
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    std::thread::sleep(Duration::from_secs(2));
    child.unwrap()
}

#[test]
fn two_runs_do_not_write_to_one_folder_or_file_whichever_journals_they_have() {
    let campaign = finished();
    let letters = "--out both --journal 1.journal --output 1.ndjson";
    for (program, first, second, place) in [
        (
            "pkb-letters",
            letters,
            "t.ndjson --out both --journal 2.journal --output 2.ndjson",
            "both: a different run is writing into it",
        ),
        (
            "pkb-letters",
            letters,
            "t.ndjson --out ./both/../both --proof 2",
            "both: a different run is writing into it",
        ),
        (
            "pkb-resolve",
            "--journal 3.journal --output same.ndjson",
            "u.ndjson --journal 4.journal --output same.ndjson",
            "same.ndjson: a different run is writing it",
        ),
    ] {
        let mut running = waiting(&campaign, program, first);
        let ended = stage(&campaign, (program, second));
        let _ = running.kill();
        running.wait().unwrap();
        assert_eq!(ended.code, 75, "{second}: {}", ended.stderr);
        assert!(ended.stderr.contains(place), "{}", ended.stderr);
        // The one that was killed keeps nobody out.
        let again = stage(&campaign, (program, second));
        assert!(matches!(again.code, 0 | 65), "{second}: {}", again.stderr);
    }
    std::fs::create_dir(campaign.path("batches")).unwrap();
    let mark = std::fs::File::create(campaign.path("batches/.in-use")).unwrap();
    mark.lock().unwrap();
    let args = ("pkb-upload", "patients.csv --batches batches --no-compare");
    let ended = stage(&campaign, args);
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    drop(mark);
    assert!(matches!(stage(&campaign, args).code, 0 | 65));
    assert!(!campaign.path("batches/.in-use").exists());
}
