//! Messages through NHS Notify: who gets one, each of its errors, and what becomes of the messages.

mod once;
mod refusals;
mod statuses;

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use pkb_sandbox::{
    Config, Faults, NHS_NOTIFY_API_KEY, NHS_NOTIFY_KEY_ID, NHS_NOTIFY_PRIVATE_KEY,
    NHS_NOTIFY_ROUTING_PLANS, NhsFate, NhsNotifyConfig, World, WorldPatient,
};
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, fixture, run};

/// No long waits.
const QUICK: [&str; 6] = [
    "--settle-after",
    "50ms",
    "--give-up-after",
    "5",
    "--attempts",
    "3",
];

fn with(config: Config) -> Campaign {
    let campaign = Campaign::with(config);
    let key = campaign.write("private-key.pem", NHS_NOTIFY_PRIVATE_KEY);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(key, mode).unwrap();
    campaign
}

fn campaign() -> Campaign {
    with(Config::default())
}

fn faults(rules: &str) -> Faults {
    Faults::from_json(format!(r#"{{"rules":[{rules}]}}"#)).unwrap()
}

fn with_faults(rules: &str) -> Campaign {
    with(Config {
        faults: faults(rules),
        ..Config::default()
    })
}

/// A sandbox in which what becomes of the patients' messages is known beforehand.
fn with_fates(fates: &[(usize, NhsFate)]) -> Campaign {
    let entry = |world: World, (at, fate): &(usize, NhsFate)| {
        world.with(WorldPatient {
            nhs_notify: Some(*fate),
            ..WorldPatient::new(number(*at))
        })
    };
    with(Config {
        world: fates.iter().fold(World::default(), entry),
        ..Config::default()
    })
}

fn command(campaign: &Campaign, args: &[&str]) -> Command {
    let base = campaign.sandbox.base_url();
    let mut command = campaign.command("pkb-notify");
    command
        .args(args)
        .env("NHS_NOTIFY_BASE_URL", format!("{base}/comms"))
        .env("NHS_NOTIFY_TOKEN_URL", format!("{base}/oauth2/token"))
        .env("NHS_NOTIFY_API_KEY", NHS_NOTIFY_API_KEY)
        .env("NHS_NOTIFY_KEY_ID", NHS_NOTIFY_KEY_ID)
        .env("NHS_NOTIFY_PRIVATE_KEY_FILE", "private-key.pem")
        .env("NHS_NOTIFY_ROUTING_PLAN", NHS_NOTIFY_ROUTING_PLANS[0]);
    command
}

fn nhs(campaign: &Campaign, args: &[&str], input: &[u8]) -> Ended {
    run(&mut command(campaign, args), input)
}

fn sending<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["nhs", "send", "--journal", "nhs.journal", "--rate", "0"];
    args.extend(QUICK);
    args.extend(more);
    args
}

fn send(campaign: &Campaign, more: &[&str], input: &[u8]) -> Ended {
    nhs(campaign, &sending(more), input)
}

fn number(at: usize) -> String {
    let mut numbers = (999_000_001..).filter_map(pkb_synthetic::nhs_number::complete);
    numbers.nth(at).unwrap()
}

/// A record as pkb-tokens writes it.
fn record(at: usize, of: usize) -> Value {
    json!({
        "schema": "pkb-record/1",
        "row": {"file": "patients.csv", "number": at + 2, "of": of},
        "rehearsal": true,
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": number(at)},
            "first_name": "Canaryfirst", "last_name": "Canarylast", "date_of_birth": "1980-02-03",
            "address": ["1 Canary Lane", "Canaryton"], "postcode": "CA1 4RY",
        },
        "pkb": {"id": (12_345 + at).to_string(), "checked_at": "2026-11-22T08:00:00Z"},
        "invitation": {
            "code": format!("CanaryI{at:03}"), "token": format!("CanaryT{at:03}"), "expires_at": "2026-12-22T09:00:00Z",
        },
    })
}

fn lines(records: &[Value]) -> Vec<u8> {
    let lines = records.iter().map(|record| format!("{record}\n"));
    lines.collect::<String>().into_bytes()
}

fn invited(count: usize) -> Vec<u8> {
    let records: Vec<Value> = (0..count).map(|at| record(at, count)).collect();
    lines(&records)
}

/// How many messages each patient has.
fn messages(campaign: &Campaign) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in campaign.sandbox.nhs_messages() {
        *counts.entry(message.nhs_number).or_default() += 1;
    }
    counts
}

fn assert_each_once(campaign: &Campaign, patients: usize) {
    let messages = messages(campaign);
    assert!(messages.values().all(|count| *count == 1), "{messages:?}");
    assert_eq!(messages.len(), patients);
}

fn reasons(ended: &Ended) -> Vec<String> {
    let reason = |record: &Value| {
        record["outcome"]["reason"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    ended.records().iter().map(reason).collect()
}

/// The delivery of a record by NHS Notify.
fn delivery(record: &Value) -> &Value {
    let own = |delivery: &&Value| delivery["channel"] == "nhs_notify";
    let mut deliveries = record["deliveries"].as_array().into_iter().flatten();
    deliveries.find(own).unwrap_or(&Value::Null)
}

fn dispatch(record: &Value) -> &Value {
    &delivery(record)["dispatches"][0]
}

fn calls(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    let calls = ledger.iter().filter(|entry| entry.endpoint == endpoint);
    calls.count()
}

#[test]
fn each_patient_gets_one_message_in_batches_and_the_record_has_its_id() {
    let campaign = campaign();
    let ended = send(&campaign, &["--batch-rows", "3"], &invited(8));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 8);
    assert_eq!(calls(&campaign, "nhs_batches"), 3);
    assert_eq!(calls(&campaign, "nhs_token"), 1);
    let sent = campaign.sandbox.nhs_messages();
    for (record, message) in ended.records().iter().zip(&sent) {
        let delivery = delivery(record);
        assert_eq!(dispatch(record)["id"], message.id.as_str());
        assert_eq!(dispatch(record)["status"], "created");
        assert_eq!(dispatch(record)["reference"], message.reference.as_str());
        assert_eq!(delivery["reference"], message.reference.as_str());
        assert_eq!(delivery["file"], message.batch.as_str());
        assert_eq!(delivery["date"], "2026-11-22");
        assert_eq!(
            record["patient"]["national_id"]["value"],
            message.nhs_number.as_str()
        );
        let own = |name: &str| message.personalisation[name].clone();
        assert_eq!(record["invitation"]["code"], own("invitation_code"));
        assert_eq!(record["invitation"]["token"], own("access_code"));
        assert_eq!(own("codes_end"), "21 December 2026");
        let link = own("join_link");
        assert!(link.contains(&own("invitation_code")) && link.contains(&own("access_code")));
        assert_eq!(message.personalisation.len(), 4);
        assert!(!message.reference.contains(&message.nhs_number[..9]));
    }
    let again = send(&campaign, &["--batch-rows", "3"], &invited(8));
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(calls(&campaign, "nhs_batches"), 3, "nothing is sent again");
}

#[test]
fn a_journey_goes_from_the_patient_file_to_nhs_notify_and_on_to_the_report() {
    let campaign = with(Config {
        world: World::read(&fixture("world.json")).unwrap(),
        ..Config::default()
    });
    let patients = fixture("patients.csv");
    let stage = |program: &str, args: &[&str], input: &[u8]| campaign.stage(program, args, input);
    let uploaded = stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--rate", "0"],
        b"",
    );
    let resolved = stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
    let invited = stage("pkb-tokens", &["--rate", "0"], &resolved.stdout);
    let sent = send(&campaign, &[], &invited.stdout);
    assert!([0, 65].contains(&sent.code), "{}", sent.stderr);
    let records = sent.records();
    assert_eq!(records.len(), invited.records().len());
    let has_codes = |record: &&Value| {
        record["invitation"].is_object()
            && record["outcome"].is_null()
            && record["patient"]["national_id"]["type"] == "NHS_NUMBER"
    };
    let due = invited.records().iter().filter(has_codes).count();
    assert!(due > 5);
    assert_each_once(&campaign, due);
    let followed = nhs(&campaign, &["nhs", "status", "--wait", "30s"], &sent.stdout);
    assert!([0, 65].contains(&followed.code), "{}", followed.stderr);
    let delivered = followed.records();
    let delivered = delivered
        .iter()
        .filter(|record| dispatch(record)["status"] == "delivered");
    assert_eq!(delivered.count(), due);
    campaign.write("followed.ndjson", &followed.stdout);
    let report = campaign.stage(
        "pkb",
        &[
            "report",
            "--in",
            "followed.ndjson",
            "--out",
            "report.html",
            "--json",
            "report.json",
        ],
        b"",
    );
    assert_eq!(report.code, 0, "{}", report.stderr);
    // What was sent in this way is not sent by letter, too.
    let letters = campaign.stage("pkb-letters", &["--out", "print"], &followed.stdout);
    let made = letters.records();
    assert!(
        made.iter().all(|record| record["deliveries"][1].is_null()),
        "{}",
        letters.stderr
    );
}

#[test]
fn only_patients_with_codes_an_nhs_number_and_no_other_delivery_get_a_message() {
    let campaign = campaign();
    let mut records: Vec<Value> = (0..7).map(|at| record(at, 7)).collect();
    records[1]["patient"]["national_id"]["type"] = "CHI_NUMBER".into();
    records[2]["deliveries"] =
        json!([{"channel": "letter", "file": "rehearsal-letters-0001.pdf", "pages": [1, 1]}]);
    records[3].as_object_mut().unwrap().remove("invitation");
    records[4]["invitation"]["expires_at"] = "2026-12-01T09:00:00Z".into();
    records[5]["pkb"]["checked_at"] = "2026-11-01T09:00:00Z".into();
    records[6] = record(0, 7);
    records[6]["row"]["number"] = 8.into();
    let ended = send(&campaign, &[], &lines(&records));
    let expected = ["", "", "", "", "codes_expiring", "answer_too_old"];
    assert_eq!(reasons(&ended)[..6], expected, "{}", ended.stderr);
    assert!(["already_invited", "shared_codes"].contains(&reasons(&ended)[6].as_str()));
    assert_each_once(&campaign, 1);
}

#[test]
fn fields_have_the_names_of_the_templates_and_an_organisation_where_it_is_given() {
    let campaign = with(Config {
        nhs_notify: NhsNotifyConfig {
            may_set_ods_code: true,
            has_ods_code: false,
            ..NhsNotifyConfig::default()
        },
        ..Config::default()
    });
    let fields = ["--field", "invitation_code=code1", "--field", "join_link="];
    let missing = send(&campaign, &fields, &invited(2));
    assert_eq!(missing.code, 2, "{}", missing.stderr);
    assert!(missing.stderr.contains("--ods-code"), "{}", missing.stderr);
    let ended = send(
        &campaign,
        &[&fields[..], &["--ods-code", "RX1"]].concat(),
        &invited(2),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 2);
    let names = campaign.sandbox.nhs_messages()[0].personalisation.clone();
    let names: Vec<&String> = names.keys().collect();
    assert_eq!(names, ["access_code", "code1", "codes_end"]);
}

#[test]
fn no_number_code_key_or_name_is_in_any_message_log_note_or_argument() {
    let mut told = String::new();
    let refused =
        r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":{"nhs":"invalid_nhs_number"}}"#;
    for rules in [
        "",
        refused,
        r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":"reset_after"}"#,
        r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":"html"}"#,
        r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":"garbage"}"#,
        r#"{"endpoint":"nhs_token","when":{"always":true},"fault":"html"}"#,
        r#"{"endpoint":"nhs_token","when":{"always":true},"fault":{"status":401}}"#,
    ] {
        let campaign = with_faults(rules);
        let mut command = command(&campaign, &sending(&["--timeout", "2"]));
        let ended = run(command.env("RUST_LOG", "trace"), &invited(3));
        told.push_str(&ended.stderr);
        let journal = String::from_utf8(campaign.read("nhs.journal")).unwrap();
        let notes = journal.lines().filter(|line| line.contains("pkb-intent/1"));
        notes.for_each(|line| told.push_str(line));
        if rules.is_empty() {
            let mut command = self::command(&campaign, &["nhs", "status"]);
            told.push_str(&run(command.env("RUST_LOG", "trace"), &ended.stdout).stderr);
            let mut command = self::command(&campaign, &sending(&[]));
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
            told.push_str(&String::from_utf8_lossy(&arguments));
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }
    assert!(
        told.contains("refused_by_notify") && told.contains("pkb-intent/1"),
        "{told}"
    );
    let key_line = NHS_NOTIFY_PRIVATE_KEY.lines().nth(3).unwrap();
    let mut secrets = vec!["anary", "1980-02", "4RY", NHS_NOTIFY_API_KEY, key_line];
    let numbers: Vec<String> = (0..3).map(number).collect();
    secrets.extend(numbers.iter().map(String::as_str));
    for secret in secrets {
        let at = told.find(secret);
        assert!(
            at.is_none(),
            "{secret} is told: {}",
            &told[at.unwrap_or(0).saturating_sub(120)..]
        );
    }
}
