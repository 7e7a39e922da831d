//! PKB's pace: with default options there is one call at a time, whatever asks PKB. The sandbox refuses every other call, and its ledger
//! tells.

use std::process::Command;

use pkb_sandbox::{Config, Faults, ORG_ID};

use crate::harness::{Campaign, Ended, programs, root, run, synthetic_csv};

/// A PKB that wants one call at a time, and is not quick.
fn campaign(patients: usize) -> Campaign {
    let campaign = Campaign::with(Config {
        one_at_a_time: true,
        same_codes: true,
        ..Config::default()
    });
    slow(&campaign, 4);
    campaign.write("patients.csv", synthetic_csv(patients, 17));
    campaign
}

fn slow(campaign: &Campaign, milliseconds: u32) {
    let faults = format!(
        r#"{{"rules":[{{"endpoint":"any","when":{{"always":true}},"fault":{{"latency_ms":{{"fixed":{milliseconds}}}}}}}]}}"#
    );
    campaign
        .sandbox
        .set_faults(Faults::from_json(faults).unwrap());
}

/// A line of shell with the programs on the PATH and FHIR set up; `api` is PKB_API.
fn shell(campaign: &Campaign, api: &str, line: &str) -> Ended {
    let settings = campaign.command("pkb-upload");
    let settings = settings.get_envs();
    let mut shell = Command::new("/bin/sh");
    shell
        .current_dir(campaign.folder.path())
        .env_clear()
        .envs(settings.filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()))
        .env("PKB_API", api)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", ORG_ID)
        .args(["-c", line]);
    let ended = run(&mut shell, b"");
    assert!(matches!(ended.code, 0 | 65), "{line}: {}", ended.stderr);
    ended
}

fn calls(campaign: &Campaign, endpoint: &str) -> usize {
    let ledger = campaign.sandbox.ledger();
    let calls = ledger.iter().filter(|entry| entry.endpoint == endpoint);
    calls.count()
}

#[test]
fn no_stage_calls_pkb_while_another_call_is_in_hand() {
    for (api, asks) in [
        ("rest", &["by_national_id", "record_access_token"][..]),
        ("fhir", &["status_query", "generate_tokens"]),
    ] {
        let campaign = campaign(30);
        for line in [
            "pkb-upload check patients.csv --compare",
            "pkb-upload patients.csv --batch-rows 10 --output uploaded.ndjson",
            "pkb-resolve uploaded.ndjson --output resolved.ndjson",
            "pkb-tokens resolved.ndjson --output invited.ndjson",
            "pkb-letters invited.ndjson --out print --output delivered.ndjson",
            "pkb-resolve --recheck delivered.ndjson --output checked.ndjson",
            "pkb-resolve uploaded.ndjson --check-names --output named.ndjson",
        ] {
            shell(&campaign, api, line);
        }
        for endpoint in asks.iter().chain(&["upload", "status_query"]) {
            assert!(calls(&campaign, endpoint) > 0, "{api} {endpoint}");
        }
        assert_eq!(campaign.sandbox.offences(), 0, "{api}");
        // Whoever agrees on more gets more, which this PKB has not agreed to.
        if api == "rest" {
            let many =
                "pkb-resolve uploaded.ndjson --concurrency 8 --attempts 50 --output again.ndjson";
            shell(&campaign, api, many);
            assert!(campaign.sandbox.offences() > 0);
        }
    }
}

#[test]
fn the_stages_of_a_pipeline_take_turns() {
    for api in ["rest", "fhir"] {
        let campaign = campaign(30);
        let line = "pkb-upload patients.csv --batch-rows 5 | pkb-resolve --batch-rows 4 --linger 1ms | pkb-tokens --batch-rows 3 \
                    --linger 1ms | pkb-letters --out print --output delivered.ndjson";
        shell(&campaign, api, line);
        assert!(calls(&campaign, "upload") == 6, "{api}");
        assert_eq!(campaign.sandbox.offences(), 0, "{api}");
    }
}

#[test]
fn four_shards_of_make_take_turns_unless_more_is_agreed() {
    for (agreed, is_offended) in [("", false), ("CONCURRENCY = 4\n", true)] {
        let campaign = campaign(60);
        let include = root().join("scripts/campaign.mk");
        let makefile = format!(
            "SHARDS = 4\nRATE = 5000\n{agreed}RESOLVE_FLAGS = --attempts 50\nTOKENS_FLAGS = --attempts 50\ninclude {}\n",
            include.display()
        );
        campaign.write("Makefile", makefile);
        shell(&campaign, "rest", "make -j4 tokens");
        assert!(calls(&campaign, "record_access_token") >= 30);
        assert_eq!(campaign.sandbox.offences() > 0, is_offended, "{agreed}");
    }
}

#[test]
fn a_stage_says_how_many_calls_it_makes_and_after_the_first_how_long_they_take() {
    let campaign = campaign(40);
    slow(&campaign, 20);
    let before = |program: &str| {
        format!(
            "{program}: note: up to 40 calls to PKB, one for each patient. With --api fhir it takes 1 call\n"
        )
    };
    let after = |program: &str| {
        format!("{program}: note: asking PKB about 40 patients one by one takes about ")
    };
    for (program, line) in [
        ("pkb-upload", "pkb-upload check patients.csv --compare"),
        (
            "pkb-upload",
            "pkb-upload patients.csv --output uploaded.ndjson",
        ),
        (
            "pkb-resolve",
            "pkb-resolve uploaded.ndjson --registered-check off --output resolved.ndjson",
        ),
    ] {
        let said = shell(&campaign, "rest", line).stderr;
        let (first, then) = (said.find(&before(program)), said.find(&after(program)));
        assert!(first.is_some() && first < then, "{line}: {said}");
    }
    for line in [
        "pkb-resolve uploaded.ndjson --quiet --no-journal --output quiet.ndjson",
        "head -n 30 uploaded.ndjson | pkb-resolve --partial > part.ndjson",
        "pkb-resolve uploaded.ndjson --api fhir --output fhir.ndjson",
    ] {
        let said = shell(&campaign, "rest", line).stderr;
        assert!(!said.contains("calls to PKB"), "{line}: {said}");
    }
}

#[test]
fn a_request_names_no_more_patients_than_pkb_publishes() {
    let campaign = Campaign::with(Config {
        max_status_query: 10,
        max_invitation_tokens: 4,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(25, 5));
    for line in [
        "pkb-upload patients.csv --output uploaded.ndjson",
        "pkb-resolve uploaded.ndjson --output resolved.ndjson",
        "pkb-tokens resolved.ndjson --output invited.ndjson",
    ] {
        shell(&campaign, "fhir", line);
    }
    let ledger = campaign.sandbox.ledger();
    for (endpoint, most) in [("status_query", 10), ("generate_tokens", 4)] {
        let asked: Vec<_> = ledger.iter().filter(|it| it.endpoint == endpoint).collect();
        assert!(asked.len() > 2, "{endpoint}");
        for call in asked {
            assert!(call.status == Some(200) && call.identifiers <= Some(most));
        }
    }
    // Each stage reads a definition once, and not for a run that the journal answers.
    let definitions = calls(&campaign, "operation_definition");
    shell(
        &campaign,
        "fhir",
        "pkb-tokens resolved.ndjson --output invited.ndjson",
    );
    assert_eq!(calls(&campaign, "operation_definition"), definitions);
}

#[test]
fn last_names_are_compared_over_fhir_where_that_is_asked_for() {
    let campaign = Campaign::with(Config::default());
    campaign.write("patients.csv", synthetic_csv(12, 5));
    shell(
        &campaign,
        "fhir",
        "pkb-upload patients.csv --output uploaded.ndjson",
    );
    let uploaded = String::from_utf8(campaign.read("uploaded.ndjson")).unwrap();
    let first = uploaded.lines().next().unwrap();
    let record: serde_json::Value = serde_json::from_str(first).unwrap();
    let name = record["patient"]["last_name"].as_str().unwrap();
    let changed = first.replace(
        &format!("\"last_name\":\"{name}\""),
        "\"last_name\":\"Otherwise\"",
    );
    assert_ne!(first, changed);
    campaign.write("changed.ndjson", uploaded.replacen(first, &changed, 1));
    let reason = |file: &str| {
        let records = crate::harness::records(&campaign.read(file));
        records[0]["outcome"]["reason"].clone()
    };
    let without = shell(
        &campaign,
        "fhir",
        "pkb-resolve changed.ndjson --min-age 0 --journal journal --output resolved.ndjson",
    );
    assert!(
        without.stderr.contains("last names were not compared"),
        "{}",
        without.stderr
    );
    assert_eq!(reason("resolved.ndjson"), serde_json::Value::Null);
    // The same journal: an answer without the name is none.
    let line = "pkb-resolve changed.ndjson --min-age 0 --check-names --journal journal --output named.ndjson";
    let with = shell(&campaign, "fhir", line);
    assert!(
        !with.stderr.contains("last names were not compared"),
        "{}",
        with.stderr
    );
    assert_eq!(reason("named.ndjson"), "name_differs");
    assert_eq!(calls(&campaign, "patient_search"), 12);

    let faults = r#"{"rules":[{"endpoint":"patient_search","when":{"always":true},"fault":{"person":"another_person"}}]}"#;
    campaign
        .sandbox
        .set_faults(Faults::from_json(faults).unwrap());
    let mut command = campaign.command("pkb-resolve");
    command
        .args(["changed.ndjson", "--api", "fhir", "--check-names"])
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", ORG_ID);
    let wrong = run(&mut command, b"");
    assert_eq!(wrong.code, 76, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("a different patient"),
        "{}",
        wrong.stderr
    );
}
