//! A plan with a fallback: a text message, and a letter for whom it did not reach or who did not use it in time.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use pkb_sandbox::{Config, NOTIFY_API_KEY, NOTIFY_TEMPLATES};
use serde_json::Value;

use crate::harness::{Campaign, records, synthetic_csv};

const PATIENTS: usize = 1000;
const PLAN: &str = "--plan 'sms 72h letter'";

/// Settings of FHIR and Notify, and the time of a day in November.
fn at(campaign: &Campaign, time: &str) -> String {
    format!(
        "export PKB_FIXED_TIME=2026-11-{time}:00Z PKB_FHIR_URL={} PKB_ORG_ID={} NOTIFY_BASE_URL={} NOTIFY_API_KEY={NOTIFY_API_KEY}; ",
        campaign.sandbox.fhir_url(),
        pkb_sandbox::ORG_ID,
        campaign.sandbox.base_url(),
    )
}

/// Patients of whom each twelfth has a mobile that no text reaches.
fn patients(count: usize) -> Vec<u8> {
    let file = synthetic_csv(count, 11);
    let mut reader = csv::Reader::from_reader(&*file);
    let header = reader.headers().unwrap().clone();
    let mobile = header
        .iter()
        .position(|name| name.to_lowercase().contains("mobile"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for (place, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let cells = row.iter().enumerate().map(|(column, cell)| match cell {
            "" => "",
            _ if Some(column) == mobile && place % 12 == 0 => "07700 900999",
            _ if Some(column) == mobile => "07700 900123",
            own => own,
        });
        writer.write_record(cells).unwrap();
    }
    writer.into_inner().unwrap()
}

/// The first day: everybody who has a mobile is sent two texts, the others get a letter.
fn begun(count: usize) -> Campaign {
    let campaign = Campaign::with(Config::default());
    campaign.write("patients.csv", patients(count));
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    let line = format!(
        "{}pkb-upload patients.csv --rate 0 --output u.ndjson >&2; \
         pkb-resolve u.ndjson --rate 0 --output r.ndjson >&2; pkb-tokens r.ndjson --rate 0 --journal t.journal --output t.ndjson >&2; \
         pkb-letters t.ndjson {PLAN} --out print --output first.ndjson >&2; \
         pkb-notify sms send first.ndjson --template-id {templates} --rate 0 --settle-after 300ms --output delivered.ndjson",
        at(&campaign, "22T09:00")
    );
    let ended = campaign.shell(&line);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    campaign
}

/// What is run each day, as the guide has it. `--output` of the last replaces what the first reads.
fn each_day(campaign: &Campaign, time: &str) -> String {
    format!(
        "{}pkb-notify sms status delivered.ndjson --rate 0 --output status.ndjson >&2; \
         pkb-resolve --recheck {PLAN} status.ndjson --rate 0 | pkb-tokens --rate 0 --journal t.journal | \
         pkb-letters {PLAN} --out print --output delivered.ndjson --letters-per-file 20",
        at(campaign, time)
    )
}

fn run(campaign: &Campaign, time: &str) {
    let ended = campaign.shell(&each_day(campaign, time));
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
}

/// The same, killed again and again, then to its end.
fn run_and_be_killed(campaign: &Campaign, time: &str) {
    for wait_milliseconds in [100, 300, 500, 700] {
        let line = each_day(campaign, time);
        let mut shell = std::process::Command::new("/bin/sh");
        let settings = campaign.command("pkb-upload");
        let known = settings
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let programs = crate::harness::programs().display().to_string();
        shell
            .current_dir(settings.get_current_dir().unwrap())
            .env_clear()
            .envs(known)
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .args(["-c", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_milliseconds));
        let group = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        child.wait().unwrap();
    }
    run(campaign, time);
}

fn delivered(campaign: &Campaign) -> BTreeMap<u64, Value> {
    let all = records(&campaign.read("delivered.ndjson")).into_iter();
    all.map(|record| (record["row"]["number"].as_u64().unwrap(), record))
        .collect()
}

/// By which channels a record says that its patient was invited, in their order.
fn channels(record: &Value) -> Vec<&str> {
    let earlier = record["earlier"].as_array().into_iter().flatten();
    let earlier = earlier.flat_map(|one| one["deliveries"].as_array().unwrap());
    let present = record["deliveries"].as_array().into_iter().flatten();
    let all = earlier.chain(present);
    all.map(|own| own["channel"].as_str().unwrap()).collect()
}

fn has_mobile(record: &Value) -> bool {
    record["patient"]["mobile"].is_string()
}

fn is_out_of_reach(record: &Value) -> bool {
    record["patient"]["mobile"] == "+447700900999"
}

fn register(campaign: &Campaign, record: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let codes = &record["invitation"];
    let born = text(&record["patient"]["date_of_birth"]);
    assert_eq!(
        campaign.join(&text(&codes["code"]), &text(&codes["token"]), &born),
        200
    );
}

#[test]
fn who_did_not_get_or_use_the_text_in_time_gets_one_letter_with_the_same_codes() {
    let campaign = begun(PATIENTS);
    let first = delivered(&campaign);
    assert_eq!(first.len(), PATIENTS);
    let texted: Vec<u64> = first
        .iter()
        .filter(|(_, record)| channels(record) == ["sms"])
        .map(|(row, _)| *row)
        .collect();
    let failed = texted
        .iter()
        .filter(|row| is_out_of_reach(&first[*row]))
        .count();
    assert!(
        texted.len() > 600 && failed > 40,
        "{failed} of {}",
        texted.len()
    );
    for record in first.values().filter(|record| record["outcome"].is_null()) {
        let expected = if has_mobile(record) { "sms" } else { "letter" };
        assert_eq!(channels(record), [expected]);
    }

    // Statuses come at the third look: who has no text that arrived gets the letter at once, and nobody else.
    for hour in ["22T10:00", "22T11:00"] {
        run(&campaign, hour);
    }
    run_and_be_killed(&campaign, "22T12:00");
    for (row, record) in delivered(&campaign) {
        let is_due = texted.contains(&row) && is_out_of_reach(&record);
        let has_fallback = channels(&record) == ["sms", "letter"];
        assert!(
            has_fallback == is_due || !record["outcome"].is_null(),
            "{record}"
        );
    }

    // A third of the others register, and two days later nobody is due.
    for row in texted
        .iter()
        .filter(|row| !is_out_of_reach(&first[*row]))
        .step_by(3)
    {
        register(&campaign, &first[row]);
    }
    run(&campaign, "24T09:00");
    let before = delivered(&campaign);

    run_and_be_killed(&campaign, "25T09:00");
    let after = delivered(&campaign);
    let mut letters = 0;
    for (row, record) in &after {
        assert_eq!(
            record["invitation"], first[row]["invitation"],
            "the same codes"
        );
        if !record["outcome"].is_null() {
            continue;
        }
        let registered = record["uptake"]["registered"] == true;
        let expected: &[&str] = match (texted.contains(row), registered) {
            (false, _) => &["letter"],
            (true, true) => &["sms"],
            (true, false) => &["sms", "letter"],
        };
        assert_eq!(channels(record), expected, "row {row}");
        letters += usize::from(expected.contains(&"letter"));
        if channels(&before[row]).len() == 2 {
            assert_eq!(
                record["deliveries"], before[row]["deliveries"],
                "row {row}: written to once"
            );
        }
    }
    assert!(letters > 500, "{letters}");

    // The same day and the next: nobody is written to again.
    for time in ["25T09:00", "26T09:00", "29T09:00"] {
        run(&campaign, time);
        for (row, record) in delivered(&campaign) {
            assert_eq!(
                record["deliveries"], after[&row]["deliveries"],
                "row {row} at {time}"
            );
        }
    }
    let texts = campaign.sandbox.notified().len();
    assert_eq!(texts, 2 * texted.len());
    let pages = std::fs::read_to_string(campaign.path("print/rehearsal-manifest.csv")).unwrap();
    assert_eq!(pages.lines().count(), letters + 1);
    let verified = campaign.shell("pkb verify print delivered.ndjson");
    assert_eq!(
        verified.code,
        0,
        "{}{}",
        verified.stderr,
        String::from_utf8_lossy(&verified.stdout)
    );
}

#[test]
fn codes_that_would_expire_too_soon_are_fetched_again_for_the_letter() {
    let campaign = begun(100);
    let first = delivered(&campaign);
    // 28 days are left then of the 30: none is enough for 60 more.
    let line = each_day(&campaign, "25T09:00")
        .replace("pkb-resolve", "pkb-resolve --min-days-left 60")
        .replace(
            "pkb-tokens",
            "pkb-tokens --valid-days 90 --min-days-left 60",
        );
    let ended = campaign.shell(&line);
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    let mut fetched = 0;
    for (row, record) in delivered(&campaign) {
        if channels(&record) == ["sms", "letter"] {
            assert_ne!(
                record["invitation"]["code"],
                first[&row]["invitation"]["code"]
            );
            fetched += 1;
        }
    }
    assert!(fetched > 60, "{fetched}");
    let verified = campaign.shell("pkb verify print delivered.ndjson");
    assert_eq!(
        verified.code,
        0,
        "{}{}",
        verified.stderr,
        String::from_utf8_lossy(&verified.stdout)
    );
}
