//! The messages that the pages of trouble quote are those that the programs print. What is said of PKB is compared with what the programs do in
//! `pkb-e2e/tests/all/faults`.

use std::path::Path;

use crate::{BOOK, markdown::Page, root};

const PAGES: [&str; 3] = ["start-here", "notify", "make-and-slurm"];

/// Headings of the columns that quote.
const QUOTING: [&str; 2] = ["what you see", "the message speaks of"];

#[test]
fn every_message_that_the_pages_of_trouble_quote_is_printed_by_a_program() {
    let sources = printed(&root());
    let mut unknown = String::new();
    let mut count = 0;
    for name in PAGES {
        let page = Page::read(&root(), &format!("{BOOK}/trouble/{name}.md"));
        let mut column = None;
        for (line, text) in page.lines() {
            let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
            if !text.starts_with('|') {
                column = None;
            } else if column.is_none() {
                column = cells.iter().position(|cell| QUOTING.contains(cell));
            } else if let Some(cell) = column.and_then(|column| cells.get(column)) {
                for message in cell
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .filter(|code| code.contains(' '))
                {
                    count += 1;
                    if !sources.contains(message) {
                        unknown.push_str(&format!("\n{name}.md, line {line}: {message}"));
                    }
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no program prints:{unknown}");
    assert!(count > 20, "only {count} messages");
}

/// All sources that print something, in one line: a text may go over several.
fn printed(root: &Path) -> String {
    let mut text = String::new();
    for script in ["scripts/campaign.mk", "scripts/step"] {
        text.push_str(&std::fs::read_to_string(root.join(script)).unwrap());
    }
    for krate in std::fs::read_dir(root.join("crates")).unwrap() {
        let sources = krate.unwrap().path().join("src");
        if sources.is_dir() {
            add(&sources, &mut text);
        }
    }
    text.replace("\\\n", " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn add(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
