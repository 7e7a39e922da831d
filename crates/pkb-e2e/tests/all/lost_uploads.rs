//! Uploads whose answer does not come, or says nothing: each patient is asked about, and nobody is uploaded twice.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pkb_sandbox::{Clock, Config, Faults, World};
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, elsewhere, national_ids, run, synthetic_csv, world_of};

/// Patients of a file.
const PATIENTS: usize = 250;
/// Soon enough for a test, and longer than a question takes.
const SOON: [&str; 2] = ["--settle-for", "1s"];
/// The number of the upload of which something is lost.
const FIRST: &str = r#"{"first":1}"#;

const LOST_AFTER: &str = r#""reset_after""#;
const LOST_BEFORE: &str = r#""reset_before""#;

/// A campaign whose PKB suffers `fault` at the uploads that `when` says.
fn campaign(world: World, when: &str, fault: &str) -> Campaign {
    let campaign = Campaign::with(Config {
        world,
        faults: upload_faults(when, fault),
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(PATIENTS, 31));
    campaign
}

fn upload_faults(when: &str, fault: &str) -> Faults {
    let rule = format!(r#"{{"rules":[{{"endpoint":"upload","when":{when},"fault":{fault}}}]}}"#);
    Faults::from_json(rule).unwrap()
}

fn command(campaign: &Campaign, api: &str, args: &[&str]) -> Command {
    let mut command = campaign.command("pkb-upload");
    command
        .args(["patients.csv", "--journal", "u.journal", "--rate", "0"])
        .args(args)
        .env("PKB_API", api)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
    command
}

fn upload(campaign: &Campaign, args: &[&str]) -> Ended {
    run(&mut command(campaign, "rest", &[&SOON, args].concat()), b"")
}

fn expect(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for words in words {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

/// Requests to an endpoint.
fn asked(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    let calls = ledger.iter().filter(|call| call.endpoint == endpoint);
    calls.count()
}

/// Rows of each upload that PKB took, whatever was heard of it.
fn taken(campaign: &Campaign) -> Vec<usize> {
    let ledger = campaign.sandbox.ledger();
    let uploads = ledger.iter().filter_map(|call| call.upload.as_ref());
    uploads.map(|upload| upload.rows).collect()
}

/// PKB's own word: each patient was uploaded once, and all are there. `known` were there before.
fn assert_each_was_uploaded_once(campaign: &Campaign, known: impl Fn(usize) -> bool) {
    for (place, number) in national_ids(&campaign.read("patients.csv"))
        .iter()
        .enumerate()
    {
        let patient = campaign.sandbox.patient(number);
        let updates = patient.map(|patient| patient.updates);
        let expected = usize::from(known(place));
        assert_eq!(updates, Some(expected), "row {}", place + 2);
    }
}

/// The states of all records: `sent`, or the reason.
fn states(ended: &Ended) -> Vec<String> {
    let state = |record: &Value| {
        let reason = record["outcome"]["reason"].as_str();
        let state = reason.or_else(|| record["upload"]["state"].as_str());
        state.unwrap_or("nothing").to_owned()
    };
    ended.records().iter().map(state).collect()
}

fn count(states: &[String], state: &str) -> usize {
    states.iter().filter(|found| *found == state).count()
}

/// A PKB that has patients of the file.
fn world_with(is_known: impl Fn(usize) -> bool, change: impl Fn(&mut [String])) -> World {
    world_of(&synthetic_csv(PATIENTS, 31), is_known, change)
}

#[test]
fn a_lost_answer_is_found_out_by_asking_about_every_patient_incident_33() {
    for (api, endpoint, calls) in [
        ("rest", "by_national_id", PATIENTS),
        ("fhir", "status_query", 1),
    ] {
        let campaign = campaign(World::default(), FIRST, LOST_AFTER);
        let ended = run(&mut command(&campaign, api, &SOON), b"");
        expect(
            &ended,
            0,
            &["batch-0001.csv was sent and not answered. Asking PKB about 250 patients in it"],
        );
        assert_eq!(asked(&campaign, endpoint), 2 * calls, "before and after");
        assert_eq!(taken(&campaign), [PATIENTS]);
        assert!(
            ended
                .records()
                .iter()
                .all(|record| record["upload"]["batch"] == "batch-0001.csv")
        );
        assert_each_was_uploaded_once(&campaign, |_| false);
    }
}

#[test]
fn one_patient_of_many_who_is_missing_is_never_overlooked() {
    // The last row is the only one that was not taken, or the first of the last ten.
    for (share, rest) in [(0.9961, 1), (0.96, 10)] {
        let fault = json!({"upload": {"take": share, "lose": true}}).to_string();
        let campaign = campaign(World::default(), FIRST, &fault);
        let counted = format!(
            "of 250 patients in the batch, {} arrived and {rest} {} not",
            250 - rest,
            if rest == 1 { "has" } else { "have" }
        );
        let stopped = upload(&campaign, &[]);
        expect(
            &stopped,
            75,
            &[
                "it is not known whether PKB has taken the whole batch",
                &counted,
            ],
        );
        assert!(stopped.records().is_empty());
        // The same command tells the same of all rows, and sends nothing.
        for _ in 0..2 {
            let again = upload(&campaign, &[]);
            expect(&again, 75, &[&counted, "--resend"]);
            let states = states(&again);
            assert_eq!(count(&states, "sent"), 250 - rest);
            assert!(
                states[250 - rest..]
                    .iter()
                    .all(|state| state == "unanswered")
            );
            assert_eq!(taken(&campaign), [PATIENTS]);
        }
        expect(&upload(&campaign, &["--resend"]), 0, &[]);
        assert_eq!(taken(&campaign), [PATIENTS, rest]);
        assert_each_was_uploaded_once(&campaign, |_| false);
    }
}

#[test]
fn half_a_batch_is_not_sent_again_in_other_batches() {
    let fault = r#"{"upload":{"take":0.5,"lose":true}}"#;
    let campaign = campaign(World::default(), FIRST, fault);
    expect(
        &upload(&campaign, &[]),
        75,
        &["125 arrived and 125 have not"],
    );
    for rows in ["200", "125", "7"] {
        let again = upload(&campaign, &["--batch-rows", rows]);
        expect(&again, 75, &["125 arrived and 125 have not"]);
        assert_eq!(count(&states(&again), "unanswered"), 125);
        assert_eq!(taken(&campaign), [PATIENTS]);
    }
}

#[test]
fn a_batch_that_was_lost_on_the_way_is_sent_by_the_next_run_and_once() {
    for api in ["rest", "fhir"] {
        for kill in [false, true] {
            let campaign = campaign(World::default(), FIRST, LOST_BEFORE);
            if kill {
                killed_while_it_asks(&campaign, api);
            } else {
                let ended = run(&mut command(&campaign, api, &SOON), b"");
                let words = "PKB has none of its rows: of 250 patients in the batch, 250 have not";
                expect(&ended, 75, &[words, "run the same command again"]);
            }
            assert!(taken(&campaign).is_empty());
            let ended = run(&mut command(&campaign, api, &SOON), b"");
            expect(&ended, 0, &[]);
            assert_eq!(taken(&campaign), [PATIENTS]);
            assert_each_was_uploaded_once(&campaign, |_| false);
        }
    }
}

/// Starts an upload, and kills it when it has asked what became of its batch.
fn killed_while_it_asks(campaign: &Campaign, api: &str) {
    let mut child = command(campaign, api, &["--settle-for", "10m"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let since_upload = || {
        let ledger = campaign.sandbox.ledger();
        let sent = ledger.iter().position(|call| call.endpoint == "upload");
        sent.map_or(0, |sent| ledger.len() - sent - 1)
    };
    let began = Instant::now();
    while since_upload() == 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_pkb_that_is_slow_is_waited_for_before_anything_is_sent_again() {
    for kill in [false, true] {
        // Its answer, which would say that it works on the file, is lost; a moment later all are there.
        let clock = Clock::system();
        let campaign = Campaign::with(Config {
            faults: upload_faults(FIRST, r#"{"upload":{"lose":true}}"#),
            processing_ms: 2500,
            clock,
            ..Config::default()
        });
        campaign.write("patients.csv", synthetic_csv(PATIENTS, 31));
        if kill {
            killed_while_it_asks(&campaign, "fhir");
        }
        let ended = run(
            &mut command(&campaign, "fhir", &["--settle-for", "60s"]),
            b"",
        );
        expect(&ended, 0, &[]);
        assert_eq!(taken(&campaign), [PATIENTS]);
        assert_each_was_uploaded_once(&campaign, |_| false);
    }
}

#[test]
fn known_patients_tell_by_what_the_upload_changes() {
    // The last row is one of those that change: what is behind the last of them could not be told.
    let is_known = |_| true;
    for (fault, code, uploads) in [(LOST_AFTER, 0, 1), (LOST_BEFORE, 75, 1)] {
        let world = world_with(is_known, elsewhere);
        let campaign = campaign(world, FIRST, fault);
        let args = ["--max-address-changes", "100%"];
        let ended = upload(&campaign, &args);
        expect(&ended, code, &[]);
        if code == 75 {
            assert!(taken(&campaign).is_empty());
            expect(&upload(&campaign, &args), 0, &["250 have not"]);
        }
        assert_eq!(taken(&campaign).len(), uploads);
        assert_each_was_uploaded_once(&campaign, is_known);
    }
}

#[test]
fn known_patients_who_show_nothing_are_as_certain_as_those_behind_them() {
    // Every tenth patient has moved; those behind the last of them show nothing.
    let world = || {
        let place = std::cell::Cell::new(0);
        world_with(
            |_| true,
            move |cells| {
                place.set(place.get() + 1);
                if place.get() % 10 == 1 {
                    elsewhere(cells);
                }
            },
        )
    };
    let campaign = campaign(world(), FIRST, LOST_AFTER);
    let ended = upload(&campaign, &[]);
    expect(&ended, 75, &["PKB has taken the batch"]);
    let states = states(&ended);
    assert_eq!(count(&states, "sent"), 241);
    assert!(states[241..].iter().all(|state| state == "unanswered"));
    expect(&upload(&campaign, &[]), 75, &["--resend"]);
    assert_eq!(taken(&campaign), [PATIENTS]);
    expect(&upload(&campaign, &["--resend"]), 0, &[]);
    assert_eq!(taken(&campaign), [PATIENTS, 9]);
}

#[test]
fn a_batch_that_changes_nothing_stays_unknown_and_says_so() {
    for (fault, api) in [
        (LOST_AFTER, "rest"),
        (LOST_BEFORE, "rest"),
        (LOST_BEFORE, "fhir"),
    ] {
        // FHIR tells no addresses.
        let change: fn(&mut [String]) = if api == "fhir" { elsewhere } else { |_| {} };
        let campaign = campaign(world_with(|_| true, change), FIRST, fault);
        let send = |more: &[&str]| {
            let args = [&SOON, &["--max-address-changes", "100%"], more].concat();
            run(&mut command(&campaign, api, &args), b"")
        };
        let words = "250 cannot be judged, because PKB had the same details before";
        expect(&send(&[]), 75, &[words, "--resend"]);
        let before = taken(&campaign).len();
        let again = send(&[]);
        expect(&again, 75, &[words, "--resend"]);
        assert_eq!(count(&states(&again), "unanswered"), PATIENTS);
        assert_eq!(taken(&campaign).len(), before);
        expect(&send(&["--resend"]), 0, &[]);
        assert_eq!(taken(&campaign).len(), before + 1);
    }
}

#[test]
fn without_a_comparison_only_an_empty_pkb_tells() {
    let plain = ["--no-compare"];
    // Nobody is there: nothing was taken.
    let lost = campaign(World::default(), FIRST, LOST_BEFORE);
    expect(&upload(&lost, &plain), 75, &["PKB has none of its rows"]);
    expect(&upload(&lost, &plain), 0, &[]);
    assert_each_was_uploaded_once(&lost, |_| false);
    // All are there, or half: they may have been before.
    let half = world_with(|place| place % 2 == 0, |_| {});
    for (world, fault, words) in [
        (
            World::default(),
            LOST_AFTER,
            "250 are at PKB and may have been there before",
        ),
        (
            half,
            LOST_BEFORE,
            "125 have not arrived and 125 are at PKB and may have been there before",
        ),
    ] {
        let unknown = campaign(world, FIRST, fault);
        expect(&upload(&unknown, &plain), 75, &[words, "--resend"]);
        let before = taken(&unknown).len();
        let again = upload(&unknown, &plain);
        assert_eq!(count(&states(&again), "unanswered"), PATIENTS);
        assert_eq!(taken(&unknown).len(), before);
        expect(&upload(&unknown, &["--no-compare", "--resend"]), 0, &[]);
        assert_eq!(taken(&unknown).len(), before + 1);
    }
}

#[test]
fn a_busy_answer_after_the_whole_file_is_no_word_on_what_was_taken() {
    for status in [429, 503, 500, 502, 504] {
        let run_and_told = format!(r#"{{"status":{status},"run":true,"retry_after":"1"}}"#);
        let done = campaign(World::default(), FIRST, &run_and_told);
        expect(&upload(&done, &[]), 0, &["not answered"]);
        assert_eq!(taken(&done), [PATIENTS], "{status}");
        assert_each_was_uploaded_once(&done, |_| false);
        let told = campaign(
            World::default(),
            FIRST,
            &format!(r#"{{"status":{status}}}"#),
        );
        expect(&upload(&told, &[]), 75, &["250 have not"]);
        assert_eq!(asked(&told, "upload"), 1, "{status}");
        expect(&upload(&told, &[]), 0, &[]);
        assert_each_was_uploaded_once(&told, |_| false);
    }
}

#[test]
fn a_file_that_is_refused_is_one_message_with_a_size_to_try() {
    for (status, why) in [
        (413, "too large"),
        (400, "does not say which"),
        (422, "does not say"),
    ] {
        let fault = format!(r#"{{"status":{status}}}"#);
        let campaign = campaign(World::default(), r#"{"requests":[2]}"#, &fault);
        let ended = upload(&campaign, &["--batch-rows", "125"]);
        let words = format!("PKB answered {status} to batch-0002.csv with its 125 rows");
        expect(
            &ended,
            65,
            &[&words, why, "--batch-rows 63", "--pkb-template"],
        );
        assert_eq!(
            ended.stderr.matches("answered").count(),
            1,
            "{}",
            ended.stderr
        );
        assert_eq!(
            count(&states(&ended), "sent"),
            125,
            "the first batch is done"
        );
        expect(&upload(&campaign, &["--batch-rows", "63"]), 0, &[]);
        assert_each_was_uploaded_once(&campaign, |_| false);
    }
}

#[test]
fn a_single_row_that_is_refused_is_that_rows_outcome() {
    let campaign = campaign(World::default(), r#"{"requests":[2]}"#, r#"{"status":400}"#);
    campaign.write("patients.csv", synthetic_csv(3, 31));
    let ended = upload(&campaign, &["--batch-rows", "1"]);
    assert_eq!(states(&ended), ["sent", "refused_by_pkb", "sent"]);
}

#[test]
fn a_report_that_does_not_add_up_is_not_believed() {
    for (report, words) in [
        ("short", "not as many as were sent"),
        ("long", "not as many as were sent"),
        ("unknown_row", "a failed row that is not in the file"),
        ("header_row", "a failed row that is not in the file"),
        ("repeated_row", "the same failed row twice"),
    ] {
        let fault = json!({"upload": {"report": report}});
        for (endpoint, processing_ms) in [("upload", 0), ("upload_status", 100)] {
            let rule = json!({"rules": [{"endpoint": endpoint, "when": {"always": true}, "fault": fault}]});
            let campaign = Campaign::with(Config {
                faults: Faults::from_json(rule.to_string()).unwrap(),
                processing_ms,
                ..Config::default()
            });
            campaign.write("patients.csv", synthetic_csv(PATIENTS, 31));
            let ended = upload(&campaign, &[]);
            expect(
                &ended,
                76,
                &["batch-0001.csv was sent, and it is not known", words],
            );
            assert!(ended.records().is_empty());
            // All patients are there, so that is what became of them.
            expect(&upload(&campaign, &[]), 0, &[]);
            assert_eq!(taken(&campaign), [PATIENTS], "{report}");
            assert_each_was_uploaded_once(&campaign, |_| false);
        }
    }
}

#[test]
fn a_report_about_half_the_rows_leaves_the_others_unknown() {
    let campaign = campaign(World::default(), FIRST, r#"{"upload":{"take":0.5}}"#);
    expect(&upload(&campaign, &[]), 76, &["not as many as were sent"]);
    let again = upload(&campaign, &[]);
    expect(&again, 75, &["125 arrived and 125 have not"]);
    assert_eq!(count(&states(&again), "sent"), 125);
    assert_eq!(taken(&campaign), [PATIENTS]);
}

#[test]
fn rows_that_pkb_refuses_are_not_sent_again_whatever_happens_next() {
    // The second batch is lost; the first had a row that PKB's importer does not take.
    let campaign = campaign(World::default(), r#"{"requests":[3]}"#, LOST_BEFORE);
    let file = "NHS number,First name,Last name,Date of birth,Email\n\
        9990000018,Ann,Example,1990-01-01,ann@example.org\n\
        9990000026,Ben,Example,1990-01-02,dan@example.org\n\
        9990000034,Cat,Example,1990-01-03,\n\
        9990000042,Eve,Example,1990-01-04,\n";
    campaign.write(
        "dan.csv",
        "NHS number,First name,Last name,Date of birth,Email\n\
        9990000050,Dan,Example,1990-01-05,dan@example.org\n",
    );
    assert_eq!(
        campaign
            .stage("pkb-upload", &["dan.csv", "--keep-email"], b"")
            .code,
        0
    );
    campaign.write("patients.csv", file);
    let args = ["--keep-email", "--batch-rows", "2"];
    expect(
        &upload(&campaign, &args),
        75,
        &["of 2 patients in the batch, 2 have not"],
    );
    let ended = upload(&campaign, &args);
    expect(&ended, 65, &[]);
    assert_eq!(
        states(&ended),
        ["sent", "refused_by_import", "sent", "sent"]
    );
    assert_eq!(taken(&campaign), [1, 2, 2]);
}

#[test]
fn patients_whom_pkb_hides_or_leaves_out_do_not_pass_for_missing() {
    // PKB says "no access" of those it has just made.
    let mut world = World::default();
    for number in national_ids(&synthetic_csv(PATIENTS, 31)) {
        let entry = json!({"national_id": number, "no_access": true});
        world = world.with(serde_json::from_value(entry).unwrap());
    }
    for api in ["rest", "fhir"] {
        let hidden = campaign(world.clone(), FIRST, LOST_AFTER);
        expect(&run(&mut command(&hidden, api, &SOON), b""), 0, &[]);
        assert_eq!(taken(&hidden), [PATIENTS]);
    }
    // FHIR's answer leaves some out, once the upload is sent.
    let silent = campaign(World::default(), FIRST, LOST_BEFORE);
    let rules = json!({"rules": [
        {"endpoint": "upload", "when": {"first": 1}, "fault": "reset_before"},
        {"endpoint": "status_query", "when": {"from": 2}, "fault": {"parts": {"omit": 0.01}}},
    ]});
    silent
        .sandbox
        .set_faults(Faults::from_json(rules.to_string()).unwrap());
    expect(
        &run(&mut command(&silent, "fhir", &SOON), b""),
        75,
        &["got no clear answer"],
    );
    let again = run(&mut command(&silent, "fhir", &SOON), b"");
    expect(&again, 75, &["got no clear answer", "--resend"]);
    assert_eq!(count(&states(&again), "unanswered"), PATIENTS);
    assert!(taken(&silent).is_empty());
}

#[test]
fn a_client_that_is_shown_nobody_does_not_conclude_that_nobody_arrived() {
    // PKB takes both batches, loses its second answer, and says "not found" of all patients.
    let campaign = campaign(World::default(), r#"{"requests":[2]}"#, LOST_AFTER);
    let rules = json!({"rules": [
        {"endpoint": "upload", "when": {"requests": [2]}, "fault": "reset_after"},
        {"endpoint": "by_national_id", "when": {"always": true}, "fault": {"status": 404}},
    ]});
    campaign
        .sandbox
        .set_faults(Faults::from_json(rules.to_string()).unwrap());
    let args = ["--batch-rows", "125"];
    let words = "PKB shows this client none of the patients in the batch, and none of those that PKB has certainly taken";
    for _ in 0..2 {
        expect(&upload(&campaign, &args), 75, &[words]);
        assert_eq!(taken(&campaign), [125, 125]);
    }
}

#[test]
fn ctrl_c_ends_the_wait_and_the_same_command_goes_on() {
    let campaign = campaign(World::default(), FIRST, LOST_BEFORE);
    let child = command(&campaign, "fhir", &["--settle-for", "10m"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while asked(&campaign, "status_query") < 2 {
        assert!(began.elapsed() < Duration::from_secs(120), "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    expect(&run(&mut command(&campaign, "fhir", &SOON), b""), 0, &[]);
    assert_eq!(taken(&campaign), [PATIENTS]);
    assert_each_was_uploaded_once(&campaign, |_| false);
}

#[test]
fn a_run_without_a_journal_does_not_advise_the_same_command_again() {
    let campaign = campaign(World::default(), FIRST, LOST_BEFORE);
    let args = ["patients.csv", "--rate", "0", "--settle-for", "1s"];
    let ended = campaign.stage("pkb-upload", &args, b"");
    expect(
        &ended,
        75,
        &["PKB has none of its rows", "this run has no journal"],
    );
    assert!(!ended.stderr.contains("run the same command again"));
}
