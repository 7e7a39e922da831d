//! Whom the organisation wants invited, and how fresh an answer must be.

use pkb_sandbox::{Config, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, run};

const PATIENTS: &str = "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Email,Date of death\n\
    9990000018,Ann,Example,1990-01-01,1 Main Street,Newcastle,NE1 1XC,ann@example.org,\n\
    9990000026,Ben,Example,1990-01-02,HMP Northgate,Newcastle,NE1 1XC,,\n\
    9990000034,Cat,Example,1990-01-03,1 Main Street,Newcastle,NE1 1XC,,\n\
    9990000042,Dan,Example,1990-01-04,2 Main Street,Newcastle,NE1 1XC,,2026-11-01\n";

fn campaign() -> Campaign {
    let campaign = Campaign::start(World::default());
    campaign.write("patients.csv", PATIENTS);
    campaign
}

/// The reason of each row, and all others.
fn reasons(ended: &Ended) -> Vec<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    ended
        .records()
        .iter()
        .map(|record| {
            let outcome = &record["outcome"];
            let also = outcome["also"].as_array().cloned().unwrap_or_default();
            text(&outcome["reason"])
                .into_iter()
                .chain(also.iter().filter_map(text))
                .collect()
        })
        .collect()
}

fn at(campaign: &Campaign, time: &str, program: &str, args: &[&str], input: &[u8]) -> Ended {
    let mut command = campaign.command(program);
    command.args(args).env("PKB_FIXED_TIME", time);
    run(&mut command, input)
}

#[test]
fn lists_addresses_and_deaths_keep_patients_from_being_invited_and_all_reasons_are_kept() {
    let campaign = campaign();
    campaign.write("opt-outs.csv", "NHS number,Reason,Until\n999 000 0026,asked,\n9990000034,holiday,2026-11-21\n9990000042,moved,\n");
    campaign.write("prisons.txt", "# prisons\nHMP\n");
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    let lists = [
        "--exclude",
        "opt-outs.csv",
        "--exclude-address",
        "prisons.txt",
    ];
    let resolved = campaign.stage("pkb-resolve", &lists, &uploaded.stdout);
    assert_eq!(
        reasons(&resolved),
        [
            vec![],
            vec!["excluded_by_list", "excluded_address"],
            vec![],
            vec!["deceased", "excluded_by_list"],
        ]
    );
    let details = resolved.records()[1]["outcome"]["detail"].clone();
    assert_eq!(details, "opt-outs.csv, row 2; prisons.txt, line 2");
    assert_eq!(resolved.code, 0, "{}", resolved.stderr);
    // Those at one address are known to be so.
    assert_eq!(resolved.records()[0]["patient"]["household"]["patients"], 2);
    assert_eq!(
        resolved.records()[2]["patient"]["household"]["first_row"],
        2
    );
}

#[test]
fn a_malformed_list_stops_the_run_before_anything_is_asked() {
    let campaign = campaign();
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    campaign.write("opt-outs.csv", "NHS number\n9990000018\n999000002\n");
    let calls = campaign.sandbox.ledger().len();
    let ended = campaign.stage(
        "pkb-resolve",
        &["--exclude", "opt-outs.csv"],
        &uploaded.stdout,
    );
    assert_eq!(ended.code, 66);
    assert!(
        ended.stderr.contains("row 3: the national number"),
        "{}",
        ended.stderr
    );
    assert_eq!(campaign.sandbox.ledger().len(), calls);
}

#[test]
fn somebody_who_is_put_on_a_list_later_is_left_out_whatever_the_journal_says() {
    let campaign = campaign();
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    let resolve = |more: &[&str]| {
        let args = [&["--journal", "r.journal"], more].concat();
        reasons(&campaign.stage("pkb-resolve", &args, &uploaded.stdout))
    };
    let nobody: Vec<String> = Vec::new();
    assert_eq!(resolve(&[])[0], nobody);
    campaign.write("deaths.csv", "NHS number\n9990000018\n");
    assert_eq!(
        resolve(&["--exclude", "deaths.csv"])[0],
        ["excluded_by_list"]
    );
    // And back, when the list was wrong.
    assert_eq!(resolve(&[])[0], nobody);
}

#[test]
fn a_letter_that_is_printed_already_is_named_when_its_patient_is_excluded() {
    let campaign = campaign();
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    let print = |more: &[&str]| {
        let resolved = campaign.stage("pkb-resolve", more, &uploaded.stdout);
        let invited = campaign.stage("pkb-tokens", &[], &resolved.stdout);
        let args = ["--journal", "l.journal", "--out", "print"];
        campaign.stage("pkb-letters", &args, &invited.stdout)
    };
    assert_eq!(print(&[]).code, 0);
    campaign.write("deaths.csv", "NHS number\n9990000026\n");
    let again = print(&["--exclude", "deaths.csv"]);
    let said = "row 3: excluded_by_list now, and its letter was printed: remove page 2 of rehearsal-letters-0001.pdf";
    assert!(again.stderr.contains(said), "{}", again.stderr);
    // And whoever does not read that is told by the letters themselves.
    let verified = campaign.stage("pkb", &["verify", "print"], &again.stdout);
    assert_eq!(verified.code, 65);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(
        text.contains("rehearsal-letters-0001.pdf, page 2: no row has this page"),
        "{text}"
    );
}

#[test]
fn a_patient_of_an_earlier_campaign_is_not_invited_again_for_a_while() {
    let campaign = campaign();
    let [.., delivered] = campaign.journey(&campaign.path("patients.csv"), &["--out", "print"]);
    assert_eq!(delivered.code, 0, "{}", delivered.stderr);
    campaign.write("spring.ndjson", &delivered.stdout);
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    let args = [
        "--invited-before",
        "spring.ndjson",
        "--not-again-within",
        "90d",
    ];
    let soon = at(
        &campaign,
        "2026-12-22T09:00:00Z",
        "pkb-resolve",
        &args,
        &uploaded.stdout,
    );
    assert_eq!(reasons(&soon)[0], ["invited_recently"]);
    let later = at(
        &campaign,
        "2027-02-22T09:00:00Z",
        "pkb-resolve",
        &args,
        &uploaded.stdout,
    );
    assert_eq!(reasons(&later)[0], Vec::<String>::new());
}

#[test]
fn a_patient_whom_pkb_writes_to_gets_no_letter_unless_it_is_wanted() {
    let campaign = campaign();
    let uploaded = campaign.stage("pkb-upload", &["patients.csv", "--keep-email"], b"");
    assert_eq!(uploaded.records()[0]["upload"]["emailed"], true);
    let resolved = campaign.stage("pkb-resolve", &[], &uploaded.stdout);
    assert_eq!(reasons(&resolved)[0], ["invited_by_email"]);
    let resolved = campaign.stage("pkb-resolve", &["--also-emailed"], &uploaded.stdout);
    assert_eq!(reasons(&resolved)[0], Vec::<String>::new());
}

#[test]
fn an_answer_or_codes_that_are_too_old_are_no_ground_for_a_letter_and_the_stage_before_mends_it() {
    let campaign = campaign();
    let (first, late) = ("2026-11-22T09:00:00Z", "2026-12-01T09:00:00Z");
    let uploaded = campaign.stage("pkb-upload", &["patients.csv"], b"");
    let journal = ["--journal", "r.journal"];
    let resolved = at(&campaign, first, "pkb-resolve", &journal, &uploaded.stdout);
    let stale = at(&campaign, late, "pkb-tokens", &[], &resolved.stdout);
    assert_eq!(reasons(&stale)[0], ["answer_too_old"]);
    assert_eq!(stale.code, 75, "{}", stale.stderr);
    // Over the stream, and from the beginning with the journal.
    for input in [&stale.stdout, &uploaded.stdout] {
        let resolved = at(&campaign, late, "pkb-resolve", &journal, input);
        let invited = at(&campaign, late, "pkb-tokens", &[], &resolved.stdout);
        assert_eq!(
            reasons(&invited)[0],
            Vec::<String>::new(),
            "{}",
            resolved.stderr
        );
    }

    let invited = at(&campaign, first, "pkb-tokens", &[], &resolved.stdout);
    let letters =
        |input: &[u8], out: &str| at(&campaign, late, "pkb-letters", &["--out", out], input);
    let stale = letters(&invited.stdout, "one");
    assert_eq!(reasons(&stale)[0], ["answer_too_old"]);
    let resolved = at(&campaign, late, "pkb-resolve", &[], &stale.stdout);
    let invited = at(&campaign, late, "pkb-tokens", &[], &resolved.stdout);
    let delivered = letters(&invited.stdout, "two");
    assert!(
        delivered.records()[0]["deliveries"].is_array(),
        "{}",
        delivered.stderr
    );
}

#[test]
fn patients_whom_pkb_does_not_have_yet_are_waited_for() {
    let campaign = Campaign::with(Config {
        processing_ms: 1500,
        ..Config::default()
    });
    campaign.write("patients.csv", PATIENTS);
    let prepared = campaign.stage(
        "pkb-upload",
        &["patients.csv", "--wait-processed", "0s"],
        b"",
    );
    assert_eq!(prepared.code, 75, "{}", prepared.stderr);
    let checked = campaign.stage("pkb-upload", &["patients.csv", "--dry-run"], b"");
    let resolved = campaign.stage(
        "pkb-resolve",
        &["--wait-for-records", "1m", "--summary", "waited.json"],
        &checked.stdout,
    );
    assert_eq!(
        reasons(&resolved)[0],
        Vec::<String>::new(),
        "{}",
        resolved.stderr
    );
    let summary: serde_json::Value = serde_json::from_slice(&campaign.read("waited.json")).unwrap();
    assert!(
        summary["waited_seconds"].as_f64().unwrap() > 1.0,
        "{summary}"
    );
}

#[test]
fn the_rules_are_explained_with_their_settings_and_lists() {
    let campaign = campaign();
    campaign.write("opt-outs.csv", "NHS number\n9990000018\n");
    let ended = campaign.stage(
        "pkb-resolve",
        &["--explain", "--min-age", "18", "--exclude", "opt-outs.csv"],
        b"",
    );
    let text = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 0);
    for part in ["is 18 or older", "opt-outs.csv: 1 patient", "2026-11-22"] {
        assert!(text.contains(part), "{text}");
    }
}
