//! What PKB's refusals, outages and nonsense come to.

use std::process::Command;

use pkb_sandbox::{OddAnswer, World, WorldPatient};

use crate::harness::{Campaign, Ended, run, synthetic_csv};

const READ: &str = "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code\n\
                    5760678914,Read,Richards,2000-09-15,1 Main Street,Newcastle,NE1 1XC\n";

fn resolve_with(change: impl FnOnce(&mut WorldPatient)) -> Ended {
    let mut patient = WorldPatient::new("5760678914");
    change(&mut patient);
    let campaign = Campaign::start(World::default().with(patient));
    let patients = campaign.write("patients.csv", READ);
    let uploaded = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    campaign.stage("pkb-resolve", &["--attempts", "2"], &uploaded.stdout)
}

fn assert_ended(ended: &Ended, code: i32, kind: &str, reason: &str) {
    let records = ended.records();
    let outcome = &records[0]["outcome"];
    assert_eq!(
        (outcome["kind"].as_str(), outcome["reason"].as_str()),
        (Some(kind), Some(reason)),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.code, code, "{}", ended.stderr);
}

#[test]
fn a_server_error_that_does_not_pass_is_a_failure_for_later() {
    let ended = resolve_with(|patient| patient.answer = Some(OddAnswer::Error));
    assert_ended(&ended, 75, "failed", "unavailable");
}

#[test]
fn an_answer_that_makes_no_sense_is_said_to_be_so() {
    for answer in [OddAnswer::NotJson, OddAnswer::Nonsense] {
        let ended = resolve_with(|patient| patient.answer = Some(answer));
        assert_ended(&ended, 76, "failed", "not_understood");
    }
}

#[test]
fn a_login_page_is_called_one() {
    let ended = resolve_with(|patient| patient.answer = Some(OddAnswer::NotJson));
    assert!(
        ended
            .stderr
            .contains("row 2: failed: not_understood: PKB's answer is a web page"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_failure_is_tried_again_when_the_stage_is_run_on_its_own_output() {
    let mut patient = WorldPatient::new("5760678914");
    patient.answer = Some(OddAnswer::Error);
    let broken = Campaign::start(World::default().with(patient));
    let patients = broken.write("patients.csv", READ);
    let uploaded = broken.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    let failed = broken.stage("pkb-resolve", &["--attempts", "1"], &uploaded.stdout);
    assert_ended(&failed, 75, "failed", "unavailable");

    let mended = Campaign::start(World::default());
    let patients = mended.write("patients.csv", READ);
    mended.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    let again = mended.stage("pkb-resolve", &[], &failed.stdout);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let records = again.records();
    assert!(records[0]["outcome"].is_null() && records[0]["pkb"]["id"] == "3594342");
}

#[test]
fn credentials_that_pkb_refuses_stop_the_stage() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", READ);
    for (style, code) in [("basic", 77), ("body", 77)] {
        let mut command = campaign.command("pkb-upload");
        command
            .arg(&patients)
            .args(["--auth-style", style])
            .env("PKB_CLIENT_SECRET", "sandbox-wrong");
        let ended = run(&mut command, b"");
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("refused the client's credentials"),
            "{}",
            ended.stderr
        );
    }
    let ended = campaign.stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--auth-style", "body"],
        b"",
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn the_secret_can_come_from_a_file() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", READ);
    campaign.write("secret", "sandbox-secret\n");
    let mut command = campaign.command("pkb-upload");
    command
        .arg(&patients)
        .env_remove("PKB_CLIENT_SECRET")
        .env("PKB_CLIENT_SECRET_FILE", "secret");
    assert_eq!(run(&mut command, b"").code, 0);
}

#[test]
fn settings_that_are_missing_or_dangerous_are_usage_errors() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", READ);
    let with = |change: &dyn Fn(&mut Command)| {
        let mut command = campaign.command("pkb-upload");
        command.arg(&patients);
        change(&mut command);
        run(&mut command, b"")
    };
    for (ended, part) in [
        (
            with(&|c| {
                c.env_remove("PKB_BASE_URL");
            }),
            "PKB_BASE_URL is not set",
        ),
        (
            with(&|c| {
                c.env_remove("PKB_CLIENT_SECRET");
            }),
            "no client secret",
        ),
        (
            with(&|c| {
                c.env("PKB_BASE_URL", "http://pkb.example");
            }),
            "must begin with https://",
        ),
        (
            with(&|c| {
                c.env("PKB_TOKEN_URL", "nonsense");
            }),
            "PKB_TOKEN_URL is not a URL",
        ),
    ] {
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn nobody_at_the_address_means_try_later() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", READ);
    let mut command = campaign.command("pkb-upload");
    // Port 9 (discard) has no listener on a test machine.
    command
        .arg(&patients)
        .args(["--attempts", "1"])
        .env("PKB_TOKEN_URL", "http://127.0.0.1:9/token");
    let ended = run(&mut command, b"");
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    assert!(ended.stderr.contains("no connection"), "{}", ended.stderr);
}

#[test]
fn all_calls_of_a_run_share_one_access_token() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(200, 1));
    let uploaded = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
    let calls = |name: &str| {
        campaign
            .sandbox
            .ledger()
            .iter()
            .filter(|entry| entry.endpoint == name)
            .count()
    };
    // Each patient before the upload and after it.
    assert_eq!((calls("by_national_id"), calls("token")), (400, 2));
}
