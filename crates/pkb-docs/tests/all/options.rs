//! Options that the guide names are options of our programs: those in their pinned help.

use regex::Regex;

use crate::{root, written_pages};

/// Options of other people's programs and of ours that have no pinned help, and why they are named.
const OTHERS: &[(&str, &str)] = &[
    ("--locked", "cargo"),
    ("--path", "cargo"),
    ("--release", "cargo"),
    ("--manifest-path", "cargo"),
    ("--workspace", "cargo"),
    ("--test", "cargo"),
    ("--profile", "Snakemake, and ours"),
    ("--default-resources", "Snakemake"),
    ("--config", "Snakemake"),
    ("--world", "pkb-sandbox"),
    ("--count", "pkb-sandbox"),
    ("--requests", "pkb-sandbox"),
    ("--responses", "pkb-sandbox"),
    ("--patients", "pkb-sandbox, and ours"),
    ("--deaths", "pkb-sandbox"),
    ("--superseded", "pkb-sandbox"),
    ("--moved", "pkb-sandbox"),
    ("--delivery", "pkb-sandbox"),
    ("--lose", "pkb-sandbox"),
    ("--double", "pkb-sandbox"),
    ("--return", "pkb-sandbox"),
    ("--again", "scripts/package"),
    ("--write", "scripts/bench"),
    ("--rounds", "scripts/bench"),
    ("--no-separate", "the switch that sets a setting aside"),
    ("--no-", "the beginning of such switches"),
    ("--sensitive", "pkb-sandbox"),
];

#[test]
fn every_option_that_a_page_names_is_one_of_a_program() {
    let mut helps = String::new();
    for file in std::fs::read_dir(root().join("crates/pkb-e2e/tests/cmd/help")).unwrap() {
        helps.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let option = Regex::new(r"(?:^|[\s`'(|])(--[a-z][a-z-]*)").unwrap();
    let known: Vec<&str> = option
        .captures_iter(&helps)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let mut unknown = String::new();
    for page in written_pages() {
        for (at, line) in page.text.lines().enumerate() {
            let is_known = |name: &str| {
                known.contains(&name) || OTHERS.iter().any(|(other, _)| *other == name)
            };
            let names = option
                .captures_iter(line)
                .map(|found| found.get(1).unwrap().as_str());
            for name in names.filter(|name| !is_known(name)) {
                unknown.push_str(&format!("\n{}, line {}: {name}", page.path, at + 1));
            }
        }
    }
    assert!(unknown.is_empty(), "no program has these options:{unknown}");
}
