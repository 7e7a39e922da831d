//! A PKB that mixes patients up: nothing of an answer is kept that may be about somebody else.

use pkb_sandbox::{Faults, World, WorldPatient};
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, fixture, run, synthetic_csv};

/// What one endpoint does wrong, always.
fn rule(endpoint: &str, fault: &Value) -> Value {
    json!({"endpoint": endpoint, "when": {"always": true}, "fault": fault})
}

fn set_rules(campaign: &Campaign, rules: &[Value]) {
    let faults = json!({"rules": rules}).to_string();
    campaign
        .sandbox
        .set_faults(Faults::from_json(faults).unwrap());
}

fn stage(campaign: &Campaign, program: &str, api: &str, input: &[u8]) -> Ended {
    let mut command = campaign.command(program);
    command
        .args(["--api", api, "--rate", "0", "--summary", "summary.json"])
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
    if program == "pkb-resolve" {
        command.args(["--registered-check", "off"]);
    }
    run(&mut command, input)
}

/// A campaign with so many patients, uploaded.
fn campaign_of(count: usize) -> (Campaign, Ended) {
    let campaign = Campaign::start(World::default());
    campaign.write("patients.csv", synthetic_csv(count, 7));
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    (campaign, uploaded)
}

fn number(record: &Value) -> &str {
    record["patient"]["national_id"]["value"].as_str().unwrap()
}

/// Every pair of codes is one that PKB made for the patient in whose record it is; how many there are.
fn check_codes(campaign: &Campaign, records: &[Value], what: &str) -> usize {
    let mut pairs = 0;
    for record in records
        .iter()
        .filter(|record| record["invitation"].is_object())
    {
        let made = campaign.sandbox.invitations(number(record));
        let (code, token) = (
            &record["invitation"]["code"],
            &record["invitation"]["token"],
        );
        assert!(
            made.iter()
                .any(|pair| *code == *pair.code && *token == *pair.token),
            "{what}: row {} has somebody else's codes",
            record["row"]["number"]
        );
        pairs += 1;
    }
    pairs
}

#[test]
fn an_answer_about_another_number_stops_pkb_resolve_and_nothing_of_it_is_kept() {
    for (sufferer, row) in [("9997000005", 2), ("9997000048", 4)] {
        for person in ["another_person", "another_number"] {
            let campaign = Campaign::start(World::default());
            let file = fixture("patient-files/two-numbers-one-record.csv");
            let uploaded = campaign.stage("pkb-upload", &[file.to_str().unwrap()], b"");
            let mut rule = rule("by_national_id", &json!({"person": person}));
            rule["patients"] = json!([sufferer]);
            set_rules(&campaign, &[rule]);
            let resolved = stage(&campaign, "pkb-resolve", "rest", &uploaded.stdout);
            assert_eq!(resolved.code, 76, "{}", resolved.stderr);
            let place = format!("a different patient instead of the one in row {row}");
            assert!(resolved.stderr.contains(&place), "{}", resolved.stderr);
            let mine = |record: &&Value| number(record) == sufferer;
            let records = resolved.records();
            assert!(records.iter().filter(mine).all(|it| it["pkb"].is_null()));
        }
    }
}

#[test]
fn answers_that_name_nobody_are_counted_in_the_summary() {
    let (campaign, uploaded) = campaign_of(3);
    for (person, told) in [("unnamed", 3), ("repeated_codes", 0)] {
        let endpoint = match told {
            0 => "record_access_token",
            _ => "by_national_id",
        };
        set_rules(&campaign, &[rule(endpoint, &json!({"person": person}))]);
        let resolved = stage(&campaign, "pkb-resolve", "rest", &uploaded.stdout);
        let summary: Value = serde_json::from_slice(&campaign.read("summary.json")).unwrap();
        assert_eq!(summary["unnamed_answers"], told);
        let is_said = resolved
            .stderr
            .contains("note: 3 answers from PKB did not name the patient");
        assert_eq!(is_said, told > 0, "{}", resolved.stderr);
    }
}

#[test]
fn a_date_of_birth_with_a_time_is_not_understood_over_both_interfaces_incident_37() {
    let dates = [
        "2000-09-14T23:00:00.000Z",
        "2000-09",
        "2000",
        "2000-09-15T00:00:00Z",
        "2000-09-15T00:00:00+01:00",
        "15/09/2000",
        "2000-09-15T00:00:00",
        "20000915",
        "2000-09-15T",
        "2000-09-14T23:00:00+00:00",
        "2000-9-15",
        "0000-00-00",
        "2000-15-09",
        "2000-09-15Z",
        "968972400000",
    ];
    let file = std::fs::read_to_string(fixture("patient-files/birthdate-with-time.csv")).unwrap();
    let numbers = file
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next());
    let world = numbers
        .zip(dates)
        .fold(World::default(), |world, (number, date)| {
            world.with(WorldPatient {
                date_of_birth_text: Some(date.to_owned()),
                ..WorldPatient::new(number)
            })
        });
    let campaign = Campaign::start(world);
    campaign.write("patients.csv", &file);
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    for api in ["fhir", "rest"] {
        let resolved = stage(&campaign, "pkb-resolve", api, &uploaded.stdout);
        let records = resolved.records();
        assert_eq!(records.len(), 15);
        for record in records {
            assert_eq!(record["outcome"]["reason"], "not_understood", "{api}");
            assert_eq!(
                record["outcome"]["detail"],
                "PKB's date of birth is not a date"
            );
        }
    }
}

#[test]
fn an_extra_answer_gives_nobody_a_different_patients_answer_or_codes() {
    for fault in [
        json!({}),
        json!({"after_ms": 1}),
        json!({"half": true}),
        json!({"after_ms": 3, "half": true}),
    ] {
        let (campaign, uploaded) = campaign_of(30);
        let fault = json!({"extra_answer": fault});
        set_rules(
            &campaign,
            &[
                rule("by_national_id", &fault),
                rule("record_access_token", &fault),
                rule("status_query", &fault),
                rule("generate_tokens", &fault),
            ],
        );
        for api in ["rest", "fhir"] {
            let resolved = stage(&campaign, "pkb-resolve", api, &uploaded.stdout);
            for record in resolved.records().iter().filter(|it| it["pkb"].is_object()) {
                let theirs = campaign.sandbox.patient(number(record)).unwrap().pkb_id;
                assert!(api == "fhir" || record["pkb"]["id"] == *theirs);
            }
            let invited = stage(&campaign, "pkb-tokens", api, &resolved.stdout);
            let pairs = check_codes(&campaign, &invited.records(), api);
            assert!(pairs > 20, "{api} {fault}: {pairs}\n{}", invited.stderr);
        }
    }
}

#[test]
fn parts_of_a_fhir_answer_that_are_somebody_elses_give_nobody_codes() {
    for (parts, ends) in [
        (json!({"strangers": 1}), Some(76)),
        (json!({"renamed": 0.1}), Some(76)),
        (json!({"unnamed": 0.1}), None),
        (json!({"two_names": 0.1}), None),
        (json!({"moved": 0.2}), None),
        (json!({"shared_codes": 0.2}), None),
        (json!({"shared_code": 0.2}), None),
        (json!({"shared_token": 0.2}), None),
    ] {
        let (campaign, uploaded) = campaign_of(60);
        let resolved = stage(&campaign, "pkb-resolve", "fhir", &uploaded.stdout);
        set_rules(
            &campaign,
            &[rule("generate_tokens", &json!({"parts": parts}))],
        );
        let invited = stage(&campaign, "pkb-tokens", "fhir", &resolved.stdout);
        let pairs = check_codes(&campaign, &invited.records(), &parts.to_string());
        if let Some(code) = ends {
            assert_eq!((invited.code, pairs), (code, 0), "{}", invited.stderr);
            assert!(invited.stderr.contains("a patient who was not asked for"));
        } else {
            assert!(invited.stderr.contains("not_understood"), "{parts}");
        }
        let strangers = rule("status_query", &json!({"parts": {"renamed": 0.1}}));
        set_rules(&campaign, &[strangers]);
        let resolved = stage(&campaign, "pkb-resolve", "fhir", &uploaded.stdout);
        assert_eq!(resolved.code, 76, "{}", resolved.stderr);
    }
}

#[test]
fn stages_side_by_side_lose_nobody_if_pkb_keeps_one_token_a_client() {
    let campaign = Campaign::start(World::default());
    campaign.write("patients.csv", synthetic_csv(60, 7));
    let faults = Faults::from_json(r#"{"one_live_token": true}"#).unwrap();
    campaign.sandbox.set_faults(faults);
    let ended = campaign
        .shell("pkb-upload patients.csv | pkb-resolve --rate 0 --min-age 0 | pkb-tokens --rate 0");
    let records = ended.records();
    let lost = records.iter().filter(|it| it["outcome"].is_object());
    assert_eq!(records.len(), 60);
    assert_eq!(lost.count(), 0, "{}", ended.stderr);
    assert_eq!(check_codes(&campaign, &records, "piped"), 60);
}

#[test]
fn a_client_that_may_see_nearly_nobody_stops_with_what_to_ask_pkb() {
    let (campaign, uploaded) = campaign_of(25);
    let resolved = stage(&campaign, "pkb-resolve", "rest", &uploaded.stdout);
    for (program, endpoint, input) in [
        ("pkb-resolve", "by_national_id", &uploaded.stdout),
        ("pkb-tokens", "record_access_token", &resolved.stdout),
    ] {
        for fault in [json!({"status": 401}), json!({"status": 403})] {
            set_rules(&campaign, &[rule(endpoint, &fault)]);
            let ended = stage(&campaign, program, "rest", input);
            assert_eq!(ended.code, 77, "{program}: {}", ended.stderr);
            let words = "no access to 20 of 20 patients. What to do: ask PKB whether";
            assert!(ended.stderr.contains(words), "{}", ended.stderr);
        }
        let refused = json!({"status": 401, "body": "invalid_token"});
        set_rules(&campaign, &[rule(endpoint, &refused)]);
        let ended = stage(&campaign, program, "rest", input);
        assert_eq!(ended.code, 77, "{program}: {}", ended.stderr);
        assert!(ended.stderr.contains("just given out"), "{}", ended.stderr);
        let stopped = ended.records();
        assert!(
            stopped
                .iter()
                .all(|it| it["outcome"]["reason"] != "no_access")
        );
    }
}

#[test]
fn a_machine_whose_clock_is_a_year_off_makes_no_codes() {
    const YEAR: i64 = 365 * 24 * 60 * 60;
    let (campaign, uploaded) = campaign_of(3);
    for api in ["rest", "fhir"] {
        campaign.sandbox.set_faults(Faults::default());
        let resolved = stage(&campaign, "pkb-resolve", api, &uploaded.stdout);
        for (off, code, words) in [
            (-YEAR, 2, "clock is 365 days ahead of PKB's"),
            (YEAR, 2, "days behind PKB's"),
            (-3600, 0, "clock is 60 minutes ahead of PKB's"),
        ] {
            let faults = json!({"clock_off_seconds": off}).to_string();
            campaign
                .sandbox
                .set_faults(Faults::from_json(faults).unwrap());
            let invited = stage(&campaign, "pkb-tokens", api, &resolved.stdout);
            assert_eq!(invited.code, code, "{}", invited.stderr);
            assert!(invited.stderr.contains(words), "{}", invited.stderr);
            let pairs = check_codes(&campaign, &invited.records(), api);
            assert_eq!(pairs == 0, code == 2);
        }
    }
}
