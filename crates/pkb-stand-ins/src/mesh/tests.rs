#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;

use jiff::civil::date;
use pkb_synthetic::generate::{self, SyntheticPatient};

use super::args::Exceptions;
use super::*;

pub(super) fn args(folder: &Path) -> Mesh {
    Mesh {
        requests: folder.join("requests"),
        responses: folder.join("responses"),
        patients: folder.join("patients.csv"),
        seed: 1,
        exceptions: Exceptions::default(),
        as_at: Some(date(2026, 11, 30)),
        truth: Some(folder.join("truth.json")),
        fault: Vec::new(),
    }
}

pub(super) fn patient_file(count: usize) -> Vec<u8> {
    let mut file = csv::Writer::from_writer(Vec::new());
    generate::write_header(&mut file).unwrap();
    for patient in generate::patients(count, 3) {
        generate::write_row(&mut file, &patient).unwrap();
    }
    file.into_inner().unwrap()
}

/// A folder with 100 patients and a request about each of them.
fn campaign() -> (tempfile::TempDir, Mesh) {
    let folder = tempfile::tempdir().unwrap();
    let args = args(folder.path());
    fs::create_dir(&args.requests).unwrap();
    fs::write(&args.patients, patient_file(100)).unwrap();
    let row = |(at, patient): (usize, SyntheticPatient)| {
        let born = patient.date_of_birth.strftime("%Y%m%d").to_string();
        format!("R{at},{},{born}\n", patient.national_id)
    };
    let rows: String = generate::patients(100, 3).enumerate().map(row).collect();
    let request = format!("UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\n{rows}");
    fs::write(args.requests.join("MPTREQ_1.csv"), request).unwrap();
    (folder, args)
}

fn rows_of(args: &Mesh) -> Vec<BTreeMap<String, String>> {
    let mut file = csv::Reader::from_path(args.responses.join("RESP_MPTREQ_1.csv")).unwrap();
    file.deserialize().map(Result::unwrap).collect()
}

#[test]
fn every_row_of_a_request_is_answered_in_its_order() {
    let (_folder, args) = campaign();
    assert_eq!(answer(&args).unwrap(), Answered { now: 1, before: 0 });
    let rows = rows_of(&args);
    for (at, (row, patient)) in rows.iter().zip(generate::patients(100, 3)).enumerate() {
        assert_eq!(row["UNIQUE REFERENCE"], format!("R{at}"));
        assert_eq!(row["MATCHED_NHS_NO"], patient.national_id);
        assert_eq!(row["FAMILY_NAME"], patient.last_name);
        assert_eq!(row["POSTCODE"], patient.postcode);
        assert_eq!(row["AS_AT_DATE"], "20261130");
        let outcome = [
            "ERROR/SUCCESS_CODE",
            "MATCHED_ALGORITHM_INDICATOR",
            "MATCHED_CONFIDENCE_PERCENTAGE",
            "DATE_OF_DEATH",
        ];
        assert_eq!(
            outcome.map(|name| row[name].as_str()),
            ["00", "1", "100.00", ""]
        );
    }
    assert_eq!(rows.len(), 100);
}

#[test]
fn a_request_is_answered_once_and_its_response_is_the_owners_alone() {
    let (_folder, args) = campaign();
    answer(&args).unwrap();
    let path = args.responses.join("RESP_MPTREQ_1.csv");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read(&path).unwrap();
    assert_eq!(answer(&args).unwrap(), Answered { now: 0, before: 1 });
    fs::remove_file(&path).unwrap();
    answer(&args).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn the_truth_says_who_has_which_answer() {
    let (_folder, mut args) = campaign();
    args.exceptions = Exceptions {
        deaths: 5,
        sensitive: 5,
        superseded: 5,
        moved: 5,
        invalid: 5,
        not_found: 5,
        several: 5,
        by_name: 5,
    };
    answer(&args).unwrap();
    let truth = fs::read(args.truth.as_ref().unwrap()).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    let patients: Vec<SyntheticPatient> = generate::patients(100, 3).collect();
    for (row, patient) in rows_of(&args).iter().zip(&patients) {
        let number = &row["REQ_NHS_NUMBER"];
        let is_in = |list: &str| truth[list].as_array().unwrap().contains(&json!(number));
        let (code, matched) = match row["ERROR/SUCCESS_CODE"].as_str() {
            "90" => (
                "superseded",
                truth["superseded_by"][number].as_str().unwrap(),
            ),
            "91" => ("invalid", "0000000000"),
            "92" => ("sensitive", number.as_str()),
            "97" => ("several", "9999999999"),
            "98" => ("not_found", "0000000000"),
            "00" if !row["DATE_OF_DEATH"].is_empty() => ("deceased", number.as_str()),
            "00" if row["MATCHED_ALGORITHM_INDICATOR"] != "1" => ("by_name", number.as_str()),
            _ if row["POSTCODE"] != patient.postcode => ("moved", number.as_str()),
            _ => continue,
        };
        assert!(is_in(code), "{code}");
        assert_eq!(row["MATCHED_NHS_NO"], matched);
        if code == "sensitive" {
            assert_eq!(row["SENSITIVITY_FLAG"], "S");
            assert_eq!(row["FAMILY_NAME"], patient.last_name);
            let hidden = (1..=5).map(|line| format!("ADDRESS_LINE{line}"));
            assert!(
                hidden
                    .chain(["POSTCODE".to_owned()])
                    .all(|name| row[&name].is_empty())
            );
        }
    }
    let exceptions = ["deceased", "moved", "by_name", "several"];
    assert!(
        exceptions
            .iter()
            .all(|list| truth[list].as_array().unwrap().len() == 5)
    );
}

#[test]
fn another_date_of_birth_is_found_by_name_or_not_at_all() {
    let (_folder, args) = campaign();
    let patient = generate::patients(100, 3).next().unwrap();
    let (number, born) = (&patient.national_id, patient.date_of_birth);
    let gender = if patient.gender == "M" { "1" } else { "2" };
    let request = format!(
        "UNIQUE REFERENCE,NHS_NO,FAMILY_NAME,GENDER,DATE_OF_BIRTH\nR1,{number},,,19010101\nR2,9990000018,{},{gender},{}\n",
        patient.last_name.to_uppercase(),
        response::digits(born),
    );
    fs::write(args.requests.join("MPTREQ_1.csv"), request).unwrap();
    answer(&args).unwrap();
    let rows = rows_of(&args);
    assert_eq!(rows[0]["ERROR/SUCCESS_CODE"], "98");
    assert_eq!(rows[1]["MATCHED_NHS_NO"], *number);
    assert_eq!(rows[1]["MATCHED_ALGORITHM_INDICATOR"], "3");
}

#[test]
fn a_request_that_cannot_be_understood_is_answered_with_one_record() {
    let (_folder, args) = campaign();
    let path = args.requests.join("MPTREQ_1.csv");
    fs::write(&path, "R1,9990000018,19700131\n").unwrap();
    answer(&args).unwrap();
    let response = fs::read_to_string(args.responses.join("RESP_MPTREQ_1.csv")).unwrap();
    assert_eq!(
        response,
        "RESP_MPTREQ_1,SPINE_PDS_MESH_V1,20261130000000,0,01\n"
    );
}

#[test]
fn more_exceptions_than_patients_are_refused() {
    let (_folder, mut args) = campaign();
    args.exceptions.deaths = 101;
    assert!(matches!(
        answer(&args),
        Err(MeshError::TooMany {
            wanted: 101,
            known: 100
        })
    ));
    assert!(!args.responses.exists());
}
