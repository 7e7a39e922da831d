//! Letters without codes, to those who may be invited and can join with NHS login.

use pkb_e2e::page_reader;
use pkb_sandbox::World;
use serde_json::{Value, json};

use crate::harness::Campaign;

/// A patient who may be invited, as pkb-resolve writes the record.
fn may_be_invited(number: u64, of: u64, national_id: &str) -> Value {
    json!({
        "schema": "pkb-record/1", "row": {"file": "patients.csv", "number": number, "of": of}, "rehearsal": true,
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": national_id}, "first_name": "Ann", "last_name": format!("Row{number}son"),
            "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Newcastle"], "postcode": "NE1 1XC",
        },
        "pkb": {"id": format!("{number}"), "checked_at": "2026-11-22T08:00:00Z"},
    })
}

fn stream(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn campaign_of_five() -> (Campaign, String) {
    let mut records: Vec<Value> = [
        (2, "9990000018"),
        (3, "9990000026"),
        (4, "9990000034"),
        (5, "9990000042"),
        (6, "9990000050"),
    ]
    .map(|(number, id)| may_be_invited(number, 5, id))
    .into();
    records[1]["invitation"] =
        json!({"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2027-01-20T09:00:00Z"});
    // Scotland's numbers: NHS login is not for them.
    records[2]["patient"]["national_id"] = json!({"type": "CHI_NUMBER", "value": "0101200005"});
    records[3]["outcome"] = json!({"stage": "resolve", "kind": "excluded", "reason": "deceased"});
    let input = stream(&records);
    (Campaign::start(World::default()), input)
}

const ARGS: [&str; 6] = [
    "--design",
    "nhs-login",
    "--out",
    "print",
    "--output",
    "made.ndjson",
];

#[test]
fn only_those_who_may_be_invited_and_have_no_codes_get_a_letter_for_nhs_login() {
    let (campaign, input) = campaign_of_five();
    let ended = campaign.stage("pkb-letters", &ARGS, input.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let made = crate::harness::records(&campaign.read("made.ndjson"));
    let letters: Vec<u64> = made
        .iter()
        .filter(|record| record["deliveries"][0]["design"] == "nhs-login")
        .map(|record| record["row"]["number"].as_u64().unwrap())
        .collect();
    assert_eq!(letters, [2, 6]);
    let references: Vec<&Value> = made
        .iter()
        .filter_map(|record| record["deliveries"].get(0))
        .map(|delivery| &delivery["reference"])
        .collect();
    assert_ne!(references[0], references[1]);
    let pdf = campaign.read("print/rehearsal-letters-0001.pdf");
    let pages = page_reader::read_pages(pdf).unwrap();
    assert_eq!(pages.len(), 2);
    for (page, name) in pages.iter().zip(["Ann Row2son", "Ann Row6son"]) {
        assert!(page.text.contains(name), "{}", page.text);
        assert!(page.text.contains("Choose NHS login."), "{}", page.text);
        assert!(!page.text.contains("Invite code"), "{}", page.text);
        for link in page.qr.iter().chain(&page.by_camera) {
            assert!(!link.contains("t1=") && !link.contains("t2="), "{link}");
        }
        assert!(!page.qr.is_empty());
    }
    let verified = campaign.stage("pkb", &["verify", "print", "made.ndjson"], b"");
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    // The same command again makes nothing and says the same.
    let again = campaign.stage("pkb-letters", &ARGS, input.as_bytes());
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(crate::harness::records(&campaign.read("made.ndjson")), made);
    assert!(!campaign.path("print/rehearsal-letters-0002.pdf").exists());
}

#[test]
fn a_letter_without_codes_that_is_somebody_elses_is_found() {
    let (campaign, input) = campaign_of_five();
    let ended = campaign.stage("pkb-letters", &ARGS, input.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let made = String::from_utf8(campaign.read("made.ndjson")).unwrap();
    campaign.write("other.ndjson", made.replace("Row6son", "Row7son"));
    let verified = campaign.stage("pkb", &["verify", "print", "other.ndjson"], b"");
    assert_eq!(verified.code, 65, "{}", verified.stderr);
    assert!(
        format!(
            "{}{}",
            String::from_utf8_lossy(&verified.stdout),
            verified.stderr
        )
        .contains("the name is not on the letter"),
        "{}",
        verified.stderr
    );
}

#[test]
fn a_letter_without_codes_has_no_text_message_and_no_row_of_data() {
    let (campaign, input) = campaign_of_five();
    for channel in ["letter,sms", "data"] {
        let args = [
            "--design",
            "nhs-login",
            "--out",
            "print",
            "--channel",
            channel,
        ];
        let ended = campaign.stage("pkb-letters", &args, input.as_bytes());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("has no codes"), "{}", ended.stderr);
    }
}
