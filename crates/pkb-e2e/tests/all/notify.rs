//! Text messages and letters through GOV.UK Notify: each of its errors, lost answers, and programs that are killed.

mod corrected;
mod hours;
mod letters;
mod rows;

use std::{
    collections::{BTreeMap, HashSet},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, Faults, NOTIFY_API_KEY, NOTIFY_TEMPLATES, Notified, NotifyConfig};
use serde_json::{Value, json};

use crate::{
    guide::page,
    harness::{Campaign, Ended, run},
};
use letters::{letters, posting};

/// What every test says: no long waits.
const QUICK: [&str; 4] = ["--settle-after", "300ms", "--give-up-after", "5"];

fn campaign() -> Campaign {
    Campaign::with(Config::default())
}

fn with_faults(rules: &str) -> Campaign {
    Campaign::with(Config {
        faults: Faults::from_json(format!(r#"{{"rules":[{rules}]}}"#)).unwrap(),
        ..Config::default()
    })
}

fn command(campaign: &Campaign, args: &[&str]) -> Command {
    let mut command = campaign.command("pkb-notify");
    command
        .args(args)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY);
    command
}

fn notify(campaign: &Campaign, args: &[&str], input: &[u8]) -> Ended {
    run(&mut command(campaign, args), input)
}

/// The arguments of `sms send` with both templates and a journal.
fn sending() -> Vec<&'static str> {
    static TWO: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| NOTIFY_TEMPLATES[..2].join(","));
    let mut args = vec![
        "sms",
        "send",
        "--template-id",
        &TWO,
        "--journal",
        "sms.journal",
    ];
    args.extend(QUICK);
    args
}

/// What a record says was given to Notify by a channel.
fn sent_by<'a>(record: &'a Value, channel: &str) -> &'a Value {
    let deliveries = record["deliveries"].as_array().into_iter().flatten();
    let mut own = deliveries.filter(|delivery| delivery["channel"] == channel);
    own.next().map_or(&Value::Null, |own| &own["dispatches"])
}

fn send(campaign: &Campaign, input: &[u8]) -> Ended {
    notify(campaign, &sending(), input)
}

/// A number that no telephone has, other than those that the sandbox treats in ways of its own.
fn mobile(at: usize) -> String {
    format!("+44770090{:04}", 300 + at)
}

/// A record as pkb-letters writes it, of a patient whose only way is the text message.
fn record(at: usize, of: usize, mobile: &str) -> Value {
    let number = (999_000_001..)
        .filter_map(pkb_synthetic::nhs_number::complete)
        .nth(at)
        .unwrap();
    json!({
        "schema": "pkb-record/1",
        "row": {"file": "patients.csv", "number": at + 2, "of": of},
        "rehearsal": true,
        "patient": {
            "national_id": {"type": "NHS_NUMBER", "value": number},
            "first_name": "Canaryfirst", "last_name": "Canarylast", "date_of_birth": "1980-02-03",
            "address": ["1 Canary Lane", "Canaryton"], "postcode": "CA1 4RY", "mobile": mobile,
        },
        "pkb": {"id": (12_345 + at).to_string(), "checked_at": "2026-11-22T08:00:00Z"},
        "invitation": {
            "code": format!("CanaryI{at:03}"), "token": format!("CanaryT{at:03}"), "expires_at": "2026-12-22T09:00:00Z",
        },
        "deliveries": [{"channel": "sms", "file": "rehearsal-sms-0001.csv", "date": "2026-11-22"}],
    })
}

fn lines(records: &[Value]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|record| format!("{record}\n").into_bytes())
        .collect()
}

fn delivered(count: usize) -> Vec<u8> {
    let records: Vec<Value> = (0..count)
        .map(|at| record(at, count, &mobile(at)))
        .collect();
    lines(&records)
}

/// How often each number got each text.
fn texts(campaign: &Campaign) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for Notified {
        phone_number,
        template_id,
        ..
    } in campaign.sandbox.notified()
    {
        *counts
            .entry((phone_number.unwrap(), template_id.unwrap()))
            .or_default() += 1;
    }
    counts
}

fn assert_each_once(campaign: &Campaign, patients: usize) {
    let texts = texts(campaign);
    let twice: Vec<_> = texts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent more than once: {twice:?}");
    assert_eq!(texts.len(), 2 * patients);
}

fn reasons(ended: &Ended) -> Vec<String> {
    let records = ended.records();
    let reason = |record: &Value| {
        record["outcome"]["reason"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    records.iter().map(reason).collect()
}

fn calls(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    ledger
        .iter()
        .filter(|entry| entry.endpoint == endpoint)
        .count()
}

#[test]
fn each_patient_gets_both_texts_in_their_order_and_the_record_says_so() {
    let campaign = campaign();
    let ended = send(&campaign, &delivered(5));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 5);
    assert_eq!(
        calls(&campaign, "notify_find"),
        0,
        "nothing is asked where nothing is unclear"
    );
    let sent = campaign.sandbox.notified();
    for record in ended.records() {
        let number = record["patient"]["mobile"]
            .as_str()
            .unwrap()
            .trim_start_matches('+');
        let own: Vec<&Notified> = sent
            .iter()
            .filter(|text| text.phone_number.as_deref() == Some(number))
            .collect();
        let [first, second] = own.as_slice() else {
            panic!("{} texts", own.len())
        };
        assert_eq!(first.template_id.as_deref(), Some(NOTIFY_TEMPLATES[0]));
        for (at, text) in [first, second].into_iter().enumerate() {
            let noted = &sent_by(&record, "sms")[at];
            assert_eq!(noted["id"], text.id.as_str());
            assert_eq!(noted["reference"], text.reference.as_deref().unwrap());
            assert_eq!(noted["status"], "created");
        }
        let words = second.body.as_deref().unwrap();
        for pointer in ["/invitation/code", "/invitation/token"] {
            assert!(words.contains(record.pointer(pointer).unwrap().as_str().unwrap()));
        }
        assert!(!words.contains("1980"));
    }
}

#[test]
fn a_reference_tells_nothing_of_the_patient_and_is_the_same_in_each_run() {
    let references = || {
        let campaign = campaign();
        send(&campaign, &delivered(2));
        let references = campaign.sandbox.notified().into_iter();
        references
            .map(|text| text.reference.unwrap())
            .collect::<HashSet<_>>()
    };
    let (first, second) = (references(), references());
    assert_eq!(first, second);
    for reference in &first {
        let (hash, what) = reference.split_once('-').unwrap();
        assert!(
            hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
            "{reference}"
        );
        assert!(["sms-1", "sms-2"].contains(&what));
    }
}

#[test]
fn the_same_command_again_sends_nothing() {
    let campaign = campaign();
    let first = send(&campaign, &delivered(5));
    let again = send(&campaign, &delivered(5));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(first.stdout, again.stdout);
    // Over its own output, too.
    let over = notify(&campaign, &sending(), &again.stdout);
    assert_eq!(over.stdout, again.stdout);
    assert_each_once(&campaign, 5);
}

/// Each error of Notify's list that stops the stage: exit code, and words for the operator.
#[test]
fn each_error_that_concerns_everybody_stops_the_stage_and_says_what_to_do() {
    for (error, code, words) in [
        ("clock", 77, "clock is more than 30 seconds off"),
        ("unknown_key", 77, "refused the API key"),
        ("no_token", 77, "refused the API key"),
        ("template_not_found", 2, "refused the template"),
        ("unknown_sender", 2, "--sender-id"),
        ("trial_mode", 2, "trial mode"),
        ("team_only", 2, "team only"),
        ("daily_limit", 75, "run the same command again tomorrow"),
    ] {
        assert!(page("trouble/notify.md").contains(words), "{words}");
        let campaign = with_faults(&format!(
            r#"{{"endpoint":"notify_sms","when":{{"always":true}},"fault":{{"notify":"{error}"}}}}"#
        ));
        let ended = send(&campaign, &delivered(3));
        assert_eq!(ended.code, code, "{error}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{error}: {}", ended.stderr);
        assert!(campaign.sandbox.notified().is_empty());
        // When it is mended, the same command sends everything.
        campaign.sandbox.set_faults(Faults::default());
        let again = send(&campaign, &delivered(3));
        assert_eq!(again.code, 0, "{error}: {}", again.stderr);
        assert_each_once(&campaign, 3);
    }
}

#[test]
fn a_number_that_notify_does_not_take_is_the_outcome_of_its_row_alone() {
    let campaign = campaign();
    let mut records: Vec<Value> = (0..3).map(|at| record(at, 3, &mobile(at))).collect();
    records[0]["patient"]["mobile"] = "+447700900996".into();
    records[1]["patient"]["mobile"] = "+447624900123".into();
    let ended = send(&campaign, &lines(&records));
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(
        reasons(&ended),
        ["refused_by_notify", "refused_by_notify", ""]
    );
    assert_each_once(&campaign, 1);
    // A letter goes to the same patient: the row is not stopped, and the refusal is in the record.
    records[0]["patient"]["mobile"] = "+447700900996".into();
    let letter = json!({"channel": "letter", "file": "rehearsal-letters-0001.pdf", "pages": [1, 1], "sequence": 1});
    let deliveries = records[0]["deliveries"].as_array_mut().unwrap();
    deliveries.insert(0, letter);
    let other = record(7, 8, "");
    records[0]["patient"]["national_id"]["value"] =
        other["patient"]["national_id"]["value"].clone();
    records[0]["pkb"] = other["pkb"].clone();
    records[0]["invitation"] = other["invitation"].clone();
    let ended = send(&campaign, &lines(&[records[0].clone()]));
    assert_eq!(reasons(&ended), [""]);
    let texts = sent_by(&ended.records()[0], "sms").clone();
    assert_eq!(texts[0]["status"], "refused");
    assert_eq!(
        texts[1],
        Value::Null,
        "the second goes only after the first"
    );
}

#[test]
fn one_refused_number_and_one_outage_keep_no_other_text_from_going_incident_35() {
    const PATIENTS: usize = 100;
    // The third number is refused at its first text; each of the 46 patients from there to the fiftieth gets two.
    let [first, .., last] = [98, 99, 100];
    let campaign = with_faults(&format!(
        r#"{{"endpoint":"notify_sms","when":{{"from":{first},"to":{last}}},"fault":{{"status":500}}}}"#
    ));
    let mut records: Vec<Value> = (0..PATIENTS)
        .map(|at| record(at, PATIENTS, &mobile(at)))
        .collect();
    records[2]["patient"]["mobile"] = "+447700900996".into();
    let mut args = sending();
    args.extend(["--concurrency", "1", "--rate", "0"]);
    let ended = notify(&campaign, &args, &lines(&records));
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    let stopped: Vec<(usize, String)> = reasons(&ended)
        .into_iter()
        .enumerate()
        .filter(|(_, reason)| !reason.is_empty())
        .collect();
    assert_eq!(
        stopped,
        [
            (2, "refused_by_notify".to_owned()),
            (49, "unavailable".to_owned())
        ]
    );
    assert_each_once(&campaign, PATIENTS - 2);
    let again = notify(&campaign, &args, &lines(&records));
    assert_eq!(again.code, 65, "{}", again.stderr);
    assert_each_once(&campaign, PATIENTS - 1);
}

#[test]
fn wrong_settings_are_found_before_anything_is_sent() {
    let unknown = "00000000-0000-4000-8000-00000000dead";
    let campaign = campaign();
    let input = delivered(2);
    for (args, words) in [
        (vec!["--template-id", unknown], "no such template"),
        (
            vec!["--template-id", NOTIFY_TEMPLATES[0]],
            "neither the link nor both codes",
        ),
        (vec!["--template-id", "mine"], "must be a UUID"),
    ] {
        let mut all = vec!["sms", "send", "--journal", "x.journal"];
        all.extend(args);
        let ended = notify(&campaign, &all, &input);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let two = NOTIFY_TEMPLATES[..2].join(",");
    let ended = notify(&campaign, &["sms", "send", "--template-id", &two], &input);
    assert_eq!(
        (
            ended.code,
            ended.stderr.contains("--journal FILE is missing")
        ),
        (2, true)
    );
    for (key, code, words) in [
        ("", 2, "no API key"),
        ("CanaryKey", 2, "not a key of GOV.UK Notify"),
        (
            "sandbox-00000000-0000-4000-8000-000000000001-00000000-0000-4000-8000-0000000000ff",
            77,
            "refused the API key",
        ),
    ] {
        let mut command = command(&campaign, &sending());
        let ended = run(command.env("NOTIFY_API_KEY", key), &input);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(words) && !ended.stderr.contains("Canary"),
            "{}",
            ended.stderr
        );
    }
    assert!(campaign.sandbox.notified().is_empty());
}

#[test]
fn a_lost_answer_is_settled_by_asking_for_the_reference_incident_33() {
    for fault in [
        r#""reset_after""#,
        r#""truncate""#,
        r#""reset_before""#,
        r#""refuse""#,
        r#""html""#,
        r#"{"status":500,"run":true}"#,
        r#"{"status":502,"run":true}"#,
        r#"{"status":504,"run":false}"#,
        r#"{"status":503}"#,
        r#"{"notify":"exception"}"#,
    ] {
        let campaign = with_faults(&format!(
            r#"{{"endpoint":"notify_sms","when":{{"requests":[2,5,8]}},"fault":{fault}}}"#
        ));
        let ended = send(&campaign, &delivered(6));
        assert_eq!(ended.code, 0, "{fault}: {}", ended.stderr);
        assert_each_once(&campaign, 6);
    }
}

#[test]
fn a_proxys_page_in_place_of_an_answer_stops_the_stage_and_nothing_is_lost() {
    for fault in [
        r#""html""#,
        r#""redirect""#,
        r#"{"status":403,"body":"html"}"#,
        r#""garbage""#,
    ] {
        let campaign = with_faults(&format!(
            r#"{{"endpoint":"any","when":{{"from":4}},"fault":{fault}}}"#
        ));
        let ended = send(&campaign, &delivered(4));
        assert_eq!(ended.code, 76, "{fault}: {}", ended.stderr);
        assert!(ended.stderr.contains("NOTIFY_BASE_URL"), "{}", ended.stderr);
        campaign.sandbox.set_faults(Faults::default());
        let again = send(&campaign, &delivered(4));
        assert_eq!(again.code, 0, "{fault}: {}", again.stderr);
        assert_each_once(&campaign, 4);
    }
}

#[test]
fn after_too_many_calls_there_is_a_pause_and_then_it_goes_on() {
    let campaign = Campaign::with(Config {
        notify: NotifyConfig {
            per_second: 20,
            burst: 10,
            ..NotifyConfig::default()
        },
        ..Config::default()
    });
    let mut args = sending();
    args.extend([
        "--rate",
        "0",
        "--pause-when-too-fast",
        "1s",
        "--attempts",
        "50",
    ]);
    let start = Instant::now();
    let ended = notify(&campaign, &args, &delivered(20));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 20);
    let refused = campaign
        .sandbox
        .ledger()
        .iter()
        .filter(|entry| entry.status == Some(429))
        .count();
    assert!(refused > 0 && refused < 60, "{refused} calls were refused");
    assert!(start.elapsed() > Duration::from_secs(1));
}

#[test]
fn an_outage_stops_the_stage_and_the_same_command_goes_on() {
    let campaign =
        with_faults(r#"{"endpoint":"notify_sms","when":{"from":4},"fault":{"status":503}}"#);
    let mut args = sending();
    args.extend(["--attempts", "100", "--concurrency", "1"]);
    args.retain(|arg| !QUICK[2..].contains(arg));
    args.extend(["--give-up-after", "1"]);
    let ended = notify(&campaign, &args, &delivered(4));
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("GOV.UK Notify has not answered properly for"),
        "{}",
        ended.stderr
    );
    campaign.sandbox.set_faults(Faults::default());
    assert_eq!(send(&campaign, &delivered(4)).code, 0);
    assert_each_once(&campaign, 4);
}

/// A Notify as it is on a bad day.
const BAD_DAY: &str = r#"
    {"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"mostly":3,"rarely":80,"rate":0.05}}},
    {"endpoint":"notify_sms","when":{"probability":0.03},"fault":"reset_after"},
    {"endpoint":"notify_sms","when":{"probability":0.03},"fault":"reset_before"},
    {"endpoint":"notify_sms","when":{"probability":0.02},"fault":{"status":502,"run":true}},
    {"endpoint":"notify_sms","when":{"probability":0.02},"fault":{"notify":"exception"}},
    {"endpoint":"notify_find","when":{"probability":0.05},"fault":"truncate"}"#;

#[test]
fn no_number_is_ever_texted_twice_in_a_killed_and_repeated_run() {
    const PATIENTS: usize = 150;
    let input = delivered(PATIENTS);
    for round in 0..3_u64 {
        let campaign = with_faults(BAD_DAY);
        campaign.write("delivered.ndjson", &input);
        let mut args = sending();
        args.extend(["delivered.ndjson", "--rate", "0", "--output", "sent.ndjson"]);
        let mut killed = 0;
        for kill in 0..6_u64 {
            let mut child = command(&campaign, &args)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(
                250 + 110 * ((kill * 7 + round * 3) % 5),
            ));
            // SIGKILL.
            let _ = child.kill();
            killed += usize::from(child.wait().unwrap().code().is_none());
        }
        assert!(killed >= 3, "round {round}: only {killed} runs were killed");
        let mut ended = run(&mut command(&campaign, &args), b"");
        for _ in 0..10 {
            if ended.code == 0 {
                break;
            }
            assert_eq!(ended.code, 75, "round {round}: {}", ended.stderr);
            ended = run(&mut command(&campaign, &args), b"");
        }
        assert_eq!(ended.code, 0, "round {round}: {}", ended.stderr);
        assert_each_once(&campaign, PATIENTS);
        let sent = crate::harness::records(&campaign.read("sent.ndjson"));
        assert!(
            sent.iter()
                .all(|record| sent_by(record, "sms")[1]["id"].is_string()),
            "round {round}"
        );
    }
}

#[test]
fn an_act_that_was_begun_too_long_ago_to_ask_about_is_left_to_the_operator() {
    let campaign = with_faults(
        r#"{"endpoint":"notify_sms","when":{"from":1},"fault":"reset_after"},
        {"endpoint":"notify_find","when":{"always":true},"fault":{"status":503}}"#,
    );
    let mut args = sending();
    args.extend(["--attempts", "1"]);
    assert_eq!(notify(&campaign, &args, &delivered(1)).code, 75);
    campaign.sandbox.set_faults(Faults::default());
    let later = |args: &[&str]| {
        let mut command = command(&campaign, args);
        run(
            command.env("PKB_FIXED_TIME", "2026-11-26T09:00:00Z"),
            &delivered(1),
        )
    };
    let ended = later(&args);
    assert_eq!(
        (ended.code, reasons(&ended)),
        (65, vec!["perhaps_sent".to_owned()])
    );
    args.extend(["--resend", "2"]);
    let ended = later(&args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // The sandbox has not forgotten, so that even then nothing went twice.
    assert_each_once(&campaign, 1);
}

#[test]
fn without_its_journal_notify_itself_is_asked_what_was_sent() {
    let campaign = campaign();
    send(&campaign, &delivered(3));
    std::fs::remove_file(campaign.path("sms.journal")).unwrap();
    let mut args = sending();
    args.push("--ask-first");
    let ended = notify(&campaign, &args, &delivered(4));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 4);
}

#[test]
fn statuses_are_asked_for_until_nothing_is_under_way() {
    let campaign = campaign();
    let mut records: Vec<Value> = (0..4).map(|at| record(at, 4, &mobile(at))).collect();
    records[1]["patient"]["mobile"] = "+447700900999".into();
    records[2]["patient"]["mobile"] = "+447700900998".into();
    let sent = send(&campaign, &lines(&records));
    let once = notify(&campaign, &["sms", "status"], &sent.stdout);
    assert_eq!(once.code, 0, "{}", once.stderr);
    assert!(
        once.stderr.contains("text messages: 8 sending"),
        "{}",
        once.stderr
    );
    let ended = notify(&campaign, &["sms", "status", "--wait", "20s"], &once.stdout);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("text messages: 4 delivered, 2 permanent-failure, 2 temporary-failure"),
        "{}",
        ended.stderr
    );
    let statuses: Vec<Value> = ended
        .records()
        .iter()
        .map(|r| sent_by(r, "sms")[1]["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        [
            "delivered",
            "permanent-failure",
            "temporary-failure",
            "delivered"
        ]
    );
    let asked = calls(&campaign, "notify_status");
    let again = notify(&campaign, &["sms", "status"], &ended.stdout);
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(
        calls(&campaign, "notify_status"),
        asked,
        "what is final is not asked for again"
    );
}

#[test]
fn codes_that_end_soon_and_answers_that_are_old_are_not_sent() {
    let campaign = campaign();
    let mut records: Vec<Value> = (0..2).map(|at| record(at, 2, &mobile(at))).collect();
    records[0]["invitation"]["expires_at"] = "2026-12-01T09:00:00Z".into();
    records[1]["pkb"]["checked_at"] = "2026-11-01T09:00:00Z".into();
    let ended = send(&campaign, &lines(&records));
    assert_eq!(reasons(&ended), ["codes_expiring", "answer_too_old"]);
    assert!(campaign.sandbox.notified().is_empty());
}

#[test]
fn no_number_code_key_or_name_is_in_any_message_log_or_argument() {
    let mut messages = String::new();
    for rules in [
        "",
        r#"{"endpoint":"notify_sms","when":{"always":true},"fault":{"notify":"unknown_key"}}"#,
        r#"{"endpoint":"notify_sms","when":{"always":true},"fault":{"notify":"phone_number"}}"#,
        r#"{"endpoint":"notify_sms","when":{"always":true},"fault":"reset_after"},{"endpoint":"notify_find","when":{"always":true},"fault":"html"}"#,
        r#"{"endpoint":"notify_sms","when":{"always":true},"fault":"hang"}"#,
        r#"{"endpoint":"notify_template","when":{"always":true},"fault":"garbage"}"#,
    ] {
        let campaign = with_faults(rules);
        let mut args = sending();
        args.extend(["--attempts", "2", "--timeout", "1"]);
        let mut command = command(&campaign, &args);
        let ended = run(command.env("RUST_LOG", "trace"), &delivered(2));
        messages.push_str(&ended.stderr);
        if rules.is_empty() {
            let status = ["sms", "status"];
            let mut command = self::command(&campaign, &status);
            messages.push_str(&run(command.env("RUST_LOG", "trace"), &ended.stdout).stderr);
            // The journal has more than a hash of the patient only in the records themselves.
            let journal = String::from_utf8(campaign.read("sms.journal")).unwrap();
            let intents = journal.lines().filter(|line| line.contains("pkb-intent/1"));
            intents.for_each(|line| messages.push_str(line));
        }
    }
    let (campaign, delivered_letters) = letters("1");
    let mut command = command(&campaign, &posting());
    let ended = run(command.env("RUST_LOG", "trace"), &delivered_letters.stdout);
    messages.push_str(&ended.stderr);
    // What other users of the machine see of a program that runs.
    let mut command = self::command(&campaign, &sending());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    messages.push_str(&String::from_utf8_lossy(&arguments));
    drop(child.stdin.take());
    child.wait().unwrap();

    assert!(
        messages.contains("refused_by_notify"),
        "the messages are there: {messages}"
    );
    let mut secrets: Vec<String> = ["anary", "77009003", "1980-02", "4RY", "000000000001-0000"]
        .map(str::to_owned)
        .into();
    for record in delivered_letters.records() {
        for pointer in [
            "/invitation/code",
            "/invitation/token",
            "/patient/mobile",
            "/patient/national_id/value",
        ] {
            secrets.extend(
                record
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    for secret in secrets {
        let at = messages.find(&secret);
        assert!(
            at.is_none(),
            "{secret} is in a message: {}",
            &messages[at.unwrap_or(0).saturating_sub(80)..]
        );
    }
}
