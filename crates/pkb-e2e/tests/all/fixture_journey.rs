//! The fixture campaign, from the patient file to registration.

use std::collections::BTreeMap;

use pkb_e2e::page_reader;
use pkb_sandbox::Config;
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, national_ids, records, run};

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

/// The pages, records and dates of birth of a campaign on a machine in this time zone.
fn campaign_in(zone: &str, patients: &str) -> (Vec<Vec<u8>>, Vec<String>, Vec<String>) {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("patients.csv", patients);
    let mut outputs: Vec<Vec<u8>> = Vec::new();
    for (program, args) in [
        ("pkb-upload", vec!["patients.csv"]),
        ("pkb-resolve", vec![]),
        ("pkb-tokens", vec![]),
        ("pkb-letters", vec!["--out", "print"]),
    ] {
        let mut command = campaign.command(program);
        command.args(args).env("TZ", zone);
        let input = outputs.last().cloned().unwrap_or_default();
        let ended = run(&mut command, &input);
        assert_eq!(ended.code, 0, "{zone}: {}", ended.stderr);
        outputs.push(ended.stdout);
    }
    let pdf = campaign.read("print/rehearsal-letters-0001.pdf");
    let base = campaign.sandbox.base_url();
    let (_, port) = base.rsplit_once(':').unwrap();
    let pages = page_reader::read_text_only(pdf).unwrap().into_iter();
    let pages = pages.map(|page| page.text.replace(port, "PORT"));
    let numbers = national_ids(patients.as_bytes());
    let born = numbers.iter().map(|number| {
        let patient = campaign.sandbox.patient(number).unwrap();
        patient.date_of_birth.unwrap().to_string()
    });
    (outputs, pages.collect(), born.collect())
}

#[test]
fn the_time_zone_of_the_machine_changes_no_date_incident_36() {
    // The United Kingdom was an hour ahead from 27 October 1968 to 31 October 1971.
    let born = [
        "1968-10-26",
        "1968-10-27",
        "1969-12-31",
        "1970-01-01",
        "1971-03-28",
        "1971-10-31",
        "1971-11-01",
        "1972-02-29",
    ];
    let mut patients =
        "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code\n".to_owned();
    let numbers = (999_000_001..).filter_map(pkb_synthetic::nhs_number::complete);
    for (at, (number, born)) in numbers.zip(born).enumerate() {
        patients += &format!(
            "{number},Ann,Smith,{born},{} Mill Lane,Leeds,LS6 3AA\n",
            at + 1
        );
    }
    let in_london = campaign_in("Europe/London", &patients);
    assert_eq!(in_london.2, born);
    assert_eq!(in_london.1.len(), born.len());
    for zone in ["America/New_York", "Pacific/Auckland"] {
        let elsewhere = campaign_in(zone, &patients);
        assert!(elsewhere == in_london, "{zone}: {:?}", elsewhere.2);
    }
}
