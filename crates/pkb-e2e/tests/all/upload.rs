//! pkb-upload: batches, dry runs, files for upload by hand.

use pkb_sandbox::World;

use crate::harness::{Campaign, fixture, synthetic_csv};

#[test]
fn a_dry_run_sends_nothing() {
    let campaign = Campaign::fixture();
    let ended = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap(), "--dry-run"],
        b"",
    );
    assert_eq!(ended.code, 65);
    assert!(campaign.sandbox.ledger().is_empty());
    let states: Vec<_> = ended
        .records()
        .iter()
        .filter_map(|r| r["upload"]["state"].as_str().map(str::to_owned))
        .collect();
    assert!(!states.is_empty() && states.iter().all(|state| state == "checked"));
}

#[test]
fn batches_for_upload_by_hand_need_no_credentials_and_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(250, 1));
    let mut command = campaign.command("pkb-upload");
    command
        .arg(patients)
        .args(["--batches", "for-pkb", "--batch-rows", "100"]);
    for name in [
        "PKB_BASE_URL",
        "PKB_TOKEN_URL",
        "PKB_CLIENT_ID",
        "PKB_CLIENT_SECRET",
    ] {
        command.env_remove(name);
    }
    let ended = crate::harness::run(&mut command, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rows = |name: &str| {
        csv::Reader::from_path(campaign.path(name))
            .unwrap()
            .into_records()
            .count()
    };
    assert_eq!(
        [
            rows("for-pkb/batch-0001.csv"),
            rows("for-pkb/batch-0002.csv"),
            rows("for-pkb/batch-0003.csv")
        ],
        [100, 100, 50]
    );
    let mode = campaign
        .path("for-pkb/batch-0001.csv")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        ended
            .records()
            .iter()
            .all(|r| r["upload"]["state"] == "prepared")
    );
}

#[test]
fn all_good_rows_become_records_in_batches_that_pkb_takes() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(250, 1));
    let ended = campaign.stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--batch-rows", "100"],
        b"",
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(campaign.sandbox.count_patients(), 250);
    let uploads = campaign
        .sandbox
        .ledger()
        .iter()
        .filter(|entry| entry.endpoint == "upload")
        .count();
    assert_eq!(uploads, 3);
}

#[test]
fn a_file_that_is_no_patient_file_is_refused_before_anything_is_sent() {
    let campaign = Campaign::start(World::default());
    for (content, part) in [
        ("", "is empty"),
        ("Name,Age\nx,1\n", "the header lacks NHS number, First name"),
        ("NHS number,First name,Last name,Date of birth\n", "no rows"),
    ] {
        let patients = campaign.write("patients.csv", content);
        let ended = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
        assert_eq!(ended.code, 66, "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert_eq!(campaign.stage("pkb-upload", &["missing.csv"], b"").code, 66);
    assert!(campaign.sandbox.ledger().is_empty());
}
