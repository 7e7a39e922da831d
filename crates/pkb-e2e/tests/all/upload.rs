//! pkb-upload: batches, dry runs, files for upload by hand.

use pkb_sandbox::World;

use crate::harness::{Campaign, fixture, synthetic_csv};

#[test]
fn a_dry_run_sends_nothing() {
    let campaign = Campaign::fixture();
    let ended = campaign.stage(
        "pkb-upload",
        &[fixture("patients.csv").to_str().unwrap(), "--dry-run"],
        b"",
    );
    assert_eq!(ended.code, 65);
    assert!(campaign.sandbox.ledger().is_empty());
    let states: Vec<_> = ended
        .records()
        .iter()
        .filter_map(|r| r["upload"]["state"].as_str().map(str::to_owned))
        .collect();
    assert!(!states.is_empty() && states.iter().all(|state| state == "checked"));
}

#[test]
fn batches_that_are_not_compared_need_no_credentials_and_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(250, 1));
    let mut command = campaign.command("pkb-upload");
    command.arg(patients).args([
        "--batches",
        "for-pkb",
        "--batch-rows",
        "100",
        "--no-compare",
    ]);
    for name in [
        "PKB_BASE_URL",
        "PKB_TOKEN_URL",
        "PKB_CLIENT_ID",
        "PKB_CLIENT_SECRET",
    ] {
        command.env_remove(name);
    }
    let ended = crate::harness::run(&mut command, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rows = |name: &str| {
        csv::Reader::from_path(campaign.path(name))
            .unwrap()
            .into_records()
            .count()
    };
    assert_eq!(
        [
            rows("for-pkb/batch-0001.csv"),
            rows("for-pkb/batch-0002.csv"),
            rows("for-pkb/batch-0003.csv")
        ],
        [84, 84, 82]
    );
    let mode = campaign
        .path("for-pkb/batch-0001.csv")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        ended
            .records()
            .iter()
            .all(|r| r["upload"]["state"] == "prepared")
    );
}

#[test]
fn all_good_rows_become_records_in_batches_that_pkb_takes() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(250, 1));
    let ended = campaign.stage(
        "pkb-upload",
        &[patients.to_str().unwrap(), "--batch-rows", "100"],
        b"",
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(campaign.sandbox.count_patients(), 250);
    let uploads = campaign
        .sandbox
        .ledger()
        .iter()
        .filter(|entry| entry.endpoint == "upload")
        .count();
    assert_eq!(uploads, 3);
}

#[test]
fn a_file_that_is_no_patient_file_is_refused_before_anything_is_sent() {
    let campaign = Campaign::start(World::default());
    for (content, part) in [
        ("", "is empty"),
        ("Name,Age\nx,1\n", "the first row is not a header"),
        ("NHS No,Forename\nx,1\n", "there is no column Last name"),
        ("NHS number,First name,Last name,Date of birth\n", "no rows"),
    ] {
        let patients = campaign.write("patients.csv", content);
        let ended = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
        assert_eq!(ended.code, 66, "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert_eq!(campaign.stage("pkb-upload", &["missing.csv"], b"").code, 66);
    assert!(campaign.sandbox.ledger().is_empty());
}

#[test]
fn a_file_that_is_worse_than_expected_is_not_sent() {
    let campaign = Campaign::fixture();
    let patients = fixture("patients.csv");
    let upload = |limit: &str| {
        let arguments = [patients.to_str().unwrap(), "--max-rejects", limit];
        campaign.stage("pkb-upload", &arguments, b"")
    };
    for limit in ["18", "30%"] {
        let ended = upload(limit);
        assert_eq!(ended.code, 65, "{}", ended.stderr);
        assert!(ended.stderr.contains("19 of 61 rows are rejected"));
        assert!(ended.stdout.is_empty() && campaign.sandbox.ledger().is_empty());
    }
    assert_eq!(upload("19").records().len(), 61);
}

#[test]
fn nothing_is_sent_before_the_time_of_day() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3, 1));
    let mut command = campaign.command("pkb-upload");
    command
        .arg(patients)
        .args(["--send-after", "17:00"])
        .env("PKB_FIXED_TIME", "2026-11-23T16:59:58Z");
    let start = std::time::Instant::now();
    let ended = crate::harness::run(&mut command, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(start.elapsed() >= std::time::Duration::from_secs(2));
    assert_eq!(campaign.sandbox.count_patients(), 3);
}

#[test]
fn a_template_with_other_columns_stops_before_anything_is_sent() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3, 1));
    let template = campaign.write("template.csv", "First name,Title,Last name\r\n");
    let arguments = [
        patients.to_str().unwrap(),
        "--pkb-template",
        template.to_str().unwrap(),
    ];
    let ended = campaign.stage("pkb-upload", &arguments, b"");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("column 1 \"First name\" is column 2 in the profile")
    );
    assert!(campaign.sandbox.ledger().is_empty());
}

#[test]
fn the_same_batches_again_are_the_same_files_and_other_batches_are_refused() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(25, 1));
    let prepare = |more: &[&str]| {
        let arguments = [
            &[
                patients.to_str().unwrap(),
                "--batches",
                "for-pkb",
                "--batch-rows",
                "10",
            ],
            more,
        ];
        campaign.stage("pkb-upload", &arguments.concat(), b"")
    };
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(campaign.path("for-pkb"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    assert_eq!(prepare(&["--journal", "u.journal"]).code, 0);
    let first = files();
    assert_eq!(first.len(), 4, "three batches and their list");
    // From the journal, from nothing, and from a journal that a power cut has torn: what was noted before
    // a file was written is on the disk, the records after it may not be.
    let journal = campaign.read("u.journal");
    let intent = b"pkb-intent";
    let last = journal
        .windows(intent.len())
        .rposition(|part| part == intent)
        .unwrap();
    campaign.write(
        "torn.journal",
        &journal[..last + (journal.len() - last) / 2],
    );
    for more in [
        &["--journal", "u.journal"][..],
        &["--no-journal"],
        &["--journal", "torn.journal"],
    ] {
        let ended = prepare(more);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(files() == first, "{more:?} changed the batches");
    }
    campaign.write("patients.csv", synthetic_csv(25, 2));
    let ended = prepare(&[]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("a different batch-0001.csv"),
        "{}",
        ended.stderr
    );
    assert!(files() == first);
}

#[test]
fn a_patient_file_in_another_dress_makes_the_same_records() {
    let campaign = Campaign::start(World::default());
    let plain = String::from_utf8(synthetic_csv(50, 3)).unwrap();
    let dressed: String = plain
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let line = if at == 0 {
                line.replace("NHS number", "NHS No.")
                    .replace("Last name", "SURNAME")
            } else {
                line.to_owned()
            };
            let cells: Vec<String> = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(line.as_bytes())
                .into_records()
                .next()
                .unwrap()
                .unwrap()
                .iter()
                .map(|cell| format!("\"{cell}\""))
                .collect();
            cells.join(";") + "\r\n"
        })
        .collect();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(dressed.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    campaign.write("plain.csv", plain);
    campaign.write("dressed.csv", utf16);
    let patients = |name: &str| {
        let ended = campaign.stage("pkb-upload", &[name, "--dry-run"], b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let records = ended.records();
        records
            .iter()
            .map(|record| record["patient"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(patients("plain.csv"), patients("dressed.csv"));
}
