//! "Run the same command again": true for every stage, after whatever end of the run before, with the journal that the
//! stage has by itself. All records are there, and nothing is made or sent twice.

mod ends;
mod readme;

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use pkb_sandbox::{Config, Faults, NOTIFY_API_KEY, NOTIFY_TEMPLATES};
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};
use ends::End;

/// Patients of a campaign; all of them may be invited, by letter and by text message.
const PATIENTS: usize = 30;

/// The stages of a campaign, each from file to file. None is told where its journal is.
const COMMANDS: [(&str, &str); 7] = [
    (
        "upload",
        "pkb-upload patients.csv --batch-rows 10 --attempts 2 --settle-for 1s --output uploaded.ndjson",
    ),
    (
        "by_national_id",
        "pkb-resolve uploaded.ndjson --concurrency 2 --attempts 1 --output resolved.ndjson",
    ),
    (
        "record_access_token",
        "pkb-tokens resolved.ndjson --concurrency 2 --attempts 1 --output invited.ndjson",
    ),
    (
        "",
        "pkb-letters invited.ndjson --channel letter,sms --separate --letters-per-file 8 --out print --output delivered.ndjson",
    ),
    (
        "notify_sms",
        "pkb-notify sms send delivered.ndjson --concurrency 2 --attempts 1 --give-up-after 1 --settle-after 100ms \
         --output texted.ndjson",
    ),
    (
        "notify_letter",
        "pkb-notify post send texted.ndjson --letters print --concurrency 2 --attempts 1 --give-up-after 1 --settle-after 100ms \
         --output posted.ndjson",
    ),
    (
        "status_query",
        "pkb-resolve --recheck posted.ndjson --batch-rows 8 --attempts 1 --output rechecked.ndjson",
    ),
];

/// So slowly that a stage is half-way when it is stopped.
const SLOW: &str =
    r#"{"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"fixed":15}}}"#;

fn faults(rules: &[&str]) -> Faults {
    Faults::from_json(format!(r#"{{"rules":[{}]}}"#, rules.join(","))).unwrap()
}

fn campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        faults: faults(&[SLOW]),
        ..Config::default()
    });
    campaign.write("patients.csv", everybody_has_a_mobile());
    campaign
}

/// Nobody shares one, so that each text has a number of its own.
fn everybody_has_a_mobile() -> Vec<u8> {
    let file = synthetic_csv(PATIENTS, 11);
    let mut reader = csv::Reader::from_reader(&*file);
    let header = reader.headers().unwrap().clone();
    let mobile = header.iter().position(|name| name == "Mobile").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for (at, row) in reader.records().enumerate() {
        let mut cells: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        cells[mobile] = format!("07700900{:03}", 300 + at);
        writer.write_record(cells).unwrap();
    }
    writer.into_inner().unwrap()
}

/// A command line as it is typed, without a shell between it and the signals.
fn command(campaign: &Campaign, line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = campaign.command(words.next().unwrap());
    command.args(words);
    with_settings(campaign, &mut command);
    command
}

/// The letters are the same whichever port the local PKB of the campaign has.
fn with_settings(campaign: &Campaign, command: &mut Command) {
    command
        .env("PKB_JOIN_URL", "http://127.0.0.1:8180/join/")
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY)
        .env("NOTIFY_TEMPLATE_IDS", NOTIFY_TEMPLATES[..2].join(","));
}

fn run_line(campaign: &Campaign, line: &str) -> Ended {
    run(&mut command(campaign, line), b"")
}

fn output_of(line: &str) -> &str {
    line.rsplit(' ').next().unwrap()
}

/// What acts have been done: uploaded rows, text messages and letters at Notify.
fn done(campaign: &Campaign) -> (usize, usize) {
    let ledger = campaign.sandbox.ledger();
    let uploads = ledger.iter().filter_map(|entry| entry.upload.as_ref());
    (
        uploads.map(|upload| upload.rows).sum(),
        campaign.sandbox.notified().len(),
    )
}

/// Letters, manifests and spreadsheets, by name.
fn papers(campaign: &Campaign) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![campaign.path("print")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.display().to_string();
                    let name = name.replace(&campaign.folder.path().display().to_string(), "");
                    files.insert(name, std::fs::read(path).unwrap());
                }
            }
        }
    }
    files
}

/// Records without what depends on how often a server was asked: of what Notify was given, the reference is left, and an
/// upload that PKB did not take has another name when it is sent again.
fn without_ids(stream: &[u8]) -> Vec<Value> {
    let mut all = records(stream);
    for record in &mut all {
        let deliveries = record["deliveries"].as_array_mut();
        for delivery in deliveries.into_iter().flatten() {
            let dispatches = delivery.get_mut("dispatches").and_then(Value::as_array_mut);
            for sent in dispatches.into_iter().flatten() {
                *sent = sent["reference"].take();
            }
        }
        if record["upload"].is_object() {
            record["upload"] = record["upload"]["state"].take();
        }
    }
    all
}

/// Runs a command again for as long as it says that it has to be, and that it can be.
fn again(campaign: &Campaign, line: &str) -> Ended {
    for _ in 0..5 {
        let ended = run_line(campaign, line);
        if ended.code != 75 {
            return ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
    panic!("{line}: it never ends");
}

/// Names of files that are there only while a run works.
fn unfinished(campaign: &Campaign) -> Vec<String> {
    let folders = [campaign.path("."), campaign.path("print")];
    let entries = folders
        .iter()
        .flat_map(|folder| folder.read_dir().into_iter().flatten());
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// The same campaign, in which every stage ends like this and is then run again, has all that an undisturbed one has.
fn each_stage_ends_with(end: End) {
    let undisturbed = campaign();
    let campaign = campaign();
    for (endpoint, line) in COMMANDS {
        let expected = run_line(&undisturbed, line);
        assert!(
            matches!(expected.code, 0 | 65),
            "{line}: {}",
            expected.stderr
        );
        let ended = end.run(&campaign, endpoint, line);
        let said = format!("{end:?}, {line}: code {}: {}", ended.code, ended.stderr);
        assert!(end.fits(ended.code), "{said}");
        // A signal may come when the output has just got its name: then it is whole.
        if !matches!(ended.code, 0 | 65 | 75) && campaign.path(output_of(line)).exists() {
            let whole = without_ids(&undisturbed.read(output_of(line)));
            assert_eq!(
                without_ids(&campaign.read(output_of(line))),
                whole,
                "{said}"
            );
        }
        if ended.code != -1 {
            assert_eq!(unfinished(&campaign), [""; 0], "{said}");
            let is_done = matches!(ended.code, 0 | 65);
            assert!(
                is_done || ended.stderr.contains("the same command"),
                "no hint: {said}"
            );
        }
        let finished = again(&campaign, line);
        assert_eq!(
            finished.code, expected.code,
            "{said}\nthen: {}",
            finished.stderr
        );
        let output = campaign.read(output_of(line));
        assert_eq!(
            without_ids(&output),
            without_ids(&undisturbed.read(output_of(line))),
            "{said}"
        );
        assert_eq!(done(&campaign), done(&undisturbed), "{said}");
        assert!(papers(&campaign) == papers(&undisturbed), "{said}");
        // And once more, for somebody who is not sure.
        let third = again(&campaign, line);
        assert_eq!(
            third.code, expected.code,
            "{said}\nat last: {}",
            third.stderr
        );
        assert!(campaign.read(output_of(line)) == output, "{said}");
        assert_eq!(done(&campaign), done(&undisturbed), "{said}");
    }
    let (uploaded, notified) = done(&campaign);
    assert_eq!(uploaded, PATIENTS);
    // Two texts and a letter for nearly all.
    assert!(notified > 5 * PATIENTS / 2, "{notified}");
}

#[test]
fn after_success_the_same_command_changes_and_sends_nothing() {
    each_stage_ends_with(End::Success);
}

#[test]
fn after_a_failure_of_the_server_half_way_the_same_command_goes_on() {
    each_stage_ends_with(End::Outage);
}

#[test]
fn after_a_kill_the_same_command_goes_on() {
    each_stage_ends_with(End::Signal(9));
}

#[test]
fn after_ctrl_c_sigterm_and_other_ends_by_signal_the_same_command_goes_on() {
    // SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU
    for signal in [1, 2, 3, 15, 24] {
        each_stage_ends_with(End::Signal(signal));
    }
}

#[test]
fn after_a_file_beyond_the_limit_or_a_full_disk_the_same_command_goes_on() {
    for kilobytes in [1, 12] {
        each_stage_ends_with(End::FileLimit(kilobytes));
    }
}

#[test]
fn after_a_reader_that_closed_the_pipe_the_same_command_goes_on() {
    let campaign = campaign();
    for (_, line) in &COMMANDS[..2] {
        let output = output_of(line);
        let piped = line.replace("--output ", "--journal journal-of-");
        let mut first = command(&campaign, &piped);
        let mut child = first
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(74), "{said}");
        let whole = run_line(&campaign, &piped);
        assert_eq!(
            (whole.code, whole.records().len()),
            (0, PATIENTS),
            "{}",
            whole.stderr
        );
        campaign.write(output, whole.stdout);
    }
    assert_eq!(done(&campaign).0, PATIENTS);
}
