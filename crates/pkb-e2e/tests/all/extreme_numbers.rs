//! Numbers and times of a stream as large and as small as can be written: no stage hangs, swells, or ends with a bug.

use std::{fs, process::Command};

use pkb_core::Record;
use pkb_sandbox::{Config, NOTIFY_API_KEY, NOTIFY_TEMPLATES};
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};

/// Codes that are documented, but that of a bug.
const CODES: [i32; 8] = [0, 2, 65, 66, 74, 75, 76, 77];

/// A record of somebody who had everything: letter, texts, post, and was looked up again.
fn campaign() -> (Campaign, Vec<Value>) {
    let campaign = Campaign::with(Config::default());
    campaign.write("patients.csv", synthetic_csv(4, 5));
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    let sms = format!(
        "sms send separate.ndjson --template-id {templates} --journal sms.journal --output texted.ndjson"
    );
    for (program, args) in [
        ("pkb-upload", "patients.csv --no-compare --output u.ndjson"),
        ("pkb-resolve", "u.ndjson --rate 0 --output r.ndjson"),
        ("pkb-tokens", "r.ndjson --rate 0 --output t.ndjson"),
        (
            "pkb-letters",
            "t.ndjson --out print --channel letter,sms --output l.ndjson",
        ),
        (
            "pkb-letters",
            "t.ndjson --out separate --separate --channel letter,sms --output separate.ndjson",
        ),
        ("pkb-notify", &sms),
        (
            "pkb-notify",
            "post send texted.ndjson --letters separate --journal post.journal --output posted.ndjson",
        ),
        (
            "pkb-resolve",
            "--recheck posted.ndjson --rate 0 --output all.ndjson",
        ),
    ] {
        let ended = stage(&campaign, program, args);
        assert_eq!(ended.code, 0, "{program} {args}: {}", ended.stderr);
    }
    let all = records(&campaign.read("all.ndjson"));
    (campaign, all)
}

fn command(campaign: &Campaign, program: &str, args: &str) -> Command {
    let mut command = campaign.command(program);
    command
        .args(args.split(' '))
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY);
    command
}

fn stage(campaign: &Campaign, program: &str, args: &str) -> Ended {
    run(&mut command(campaign, program, args), b"")
}

/// The paths of all numbers and times in a value.
fn places(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| places(value, format!("{path}/{name}"), found)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(at, value)| places(value, format!("{path}/{at}"), found)),
        Value::Number(_) => found.push(path),
        Value::String(text) if is_time(text) => found.push(path),
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 10 && text.parse::<jiff::civil::Date>().is_ok()
        || text.parse::<jiff::Timestamp>().is_ok()
}

fn extremes(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => [
            json!(0),
            json!(1),
            json!(100_000_000),
            json!(u32::MAX),
            json!((1_u64 << 53) + 1),
            json!(1_u64 << 63),
            json!(u64::MAX),
            json!(-1),
            json!(i64::MIN),
            json!(1.5),
            json!(1e300),
        ]
        .into(),
        Value::String(text) if text.contains('T') => [
            "-009999-01-02T01:59:59Z",
            "0000-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "9999-12-31T00:00:00Z",
        ]
        .map(Value::from)
        .into(),
        _ => ["-009999-01-01", "0000-01-01", "9999-12-31"]
            .map(Value::from)
            .into(),
    }
}

/// All records with one extreme number each that are still records.
fn extreme(all: &[Value]) -> Vec<Value> {
    let record = &all[0];
    let mut found = Vec::new();
    places(record, String::new(), &mut found);
    for name in [
        "/row/number",
        "/row/of",
        "/deliveries/0/sequence",
        "/deliveries/0/pages/1",
        "/invitation/expires_at",
        "/pkb/checked_at",
    ] {
        assert!(found.iter().any(|path| path == name), "{name} in {found:?}");
    }
    let mut stream = Vec::new();
    let mut refused = Vec::new();
    for path in &found {
        for value in extremes(record.pointer(path).unwrap()) {
            let mut changed = all[stream.len() % all.len()].clone();
            let Some(place) = changed.pointer_mut(path) else {
                continue;
            };
            *place = value.clone();
            match serde_json::from_value::<Record>(changed.clone()) {
                Ok(_) => stream.push(changed),
                Err(_) => refused.push((path.clone(), value)),
            }
        }
    }
    let is_refused = |path: &str, value: Value| {
        refused
            .iter()
            .any(|(other, number)| other == path && *number == value)
    };
    for path in [
        "/row/number",
        "/row/of",
        "/deliveries/0/sequence",
        "/deliveries/0/pages/1",
    ] {
        assert!(
            is_refused(path, json!(1_u64 << 63)) && is_refused(path, json!(u64::MAX)),
            "{path}"
        );
    }
    assert!(stream.len() > 40, "{}", stream.len());
    stream
}

fn write(campaign: &Campaign, name: &str, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(|record| format!("{record}\n")).collect();
    campaign.write(name, lines.concat());
}

/// Runs a command with a minute, and 4 GiB.
fn bounded(campaign: &Campaign, program: &str, args: &str) -> Ended {
    let own = command(campaign, program, args);
    let mut limited = Command::new("timeout");
    limited.current_dir(campaign.folder.path()).args([
        "120",
        "sh",
        "-c",
        "ulimit -v 6000000; exec \"$@\"",
        "sh",
    ]);
    limited.arg(own.get_program()).args(own.get_args());
    limited.env_clear().env("PATH", "/usr/bin:/bin");
    limited.envs(
        own.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    run(&mut limited, b"")
}

#[test]
fn no_number_of_a_stream_makes_a_stage_hang_swell_or_end_with_a_bug() {
    let (campaign, all) = campaign();
    let stream = extreme(&all);
    write(&campaign, "x.ndjson", &stream);
    // Without what later stages wrote, so that the earlier have work.
    let without = |fields: &[&str]| -> Vec<Value> {
        let mut stream = stream.clone();
        for record in &mut stream {
            fields
                .iter()
                .for_each(|field| drop(record.as_object_mut().unwrap().remove(*field)));
        }
        stream
    };
    write(
        &campaign,
        "x-u.ndjson",
        &without(&["pkb", "invitation", "deliveries", "uptake"]),
    );
    write(
        &campaign,
        "x-r.ndjson",
        &without(&["invitation", "deliveries", "uptake"]),
    );
    write(&campaign, "x-t.ndjson", &without(&["deliveries", "uptake"]));
    let mut without_dispatches = without(&["uptake"]);
    let records = without_dispatches.iter_mut();
    let deliveries = records.filter_map(|record| record.get_mut("deliveries")?.as_array_mut());
    for delivery in deliveries.flatten() {
        delivery.as_object_mut().unwrap().remove("dispatches");
    }
    write(&campaign, "x-l.ndjson", &without_dispatches);
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    let sms = format!(
        "sms send x-l.ndjson --partial --template-id {templates} --journal xs.journal --output o1"
    );
    for (program, args) in [
        ("pkb-resolve", "x-u.ndjson --partial --rate 0 --output o2"),
        ("pkb-resolve", "x-u.ndjson --rate 0 --output o3"),
        ("pkb-resolve", "x-r.ndjson --partial --rate 0 --output o4"),
        (
            "pkb-resolve",
            "--recheck x.ndjson --partial --rate 0 --output o5",
        ),
        (
            "pkb-resolve",
            "--recheck x.ndjson --due-reminder 1d --partial --rate 0 --output o6",
        ),
        ("pkb-tokens", "x-r.ndjson --partial --rate 0 --output o7"),
        ("pkb-tokens", "x.ndjson --partial --rate 0 --output o8"),
        (
            "pkb-letters",
            "x-t.ndjson --partial --out xp --channel letter,sms --output o9",
        ),
        (
            "pkb-letters",
            "x-t.ndjson --partial --out xq --journal x.ndjson --output o10",
        ),
        ("pkb-letters", "x-t.ndjson --out proof --proof 3"),
        ("pkb", "verify print x.ndjson"),
        ("pkb", "ledger --journal x.ndjson"),
        (
            "pkb",
            "report --in x.ndjson --out x.html --json x.json --csv tables",
        ),
        ("pkb", "merge --check x.ndjson"),
        ("pkb", "merge --partial x.ndjson --output o11"),
        ("pkb", "split x.ndjson --partial --shards 3 --out shards"),
        ("pkb-notify", &sms),
        ("pkb-notify", "sms status x.ndjson --partial --output o12"),
        (
            "pkb-notify",
            "post send x-l.ndjson --partial --letters separate --journal xp.journal --output o13",
        ),
        ("pkb-notify", "post status x.ndjson --partial --output o14"),
        ("pkb", "purge x.ndjson --letters print"),
    ] {
        let ended = bounded(&campaign, program, args);
        assert!(
            CODES.contains(&ended.code),
            "{program} {args} ended with {}: {}",
            ended.code,
            ended.stderr
        );
        assert!(
            !ended.stderr.contains("Report it"),
            "{program} {args}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_number_that_no_campaign_has_is_refused_with_its_line_and_field() {
    let (campaign, mut all) = campaign();
    all[1]["row"]["of"] = json!(1_u64 << 63);
    write(&campaign, "x.ndjson", &all);
    let ended = bounded(&campaign, "pkb-resolve", "x.ndjson --rate 0 --output o");
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("line 2") && ended.stderr.contains("row.of"),
        "{}",
        ended.stderr
    );
}

#[test]
fn no_number_of_a_manifest_makes_verify_or_purge_hang_or_swell() {
    let (campaign, _) = campaign();
    let manifest: Value =
        serde_json::from_slice(&campaign.read("print/rehearsal-manifest.json")).unwrap();
    let mut found = Vec::new();
    places(&manifest, String::new(), &mut found);
    assert!(found.len() > 5, "{found:?}");
    for path in found.iter().filter(|path| {
        !path.starts_with("/letters/1")
            && !path.starts_with("/letters/2")
            && !path.starts_with("/letters/3")
    }) {
        for value in [json!(0), json!(u64::MAX), json!(1_u64 << 62)] {
            let mut changed = manifest.clone();
            *changed.pointer_mut(path).unwrap() = value.clone();
            fs::write(
                campaign.path("print/rehearsal-manifest.json"),
                changed.to_string(),
            )
            .unwrap();
            for args in [
                "verify print l.ndjson --qr-codes optional",
                "purge l.ndjson --letters print --dry-run",
            ] {
                let ended = bounded(&campaign, "pkb", args);
                assert!(
                    CODES.contains(&ended.code),
                    "{path} = {value}: {args} ended with {}: {}",
                    ended.code,
                    ended.stderr
                );
            }
        }
    }
}
