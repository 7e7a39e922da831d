//! Commands of the guide that no test can run, each with the reason.

use super::{
    blocks::{Block, blocks},
    page, paths,
};

/// Single lines of blocks that are run otherwise: what the test does in their place.
const LINES: [(&str, &str); 3] = [
    (
        "target/debug/pkb-sandbox serve",
        "the local PKB is running already, on a port of its own",
    ),
    (
        "eval \"$(target/debug/pkb-sandbox env)\"",
        "its settings are set",
    ),
    ("kill %1", "the test stops its PKB itself"),
];

/// Blocks that are not run: the page, words of the block, and why.
const BLOCKS: [(&str, &str, &str); 17] = [
    (
        "README.md",
        "scripts/demo",
        "scripts/demo is run by the test of the demo, scripts/test is what runs this",
    ),
    (
        "start/try-it.md",
        "scripts/demo",
        "it is run by the test of the demo",
    ),
    (
        "campaign/settings.md",
        "pkb doctor\npkb-upload patients.csv |",
        "it needs the pkb.toml of a real campaign",
    ),
    (
        "campaign/run.md",
        "--exclude opt-outs.csv",
        "options of a command, with lists that an organisation has",
    ),
    (
        "campaign/run.md",
        "pkb-letters: 2000 rows in",
        "it is output",
    ),
    (
        "campaign/text-messages.md",
        "((first name))",
        "placeholders, no commands",
    ),
    (
        "campaign/patient-file.md",
        "national_id number_type",
        "names, no commands",
    ),
    (
        "campaign/data-for-a-mail-company.md",
        "--encrypt-to company.asc",
        "it needs the key of a mail company",
    ),
    (
        "campaign/data-for-a-mail-company.md",
        "sftp",
        "it needs the server of a mail company",
    ),
    (
        "campaign/returns.md",
        "status.csv --manifest",
        "it needs the report of a mail company; the local one's is read below it",
    ),
    (
        "campaign/registrations-and-reminders.md",
        "\"uptake\"",
        "a piece of a record",
    ),
    (
        "campaign/close.md",
        "age-keygen",
        "it needs age; scripts/check-seal runs it",
    ),
    (
        "large/make.md",
        "git clone",
        "it clones and builds; scripts/test-batches runs the rest",
    ),
    (
        "large/cluster.md",
        "snakemake",
        "it needs a cluster; scripts/test-slurm runs it",
    ),
    ("developers/map.md", "mdbook", "it needs mdbook"),
    (
        "developers/map.md",
        "PKB_WRITE_DOCS",
        "it would rewrite the pages",
    ),
    (
        "developers/results.md",
        "scripts/bench",
        "it measures for hours",
    ),
];

/// Whether a test does something else in the place of a line.
pub fn is_line_of_another(command: &str) -> bool {
    LINES.iter().any(|(line, _)| command.starts_with(line))
}

#[test]
fn every_block_that_is_not_run_has_a_reason_and_no_reason_is_left_over() {
    let mut used = [false; BLOCKS.len()];
    for path in paths() {
        let text = page(path);
        for block in blocks(&text).iter().filter(|block| is_not_run(block)) {
            let code = block.lines.join("\n");
            let known = BLOCKS
                .iter()
                .position(|(page, words, _)| *page == path && code.contains(words));
            let Some(known) = known else {
                panic!(
                    "{path}, line {}: this block is not run, and has no reason in not_run.rs:\n{code}",
                    block.line
                );
            };
            used[known] = true;
        }
    }
    let unused = BLOCKS
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(block, _)| block);
    let unused: Vec<_> = unused.collect();
    assert!(unused.is_empty(), "no such blocks: {unused:?}");
}

#[test]
fn every_line_that_is_run_otherwise_is_in_the_readme() {
    let readme = page("README.md");
    for (line, _) in LINES {
        assert!(readme.contains(line), "{line}");
    }
}

fn is_not_run(block: &Block) -> bool {
    let is_settings = block.language == "toml" || block.language == "json";
    block.language != "sh" && !is_settings && block.comment != "is in the output"
}
