//! A campaign that uses every source at hand: the register's answers before the upload, and the mail company's reports after posting.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use pkb_sandbox::Config;
use serde_json::Value;

use crate::harness::{Campaign, Ended, programs, records, root, run, synthetic_csv};

/// A campaign of so many patients, in two shards.
fn campaign(patients: usize) -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(patients, 25));
    let include = root().join("scripts/campaign.mk");
    let makefile = format!(
        "SHARDS = 2\nRATE = 100000\nCONCURRENCY = 8\nTRACE_FLAGS = --use-traced-address --traced-on 2026-11-20\ninclude {}\n",
        include.display()
    );
    campaign.write("Makefile", makefile);
    campaign
}

fn make(campaign: &Campaign, targets: &[&str]) -> Ended {
    let settings = campaign.command("pkb-upload");
    let settings = settings
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut make = Command::new("make");
    make.current_dir(campaign.folder.path())
        .env_clear()
        .envs(settings)
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()))
        .args(targets);
    run(&mut make, b"")
}

fn stand_in(campaign: &Campaign, args: &[&str]) {
    let ended = campaign.stage("pkb-sandbox", args, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn json(campaign: &Campaign, name: &str) -> Value {
    serde_json::from_slice(&campaign.read(name)).unwrap()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own.as_str().unwrap().to_owned())
        .collect()
}

/// The rows of a table of the report: name and first figure.
fn figures(report: &Value, table: &str) -> BTreeMap<String, u64> {
    let rows = report["figures"][table].as_object();
    let rows = rows.into_iter().flatten();
    rows.map(|(key, row)| {
        let mut figures = row.as_object().unwrap().values().filter_map(Value::as_u64);
        (key.clone(), figures.next().unwrap())
    })
    .collect()
}

#[test]
fn nobody_wrong_is_written_to_and_each_letters_end_is_in_the_report() {
    let campaign = campaign(1000);
    let asked = make(&campaign, &["request"]);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    stand_in(
        &campaign,
        &[
            "mesh",
            "--requests",
            "trace",
            "--responses",
            "trace",
            "--patients",
            "patients.csv",
            "--deaths",
            "12",
            "--sensitive",
            "5",
            "--superseded",
            "6",
            "--moved",
            "30",
            "--as-at",
            "2026-11-20",
            "--truth",
            "truth.json",
        ],
    );
    let all = make(&campaign, &["all", "TRACE=trace/RESP_request.csv"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let truth = json(&campaign, "truth.json");
    let (dead, sensitive, superseded, moved) = (
        texts(&truth["deceased"]),
        texts(&truth["sensitive"]),
        texts(&truth["superseded"]),
        texts(&truth["moved"]),
    );
    assert_eq!(
        (dead.len(), sensitive.len(), superseded.len(), moved.len()),
        (12, 5, 6, 30)
    );

    // Nobody wrong is written to, and PKB has heard of none of them.
    let response = campaign.read("trace/RESP_request.csv");
    let new_postcodes: BTreeMap<String, String> = csv::Reader::from_reader(&*response)
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[1].to_owned(), row[13].to_owned()))
        .collect();
    let delivered = records(&campaign.read("delivered.ndjson"));
    let (mut letters, mut outcomes) = (0, BTreeMap::new());
    for record in &delivered {
        let number = record["patient"]["national_id"]["value"]
            .as_str()
            .unwrap_or_default();
        let is_stopped =
            dead.contains(number) || sensitive.contains(number) || superseded.contains(number);
        if is_stopped {
            assert_eq!(record["outcome"]["stage"], "trace", "{record}");
            assert!(
                record.get("deliveries").is_none() && record.get("upload").is_none(),
                "{record}"
            );
            *outcomes
                .entry(record["outcome"]["reason"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
        if record.get("deliveries").is_some() {
            letters += 1;
            assert!(!is_stopped);
            if moved.contains(number) {
                assert_eq!(
                    record["patient"]["postcode"],
                    new_postcodes[number].as_str()
                );
                assert_eq!(record["trace"]["address_used"], true);
            }
        }
    }
    let counted = |reason: &str| outcomes.get(reason).copied().unwrap_or_default();
    assert_eq!(
        (
            counted("deceased"),
            counted("sensitive"),
            counted("superseded")
        ),
        (12, 5, 6)
    );
    assert!(letters > 500);

    // The mail company loses 3, doubles 2 and returns 25.
    for (shard, lose, double, returned) in
        [("01-of-02", "2", "1", "13"), ("02-of-02", "1", "1", "12")]
    {
        let (delivery, out) = (format!("print/{shard}"), format!("post/{shard}"));
        std::fs::create_dir_all(campaign.path(&out)).unwrap();
        let truth = format!("{out}/truth.json");
        stand_in(
            &campaign,
            &[
                "mail-company",
                "--delivery",
                &delivery,
                "--out",
                &out,
                "--lose",
                lose,
                "--double",
                double,
                "--return",
                returned,
                "--at",
                "2026-11-23T09:00:00Z",
                "--truth",
                &truth,
            ],
        );
    }
    let reports = "RETURNS=post/01-of-02/status.csv post/01-of-02/returns.csv post/02-of-02/status.csv post/02-of-02/returns.csv";
    let traced = "TRACE=trace/RESP_request.csv";
    let returns = make(&campaign, &["returns", reports, traced]);
    assert_eq!(returns.code, 0, "{}", returns.stderr);
    let log = String::from_utf8(campaign.read("logs/returns.log")).unwrap();
    let report = json(&campaign, "report.json");
    let statuses = figures(&report, "print_statuses");
    assert_eq!(statuses.values().sum::<u64>(), letters, "{statuses:?}");
    assert_eq!(
        (statuses["returned"], statuses["accepted"]),
        (25, 3),
        "{statuses:?}"
    );
    assert_eq!(statuses["dispatched"], letters - 28);
    assert_eq!(figures(&report, "return_reasons").values().sum::<u64>(), 25);
    assert_eq!(figures(&report, "letters_to_look_after")["twice"], 2);
    assert_eq!(log.matches("dispatched more than once").count(), 2, "{log}");
    let kept = figures(&report, "kept_by_source");
    for (key, count) in [
        ("trace_deceased", 12),
        ("trace_sensitive", 5),
        ("trace_superseded", 6),
    ] {
        assert_eq!(kept[key], count, "{kept:?}");
    }
    let findings = String::from_utf8(campaign.read("returns.csv")).unwrap();
    assert_eq!(findings.lines().count(), 1 + 25 + 3 + 2, "{findings}");

    // The same reports twice change nothing.
    let posted = campaign.read("posted.ndjson");
    let args = [
        "returns",
        "post/01-of-02/status.csv",
        "post/01-of-02/returns.csv",
        "--in",
        "posted.ndjson",
    ];
    let again = campaign.stage("pkb", &args, b"");
    assert!(again.stdout == posted, "{}", again.stderr);
}

#[test]
fn a_returned_letter_stops_reminders_to_that_address_and_not_to_the_next() {
    let campaign = campaign(12);
    let all = make(&campaign, &["all"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let delivered = records(&campaign.read("delivered.ndjson"));
    let letter = |record: &Value| {
        record["deliveries"][0]["reference"]
            .as_str()
            .map(str::to_owned)
    };
    let with_letters: Vec<&Value> = delivered
        .iter()
        .filter(|record| letter(record).is_some())
        .collect();
    let (gone, dead, moved) = (with_letters[0], with_letters[1], with_letters[2]);
    campaign.write(
        "returned.csv",
        format!(
            "reference,returned_at,reasonCode\n{},2026-12-01,R01\n{},2026-12-01,R09\n{},2026-12-01,R07\n",
            letter(gone).unwrap(),
            letter(dead).unwrap().to_lowercase(),
            letter(moved).unwrap()
        ),
    );
    let args = [
        "returns",
        "returned.csv",
        "--in",
        "delivered.ndjson",
        "--output",
        "posted.ndjson",
    ];
    let returned = campaign.stage("pkb", &args, b"");
    assert_eq!(
        returned.code, 65,
        "nobody has said that they were dispatched: {}",
        returned.stderr
    );
    assert!(
        returned
            .stderr
            .contains("the letter came back, and no report says that it was dispatched"),
        "{}",
        returned.stderr
    );
    assert!(
        returned
            .stderr
            .contains("the codes in letters that came back expire by"),
        "{}",
        returned.stderr
    );

    // A newer file has a new address for one of them. Without a client for FHIR, a list says who has registered.
    let newer = String::from_utf8(campaign.read("patients.csv")).unwrap();
    let number = moved["patient"]["national_id"]["value"].as_str().unwrap();
    let mut lines: Vec<String> = newer.lines().map(str::to_owned).collect();
    let postcode = moved["patient"]["postcode"].as_str().unwrap();
    for line in &mut lines {
        if line.contains(number) {
            assert!(line.contains(postcode), "{line}");
            *line = line.replace(postcode, "YO1 7AA");
        }
    }
    campaign.write("newer.csv", lines.join("\n") + "\n");
    let registered = with_letters[3]["patient"]["national_id"]["value"]
        .as_str()
        .unwrap();
    campaign.write(
        "registered.csv",
        format!("NHS number,Email\n{registered},a@example.org\n"),
    );
    let mut recheck = campaign.command("pkb-resolve");
    recheck.env("PKB_FIXED_TIME", "2027-01-10T09:00:00Z").args([
        "--recheck",
        "--due-reminder",
        "28d",
        "--registered",
        "registered.csv",
        "--registered-on",
        "2027-01-09",
        "--newer-file",
        "newer.csv",
        "posted.ndjson",
        "--output",
        "due.ndjson",
    ]);
    let ended = run(&mut recheck, b"");
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    let due = records(&campaign.read("due.ndjson"));
    let outcome = |wanted: &Value| {
        let record = due
            .iter()
            .find(|record| record["row"]["number"] == wanted["row"]["number"])
            .unwrap();
        (
            record["outcome"]["stage"].clone(),
            record["outcome"]["reason"].clone(),
        )
    };
    assert_eq!(outcome(gone), ("recheck".into(), "returned".into()));
    assert_eq!(
        outcome(dead),
        ("returns".into(), "reported_deceased".into())
    );
    assert_eq!(
        outcome(with_letters[3]),
        ("recheck".into(), "registered".into())
    );
    let again = due
        .iter()
        .find(|record| record["row"]["number"] == moved["row"]["number"])
        .unwrap();
    assert!(again.get("outcome").is_none(), "{again}");
    assert_eq!(again["patient"]["postcode"], "YO1 7AA");
    // Those whom nothing speaks against are reminded; PKB was asked nothing.
    assert!(ended.stderr.contains("1 of"), "{}", ended.stderr);
    assert!(
        campaign
            .sandbox
            .ledger()
            .iter()
            .all(|entry| entry.endpoint != "status_query")
    );
}

#[test]
fn mishaps_on_the_way_from_the_register_are_named_and_invite_nobody() {
    let campaign = campaign(60);
    assert_eq!(make(&campaign, &["request"]).code, 0);
    stand_in(
        &campaign,
        &[
            "mesh",
            "--requests",
            "trace",
            "--responses",
            "trace",
            "--patients",
            "patients.csv",
            "--deaths",
            "5",
            "--truth",
            "truth.json",
            "--fault",
            "lose",
            "--fault",
            "double",
            "--fault",
            "foreign",
            "--fault",
            "reorder",
            "--fault",
            "lowercase",
            "--fault",
            "crlf",
            "--fault",
            "file-record",
        ],
    );
    let uploaded = campaign.stage(
        "pkb-upload",
        &["patients.csv", "--dry-run", "--output", "checked.ndjson"],
        b"",
    );
    assert!(matches!(uploaded.code, 0 | 65), "{}", uploaded.stderr);
    let args = [
        "trace",
        "apply",
        "trace/RESP_request.csv",
        "--key",
        "trace/request.csv.key",
        "--in",
        "checked.ndjson",
        "--output",
        "traced.ndjson",
        "--findings",
        "findings.csv",
    ];
    let applied = campaign.stage("pkb", &args, b"");
    assert_eq!(applied.code, 65, "{}", applied.stderr);
    for words in [
        "an earlier row has an answer about the same patient",
        "this reference is not of a request about a patient in this stream",
        "no_trace_answer",
    ] {
        assert!(
            applied.stderr.contains(words),
            "{words}: {}",
            applied.stderr
        );
    }
    let truth = json(&campaign, "truth.json");
    let dead = texts(&truth["deceased"]);
    let traced = records(&campaign.read("traced.ndjson"));
    let no_answer = traced
        .iter()
        .filter(|record| record["outcome"]["reason"] == "no_trace_answer");
    // Three were lost, and two answered twice, unless such a patient has died.
    assert!((3..=5).contains(&no_answer.count()));
    for record in &traced {
        let number = record["patient"]["national_id"]["value"]
            .as_str()
            .unwrap_or_default();
        assert!(
            !dead.contains(number) || record.get("outcome").is_some(),
            "{record}"
        );
    }
    // A code that nobody knows stops everything, and there is no output.
    std::fs::remove_file(campaign.path("trace/RESP_request.csv")).unwrap();
    stand_in(
        &campaign,
        &[
            "mesh",
            "--requests",
            "trace",
            "--responses",
            "trace",
            "--patients",
            "patients.csv",
            "--fault",
            "code-77",
        ],
    );
    std::fs::remove_file(campaign.path("traced.ndjson")).unwrap();
    let stopped = campaign.stage("pkb", &args, b"");
    assert_eq!(stopped.code, 76, "{}", stopped.stderr);
    assert!(!campaign.path("traced.ndjson").exists());
}
