//! Letters for patients who cannot read print: texts for the supplier of braille, audio and so on.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::{Duration, Instant},
};

use pkb_sandbox::World;
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, records};

const NUMBERS: [&str; 7] = [
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
    "9990000077",
];

/// Patients with these formats, in rows 2 and following.
fn invited(formats: &[&str]) -> String {
    let of = formats.len();
    let record = |(at, format): (usize, &&str)| {
        let number = at + 2;
        let record = json!({
            "schema": "pkb-record/1", "row": {"file": "patients.csv", "number": number, "of": of}, "rehearsal": true,
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": NUMBERS[at]}, "first_name": "Ann",
                "last_name": if number == 6 { "محمد علي".to_owned() } else { format!("Row{number}son") },
                "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Newcastle"], "postcode": "NE1 1XC",
                "mobile": "+447700900123", "format": format,
            },
            "pkb": {"id": format!("{number}"), "checked_at": "2026-11-22T08:00:00Z"},
            "invitation": {
                "code": format!("NKcYiAci{number:02}"), "token": format!("KVPnrFYP{number:02}"), "expires_at": "2027-01-20T09:00:00Z",
            },
        });
        format!("{record}\n")
    };
    formats.iter().enumerate().map(record).collect()
}

const ALL: [&str; 7] = [
    "standard",
    "braille",
    "audio",
    "large",
    "easy-read",
    "email",
    "bsl",
];

fn made(campaign: &Campaign, args: &[&str]) -> (Ended, Vec<Value>) {
    let common = ["--out", "print", "--output", "made.ndjson"];
    let input = invited(&ALL);
    let ended = campaign.stage("pkb-letters", &[&common, args].concat(), input.as_bytes());
    let made = records(&campaign.read("made.ndjson"));
    (ended, made)
}

fn verify(campaign: &Campaign) -> (i32, String) {
    let ended = campaign.stage("pkb", &["verify", "print", "made.ndjson"], b"");
    let text = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
    (ended.code, text)
}

#[test]
fn who_cannot_read_print_is_not_printed_and_has_a_text_for_the_supplier() {
    let campaign = Campaign::start(World::default());
    let (ended, made) = made(&campaign, &["--channel", "letter,sms"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("5 letters are for a specialist supplier"),
        "{}",
        ended.stderr
    );
    let manifest = String::from_utf8(campaign.read("print/rehearsal-manifest.csv")).unwrap();
    assert_eq!(manifest.lines().count(), 3, "{manifest}");
    let mut list = csv::Reader::from_reader(&campaign.read("print/rehearsal-formats.csv")[..])
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        .collect::<Vec<_>>();
    list.sort();
    assert_eq!(list.len(), 5);
    for (record, format) in made.iter().zip(ALL) {
        let deliveries = record["deliveries"].as_array().unwrap();
        let channels: Vec<&str> = deliveries
            .iter()
            .map(|own| own["channel"].as_str().unwrap())
            .collect();
        let Some(own) = deliveries.iter().find(|own| own["channel"] == "format") else {
            assert!(["standard", "large"].contains(&format), "{format}");
            assert_eq!(channels, ["letter", "sms"]);
            continue;
        };
        // What else a patient gets stays.
        assert_eq!(channels, ["sms", "format"]);
        let (file, reference) = (
            own["file"].as_str().unwrap(),
            own["reference"].as_str().unwrap(),
        );
        assert_eq!(file, format!("rehearsal-formats/{format}/{reference}.txt"));
        let row = vec![
            reference.to_owned(),
            record["row"]["number"].to_string(),
            format.to_owned(),
            "en".to_owned(),
            file.to_owned(),
        ];
        assert!(list.contains(&row), "{row:?} {list:?}");
        let path = format!("print/{file}");
        let text = String::from_utf8(campaign.read(&path)).unwrap();
        let name = record["patient"]["last_name"].as_str().unwrap();
        let code = record["invitation"]["code"].as_str().unwrap();
        for words in [
            "REHEARSAL\n\n",
            &format!("Dear Ann {name},"),
            &format!("Invite code: {code}\n"),
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("QR code"), "{text}");
        let mode = campaign
            .path(&path)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let (code, words) = verify(&campaign);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("5 letters in other formats"), "{words}");
}

#[test]
fn the_same_command_again_makes_no_second_text() {
    let campaign = Campaign::start(World::default());
    let (_, first) = made(&campaign, &[]);
    let list = campaign.read("print/rehearsal-formats.csv");
    let (ended, second) = made(&campaign, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(first, second);
    assert_eq!(campaign.read("print/rehearsal-formats.csv"), list);
    let folder = campaign.path("print/rehearsal-formats/braille");
    assert_eq!(folder.read_dir().unwrap().count(), 1);
}

#[test]
fn a_run_that_is_killed_in_the_middle_makes_each_text_once() {
    let all = |campaign: &Campaign| campaign.shell("find print -type f | sort").stdout;
    let whole = Campaign::start(World::default());
    let args = ["--letters-per-file", "1"];
    let (_, expected) = made(&whole, &args);
    let campaign = Campaign::start(World::default());
    let input = invited(&ALL);
    let some: String = input.split_inclusive('\n').take(5).collect();
    for file in [1, 2] {
        let file = expected[file]["deliveries"][0]["file"].as_str().unwrap();
        let mut child = campaign
            .command("pkb-letters")
            .args(["--out", "print", "--output", "made.ndjson"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It cannot come to its end: its input does not.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(some.as_bytes()).unwrap();
        let begun = Instant::now();
        while !campaign.path(&format!("print/{file}")).exists() {
            assert!(begun.elapsed() < Duration::from_secs(120));
            std::thread::yield_now();
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        drop(stdin);
    }
    let (ended, again) = made(&campaign, &args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(again, expected);
    assert_eq!(all(&campaign), all(&whole));
    let (code, words) = verify(&campaign);
    assert_eq!(code, 0, "{words}");
}

#[test]
fn a_text_that_is_changed_missing_or_nobodys_is_found() {
    let campaign = Campaign::start(World::default());
    let (_, made) = made(&campaign, &[]);
    let file = |at: usize| {
        format!(
            "print/{}",
            made[at]["deliveries"][0]["file"].as_str().unwrap()
        )
    };
    let (braille, audio) = (campaign.read(&file(1)), campaign.read(&file(2)));
    campaign.write(&file(1), &audio);
    let (code, words) = verify(&campaign);
    assert_eq!(code, 65, "{words}");
    for found in [
        "(row 3): the invitation code is not on the letter",
        "(row 3): a code of row 4 is on the letter",
    ] {
        assert!(words.contains(found), "{found}: {words}");
    }
    std::fs::remove_file(campaign.path(&file(1))).unwrap();
    assert!(verify(&campaign).1.contains("the file is missing"));
    campaign.write(&file(1), &braille);
    campaign.write("print/rehearsal-formats/braille/other.txt", &braille);
    assert!(
        verify(&campaign)
            .1
            .contains("other.txt: no record has this letter")
    );
}

#[test]
fn texts_are_packed_for_their_supplier_alone_and_not_in_the_clear() {
    let campaign = Campaign::start(World::default());
    let (_, made) = made(&campaign, &[]);
    let job = campaign.stage("pkb", &["package", "--example"], b"").stdout;
    campaign.write("job.toml", job);
    let package = |args: &[&str]| {
        let common = [
            "package",
            "print",
            "made.ndjson",
            "--job",
            "job.toml",
            "--out",
        ];
        campaign.stage("pkb", &[&common, args].concat(), b"")
    };
    let ended = package(&["clear", "--formats"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("has codes that anybody can read"),
        "{}",
        ended.stderr
    );
    let ended = package(&["texts", "--formats", "--unencrypted"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("5 letters in"), "{}", ended.stderr);
    let ended = package(&["printed"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let all = |folder: &str| campaign.shell(&format!("find {folder} -type f")).stdout;
    let (texts, printed) = (all("texts"), all("printed"));
    let [texts, printed] = [texts, printed].map(|names| String::from_utf8(names).unwrap());
    let braille = made[1]["deliveries"][0]["file"].as_str().unwrap();
    assert!(
        texts.contains(braille) && texts.contains("formats.csv"),
        "{texts}"
    );
    assert!(!texts.contains(".pdf"), "{texts}");
    assert!(
        printed.contains("letters-0001.pdf") && !printed.contains("formats"),
        "{printed}"
    );
}

#[test]
fn the_text_of_an_erased_patient_is_deleted() {
    let campaign = Campaign::start(World::default());
    let (_, made) = made(&campaign, &[]);
    let file = format!(
        "print/{}",
        made[1]["deliveries"][0]["file"].as_str().unwrap()
    );
    assert!(campaign.path(&file).exists());
    let ended = campaign.stage("pkb", &["purge", "--row", "3", "--", "."], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!campaign.path(&file).exists(), "{}", ended.stderr);
}
