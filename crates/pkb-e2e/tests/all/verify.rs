//! `pkb verify` finds what is wrong with a folder of letters.

use pkb_sandbox::World;
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, synthetic_csv};

/// Patients with a letter, in files of ten.
fn printed() -> (Campaign, Vec<Value>) {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(60, 21));
    let [.., delivered] =
        campaign.journey(&patients, &["--out", "print", "--letters-per-file", "10"]);
    let records = records(&delivered.stdout);
    (campaign, records)
}

fn verify(campaign: &Campaign, records: &[Value]) -> Ended {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let input = lines.join("\n") + "\n";
    campaign.stage("pkb", &["verify", "print"], input.as_bytes())
}

/// The places of the records with a letter.
fn letters(records: &[Value]) -> Vec<usize> {
    let has_letter = |at: &usize| records[*at]["deliveries"].is_array();
    (0..records.len()).filter(has_letter).collect()
}

fn assert_found(ended: &Ended, words: &str) {
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    assert_eq!(ended.code, 65, "{text}{}", ended.stderr);
    assert!(
        text.contains("do not post") && text.contains(words),
        "{words}: {text}"
    );
}

#[test]
fn letters_that_are_right_are_said_to_be() {
    let (campaign, records) = printed();
    let ended = verify(&campaign, &records);
    let text = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 0, "{text}{}", ended.stderr);
    assert!(
        text.contains(&format!("{} letters", letters(&records).len())),
        "{text}"
    );
    // Nothing about a patient is said.
    let name = records[0]["patient"]["last_name"].as_str().unwrap();
    assert!(!text.contains(name));
}

#[test]
fn sheets_that_went_to_the_wrong_rows_are_found() {
    let (campaign, mut records) = printed();
    let letters = letters(&records);
    let (one, two) = (letters[2], letters[3]);
    let pages = records[one]["deliveries"][0]["pages"].clone();
    records[one]["deliveries"][0]["pages"] = records[two]["deliveries"][0]["pages"].clone();
    records[two]["deliveries"][0]["pages"] = pages;
    let ended = verify(&campaign, &records);
    assert_found(&ended, "the name is not on the letter");
    assert_found(
        &ended,
        &format!(
            "a code of row {} is on the letter",
            records[two]["row"]["number"]
        ),
    );
    assert_found(&ended, "the manifest does not match the record");
}

#[test]
fn a_sheet_that_two_rows_have_or_none_is_found() {
    let (campaign, mut records) = printed();
    let letters = letters(&records);
    records[letters[4]]["deliveries"][0]["pages"] =
        records[letters[5]]["deliveries"][0]["pages"].clone();
    let ended = verify(&campaign, &records);
    assert_found(&ended, "two rows have this page");
    assert_found(
        &ended,
        "rehearsal-letters-0001.pdf, page 5: no row has this page",
    );
    // A record that is lost.
    let (campaign, mut records) = printed();
    let lost = records.remove(letters[4]);
    let ended = verify(&campaign, &records);
    let sequence = &lost["deliveries"][0]["sequence"];
    assert_found(
        &ended,
        &format!("letter {sequence}: no record has the letter"),
    );
}

#[test]
fn files_that_are_cut_missing_or_strange_are_found() {
    let (campaign, records) = printed();
    let pdf = campaign.read("print/rehearsal-letters-0002.pdf");
    campaign.write("print/rehearsal-letters-0002.pdf", &pdf[..pdf.len() / 3]);
    assert_found(&verify(&campaign, &records), "rehearsal-letters-0002.pdf");
    std::fs::remove_file(campaign.path("print/rehearsal-letters-0002.pdf")).unwrap();
    assert_found(
        &verify(&campaign, &records),
        "rehearsal-letters-0002.pdf: the file is missing",
    );
    // Another file's sheets under this name.
    campaign.write(
        "print/rehearsal-letters-0002.pdf",
        campaign.read("print/rehearsal-letters-0001.pdf"),
    );
    assert_found(
        &verify(&campaign, &records),
        "rehearsal-letters-0002.pdf, page 1",
    );
    campaign.write("print/rehearsal-letters-0002.pdf", pdf);
    assert_eq!(verify(&campaign, &records).code, 0);
    campaign.write(
        "print/rehearsal-letters-0099.pdf",
        campaign.read("print/rehearsal-letters-0001.pdf"),
    );
    assert_found(
        &verify(&campaign, &records),
        "rehearsal-letters-0099.pdf: no record has a letter in this file",
    );
}

#[test]
fn an_edited_manifest_is_found() {
    let (campaign, records) = printed();
    let manifest = String::from_utf8(campaign.read("print/rehearsal-manifest.csv")).unwrap();
    let second = manifest.lines().nth(2).unwrap();
    campaign.write(
        "print/rehearsal-manifest.csv",
        manifest.replace(second, &format!("{second}X")),
    );
    assert_found(&verify(&campaign, &records), "letter 2 (row");
    campaign.write(
        "print/rehearsal-manifest.csv",
        manifest.replace(&format!("{second}\r\n"), ""),
    );
    assert_found(
        &verify(&campaign, &records),
        "the letter is not in the manifest",
    );
}
