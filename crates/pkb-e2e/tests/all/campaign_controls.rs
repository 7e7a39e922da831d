//! How a campaign is steered: waves, letters to staff, and variants of a letter.

use std::collections::{BTreeMap, BTreeSet};

use pkb_sandbox::Config;
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, synthetic_csv};

const PATIENTS: usize = 40;

fn campaign() -> Campaign {
    let campaign = Campaign::with(Config::default());
    campaign.write("patients.csv", synthetic_csv(PATIENTS, 17));
    campaign
}

/// A line of shell on a day of November, with FHIR.
fn shell(campaign: &Campaign, day: u8, line: &str) -> Ended {
    let line = format!(
        "export PKB_FIXED_TIME=2026-11-{day}T09:00:00Z PKB_FHIR_URL={} PKB_ORG_ID={}; {line}",
        campaign.sandbox.fhir_url(),
        pkb_sandbox::ORG_ID
    );
    campaign.shell(&line)
}

fn ran(campaign: &Campaign, day: u8, line: &str) -> Ended {
    let ended = shell(campaign, day, line);
    assert!(
        matches!(ended.code, 0 | 65),
        "{line}: {} {}",
        ended.code,
        ended.stderr
    );
    ended
}

/// Rows with a letter.
fn invited(campaign: &Campaign, name: &str) -> BTreeSet<u64> {
    let all = records(&campaign.read(name)).into_iter();
    all.filter(|record| record["deliveries"].is_array())
        .map(|record| record["row"]["number"].as_u64().unwrap())
        .collect()
}

#[test]
fn each_working_day_the_same_pipeline_invites_a_further_wave_and_nobody_twice() {
    let campaign = campaign();
    ran(
        &campaign,
        22,
        "pkb-upload patients.csv --rate 0 --output u.ndjson",
    );
    let line = "pkb-resolve u.ndjson --per-day 10 --first-day 2026-11-23 --rate 0 --journal r.journal | \
                pkb-tokens --rate 0 --journal t.journal | pkb-letters --out print --output delivered.ndjson --replace";
    let mut before = BTreeSet::new();
    // Monday to Thursday; on Wednesday nobody was at work.
    for (day, waves) in [(23, 1), (24, 2), (26, 4), (27, 4)] {
        ran(&campaign, day, line);
        let now = invited(&campaign, "delivered.ndjson");
        assert!(before.is_subset(&now));
        assert!(
            now.len() >= 4 * waves && now.len() <= 18 * waves,
            "{day}: {}",
            now.len()
        );
        before = now;
    }
    let last = records(&campaign.read("delivered.ndjson"));
    let is_waiting = |record: &Value| record["outcome"]["reason"] == "not_due";
    assert!(!last.iter().any(is_waiting));
    assert!(before.len() > 30, "{}", before.len());
    let verified = ran(&campaign, 27, "pkb verify print delivered.ndjson");
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}

#[test]
fn staff_get_letters_as_patients_do_and_no_count_has_them() {
    let campaign = campaign();
    campaign.write(
        "staff.csv",
        "first_name,last_name,address_1,address_2,postcode\nAnn,Example,1 Main Street,Newcastle,NE1 1AA\nBob,Example,2 Main Street,Newcastle,NE1 1AA\n",
    );
    ran(
        &campaign,
        22,
        "pkb-upload patients.csv --rate 0 --output u.ndjson && pkb-resolve u.ndjson --rate 0 --output r.ndjson; \
         pkb-tokens r.ndjson --rate 0 --output t.ndjson",
    );
    let made = ran(
        &campaign,
        22,
        "pkb-letters t.ndjson --seeds staff.csv --out print --output delivered.ndjson",
    );
    assert!(
        made.stderr.contains("40 rows in, 40 rows out"),
        "{}",
        made.stderr
    );
    // The same command again makes nothing more.
    ran(
        &campaign,
        22,
        "pkb-letters t.ndjson --seeds staff.csv --out print --output delivered.ndjson",
    );
    let all = records(&campaign.read("delivered.ndjson"));
    let seeds: Vec<&Value> = all.iter().filter(|record| record["seed"] == true).collect();
    assert_eq!((all.len(), seeds.len()), (PATIENTS + 2, 2));
    assert!(
        seeds
            .iter()
            .all(|seed| seed["deliveries"][0]["channel"] == "letter")
    );
    let manifest: Value =
        serde_json::from_slice(&campaign.read("print/rehearsal-manifest.json")).unwrap();
    let letters = manifest["letters"].as_array().unwrap();
    assert_eq!(
        letters
            .iter()
            .filter(|letter| letter["seed"] == true)
            .count(),
        2
    );
    let verified = ran(&campaign, 22, "pkb verify print delivered.ndjson");
    assert_eq!(verified.code, 0, "{}", verified.stderr);

    // Nothing is asked about them, and nothing of them is reported.
    campaign.sandbox.reset_ledger();
    ran(
        &campaign,
        29,
        "pkb-resolve --recheck delivered.ndjson --rate 0 --output rechecked.ndjson",
    );
    let numbers: BTreeSet<&str> = seeds
        .iter()
        .map(|seed| seed["patient"]["national_id"]["value"].as_str().unwrap())
        .collect();
    let asked = campaign
        .sandbox
        .ledger()
        .into_iter()
        .filter_map(|call| call.patient);
    assert!(
        asked
            .into_iter()
            .all(|patient| !numbers.contains(patient.as_str()))
    );
    assert_eq!(
        records(&campaign.read("rechecked.ndjson")).len(),
        PATIENTS + 2
    );
    ran(
        &campaign,
        29,
        "pkb report --in rechecked.ndjson --out report.html --json report.json",
    );
    let report = String::from_utf8(campaign.read("report.json")).unwrap();
    assert!(!report.contains("staff.csv"), "{report}");
}

#[test]
fn what_is_no_list_of_staff_is_refused_before_anything_is_made() {
    let campaign = campaign();
    campaign.write("staff.csv", "name,address\nCanary Example,1 Main Street\n");
    let ended = shell(
        &campaign,
        22,
        "pkb-letters --seeds staff.csv --out print < /dev/null",
    );
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("first_name, last_name, address_1"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("Canary"), "{}", ended.stderr);
}

#[test]
fn two_variants_of_a_letter_go_to_halves_and_the_report_compares_them() {
    let campaign = campaign();
    ran(
        &campaign,
        22,
        "pkb-upload patients.csv --rate 0 --output u.ndjson && pkb-resolve u.ndjson --rate 0 --output r.ndjson; \
         pkb-tokens r.ndjson --rate 0 --output t.ndjson; pkb split t.ndjson --variants plain,warm --out variants",
    );
    for (series, name) in [(1, "plain"), (2, "warm")] {
        let line = format!(
            "pkb-letters variants/{name}.ndjson --partial --series {series} --out print/{name} --output delivered/{name}.ndjson"
        );
        ran(&campaign, 22, &format!("mkdir -p print delivered; {line}"));
    }
    ran(
        &campaign,
        22,
        "pkb merge delivered/plain.ndjson delivered/warm.ndjson --output delivered.ndjson",
    );
    let all = records(&campaign.read("delivered.ndjson"));
    let mut variants = BTreeMap::new();
    for record in &all {
        *variants
            .entry(record["variant"].as_str().unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(all.len(), PATIENTS);
    assert!(
        variants.values().all(|count| (12..=28).contains(count)),
        "{variants:?}"
    );
    // Another split of the same stream gives nobody the other letter.
    let again = shell(
        &campaign,
        22,
        "pkb split delivered.ndjson --variants warm,plain --out again",
    );
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(
        records(&campaign.read("again/warm.ndjson")).len(),
        variants["warm"]
    );
    let other = shell(
        &campaign,
        22,
        "pkb split delivered.ndjson --variants a,b --out other",
    );
    assert_eq!(other.code, 2, "{}", other.stderr);

    for record in all
        .iter()
        .filter(|record| record["variant"] == "warm" && record["deliveries"].is_array())
        .take(5)
    {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let codes = &record["invitation"];
        let born = text(&record["patient"]["date_of_birth"]);
        assert_eq!(
            campaign.join(&text(&codes["code"]), &text(&codes["token"]), &born),
            200
        );
    }
    ran(
        &campaign,
        29,
        "pkb-resolve --recheck delivered.ndjson --rate 0 --output rechecked.ndjson; \
         pkb report --in rechecked.ndjson --out report.html --csv tables",
    );
    let table = String::from_utf8(campaign.read("tables/uptake_variants.csv")).unwrap();
    let warm = table
        .lines()
        .find(|line| line.starts_with("warm,"))
        .unwrap();
    assert!(warm.contains(",5,") && warm.contains("% to "), "{table}");
}
