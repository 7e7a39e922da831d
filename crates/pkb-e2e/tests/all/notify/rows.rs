//! Letters that GOV.UK Notify makes of a template, from the rows of a spreadsheet.

use std::{collections::HashSet, process::Stdio, time::Duration};

use pkb_sandbox::{Faults, NOTIFY_LETTER_TEMPLATE, NOTIFY_TEMPLATES};
use serde_json::Value;

use super::{QUICK, command, notify, reasons, sent_by};
use crate::harness::{Campaign, Ended, fixture, records, run};

/// A campaign with rows for the template; what pkb-letters wrote.
fn rows(profile: &str) -> (Campaign, Ended) {
    let campaign = Campaign::fixture();
    let args = [
        "--out",
        "print",
        "--channel",
        "data",
        "--data-profile",
        profile,
    ];
    let [.., delivered] = campaign.journey(&fixture("patients.csv"), &args);
    (campaign, delivered)
}

fn sending(template: &str) -> Vec<&str> {
    let mut args = vec![
        "rows",
        "send",
        "--rows",
        "print",
        "--letter-template-id",
        template,
    ];
    args.extend(["--journal", "rows.journal"]);
    args.extend(QUICK);
    args
}

fn sent(records: &[Value]) -> Vec<&Value> {
    let is_sent = |record: &&Value| sent_by(record, "data").is_array();
    records.iter().filter(is_sent).collect()
}

#[test]
fn each_row_becomes_one_letter_with_its_own_address_and_codes() {
    let (campaign, delivered) = rows("notify-letter");
    // What Notify would refuse after the upload is no row, and its outcome says why.
    let refused = delivered.records().into_iter().filter_map(|record| {
        let outcome = record["outcome"].clone();
        (outcome["stage"] == "letters").then(|| outcome["detail"].to_string())
    });
    let refused: Vec<String> = refused.collect();
    for words in ["Royal Mail", "A to Z"] {
        let is_said = refused.iter().any(|detail| detail.contains(words));
        assert!(is_said, "{words}: {refused:?}");
    }
    let ended = notify(
        &campaign,
        &sending(NOTIFY_LETTER_TEMPLATE),
        &delivered.stdout,
    );
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let (all, letters) = (ended.records(), campaign.sandbox.notified());
    let own = sent(&all);
    assert!(own.len() > 10, "{}", ended.stderr);
    assert_eq!(letters.len(), own.len());
    for record in own {
        let noted = &sent_by(record, "data")[0];
        let letter = letters
            .iter()
            .find(|letter| noted["id"] == letter.id.as_str());
        let letter = letter.unwrap();
        assert_eq!(letter.template_id.as_deref(), Some(NOTIFY_LETTER_TEMPLATE));
        assert_eq!(letter.reference.as_deref(), noted["reference"].as_str());
        let words = letter.body.as_deref().unwrap();
        for pointer in [
            "/patient/first_name",
            "/patient/postcode",
            "/invitation/code",
            "/invitation/token",
        ] {
            let value = record.pointer(pointer).and_then(Value::as_str);
            assert!(words.contains(value.unwrap_or_default()), "{pointer}");
        }
        let number = record["patient"]["national_id"]["value"].as_str().unwrap();
        assert!(!words.contains(number));
    }
    // Once, and then followed; what they cost comes from Notify.
    let again = notify(
        &campaign,
        &sending(NOTIFY_LETTER_TEMPLATE),
        &delivered.stdout,
    );
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(campaign.sandbox.notified().len(), letters.len());
    let status = ["rows", "status", "--wait", "20s"];
    let followed = notify(&campaign, &status, &ended.stdout);
    let words = format!("{} accepted", letters.len());
    assert!(followed.stderr.contains(&words), "{}", followed.stderr);
    assert!(followed.stderr.contains("Cost: £"), "{}", followed.stderr);
}

#[test]
fn no_row_becomes_two_letters_when_answers_are_lost_and_the_program_is_killed() {
    let (campaign, delivered) = rows("notify-letter");
    campaign.write("delivered.ndjson", &delivered.stdout);
    let faults = r#"{"rules":[
        {"endpoint":"notify_letter","when":{"always":true},"fault":{"latency_ms":{"uniform":[20,80]}}},
        {"endpoint":"notify_letter","when":{"requests":[3,6,9]},"fault":"reset_after"}]}"#;
    campaign
        .sandbox
        .set_faults(Faults::from_json(faults).unwrap());
    let mut args = sending(NOTIFY_LETTER_TEMPLATE);
    args.extend(["delivered.ndjson", "--concurrency", "2"]);
    args.extend(["--output", "posted.ndjson"]);
    for letters in [1, 5, 9] {
        let mut child = command(&campaign, &args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the middle, unless it has come to its end.
        while campaign.sandbox.notified().len() < letters && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    let ended = run(&mut command(&campaign, &args), b"");
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let letters = campaign.sandbox.notified();
    let words: HashSet<_> = letters.iter().map(|letter| &letter.body).collect();
    assert_eq!(words.len(), letters.len(), "a letter was posted twice");
    assert_eq!(
        sent(&records(&campaign.read("posted.ndjson"))).len(),
        letters.len()
    );
}

#[test]
fn a_row_that_is_not_the_records_is_not_sent() {
    let (campaign, delivered) = rows("notify-letter");
    let all = delivered.records();
    // One whose address GOV.UK Notify takes.
    let (other, same) = rows("notify-letter");
    let taken = notify(&other, &sending(NOTIFY_LETTER_TEMPLATE), &same.stdout).records();
    let is_sent = |record: &Value| sent_by(record, "data").is_array();
    let at = taken.iter().position(is_sent).unwrap();
    let first = &all[at];
    let file = format!("print/{}", first["deliveries"][0]["file"].as_str().unwrap());
    let code = first["invitation"]["code"].as_str().unwrap();
    let text = String::from_utf8(campaign.read(&file)).unwrap();
    campaign.write(&file, text.replace(code, "AnotherOne"));
    let ended = notify(
        &campaign,
        &sending(NOTIFY_LETTER_TEMPLATE),
        &delivered.stdout,
    );
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(reasons(&ended)[at], "doubtful_page");
    let letters = campaign.sandbox.notified();
    assert!(
        letters
            .iter()
            .all(|letter| !letter.body.as_deref().unwrap().contains("AnotherOne"))
    );
    assert!(!letters.is_empty());
}

#[test]
fn what_cannot_be_a_letter_is_said_before_anything_is_sent() {
    let (campaign, delivered) = rows("notify-letter");
    let unknown = "00000000-0000-4000-8000-00000000dead";
    for (template, words) in [
        (unknown, "no such template"),
        (NOTIFY_TEMPLATES[2], "is not for letters"),
    ] {
        let ended = notify(&campaign, &sending(template), &delivered.stdout);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let (other, delivered) = rows("default");
    let ended = notify(&other, &sending(NOTIFY_LETTER_TEMPLATE), &delivered.stdout);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("--data-profile notify-letter"),
        "{}",
        ended.stderr
    );
    assert!(campaign.sandbox.notified().is_empty() && other.sandbox.notified().is_empty());
}
