//! The fixture campaign, from the patient file to registration.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, records};

/// How a record ended: stage, kind, reason.
fn ending(record: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match &record["outcome"] {
        Value::Null if record["deliveries"].is_array() => {
            ("letters".into(), "delivered".into(), String::new())
        }
        Value::Null => ("nowhere".into(), String::new(), String::new()),
        outcome => (
            text(&outcome["stage"]),
            text(&outcome["kind"]),
            text(&outcome["reason"]),
        ),
    }
}

fn expected() -> BTreeMap<u64, (String, String, String)> {
    let mut file = csv::Reader::from_path(fixture("expected.csv")).unwrap();
    file.deserialize::<(u64, String, String, String)>()
        .map(|row| row.unwrap())
        .map(|(row, stage, kind, reason)| (row, (stage, kind, reason)))
        .collect()
}

fn fixture_journey(campaign: &Campaign) -> [Ended; 4] {
    campaign.journey(&fixture("patients.csv"), &["--out", "print"])
}

#[test]
fn every_fixture_row_ends_as_expected_and_no_line_is_lost() {
    let campaign = Campaign::fixture();
    let ended = fixture_journey(&campaign);
    let expected = expected();
    for stage in &ended {
        let rows: Vec<u64> = stage
            .records()
            .iter()
            .map(|r| r["row"]["number"].as_u64().unwrap())
            .collect();
        assert_eq!(
            rows,
            expected.keys().copied().collect::<Vec<_>>(),
            "{}",
            stage.stderr
        );
    }
    for record in ended[3].records() {
        let row = record["row"]["number"].as_u64().unwrap();
        assert_eq!(ending(&record), expected[&row], "row {row}");
    }
}

#[test]
fn the_exit_code_of_each_stage_says_that_rows_were_rejected() {
    let campaign = Campaign::fixture();
    for stage in fixture_journey(&campaign) {
        assert_eq!(stage.code, 65, "{}", stage.stderr);
        assert!(
            stage.stderr.contains("61 rows in, 61 rows out"),
            "{}",
            stage.stderr
        );
    }
}

#[test]
fn the_codes_on_the_letter_register_the_patient_and_nobody_else() {
    let campaign = Campaign::fixture();
    let [.., delivered] = fixture_journey(&campaign);
    let records = delivered.records();
    let code = |at: usize, name: &str| records[at]["invitation"][name].as_str().unwrap();
    assert_eq!(
        campaign.join(code(0, "code"), code(1, "token"), "2000-09-15"),
        422
    );
    assert_eq!(
        campaign.join(code(0, "code"), code(0, "token"), "2000-09-16"),
        422
    );
    assert_eq!(
        campaign.join(code(0, "code"), code(0, "token"), "2000-09-15"),
        200
    );
    assert!(campaign.sandbox.patient("5760678914").unwrap().registered);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let run = || {
        let campaign = Campaign::fixture();
        let [.., delivered] = fixture_journey(&campaign);
        let files = [
            "print/rehearsal-letters-0001.pdf",
            "print/rehearsal-manifest.csv",
        ];
        // The join link holds the port of the local PKB, so the letters differ by it.
        let base = campaign.sandbox.base_url();
        (
            delivered.stdout,
            campaign.read(files[1]),
            campaign.read(files[0]).len(),
            base.len(),
        )
    };
    let (first, second) = (run(), run());
    assert!(first.0 == second.0 && first.1 == second.1);
}

#[test]
fn a_stage_can_be_run_again_on_its_own_output_and_changes_nothing_that_is_done() {
    let campaign = Campaign::fixture();
    let ended = fixture_journey(&campaign);
    let calls = campaign.sandbox.ledger().len();
    for (program, stage) in ["pkb-resolve", "pkb-tokens"].iter().zip(&ended[1..3]) {
        let again = campaign.stage(program, &[], &stage.stdout);
        assert_eq!(again.stdout, stage.stdout, "{program}");
    }
    assert_eq!(
        campaign.sandbox.ledger().len(),
        calls,
        "PKB was asked again"
    );
    let again = campaign.stage("pkb-letters", &["--out", "again"], &ended[3].stdout);
    let before = records(&ended[3].stdout);
    assert_eq!(again.records(), before);
    assert!(!campaign.path("again/rehearsal-letters-0001.pdf").exists());
}
