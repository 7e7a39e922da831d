//! Before the upload: patients whom PKB has already, with the date of birth and the name that it has.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use pkb_sandbox::{Config, Faults, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, fixture, run, synthetic_csv};

const KNOWN: &str = "known-at-pkb.csv";
const MOVED_DOWN: &str = "known-at-pkb-moved-down.csv";

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

/// A PKB that knows the hundred patients of the fixture.
fn campaign() -> Campaign {
    with(Config::default())
}

fn with(config: Config) -> Campaign {
    Campaign::with(Config {
        world: World::of_patient_file(text(KNOWN).as_bytes()).unwrap(),
        ..config
    })
}

fn upload(campaign: &Campaign, api: &str, args: &[&str]) -> Ended {
    let mut command = campaign.command("pkb-upload");
    command
        .args(args)
        .env("PKB_API", api)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
    run(&mut command, b"")
}

fn calls(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    ledger
        .iter()
        .filter(|entry| entry.endpoint == endpoint)
        .count()
}

/// The fixture with one cell changed: its row as a spreadsheet counts, its column from 0.
fn with_cell(row: usize, column: usize, value: &str) -> String {
    let mut lines: Vec<String> = text(KNOWN).lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[row - 1].split(',').collect();
    cells[column] = value;
    lines[row - 1] = cells.join(",");
    lines.join("\n") + "\n"
}

fn stopped(records: &[Value]) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    records
        .iter()
        .filter(|record| record["outcome"].is_object())
        .map(|record| {
            let outcome = &record["outcome"];
            let number = record["row"]["number"].as_u64().unwrap();
            (number, text(&outcome["stage"]), text(&outcome["reason"]))
        })
        .collect()
}

#[test]
fn of_a_file_whose_dates_moved_by_a_row_nothing_is_sent_incident_3() {
    for (api, endpoint, questions) in [("rest", "by_national_id", 100), ("fhir", "status_query", 1)]
    {
        let campaign = campaign();
        let file = fixture(MOVED_DOWN);
        let ended = upload(&campaign, api, &[file.to_str().unwrap()]);
        assert_eq!(ended.code, 65, "{}", ended.stderr);
        let looks = "of 100 known patients have a different date of birth at PKB: it looks as if the column";
        assert!(ended.stderr.contains(looks), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("moved down by a row"),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("Nothing was sent."),
            "{}",
            ended.stderr
        );
        assert!(ended.stdout.is_empty());
        assert_eq!(
            (calls(&campaign, "upload"), calls(&campaign, endpoint)),
            (0, questions)
        );
    }
}

/// The fixture with what `change` makes of the addresses of all rows, in their order.
fn with_addresses(change: impl FnOnce(&mut [(String, String)])) -> String {
    let text = text(KNOWN);
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let column = |name: &str| header.split(',').position(|cell| cell == name).unwrap();
    let (line, postcode) = (column("Address 1"), column("Post code"));
    let mut rows: Vec<Vec<String>> = lines
        .map(|row| row.split(',').map(str::to_owned).collect())
        .collect();
    let mut addresses: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row[line].clone(), row[postcode].clone()))
        .collect();
    change(&mut addresses);
    for (row, address) in rows.iter_mut().zip(addresses) {
        (row[line], row[postcode]) = address;
    }
    let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

#[test]
fn of_a_file_with_the_house_numbers_of_the_rows_above_nothing_is_sent() {
    let campaign = campaign();
    let file = with_addresses(|addresses| {
        let number = |line: &str| line.split_once(' ').unwrap().0.to_owned();
        let mut numbers: Vec<String> = addresses.iter().map(|(line, _)| number(line)).collect();
        numbers.rotate_right(1);
        for ((line, _), number) in addresses.iter_mut().zip(numbers) {
            *line = format!("{number} {}", line.split_once(' ').unwrap().1);
        }
    });
    campaign.write("p.csv", file);
    let ended = upload(&campaign, "rest", &["p.csv"]);
    assert_eq!((ended.code, calls(&campaign, "upload")), (65, 0));
    let told = "the column house number moved down by a row";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn a_mass_change_of_addresses_is_sent_only_if_the_operator_says_that_it_is_one() {
    let campaign = campaign();
    let file = with_addresses(|addresses| {
        for (at, (line, postcode)) in addresses.iter_mut().enumerate() {
            (*line, *postcode) = (format!("{} New Street", at + 1), "TS1 3BA".to_owned());
        }
    });
    campaign.write("p.csv", file);
    let ended = upload(&campaign, "rest", &["p.csv"]);
    assert_eq!((ended.code, calls(&campaign, "upload")), (65, 0));
    let told = "100 of 100 known patients have a different address at PKB";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let way = "--max-address-changes 100%";
    assert!(ended.stderr.contains(way), "{}", ended.stderr);
    let sent = upload(
        &campaign,
        "rest",
        &["p.csv", "--max-address-changes", "100%"],
    );
    assert_eq!(sent.code, 0, "{}", sent.stderr);
}

#[test]
fn where_fhir_is_asked_a_sample_is_asked_by_rest_for_names_and_addresses() {
    let campaign = campaign();
    campaign.write(
        "p.csv",
        with_addresses(|addresses| addresses.rotate_right(1)),
    );
    let ended = upload(&campaign, "fhir", &["p.csv"]);
    assert_eq!((ended.code, calls(&campaign, "upload")), (65, 0));
    assert_eq!(calls(&campaign, "by_national_id"), 51);
    let told = "51 of a sample of 51 known patients have a different address at PKB: it looks as if the columns address and \
                postcode moved down by a row";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn where_rest_tells_nothing_the_summary_says_that_names_were_not_compared() {
    let campaign = campaign();
    let arguments = [
        fixture(KNOWN).to_str().unwrap().to_owned(),
        "--user-path=/none/{number}/{type}".to_owned(),
    ];
    let ended = upload(&campaign, "fhir", &arguments.each_ref().map(String::as_str));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let told = "Names and addresses were not compared";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn a_patient_file_that_was_uploaded_first_is_compared_with_as_any_other() {
    let campaign = Campaign::start(World::default());
    let first = upload(&campaign, "rest", &[fixture(KNOWN).to_str().unwrap()]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(
        first
            .records()
            .iter()
            .all(|record| record["upload"]["compared"] == "new")
    );
    let second = upload(&campaign, "fhir", &[fixture(MOVED_DOWN).to_str().unwrap()]);
    assert_eq!(second.code, 65, "{}", second.stderr);
    assert_eq!(calls(&campaign, "upload"), 1);
}

#[test]
fn one_different_date_of_birth_stops_its_row_and_no_other() {
    for api in ["rest", "fhir"] {
        let campaign = campaign();
        campaign.write("p.csv", with_cell(51, 4, "01/02/1903"));
        let ended = upload(&campaign, api, &["p.csv"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let records = ended.records();
        let mismatch = (51, "upload".to_owned(), "identity_mismatch".to_owned());
        assert_eq!(stopped(&records), [mismatch]);
        let sent = records
            .iter()
            .filter(|record| record["upload"]["state"] == "sent");
        assert_eq!(sent.count(), 99);
        let number = records[49]["patient"]["national_id"]["value"]
            .as_str()
            .unwrap();
        let at_pkb = campaign.sandbox.patient(number).unwrap();
        assert_eq!(at_pkb.updates, 0);
        assert_ne!(at_pkb.date_of_birth.unwrap().to_string(), "1903-02-01");
        // The stages after it hand the row on.
        let resolved = campaign.stage("pkb-resolve", &["--rate", "0"], &ended.stdout);
        assert_eq!(stopped(&resolved.records()), stopped(&records));
    }
}

#[test]
fn only_a_row_that_is_corrected_after_a_mismatch_is_asked_about_again() {
    let campaign = campaign();
    let arguments = ["p.csv", "--journal", "u.journal", "--output", "u.ndjson"];
    campaign.write("p.csv", with_cell(51, 4, "01/02/1903"));
    assert_eq!(upload(&campaign, "rest", &arguments).code, 0);
    assert_eq!(calls(&campaign, "by_national_id"), 100);
    // PKB is asked again about the row that was not uploaded: its record may be corrected.
    let same = upload(&campaign, "rest", &arguments);
    assert_eq!((same.code, calls(&campaign, "by_national_id")), (0, 101));
    campaign.write("p.csv", text(KNOWN));
    let corrected = upload(&campaign, "rest", &arguments);
    assert_eq!(corrected.code, 0, "{}", corrected.stderr);
    assert_eq!(
        (
            calls(&campaign, "by_national_id"),
            calls(&campaign, "upload")
        ),
        (102, 2)
    );
    let records = crate::harness::records(&campaign.read("u.ndjson"));
    assert!(
        records
            .iter()
            .all(|record| record["upload"]["compared"] == "known")
    );
    let before = campaign.read("u.ndjson");
    assert_eq!(upload(&campaign, "rest", &arguments).code, 0);
    assert_eq!(calls(&campaign, "by_national_id"), 102);
    assert!(
        before == campaign.read("u.ndjson"),
        "the same journal, and other bytes"
    );
}

#[test]
fn names_that_moved_by_a_row_are_seen_over_rest_incident_3() {
    let campaign = campaign();
    let rows = text(KNOWN);
    let rows: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
    for columns in [&[2][..], &[3], &[2, 3], &[5, 9]] {
        let moved: Vec<String> = (0..rows.len())
            .map(|at| {
                let mut cells = rows[at].clone();
                if at > 0 {
                    let above = if at == 1 { rows.len() - 1 } else { at - 1 };
                    for column in columns {
                        cells[*column] = rows[above][*column];
                    }
                }
                cells.join(",")
            })
            .collect();
        campaign.write("p.csv", moved.join("\n"));
        let ended = upload(&campaign, "rest", &["p.csv"]);
        assert_eq!(ended.code, 65, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("moved down by a row"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(calls(&campaign, "upload"), 0);
}

#[test]
fn a_fault_in_the_last_batch_stops_the_first() {
    let campaign = campaign();
    let known = text(KNOWN);
    let moved = text(MOVED_DOWN);
    let lines = known.lines().take(91).chain(moved.lines().skip(91));
    campaign.write("p.csv", lines.collect::<Vec<_>>().join("\n"));
    let ended = upload(&campaign, "fhir", &["p.csv", "--batch-rows", "10"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(calls(&campaign, "upload"), 0);
    assert!(
        ended.stderr.contains("10 of 100 known patients"),
        "{}",
        ended.stderr
    );
    // Whoever has looked at them may send the others.
    let ended = upload(
        &campaign,
        "fhir",
        &["p.csv", "--batch-rows", "10", "--max-mismatches", "20"],
    );
    assert_eq!(
        (ended.code, stopped(&ended.records()).len()),
        (0, 10),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_is_uploaded_of_known_patients_is_said_and_can_be_chosen_incident_17() {
    let moved_house = |rows: &str| {
        let lines = rows.lines().enumerate().map(|(at, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if at % 10 == 1 {
                (cells[5], cells[9]) = ("1 Elsewhere Street", "TS1 3BA");
            }
            if at % 25 == 2 {
                cells[3] = "Newname";
            }
            cells.join(",")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for (known, state, updates, words) in [
        (
            "full",
            "sent",
            1,
            "10    of them: the address changes at PKB",
        ),
        (
            "minimal",
            "sent",
            1,
            "10    of them: the address differs at PKB, and stays",
        ),
        ("skip", "known", 0, "not uploaded (--known skip)"),
    ] {
        let campaign = campaign();
        campaign.write("p.csv", moved_house(&text(KNOWN)));
        let arguments = ["p.csv", "--known", known, "--journal", "u.journal"];
        let ended = upload(&campaign, "rest", &arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{known}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("4    of them: the name"),
            "{known}: {}",
            ended.stderr
        );
        let records = ended.records();
        assert!(
            records
                .iter()
                .all(|record| record["upload"]["state"] == state),
            "{known}"
        );
        assert_eq!(records[0]["upload"].get("batch").is_some(), known != "skip");
        let at_pkb = campaign.sandbox.patient("9997000005").unwrap();
        assert_eq!(at_pkb.updates, updates, "{known}");
        // They go on, whatever was uploaded of them.
        let resolved = campaign.stage("pkb-resolve", &["--rate", "0"], &ended.stdout);
        let found = resolved
            .records()
            .iter()
            .filter(|r| r["pkb"].is_object())
            .count();
        let expected = if known == "full" || known == "minimal" {
            100
        } else {
            96
        };
        assert_eq!(found, expected, "{known}: {}", resolved.stderr);
        // The journal has what was done.
        let again = upload(&campaign, "rest", &arguments);
        assert_eq!(again.stdout, ended.stdout, "{known}");
        assert_eq!(calls(&campaign, "upload"), usize::from(known != "skip"));
    }
}

#[test]
fn without_the_comparison_the_summary_and_the_report_say_so() {
    let campaign = campaign();
    let file = fixture(MOVED_DOWN);
    let arguments = [
        file.to_str().unwrap(),
        "--no-compare",
        "--output",
        "u.ndjson",
    ];
    let ended = upload(
        &campaign,
        "rest",
        &[&arguments[..], &["--summary", "s.json"]].concat(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(calls(&campaign, "by_national_id"), 0);
    assert_eq!(
        ended
            .stderr
            .matches("not compared with PKB (--no-compare)")
            .count(),
        2
    );
    let summary: Value = serde_json::from_slice(&campaign.read("s.json")).unwrap();
    assert!(
        summary["notes"][0]
            .as_str()
            .unwrap()
            .contains("--no-compare")
    );
    let report = campaign.stage(
        "pkb",
        &["report", "--in", "u.ndjson", "--out", "r.html"],
        b"",
    );
    assert_eq!(report.code, 0, "{}", report.stderr);
    let page = String::from_utf8(campaign.read("r.html")).unwrap();
    assert!(page.contains("100 patients were uploaded without a comparison with PKB."));
}

#[test]
fn batches_for_upload_by_hand_are_compared_and_refused_without_settings() {
    let campaign = campaign();
    let file = fixture(MOVED_DOWN);
    let arguments = [file.to_str().unwrap(), "--batches", "for-pkb"];
    let ended = upload(&campaign, "fhir", &arguments);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(!campaign.path("for-pkb/batch-0001.csv").exists());
    let by_hand = |more: &[&str]| {
        let mut command = campaign.command("pkb-upload");
        command.args(arguments).args(more);
        for name in [
            "PKB_BASE_URL",
            "PKB_TOKEN_URL",
            "PKB_CLIENT_ID",
            "PKB_CLIENT_SECRET",
        ] {
            command.env_remove(name);
        }
        run(&mut command, b"")
    };
    let ended = by_hand(&[]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for part in [
        "PKB_BASE_URL, PKB_TOKEN_URL and PKB_CLIENT_ID",
        "--no-compare",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert_eq!(by_hand(&["--no-compare"]).code, 0);
    assert!(campaign.path("for-pkb/batch-0001.csv").exists());
}

#[test]
fn a_client_that_may_not_read_is_told_what_to_ask_for() {
    for (api, status) in [("rest", 403), ("rest", 401), ("fhir", 403)] {
        let endpoint = if api == "rest" {
            "by_national_id"
        } else {
            "status_query"
        };
        let rule = format!(
            r#"{{"rules":[{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{{"status":{status}}}}}]}}"#
        );
        let campaign = with(Config {
            faults: Faults::from_json(&rule).unwrap(),
            ..Config::default()
        });
        let file = fixture(KNOWN);
        let ended = upload(&campaign, api, &[file.to_str().unwrap()]);
        assert_eq!(ended.code, 77, "{api} {status}: {}", ended.stderr);
        for part in [
            "PKB does not let this client",
            "read access",
            "--no-compare",
        ] {
            assert!(
                ended.stderr.contains(part),
                "{api} {status}: {}",
                ended.stderr
            );
        }
        assert_eq!(calls(&campaign, "upload"), 0);
        assert_eq!(
            upload(&campaign, api, &[file.to_str().unwrap(), "--no-compare"]).code,
            0
        );
    }
}

#[test]
fn a_patient_that_pkb_does_not_show_gets_the_mandatory_columns_only() {
    let mut world = World::of_patient_file(text(KNOWN).as_bytes()).unwrap();
    let mut hidden = world.get("9997000005").unwrap().clone();
    hidden.no_access = true;
    world = world.with(hidden);
    let campaign = Campaign::start(world);
    campaign.write("p.csv", with_cell(2, 4, "01/02/1903"));
    let ended = upload(&campaign, "rest", &["p.csv"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.records()[0]["upload"]["compared"], "no_access");
    let at_pkb = campaign.sandbox.patient("9997000005").unwrap();
    assert_eq!(at_pkb.updates, 1);
    assert_eq!(at_pkb.date_of_birth.unwrap().to_string(), "1941-03-16");
    let words =
        "1  known to PKB, which does not show them: only the mandatory columns are uploaded";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_pkb_that_is_down_is_tried_again_later_and_nothing_is_sent() {
    for (api, endpoint) in [("rest", "by_national_id"), ("fhir", "status_query")] {
        let rule = format!(
            r#"{{"rules":[{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{{"status":503}}}}]}}"#
        );
        let campaign = with(Config {
            faults: Faults::from_json(&rule).unwrap(),
            ..Config::default()
        });
        let file = fixture(KNOWN);
        let arguments = [
            file.to_str().unwrap(),
            "--give-up-after",
            "1",
            "--attempts",
            "3",
        ];
        let ended = upload(&campaign, api, &arguments);
        assert_eq!(ended.code, 75, "{api}: {}", ended.stderr);
        assert_eq!(calls(&campaign, "upload"), 0);
    }
}

#[test]
fn a_run_that_is_killed_while_it_compares_goes_on_where_it_was() {
    // However late it is killed, it cannot have come to its end.
    let stuck = r#"{"rules":[{"endpoint":"by_national_id","when":{"from":361},"fault":"hang"}]}"#;
    let campaign = Campaign::with(Config {
        faults: Faults::from_json(stuck).unwrap(),
        ..Config::default()
    });
    campaign.write("p.csv", synthetic_csv(480, 4));
    let arguments = [
        "p.csv",
        "--journal",
        "u.journal",
        "--output",
        "u.ndjson",
        "--rate",
        "0",
    ];
    let mut command = campaign.command("pkb-upload");
    let mut child = command
        .args(arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let noted = || std::fs::read_to_string(campaign.path("u.journal")).unwrap_or_default();
    while noted().matches("\"compared\"").count() < 3 {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it never noted anything"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(calls(&campaign, "upload"), 0);
    campaign.sandbox.set_faults(Faults::default());
    let ended = upload(&campaign, "rest", &arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut times = BTreeMap::new();
    for entry in campaign.sandbox.ledger() {
        if entry.endpoint == "by_national_id" {
            *times.entry(entry.patient.unwrap()).or_insert(0) += 1;
        }
    }
    assert_eq!(times.len(), 480);
    // Three parts of 100 were noted.
    let again = times.values().filter(|times| **times > 1).count();
    assert!(again <= 180, "{again} of 480 were asked about again");
    assert_eq!(campaign.sandbox.count_patients(), 480);
}

#[test]
fn a_file_that_was_refused_is_refused_again_by_the_same_command() {
    let campaign = campaign();
    let rows = text(KNOWN);
    let rows: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
    // First names alone: no row is a mismatch by itself, so each is noted as one that may be sent.
    let moved: Vec<String> = (0..rows.len())
        .map(|at| {
            let mut cells = rows[at].clone();
            if at > 1 {
                cells[2] = rows[at - 1][2];
            }
            cells.join(",")
        })
        .collect();
    campaign.write("p.csv", moved.join("\n"));
    for _ in 0..3 {
        let ended = upload(&campaign, "rest", &["p.csv", "--journal", "u.journal"]);
        assert_eq!(ended.code, 65, "{}", ended.stderr);
    }
    assert_eq!(
        (
            calls(&campaign, "by_national_id"),
            calls(&campaign, "upload")
        ),
        (100, 0)
    );
}

#[test]
fn a_check_compares_if_it_is_asked_to_and_lists_the_rows() {
    let campaign = campaign();
    campaign.write("p.csv", with_cell(51, 4, "01/02/1903"));
    let ended = upload(&campaign, "rest", &["check", "p.csv"]);
    assert_eq!(
        (ended.code, calls(&campaign, "by_national_id")),
        (0, 0),
        "{}",
        ended.stderr
    );
    for api in ["rest", "fhir"] {
        let arguments = ["check", "p.csv", "--compare", "--problems", "problems.csv"];
        let ended = upload(&campaign, api, &arguments);
        let text = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.code, 65, "{text}{}", ended.stderr);
        let words = "1  different at PKB, so not uploaded (identity_mismatch): row 51";
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("1903"));
        let problems = String::from_utf8(campaign.read("problems.csv")).unwrap();
        assert!(problems.contains("51,,not uploaded,PKB has a different date of birth"));
    }
    let file = fixture(MOVED_DOWN);
    let ended = upload(
        &campaign,
        "fhir",
        &["check", file.to_str().unwrap(), "--compare"],
    );
    let text = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 65);
    assert!(
        text.contains("An upload of this file would stop before anything is sent."),
        "{text}"
    );
}
