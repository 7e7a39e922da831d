//! Data for a mail company: from the records to a package, to a company that knows nothing of us, and back; whatever kills the
//! programs on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, records, run, synthetic_csv};

/// A program that does not end, or makes nothing, has hung.
const HUNG: Duration = Duration::from_secs(120);

/// The fixture's campaign up to the codes.
fn invited() -> (Campaign, Vec<u8>) {
    let campaign = Campaign::fixture();
    let [_, _, invited, _] = campaign.journey(&fixture("patients.csv"), &["--out", "unused"]);
    campaign.write("invited.ndjson", &invited.stdout);
    (campaign, invited.stdout)
}

fn letters(campaign: &Campaign, args: &[&str]) -> Ended {
    let mut all = vec!["invited.ndjson", "--out", "print", "--channel", "data"];
    all.extend(args);
    campaign.stage("pkb-letters", &all, b"")
}

fn job(campaign: &Campaign) {
    let example = campaign.stage("pkb", &["package", "--example"], b"");
    assert_eq!(example.code, 0, "{}", example.stderr);
    campaign.write("job.toml", example.stdout);
}

fn package(campaign: &Campaign, args: &[&str]) -> Ended {
    let mut all = vec![
        "package",
        "print",
        "delivered.ndjson",
        "--job",
        "job.toml",
        "--out",
        "packages",
    ];
    all.extend(args);
    campaign.stage("pkb", &all, b"")
}

fn company(campaign: &Campaign, package: &str, args: &[&str]) -> Ended {
    let mut command = campaign.command("pkb-sandbox");
    command.args([
        "mail-company",
        "--out",
        "back",
        "--at",
        "2026-11-23T09:00:00Z",
    ]);
    command.args(["--delivery", package]).args(args);
    // It opens files with keys of its own.
    command.env("PATH", "/usr/bin:/bin");
    command.env("GNUPGHOME", campaign.path("gnupg"));
    run(&mut command, b"")
}

fn verify(campaign: &Campaign) -> (i32, String) {
    let ended = campaign.stage("pkb", &["verify", "print", "delivered.ndjson"], b"");
    (ended.code, String::from_utf8(ended.stdout).unwrap())
}

fn data_files(campaign: &Campaign, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(campaign.path(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let data = names.filter(|name| name.starts_with("rehearsal-data-"));
    data.map(|name| (name.clone(), campaign.read(&format!("{folder}/{name}"))))
        .collect()
}

/// All rows of all data files, by their reference.
fn rows(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut rows = BTreeMap::new();
    for bytes in files.values() {
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let row = row.unwrap();
            assert!(
                rows.insert(row["reference"].clone(), row).is_none(),
                "a row twice"
            );
        }
    }
    rows
}

fn delivered(stream: &[u8]) -> Vec<Value> {
    let all = records(stream).into_iter();
    all.filter(|record| record["deliveries"].is_array())
        .collect()
}

const NAME: &str = "packages/rehearsal-spring-2026-2026-11-22";

#[test]
fn every_invited_patient_has_one_row_and_the_company_reports_on_each() {
    let (campaign, _) = invited();
    let made = letters(
        &campaign,
        &["--rows-per-file", "10", "--output", "delivered.ndjson"],
    );
    assert_eq!(made.code, 65, "{}", made.stderr);
    assert!(
        made.stderr
            .contains("28 rows for a mail company in 3 files"),
        "{}",
        made.stderr
    );
    let files = data_files(&campaign, "print");
    let rows = rows(&files);
    let records = delivered(&campaign.read("delivered.ndjson"));
    assert_eq!(rows.len(), records.len());
    for record in &records {
        let delivery = &record["deliveries"][0];
        let row = &rows[delivery["reference"].as_str().unwrap()];
        assert_eq!(
            row["invitation_code"],
            record["invitation"]["code"].as_str().unwrap()
        );
        assert_eq!(
            row["first_name"],
            record["patient"]["first_name"].as_str().unwrap()
        );
        assert_eq!(row["language"], delivery["languages"].as_str().unwrap());
        let born = record["patient"]["date_of_birth"].as_str().unwrap();
        let number = record["patient"]["national_id"]["value"].as_str().unwrap();
        assert!(
            row.values()
                .all(|cell| !cell.contains(born) && !cell.contains(number))
        );
    }
    let (code, words) = verify(&campaign);
    assert_eq!(code, 0, "{words}");
    assert!(
        words.contains("28 rows for a mail company in 3 files"),
        "{words}"
    );
    job(&campaign);
    let refused = package(&campaign, &[]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("codes that anybody can read"),
        "{}",
        refused.stderr
    );
    let packed = package(&campaign, &["--unencrypted"]);
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    let sheet: Value = serde_json::from_slice(
        &campaign.read(&format!("{NAME}/rehearsal-spring-2026-2026-11-22.json")),
    )
    .unwrap();
    // Codes are valid until 21 December: 14 days before, and 4 working days for second class post.
    assert_eq!(
        (&sheet["counts"]["letters"], &sheet["not_after"]),
        (&28.into(), &"2026-12-01".into())
    );
    no_patient_is_in_the_sheet(&campaign, &records);
    let printed = company(&campaign, NAME, &["--return", "3", "--lose", "2"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let text = String::from_utf8(campaign.read("back/printed.txt")).unwrap();
    let sent: BTreeSet<&String> = rows.keys().collect();
    assert!(
        sent.iter()
            .all(|reference| text.matches(reference.as_str()).count() == 1)
    );
    let args = [
        "returns",
        "back/status.csv",
        "back/returns.csv",
        "--in",
        "delivered.ndjson",
        "--output",
        "posted.ndjson",
    ];
    let returned = campaign.stage("pkb", &args, b"");
    assert!(matches!(returned.code, 0 | 65), "{}", returned.stderr);
    let mut statuses = BTreeMap::<String, u64>::new();
    for record in delivered(&campaign.read("posted.ndjson")) {
        let status = record["deliveries"][0]["status"]
            .as_str()
            .unwrap()
            .to_owned();
        *statuses.entry(status).or_default() += 1;
    }
    let count = |status: &str| statuses.get(status).copied().unwrap_or_default();
    assert_eq!(
        [count("dispatched"), count("returned"), count("accepted")],
        [23, 3, 2],
        "{statuses:?}"
    );
}

/// Names and codes are in the data and nowhere else.
fn no_patient_is_in_the_sheet(campaign: &Campaign, records: &[Value]) {
    for extension in ["txt", "json"] {
        let name = format!("{NAME}/rehearsal-spring-2026-2026-11-22.{extension}");
        let text = String::from_utf8(campaign.read(&name)).unwrap();
        for record in records {
            for value in [
                &record["patient"]["last_name"],
                &record["invitation"]["code"],
                &record["patient"]["postcode"],
            ] {
                let value = value.as_str().unwrap_or("no value");
                assert!(!text.contains(value), "{name} has {value}");
            }
        }
    }
}

/// A campaign of so many patients whom PKB knows, up to the codes.
fn large(patients: usize) -> Campaign {
    let file = synthetic_csv(patients, 5);
    let campaign = Campaign::with(Config {
        world: World::of_patient_file(&file).unwrap(),
        ..Config::default()
    });
    let path = campaign.write("patients.csv", file);
    let [_, _, invited, _] = campaign.journey(&path, &["--out", "unused", "--channel", "sms"]);
    campaign.write("invited.ndjson", invited.stdout);
    campaign
}

#[test]
fn a_run_that_is_killed_in_the_middle_makes_each_row_once_and_the_same_files() {
    let campaign = large(600);
    let args = |out: &'static str, output: &'static str| {
        [
            "--out",
            out,
            "--channel",
            "data",
            "--rows-per-file",
            "20",
            "--output",
            output,
        ]
    };
    let all = campaign.read("invited.ndjson");
    let whole = campaign.stage("pkb-letters", &args("whole", "whole.ndjson"), &all);
    assert!(matches!(whole.code, 0 | 65), "{}", whole.stderr);
    let expected = data_files(&campaign, "whole");
    assert!(expected.len() > 20, "{}", expected.len());
    let half: Vec<u8> = all
        .split_inclusive(|byte| *byte == b'\n')
        .take(300)
        .flatten()
        .copied()
        .collect();
    for files in [1, 3, 9] {
        let mut command = campaign.command("pkb-letters");
        command.args(args("print", "delivered.ndjson"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // It cannot come to its end: its input does not.
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, &half).unwrap();
        let begun = Instant::now();
        while !campaign.path("print").exists() || data_files(&campaign, "print").len() < files {
            assert!(begun.elapsed() < HUNG);
            std::thread::yield_now();
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        drop(stdin);
        let made = data_files(&campaign, "print");
        assert!(made.len() < expected.len());
        // What there is is whole.
        for (name, bytes) in made {
            assert!(bytes == expected[&name], "{name}");
        }
    }
    let again = campaign.stage("pkb-letters", &args("print", "delivered.ndjson"), &all);
    assert!(matches!(again.code, 0 | 65), "{}", again.stderr);
    assert!(data_files(&campaign, "print") == expected);
    rows(&expected);
    let (code, words) = verify(&campaign);
    assert_eq!(code, 0, "{words}");
    assert!(campaign.read("delivered.ndjson") == campaign.read("whole.ndjson"));
}

#[test]
fn a_file_that_was_sent_and_deleted_is_not_made_again() {
    let (campaign, _) = invited();
    assert_eq!(
        letters(&campaign, &["--output", "delivered.ndjson"]).code,
        65
    );
    let before = campaign.read("delivered.ndjson");
    std::fs::remove_file(campaign.path("print/rehearsal-data-0001.csv")).unwrap();
    assert_eq!(
        letters(&campaign, &["--output", "delivered.ndjson"]).code,
        65
    );
    assert!(campaign.read("delivered.ndjson") == before);
    assert!(data_files(&campaign, "print").is_empty());
}

#[test]
fn a_reprint_is_a_file_of_its_own_and_the_company_is_told_to_stop_the_letter_before_it() {
    let (campaign, _) = invited();
    assert_eq!(
        letters(&campaign, &["--output", "delivered.ndjson"]).code,
        65
    );
    let again = letters(
        &campaign,
        &["--reprint", "2", "--output", "delivered.ndjson"],
    );
    assert_eq!(again.code, 65, "{}", again.stderr);
    let files = data_files(&campaign, "print");
    assert_eq!(files.len(), 2);
    let all = rows(&files);
    let of_patient = all.values().filter(|row| row["last_name"] == "Richards");
    assert_eq!(of_patient.count(), 2);
    let (code, words) = verify(&campaign);
    assert_eq!(code, 0, "{words}");
    job(&campaign);
    let packed = package(&campaign, &["--unencrypted"]);
    assert!(
        packed.stderr.contains("1 letter must not be posted"),
        "{}",
        packed.stderr
    );
    let printed = company(&campaign, NAME, &[]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let status = String::from_utf8(campaign.read("back/status.csv")).unwrap();
    assert_eq!(status.matches(",CANCELLED,").count(), 1);
    // All is sent: a second package has nothing to pack.
    let again = package(&campaign, &["--unencrypted"]);
    assert_eq!(again.code, 2, "{}", again.stderr);
    assert!(
        again
            .stderr
            .contains("2 files are already in earlier packages"),
        "{}",
        again.stderr
    );
}

#[test]
fn verify_finds_what_was_planted_in_a_data_file() {
    let (campaign, _) = invited();
    assert_eq!(
        letters(&campaign, &["--output", "delivered.ndjson"]).code,
        65
    );
    let path = campaign.path("print/rehearsal-data-0001.csv");
    let right = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = right.split_inclusive("\r\n").collect();
    let record = &records(&campaign.read("delivered.ndjson"))[0];
    let born = record["patient"]["date_of_birth"].as_str().unwrap();
    let codes = |line: &str| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        [cells[16].clone(), cells[17].clone()]
    };
    let ([one, two], [three, four]) = (codes(lines[1]), codes(lines[2]));
    let exchanged = [
        lines[1].replace(&one, &three).replace(&two, &four),
        lines[2].replace(&three, &one).replace(&four, &two),
    ];
    let without_third = [&lines[..3], &lines[4..]].concat().concat();
    let twice = [&lines[..3], &[lines[2]], &lines[3..]].concat().concat();
    let with_birth = right.replacen(",second,", &format!(",{born},"), 1);
    let exchanged = format!(
        "{}{}{}{}",
        lines[0],
        exchanged[0],
        exchanged[1],
        lines[3..].concat()
    );
    for (text, words) in [
        (
            exchanged,
            vec![
                "a code of row 2 is in the row",
                "\"invitation_code\" does not match the record",
                "\"join_link\" does not match",
            ],
        ),
        (
            without_third,
            vec![
                "no letter of the file has its reference",
                "\"of\" does not match the record",
            ],
        ),
        (
            twice,
            vec!["several letters of the file have its reference"],
        ),
        (
            with_birth,
            vec![
                "the row has the date of birth, the national number or a phone number, which must not be in this file",
            ],
        ),
        (
            right.replacen("sequence", "number", 1),
            vec!["is not a data file of the profile beside it"],
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let (code, found) = verify(&campaign);
        assert_eq!(code, 65, "{found}");
        assert!(
            words.iter().all(|words| found.contains(words)),
            "{words:?}: {found}"
        );
        assert!(!found.contains(&one) && !found.contains(born), "{found}");
    }
    std::fs::write(&path, right).unwrap();
    assert_eq!(verify(&campaign).0, 0);
}

/// Runs a program with a keyring of its own; `None` if the machine does not have it.
fn keys(folder: &Path, program: &str, args: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(args).env("GNUPGHOME", folder);
    let output = command.output().ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// The letters of the fixture, encrypted to a key and opened by the company with another part of it.
fn encrypted_journey(campaign: &Campaign, key: &str, extension: &str, company_args: &[&str]) {
    let path = |command: &mut Command| {
        command
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", campaign.folder.path());
    };
    let mut command = campaign.command("pkb-letters");
    path(&mut command);
    command.args([
        "invited.ndjson",
        "--out",
        "print",
        "--channel",
        "data",
        "--encrypt-to",
        key,
        "--output",
        "delivered.ndjson",
    ]);
    let made = run(&mut command, b"");
    assert_eq!(made.code, 65, "{}", made.stderr);
    let files: Vec<String> = data_files(campaign, "print").into_keys().collect();
    assert_eq!(files, [format!("rehearsal-data-0001.csv.{extension}")]);
    let mode = campaign
        .path(&format!("print/{}", files[0]))
        .metadata()
        .unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let (code, words) = verify(campaign);
    assert_eq!(code, 0, "{words}");
    assert!(
        words.contains("not verified: 28 rows for a mail company in 1 encrypted file"),
        "{words}"
    );
    job(campaign);
    let mut command = campaign.command("pkb");
    path(&mut command);
    command.args([
        "package",
        "print",
        "delivered.ndjson",
        "--job",
        "job.toml",
        "--out",
        "packages",
        "--zip",
        "--encrypt-to",
        key,
    ]);
    let packed = run(&mut command, b"");
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    assert!(campaign.path(&format!("{NAME}.zip.{extension}")).exists());
    let printed = company(campaign, "packages", company_args);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let text = String::from_utf8(campaign.read("back/printed.txt")).unwrap();
    assert_eq!(text.matches('\u{C}').count(), 28);
}

#[test]
fn files_encrypted_by_gpg_are_opened_by_the_company_alone() {
    let (campaign, _) = invited();
    let home = campaign.path("gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let new = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "mail@company.example",
        "rsa2048",
        "encr",
    ];
    if keys(&home, "gpg", &new).is_none() {
        return;
    }
    let key = keys(&home, "gpg", &["--export", "--armor"]).unwrap();
    campaign.write("company.asc", key);
    encrypted_journey(&campaign, "company.asc", "gpg", &[]);
    let _ = keys(&home, "gpgconf", &["--kill", "all"]);
}

#[test]
fn files_encrypted_by_age_are_opened_by_the_company_alone() {
    let (campaign, _) = invited();
    let folder = campaign.folder.path();
    let secret = campaign.path("company.key");
    let secret = secret.to_str().unwrap();
    if keys(folder, "age-keygen", &["-o", secret]).is_none() {
        return;
    }
    let key = keys(folder, "age-keygen", &["-y", secret]).unwrap();
    campaign.write("company.txt", key);
    encrypted_journey(&campaign, "company.txt", "age", &["--key", secret]);
}

#[test]
fn what_cannot_go_together_is_refused_before_anything_is_made() {
    let (campaign, _) = invited();
    campaign.write(
        "key.txt",
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n",
    );
    campaign.write("secret.txt", "AGE-SECRET-KEY-1QQ\n");
    for (args, words) in [
        (&["--channel", "letter"][..], "two letters"),
        (&["--design", "insert"], "has no address"),
        (
            &["--no-verify", "--encrypt-to", "key.txt"],
            "nobody can check the rows after they are encrypted",
        ),
        (
            &["--data-profile", "none"],
            "default, notify-letter and jsonl",
        ),
        (&["--encrypt-to", "secret.txt"], "secret key"),
        // Nothing of the campaign's environment is on the PATH.
        (&["--encrypt-to", "key.txt"], "there is no program age"),
    ] {
        let mut command = campaign.command("pkb-letters");
        command.env("PATH", "/nowhere");
        command
            .args(["invited.ndjson", "--out", "print", "--channel", "data"])
            .args(args);
        let ended = run(&mut command, b"");
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        assert!(!campaign.path("print").exists() || data_files(&campaign, "print").is_empty());
    }
}

#[test]
fn letters_as_pdf_are_packed_for_the_same_company() {
    let (campaign, invited) = invited();
    let args = [
        "--out",
        "print",
        "--letters-per-file",
        "20",
        "--output",
        "delivered.ndjson",
    ];
    let made = campaign.stage("pkb-letters", &args, &invited);
    assert_eq!(made.code, 65, "{}", made.stderr);
    job(&campaign);
    for (args, name) in [(&[][..], NAME), (&["--zip"], "packages-2")] {
        let mut all = args.to_vec();
        if name != NAME {
            all.extend(["--out", "packages-2"]);
        }
        let mut command = vec!["package", "print", "delivered.ndjson", "--job", "job.toml"];
        if name == NAME {
            command.extend(["--out", "packages"]);
        }
        command.extend(all);
        let packed = campaign.stage("pkb", &command, b"");
        assert_eq!(packed.code, 0, "{}", packed.stderr);
        let printed = company(&campaign, name, &[]);
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let status = String::from_utf8(campaign.read("back/status.csv")).unwrap();
        assert_eq!(
            status.matches(",DISPATCHED,").count(),
            delivered(&campaign.read("delivered.ndjson")).len()
        );
    }
}
