//! Whatever happens, nobody gets two messages and nobody is missed: lost answers, programs that are killed, and lost journals.

use std::{process::Stdio, time::Duration};

use pkb_sandbox::{Config, Faults, NhsNotifyConfig};
use serde_json::Value;

use super::{
    assert_each_once, calls, command, dispatch, faults, invited, lines, messages, nhs, reasons,
    record, send, sending, with, with_faults,
};
use crate::harness::{Campaign, records, run, without_checks};

#[test]
fn a_lost_answer_is_settled_by_sending_the_same_batch_again() {
    for fault in [
        r#""reset_after""#,
        r#""truncate""#,
        r#""reset_before""#,
        r#""refuse""#,
        r#""html""#,
        r#""garbage""#,
        r#"{"status":500,"run":true}"#,
        r#"{"status":502,"run":true}"#,
        r#"{"status":503,"run":true}"#,
        r#"{"status":504,"run":true}"#,
        r#"{"nhs":"timeout"}"#,
    ] {
        let campaign = with_faults(&format!(
            r#"{{"endpoint":"nhs_batches","when":{{"requests":[2]}},"fault":{fault}}}"#
        ));
        let ended = send(&campaign, &["--batch-rows", "2"], &invited(6));
        assert_eq!(ended.code, 0, "{fault}: {}", ended.stderr);
        assert_each_once(&campaign, 6);
        let is_taken = ended.stderr.contains("its answer with the ids was lost");
        let records = ended.records();
        let lost = records
            .iter()
            .filter(|record| dispatch(record)["status"] == "taken");
        assert_eq!(lost.count(), if is_taken { 2 } else { 0 }, "{fault}");
        for record in records
            .iter()
            .filter(|record| dispatch(record)["status"] == "created")
        {
            assert!(dispatch(record)["id"].is_string(), "{fault}");
        }
        let followed = nhs(&campaign, &["nhs", "status"], &ended.stdout);
        assert_eq!(followed.code, 0, "{fault}: {}", followed.stderr);
    }
}

#[test]
fn while_nhs_notify_works_on_a_batch_the_stage_waits_as_it_is_told() {
    let config = |retry_after| Config {
        nhs_notify: NhsNotifyConfig {
            in_work: 2,
            retry_after,
            ..NhsNotifyConfig::default()
        },
        faults: faults(r#"{"endpoint":"nhs_batches","when":{"first":1},"fault":"reset_after"}"#),
        ..Config::default()
    };
    let campaign = with(config(1));
    let ended = send(&campaign, &[], &invited(3));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(calls(&campaign, "nhs_batches"), 4);
    assert_each_once(&campaign, 3);
    // Whoever does not want to wait so long comes later.
    let campaign = with(config(300));
    let ended = send(&campaign, &["--wait-for-batch", "1m"], &invited(3));
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("still working") && ended.stderr.contains("5 minutes"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        send(&campaign, &["--wait-for-batch", "1m"], &invited(3)).code,
        75
    );
    let ended = send(&campaign, &["--wait-for-batch", "1m"], &invited(3));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 3);
}

/// An NHS Notify as it is on a bad day.
const BAD_DAY: &str = r#"
    {"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"uniform":[20,60]}}},
    {"endpoint":"nhs_batches","when":{"probability":0.06},"fault":"reset_after"},
    {"endpoint":"nhs_batches","when":{"probability":0.06},"fault":"reset_before"},
    {"endpoint":"nhs_batches","when":{"probability":0.05},"fault":{"status":502,"run":true}},
    {"endpoint":"nhs_batches","when":{"probability":0.05},"fault":{"nhs":"internal_server_error"}},
    {"endpoint":"nhs_batches","when":{"probability":0.05},"fault":"truncate"}"#;

#[test]
fn nobody_gets_two_messages_in_a_killed_and_repeated_run() {
    const PATIENTS: usize = 120;
    let input = invited(PATIENTS);
    for round in 0..3_u64 {
        let campaign = with_faults(BAD_DAY);
        campaign.write("invited.ndjson", &input);
        let mut args = sending(&["--batch-rows", "4"]);
        args.extend(["invited.ndjson", "--output", "sent.ndjson"]);
        let mut killed = 0;
        for kill in 0..6_u64 {
            let mut child = command(&campaign, &args)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(
                180 + 90 * ((kill * 7 + round * 3) % 5),
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
        let sent = records(&campaign.read("sent.ndjson"));
        assert_eq!(sent.len(), PATIENTS);
        for record in &sent {
            let id = &dispatch(record)["id"];
            assert!(id.is_string() || dispatch(record)["status"] == "taken");
        }
    }
}

/// A campaign whose first run was killed after line number `lines` of its journal, before the call that is announced last, or
/// after it.
fn killed_after(lines: usize, journal: &str, input: &[u8], is_called: bool) -> Campaign {
    let kept: Vec<&str> = journal.split_inclusive('\n').take(lines).collect();
    let is_begin = |line: &&&str| line.contains(r#""nhs":"begin""#);
    let announced = kept.iter().filter(is_begin).count();
    let is_last = kept.last().is_some_and(|line| is_begin(&line));
    let from = announced + usize::from(is_called || !is_last);
    let campaign = with_faults(&format!(
        r#"{{"endpoint":"nhs_batches","when":{{"from":{}}},"fault":"reset_before"}}"#,
        from.max(1)
    ));
    send(&campaign, &["--batch-rows", "2"], input);
    campaign.sandbox.set_faults(Faults::default());
    campaign.write("nhs.journal", kept.concat());
    campaign
}

#[test]
fn a_run_that_was_killed_after_any_line_of_its_journal_goes_on_to_each_patient_once() {
    let input = invited(5);
    let args = ["--batch-rows", "2"];
    let whole = super::campaign();
    send(&whole, &args, &input);
    let journal = String::from_utf8(whole.read("nhs.journal")).unwrap();
    let count = journal.lines().count();
    assert!(count > 10, "{count}");
    for lines in 0..=count {
        for is_called in [false, true] {
            let campaign = killed_after(lines, &journal, &input, is_called);
            let again = send(&campaign, &args, &input);
            assert_eq!(again.code, 0, "{lines}: {}", again.stderr);
            assert_each_once(&campaign, 5);
        }
    }
}

#[test]
fn without_its_journal_a_run_stops_at_the_clash_and_stays_stopped() {
    let campaign = super::campaign();
    assert_eq!(send(&campaign, &[], &invited(3)).code, 0);
    std::fs::remove_file(campaign.path("nhs.journal")).unwrap();
    for _ in 0..2 {
        let ended = send(&campaign, &[], &invited(3));
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("before this run sent it") && ended.stderr.contains("--resend"),
            "{}",
            ended.stderr
        );
        assert_each_once(&campaign, 3);
    }
    // Somebody has found out that the messages never reached anybody.
    let ended = send(&campaign, &["--resend", "2,3,4"], &invited(3));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(messages(&campaign).values().all(|count| *count == 2));
}

#[test]
fn a_batch_whose_answer_was_lost_is_settled_also_if_the_input_has_fewer_of_its_rows() {
    // The first call was taken, or it was not.
    for (fault, is_taken) in [(r#""reset_after""#, true), (r#""reset_before""#, false)] {
        let campaign = with_faults(&format!(
            r#"{{"endpoint":"nhs_batches","when":{{"always":true}},"fault":{fault}}}"#
        ));
        assert_eq!(send(&campaign, &[], &invited(4)).code, 75);
        campaign.sandbox.set_faults(Faults::default());
        let part: Vec<Value> = [0, 2].map(|at| record(at, 4)).into();
        let ended = send(&campaign, &["--partial"], &lines(&part));
        assert_eq!(ended.code, 0, "{fault}: {}", ended.stderr);
        assert_eq!(
            messages(&campaign).len(),
            if is_taken { 4 } else { 2 },
            "{fault}"
        );
        let ended = send(&campaign, &[], &invited(4));
        assert_eq!(ended.code, 0, "{fault}: {}", ended.stderr);
        assert_each_once(&campaign, 4);
    }
}

#[test]
fn a_row_that_may_be_in_one_of_two_batches_is_left_to_the_operator() {
    let campaign =
        with_faults(r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":"reset_before"}"#);
    assert_eq!(send(&campaign, &[], &invited(3)).code, 75);
    let part: Vec<Value> = [0, 2].map(|at| record(at, 3)).into();
    campaign.sandbox.set_faults(faults(
        r#"{"endpoint":"nhs_batches","when":{"first":1},"fault":"reset_after"},
        {"endpoint":"nhs_batches","when":{"always":true},"fault":"reset_before"}"#,
    ));
    // This time two of the three were taken, and nobody heard of it.
    assert_eq!(send(&campaign, &["--partial"], &lines(&part)).code, 75);
    campaign.sandbox.set_faults(Faults::default());
    let ended = send(&campaign, &[], &invited(3));
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(reasons(&ended), ["", "perhaps_sent", ""]);
    assert_each_once(&campaign, 2);
    let ended = send(&campaign, &["--resend", "3"], &invited(3));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 3);
}

#[test]
fn a_batch_that_was_begun_too_long_ago_is_left_to_the_operator() {
    let campaign =
        with_faults(r#"{"endpoint":"nhs_batches","when":{"always":true},"fault":"reset_before"}"#);
    assert_eq!(send(&campaign, &[], &invited(1)).code, 75);
    campaign.sandbox.set_faults(Faults::default());
    let mut later = record(0, 1);
    later["pkb"]["checked_at"] = "2027-03-21T09:00:00Z".into();
    later["invitation"]["expires_at"] = "2027-04-21T09:00:00Z".into();
    let run_later = |more: &[&str]| {
        let mut command = command(&campaign, &sending(more));
        run(
            command.env("PKB_FIXED_TIME", "2027-03-22T09:00:00Z"),
            &lines(std::slice::from_ref(&later)),
        )
    };
    let ended = run_later(&[]);
    assert_eq!(
        (ended.code, reasons(&ended)),
        (65, vec!["perhaps_sent".to_owned()]),
        "{}",
        ended.stderr
    );
    let ended = run_later(&["--resend", "2"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 1);
}

#[test]
fn a_reminder_with_new_codes_is_a_message_of_its_own() {
    let campaign = super::campaign();
    let ended = send(&campaign, &[], &invited(2));
    let mut reminded = ended.records();
    for record in &mut reminded {
        let deliveries = record["deliveries"].take();
        record.as_object_mut().unwrap().remove("deliveries");
        record["earlier"] = serde_json::json!([{ "deliveries": deliveries }]);
        let code = record["invitation"]["code"].as_str().unwrap();
        record["invitation"]["code"] = code.replace("CanaryI", "CanaryJ").into();
    }
    let ended = send(&campaign, &[], &lines(&reminded));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(messages(&campaign).values().all(|count| *count == 2));
    let again = send(&campaign, &[], &lines(&reminded));
    assert_eq!(again.stdout, ended.stdout);
    assert!(messages(&campaign).values().all(|count| *count == 2));
}

#[test]
fn a_journal_that_was_changed_stops_the_run_before_anything_is_sent() {
    let campaign = super::campaign();
    send(&campaign, &[], &invited(2));
    let journal = String::from_utf8(campaign.read("nhs.journal")).unwrap();
    let changed = without_checks(&journal).replace(r#""nhs":"begin""#, r#""nhs":"start""#);
    campaign.write("nhs.journal", changed);
    let ended = send(&campaign, &[], &invited(3));
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    assert_each_once(&campaign, 2);
}
