//! Each fault, alone, at each endpoint: the outcome, the exit code and the message, and that the
//! same command mends it. What the sandbox does for each fault stands at `pkb_sandbox::Faults`.

use std::{
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, Faults, LedgerEntry};
use serde_json::Value;

use crate::{
    guide::page,
    harness::{Campaign, Ended, records, run, synthetic_csv},
};

mod codes;
mod tables;

use tables::{
    ALWAYS, At, HASTY, ONCE, ONE_RETRY, OUTAGE, Outcome, Row, Stopped, UNANSWERED, Unharmed, table,
};

/// Rows of a table that are checked at the same time: most of them wait.
const THREADS: usize = 8;
/// Patients of a campaign of the tables.
const PATIENTS: usize = 3;

#[test]
fn every_fault_of_the_token_address_ends_as_the_table_says() {
    check_table(At::Token);
}

#[test]
fn every_fault_of_the_upload_ends_as_the_table_says() {
    check_table(At::Upload);
}

#[test]
fn every_fault_of_the_messaging_endpoint_ends_as_the_table_says() {
    check_table(At::ProcessMessage);
}

#[test]
fn every_fault_of_by_national_id_ends_as_the_table_says() {
    check_table(At::ByNationalId);
}

#[test]
fn every_fault_of_record_access_token_ends_as_the_table_says() {
    check_table(At::RecordAccessToken);
}

#[test]
fn every_fault_of_status_query_ends_as_the_table_says() {
    check_table(At::StatusQuery);
}

#[test]
fn every_fault_of_generate_invitation_tokens_ends_as_the_table_says() {
    check_table(At::GenerateTokens);
}

#[test]
fn every_message_of_the_tables_is_in_the_guide() {
    let section = page("trouble/pkb.md");
    let outcomes = page("reference/outcomes.md");
    for row in At::ALL.into_iter().flat_map(table) {
        let (code, message, is_excluded) = match row.ends {
            Unharmed => continue,
            Outcome(code, outcome, message) => {
                let (_, reason) = outcome.split_once(": ").unwrap();
                assert!(section.contains(&format!("`{reason}`")), "{reason}");
                (code, message, outcome.starts_with("excluded"))
            }
            Stopped(code, message) => (code, message, false),
        };
        // The advice that goes with an exclusion is in the table of the outcomes.
        let place = match is_excluded {
            true => format!("{section}{outcomes}"),
            false => section.clone(),
        };
        for words in message.split(": ") {
            let words = words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
            assert!(place.contains(words), "the guide lacks: {words}");
        }
        assert!(section.contains(&format!("| {code} | ")), "{code}");
    }
}

/// Runs the rows of a table, several at a time, and names all that end otherwise.
fn check_table(at: At) {
    let rows = table(at);
    each_in_a_thread(rows, |row| {
        check_row(at, row).map_err(|what| {
            format!(
                "{} {} {} {:?}: {what}",
                at.endpoint(),
                row.when,
                row.fault,
                row.args
            )
        })
    });
}

/// Checks all `cases`, several at a time, and names all that fail.
fn each_in_a_thread<T: Sync>(cases: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    crate::harness::programs();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = check(case) {
                        writeln!(failures.lock().unwrap(), "\n{what}").unwrap();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures}");
}

/// `Err` with the words if `test` is not so.
fn check(test: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if test { Ok(()) } else { Err(words()) }
}

fn check_row(at: At, row: &Row) -> Result<(), String> {
    let ready = Ready::new(at, PATIENTS);
    ready.set_faults(&rule(at, row.when, row.fault));
    let ended = ready.run(row.args);
    check_end(&ready, row, &ended).map_err(|what| format!("{what}\n{}", ended.stderr))?;
    check_number_of_calls(&ready, row)?;
    let calls = ready.calls();
    let committed = commits(&calls);
    check(committed <= 1, || format!("{committed} uploads"))?;
    check_again(&ready, row, committed)
}

/// The exit code, every record and the message.
fn check_end(ready: &Ready, row: &Row, ended: &Ended) -> Result<(), String> {
    let records = ended.records();
    let code = |expected| {
        check(ended.code == expected, || {
            format!("ended with {}, not {expected}", ended.code)
        })
    };
    let says = |words: &str| {
        check(ended.stderr.contains(words), || {
            format!("does not say: {words}")
        })
    };
    match row.ends {
        Unharmed => {
            code(0)?;
            check(comparable(records) == ready.calm, || {
                "the fault left a trace in the records".into()
            })
        }
        Stopped(number, words) => {
            code(number)?;
            says(&format!(
                "{}: stopped (exit code {number}): {words}",
                ready.at.program()
            ))?;
            check(records.is_empty(), || "records were settled".into())
        }
        Outcome(number, outcome, words) => {
            code(number)?;
            let numbers = |records: &[Value]| -> Vec<u64> {
                records
                    .iter()
                    .map(|record| record["row"]["number"].as_u64().unwrap())
                    .collect()
            };
            check(numbers(&records) == numbers(&ready.calm), || {
                "lines in are not lines out".into()
            })?;
            for record in &records {
                let found = outcome_of(record);
                check(found == outcome, || format!("{found}, not {outcome}"))?;
                if outcome.starts_with("failed") || outcome.starts_with("rejected") {
                    let number = &record["row"]["number"];
                    says(&format!("row {number}: {outcome}: {words}"))?;
                }
            }
            if outcome.starts_with("excluded") {
                says(&format!("{outcome} ({words}"))?;
            }
            Ok(())
        }
    }
}

/// What may be tried again was tried as often as was asked for, and nothing else was.
fn check_number_of_calls(ready: &Ready, row: &Row) -> Result<(), String> {
    let of_one = match row.ends {
        // One was late, for which nobody waited; it must not be taken for a call of the next run.
        Unharmed if row.fault.contains("latency") => {
            let further = match ready.at {
                At::ByNationalId | At::RecordAccessToken | At::ProcessMessage => PATIENTS,
                // It is never sent again.
                At::Upload => 0,
                _ => 1,
            };
            wait_for_calls(ready, 1 + further);
            return Ok(());
        }
        // These tell it by their end.
        Unharmed | Stopped(_, OUTAGE) => return Ok(()),
        Stopped(_, UNANSWERED) => 1,
        Outcome(_, "failed: unavailable", _) | Stopped(75, _) => 2,
        // Once more with a new token.
        _ if row.fault.contains("401") && ready.at != At::Token => 2,
        Outcome(..) | Stopped(..) => 1,
    };
    let expected = match (ready.at, &row.ends) {
        (At::ByNationalId | At::RecordAccessToken | At::ProcessMessage, Outcome(..)) => {
            of_one * PATIENTS
        }
        // All three; the first; the other two; each of those.
        (At::StatusQuery | At::GenerateTokens, Outcome(_, "failed: refused_by_pkb", _)) => 5,
        _ => of_one,
    };
    wait_for_calls(ready, expected);
    let calls = ready.calls().len();
    check(calls == expected, || {
        format!("PKB was asked {calls} times, not {expected}")
    })
}

/// A request for which nobody waited any more is in the ledger only when it has been handled.
fn wait_for_calls(ready: &Ready, expected: usize) {
    let end = Instant::now() + Duration::from_secs(10);
    while ready.calls().len() < expected && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same command when the trouble is over: it finishes, and does nothing twice.
fn check_again(ready: &Ready, row: &Row, committed: usize) -> Result<(), String> {
    ready.mend();
    let again = ready.run(row.args);
    let calls = ready.calls();
    check(
        again.code == 0 && comparable(again.records()) == comparable(ready.calm.clone()),
        || {
            format!(
                "the same command later ended with {}\n{}",
                again.code, again.stderr
            )
        },
    )?;
    if matches!(row.ends, Unharmed) {
        check(calls.is_empty(), || {
            "PKB was asked for what was settled".into()
        })?;
    }
    let committed = committed + commits(&calls);
    check(ready.at != At::Upload || committed == 1, || {
        format!("{committed} uploads in the end")
    })
}

#[test]
fn a_fault_of_one_patient_is_that_patients_alone() {
    let cases: Vec<(At, &str, &str)> = [At::ByNationalId, At::RecordAccessToken]
        .into_iter()
        .flat_map(|at| {
            [
                (at, r#"{"status":401}"#, "excluded: no_access"),
                (at, r#"{"status":404}"#, "excluded: not_found"),
                (at, r#"{"status":400}"#, "failed: refused_by_pkb"),
                (at, r#"{"status":503}"#, "failed: unavailable"),
                (at, "reset_after", "failed: unavailable"),
                (at, "truncate", "failed: unavailable"),
                (at, "hang", "failed: unavailable"),
                (at, "html", "failed: not_understood"),
            ]
        })
        .collect();
    each_in_a_thread(&cases, |(at, fault, outcome)| {
        let ready = Ready::new(*at, 20);
        let sufferer = &ready.calm[6]["patient"]["national_id"]["value"];
        let rule = rule(*at, ALWAYS, fault);
        ready.set_faults(&rule.replace("\"when\"", &format!("\"patients\":[{sufferer}],\"when\"")));
        let args = if *fault == "hang" { HASTY } else { ONE_RETRY };
        let ended = ready.run(args);
        let mut records = comparable(ended.records());
        let found = records.get(6).map(outcome_of).unwrap_or_default();
        check(records.len() == 20 && found == *outcome, || {
            format!("{at:?} {fault}: {found}, not {outcome}\n{}", ended.stderr)
        })?;
        records[6] = ready.calm[6].clone();
        check(records == ready.calm, || {
            format!("{at:?} {fault}: others suffered, too")
        })
    });
}

#[test]
fn a_pause_that_pkb_asks_for_is_kept() {
    // An upload is not sent again after a pause: it may have been taken.
    let cases: Vec<(At, &str)> = At::ALL
        .into_iter()
        .filter(|at| *at != At::Upload)
        .flat_map(|at| [(at, "2"), (at, "date+2")])
        .collect();
    each_in_a_thread(&cases, |(at, pause)| {
        let ready = Ready::new(*at, 1);
        let fault = format!(r#"{{"status":429,"retry_after":"{pause}"}}"#);
        ready.set_faults(&rule(*at, ONCE, &fault));
        let start = Instant::now();
        let ended = ready.run(ONE_RETRY);
        let took = start.elapsed();
        let statuses: Vec<_> = ready.calls().iter().map(|call| call.status).collect();
        let success = if *at == At::ProcessMessage { 201 } else { 200 };
        check(
            ended.code == 0 && statuses == [Some(429), Some(success)] && took.as_secs() >= 2,
            || format!("{at:?} {pause}: {statuses:?} in {took:?}"),
        )
    });
}

#[test]
fn a_lasting_outage_stops_the_stage_and_nothing_settled_is_asked_for_again() {
    let rest = |from: u32| format!(r#"{{"from":{from}}}"#);
    let one_by_one: &[&str] = &["--concurrency", "1"];
    let cases = [
        (At::ByNationalId, rest(9), one_by_one, Some(8)),
        (At::RecordAccessToken, rest(9), one_by_one, Some(8)),
        (At::Upload, rest(3), &["--batch-rows", "5"], Some(10)),
        (At::ProcessMessage, rest(9), one_by_one, Some(8)),
        // The first token ends after a second, and there is no other: how many that is enough for
        // depends on the machine.
        (At::Token, rest(2), one_by_one, None),
    ];
    each_in_a_thread(&cases, |(at, when, args, settled)| {
        let ready = Ready::new(*at, 20);
        let mut faults: Value =
            serde_json::from_str(&rule(*at, when, r#"{"status":503}"#)).unwrap();
        if *at == At::Token {
            faults["token_seconds"] = 1.into();
            let slow = serde_json::json!({
                "endpoint": "by_national_id", "when": {"always": true}, "fault": {"latency_ms": {"fixed": 150}}
            });
            faults["rules"].as_array_mut().unwrap().push(slow);
        }
        ready.set_faults(&faults.to_string());
        let args = [&["--attempts", "100", "--give-up-after", "1"], *args].concat();
        let stopped = ready.run(&args);
        let words = if *at == At::Upload {
            "batch-0003.csv was sent and not answered"
        } else {
            OUTAGE
        };
        let said = format!("{}: stopped (exit code 75): {words}", ready.at.program());
        check(
            stopped.code == 75
                && stopped.stderr.contains(&said)
                && stopped.stderr.contains("run the same command again"),
            || format!("{at:?}: {}\n{}", stopped.code, stopped.stderr),
        )?;
        let done = stopped.records().len();
        let journal = records(&ready.campaign.read("journal"));
        let journaled = journal
            .iter()
            .filter(|line| line["schema"] == "pkb-record/1");
        check(
            settled.is_none_or(|settled| settled == done) && journaled.count() == done,
            || {
                format!(
                    "{at:?}: {done} rows were done, not {settled:?}, or not all are in the journal"
                )
            },
        )?;
        let sent_before: usize = rows_uploaded(&ready.calls());
        ready.mend();
        let again = ready.run(&args);
        check(
            again.code == 0 && comparable(again.records()) == ready.calm,
            || format!("{at:?}: {}\n{}", again.code, again.stderr),
        )?;
        match at {
            At::Upload => {
                let sent = (sent_before, rows_uploaded(&ready.calls()));
                check(sent == (10, 10), || format!("{sent:?} rows were sent"))
            }
            At::ProcessMessage => {
                let sent = ready.calls().len();
                check(sent == 12, || format!("{sent} messages were sent again"))
            }
            _ => {
                let asked = patient_calls(&ready);
                let expected: Vec<String> = ready.calm[done..].iter().map(national_id).collect();
                check(asked == expected, || {
                    format!("{at:?}: PKB was asked for {} patients again", asked.len())
                })
            }
        }
    });
}

#[test]
fn tokens_of_one_second_are_renewed_as_often_as_needed() {
    let one_by_one: &[&str] = &["--attempts", "3", "--concurrency", "1"];
    let row_by_row: &[&str] = &["--attempts", "3", "--batch-rows", "1"];
    let cases = [
        (At::ByNationalId, one_by_one, "false"),
        (At::RecordAccessToken, one_by_one, "false"),
        (At::Upload, row_by_row, "false"),
        (At::ProcessMessage, one_by_one, "false"),
        (At::ByNationalId, one_by_one, "true"),
    ];
    each_in_a_thread(&cases, |(at, args, textual)| {
        let ready = Ready::new(*at, 12);
        let slow = rule(*at, ALWAYS, r#"{"latency_ms":{"fixed":150}}"#);
        let tokens = format!(r#"{{"token_seconds":1,"textual_expires_in":{textual},"#);
        ready.set_faults(&slow.replacen('{', &tokens, 1));
        let ended = ready.run(args);
        let tokens = calls_of(&ready.campaign, At::Token).len();
        // Twelve times 150 ms are 1.8 s at least.
        check(
            ended.code == 0 && comparable(ended.records()) == ready.calm && tokens >= 2,
            || {
                format!(
                    "{at:?}: {} with {tokens} tokens\n{}",
                    ended.code, ended.stderr
                )
            },
        )
    });
}

#[test]
fn a_token_that_does_not_say_how_long_it_lives_is_used_all_the_same() {
    for manners in [
        r#"{"omit_expires_in":true}"#,
        r#"{"textual_expires_in":true}"#,
    ] {
        let ready = Ready::new(At::ByNationalId, 12);
        ready.set_faults(manners);
        let ended = ready.run(ONE_RETRY);
        assert_eq!(
            (ended.code, comparable(ended.records())),
            (0, ready.calm.clone())
        );
        assert_eq!(calls_of(&ready.campaign, At::Token).len(), 1);
    }
}

const JUST_GIVEN_OUT: &str = "PKB refuses the access tokens that it has just given out";

#[test]
fn a_token_that_ended_on_the_way_is_not_the_patients_fault() {
    let cases = [
        (At::ByNationalId, ONCE, 0, ""),
        (At::RecordAccessToken, ONCE, 0, ""),
        (At::Upload, ONCE, 0, ""),
        (At::ProcessMessage, ONCE, 0, ""),
        (At::ByNationalId, ALWAYS, 77, JUST_GIVEN_OUT),
        (At::RecordAccessToken, ALWAYS, 77, JUST_GIVEN_OUT),
        (At::Upload, ALWAYS, 77, JUST_GIVEN_OUT),
    ];
    each_in_a_thread(&cases, |(at, when, code, words)| {
        let ready = Ready::new(*at, 1);
        // The request arrives, and is judged, after the token has ended.
        let slow = rule(*at, when, r#"{"latency_ms":{"fixed":1100}}"#);
        ready.set_faults(&slow.replacen('{', r#"{"token_seconds":1,"#, 1));
        let ended = ready.run(&["--attempts", "3"]);
        let first = ready.calls().first().and_then(|call| call.status);
        let calm = *code != 0 || comparable(ended.records()) == ready.calm;
        check(
            ended.code == *code && calm && ended.stderr.contains(words) && first == Some(401),
            || format!("{at:?} {when}: {} {first:?}\n{}", ended.code, ended.stderr),
        )
    });
}

#[test]
fn a_connection_that_is_refused_is_tried_again_and_nothing_is_thought_to_be_sent() {
    for at in [At::Upload, At::ByNationalId, At::RecordAccessToken] {
        let ready = Ready::new(at, PATIENTS);
        // Port 9 (discard) has no listener on a test machine.
        let args: &[&str] = match at {
            // What PKB is asked before an upload has tests of its own.
            At::Upload => &["--attempts", "2", "--no-compare"],
            _ => ONE_RETRY,
        };
        let ended = ready.run_at("http://127.0.0.1:9", args);
        assert_eq!(ended.code, 75, "{}", ended.stderr);
        let said = match at {
            At::Upload => "batch-0001.csv was not taken: no connection (tried 2 times)",
            _ => "row 2: failed: unavailable: no connection (tried 2 times)",
        };
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        ready.mend();
        let again = ready.run(args);
        assert_eq!(
            (again.code, comparable(again.records())),
            (0, ready.calm.clone())
        );
        let looked_up = calls_of(&ready.campaign, At::ByNationalId).len();
        assert!(at != At::Upload || looked_up == 0);
    }
}

/// A campaign in which all is ready for a stage.
struct Ready {
    campaign: Campaign,
    at: At,
    input: Vec<u8>,
    /// What the stage writes if nothing goes wrong.
    calm: Vec<Value>,
}

impl Ready {
    fn new(at: At, patients: usize) -> Self {
        let campaign = Campaign::with(Config {
            // So that codes can be compared, however often they were asked for.
            same_codes: true,
            ..Config::default()
        });
        let file = campaign.write("patients.csv", synthetic_csv(patients, 12));
        let upload = |args: &[&str]| {
            let args = [&[file.to_str().unwrap()], args].concat();
            campaign.stage("pkb-upload", &args, b"").stdout
        };
        let next = |program, input: &[u8]| {
            let mut command = campaign.command(program);
            command.args(["--rate", "0"]);
            if at.is_fhir() {
                over_fhir(&mut command, &campaign.sandbox.base_url());
            }
            run(&mut command, input).stdout
        };
        let (input, calm) = match at {
            // PKB has no record before the run that is tested.
            At::Upload => (Vec::new(), upload(&["--dry-run"])),
            At::ProcessMessage => (Vec::new(), upload(&["--dry-run", "--via", "messaging"])),
            At::Token | At::ByNationalId | At::StatusQuery => {
                let uploaded = upload(&[]);
                let calm = next("pkb-resolve", &uploaded);
                (uploaded, calm)
            }
            At::RecordAccessToken | At::GenerateTokens => {
                let resolved = next("pkb-resolve", &upload(&[]));
                let calm = next("pkb-tokens", &resolved);
                (resolved, calm)
            }
        };
        let mut calm = comparable(records(&calm));
        assert_eq!(calm.len(), patients);
        for record in &mut calm {
            assert!(
                record[at.section()].is_object(),
                "row {}",
                record["row"]["number"]
            );
            if matches!(at, At::Upload | At::ProcessMessage) {
                record["upload"]["state"] = "sent".into();
                // Nothing was asked of PKB for it.
                record["rehearsal"] = true.into();
            }
        }
        campaign.sandbox.reset_ledger();
        Self {
            campaign,
            at,
            input,
            calm,
        }
    }

    fn set_faults(&self, json: &str) {
        let faults = Faults::from_json(json).unwrap();
        self.campaign.sandbox.set_faults(faults);
    }

    /// As `DELETE /sandbox/faults`; the ledger begins again, too.
    fn mend(&self) {
        self.campaign.sandbox.set_faults(Faults::default());
        self.campaign.sandbox.reset_ledger();
    }

    /// The same command each time, with a journal.
    fn run(&self, args: &[&str]) -> Ended {
        self.run_at(&self.campaign.sandbox.base_url(), args)
    }

    /// With another address of PKB's interface.
    fn run_at(&self, base_url: &str, args: &[&str]) -> Ended {
        let mut command = self.campaign.command(self.at.program());
        command.args(["--journal", "journal", "--rate", "0"]);
        if self.at == At::Upload {
            command.args(["patients.csv", "--settle-for", "2s"]);
        }
        if self.at == At::ProcessMessage {
            command
                .args(["patients.csv", "--via", "messaging"])
                .env("PKB_MESSAGING_URL", format!("{base_url}/phr-fhir"))
                .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
        }
        command.args(args).env("PKB_BASE_URL", base_url);
        if self.at.is_fhir() {
            over_fhir(&mut command, base_url);
        }
        run(&mut command, &self.input)
    }

    /// The requests to the endpoint since the ledger began.
    fn calls(&self) -> Vec<LedgerEntry> {
        calls_of(&self.campaign, self.at)
    }
}

/// Lets a stage ask PKB's FHIR interface.
fn over_fhir(command: &mut std::process::Command, base_url: &str) {
    command
        .env("PKB_API", "fhir")
        .env("PKB_FHIR_URL", format!("{base_url}/fhir"))
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
}

/// Faults with one rule, for the endpoint.
fn rule(at: At, when: &str, fault: &str) -> String {
    let endpoint = at.endpoint();
    let fault = if fault.starts_with('{') {
        fault.to_owned()
    } else {
        format!("\"{fault}\"")
    };
    format!(r#"{{"rules":[{{"endpoint":"{endpoint}","when":{when},"fault":{fault}}}]}}"#)
}

/// Records without what may differ: a batch that was not taken is not the last of its name, a dry run compares nobody, and a message
/// that was sent twice updates what it has created.
fn comparable(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        if let Some(upload) = record["upload"].as_object_mut() {
            upload.remove("batch");
            upload.remove("compared");
            if ["created", "updated"]
                .iter()
                .any(|state| upload["state"] == *state)
            {
                upload.insert("state".into(), "sent".into());
            }
        }
    }
    records
}

/// `failed: unavailable`, or nothing.
fn outcome_of(record: &Value) -> String {
    let outcome = &record["outcome"];
    match (outcome["kind"].as_str(), outcome["reason"].as_str()) {
        (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
        _ => String::new(),
    }
}

fn national_id(record: &Value) -> String {
    let id = &record["patient"]["national_id"]["value"];
    id.as_str().unwrap().to_owned()
}

fn calls_of(campaign: &Campaign, at: At) -> Vec<LedgerEntry> {
    let mut calls = campaign.sandbox.ledger();
    calls.retain(|call| call.endpoint == at.endpoint());
    calls
}

/// The patients that PKB was asked about, in order.
fn patient_calls(ready: &Ready) -> Vec<String> {
    let calls = ready.campaign.sandbox.ledger();
    calls.into_iter().filter_map(|call| call.patient).collect()
}

fn commits(calls: &[LedgerEntry]) -> usize {
    calls.iter().filter(|call| call.upload.is_some()).count()
}

fn rows_uploaded(calls: &[LedgerEntry]) -> usize {
    let uploads = calls.iter().filter_map(|call| call.upload.as_ref());
    uploads.map(|upload| upload.rows).sum()
}
