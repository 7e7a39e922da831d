//! Letters that are posted.

use std::{collections::HashSet, process::Stdio, time::Duration};

use pkb_sandbox::Faults;
use serde_json::Value;

use super::{QUICK, calls, command, notify, reasons, send, sent_by};
use crate::harness::{Campaign, Ended, fixture, run};

/// A campaign with letters of one PDF each and texts; what pkb-letters wrote.
pub(super) fn letters(per_file: &str) -> (Campaign, Ended) {
    let campaign = Campaign::fixture();
    let form = match per_file {
        "1" => vec!["--separate"],
        _ => vec!["--letters-per-file", per_file],
    };
    let args = [vec!["--out", "print", "--channel", "letter,sms"], form].concat();
    let [.., delivered] = campaign.journey(&fixture("patients.csv"), &args);
    (campaign, delivered)
}

pub(super) fn posting() -> Vec<&'static str> {
    let mut args = vec![
        "post",
        "send",
        "--letters",
        "print",
        "--journal",
        "post.journal",
    ];
    args.extend(QUICK);
    args
}

#[test]
fn letters_of_one_pdf_each_are_posted_once_and_followed() {
    let (campaign, delivered) = letters("1");
    let economy = [&posting()[..], &["--postage", "economy"]].concat();
    let ended = notify(&campaign, &economy, &delivered.stdout);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let posted: Vec<Value> = ended
        .records()
        .into_iter()
        .filter(|record| sent_by(record, "letter").is_array())
        .collect();
    let sent = campaign.sandbox.notified();
    assert!(posted.len() > 10, "{}", ended.stderr);
    assert_eq!(sent.len(), posted.len());
    let files: HashSet<String> = sent
        .iter()
        .filter_map(|letter| letter.pdf_sha256.clone())
        .collect();
    assert_eq!(files.len(), sent.len(), "each letter once");
    assert!(sent.iter().all(|letter| letter.postage == Some("economy")));
    for record in ended.records() {
        let is_unmailable = record["outcome"]["stage"] == "post";
        if is_unmailable {
            assert_eq!(
                record["outcome"]["reason"], "unmailable",
                "{}",
                record["outcome"]
            );
        }
    }
    let again = notify(&campaign, &posting(), &delivered.stdout);
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(campaign.sandbox.notified().len(), sent.len());
    let followed = notify(
        &campaign,
        &["post", "status", "--wait", "20s"],
        &ended.stdout,
    );
    let words = format!("letters: {} accepted", posted.len());
    assert!(followed.stderr.contains(&words), "{}", followed.stderr);
}

#[test]
fn texts_and_letters_of_one_campaign_go_one_after_the_other() {
    let (campaign, delivered) = letters("1");
    let texted = send(&campaign, &delivered.stdout);
    let (texts, records) = (campaign.sandbox.notified().len(), texted.records());
    let with_text = records
        .iter()
        .filter(|record| sent_by(record, "sms").is_array())
        .count();
    assert!(with_text > 0 && texts >= with_text, "{}", texted.stderr);
    let posted = notify(&campaign, &posting(), &texted.stdout);
    assert_eq!(posted.records().len(), records.len());
    assert!(
        campaign.sandbox.notified().len() > texts,
        "{}",
        posted.stderr
    );
}

#[test]
fn a_letter_among_others_in_one_file_is_not_posted() {
    let (campaign, delivered) = letters("10");
    let ended = notify(&campaign, &posting(), &delivered.stdout);
    assert_eq!(ended.code, 65);
    assert!(ended.stderr.contains("--separate"), "{}", ended.stderr);
    assert!(reasons(&ended).contains(&"not_postable".to_owned()));
    // A file of which the last letter is alone may be good.
    let alone = ended
        .records()
        .iter()
        .filter(|record| sent_by(record, "letter").is_array())
        .count();
    assert_eq!(campaign.sandbox.notified().len(), alone);
    assert!(alone <= 1);
}

#[test]
fn what_notify_says_against_a_letter_is_the_outcome_of_its_row_or_stops_the_stage() {
    let (campaign, delivered) = letters("1");
    let fault = |error: &str| {
        let rule = r#"{"endpoint":"notify_letter","when":{"first":1},"fault":{"notify":"@"}}"#;
        let rules = format!(r#"{{"rules":[{}]}}"#, rule.replace('@', error));
        campaign
            .sandbox
            .set_faults(Faults::from_json(rules).unwrap());
    };
    fault("team_key_letter");
    let ended = notify(&campaign, &posting(), &delivered.stdout);
    assert_eq!(ended.code, 77, "{}", ended.stderr);
    assert!(ended.stderr.contains("make a live key"), "{}", ended.stderr);
    fault("not_a_pdf");
    let ended = notify(&campaign, &posting(), &delivered.stdout);
    let refused = reasons(&ended)
        .iter()
        .filter(|reason| *reason == "refused_by_notify")
        .count();
    assert_eq!(refused, 1, "{}", ended.stderr);
}

#[test]
fn no_letter_is_posted_twice_when_answers_are_lost_and_the_program_is_killed() {
    let (campaign, delivered) = letters("1");
    campaign.write("delivered.ndjson", &delivered.stdout);
    campaign.sandbox.set_faults(
        Faults::from_json(
            r#"{"rules":[
            {"endpoint":"notify_letter","when":{"always":true},"fault":{"latency_ms":{"uniform":[20,80]}}},
            {"endpoint":"notify_letter","when":{"requests":[3,6,9]},"fault":"reset_after"}]}"#,
        )
        .unwrap(),
    );
    let mut args = posting();
    args.extend([
        "delivered.ndjson",
        "--concurrency",
        "2",
        "--output",
        "posted.ndjson",
    ]);
    for kill in 0..3_u64 {
        let mut child = command(&campaign, &args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(250 + 150 * kill));
        let _ = child.kill();
        child.wait().unwrap();
    }
    let ended = run(&mut command(&campaign, &args), b"");
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let sent = campaign.sandbox.notified();
    let files: HashSet<String> = sent
        .iter()
        .filter_map(|letter| letter.pdf_sha256.clone())
        .collect();
    assert_eq!(files.len(), sent.len(), "a letter was posted twice");
    let posted = crate::harness::records(&campaign.read("posted.ndjson"));
    assert_eq!(
        posted
            .iter()
            .filter(|record| sent_by(record, "letter").is_array())
            .count(),
        sent.len()
    );
}

#[test]
fn a_letter_whose_answer_and_that_about_it_are_lost_is_posted_once_incident_28() {
    let (campaign, delivered) = letters("1");
    campaign.sandbox.set_faults(
        Faults::from_json(
            r#"{"rules":[
            {"endpoint":"notify_letter","when":{"requests":[1,4]},"fault":"reset_after"},
            {"endpoint":"notify_find","when":{"requests":[1,3]},"fault":"reset_after"}]}"#,
        )
        .unwrap(),
    );
    let mut args = posting();
    args.extend(["--concurrency", "1"]);
    let ended = notify(&campaign, &args, &delivered.stdout);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        calls(&campaign, "notify_find") >= 4,
        "asked again: {}",
        ended.stderr
    );
    let sent = campaign.sandbox.notified();
    let ids: HashSet<String> = sent.iter().map(|letter| letter.id.clone()).collect();
    let files: HashSet<String> = sent
        .iter()
        .filter_map(|letter| letter.pdf_sha256.clone())
        .collect();
    assert_eq!(files.len(), sent.len(), "a letter was posted twice");
    let records = ended.records();
    let known: HashSet<String> = records
        .iter()
        .filter_map(|record| sent_by(record, "letter")[0]["id"].as_str())
        .map(str::to_owned)
        .collect();
    assert_eq!(known, ids);
}
