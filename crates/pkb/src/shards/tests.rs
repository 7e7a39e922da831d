use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::*;
use pkb_core::Fatal;

/// A record of a patient, or of a row that is none.
fn line(file: &str, number: u64, of: u64, patient: Option<usize>) -> String {
    let numbers = [
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000042",
        "9990000050",
        "9990000069",
        "9990000077",
        "9990000085",
    ];
    let patient = patient.map_or_else(String::new, |at| {
        format!(
            r#","patient":{{"national_id":{{"type":"NHS_NUMBER","value":"{}"}},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-05-01"}}"#,
            numbers[at % numbers.len()]
        )
    });
    format!(
        r#"{{"schema":"pkb-record/1","row":{{"file":"{file}","number":{number},"of":{of}}}{patient}, "mine":1.50}}"#
    )
}

fn stream(file: &str, patients: &[Option<usize>]) -> Vec<String> {
    let of = patients.len() as u64;
    (2..)
        .zip(patients)
        .map(|(number, patient)| line(file, number, of, *patient))
        .collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn count(shards: u16) -> NonZeroU16 {
    NonZeroU16::new(shards).unwrap()
}

fn paths(folder: &Path, shards: u16) -> Vec<PathBuf> {
    (1..=shards)
        .map(|shard| folder.join(split::file_name(shard, count(shards))))
        .collect()
}

fn split_into(folder: &Path, lines: &[String], shards: u16) -> Vec<PathBuf> {
    split::split(text(lines).as_bytes(), count(shards), folder, false).unwrap();
    paths(folder, shards)
}

fn merged(parts: &[PathBuf], folder: &Path) -> String {
    let whole = merge::prove(parts, false).unwrap();
    let path = folder.join("merged.ndjson");
    whole.write(&path, false, |_| Ok(())).unwrap();
    fs::read_to_string(path).unwrap()
}

fn refusal(parts: &[PathBuf]) -> String {
    match merge::prove(parts, false) {
        Err(Fatal::Input(text)) => text,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn the_shards_of_a_stream_merged_are_the_stream_and_no_other_set_of_them_is(
        patients in prop::collection::vec(prop::option::of(0_usize..8), 1..60),
        shards in 1_u16..9,
        chosen in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let lines = stream("a.csv", &patients);
        let mut parts = split_into(&folder.path().join("shards"), &lines, shards);
        // The order in which the parts are given does not matter.
        let by = chosen.index(parts.len());
        parts.rotate_left(by);
        prop_assert_eq!(merged(&parts, folder.path()), text(&lines));

        let full: Vec<PathBuf> =
            parts.iter().filter(|part| part.metadata().unwrap().len() > 0).cloned().collect();
        let one = chosen.get(&full).clone();
        let without: Vec<PathBuf> = parts.iter().filter(|part| **part != one).cloned().collect();
        let expected = if full.len() == 1 { "no row" } else { "missing" };
        prop_assert!(without.is_empty() || refusal(&without).contains(expected));
        parts.push(one);
        prop_assert!(refusal(&parts).contains("came twice"));
    }

    #[test]
    fn a_patient_falls_into_the_same_shard_from_whatever_row(
        patient in 0_usize..8, rows in (2_u64..900, 2_u64..900), shards in 1_u16..=MAX_SHARDS,
    ) {
        let shard = |file: &str, row| {
            let record = serde_json::from_str(&line(file, row, 999, Some(patient))).unwrap();
            shard_of(&record, count(shards))
        };
        prop_assert_eq!(shard("a.csv", rows.0), shard("b.csv", rows.1));
        prop_assert!(shard("a.csv", rows.0) < shards);
    }
}

#[test]
fn the_division_is_the_same_in_every_version_of_this_program() {
    // Journals of campaigns that are under way depend on it: these numbers may not change.
    let shard = |patient| {
        let record = serde_json::from_str(&line("a.csv", 2, 9, patient)).unwrap();
        shard_of(&record, count(8))
    };
    let found: Vec<u16> = (0..8).map(Some).chain([None]).map(shard).collect();
    assert_eq!(found, [6, 2, 7, 5, 4, 0, 5, 0, 7]);
}

#[test]
fn all_shards_are_there_also_empty_ones_and_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let lines = stream("a.csv", &[Some(1), Some(1), Some(1)]);
    let parts = split_into(&folder.path().join("shards"), &lines, 12);
    assert_eq!(parts[2].file_name().unwrap(), "03-of-12.ndjson");
    for part in &parts {
        assert_eq!(part.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let full = parts
        .iter()
        .filter(|part| part.metadata().unwrap().len() > 0);
    assert_eq!(full.count(), 1, "all rows of a patient are in one shard");
    assert_eq!(merged(&parts, folder.path()), text(&lines));
}

#[test]
fn a_stream_that_ended_early_is_not_split_unless_that_is_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let lines = stream("a.csv", &[Some(1), Some(2), Some(3)]);
    let input = text(&lines[..2]);
    let error = split::split(input.as_bytes(), count(2), folder.path(), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input ended early: 2 of 3 rows of a.csv arrived. Nothing was split. Run the same command again with the whole \
         input, or add --partial if rows are missing on purpose"
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    split::split(input.as_bytes(), count(2), folder.path(), true).unwrap();
    let parts = paths(folder.path(), 2);
    assert!(
        refusal(&parts)
            .ends_with("a.csv: 1 of 3 rows are missing: row 4. Add the shard that has them")
    );
    assert_eq!(merge::prove(&parts, true).unwrap().rows(), 2);
}

#[test]
fn a_campaign_keeps_its_number_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    let lines = stream("a.csv", &[Some(1), Some(2)]);
    split_into(folder.path(), &lines, 3);
    split_into(folder.path(), &lines, 3);
    let other = split::split(text(&lines).as_bytes(), count(4), folder.path(), false);
    assert!(matches!(other, Err(Fatal::Usage(text)) if text.contains("already has 3 shards")));
}

#[test]
fn files_follow_each_other_as_they_did_whichever_shard_has_them_first() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, lines: &[String]| {
        let path = folder.path().join(name);
        fs::write(&path, text(lines)).unwrap();
        path
    };
    let row = |file: &str, number| line(file, number, 2, Some(1));
    // The first part has only the last file, the second begins with another than the third.
    let parts = [
        write("1", &[row("c.csv", 2)]),
        write("2", &[row("b.csv", 2), row("c.csv", 3)]),
        write("3", &[row("z.csv", 2), row("z.csv", 3), row("b.csv", 3)]),
    ];
    let expected = [
        ("z.csv", 2),
        ("z.csv", 3),
        ("b.csv", 2),
        ("b.csv", 3),
        ("c.csv", 2),
        ("c.csv", 3),
    ]
    .map(|(file, number)| row(file, number));
    assert_eq!(merged(&parts, folder.path()), text(&expected));
}

#[test]
fn a_part_in_the_order_of_its_letters_is_merged_in_that_of_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lines = stream("a.csv", &[Some(1), Some(2), None, Some(3), Some(4)]);
    let write = |name: &str, lines: &[&String]| {
        let path = folder.path().join(name);
        let lines: Vec<String> = lines.iter().map(|line| (*line).clone()).collect();
        fs::write(&path, text(&lines)).unwrap();
        path
    };
    let parts = [
        write("1", &[&lines[4], &lines[0], &lines[2]]),
        write("2", &[&lines[1], &lines[3]]),
    ];
    assert_eq!(merged(&parts, folder.path()), text(&lines));
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_without_values() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let row = |file: &str, number, of| line(file, number, of, Some(1));
    let parts = [
        write(
            "1",
            &text(&[row("a.csv", 2, 9), row("a.csv", 4, 9), row("b.csv", 2, 1)]),
        ),
        write("2", &text(&[row("a.csv", 4, 9), row("a.csv", 12, 9)])),
        write("3", &text(&[row("b.csv", 3, 2)])),
    ];
    let found = refusal(&parts);
    for part in [
        "2: row 4 of a.csv came twice. Give each shard once",
        "a.csv: 6 of 9 rows are missing: among rows 3, 5, 6, 7, 8 and 3 more. Add the shard that has them",
        "is from a different patient file",
    ] {
        assert!(found.contains(part), "{found}");
    }
    let broken = [write("4", &text(&[row("a.csv", 2, 9)])[..80])];
    assert!(
        refusal(&broken).contains("4: line 1 is not a complete JSON object: the input ends here")
    );
    assert!(refusal(&[write("5", "")]).ends_with("the parts have no rows"));
    let missing = merge::prove(&[folder.path().join("6")], false).unwrap_err();
    assert!(missing.to_string().ends_with("6: no such file"));
}
