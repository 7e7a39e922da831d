//! Streams: alone from a file, cut short, damaged, closed early.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use pkb_sandbox::World;

use crate::harness::{Campaign, fixture, on_terminal, run, synthetic_csv};

#[test]
fn each_stage_reads_a_file_a_pipe_or_a_dash() {
    let campaign = Campaign::fixture();
    let uploaded = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap()],
        b"",
    );
    campaign.write("uploaded.ndjson", &uploaded.stdout);
    let by_pipe = campaign.stage("pkb-resolve", &[], &uploaded.stdout);
    let by_file = campaign.stage("pkb-resolve", &["uploaded.ndjson"], b"");
    let by_dash = campaign.stage("pkb-resolve", &["-"], &uploaded.stdout);
    assert!(by_pipe.stdout == by_file.stdout && by_file.stdout == by_dash.stdout);
    assert_eq!(
        campaign.stage("pkb-resolve", &["missing.ndjson"], b"").code,
        66
    );
}

#[test]
fn output_goes_to_a_file_that_is_complete_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = Campaign::fixture();
    let patients = fixture("patients.csv");
    let ended = campaign.stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--output", "u.ndjson"],
        b"",
    );
    assert!(ended.stdout.is_empty());
    let path = campaign.path("u.ndjson");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        campaign
            .read("u.ndjson")
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        61
    );
    let cut = &campaign.read("u.ndjson")[..5000];
    let ended = campaign.stage("pkb-resolve", &["--output", "r.ndjson"], cut);
    assert_eq!(ended.code, 66);
    assert!(
        !campaign.path("r.ndjson").exists(),
        "a run that was cut short leaves no file"
    );
}

#[test]
fn input_that_ends_early_is_said_to_and_what_arrived_is_done() {
    let campaign = Campaign::fixture();
    let uploaded = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap()],
        b"",
    );
    let lines: Vec<&[u8]> = uploaded.stdout.split_inclusive(|b| *b == b'\n').collect();
    let short = lines[..40].concat();
    let ended = campaign.stage("pkb-resolve", &[], &short);
    assert_eq!(ended.code, 66);
    assert!(
        ended
            .stderr
            .contains("input ended early: 40 of 61 rows of patients.csv arrived"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.records().len(), 40);
    let part = campaign.stage("pkb-resolve", &["--partial"], &short);
    assert_eq!(part.code, 65);
    let nothing = campaign.stage("pkb-resolve", &[], b"");
    assert_eq!(nothing.code, 66);
    assert!(
        nothing.stderr.contains("input ended before the first row"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn all_damaged_lines_are_named_and_none_is_shown() {
    let campaign = Campaign::fixture();
    let uploaded = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap()],
        b"",
    );
    let mut lines: Vec<Vec<u8>> = uploaded
        .stdout
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    lines[4] = b"{\"Canary\n".to_vec();
    lines[9] = String::from_utf8(lines[0].clone())
        .unwrap()
        .replace("5760678914", "5760678915")
        .into_bytes();
    let ended = campaign.stage("pkb-resolve", &[], &lines.concat());
    assert_eq!(ended.code, 66);
    assert!(
        ended
            .stderr
            .contains("line 5 is not a complete JSON object"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("line 10: the field patient.national_id.value"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("Canary") && !ended.stderr.contains("5760678915"));
    assert_eq!(
        ended.records().len(),
        4,
        "what came before the damage is done"
    );
}

#[test]
fn a_reader_that_goes_away_is_an_io_error_and_no_panic() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3000, 1));
    let mut child = campaign
        .command("pkb-upload")
        .arg(patients)
        .arg("--dry-run")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(74), "{stderr}");
    assert!(
        stderr.contains("cannot write the output: broken pipe"),
        "{stderr}"
    );
    assert!(!stderr.contains("panic"));
}

#[test]
fn killing_one_stage_makes_the_ones_after_it_end_with_66() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(2000, 2));
    let uploaded = campaign.stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--no-compare"],
        b"",
    );
    campaign.write("uploaded.ndjson", &uploaded.stdout);
    let pipe = |program: &str, args: &[&str], input: Stdio| {
        let mut command = campaign.command(program);
        command
            .args(args)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let input = std::fs::File::open(campaign.path("uploaded.ndjson")).unwrap();
    // Slow enough that there is something left to kill.
    let mut resolve = pipe("pkb-resolve", &["--rate", "100"], input.into());
    let mut tokens = pipe(
        "pkb-tokens",
        &["--rate", "0"],
        resolve.stdout.take().unwrap().into(),
    );
    let letters = pipe(
        "pkb-letters",
        &["--out", "print"],
        tokens.stdout.take().unwrap().into(),
    );
    std::thread::sleep(std::time::Duration::from_millis(1500));
    resolve.kill().unwrap();
    for ended in [
        tokens.wait_with_output().unwrap(),
        letters.wait_with_output().unwrap(),
    ] {
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(66), "{stderr}");
        assert!(stderr.contains("input ended early"), "{stderr}");
    }
    resolve.wait().unwrap();
}

#[test]
fn ctrl_c_stops_a_stage_with_130_and_sigterm_with_143() {
    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
    ] {
        let campaign = Campaign::start(World::default());
        let patients = campaign.write("patients.csv", synthetic_csv(1000, 3));
        let uploaded = campaign.stage(
            "pkb-upload",
            &[patients.to_str().unwrap(), "--no-compare"],
            b"",
        );
        campaign.write("uploaded.ndjson", &uploaded.stdout);
        let child = campaign
            .command("pkb-resolve")
            .args(["--rate", "20", "uploaded.ndjson"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        assert!(
            ended.stdout.is_empty() || ended.stdout.ends_with(b"}\n"),
            "a torn line was written"
        );
    }
}

#[test]
fn ctrl_c_is_heard_even_if_nobody_reads_the_output() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(40_000, 4));
    let mut command = campaign.command("pkb-upload");
    command
        .arg(patients)
        .arg("--dry-run")
        .args(["--batch-rows", "1000"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut unread = child.stdout.take().unwrap();
    // The first record comes after the first of the two passes over the file, before which nothing is to
    // be stopped; a moment later the pipe is full.
    unread.read_exact(&mut [0]).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(
        child.try_wait().unwrap().is_none(),
        "the output fits into the pipe: the test needs more rows"
    );
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        ended.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    drop(unread);
}

#[test]
fn codes_are_not_shown_on_a_terminal_unless_asked() {
    let campaign = Campaign::fixture();
    let uploaded = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap()],
        b"",
    );
    let resolved = campaign.stage("pkb-resolve", &[], &uploaded.stdout);
    campaign.write("resolved.ndjson", &resolved.stdout);
    let tokens = |args: &[&str]| {
        let mut command = campaign.command("pkb-tokens");
        on_terminal(command.args(args).arg("resolved.ndjson"))
    };
    let (code, shown) = tokens(&[]);
    assert_eq!(code, 2);
    assert!(!shown.contains("NKcYiAciBU"), "{shown}");
    let (code, shown) = tokens(&["--show-records"]);
    assert_eq!(code, 65, "{shown}");
    assert!(shown.contains("NKcYiAciBU"));
}

#[test]
fn a_summary_is_written_as_json_and_adds_up() {
    let campaign = Campaign::fixture();
    let mut command = campaign.command("pkb-upload");
    command
        .arg(fixture("patients.csv"))
        .args(["--dry-run", "--summary", "summary.json"]);
    run(&mut command, b"");
    let summary: serde_json::Value =
        serde_json::from_slice(&campaign.read("summary.json")).unwrap();
    let number = |name: &str| summary[name].as_u64().unwrap();
    let outcomes: u64 = summary["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(number("rows_in"), 61);
    assert_eq!(number("rows_of"), 61);
    assert_eq!(summary["schema"], "pkb-summary/1");
    assert_eq!(summary["files"], serde_json::json!(["patients.csv"]));
    assert_eq!(
        (number("exit_code"), &summary["ended"]),
        (65, &"some_rows_rejected".into())
    );
    assert_eq!(
        number("rows_out"),
        number("advanced") + number("already_done") + number("not_ready") + outcomes
    );
}

#[test]
fn a_stage_that_is_stopped_writes_its_summary_too() {
    let campaign = Campaign::fixture();
    let patients = fixture("patients.csv");
    let uploaded = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    let half = &uploaded.stdout[..uploaded.stdout.len() / 2];
    let ended = campaign.stage("pkb-resolve", &["--summary", "summary.json"], half);
    assert_eq!(ended.code, 66);
    let summary: serde_json::Value =
        serde_json::from_slice(&campaign.read("summary.json")).unwrap();
    assert_eq!(
        (&summary["exit_code"], &summary["ended"]),
        (&66.into(), &"input".into())
    );
    let why = summary["stopped_by"].as_str().unwrap();
    assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
    assert_eq!(summary["rows_of"], 61);
}
