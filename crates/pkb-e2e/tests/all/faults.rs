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

use pkb_sandbox::{Config, Faults, LedgerEntry, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, root, run, synthetic_csv};

/// Rows of the table that run at the same time: most of them wait.
const THREADS: usize = 8;
/// Patients of a campaign in the table.
const PATIENTS: usize = 3;
/// One retry, and a short wait for what never comes.
const ARGS: &[&str] = &["--attempts", "2", "--timeout", "1", "--rate", "0"];

/// Where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Token,
    Upload,
    ByNationalId,
    RecordAccessToken,
}

impl At {
    const ALL: [Self; 4] = [
        Self::Token,
        Self::Upload,
        Self::ByNationalId,
        Self::RecordAccessToken,
    ];

    fn endpoint(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Upload => "upload",
            Self::ByNationalId => "by_national_id",
            Self::RecordAccessToken => "record_access_token",
        }
    }

    /// The stage that meets it.
    fn program(self) -> &'static str {
        match self {
            Self::Upload => "pkb-upload",
            Self::Token | Self::ByNationalId => "pkb-resolve",
            Self::RecordAccessToken => "pkb-tokens",
        }
    }

    /// What that stage adds to a record.
    fn section(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Token | Self::ByNationalId => "pkb",
            Self::RecordAccessToken => "invitation",
        }
    }
}

/// When it goes wrong, as the sandbox takes it.
const ALWAYS: &str = r#"{"always":true}"#;
const ONCE: &str = r#"{"first":1}"#;
const FOR_A_MOMENT: &str = r#"{"for_seconds":0.6}"#;

/// A row of the table.
struct Row {
    when: &'static str,
    fault: &'static str,
    args: &'static [&'static str],
    ends: Ends,
}

/// How the stage ends.
enum Ends {
    /// With 0 and the records of a run in which nothing went wrong.
    Unharmed,
    /// With this code, this outcome in every record, and these words about it.
    Outcome(i32, &'static str, &'static str),
    /// With this code and these words, before the work is done.
    Stopped(i32, &'static str),
}
use Ends::{Outcome, Stopped, Unharmed};

const fn row(when: &'static str, fault: &'static str, ends: Ends) -> Row {
    let args = &[];
    Row {
        when,
        fault,
        args,
        ends,
    }
}

/// The same with more arguments; of an argument that is given twice, the last counts.
const fn row_with(
    args: &'static [&'static str],
    when: &'static str,
    fault: &'static str,
    ends: Ends,
) -> Row {
    Row {
        when,
        fault,
        args,
        ends,
    }
}

const PATIENT: &[&str] = &["--attempts", "30"];
const GIVE_UP: &[&str] = &["--attempts", "100", "--give-up-after", "1"];

const NOT_JSON_PAGE: &str = "a web page came instead of an answer";
const GARBAGE: &str = "PKB's answer lacks a field or has one of another kind";
const REDIRECT: &str = "PKB answered with a redirect: check the base URL and proxies";
const GAVE_UP: &str = "PKB has not answered properly for";
const NO_ACCESS: &str = "ask PKB for access, if your organisation should have it";

const fn unavailable(message: &'static str) -> Ends {
    Outcome(75, "failed: unavailable", message)
}
const fn refused(message: &'static str) -> Ends {
    Outcome(65, "failed: refused_by_pkb", message)
}
const fn not_understood(message: &'static str) -> Ends {
    Outcome(76, "failed: not_understood", message)
}
const UNANSWERED: Ends = Outcome(
    75,
    "failed: unanswered",
    "the request was sent and no answer came",
);

/// The two calls about one patient, which may be made again.
const ASKING: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, r#""wrong_content_type""#, Unharmed),
    row(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":500,"run":true}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504}"#, Unharmed),
    row(ONCE, r#""refuse""#, Unharmed),
    row(ONCE, r#""reset_before""#, Unharmed),
    row(ONCE, r#""reset_after""#, Unharmed),
    row(ONCE, r#""truncate""#, Unharmed),
    row(ONCE, r#""hang""#, Unharmed),
    row_with(PATIENT, FOR_A_MOMENT, r#"{"status":503}"#, Unharmed),
    row_with(PATIENT, FOR_A_MOMENT, r#""refuse""#, Unharmed),
    row(
        ALWAYS,
        r#"{"latency_ms":{"fixed":1500}}"#,
        unavailable("no answer in time"),
    ),
    row(
        ALWAYS,
        r#"{"status":429,"retry_after":"1"}"#,
        unavailable("PKB answered 429"),
    ),
    row(
        ALWAYS,
        r#"{"status":429,"retry_after":"date+0"}"#,
        unavailable("PKB answered 429"),
    ),
    row(
        ALWAYS,
        r#"{"status":500}"#,
        unavailable("PKB answered 500"),
    ),
    row(
        ALWAYS,
        r#"{"status":502,"body":"html"}"#,
        unavailable("PKB answered 502"),
    ),
    row(
        ALWAYS,
        r#"{"status":503,"body":"empty"}"#,
        unavailable("PKB answered 503"),
    ),
    row(
        ALWAYS,
        r#"{"status":504}"#,
        unavailable("PKB answered 504"),
    ),
    row(ALWAYS, r#""refuse""#, unavailable("the connection broke")),
    row(
        ALWAYS,
        r#""reset_before""#,
        unavailable("the connection broke"),
    ),
    row(
        ALWAYS,
        r#""reset_after""#,
        unavailable("the connection broke"),
    ),
    row(
        ALWAYS,
        r#""truncate""#,
        unavailable("the answer broke off"),
    ),
    row(ALWAYS, r#""hang""#, unavailable("no answer in time")),
    row_with(GIVE_UP, ALWAYS, r#"{"status":503}"#, Stopped(75, GAVE_UP)),
    row_with(GIVE_UP, ALWAYS, r#""refuse""#, Stopped(75, GAVE_UP)),
    row(ALWAYS, r#"{"status":400}"#, refused("PKB answered 400")),
    row(ALWAYS, r#"{"status":409}"#, refused("PKB answered 409")),
    row(
        ALWAYS,
        r#"{"status":422,"body":"html"}"#,
        refused("PKB answered 422"),
    ),
    row(
        ALWAYS,
        r#"{"status":401}"#,
        Outcome(0, "excluded: no_access", NO_ACCESS),
    ),
    row(
        ALWAYS,
        r#"{"status":403,"body":"html"}"#,
        Outcome(0, "excluded: no_access", NO_ACCESS),
    ),
    row(
        ALWAYS,
        r#"{"status":404}"#,
        Outcome(
            0,
            "excluded: not_found",
            "check that the upload has been processed",
        ),
    ),
    row(ALWAYS, r#""html""#, not_understood(NOT_JSON_PAGE)),
    row(ALWAYS, r#""garbage""#, not_understood(GARBAGE)),
    row(ALWAYS, r#""redirect""#, not_understood(REDIRECT)),
];

const NO_UPLOADS: &str = "PKB does not let this client upload patient files";
const NO_UPLOAD_ADDRESS: &str = "PKB has nothing at the address of the upload";

/// The upload, which must not be made again once it may have been carried out.
const UPLOADING: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, r#""wrong_content_type""#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"html"}"#, Unharmed),
    row_with(PATIENT, FOR_A_MOMENT, r#"{"status":503}"#, Unharmed),
    row(
        ALWAYS,
        r#"{"status":429,"retry_after":"1"}"#,
        unavailable("PKB answered 429"),
    ),
    row(
        ALWAYS,
        r#"{"status":503}"#,
        unavailable("PKB answered 503"),
    ),
    row_with(GIVE_UP, ALWAYS, r#"{"status":503}"#, Stopped(75, GAVE_UP)),
    row(ONCE, r#"{"status":500}"#, UNANSWERED),
    row(ONCE, r#"{"status":500,"run":true}"#, UNANSWERED),
    row(ONCE, r#"{"status":502,"body":"html"}"#, UNANSWERED),
    row(ONCE, r#"{"status":502,"run":true}"#, UNANSWERED),
    row(ONCE, r#"{"status":504,"body":"empty"}"#, UNANSWERED),
    row(ONCE, r#"{"status":504,"run":true}"#, UNANSWERED),
    row(ONCE, r#""refuse""#, UNANSWERED),
    row(ONCE, r#""reset_before""#, UNANSWERED),
    row(ONCE, r#""reset_after""#, UNANSWERED),
    row(ONCE, r#""truncate""#, UNANSWERED),
    row(ONCE, r#""hang""#, UNANSWERED),
    row(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, UNANSWERED),
    row(ALWAYS, r#"{"status":500}"#, UNANSWERED),
    row(ALWAYS, r#"{"status":504,"run":true}"#, UNANSWERED),
    row(ALWAYS, r#""refuse""#, UNANSWERED),
    row(ALWAYS, r#""reset_after""#, UNANSWERED),
    row(ALWAYS, r#""truncate""#, UNANSWERED),
    row(ALWAYS, r#""hang""#, UNANSWERED),
    row(ALWAYS, r#"{"status":400}"#, refused("PKB answered 400")),
    row(
        ALWAYS,
        r#"{"status":413,"body":"html"}"#,
        refused("PKB answered 413"),
    ),
    row(ALWAYS, r#"{"status":401}"#, Stopped(77, NO_UPLOADS)),
    row(
        ALWAYS,
        r#"{"status":403,"body":"html"}"#,
        Stopped(77, NO_UPLOADS),
    ),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_UPLOAD_ADDRESS)),
    row(ALWAYS, r#""html""#, not_understood(NOT_JSON_PAGE)),
    row(ALWAYS, r#""garbage""#, not_understood(GARBAGE)),
    row(ALWAYS, r#""redirect""#, not_understood(REDIRECT)),
];

const BAD_CREDENTIALS: &str = "PKB refused the client's credentials";
const NO_TOKEN: &str = "the token address answered something that is not an access token";
const BUSY: &str = "no access token to be had: the token address is busy or failing";
const BROKEN: &str = "no access token to be had: the connection broke";

/// The call for an access token, without which nothing goes.
const SIGNING_IN: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, r#""wrong_content_type""#, Unharmed),
    row(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504}"#, Unharmed),
    row(ONCE, r#""refuse""#, Unharmed),
    row(ONCE, r#""reset_before""#, Unharmed),
    row(ONCE, r#""reset_after""#, Unharmed),
    row(ONCE, r#""truncate""#, Unharmed),
    row(ONCE, r#""hang""#, Unharmed),
    row_with(PATIENT, FOR_A_MOMENT, r#"{"status":503}"#, Unharmed),
    row_with(PATIENT, FOR_A_MOMENT, r#""refuse""#, Unharmed),
    row(
        ALWAYS,
        r#"{"status":429,"retry_after":"1"}"#,
        Stopped(75, BUSY),
    ),
    row(ALWAYS, r#"{"status":500}"#, Stopped(75, BUSY)),
    row(
        ALWAYS,
        r#"{"status":502,"body":"html"}"#,
        Stopped(75, BUSY),
    ),
    row(
        ALWAYS,
        r#"{"status":503,"body":"empty"}"#,
        Stopped(75, BUSY),
    ),
    row(ALWAYS, r#"{"status":504}"#, Stopped(75, BUSY)),
    row(ALWAYS, r#""refuse""#, Stopped(75, BROKEN)),
    row(ALWAYS, r#""reset_before""#, Stopped(75, BROKEN)),
    row(ALWAYS, r#""reset_after""#, Stopped(75, BROKEN)),
    row(
        ALWAYS,
        r#""truncate""#,
        Stopped(75, "no access token to be had: the answer broke off"),
    ),
    row(
        ALWAYS,
        r#""hang""#,
        Stopped(75, "no access token to be had: no answer in time"),
    ),
    row_with(GIVE_UP, ALWAYS, r#"{"status":503}"#, Stopped(75, GAVE_UP)),
    row_with(GIVE_UP, ALWAYS, r#""refuse""#, Stopped(75, GAVE_UP)),
    row(ALWAYS, r#"{"status":400}"#, Stopped(77, BAD_CREDENTIALS)),
    row(ALWAYS, r#"{"status":401}"#, Stopped(77, BAD_CREDENTIALS)),
    row(
        ALWAYS,
        r#"{"status":401,"body":"html"}"#,
        Stopped(77, BAD_CREDENTIALS),
    ),
    row(
        ALWAYS,
        r#"{"status":401,"body":"empty"}"#,
        Stopped(77, BAD_CREDENTIALS),
    ),
    row(ALWAYS, r#"{"status":403}"#, Stopped(77, BAD_CREDENTIALS)),
    row(
        ALWAYS,
        r#"{"status":403,"body":"html"}"#,
        Stopped(76, NO_TOKEN),
    ),
    row(
        ALWAYS,
        r#"{"status":400,"body":"html"}"#,
        Stopped(76, NO_TOKEN),
    ),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, r#""html""#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, r#""garbage""#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, r#""redirect""#, Stopped(76, NO_TOKEN)),
];

fn table(at: At) -> &'static [Row] {
    match at {
        At::Token => SIGNING_IN,
        At::Upload => UPLOADING,
        At::ByNationalId | At::RecordAccessToken => ASKING,
    }
}

#[test]
fn every_fault_of_the_token_address_ends_as_the_table_says() {
    check_table(At::Token);
}

#[test]
fn every_fault_of_the_upload_ends_as_the_table_says() {
    check_table(At::Upload);
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
fn every_message_of_the_tables_stands_in_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## When something goes wrong\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    for row in At::ALL.into_iter().flat_map(table) {
        let (code, message) = match row.ends {
            Unharmed => continue,
            Outcome(code, outcome, message) => {
                let (_, reason) = outcome.split_once(": ").unwrap();
                assert!(section.contains(&format!("`{reason}`")), "{reason}");
                (code, message)
            }
            Stopped(code, message) => (code, message),
        };
        // The advice that goes with an exclusion stands in the table of the outcomes.
        let place = if code == 0 { readme.as_str() } else { section };
        let words = message.trim_end_matches(|c: char| c.is_ascii_digit());
        assert!(place.contains(words), "the README lacks: {words}");
        assert!(section.contains(&code.to_string()), "{code}");
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

/// A campaign that is ready for a stage, and the command for it.
struct Ready {
    campaign: Campaign,
    at: At,
    /// What the stage writes if nothing goes wrong.
    calm: Vec<Value>,
    input: Vec<u8>,
}

impl Ready {
    fn new(at: At, patients: usize) -> Self {
        let campaign = Campaign::with(Config {
            world: World::default(),
            // So that codes can be compared, however often they were asked for.
            same_codes: true,
            ..Config::default()
        });
        let file = campaign.write("patients.csv", synthetic_csv(patients, 4));
        let file = file.to_str().unwrap();
        let uploaded = match at {
            // The real one comes later: PKB has no record before.
            At::Upload => campaign.stage("pkb-upload", &[file, "--dry-run"], b""),
            _ => campaign.stage("pkb-upload", &[file], b""),
        };
        let calm = match at {
            At::Upload => (uploaded.stdout, Vec::new()),
            At::Token | At::ByNationalId => {
                let calm = campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
                (calm.stdout, uploaded.stdout)
            }
            At::RecordAccessToken => {
                let resolved = campaign.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
                let calm = campaign.stage("pkb-tokens", &["--rate", "0"], &resolved.stdout);
                (calm.stdout, resolved.stdout)
            }
        };
        let ready = Self {
            at,
            calm: comparable(records(&calm.0)),
            input: calm.1,
            campaign,
        };
        ready.campaign.sandbox.reset_ledger();
        assert_eq!(ready.calm.len(), patients);
        assert!(ready.calm.iter().all(|r| r[at.section()].is_object()));
        ready
    }

    fn set_faults(&self, json: &str) {
        self.campaign
            .sandbox
            .set_faults(Faults::from_json(json).unwrap());
    }

    /// One rule for the endpoint.
    fn set_fault(&self, when: &str, fault: &str) {
        self.set_faults(&rules(self.at, when, fault));
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
        command.args(ARGS);
        // clap takes an option once.
        let mut args = args.to_vec();
        if self.at == At::Upload {
            args.push("patients.csv");
        }
        command
            .args(["--journal", "journal"])
            .args(args)
            .env("PKB_BASE_URL", base_url);
        run(&mut command, &self.input)
    }

    /// The requests for the endpoint so far.
    fn calls(&self) -> Vec<LedgerEntry> {
        calls_of(&self.campaign, self.at)
    }
}

fn rules(at: At, when: &str, fault: &str) -> String {
    let endpoint = at.endpoint();
    format!(r#"{{"rules":[{{"endpoint":"{endpoint}","when":{when},"fault":{fault}}}]}}"#)
}

fn calls_of(campaign: &Campaign, at: At) -> Vec<LedgerEntry> {
    let mut calls = campaign.sandbox.ledger();
    calls.retain(|entry| entry.endpoint == at.endpoint());
    calls
}
