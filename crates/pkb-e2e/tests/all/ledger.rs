//! The ledger: who was sent what and when; letters that are made again with the same or new codes.

use std::{
    collections::BTreeMap,
    process::{Child, Stdio},
    time::Duration,
};

use pkb_e2e::page_reader;
use pkb_sandbox::{Config, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};

/// Runs the four stages with journals, from file to file.
fn go(campaign: &Campaign, tokens: &[&str], letters: &[&str]) -> Ended {
    let step = |program: &str, args: &[&str]| {
        let ended = campaign.stage(program, args, b"");
        assert!(matches!(ended.code, 0 | 65), "{program}: {}", ended.stderr);
        ended
    };
    step(
        "pkb-upload",
        &[
            "patients.csv",
            "--journal",
            "u.journal",
            "--output",
            "u.ndjson",
        ],
    );
    step(
        "pkb-resolve",
        &[
            "u.ndjson",
            "--rate",
            "0",
            "--journal",
            "r.journal",
            "--output",
            "r.ndjson",
        ],
    );
    let args = [
        "r.ndjson",
        "--rate",
        "0",
        "--journal",
        "t.journal",
        "--output",
        "t.ndjson",
    ];
    step("pkb-tokens", &[&args, tokens].concat());
    campaign.stage("pkb-letters", &[&LETTERS, letters].concat(), b"")
}

const LETTERS: [&str; 9] = [
    "t.ndjson",
    "--out",
    "print",
    "--channel",
    "letter,sms",
    "--journal",
    "l.journal",
    "--output",
    "l.ndjson",
];

fn campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        world: World::default(),
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(30, 11));
    let ended = go(&campaign, &[], &[]);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    campaign
}

fn delivered(campaign: &Campaign) -> BTreeMap<u64, Value> {
    records(&campaign.read("l.ndjson"))
        .into_iter()
        .filter(|record| record["deliveries"].is_array())
        .map(|record| (record["row"]["number"].as_u64().unwrap(), record))
        .collect()
}

/// A row with a letter and a text message.
fn some_row(campaign: &Campaign) -> (u64, Value) {
    delivered(campaign)
        .into_iter()
        .find(|(_, record)| record["deliveries"][1]["channel"] == "sms")
        .unwrap()
}

/// The answers of the ledger, by the names of their columns.
fn ask(campaign: &Campaign, args: &[&str], input: &[u8]) -> (Vec<BTreeMap<String, String>>, Ended) {
    let ended = campaign.stage(
        "pkb",
        &[&["ledger", "--journal", "l.journal"], args].concat(),
        input,
    );
    let mut csv = csv::Reader::from_reader(ended.stdout.as_slice());
    let answers = csv.deserialize().map(|row| row.unwrap()).collect();
    (answers, ended)
}

fn code_of(record: &Value) -> &str {
    record["invitation"]["code"].as_str().unwrap()
}

#[test]
fn new_codes_make_a_reissue_once_and_the_ledger_keeps_both() {
    let campaign = campaign();
    let (row, before) = some_row(&campaign);
    let others = delivered(&campaign);
    let number = row.to_string();
    let again: [&str; 2] = ["--reissue", &number];

    let ended = go(&campaign, &again, &again);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    let after = delivered(&campaign);
    let reissued = &after[&row];
    assert_ne!(code_of(reissued), code_of(&before));
    assert_eq!(
        reissued["deliveries"][0]["file"],
        "rehearsal-reissue-0001.pdf"
    );
    assert_eq!(reissued["deliveries"][0]["edition"], "reissue");
    assert_eq!(reissued["deliveries"][1]["file"], "rehearsal-sms-0002.csv");
    for (other, record) in &after {
        assert!(*other == row || *record == others[other], "row {other}");
    }
    let pages =
        page_reader::read_text_only(campaign.read("print/rehearsal-reissue-0001.pdf")).unwrap();
    assert_eq!(pages.len(), 1);
    assert!(pages[0].text.contains(code_of(reissued)));
    assert!(!pages[0].text.contains(code_of(&before)));

    // The same commands again: no new codes, no other letter.
    let remains = |campaign: &Campaign| {
        [
            "l.journal",
            "l.ndjson",
            "t.ndjson",
            "print/rehearsal-reissue-0001.pdf",
            "print/rehearsal-sms-0002.csv",
        ]
        .map(|name| campaign.read(name))
    };
    let once = remains(&campaign);
    let ended = go(&campaign, &again, &again);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    assert_eq!(remains(&campaign), once);
    assert!(!campaign.path("print/rehearsal-reissue-0002.pdf").exists());

    // An ordinary run answers with the newest edition.
    let ended = go(&campaign, &[], &[]);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    assert_eq!(delivered(&campaign), after);

    let (answers, _) = ask(&campaign, &["--row", &number], b"");
    let told: Vec<[&str; 4]> = answers
        .iter()
        .map(|answer| ["answer", "edition", "channel", "file"].map(|name| answer[name].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ["sent", "first", "letter", "rehearsal-letters-0001.pdf"],
            ["sent", "first", "sms", "rehearsal-sms-0001.csv"],
            ["sent", "reissue", "letter", "rehearsal-reissue-0001.pdf"],
            ["sent", "reissue", "sms", "rehearsal-sms-0002.csv"],
        ]
    );
}

#[test]
fn a_reissue_without_new_codes_is_refused_and_nothing_is_lost() {
    let campaign = campaign();
    let (row, before) = some_row(&campaign);
    let kept = campaign.read("l.ndjson");
    let number = row.to_string();
    let ended = go(&campaign, &[], &["--reissue", &format!("{number},999")]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for words in [
        format!(
            "row {row}: not reissued, because the patient already has a letter with these codes. First run: pkb-tokens \
             --reissue {row}"
        ),
        "row 999: no reissue was made".to_owned(),
    ] {
        assert!(ended.stderr.contains(&words), "{words}: {}", ended.stderr);
    }
    assert!(!campaign.path("print/rehearsal-reissue-0001.pdf").exists());
    assert_eq!(campaign.read("l.ndjson"), kept);
    // The same codes are a reprint.
    let ended = go(&campaign, &[], &["--reprint", &number]);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    let reprinted = &delivered(&campaign)[&row];
    assert_eq!(reprinted["deliveries"][0]["edition"], "reprint");
    assert_eq!(code_of(reprinted), code_of(&before));
    let both = campaign.stage(
        "pkb-letters",
        &[&LETTERS[..], &["--reprint", &number, "--reissue", &number]].concat(),
        b"",
    );
    assert_eq!(both.code, 2);
}

/// As after a kill between the finished file and its line in the journal.
#[test]
fn a_reissue_that_was_killed_is_made_once_by_the_same_command() {
    let campaign = campaign();
    let (row, _) = some_row(&campaign);
    let number = row.to_string();
    let again: [&str; 2] = ["--reissue", &number];
    let journal = campaign.read("l.journal");
    go(&campaign, &again, &again);
    let whole = campaign.read("l.journal");
    let added = &whole[journal.len()..];
    let lines: Vec<usize> = added
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .collect();
    assert_eq!(lines.len(), 2, "an intent and a record");
    let pdf = campaign.read("print/rehearsal-reissue-0001.pdf");
    let output = campaign.read("l.ndjson");
    // Killed before the file was begun, behind the intent, within the record, and at the end.
    for kept in [0, lines[0], lines[0] + 100, added.len()] {
        campaign.write("l.journal", [&journal, &added[..kept]].concat());
        if kept == 0 {
            std::fs::remove_file(campaign.path("print/rehearsal-reissue-0001.pdf")).unwrap();
        }
        let _ = std::fs::remove_file(campaign.path("print/rehearsal-sms-0002.csv"));
        let ended = go(&campaign, &again, &again);
        assert!(matches!(ended.code, 0 | 65), "{kept}: {}", ended.stderr);
        assert!(
            campaign.read("print/rehearsal-reissue-0001.pdf") == pdf,
            "{kept}"
        );
        assert!(campaign.read("l.ndjson") == output, "{kept}");
        assert!(
            !campaign.path("print/rehearsal-reissue-0002.pdf").exists(),
            "{kept}"
        );
        assert!(
            campaign.path("print/rehearsal-sms-0002.csv").exists(),
            "{kept}"
        );
    }
}

/// `pkb-tokens --reissue … | pkb-letters --reissue …`, as it is run by hand.
fn start_reissue(campaign: &Campaign, rows: &[String]) -> [Child; 2] {
    let mut tokens = campaign
        .command("pkb-tokens")
        .args(["r.ndjson", "--rate", "0", "--journal", "t.journal"])
        .arg("--reissue")
        .arg(rows.join(","))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let letters = campaign
        .command("pkb-letters")
        .args([
            "--out",
            "print",
            "--channel",
            "letter,sms",
            "--journal",
            "l.journal",
        ])
        .args([
            "--output",
            "l.ndjson",
            "--letters-per-file",
            "3",
            "--reissue",
        ])
        .arg(rows.join(","))
        .stdin(tokens.stdout.take().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    [tokens, letters]
}

#[test]
fn a_pipeline_that_is_killed_again_and_again_reissues_every_row_once() {
    let campaign = campaign();
    let rows: Vec<String> = delivered(&campaign).keys().map(u64::to_string).collect();
    assert!(rows.len() > 15);
    for wait_milliseconds in [10, 30, 60, 90, 120, 150, 180, 220, 260, 300] {
        let children = start_reissue(&campaign, &rows);
        std::thread::sleep(Duration::from_millis(wait_milliseconds));
        for mut child in children {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
    for mut child in start_reissue(&campaign, &rows) {
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 65)));
    }
    let after = delivered(&campaign);
    let mut pages = BTreeMap::new();
    for record in after.values() {
        let file = record["deliveries"][0]["file"].as_str().unwrap();
        if file.starts_with("rehearsal-reissue-") && !pages.contains_key(file) {
            let pdf = campaign.read(&format!("print/{file}"));
            pages.insert(file.to_owned(), page_reader::read_text_only(pdf).unwrap());
        }
    }
    let (answers, _) = ask(&campaign, &[], b"");
    for (row, record) in &after {
        let deliveries = record["deliveries"].as_array().unwrap();
        for delivery in deliveries {
            let editions: Vec<&str> = answers
                .iter()
                .filter(|answer| answer["row"] == row.to_string())
                .filter(|answer| delivery["channel"] == answer["channel"].as_str())
                .map(|answer| answer["edition"].as_str())
                .collect();
            assert_eq!(editions, ["first", "reissue"], "row {row}");
        }
        if let Some(page) = record["deliveries"][0]["pages"][0].as_u64() {
            let file = &pages[record["deliveries"][0]["file"].as_str().unwrap()];
            let text = &file[usize::try_from(page).unwrap() - 1].text;
            assert!(text.contains(code_of(record)), "row {row}");
        }
    }
    let letters = after
        .values()
        .filter(|record| record["deliveries"][0]["pages"].is_array());
    assert_eq!(letters.count(), pages.values().map(Vec::len).sum::<usize>());
}

#[test]
fn the_ledger_answers_by_row_or_by_numbers_that_are_read_and_never_shows_them() {
    let campaign = campaign();
    let (row, record) = some_row(&campaign);
    let number = record["patient"]["national_id"]["value"].as_str().unwrap();
    let questions = format!("9990009996\n{number}\nnonsense\n");
    let (answers, ended) = ask(&campaign, &["--national-ids", "-"], questions.as_bytes());
    let told: Vec<[&str; 4]> = answers
        .iter()
        .map(|answer| ["question", "answer", "row", "channel"].map(|name| answer[name].as_str()))
        .collect();
    let row = row.to_string();
    assert_eq!(
        told,
        [
            ["1", "nothing sent", "", ""],
            ["2", "sent", &row, "letter"],
            ["2", "sent", &row, "sms"],
            ["3", "not a national number", "", ""]
        ]
    );
    assert_eq!(ended.code, 65);
    assert_eq!(answers[1]["date"], "2026-11-22");
    assert_eq!(answers[1]["codes_until"], "2026-12-21");
    let told = String::from_utf8(ended.stdout).unwrap() + &ended.stderr;
    for secret in [
        number,
        code_of(&record),
        record["invitation"]["token"].as_str().unwrap(),
        record["patient"]["last_name"].as_str().unwrap(),
    ] {
        assert!(!told.contains(secret));
    }
    campaign.write("numbers.txt", number);
    let (from_file, ended) = ask(&campaign, &["--national-ids", "numbers.txt"], b"");
    assert_eq!((from_file.len(), ended.code), (2, 0));
    let (everybody, _) = ask(&campaign, &[], b"");
    let of = |record: &Value| record["deliveries"].as_array().unwrap().len();
    let deliveries = delivered(&campaign).values().map(of).sum::<usize>();
    assert_eq!(everybody.len(), deliveries);
    let (nobody, ended) = ask(&campaign, &["--row", "999"], b"");
    assert_eq!(
        (nobody[0]["answer"].as_str(), ended.code),
        ("nothing sent", 0)
    );
}

#[test]
fn the_ledger_is_read_while_a_run_has_it_and_left_as_it_is() {
    let campaign = campaign();
    let path = campaign.path("l.journal");
    let mut journal = campaign.read("l.journal");
    let (whole, _) = ask(&campaign, &[], b"");
    journal.extend_from_slice(br#"{"schema":"pkb-record/1","row":{"fi"#);
    std::fs::write(&path, &journal).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.lock().unwrap();
    let (answers, ended) = ask(&campaign, &[], b"");
    assert_eq!(ended.code, 0);
    assert!(
        ended.stderr.contains("the last line is incomplete"),
        "{}",
        ended.stderr
    );
    assert_eq!(answers, whole);
    assert_eq!(campaign.read("l.journal"), journal);

    for (name, words, code) in [
        ("t.journal", "has nothing of pkb-letters", 2),
        ("patients.csv", "not a journal", 66),
        ("none.journal", "no such file", 66),
    ] {
        let ended = campaign.stage("pkb", &["ledger", "--journal", name], b"");
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn new_codes_are_fetched_for_the_rows_that_were_asked_for_and_again_the_day_after() {
    let campaign = campaign();
    let (row, before) = some_row(&campaign);
    let number = row.to_string();
    let fetch = |now: &str, args: &[&str]| {
        let mut command = campaign.command("pkb-tokens");
        command
            .env("PKB_FIXED_TIME", now)
            .args(["r.ndjson", "--rate", "0", "--journal", "t.journal"])
            .args(args);
        let ended = run(&mut command, b"");
        assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
        let all: BTreeMap<u64, String> = ended
            .records()
            .iter()
            .filter(|record| record["invitation"].is_object())
            .map(|record| {
                (
                    record["row"]["number"].as_u64().unwrap(),
                    code_of(record).to_owned(),
                )
            })
            .collect();
        all
    };
    let old = fetch("2026-11-22T10:00:00Z", &[]);
    assert_eq!(old[&row], code_of(&before));
    let new = fetch("2026-11-22T10:00:00Z", &["--reissue", &number]);
    for (other, code) in &new {
        assert_eq!(*code == old[other], *other != row, "row {other}");
    }
    assert_eq!(fetch("2026-11-22T20:00:00Z", &["--reissue", &number]), new);
    assert_eq!(fetch("2026-11-24T10:00:00Z", &[]), new);
    let newest = fetch("2026-11-24T10:00:00Z", &["--reissue", &number]);
    assert_ne!(newest[&row], new[&row]);
}
