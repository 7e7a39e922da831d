//! A PKB record, an invitation code and an access code belong to one patient: over a campaign, its files and its runs.

use std::process::Command;

use pkb_e2e::hostile_pkb::{BORN, Config, HostilePkb, Mischief, Person};
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, records, run};

const CASE: &str = "two-numbers-one-record.csv";

/// A PKB with these records, by number.
fn pkb(people: &[(&str, &str)], seed: u64) -> HostilePkb {
    let person = |(number, id): &(&str, &str)| Person {
        number: (*number).to_owned(),
        id: (*id).to_owned(),
        born: if *id == "888" { "1943-04-04" } else { BORN }.to_owned(),
    };
    HostilePkb::start(Config {
        people: people.iter().map(person).collect(),
        mischief: Mischief::Nothing,
        percent: 0,
        seed,
    })
    .unwrap()
}

/// Runs a stage over this PKB.
fn stage(campaign: &Campaign, pkb: &HostilePkb, line: &str, input: &[u8]) -> Ended {
    let mut words = line.split(' ');
    let mut command: Command = campaign.command(words.next().unwrap());
    let base = pkb.base_url();
    command
        .args(words)
        .env("PKB_BASE_URL", &base)
        .env("PKB_TOKEN_URL", format!("{base}/oauth/token"));
    run(&mut command, input)
}

/// The reason of each row; nothing for those that went on.
fn reasons(records: &[Value]) -> Vec<String> {
    let reason = |record: &Value| record["outcome"]["reason"].as_str().map(str::to_owned);
    records
        .iter()
        .map(|it| reason(it).unwrap_or_default())
        .collect()
}

fn checked(campaign: &Campaign, file: &str) -> Vec<u8> {
    let checked = campaign.stage("pkb-upload", &[file, "--dry-run"], b"");
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    checked.stdout
}

#[test]
fn two_numbers_with_one_pkb_record_get_no_letter_and_both_rows_are_named() {
    let campaign = Campaign::fixture();
    campaign.write(
        CASE,
        std::fs::read(fixture("patient-files").join(CASE)).unwrap(),
    );
    let mut people = [
        ("9997000005", "777"),
        ("9997000560", "777"),
        ("9997000048", "888"),
    ];
    let both = pkb(&people, 1);
    let checked = checked(&campaign, CASE);
    let resolve = "pkb-resolve --journal r.journal";
    let resolved = stage(&campaign, &both, resolve, &checked);
    assert_eq!(reasons(&resolved.records()), ["", "shared_record", ""]);
    assert_eq!(
        resolved.records()[1]["outcome"]["detail"],
        "row 2 has the same PKB record"
    );
    assert_eq!(resolved.code, 65);
    assert!(
        resolved.stderr.contains(
            "row 2 has the same PKB record or code as row 3. This was found too late to stop row 2 here"
        ),
        "{}",
        resolved.stderr
    );
    let invited = stage(
        &campaign,
        &both,
        "pkb-tokens --journal t.journal",
        &resolved.stdout,
    );
    assert_eq!(invited.code, 65, "{}", invited.stderr);
    let letters = "pkb-letters --journal l.journal --out print --channel letter,sms";
    let delivered = stage(&campaign, &both, letters, &invited.stdout);
    assert_eq!(
        reasons(&delivered.records()),
        ["shared_record", "shared_record", ""]
    );
    assert_eq!(delivered.code, 65);
    let verified = campaign.stage("pkb", &["verify", "print"], &delivered.stdout);
    assert_eq!(verified.code, 0, "{}", verified.stderr);

    // The next run knows of both, and asks PKB again.
    let again = stage(&campaign, &both, resolve, &checked);
    assert_eq!(
        reasons(&again.records()),
        ["shared_record", "shared_record", ""]
    );
    drop(both);
    people[0].1 = "776";
    let right = pkb(&people, 2);
    let mended = stage(&campaign, &right, resolve, &checked);
    assert_eq!(
        reasons(&mended.records()),
        ["", "", ""],
        "{}",
        mended.stderr
    );
    assert_eq!(mended.code, 0);
    let invited = stage(
        &campaign,
        &right,
        "pkb-tokens --journal t.journal",
        &mended.stdout,
    );
    assert_eq!(
        reasons(&invited.records()),
        ["", "", ""],
        "{}",
        invited.stderr
    );
    let delivered = stage(&campaign, &right, letters, &invited.stdout);
    assert_eq!(
        reasons(&delivered.records()),
        ["", "", ""],
        "{}",
        delivered.stderr
    );
}

#[test]
fn one_pkb_record_is_noticed_over_two_files_and_however_its_id_is_written() {
    let campaign = Campaign::fixture();
    let text =
        String::from_utf8(std::fs::read(fixture("patient-files").join(CASE)).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    campaign.write("a.csv", format!("{}\n{}\n", lines[0], lines[1]));
    campaign.write(
        "b.csv",
        format!("{}\n{}\n{}\n", lines[0], lines[2], lines[3]),
    );
    let pkb = pkb(
        &[
            ("9997000005", "777"),
            ("9997000560", "00777"),
            ("9997000048", "888"),
        ],
        1,
    );
    let (a, b) = (checked(&campaign, "a.csv"), checked(&campaign, "b.csv"));
    let resolve = |input: &[u8]| stage(&campaign, &pkb, "pkb-resolve --journal r.journal", input);
    assert_eq!(resolve(&a).code, 0);
    let second = resolve(&b);
    assert_eq!(reasons(&second.records()), ["shared_record", ""]);
    let detail = &second.records()[0]["outcome"]["detail"];
    assert_eq!(detail, "row 2 of a.csv has the same PKB record");
    assert_eq!(reasons(&resolve(&a).records()), ["shared_record"]);
}

/// Invited patients of the fixture's kind, of whom `change` has changed the records.
fn invited(campaign: &Campaign, change: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    campaign.write("p.csv", crate::harness::synthetic_csv(6, 5));
    let uploaded = campaign.stage("pkb-upload", &["p.csv"], b"");
    let resolved = campaign.stage("pkb-resolve", &[], &uploaded.stdout);
    let invited = campaign.stage("pkb-tokens", &[], &resolved.stdout);
    assert_eq!(invited.code, 0, "{}", invited.stderr);
    let mut records = invited.records();
    change(&mut records);
    written(&records)
}

fn written(records: &[Value]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|record| format!("{record}\n").into_bytes())
        .collect()
}

/// Gives the codes of one row to another.
fn share(records: &mut [Value], fields: &[&str], from: usize, to: usize) {
    for field in fields {
        records[to]["invitation"][field] = records[from]["invitation"][field].clone();
    }
}

#[test]
fn equal_codes_stop_their_rows_and_nobody_else() {
    for (fields, channel) in [
        (&["code", "token"][..], "letter"),
        (&["code"], "letter,sms"),
        (&["token"], "sms"),
    ] {
        let campaign = Campaign::start(pkb_sandbox::World::default());
        let invited = invited(&campaign, |records| share(records, fields, 1, 4));
        let letters = ["--out", "print", "--channel", channel];
        let delivered = campaign.stage("pkb-letters", &letters, &invited);
        assert_eq!(
            reasons(&delivered.records()),
            ["", "shared_codes", "", "", "shared_codes", ""],
            "{}",
            delivered.stderr
        );
        assert_eq!(
            delivered.records()[1]["outcome"]["detail"],
            "row 6 has the same code"
        );
        assert_eq!(
            delivered.records()[4]["outcome"]["detail"],
            "row 3 has the same code"
        );
        assert_eq!(delivered.code, 65, "{}", delivered.stderr);
        assert!(!delivered.stderr.contains("bug"), "{}", delivered.stderr);
        let verified = campaign.stage("pkb", &["verify", "print"], &delivered.stdout);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
    }
}

#[test]
fn a_letter_that_is_printed_is_named_when_another_patient_comes_with_its_code() {
    let campaign = Campaign::start(pkb_sandbox::World::default());
    let invited = invited(&campaign, |records| share(records, &["token"], 1, 4));
    let letters = [
        "--out",
        "print",
        "--channel",
        "letter,sms",
        "--letters-per-file",
        "2",
        "--journal",
        "l.journal",
    ];
    let delivered = campaign.stage("pkb-letters", &letters, &invited);
    assert_eq!(
        reasons(&delivered.records()),
        ["", "", "", "", "shared_codes", ""]
    );
    assert_eq!(delivered.code, 65);
    let said = "row 3 has the same PKB record or code as row 6, and its letter was printed: remove page 2 of rehearsal-letters-0001.pdf before the \
                letters are posted; its text message is in rehearsal-sms-0001.csv: delete that line before the spreadsheet is uploaded";
    assert!(delivered.stderr.contains(said), "{}", delivered.stderr);
    let verify = |stream: &[u8]| {
        let verified = campaign.stage("pkb", &["verify", "print"], stream);
        assert_eq!(verified.code, 65);
        String::from_utf8(verified.stdout).unwrap()
    };
    let found = verify(&delivered.stdout);
    for said in [
        "rehearsal-letters-0001.pdf, page 2 (row 3): row 6 has the same code. Remove this letter or text message",
        "rehearsal-sms-0001.csv (row 3): row 6 has the same code. Remove this letter or text message",
    ] {
        assert!(found.contains(said), "{found}");
    }

    // The next run stops both, also if the second comes with other codes by then: the journal has what was seen.
    let mut later = records(&invited);
    for field in ["code", "token"] {
        later[4]["invitation"][field] = format!("Later{field}").into();
    }
    let again = campaign.stage("pkb-letters", &letters, &written(&later));
    assert_eq!(
        reasons(&again.records()),
        ["", "shared_codes", "", "", "", ""],
        "{}",
        again.stderr
    );
    assert!(
        again
            .stderr
            .contains("remove page 2 of rehearsal-letters-0001.pdf"),
        "{}",
        again.stderr
    );
    assert_eq!(again.code, 65);
    assert!(
        verify(&again.stdout).contains("rehearsal-letters-0001.pdf, page 2: no row has this page")
    );

    // New codes, and a letter with them in the place of the old one.
    for field in ["code", "token"] {
        later[1]["invitation"][field] = format!("Newer{field}").into();
    }
    let reissue = [&letters[..], &["--reissue", "3"]].concat();
    let reissued = campaign.stage("pkb-letters", &reissue, &written(&later));
    assert_eq!(reasons(&reissued.records()), [""; 6], "{}", reissued.stderr);
}

#[test]
fn a_letter_with_shared_codes_does_not_go_out_once_new_codes_are_there() {
    // As after a run that was killed before pkb-letters saw the second patient.
    let campaign = Campaign::start(pkb_sandbox::World::default());
    let invited = invited(&campaign, |_| {});
    let letters = ["--out", "print", "--journal", "l.journal"];
    assert_eq!(campaign.stage("pkb-letters", &letters, &invited).code, 0);
    let mut later = records(&invited);
    later[1]["invitation"] = serde_json::json!({
        "code": "Newercode", "token": "Newertoken", "expires_at": later[1]["invitation"]["expires_at"],
        "instead_of_shared": true,
    });
    let again = campaign.stage("pkb-letters", &letters, &written(&later));
    assert_eq!(
        reasons(&again.records()),
        ["", "shared_codes", "", "", "", ""],
        "{}",
        again.stderr
    );
    assert!(
        again
            .stderr
            .contains("remove page 2 of rehearsal-letters-0001.pdf"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_run_that_advances_nobody_says_why_and_is_not_a_success() {
    let campaign = Campaign::start(pkb_sandbox::World::default());
    campaign.write("p.csv", crate::harness::synthetic_csv(5, 5));
    let checked = checked(&campaign, "p.csv");
    let journal = ["--journal", "r.journal"];
    let resolved = campaign.stage("pkb-resolve", &journal, &checked);
    assert_eq!(resolved.code, 65);
    let said = "no row can go on to the next stage, because 5 of 5 rows are not_found. PKB may still be processing the \
        upload. What to do: \
                run the same command again later, or run pkb-resolve with --wait-for-records 2h";
    assert!(resolved.stderr.contains(said), "{}", resolved.stderr);
    let to_file = ["--output", "t.ndjson"];
    let invited = campaign.stage("pkb-tokens", &to_file, &resolved.stdout);
    assert_eq!(invited.code, 65);
    assert!(
        invited
            .stderr
            .contains("5 of 5 rows are not_found (pkb-resolve)"),
        "{}",
        invited.stderr
    );
    // Once they are there, and again from the journal.
    let uploaded = campaign.stage("pkb-upload", &["p.csv"], b"");
    for _ in 0..2 {
        let resolved = campaign.stage("pkb-resolve", &journal, &uploaded.stdout);
        assert_eq!(resolved.code, 0, "{}", resolved.stderr);
    }
}
