//! Uploads by message: one patient a call, which creates or updates the record, and may be repeated.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, Faults, LedgerEntry, World, WorldPatient};
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, run, synthetic_csv};

/// pkb-upload with what messages need set.
fn command(campaign: &Campaign, args: &[&str]) -> Command {
    let mut command = campaign.command("pkb-upload");
    command
        .args(["--via", "messaging", "--rate", "0"])
        .args(args)
        .env("PKB_MESSAGING_URL", campaign.sandbox.messaging_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
    command
}

fn upload(campaign: &Campaign, args: &[&str]) -> Ended {
    run(&mut command(campaign, args), b"")
}

fn messages(campaign: &Campaign) -> Vec<LedgerEntry> {
    let mut ledger = campaign.sandbox.ledger();
    ledger.retain(|entry| entry.endpoint == "process_message");
    ledger
}

fn set_fault(campaign: &Campaign, when: &str, fault: &str) {
    let rules =
        format!(r#"{{"rules":[{{"endpoint":"process_message","when":{when},"fault":{fault}}}]}}"#);
    campaign
        .sandbox
        .set_faults(Faults::from_json(rules).unwrap());
}

fn states(ended: &Ended) -> Vec<String> {
    let records = ended.records();
    let state = |record: &Value| {
        let outcome = &record["outcome"]["reason"];
        let state = outcome.as_str().or(record["upload"]["state"].as_str());
        state.unwrap_or_default().to_owned()
    };
    records.iter().map(state).collect()
}

/// Three patients, the second without a gender.
const THREE: &str = "NHS number,First name,Last name,Date of birth,Gender,Address 1,Town,Post code,Mobile\n\
    9990000018,Ann,Example,1950-01-01,F,1 Main Street,Leeds,LS1 1AA,07700 900001\n\
    9990000026,Bob,Example,1951-01-01,,2 Main Street,Leeds,LS1 1AA,07700 900002\n\
    9990000034,Cat,Example,1952-01-01,9,3 Main Street,Leeds,LS1 1AA,07700 900003\n";

/// How each row of the fixture ends.
fn ends(campaign: &Campaign, api: &str, uploaded: &Ended) -> BTreeMap<u64, String> {
    let mut stream = uploaded.stdout.clone();
    for program in ["pkb-resolve", "pkb-tokens"] {
        let mut command = campaign.command(program);
        command.args(["--rate", "0", "--concurrency", "8"]);
        if api == "fhir" {
            command
                .env("PKB_API", "fhir")
                .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
                .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
        }
        stream = run(&mut command, &stream).stdout;
    }
    let delivered = campaign.stage("pkb-letters", &["--out", "print"], &stream);
    let end = |record: Value| {
        let text = match &record["outcome"] {
            Value::Null => record["deliveries"][0]["channel"].to_string(),
            outcome => format!("{} {}", outcome["stage"], outcome["reason"]),
        };
        (record["row"]["number"].as_u64().unwrap(), text)
    };
    let records = delivered.records();
    // Mr Read Richards of the guide registers with his codes.
    let code = |name: &str| records[0]["invitation"][name].as_str().unwrap();
    assert_eq!(
        campaign.join(code("code"), code("token"), "2000-09-15"),
        200
    );
    records.into_iter().map(end).collect()
}

#[test]
fn the_journey_ends_the_same_by_message_and_by_file_over_rest_and_over_fhir() {
    for api in ["rest", "fhir"] {
        let file = fixture("patients.csv");
        let (by_file, by_message) = (Campaign::fixture(), Campaign::fixture());
        let args = [file.to_str().unwrap(), "--api", api];
        let uploaded = {
            let mut command = by_file.command("pkb-upload");
            command
                .args(args)
                .env("PKB_FHIR_URL", by_file.sandbox.fhir_url())
                .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
            run(&mut command, b"")
        };
        let sent = {
            let mut command = command(&by_message, &args);
            command.env("PKB_FHIR_URL", by_message.sandbox.fhir_url());
            run(&mut command, b"")
        };
        assert_eq!((uploaded.code, sent.code), (65, 65), "{}", sent.stderr);
        let sent_rows = states(&sent)
            .iter()
            .filter(|state| *state == "created")
            .count();
        assert_eq!(messages(&by_message).len(), sent_rows);
        let told = format!("PKB took {sent_rows} messages: {sent_rows} created a record");
        assert!(sent.stderr.contains(&told), "{}", sent.stderr);
        assert_eq!(
            ends(&by_file, api, &uploaded),
            ends(&by_message, api, &sent)
        );
    }
}

#[test]
fn a_row_without_a_gender_is_rejected_and_the_others_are_sent() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", THREE);
    let ended = upload(&campaign, &["p.csv", "--journal", "u.journal"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(states(&ended), ["created", "missing_gender", "created"]);
    let ann = campaign.sandbox.patient("9990000018").unwrap();
    assert_eq!(
        (ann.gender.as_str(), ann.mobile.as_str()),
        ("F", "+447700900001")
    );
    assert_eq!(ann.address, ["1 Main Street", "", "Leeds", ""]);
    assert_eq!(campaign.sandbox.patient("9990000034").unwrap().gender, "I");
    // Filled in, it is sent, and so is a row that was changed; what is settled is not.
    campaign.write(
        "p.csv",
        THREE
            .replace("1951-01-01,,", "1951-01-01,M,")
            .replace("3 Main", "4 Main"),
    );
    let corrected = upload(&campaign, &["p.csv", "--journal", "u.journal"]);
    assert_eq!(corrected.code, 0, "{}", corrected.stderr);
    assert_eq!(states(&corrected), ["created", "created", "updated"]);
    assert_eq!(messages(&campaign).len(), 4);
    assert!(
        corrected
            .stderr
            .contains("PKB took 2 messages: 1 created a record, 1 updated a record"),
        "{}",
        corrected.stderr
    );
    // By file none is needed.
    let by_file = campaign.stage("pkb-upload", &["p.csv", "--dry-run"], b"");
    assert_eq!(by_file.code, 0, "{}", by_file.stderr);
}

#[test]
fn a_killed_upload_goes_on_with_the_same_command_and_repeats_nobody_who_is_in_its_journal() {
    const PATIENTS: usize = 60;
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", synthetic_csv(PATIENTS, 4));
    set_fault(
        &campaign,
        r#"{"always":true}"#,
        r#"{"latency_ms":{"fixed":20}}"#,
    );
    let args = ["p.csv", "--journal", "u.journal", "--output", "u.ndjson"];
    let mut running = command(&campaign, &args);
    running
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = running.spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while in_journal(&campaign).len() < 5 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = in_journal(&campaign);
    assert!(done.len() >= 5);
    campaign.sandbox.set_faults(Faults::default());
    let ended = upload(&campaign, &args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(campaign.sandbox.count_patients(), PATIENTS);
    // What PKB had answered while the journal was written may be sent again: it does no harm, and nobody in the journal is.
    let mut times = BTreeMap::new();
    for entry in messages(&campaign) {
        *times.entry(entry.patient.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(times.len(), PATIENTS);
    assert!(times.values().all(|times| *times <= 2), "{times:?}");
    for patient in &done {
        assert_eq!(times.get(patient), Some(&1), "{patient}");
    }
    let sent = messages(&campaign).len();
    let again = upload(&campaign, &args);
    assert_eq!(
        (again.code, messages(&campaign).len()),
        (0, sent),
        "{}",
        again.stderr
    );
}

/// The national ids that the upload's journal has.
fn in_journal(campaign: &Campaign) -> Vec<String> {
    let journal = std::fs::read_to_string(campaign.path("u.journal")).unwrap_or_default();
    let ids = journal.lines().filter_map(|line| {
        let (_, id) = line.split_once(r#""type":"NHS_NUMBER","value":""#)?;
        id.get(..10).map(ToOwned::to_owned)
    });
    ids.collect()
}

#[test]
fn messages_go_one_at_a_time_and_four_at_most() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", synthetic_csv(8, 4));
    let refused = upload(&campaign, &["p.csv", "--concurrency", "5"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("--concurrency 5 is too much for --via messaging"),
        "{}",
        refused.stderr
    );
    assert!(campaign.sandbox.ledger().is_empty());
    set_fault(
        &campaign,
        r#"{"always":true}"#,
        r#"{"latency_ms":{"fixed":200}}"#,
    );
    let took = |more: &[&str]| {
        let start = Instant::now();
        let ended = upload(&campaign, &[&["p.csv", "--no-journal"], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        start.elapsed()
    };
    // Eight times 200 ms.
    assert!(took(&[]) >= Duration::from_millis(1600));
    let together = upload(&campaign, &["p.csv", "--no-journal", "--concurrency", "4"]);
    assert_eq!(together.code, 0, "{}", together.stderr);
}

#[test]
fn options_that_do_not_go_together_are_refused_before_anything_is_sent() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", THREE);
    for (args, words) in [
        (&["--via", "batches"][..], "--batches DIR"),
        (
            &["--via", "csv", "--batches", "b"],
            "Leave out one of the two",
        ),
        (
            &["--via", "messaging", "--batches", "b"],
            "Leave out one of the two",
        ),
        (&["--team-alias", "main"], "Add --via messaging"),
        (&["--show-request", "2"], "Add --via messaging"),
        (&["--via", "messaging", "--profile", "x.toml"], "--profile"),
        (&["--via", "messaging"], "PKB_MESSAGING_URL and PKB_ORG_ID"),
    ] {
        let ended = campaign.stage("pkb-upload", &[&["p.csv"], args].concat(), b"");
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{args:?}: {}", ended.stderr);
    }
    assert!(campaign.sandbox.ledger().is_empty());
    let said = campaign.stage(
        "pkb-upload",
        &[
            "p.csv",
            "--via",
            "batches",
            "--batches",
            "b",
            "--no-compare",
        ],
        b"",
    );
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(campaign.path("b/batch-0001.csv").exists());
}

#[test]
fn a_request_is_shown_with_its_values_masked_and_nothing_is_sent() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", THREE);
    let ended = upload(
        &campaign,
        &["p.csv", "--show-request", "2", "--team-alias", "main"],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let shown = String::from_utf8(ended.stdout).unwrap();
    for part in [
        "Patient/$process-message",
        "\"value\": \"9999999999\"",
        "\"family\": \"Xxxxxxx\"",
        "\"birthDate\": \"9999-99-99\"",
        "\"valueString\": \"main\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for value in [
        "9990000018",
        "Ann",
        "Example",
        "1950",
        "female\"",
        "Main",
        "LS1",
        "7700",
    ] {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
    let without = upload(&campaign, &["p.csv", "--show-request", "3"]);
    assert!(
        without.code == 65 && without.stderr.contains("has no gender"),
        "{}",
        without.stderr
    );
    assert_eq!(upload(&campaign, &["p.csv", "--show-request", "9"]).code, 2);
    let dry = upload(&campaign, &["p.csv", "--dry-run"]);
    assert_eq!(states(&dry), ["checked", "missing_gender", "checked"]);
    assert!(campaign.sandbox.ledger().is_empty());
}

#[test]
fn dates_of_birth_are_compared_before_the_first_message() {
    let with_gender = |name: &str| -> String {
        let text = std::fs::read_to_string(fixture(name)).unwrap();
        let line = |(at, line): (usize, &str)| match at {
            0 => format!("{line},Gender\n"),
            _ => format!("{line},F\n"),
        };
        text.lines().enumerate().map(line).collect()
    };
    let known = with_gender("known-at-pkb.csv");
    for api in ["rest", "fhir"] {
        let campaign = Campaign::start(World::of_patient_file(known.as_bytes()).unwrap());
        let send = |args: &[&str]| {
            let mut command = command(&campaign, &[&["p.csv", "--api", api], args].concat());
            command.env("PKB_FHIR_URL", campaign.sandbox.fhir_url());
            run(&mut command, b"")
        };
        campaign.write("p.csv", with_gender("known-at-pkb-moved-down.csv"));
        let moved = send(&[]);
        assert_eq!(
            (moved.code, messages(&campaign).len()),
            (65, 0),
            "{}",
            moved.stderr
        );
        assert!(
            moved.stderr.contains("moved down by a row"),
            "{}",
            moved.stderr
        );
        campaign.write("p.csv", &known);
        let skipped = send(&["--known", "skip", "--no-journal"]);
        assert_eq!(
            (skipped.code, messages(&campaign).len()),
            (0, 0),
            "{}",
            skipped.stderr
        );
        let sent = send(&[]);
        assert_eq!(
            (sent.code, messages(&campaign).len()),
            (0, 100),
            "{}",
            sent.stderr
        );
        assert!(states(&sent).iter().all(|state| state == "updated"));
    }
}

#[test]
fn a_record_that_pkb_does_not_show_gets_no_message() {
    let known = THREE.replace("1951-01-01,,", "1951-01-01,M,");
    let header = pkb_synthetic::generate::COLUMNS.join(",");
    let at_pkb = format!("{header}\n9990000026,,Bob,Example,1951-02-02,,,,,,,,,M\n");
    let mut world = World::of_patient_file(at_pkb.as_bytes()).unwrap();
    let hidden = WorldPatient {
        no_access: true,
        ..world.get("9990000026").unwrap().clone()
    };
    world = world.with(hidden);
    let campaign = Campaign::start(world);
    campaign.write("p.csv", known);
    let ended = upload(&campaign, &["p.csv"]);
    assert_eq!(
        states(&ended),
        ["created", "no_access", "created"],
        "{}",
        ended.stderr
    );
    let bob = campaign.sandbox.patient("9990000026").unwrap();
    assert_eq!(
        (bob.updates, bob.date_of_birth.unwrap().to_string()),
        (0, "1951-02-02".to_owned())
    );
}

#[test]
fn a_message_that_pkb_refuses_is_its_rows_and_is_sent_again_by_the_next_run() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", THREE.replace("1951-01-01,,", "1951-01-01,M,"));
    let args = ["p.csv", "--journal", "u.journal", "--team-alias", "renal"];
    let refused = upload(&campaign, &args);
    assert_eq!(refused.code, 65, "{}", refused.stderr);
    assert_eq!(states(&refused), ["refused_by_import"; 3]);
    let words = "PKB answered 422: extension (value)";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    let args = [
        "p.csv",
        "--journal",
        "v.journal",
        "--team-alias",
        "main",
        "--team-alias",
        "renal",
    ];
    set_fault(&campaign, r#"{"first":1}"#, r#"{"message":"error"}"#);
    let one = upload(&campaign, &args);
    assert_eq!(
        states(&one),
        ["refused_by_import", "created", "created"],
        "{}",
        one.stderr
    );
    let again = upload(&campaign, &args);
    assert_eq!(states(&again), ["created"; 3], "{}", again.stderr);
    let other = upload(&campaign, &["p.csv", "--journal", "v.journal"]);
    assert!(
        other.code == 2 && other.stderr.contains("--team-alias"),
        "{}",
        other.stderr
    );
}

#[test]
fn where_pkb_takes_nobodys_message_the_stage_stops_after_twenty() {
    let campaign = Campaign::start(World::default());
    campaign.write("p.csv", synthetic_csv(100, 4));
    let ended = upload(&campaign, &["p.csv", "--team-alias", "cardiac"]);
    assert_eq!(
        (ended.code, messages(&campaign).len()),
        (65, 20),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains(
            "PKB took none of the first 20 messages (the last: PKB answered 422: extension"
        ),
        "{}",
        ended.stderr
    );
    let mut wrong = command(&campaign, &["p.csv"]);
    wrong.env("PKB_ORG_ID", "00000000-0000-4000-8000-000000000000");
    let ended = run(&mut wrong, b"");
    assert_eq!(ended.code, 77, "{}", ended.stderr);
}

#[test]
fn email_addresses_go_only_if_that_is_wanted_and_warnings_are_counted() {
    let campaign = Campaign::with(Config::default());
    let with_emails = THREE
        .replace("Mobile\n", "Mobile,Email\n")
        .replace("900001\n", "900001,ann@example.org\n")
        .replace("900002\n", "900002,\n")
        .replace("900003\n", "900003,cat@example.org\n");
    campaign.write("p.csv", with_emails);
    let ended = upload(&campaign, &["p.csv", "--no-journal"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        messages(&campaign)
            .iter()
            .all(|sent| !sent.invited_by_email)
    );
    campaign.sandbox.reset_ledger();
    set_fault(&campaign, r#"{"always":true}"#, r#"{"message":"warnings"}"#);
    let ended = upload(&campaign, &["p.csv", "--no-journal", "--keep-email"]);
    assert!(messages(&campaign).iter().all(|sent| sent.invited_by_email));
    let told = "PKB took 2 messages: 2 without saying what it did. Its answers have 4 warnings";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(ended.records()[0]["upload"]["emailed"], true);
}

#[test]
fn the_doctor_and_config_know_the_settings_of_messages() {
    let campaign = Campaign::start(World::default());
    let url = campaign.sandbox.messaging_url();
    let doctor = |org_id: Option<&str>| {
        let mut command = campaign.command("pkb");
        command
            .arg("doctor")
            .env("PKB_MESSAGING_URL", &url)
            .envs(org_id.map(|id| ("PKB_ORG_ID", id)));
        String::from_utf8(run(&mut command, b"").stdout).unwrap()
    };
    let ready = doctor(Some(pkb_sandbox::ORG_ID));
    assert!(
        ready.contains("PKB takes messages at PKB_MESSAGING_URL"),
        "{ready}"
    );
    let lacking = doctor(None);
    assert!(
        lacking.contains("PKB_MESSAGING_URL is set and PKB_ORG_ID is not"),
        "{lacking}"
    );
    assert!(messages(&campaign).iter().all(|asked| !asked.committed));
    let mut config = campaign.command("pkb-upload");
    config.arg("config").env("PKB_MESSAGING_URL", &url);
    let shown = String::from_utf8(run(&mut config, b"").stdout).unwrap();
    assert!(
        shown.contains("messaging_url") && shown.contains(&url),
        "{shown}"
    );
    // A rehearsal's address and a campaign's do not go together.
    campaign.write("p.csv", THREE);
    let mut mixed = command(&campaign, &["p.csv"]);
    mixed.env("PKB_MESSAGING_URL", "https://pkb.example/phr-fhir");
    let ended = run(&mut mixed, b"");
    assert!(
        ended.code == 2 && ended.stderr.contains("PKB_MESSAGING_URL"),
        "{}",
        ended.stderr
    );
}
