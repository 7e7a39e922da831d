//! The fixtures keep what their README promises: shape, numbers, and at least one row for each way to end.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use pkb_sandbox::World;
use pkb_synthetic::{generate, nhs_number};

/// `stage kind reason` of every way to end that the fixtures must show.
const ENDS: &[&str] = &[
    "upload rejected missing_national_id",
    "upload rejected bad_national_id",
    "upload rejected missing_name",
    "upload rejected bad_name",
    "upload rejected missing_date_of_birth",
    "upload rejected bad_date_of_birth",
    "upload rejected duplicate_patient",
    "upload rejected ragged_row",
    "resolve excluded not_found",
    "resolve excluded deceased",
    "resolve excluded no_access",
    "resolve excluded identity_mismatch",
    "resolve excluded no_date_of_birth",
    "resolve excluded under_age",
    "tokens excluded no_access",
    "letters rejected unmailable",
    "letters failed missing_glyph",
    "letters delivered ",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

fn rows(name: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(fixture(name))
        .unwrap();
    reader.records().map(Result::unwrap).collect()
}

/// Row number -> `stage kind reason`.
fn expected() -> HashMap<usize, String> {
    let rows = rows("expected.csv");
    assert_eq!(rows[0], vec!["row", "stage", "kind", "reason"]);
    rows[1..]
        .iter()
        .map(|row| {
            (
                row[0].parse().unwrap(),
                format!("{} {} {}", &row[1], &row[2], &row[3]),
            )
        })
        .collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn every_row_has_an_expected_end_and_every_end_has_a_row() {
    let patients = rows("patients.csv");
    let expected = expected();
    assert_eq!(patients[0], generate::COLUMNS.to_vec());
    let numbers: HashSet<usize> = (2..=patients.len()).collect();
    assert_eq!(expected.keys().copied().collect::<HashSet<_>>(), numbers);
    let ends: HashSet<&str> = expected.values().map(String::as_str).collect();
    assert_eq!(ends, ENDS.iter().copied().collect());
}

#[test]
fn rows_are_ragged_and_numbers_wrong_only_where_that_is_the_point() {
    let expected = expected();
    let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, row) in rows("patients.csv").iter().enumerate().skip(1) {
        let end = &expected[&(index + 1)];
        let is = |reason: &str| end.ends_with(reason);
        assert_eq!(row.len() != generate::COLUMNS.len(), is("ragged_row"));
        assert_eq!(row[0].trim().is_empty(), is("missing_national_id"));
        let number = digits(&row[0]);
        let plain = row[0]
            .chars()
            .all(|letter| letter.is_ascii_digit() || " -".contains(letter));
        let wrong = is("missing_national_id") || is("bad_national_id");
        assert_eq!(!(plain && nhs_number::is_valid(&number)), wrong);
        if !wrong {
            assert!(number.starts_with("999") || index == 1);
            seen.entry(number).or_default().push(index + 1);
        }
    }
    for rows in seen.into_values() {
        let twice = rows.len() > 1;
        assert!(
            rows.iter()
                .all(|row| expected[row].ends_with("duplicate_patient") == twice)
        );
    }
}

#[test]
fn the_world_is_about_rows_that_get_as_far_as_pkb() {
    let world = World::read(&fixture("world.json")).unwrap();
    let expected = expected();
    let mut known = 0;
    for (index, row) in rows("patients.csv").iter().enumerate().skip(1) {
        if world.get(&digits(&row[0])).is_some() {
            known += 1;
            assert!(!expected[&(index + 1)].starts_with("upload"));
        }
    }
    assert_eq!(known, world.len());
}

#[test]
fn the_readme_says_what_each_row_is_there_for() {
    let readme = std::fs::read_to_string(fixture("README.md")).unwrap();
    for row in 2..=rows("patients.csv").len() {
        assert!(
            readme.contains(&format!("\n| {row} | ")),
            "row {row} is not explained"
        );
    }
}

#[test]
fn row_2_is_the_patient_of_the_guide_and_the_lines_end_as_promised() {
    let text = std::fs::read_to_string(fixture("patients.csv")).unwrap();
    let guide = "5760678914,Mr,Read,Richards,2000-09-15,1 Main Street,,Newcastle,,NE1 1XC,07700 900123,,en,M";
    assert_eq!(text.lines().nth(1), Some(guide));
    assert!(!text.contains('\r') && !text.starts_with('\u{feff}') && text.ends_with('\n'));
}
