//! The journey over PKB's FHIR operations, beside the one over REST.

use std::collections::BTreeMap;

use pkb_sandbox::{BirthAtPkb, Config, Faults, World, WorldPatient};
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, run, synthetic_csv};

/// Runs a stage with what FHIR needs set; `api` is PKB_API.
fn stage(campaign: &Campaign, program: &str, api: &str, args: &[&str], input: &[u8]) -> Ended {
    let mut command = campaign.command(program);
    command
        .args(args)
        .env("PKB_API", api)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
    run(&mut command, input)
}

fn upload(campaign: &Campaign, patients: &str) -> Ended {
    campaign.stage("pkb-upload", &[patients], b"")
}

/// pkb-resolve and pkb-tokens over one interface.
fn resolve_and_invite(campaign: &Campaign, api: &str, uploaded: &Ended) -> [Ended; 2] {
    let args = ["--rate", "0"];
    let resolved = stage(campaign, "pkb-resolve", api, &args, &uploaded.stdout);
    let invited = stage(campaign, "pkb-tokens", api, &args, &resolved.stdout);
    [resolved, invited]
}

fn calls(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    ledger
        .iter()
        .filter(|entry| entry.endpoint == endpoint)
        .count()
}

/// Where each row stands, without what differs between any two runs.
fn standing(ended: &Ended) -> BTreeMap<u64, Value> {
    ended
        .records()
        .into_iter()
        .map(|mut record| {
            // REST alone tells the id; codes are new with each request.
            if let Some(pkb) = record["pkb"].as_object_mut() {
                pkb.remove("id");
            }
            if record["invitation"].is_object() {
                record["invitation"] = Value::Bool(true);
            }
            (record["row"]["number"].as_u64().unwrap(), record)
        })
        .collect()
}

#[test]
fn the_fixture_journey_ends_the_same_over_both_interfaces() {
    let over = |api: &str| {
        let campaign = Campaign::fixture();
        let uploaded = upload(&campaign, fixture("patients.csv").to_str().unwrap());
        let [resolved, invited] = resolve_and_invite(&campaign, api, &uploaded);
        let delivered = campaign.stage("pkb-letters", &["--out", "print"], &invited.stdout);
        assert_eq!(delivered.code, 65, "{}", delivered.stderr);
        (standing(&resolved), standing(&invited), delivered.records())
    };
    let (rest, fhir) = (over("rest"), over("fhir"));
    assert_eq!(rest.0, fhir.0);
    for (row, record) in &rest.1 {
        let (rest, fhir) = (
            &record["outcome"]["reason"],
            &fhir.1[row]["outcome"]["reason"],
        );
        if rest == "no_access" && record["outcome"]["stage"] == "tokens" {
            // PKB makes no codes for this patient; REST says why, FHIR leaves the patient out.
            assert_eq!(fhir, "omitted_by_pkb");
        } else {
            assert_eq!(rest, fhir, "row {row}");
        }
    }
    let letters = |records: &[Value]| {
        let delivered = records
            .iter()
            .filter(|record| record["deliveries"].is_array());
        delivered
            .map(|record| record["row"]["number"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(letters(&rest.2), letters(&fhir.2));
    let registered = fhir
        .2
        .iter()
        .find(|record| record["row"]["number"] == 53)
        .unwrap();
    assert_eq!(registered["outcome"]["reason"], "registered");
}

/// What a world may know of a patient, in turn.
fn vary(patient: &mut WorldPatient, at: usize) {
    match at % 23 {
        3 => patient.deceased = Some("2025-11-02".parse().unwrap()),
        5 => patient.registered = true,
        7 => patient.missing = true,
        11 => patient.no_access = true,
        13 => patient.date_of_birth = BirthAtPkb::Unknown,
        17 => patient.date_of_birth = BirthAtPkb::On("1980-01-01".parse().unwrap()),
        19 => {
            patient.registered = true;
            patient.deceased = Some("2025-11-02".parse().unwrap());
        }
        _ => {}
    }
}

#[test]
fn a_thousand_patients_have_equal_records_over_both_interfaces() {
    let patients = String::from_utf8(synthetic_csv(1000, 11)).unwrap();
    let mut world = World::default();
    for (at, line) in patients.lines().skip(1).enumerate() {
        let mut patient = WorldPatient::new(line.split(',').next().unwrap());
        vary(&mut patient, at);
        world = world.with(patient);
    }
    let campaign = Campaign::start(world);
    campaign.write("patients.csv", &patients);
    let uploaded = upload(&campaign, "patients.csv");
    let rest = resolve_and_invite(&campaign, "rest", &uploaded);
    let fhir = resolve_and_invite(&campaign, "fhir", &uploaded);
    for (rest, fhir) in rest.iter().zip(&fhir) {
        let (rest, fhir) = (standing(rest), standing(fhir));
        assert_eq!(rest.len(), 1000);
        for (row, record) in &rest {
            assert_eq!(record, &fhir[row], "row {row}");
        }
    }
    let reasons: std::collections::BTreeSet<String> = fhir[1]
        .records()
        .iter()
        .filter_map(|record| record["outcome"]["reason"].as_str().map(str::to_owned))
        .collect();
    for reason in [
        "deceased",
        "registered",
        "not_found",
        "no_access",
        "no_date_of_birth",
        "identity_mismatch",
    ] {
        assert!(reasons.contains(reason), "{reason}: {reasons:?}");
    }
}

#[test]
fn ten_thousand_patients_take_two_and_twenty_requests() {
    let campaign = Campaign::start(World::default());
    let mut file = csv::Writer::from_writer(Vec::new());
    pkb_synthetic::generate::write_header(&mut file).unwrap();
    for patient in pkb_synthetic::generate::patients(10_000, 1) {
        pkb_synthetic::generate::write_row(&mut file, &patient).unwrap();
    }
    campaign.write("patients.csv", file.into_inner().unwrap());
    let uploaded = stage(&campaign, "pkb-upload", "fhir", &["patients.csv"], b"");
    let invitable = |ended: &Ended, section: &str| {
        let part = format!("\"{section}\":{{");
        let lines = ended.stdout.split(|byte| *byte == b'\n');
        lines.filter(|line| memmem(line, part.as_bytes())).count()
    };
    let resolved = stage(
        &campaign,
        "pkb-resolve",
        "fhir",
        &["--rate", "0", "--min-age", "0", "--linger", "60s"],
        &uploaded.stdout,
    );
    assert_eq!(invitable(&resolved, "pkb"), 10_000, "{}", resolved.stderr);
    // As many before the upload.
    assert_eq!(calls(&campaign, "status_query"), 2 * 2);
    let invited = stage(
        &campaign,
        "pkb-tokens",
        "fhir",
        &["--rate", "0", "--linger", "60s"],
        &resolved.stdout,
    );
    assert_eq!(
        calls(&campaign, "generate_tokens"),
        20,
        "{}",
        invited.stderr
    );
}

fn memmem(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_mischievous_reply_loses_nobody_and_gives_nobody_the_codes_of_another() {
    for parts in [
        r#"{"shuffle":true}"#,
        r#"{"repeat":0.3}"#,
        r#"{"omit":0.3}"#,
        r#"{"other_systems":0.3}"#,
    ] {
        let rules = format!(
            r#"{{"rules":[{{"endpoint":"status_query","when":{{"always":true}},"fault":{{"parts":{parts}}}}},{{"endpoint":"generate_tokens","when":{{"always":true}},"fault":{{"parts":{parts}}}}}]}}"#
        );
        let campaign = Campaign::with(Config {
            faults: Faults::from_json(&rules).unwrap(),
            ..Config::default()
        });
        campaign.write("patients.csv", synthetic_csv(200, 7));
        let uploaded = upload(&campaign, "patients.csv");
        let [resolved, invited] = resolve_and_invite(&campaign, "fhir", &uploaded);
        let records = invited.records();
        assert_eq!(
            (resolved.records().len(), records.len()),
            (200, 200),
            "{parts}"
        );
        let mut registered = 0;
        for record in &records {
            let (number, born) = (
                record["patient"]["national_id"]["value"].as_str().unwrap(),
                record["patient"]["date_of_birth"].as_str().unwrap(),
            );
            match record["invitation"].as_object() {
                Some(codes) => {
                    let code = |name: &str| codes[name].as_str().unwrap();
                    // The codes open the record of this patient: PKB compares the date of birth, and says
                    // afterwards who has registered.
                    if registered < 5 {
                        assert_eq!(
                            campaign.join(code("code"), code("token"), born),
                            200,
                            "{parts}"
                        );
                        assert!(campaign.sandbox.patient(number).unwrap().registered);
                        registered += 1;
                    }
                }
                None => {
                    let reason = record["outcome"]["reason"].as_str().unwrap();
                    let expected = ["under_age", "omitted_by_pkb"];
                    assert!(expected.contains(&reason), "{parts}: {reason}");
                }
            }
        }
        assert_eq!(registered, 5, "{parts}");
    }
}

#[test]
fn a_patient_whom_pkb_refuses_does_not_take_the_batch_along() {
    let patients = String::from_utf8(synthetic_csv(300, 9)).unwrap();
    let guilty = patients
        .lines()
        .nth(123)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let mut patient = WorldPatient::new(guilty);
    patient.refuses_batch = true;
    let campaign = Campaign::start(World::default().with(patient));
    campaign.write("patients.csv", &patients);
    let uploaded = upload(&campaign, "patients.csv");
    let resolved = stage(
        &campaign,
        "pkb-resolve",
        "fhir",
        &["--min-age", "0"],
        &uploaded.stdout,
    );
    let stopped: Vec<Value> = resolved
        .records()
        .into_iter()
        .filter(|record| record["outcome"].is_object())
        .collect();
    assert_eq!(stopped.len(), 1, "{}", resolved.stderr);
    assert_eq!(stopped[0]["outcome"]["reason"], "refused_by_pkb");
    assert_eq!(stopped[0]["patient"]["national_id"]["value"], guilty);
}

#[test]
fn without_an_organisation_id_it_is_said_that_registered_patients_cannot_be_told() {
    let campaign = Campaign::fixture();
    let uploaded = upload(&campaign, fixture("patients.csv").to_str().unwrap());
    let resolved = campaign.stage("pkb-resolve", &[], &uploaded.stdout);
    assert!(
        resolved
            .stderr
            .contains("who has registered already is not known")
    );
    let required = campaign.stage(
        "pkb-resolve",
        &["--registered-check", "required"],
        &uploaded.stdout,
    );
    assert_eq!(required.code, 2, "{}", required.stderr);
    let fhir = campaign.stage("pkb-resolve", &["--api", "fhir"], &uploaded.stdout);
    assert_eq!(fhir.code, 2, "{}", fhir.stderr);
    assert!(fhir.stderr.contains("PKB_ORG_ID"));
}
