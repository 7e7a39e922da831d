//! The upload of the "Add many patients" file.

use pkb_sandbox::{Config, Sandbox, UPLOAD_COLUMNS, UPLOAD_MAX_ROWS, World};
use pkb_synthetic::{generate, nhs_number};
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig, file, short_row};

#[tokio::test]
async fn new_patients_are_created_and_known_ones_updated() {
    let rig = Rig::start().await;
    let first = rig.upload(&[GUIDE_ROW, &short_row("9990000018")]).await;
    assert_eq!(first, json!({"created": 2, "updated": 0, "failed": []}));
    let second = rig
        .upload(&[
            &GUIDE_ROW.replace("1 Main Street", "2 Main Street"),
            &short_row("9990000026"),
        ])
        .await;
    assert_eq!(second, json!({"created": 1, "updated": 1, "failed": []}));
    assert_eq!(rig.sandbox.count_patients(), 3);
    assert_eq!(rig.sandbox.patient(GUIDE).unwrap().updates, 1);
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(user["address1"], "2 Main Street");
}

#[tokio::test]
async fn an_upload_overwrites_what_a_world_of_a_patient_file_knows() {
    let header = generate::COLUMNS.join(",");
    let known = format!(
        "{header}\n{GUIDE},Mr,Read,Richards,15/09/2000,1 Main Street,,Newcastle,,NE1 1XC,,,,\n"
    );
    let world = World::of_patient_file(known.as_bytes()).unwrap();
    let text =
        serde_json::to_string(&json!({"patients": world.entries().collect::<Vec<_>>()})).unwrap();
    let rig = Rig::with_world(World::from_json(&text).unwrap()).await;
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(
        (&user["dob"], &user["lastName"]),
        (&json!("2000-09-15"), &json!("Richards"))
    );
    assert_eq!(rig.sandbox.patient(GUIDE).unwrap().updates, 0);
    let row = GUIDE_ROW
        .replace("15,09,2000", "16,09,2000")
        .replace("Richards", "Other")
        .replace("1 Main Street", "2 Main Street");
    let report = rig.upload(&[&row]).await;
    assert_eq!(report, json!({"created": 0, "updated": 1, "failed": []}));
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    let overwritten = [&user["dob"], &user["lastName"], &user["address1"]];
    assert_eq!(overwritten, ["2000-09-16", "Other", "2 Main Street"]);
}

#[test]
fn a_file_that_cannot_become_a_world_is_refused_by_row_without_values() {
    let header = generate::COLUMNS.join(",");
    let row = format!("{GUIDE},,Canary,Canary,15/09/2000,,,,,,,,,");
    for (file, part) in [
        ("NHS number\n".to_owned(), "row 1 has no column"),
        (
            format!("{header}\n{}\n", row.replace("15/09", "15/99")),
            "row 2 has a date of birth",
        ),
        (
            format!("{header}\n{row}\n{row}\n"),
            "row 3 is about a patient of an earlier row",
        ),
    ] {
        let error = World::of_patient_file(file.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(part) && !error.contains("Canary"), "{error}");
    }
}

#[tokio::test]
async fn an_update_with_empty_cells_leaves_what_is_there() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    rig.upload(&[&short_row(GUIDE)]).await;
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(user["firstName"], "Ann");
    assert_eq!(user["dob"], "2000-09-15");
    assert_eq!(user["postalCode"], "NE1 1XC");
}

#[tokio::test]
async fn a_wrong_header_refuses_the_file_and_names_the_first_difference() {
    let rig = Rig::start().await;
    let good = file(&[GUIDE_ROW]);
    for (bad, named) in [
        (
            good.replacen("Title,First name", "First name,Title", 1),
            "column 1",
        ),
        (good.replacen("E-mail", "Email", 1), "\"E-mail\""),
        (good.replacen(",Carer1 E-mail", "", 1), "\"Carer1 E-mail\""),
        (
            good.replacen("Carer1 E-mail", "Carer1 E-mail,Notes", 1),
            "23 columns",
        ),
        (format!("\u{feff}{good}"), "byte-order mark"),
        (GUIDE_ROW.to_owned(), "column 1"),
        (String::new(), "empty"),
    ] {
        let response = rig.upload_bytes(bad).await;
        assert_eq!(response.status(), 400);
        let text = response.text().await.unwrap();
        assert!(
            text.replace('\\', "").contains(named),
            "{named} is not in {text}"
        );
        assert!(!text.contains("Richards"));
    }
    assert_eq!(rig.sandbox.count_patients(), 0);
}

#[tokio::test]
async fn fifty_thousand_rows_are_taken_and_one_more_is_not() {
    let rig = Rig::start().await;
    let mut text = format!("{}\n", UPLOAD_COLUMNS.join(","));
    let rows =
        generate::patients(UPLOAD_MAX_ROWS + 1, 1).map(|patient| short_row(&patient.national_id));
    let rows: Vec<String> = rows.collect();
    text.push_str(&rows.join("\n"));
    assert_eq!(rig.upload_bytes(text.clone()).await.status(), 400);
    assert_eq!(rig.sandbox.count_patients(), 0);
    text.truncate(text.len() - rows[UPLOAD_MAX_ROWS].len());
    let report: Value = rig.upload_bytes(text).await.json().await.unwrap();
    assert_eq!(report["created"], 50_000);
}

#[tokio::test]
async fn a_bad_row_fails_alone_and_is_named_by_its_line() {
    let rig = Rig::start().await;
    let report = rig
        .upload(&[
            &short_row("9990000018"),
            ",,Example,9990000026,,,,,,,,,,,,,,,,,,",
            ",Ann,Example,,,,,,,,,,,,,,,,,,,",
            &short_row("9990000019"),
            ",Ann,Example,9990000034,,,,31,02,1990,,,,,,,,,,,,",
            "Ann,Example",
            &short_row("9990000042"),
        ])
        .await;
    assert_eq!(report["created"], 2);
    let rows: Vec<u64> = report["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [3, 4, 5, 6, 7]);
    assert!(!report.to_string().contains("999000"));
}

#[tokio::test]
async fn a_bad_row_has_the_same_number_whatever_ends_the_lines() {
    let text = file(&[&short_row("9990000018"), "Ann,Example"]);
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let rig = Rig::start().await;
        let report: Value = rig.upload_bytes(text).await.json().await.unwrap();
        assert_eq!(report["failed"][0]["row"], 3);
    }
}

#[tokio::test]
async fn an_organisations_own_identifier_is_enough() {
    let rig = Rig::start().await;
    let row = ",Ann,Example,,HOSP-17,,,,,,,,,,,,,,,,,";
    assert_eq!(rig.upload(&[row]).await["created"], 1);
    assert_eq!(rig.upload(&[row]).await["updated"], 1);
}

#[tokio::test]
async fn an_email_stands_in_one_record_only() {
    let rig = Rig::start().await;
    let with_email = |id: &str| format!(",Ann,Example,{id},,,ann@example.org,,,,,,,,,,,,,,,");
    let report = rig
        .upload(&[
            &with_email("9990000018"),
            &with_email("9990000026"),
            &with_email("9990000018"),
        ])
        .await;
    assert_eq!(report["created"], 1);
    assert_eq!(report["updated"], 1);
    assert_eq!(report["failed"][0]["row"], 3);
}

#[tokio::test]
async fn pkb_ids_do_not_depend_on_the_order_of_the_rows() {
    let numbers: Vec<String> = (999_000_100..999_000_140)
        .filter_map(nhs_number::complete)
        .collect();
    let mut rows: Vec<String> = numbers.iter().map(|number| short_row(number)).collect();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let rig = Rig::start().await;
        rig.upload(&rows.iter().map(String::as_str).collect::<Vec<_>>())
            .await;
        ids.push(
            numbers
                .iter()
                .map(|number| rig.sandbox.patient(number).unwrap().pkb_id)
                .collect::<Vec<_>>(),
        );
        rows.reverse();
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_form_without_a_file_is_refused() {
    let rig = Rig::start().await;
    let form = reqwest::multipart::Form::new().text("patients", "nobody");
    let request = rig
        .http
        .post(rig.url("/upload/patients"))
        .bearer_auth(rig.bearer().await);
    assert_eq!(request.multipart(form).send().await.unwrap().status(), 400);
    let request = rig
        .http
        .post(rig.url("/upload/patients"))
        .bearer_auth(rig.bearer().await);
    assert_eq!(request.body("nobody").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn addresses_other_than_loopback_are_refused() {
    let listen = "0.0.0.0:0".parse().unwrap();
    assert!(
        Sandbox::start(Config {
            listen,
            ..Config::default()
        })
        .await
        .is_err()
    );
}

/// Makes `fault` happen at `endpoint` each time.
fn always(rig: &Rig, endpoint: &str, fault: &str) {
    rig.set_rules(&format!(
        r#"{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{{"upload":{fault}}}}}"#
    ));
}

const FOUR: [&str; 4] = ["9990000018", "9990000026", "9990000034", "9990000042"];

#[tokio::test]
async fn half_an_upload_is_its_first_rows_and_the_report_is_about_these() {
    let rig = Rig::start().await;
    always(&rig, "upload", r#"{"take":0.5}"#);
    let rows = FOUR.map(short_row);
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let report = rig.upload(&rows).await;
    assert_eq!(report, json!({"created": 2, "updated": 0, "failed": []}));
    let there = FOUR.map(|number| rig.sandbox.patient(number).is_some());
    assert_eq!(there, [true, true, false, false]);
    let entry = rig.sandbox.ledger().pop().unwrap();
    assert_eq!((entry.fault, entry.committed), (Some("upload"), true));
    assert_eq!(entry.upload.unwrap().rows, 4, "as many as were sent");
}

#[tokio::test]
async fn a_wrong_report_is_about_an_upload_that_was_taken_whole() {
    for (fault, created, failed) in [
        ("short", 3, &[][..]),
        ("long", 5, &[]),
        ("unknown_row", 3, &[6]),
        ("header_row", 3, &[1]),
        ("repeated_row", 2, &[2, 2]),
    ] {
        for (endpoint, processing_ms) in [("upload", 0), ("upload_status", 1000)] {
            let rig = Rig::with(Config {
                processing_ms,
                ..Config::default()
            })
            .await;
            always(&rig, endpoint, &format!(r#"{{"report":"{fault}"}}"#));
            let rows = FOUR.map(short_row);
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let answer = rig.upload_bytes(file(&rows)).await;
            let mut report: Value = answer.json().await.unwrap();
            if processing_ms > 0 {
                rig.clock.advance(jiff::SignedDuration::from_secs(1));
                let id = report["upload"].as_str().unwrap();
                let answer = rig.get(&format!("/upload/patients/{id}")).await;
                report = answer.json().await.unwrap();
            }
            assert_eq!(report["created"], created, "{fault}");
            let told = report["failed"].as_array().unwrap().iter();
            let told: Vec<u64> = told.map(|row| row["row"].as_u64().unwrap()).collect();
            assert_eq!(told, failed, "{fault}");
            assert_eq!(rig.sandbox.count_patients(), 4);
        }
    }
}
