//! A campaign in parts: split after the upload, worked on apart, merged at the end. What make and Snakemake do with it
//! is tested by `scripts/test-batches`.

use std::collections::BTreeSet;

use pkb_sandbox::Config;
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, synthetic_csv};

const SHARDS: [&str; 3] = ["01-of-03", "02-of-03", "03-of-03"];

/// Uploaded and split, and one more shard that is empty.
fn split_campaign(rows: usize) -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write(
        "patients.csv",
        with_a_shared_mobile(&synthetic_csv(rows, 11)),
    );
    ends_well(
        &campaign,
        "pkb-upload patients.csv --output uploaded.ndjson",
    );
    ends_well(
        &campaign,
        "pkb split uploaded.ndjson --shards 3 --out shards",
    );
    campaign.write("shards/empty.ndjson", "");
    for folder in ["resolved", "invited", "delivered"] {
        std::fs::create_dir(campaign.path(folder)).unwrap();
    }
    campaign
}

/// Every other patient has the same mobile.
fn with_a_shared_mobile(patients: &[u8]) -> Vec<u8> {
    let mut reader = csv::Reader::from_reader(patients);
    let header = reader.headers().unwrap().clone();
    let mobile = header.iter().position(|name| name == "Mobile").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for (at, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let cells = row.iter().enumerate();
        let shared = |(column, cell)| match column == mobile && at % 2 == 0 {
            true => "07700 900123",
            false => cell,
        };
        writer.write_record(cells.map(shared)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn ends_well(campaign: &Campaign, line: &str) -> Ended {
    let ended = campaign.shell(line);
    assert!(matches!(ended.code, 0 | 65), "{line}: {}", ended.stderr);
    ended
}

fn stages(campaign: &Campaign, shard: &str, series: u16) {
    for line in [
        format!(
            "pkb-resolve shards/{shard}.ndjson --partial --rate 0 --output resolved/{shard}.ndjson"
        ),
        format!(
            "pkb-tokens resolved/{shard}.ndjson --partial --rate 0 --output invited/{shard}.ndjson"
        ),
        letters(shard, series),
    ] {
        ends_well(campaign, &line);
    }
}

fn letters(shard: &str, series: u16) -> String {
    format!(
        "pkb-letters invited/{shard}.ndjson --partial --series {series} --channel letter,sms --out print/{shard} \
         --journal {shard}.journal --output delivered/{shard}.ndjson"
    )
}

/// The whole campaign, with the empty shard.
fn merged_campaign(rows: usize) -> Campaign {
    let campaign = split_campaign(rows);
    for (series, shard) in (1..).zip(SHARDS.into_iter().chain(["empty"])) {
        stages(&campaign, shard, series);
    }
    let merged = campaign.shell(
        "pkb merge delivered/* --output delivered.ndjson --shared-mobiles shared-mobiles.csv",
    );
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    campaign
}

#[test]
fn shards_merged_are_the_records_of_the_plain_pipeline_but_for_the_places_of_the_letters() {
    let campaign = merged_campaign(40);
    ends_well(
        &campaign,
        "pkb-resolve uploaded.ndjson --rate 0 | pkb-tokens --rate 0 | pkb-letters --channel letter,sms --out whole > whole.ndjson",
    );
    let without_places = |name: &str| {
        let mut found = records(&campaign.read(name));
        for record in &mut found {
            let deliveries = record.get_mut("deliveries").and_then(Value::as_array_mut);
            for delivery in deliveries.into_iter().flatten() {
                for place in ["file", "pages", "sequence"] {
                    delivery.as_object_mut().unwrap().remove(place);
                }
            }
        }
        found
    };
    assert_eq!(
        without_places("whole.ndjson"),
        without_places("delivered.ndjson")
    );

    // Patients of different shards share mobiles, too.
    let shared = String::from_utf8(campaign.read("shared-mobiles.csv")).unwrap();
    assert_eq!(
        campaign.read("whole/rehearsal-sms-shared-mobiles.csv"),
        shared.as_bytes()
    );
    assert!(shared.lines().count() > 5, "{shared}");

    let delivered = records(&campaign.read("delivered.ndjson"));
    let numbers: Vec<u64> = delivered
        .iter()
        .filter_map(|record| record["deliveries"][0]["sequence"].as_u64())
        .collect();
    assert!(numbers.len() > 10);
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
    assert!(
        numbers
            .iter()
            .all(|number| (1_000_001..4_000_000).contains(number))
    );
}

#[test]
fn all_shards_are_verified_at_once_and_letters_of_a_lost_one_are_missed() {
    let campaign = merged_campaign(30);
    for records in ["delivered.ndjson", "- < delivered.ndjson"] {
        let verified = campaign.shell(&format!("pkb verify print {records}"));
        let said = String::from_utf8(verified.stdout).unwrap();
        assert_eq!(verified.code, 0, "{said}");
        assert!(said.contains("letters in 3 files"), "{said}");
    }
    // The records that pkb-letters read do not know their letters; the manifests do.
    let merged = campaign.shell("pkb merge invited/* --output invited.ndjson");
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(campaign.shell("pkb verify print invited.ndjson").code, 0);

    std::fs::rename(campaign.path("print/02-of-03"), campaign.path("lost")).unwrap();
    let verified = campaign.shell("pkb verify print delivered.ndjson");
    let said = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.code, 65, "{said}");
    assert!(said.contains("the letter is not in the manifest"), "{said}");

    // Twice the same names.
    let copied = campaign.shell("cp -r lost print/02-of-03 && cp -r lost print/04-of-03 && pkb verify print delivered.ndjson");
    let said = String::from_utf8(copied.stdout).unwrap();
    assert_eq!(copied.code, 65, "{said}");
    assert!(
        said.contains("two folders have letters of this name"),
        "{said}"
    );
}

#[test]
fn a_shard_that_is_missing_or_given_twice_is_refused_and_nothing_is_written() {
    let campaign = split_campaign(30);
    for (line, words) in [
        (
            "pkb merge shards/01* shards/03* --output all.ndjson",
            "of 30 rows are missing: row",
        ),
        (
            "pkb merge shards/0* shards/02* --output all.ndjson",
            "came twice. Give each shard once",
        ),
        (
            "pkb merge shards/01* shards/03* --check",
            "Add the shard that has them",
        ),
        (
            "pkb merge shards/empty.ndjson --check",
            "the parts have no rows",
        ),
    ] {
        let refused = campaign.shell(line);
        assert_eq!(refused.code, 66, "{line}: {}", refused.stderr);
        assert!(refused.stderr.contains(words), "{line}: {}", refused.stderr);
        assert!(!campaign.path("all.ndjson").exists());
    }
    let merged = campaign.shell("pkb merge shards/* --output all.ndjson");
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert!(campaign.read("all.ndjson") == campaign.read("uploaded.ndjson"));
    let other = campaign.shell("pkb split uploaded.ndjson --shards 4 --out shards");
    assert_eq!(other.code, 2, "{}", other.stderr);
}

#[test]
fn the_journal_of_another_shard_or_without_its_series_is_refused() {
    let campaign = split_campaign(20);
    stages(&campaign, SHARDS[0], 1);
    for wrong in [
        letters(SHARDS[0], 2),
        letters(SHARDS[0], 1).replace("--series 1", ""),
    ] {
        let refused = campaign.shell(&wrong);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("use --series 1 as before"),
            "{}",
            refused.stderr
        );
    }
    let before = campaign.read("delivered/01-of-03.ndjson");
    // Where locks hold, it does not matter that one machine is said to be alone.
    let alone = format!("PKB_ONE_MACHINE=1 {}", letters(SHARDS[0], 1));
    ends_well(&campaign, &alone);
    assert!(before == campaign.read("delivered/01-of-03.ndjson"));
    for name in [
        "rehearsal-letters-01-0001.pdf",
        "rehearsal-sms-01-0001.csv",
        "rehearsal-manifest.csv",
    ] {
        assert!(
            campaign.path("print/01-of-03").join(name).exists(),
            "{name}"
        );
    }
}

#[test]
fn shards_that_are_sorted_by_postcode_are_merged_in_the_order_of_the_rows() {
    let campaign = split_campaign(30);
    for (series, shard) in (1..).zip(SHARDS) {
        ends_well(
            &campaign,
            &format!(
                "pkb-resolve shards/{shard}.ndjson --partial --rate 0 | pkb-tokens --partial --rate 0 > invited/{shard}.ndjson"
            ),
        );
        ends_well(
            &campaign,
            &format!("{} --sort postcode", letters(shard, series)),
        );
    }
    let merged = campaign.shell("pkb merge delivered/* --output delivered.ndjson");
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    let numbers: Vec<u64> = records(&campaign.read("delivered.ndjson"))
        .iter()
        .map(|record| record["row"]["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.is_sorted() && numbers.len() == 30);
    assert_eq!(campaign.shell("pkb verify print delivered.ndjson").code, 0);
}
