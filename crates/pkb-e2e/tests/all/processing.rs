//! pkb-upload and a PKB that works on each file for a while.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use pkb_sandbox::Config;

use crate::harness::{Campaign, Ended, synthetic_csv};

/// Long enough for a program to start, ask and be killed before PKB is done.
const SLOW_MS: u32 = 5_000;

/// A campaign of 120 patients with a PKB that takes `processing_ms` for each file.
fn campaign(processing_ms: u32) -> Campaign {
    let campaign = Campaign::with(Config {
        processing_ms,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(120, 5));
    campaign
}

const UPLOAD: [&str; 3] = ["patients.csv", "--journal", "u.journal"];

fn upload(campaign: &Campaign, extra: &[&str]) -> Ended {
    campaign.stage("pkb-upload", &[&UPLOAD, extra].concat(), b"")
}

/// The requests about uploads, in their order.
fn asked(campaign: &Campaign) -> Vec<&'static str> {
    campaign
        .sandbox
        .ledger()
        .iter()
        .map(|entry| entry.endpoint)
        .filter(|endpoint| *endpoint != "token")
        .collect()
}

fn assert_sent_once(campaign: &Campaign, ended: &Ended) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = asked(campaign);
    let uploads = asked.iter().filter(|asked| **asked == "upload").count();
    assert_eq!(uploads, 1, "rows were sent twice: {asked:?}");
    assert!(!asked.contains(&"by_national_id"), "{asked:?}");
    let records = ended.records();
    assert_eq!(records.len(), 120);
    assert!(
        records
            .iter()
            .all(|record| record["upload"]["batch"] == "batch-0001.csv")
    );
    assert_eq!(campaign.sandbox.count_patients(), 120);
}

#[test]
fn a_batch_is_sent_when_the_one_before_is_processed() {
    let campaign = campaign(700);
    let ended = upload(&campaign, &["--batch-rows", "60", "--campaign", "spring"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = asked(&campaign);
    let mut parts = asked.split(|asked| *asked == "upload");
    assert_eq!(parts.next(), Some(&[][..]), "{asked:?}");
    // Asked before PKB was done, and once it was.
    for part in parts.by_ref() {
        assert!(part.len() >= 2, "{asked:?}");
        assert!(part.iter().all(|asked| *asked == "upload_status"));
    }
    assert_eq!(asked.iter().filter(|asked| **asked == "upload").count(), 2);
    assert_eq!(campaign.sandbox.count_patients(), 120);
    let records = ended.records();
    assert_eq!(records[0]["upload"]["batch"], "spring-0001.csv");
    assert_eq!(records[119]["upload"]["batch"], "spring-0002.csv");
}

#[test]
fn a_run_whose_patience_ends_is_taken_up_again_without_a_second_upload() {
    let campaign = campaign(SLOW_MS);
    let impatient = upload(&campaign, &["--wait-processed", "0s"]);
    assert_eq!(impatient.code, 75, "{}", impatient.stderr);
    let said = "PKB is still processing batch-0001.csv";
    assert!(impatient.stderr.contains(said), "{}", impatient.stderr);
    let ended = upload(&campaign, &[]);
    assert_sent_once(&campaign, &ended);
}

#[test]
fn a_run_that_is_killed_while_it_waits_is_taken_up_again_without_a_second_upload() {
    let campaign = campaign(SLOW_MS);
    let mut waiting = campaign
        .command("pkb-upload")
        .args(UPLOAD)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !asked(&campaign).contains(&"upload_status") {
        assert!(began.elapsed() < Duration::from_secs(60), "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let ended = upload(&campaign, &[]);
    assert_sent_once(&campaign, &ended);
}

#[test]
fn an_upload_that_pkb_no_longer_knows_is_settled_by_looking_up_its_rows() {
    let campaign = campaign(700);
    assert_eq!(upload(&campaign, &["--wait-processed", "0s"]).code, 75);
    // The id in the journal becomes one that PKB never gave.
    let journal = String::from_utf8(campaign.read("u.journal")).unwrap();
    let forgotten = journal.replace("\"accepted\":\"", "\"accepted\":\"x");
    assert_ne!(journal, forgotten);
    campaign.write("u.journal", forgotten);
    std::thread::sleep(Duration::from_millis(700));
    let ended = upload(&campaign, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = asked(&campaign);
    assert_eq!(asked.iter().filter(|asked| **asked == "upload").count(), 1);
    assert!(asked.contains(&"by_national_id"));
}

#[test]
fn patients_are_found_only_when_their_upload_is_processed() {
    let campaign = campaign(SLOW_MS);
    let dry = upload(&campaign, &["--wait-processed", "0s"]);
    assert_eq!(dry.code, 75, "{}", dry.stderr);
    // What pkb-upload would write is known from a PKB that is quick.
    let quick = self::campaign(0);
    let uploaded = upload(&quick, &[]);
    let found = |ended: &Ended| {
        ended
            .records()
            .iter()
            .filter(|record| record["outcome"]["reason"] != "not_found")
            .count()
    };
    let early = campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
    assert_eq!(found(&early), 0, "{}", early.stderr);
    assert_eq!(upload(&campaign, &[]).code, 0);
    let late = campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
    assert_eq!(found(&late), 120, "{}", late.stderr);
}
