//! Who has registered since the invitation, and reminders to the others.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
    time::Duration,
};

use pkb_e2e::page_reader;
use pkb_sandbox::{Config, Faults, NOTIFY_API_KEY, NOTIFY_TEMPLATES};
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};

/// Patients of a campaign; all of them may be invited, and have an address.
const PATIENTS: usize = 8;

/// A program at `day` of the campaign, which began on 22 November, with what FHIR needs set.
fn command(campaign: &Campaign, program: &str, day: &str) -> Command {
    let mut command = campaign.command(program);
    command
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("PKB_FIXED_TIME", format!("{day}T09:00:00Z"));
    command
}

fn stage(campaign: &Campaign, program: &str, day: &str, args: &[&str], input: &[u8]) -> Ended {
    let mut command = command(campaign, program, day);
    command.args(args);
    run(&mut command, input)
}

/// `--recheck` on a day, with further arguments.
fn recheck(campaign: &Campaign, day: &str, args: &[&str], input: &[u8]) -> Ended {
    let args = [&["--recheck", "--rate", "0"], args].concat();
    stage(campaign, "pkb-resolve", day, &args, input)
}

/// Patients who have letters, and a row that was stopped: the stream that pkb-letters wrote.
fn invited(config: Config) -> (Campaign, Vec<u8>) {
    let campaign = Campaign::with(config);
    let mut file = synthetic_csv(PATIENTS, 5);
    let header = file.split(|byte| *byte == b'\n').next().unwrap();
    let cells = header.iter().filter(|byte| **byte == b',').count();
    file.extend(format!("nonsense{}\n", ",".repeat(cells)).bytes());
    let patients = campaign.write("patients.csv", file);
    let [_, _, _, delivered] = campaign.journey(&patients, &["--out", "print"]);
    assert_eq!(delivered.code, 65, "{}", delivered.stderr);
    assert_eq!(rows(&delivered.stdout).len(), PATIENTS + 1);
    (campaign, delivered.stdout)
}

/// The records by their rows.
fn rows(stream: &[u8]) -> BTreeMap<u64, Value> {
    let by_row = |record: Value| (record["row"]["number"].as_u64().unwrap(), record);
    records(stream).into_iter().map(by_row).collect()
}

fn with_letter(stream: &[u8]) -> Vec<Value> {
    let all = records(stream).into_iter();
    all.filter(|record| record["deliveries"].is_array())
        .collect()
}

fn number(record: &Value) -> &str {
    record["patient"]["national_id"]["value"].as_str().unwrap()
}

fn row(record: &Value) -> u64 {
    record["row"]["number"].as_u64().unwrap()
}

/// The reason why each row was stopped, or nothing.
fn reasons(stream: &[u8]) -> BTreeMap<u64, String> {
    let reason = |record: &Value| {
        record["outcome"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let rows = rows(stream).into_iter();
    rows.map(|(row, record)| (row, reason(&record))).collect()
}

/// Registers with the codes in a record.
fn register(campaign: &Campaign, record: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (code, token) = (
        text(&record["invitation"]["code"]),
        text(&record["invitation"]["token"]),
    );
    let born = text(&record["patient"]["date_of_birth"]);
    assert_eq!(campaign.join(&code, &token, &born), 200);
}

fn die(campaign: &Campaign, record: &Value) {
    let day = "2026-12-01".parse().unwrap();
    campaign.sandbox.record_death(number(record), day);
}

/// How many patients PKB was asked about in `$status-query`, call by call, since the last time.
fn asked(campaign: &Campaign) -> Vec<usize> {
    let ledger = campaign.sandbox.ledger();
    campaign.sandbox.reset_ledger();
    let calls = ledger.iter().filter(|call| call.endpoint == "status_query");
    calls.filter_map(|call| call.identifiers).collect()
}

#[test]
fn a_recheck_says_who_has_registered_and_when_that_was_first_seen() {
    let (campaign, delivered) = invited(Config::default());
    let letters = with_letter(&delivered);
    let first = recheck(&campaign, "2026-11-29", &[], &delivered);
    assert_eq!(first.code, 65, "one row is bad: {}", first.stderr);
    assert!(
        first
            .stderr
            .contains("0 of 8 patients with an invitation have registered (0 since the last time)"),
        "{}",
        first.stderr
    );

    register(&campaign, &letters[2]);
    asked(&campaign);
    let second = recheck(&campaign, "2026-12-06", &[], &first.stdout);
    assert!(
        second
            .stderr
            .contains("1 of 8 patients with an invitation have registered (1 since the last time)"),
        "{}",
        second.stderr
    );
    let third = recheck(&campaign, "2026-12-13", &[], &second.stdout);
    assert!(third.stderr.contains("1 of 8"), "{}", third.stderr);
    assert!(
        third.stderr.contains("(0 since the last time)"),
        "{}",
        third.stderr
    );
    assert_eq!(
        asked(&campaign),
        [PATIENTS, PATIENTS - 1],
        "who has registered is not asked about again"
    );

    let before = rows(&delivered);
    let after = rows(&third.stdout);
    assert_eq!(after.len(), before.len());
    for (row_number, record) in &after {
        let mut rest = record.clone();
        let uptake = rest.as_object_mut().unwrap().remove("uptake");
        assert_eq!(rest, before[row_number], "nothing else is changed");
        if record["outcome"].is_object() {
            assert!(uptake.is_none());
        } else if *row_number == row(&letters[2]) {
            let at = "2026-12-06T09:00:00Z";
            let expected =
                serde_json::json!({"registered": true, "checked_at": at, "first_seen_at": at});
            assert_eq!(uptake.unwrap(), expected);
        } else {
            let at = "2026-12-13T09:00:00Z";
            let expected = serde_json::json!({"registered": false, "checked_at": at});
            assert_eq!(uptake.unwrap(), expected);
        }
    }
}

#[test]
fn who_has_died_since_is_said_aloud_and_gets_nothing_more() {
    let (campaign, delivered) = invited(Config::default());
    let letters = with_letter(&delivered);
    die(&campaign, &letters[0]);
    let once = recheck(&campaign, "2026-12-06", &[], &delivered);
    assert!(
        once.stderr.contains(&format!(
            "1 patient has died since the invitation: row {}",
            row(&letters[0])
        )),
        "{}",
        once.stderr
    );
    assert_eq!(reasons(&once.stdout)[&row(&letters[0])], "deceased");
    let due = ["--due-reminder", "7d"];
    let again = recheck(&campaign, "2026-12-07", &due, &once.stdout);
    let dead = &rows(&again.stdout)[&row(&letters[0])];
    assert_eq!(dead["outcome"]["reason"], "deceased");
    assert_eq!(dead["outcome"]["stage"], "recheck");
    assert!(dead["deliveries"].is_array(), "what was sent is kept");
    assert!(
        again.stderr.contains("7 patients are due a reminder"),
        "{}",
        again.stderr
    );
}

/// The pipeline of the reminders, on a day, as it is run by hand.
fn start_reminders(campaign: &Campaign, day: &str) -> [Child; 2] {
    let mut tokens = command(campaign, "pkb-tokens", day)
        .args([
            "due.ndjson",
            "--rate",
            "0",
            "--journal",
            "reminder-tokens.journal",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let letters = command(campaign, "pkb-letters", day)
        .args(["--design", "reminder", "--out", "reminder"])
        .args(["--journal", "reminder.journal"])
        .args(["--output", "reminded.ndjson", "--letters-per-file", "2"])
        .stdin(tokens.stdout.take().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    [tokens, letters]
}

/// Kills the pipeline a few times, then lets it end.
fn remind(campaign: &Campaign, day: &str) -> BTreeMap<u64, Value> {
    for wait_milliseconds in [20, 60, 120, 200, 300] {
        let children = start_reminders(campaign, day);
        std::thread::sleep(Duration::from_millis(wait_milliseconds));
        for mut child in children {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
    for mut child in start_reminders(campaign, day) {
        assert_eq!(child.wait().unwrap().code(), Some(65), "one row is bad");
    }
    rows(&campaign.read("reminded.ndjson"))
}

#[test]
fn reminders_go_once_with_new_codes_to_everybody_who_is_due_and_to_nobody_else() {
    let (campaign, delivered) = invited(Config::default());
    campaign.write("delivered.ndjson", &delivered);
    let letters = with_letter(&delivered);
    let [registered, dead, opted_out, ..] = letters.as_slice() else {
        panic!("too few letters");
    };
    register(&campaign, registered);
    die(&campaign, dead);
    campaign.write(
        "opt-outs.csv",
        format!("NHS number\n{}\n", number(opted_out)),
    );

    // A day too early nobody is due.
    let due = |day: &str, args: &[&str], input: &str| {
        let args = [
            &[input, "--due-reminder", "28d", "--exclude", "opt-outs.csv"],
            args,
        ]
        .concat();
        recheck(&campaign, day, &args, b"")
    };
    let early = due("2026-12-19", &[], "delivered.ndjson");
    let expected = |others: &str| -> BTreeMap<u64, String> {
        let reason = |(row_number, record): (u64, Value)| {
            let reason = match row_number {
                at if at == row(registered) => "registered",
                at if at == row(dead) => "deceased",
                at if at == row(opted_out) => "excluded_by_list",
                _ if record["deliveries"].is_array() => others,
                _ => record["outcome"]["reason"].as_str().unwrap(),
            };
            (row_number, reason.to_owned())
        };
        rows(&delivered).into_iter().map(reason).collect()
    };
    assert_eq!(reasons(&early.stdout), expected("not_due"));

    let ended = due(
        "2026-12-20",
        &["--journal", "recheck.journal", "--output", "due.ndjson"],
        "delivered.ndjson",
    );
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("5 patients are due a reminder"),
        "{}",
        ended.stderr
    );
    assert_eq!(reasons(&campaign.read("due.ndjson")), expected(""));

    // For the report an invitation stands, whatever is said of a reminder; but not for the dead.
    let invited_and_due = |stream: &str| {
        let args = [stream, "--out", "report.html", "--json", "report.json"];
        let args = [&["report"], args.as_slice()].concat();
        let ended = stage(&campaign, "pkb", "2026-12-20", &args, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let report: Value = serde_json::from_slice(&campaign.read("report.json")).unwrap();
        let count = |table: &str, row: &str| report["figures"][table][row]["count"].as_u64();
        [
            count("headline", "invited"),
            count("headline", "excluded"),
            count("headline", "under_way"),
            count("reminders", "due"),
        ]
        .map(Option::unwrap_or_default)
    };
    let invited = PATIENTS as u64 - 1;
    assert_eq!(invited_and_due("due.ndjson"), [invited, 1, 0, 5]);

    let reminded = remind(&campaign, "2026-12-20");
    assert_eq!(invited_and_due("reminded.ndjson"), [invited, 1, 0, 0]);
    let before = rows(&delivered);
    assert_eq!(reminded.len(), before.len());
    let mut codes = Vec::new();
    for (row_number, record) in &reminded {
        let old = &before[row_number];
        if record["earlier"].is_array() {
            let earlier = json!([{"deliveries": old["deliveries"]}]);
            assert_eq!(record["earlier"], earlier);
            assert_eq!(record["deliveries"][0]["design"], "reminder");
            assert_eq!(record["deliveries"][0]["date"], "2026-12-20");
            assert_ne!(record["invitation"]["code"], old["invitation"]["code"]);
            codes.push(record["invitation"]["code"].as_str().unwrap().to_owned());
        } else {
            assert!(record["outcome"].is_object(), "row {row_number}");
            assert_eq!(record["deliveries"], old["deliveries"]);
            assert_eq!(record["invitation"], old["invitation"]);
        }
    }
    assert_eq!(codes.len(), 5);

    // Each code stands on one sheet, and there are no other sheets.
    let pages: Vec<String> = (1..=3)
        .flat_map(|file| {
            let pdf = campaign.read(&format!("reminder/rehearsal-letters-{file:04}.pdf"));
            page_reader::read_text_only(pdf).unwrap()
        })
        .map(|page| page.text)
        .collect();
    assert_eq!(pages.len(), codes.len());
    assert!(
        !campaign
            .path("reminder/rehearsal-letters-0004.pdf")
            .exists()
    );
    for code in &codes {
        let with_it = pages.iter().filter(|text| text.contains(code.as_str()));
        assert_eq!(with_it.count(), 1);
    }
    let verified = campaign.stage("pkb", &["verify", "reminder", "reminded.ndjson"], b"");
    assert_eq!(verified.code, 0, "{}", verified.stderr);

    // The ledger of the reminders has what was sent before, too.
    let args = ["ledger", "--journal", "reminder.journal"];
    let ledger = campaign.stage("pkb", &args, b"");
    let told: Vec<(String, String)> = csv::Reader::from_reader(ledger.stdout.as_slice())
        .deserialize::<BTreeMap<String, String>>()
        .map(|answer| answer.unwrap())
        .map(|answer| (answer["date"].clone(), answer["design"].clone()))
        .collect();
    let is = |date: &str, design: &str| {
        let all = told
            .iter()
            .filter(|told| **told == (date.into(), design.into()));
        all.count()
    };
    assert_eq!(is("2026-11-22", "letter"), 5);
    assert_eq!(is("2026-12-20", "reminder"), 5);
    assert_eq!(told.len(), 10);

    // One of them registers with the code on the reminder, and another recheck sees it.
    let convinced = reminded
        .values()
        .find(|record| record["earlier"].is_array())
        .unwrap();
    register(&campaign, convinced);
    let seen = recheck(&campaign, "2027-01-17", &["reminded.ndjson"], b"");
    assert!(
        seen.stderr
            .contains("2 of 7 patients with an invitation have registered (1 since the last time)"),
        "{}",
        seen.stderr
    );
    let standing = reasons(&seen.stdout);
    let stopped = standing.values().filter(|reason| !reason.is_empty());
    assert_eq!(stopped.count(), 2, "the dead patient and the bad row");

    // Nobody is reminded twice, unless that is set.
    let more = due("2027-01-17", &[], "reminded.ndjson");
    assert!(
        more.stderr.contains("0 patients are due a reminder"),
        "{}",
        more.stderr
    );
    let count = |stream: &[u8], reason: &str| {
        let reasons = reasons(stream);
        reasons.values().filter(|each| *each == reason).count()
    };
    assert_eq!(count(&more.stdout, "reminded"), 4);
    let more = due("2027-01-17", &["--most-reminders", "2"], "reminded.ndjson");
    assert!(
        more.stderr.contains("4 patients are due a reminder"),
        "{}",
        more.stderr
    );
}

#[test]
fn a_ledger_that_has_the_first_invitations_does_not_keep_reminders_from_being_made() {
    let (campaign, delivered) = invited(Config::default());
    campaign.write("delivered.ndjson", &delivered);
    let due = recheck(
        &campaign,
        "2026-12-20",
        &["--due-reminder", "28d"],
        &delivered,
    );
    let day = "2026-12-20";
    let tokens = stage(&campaign, "pkb-tokens", day, &["--rate", "0"], &due.stdout);
    let args = [
        "--design",
        "reminder",
        "--out",
        "reminder",
        "--journal",
        "delivered.ndjson",
    ];
    let reminded = stage(&campaign, "pkb-letters", day, &args, &tokens.stdout);
    assert_eq!(reminded.code, 65, "{}", reminded.stderr);
    let designs = with_letter(&reminded.stdout);
    assert_eq!(designs.len(), PATIENTS);
    assert!(
        designs
            .iter()
            .all(|record| record["deliveries"][0]["design"] == "reminder")
    );
}

#[test]
fn texts_of_reminders_are_sent_once_whatever_the_journal_has_of_the_first() {
    let (campaign, delivered) = invited(Config::default());
    let day = "2026-12-20";
    let letters = |input: &[u8], args: &[&str]| {
        let args = [&["--channel", "letter,sms", "--out"], args].concat();
        stage(&campaign, "pkb-letters", day, &args, input)
    };
    let send = |input: &[u8]| {
        let templates = NOTIFY_TEMPLATES[..2].join(",");
        let mut command = command(&campaign, "pkb-notify", day);
        command
            .args(["sms", "send", "--template-id", &templates])
            .args(["--journal", "sms.journal", "--max-age-of-answer", "90d"])
            .args(["--min-days-left", "0"])
            .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
            .env("NOTIFY_API_KEY", NOTIFY_API_KEY);
        let ended = run(&mut command, input);
        assert_eq!(ended.code, 65, "one row is bad: {}", ended.stderr);
        (ended.stdout, campaign.sandbox.notified().len())
    };
    // The same patients, by both ways.
    let mut both = Vec::new();
    for mut record in records(&delivered) {
        record.as_object_mut().unwrap().remove("deliveries");
        both.extend(serde_json::to_vec(&record).unwrap());
        both.push(b'\n');
    }
    let made = letters(
        &both,
        &["both", "--max-age-of-answer", "90d", "--min-days-left", "0"],
    );
    let (texted, once) = send(&made.stdout);
    assert!(once > 0);

    let args = ["--due-reminder", "0d"];
    let due = recheck(&campaign, day, &args, &texted);
    let first = rows(&texted);
    for (row_number, record) in rows(&due.stdout) {
        assert!(record["deliveries"].is_null());
        let kept = &record["earlier"][0]["deliveries"];
        assert_eq!(*kept, first[&row_number]["deliveries"], "row {row_number}");
    }
    let tokens = stage(&campaign, "pkb-tokens", day, &["--rate", "0"], &due.stdout);
    let made = letters(&tokens.stdout, &["again", "--design", "reminder"]);
    assert_eq!(send(&made.stdout).1, 2 * once, "{}", made.stderr);
    assert_eq!(send(&made.stdout).1, 2 * once, "and once only");
}

#[test]
fn a_recheck_that_was_killed_goes_on_where_it_was_and_a_later_one_asks_anew() {
    let (campaign, delivered) = invited(Config::default());
    asked(&campaign);
    let args = ["--journal", "recheck.journal", "--batch-rows", "2"];
    let whole = recheck(&campaign, "2026-12-19", &args, &delivered);
    assert_eq!(asked(&campaign), [2, 2, 2, 2]);
    // Killed in the third line.
    let journal = campaign.read("recheck.journal");
    let ends: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    campaign.write("recheck.journal", &journal[..ends[1] + 50]);
    let again = recheck(&campaign, "2026-12-19", &args, &delivered);
    assert_eq!(again.code, whole.code, "{}", again.stderr);
    assert_eq!(asked(&campaign), [2, 2, 2]);
    assert_eq!(again.stdout, whole.stdout);

    // It did not ask who may be invited, so it does not speak for reminders; what those have asked serves
    // with other settings, too.
    let due = |day: &str, after: &str| {
        let args = [&["--due-reminder", after], &args[..]].concat();
        recheck(&campaign, day, &args, &delivered)
    };
    let later = due("2026-12-19", "28d");
    assert_eq!(asked(&campaign), [2, 2, 2, 2]);
    assert!(
        later.stderr.contains("0 patients are due"),
        "{}",
        later.stderr
    );
    let sooner = due("2026-12-19", "27d");
    assert_eq!(asked(&campaign), [0; 0]);
    assert!(
        sooner.stderr.contains("8 patients are due"),
        "{}",
        sooner.stderr
    );
    let tomorrow = due("2026-12-20", "28d");
    assert_eq!(asked(&campaign), [2, 2, 2, 2]);
    assert!(
        tomorrow.stderr.contains("8 patients are due"),
        "{}",
        tomorrow.stderr
    );
}

#[test]
fn while_pkb_is_down_nobody_is_reminded_and_the_same_command_mends_its_own_output() {
    let down =
        r#"{"rules":[{"endpoint":"status_query","when":{"always":true},"fault":{"status":503}}]}"#;
    let (campaign, delivered) = invited(Config::default());
    campaign
        .sandbox
        .set_faults(Faults::from_json(down).unwrap());
    let args = ["--due-reminder", "28d", "--attempts", "1"];
    let failed = recheck(&campaign, "2026-12-20", &args, &delivered);
    assert_eq!(failed.code, 75, "{}", failed.stderr);
    assert_eq!(rows(&failed.stdout).len(), PATIENTS + 1);
    let unavailable = reasons(&failed.stdout)
        .into_values()
        .filter(|reason| reason == "unavailable");
    assert_eq!(unavailable.count(), PATIENTS);
    campaign.sandbox.set_faults(Faults::default());
    let mended = recheck(&campaign, "2026-12-20", &args, &failed.stdout);
    assert!(
        mended.stderr.contains("8 patients are due"),
        "{}",
        mended.stderr
    );
}

#[test]
fn a_recheck_without_fhir_or_with_lists_for_nobody_is_refused() {
    let (campaign, delivered) = invited(Config::default());
    let ended = campaign.stage("pkb-resolve", &["--recheck"], &delivered);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for words in ["PKB_FHIR_URL", "PKB_ORG_ID", "by FHIR alone"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    campaign.write("opt-outs.csv", "NHS number\n9990000018\n");
    let args = ["--exclude", "opt-outs.csv"];
    let ended = recheck(&campaign, "2026-12-20", &args, &delivered);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("--due-reminder"), "{}", ended.stderr);
    assert!(ended.stdout.is_empty());
}
