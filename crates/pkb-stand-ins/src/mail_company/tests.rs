#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::args::Mishaps;
use super::*;

/// A delivery of letters of one to three pages in two files, and what a company is asked.
fn delivery(letters: usize) -> (tempfile::TempDir, MailCompany) {
    let folder = tempfile::tempdir().unwrap();
    let args = MailCompany {
        delivery: folder.path().join("letters"),
        out: folder.path().join("out"),
        key: None,
        languages: vec!["en".to_owned(), "cy".to_owned(), "cy+en".to_owned()],
        seed: 1,
        mishaps: Mishaps::default(),
        at: Some("2026-11-30T09:00:00Z".parse().unwrap()),
        truth: Some(folder.path().join("truth.json")),
        fault: Vec::new(),
    };
    fs::create_dir(&args.delivery).unwrap();
    // Other columns in another order: they are found by name.
    let mut csv = "sequence,reference,row,file,first_page,last_page,postcode\r\n".to_owned();
    let mut pages = [0, 0];
    for at in 0..letters {
        let place = at * 2 / letters;
        let (first, last) = (pages[place] + 1, pages[place] + 1 + at % 3);
        pages[place] = last;
        let row = format!(
            "{at},{},{},{},{first},{last},AB1 2CD\r\n",
            name(at),
            at + 2,
            FILES[place]
        );
        csv.push_str(&row);
    }
    fs::write(args.delivery.join("manifest.csv"), csv).unwrap();
    let mut files = Vec::new();
    for (place, file) in FILES.into_iter().enumerate() {
        let pdf = format!("%PDF-1.7 {place}");
        fs::write(args.delivery.join(file), &pdf).unwrap();
        files.push(json!({
            "file": file,
            "letters": letters / 2,
            "pages": pages[place],
            "bytes": pdf.len(),
            "sha256": pkb_synthetic::derive::sha256_hex(pdf.as_bytes()),
        }));
    }
    let counts = json!({"letters": letters, "pages": pages[0] + pages[1]});
    let json = json!({"schema": "pkb-manifest/1", "files": files, "counts": counts});
    fs::write(args.delivery.join("manifest.json"), json.to_string()).unwrap();
    (folder, args)
}

const FILES: [&str; 2] = ["letters-0001.pdf", "letters-0002.pdf"];

fn name(at: usize) -> String {
    format!("INV{at:05}X")
}

fn text(args: &MailCompany, name: &str) -> String {
    fs::read_to_string(args.out.join(name)).unwrap()
}

fn rows(args: &MailCompany, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut file = csv::Reader::from_path(args.out.join(name)).unwrap();
    file.deserialize().map(Result::unwrap).collect()
}

fn truth(args: &MailCompany) -> Value {
    serde_json::from_slice(&fs::read(args.truth.as_ref().unwrap()).unwrap()).unwrap()
}

/// Words of the status file by reference.
fn words(args: &MailCompany) -> BTreeMap<String, Vec<String>> {
    let mut words = BTreeMap::<_, Vec<String>>::new();
    for row in rows(args, "status.csv") {
        let of_letter = words.entry(row["reference"].clone()).or_default();
        of_letter.push(row["status"].clone());
    }
    words
}

#[test]
fn the_status_file_of_a_thousand_letters_adds_up() {
    let (_folder, mut args) = delivery(1000);
    args.mishaps = Mishaps {
        lose: 7,
        double: 5,
        returned: 40,
        reject: 3,
    };
    assert_eq!(post(&args).unwrap(), 1000);
    let (words, truth) = (words(&args), truth(&args));
    let is_in = |list: &str, reference: &String| {
        truth[list].as_array().unwrap().contains(&json!(reference))
    };
    for (reference, words) in &words {
        let expected: &[&str] = if is_in("rejected", reference) {
            &["REJECTED"]
        } else if is_in("lost", reference) {
            &["ACCEPTED"]
        } else if is_in("doubled", reference) {
            &[
                "ACCEPTED",
                "PRINTED",
                "ENCLOSED",
                "DISPATCHED",
                "DISPATCHED",
            ]
        } else {
            &["ACCEPTED", "PRINTED", "ENCLOSED", "DISPATCHED"]
        };
        assert_eq!(words, expected);
    }
    assert_eq!(words.len(), 1000);
    assert_eq!(rows(&args, "status.csv").len(), 990 * 4 + 5 + 7 + 3);
    let sheets: BTreeMap<String, u64> = rows(&args, "status.csv")
        .into_iter()
        .filter(|row| row["status"] == "DISPATCHED")
        .map(|row| (row["reference"].clone(), row["sheets"].parse().unwrap()))
        .collect();
    assert!(sheets.iter().all(|(reference, sheets)| {
        let at: usize = reference[3..8].parse().unwrap();
        *sheets == if at % 3 == 2 { 2 } else { 1 }
    }));
}

#[test]
fn letters_come_back_weeks_after_they_went_for_all_sorts_of_reasons() {
    let (_folder, mut args) = delivery(200);
    args.mishaps.returned = 40;
    post(&args).unwrap();
    let returns = rows(&args, "returns.csv");
    let truth = truth(&args);
    let mut reasons = BTreeMap::<&str, usize>::new();
    for row in &returns {
        assert_eq!(
            truth["returned"][&row["reference"]],
            json!(row["reasonCode"])
        );
        let returned: Timestamp = row["returned_at"].parse().unwrap();
        let days = returned.duration_since(args.at.unwrap()).as_hours() / 24;
        assert!((14..=44).contains(&days), "{days}");
        *reasons.entry(&row["reasonCode"]).or_default() += 1;
    }
    assert_eq!((returns.len(), reasons.len(), reasons["R09"]), (40, 10, 1));
    let scans = text(&args, "scans.txt");
    assert!(
        scans
            .lines()
            .eq(returns.iter().map(|row| &row["reference"]))
    );
}

#[test]
fn the_same_seed_chooses_the_same_letters_and_another_seed_others() {
    let (_folder, mut args) = delivery(200);
    args.mishaps.lose = 20;
    let run = |args: &MailCompany| {
        post(args).unwrap();
        (text(args, "status.csv"), truth(args))
    };
    let first = run(&args);
    assert_eq!(first, run(&args));
    args.seed = 2;
    assert_ne!(first.1["lost"], run(&args).1["lost"]);
}

#[test]
fn a_delivery_that_is_not_what_it_says_is_refused_without_output() {
    for (file, content) in [
        (FILES[1], "%PDF-1.7 other"),
        (FILES[1], "<html>"),
        ("manifest.json", "{}"),
        (
            "manifest.csv",
            "sequence,file,first_page,last_page,row\n1,a.pdf,1,1,2\n",
        ),
        (
            "manifest.csv",
            "reference,file,first_page,last_page,row\nA1,../a.pdf,1,1,2\n",
        ),
        (
            "manifest.csv",
            "reference,file,first_page,last_page,row\nA1,a.pdf,1,1,2\n",
        ),
        (
            "manifest.csv",
            "reference,file,first_page,last_page,row\nA-1,letters-0001.pdf,1,1,2\n",
        ),
    ] {
        let (_folder, args) = delivery(10);
        fs::write(args.delivery.join(file), content).unwrap();
        assert!(
            matches!(post(&args), Err(MailError::Delivery(_))),
            "{content}"
        );
        assert!(!args.out.exists());
    }
}

#[test]
fn a_reference_that_two_letters_have_is_refused() {
    let (_folder, args) = delivery(10);
    let path = args.delivery.join("manifest.csv");
    let csv = fs::read_to_string(&path).unwrap();
    fs::write(&path, csv.replace(&name(4), &name(3).to_lowercase())).unwrap();
    let error = post(&args).unwrap_err().to_string();
    assert!(error.contains("row 6 of manifest.csv has the reference of an earlier row"));
}

#[test]
fn a_delivery_without_manifest_json_is_taken() {
    let (_folder, args) = delivery(10);
    fs::remove_file(args.delivery.join("manifest.json")).unwrap();
    assert_eq!(post(&args).unwrap(), 10);
}

fn with_faults(faults: &[MailFault]) -> (tempfile::TempDir, MailCompany) {
    let (folder, mut args) = delivery(50);
    args.mishaps.returned = 10;
    args.mishaps.lose = 2;
    args.fault = faults.to_vec();
    post(&args).unwrap();
    (folder, args)
}

#[test]
fn order_case_and_line_ends_change_in_every_file() {
    let (_usual_folder, usual) = with_faults(&[]);
    let faults = [MailFault::Reorder, MailFault::Lowercase, MailFault::Crlf];
    let (_folder, args) = with_faults(&faults);
    for name in ["status.csv", "returns.csv", "scans.txt"] {
        let (usual, changed) = (text(&usual, name), text(&args, name));
        assert_eq!(
            changed.matches("\r\n").count(),
            changed.matches('\n').count()
        );
        let lower: Vec<String> = usual
            .lines()
            .map(|line| line.replace("INV", "inv").replace("X", "x"))
            .collect();
        let mut sorted = (
            lower.clone(),
            changed.lines().map(str::to_owned).collect::<Vec<_>>(),
        );
        assert_ne!(sorted.0, sorted.1);
        sorted.0.sort();
        sorted.1.sort();
        assert_eq!(sorted.0, sorted.1);
    }
}

#[test]
fn single_letters_go_wrong_as_the_faults_say() {
    let faults = [
        MailFault::Foreign,
        MailFault::DispatchedFirst,
        MailFault::ReturnedUndispatched,
    ];
    let (_folder, args) = with_faults(&faults);
    let (words, truth) = (words(&args), truth(&args));
    let list = |name: &str| -> Vec<String> { serde_json::from_value(truth[name].clone()).unwrap() };
    for reference in list("dispatched_first") {
        assert_eq!(
            words[&reference],
            ["DISPATCHED", "PRINTED", "ENCLOSED", "ACCEPTED"]
        );
    }
    for reference in list("returned_undispatched") {
        assert_eq!(words[&reference], ["ACCEPTED"]);
        assert!(truth["returned"][&reference].is_string());
    }
    assert_eq!(words[&list("foreign")[0]], ["DISPATCHED"]);
    let counts = ["dispatched_first", "returned_undispatched", "foreign"];
    assert_eq!(counts.map(|name| list(name).len()), [3, 3, 1]);
}

#[test]
fn a_cut_status_file_ends_in_a_row_and_comes_twice_if_asked() {
    let (_folder, args) = with_faults(&[MailFault::Cut, MailFault::StatusTwice]);
    let status = text(&args, "status.csv");
    assert_eq!(status, text(&args, "status-2.csv"));
    let last = status.lines().last().unwrap();
    assert!(!status.ends_with('\n') && last.starts_with("INV00049X,DISP") && last.len() < 30);
}

#[test]
fn other_vocabularies_have_their_own_columns() {
    let (_folder, mut args) = delivery(50);
    args.mishaps = Mishaps {
        lose: 2,
        double: 3,
        returned: 10,
        reject: 4,
    };
    args.fault = vec![MailFault::WordsDvla, MailFault::WordsNotify];
    post(&args).unwrap();
    let status = text(&args, "status.csv");
    assert!(status.starts_with("reference,jobStatus,totalSheets,postageClass,productionRunDate\n"));
    let count = |word: &str| status.matches(word).count();
    assert_eq!(
        (count("DESPATCHED"), count("REJECTED")),
        (50 - 4 - 2 + 3, 4)
    );
    let returns = rows(&args, "returns.csv");
    let references = returns.iter().map(|row| row["Reference"].as_str());
    assert!(references.eq(text(&args, "scans.txt").lines()));
    assert_eq!(returns[0]["Notification ID"].len(), 36);
}

#[test]
fn more_mishaps_than_letters_are_refused() {
    let (_folder, mut args) = delivery(10);
    args.mishaps.lose = 11;
    assert!(matches!(
        post(&args),
        Err(MailError::TooMany {
            wanted: 11,
            letters: 10
        })
    ));
    args.mishaps.lose = 0;
    args.fault = vec![MailFault::ReturnedUndispatched];
    assert!(matches!(post(&args), Err(MailError::NoReturns)));
}
