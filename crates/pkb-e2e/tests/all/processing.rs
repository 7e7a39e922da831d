//! pkb-upload and a PKB that works on each file for a while.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use pkb_sandbox::{Clock, Config};

use crate::harness::{Campaign, Ended, NOW, synthetic_csv, without_checks};

/// A campaign of 120 patients with a PKB that takes `processing_ms` by `clock` for each file.
fn campaign(processing_ms: u32, clock: Clock) -> Campaign {
    let campaign = Campaign::with(Config {
        processing_ms,
        clock,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(120, 5));
    campaign
}

/// One whose PKB is not done before the clock is moved by a second.
fn stuck() -> (Campaign, Clock) {
    let clock = Clock::fixed(NOW.parse().unwrap());
    (campaign(1000, clock.clone()), clock)
}

fn pass_a_second(clock: &Clock) {
    clock.advance(SignedDuration::from_secs(1));
}

const UPLOAD: [&str; 4] = ["patients.csv", "--no-compare", "--journal", "u.journal"];

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
    let campaign = campaign(1200, Clock::system());
    let ended = upload(&campaign, &["--batch-rows", "60", "--campaign", "spring"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = asked(&campaign);
    let mut parts = asked.split(|asked| *asked == "upload");
    assert_eq!(parts.next(), Some(&[][..]), "{asked:?}");
    for part in parts {
        let waited = part.iter().all(|asked| *asked == "upload_status");
        assert!(waited && !part.is_empty(), "{asked:?}");
    }
    assert_eq!(asked.iter().filter(|asked| **asked == "upload").count(), 2);
    assert_eq!(campaign.sandbox.count_patients(), 120);
    let records = ended.records();
    assert_eq!(records[0]["upload"]["batch"], "spring-0001.csv");
    assert_eq!(records[119]["upload"]["batch"], "spring-0002.csv");
}

#[test]
fn a_run_whose_patience_ends_is_taken_up_again_without_a_second_upload() {
    let (campaign, clock) = stuck();
    let impatient = upload(&campaign, &["--wait-processed", "0s"]);
    assert_eq!(impatient.code, 75, "{}", impatient.stderr);
    let said = "PKB is still processing batch-0001.csv";
    assert!(impatient.stderr.contains(said), "{}", impatient.stderr);
    pass_a_second(&clock);
    let ended = upload(&campaign, &[]);
    assert_sent_once(&campaign, &ended);
}

#[test]
fn a_run_that_is_killed_while_it_waits_is_taken_up_again_without_a_second_upload() {
    let (campaign, clock) = stuck();
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
    pass_a_second(&clock);
    let ended = upload(&campaign, &[]);
    assert_sent_once(&campaign, &ended);
}

#[test]
fn a_report_that_comes_in_a_later_run_is_read_line_by_line() {
    let (campaign, clock) = stuck();
    // PKB has an e-mail address in one record only, here in one of an earlier upload.
    let earlier = "NHS number,First name,Last name,Date of birth,Email\n\
        9990000042,Dan,Example,1990-01-04,ben@example.org\n";
    campaign.write("earlier.csv", earlier);
    let arguments = ["earlier.csv", "--keep-email", "--wait-processed", "0s"];
    assert_eq!(campaign.stage("pkb-upload", &arguments, b"").code, 75);
    pass_a_second(&clock);
    let file = "NHS number,First name,Last name,Date of birth,Email\n\
        9990000018,Ann,Example,1990-01-01,ann@example.org\n\
        9990000026,Ben,Example,1990-01-02,ben@example.org\n\
        9990000034,Cat,Example,1990-01-03,\n";
    campaign.write("patients.csv", file);
    let impatient = upload(&campaign, &["--keep-email", "--wait-processed", "0s"]);
    assert_eq!(impatient.code, 75, "{}", impatient.stderr);
    pass_a_second(&clock);
    let ended = upload(&campaign, &["--keep-email"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let records = ended.records();
    let reasons: Vec<_> = records
        .iter()
        .map(|record| record["outcome"]["reason"].as_str())
        .collect();
    assert_eq!(reasons, [None, Some("refused_by_import"), None]);
}

#[test]
fn an_upload_that_pkb_no_longer_knows_is_settled_by_looking_up_its_rows() {
    let (campaign, clock) = stuck();
    let args = [
        "patients.csv",
        "--journal",
        "u.journal",
        "--settle-for",
        "1s",
    ];
    let upload = |extra: &[&str]| campaign.stage("pkb-upload", &[&args, extra].concat(), b"");
    assert_eq!(upload(&["--wait-processed", "0s"]).code, 75);
    // The id in the journal becomes one that PKB never gave.
    let journal = String::from_utf8(campaign.read("u.journal")).unwrap();
    let forgotten = journal.replace("\"accepted\":\"", "\"accepted\":\"x");
    assert_ne!(journal, forgotten);
    campaign.write("u.journal", without_checks(&forgotten));
    pass_a_second(&clock);
    let before = asked(&campaign).len();
    let ended = upload(&[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = asked(&campaign).split_off(before);
    assert_eq!(asked[0], "upload_status", "{asked:?}");
    assert!(asked[1..].iter().all(|asked| *asked == "by_national_id"));
    assert_eq!(asked.len(), 121, "every patient is asked about");
}

#[test]
fn patients_are_found_only_when_their_upload_is_processed() {
    let quick = campaign(0, Clock::system());
    let uploaded = upload(&quick, &[]).stdout;
    let (campaign, clock) = stuck();
    let found = || {
        let ended = campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded);
        ended
            .records()
            .iter()
            .filter(|record| record["outcome"]["reason"] != "not_found")
            .count()
    };
    assert_eq!(upload(&campaign, &["--wait-processed", "0s"]).code, 75);
    assert_eq!(found(), 0);
    pass_a_second(&clock);
    assert_eq!(found(), 120);
}
