//! The pages below `reference/`, made from the code.

mod commands;
mod schema;
mod settings;
mod tables;

use std::fmt::Write as _;

use super::page;
use crate::harness::root;

/// The line under the heading of each page.
const MADE: &str =
    "<!-- Made from the code: PKB_WRITE_DOCS=1 cargo test --workspace --test all guide -->";

/// A page: heading, introduction, contents.
fn made(heading: &str, introduction: &str, contents: &str) -> String {
    format!(
        "{MADE}\n# {heading}\n\n{introduction}\n\n{}\n",
        contents.trim()
    )
}

/// Compares a page with what the code says. With PKB_WRITE_DOCS=1 in the environment it is written.
fn check(path: &str, made: &str) {
    if std::env::var_os("PKB_WRITE_DOCS").is_some() {
        std::fs::write(root().join("crates/pkb-docs/book").join(path), made).unwrap();
        return;
    }
    assert!(
        page(path) == made,
        "{path} is stale: PKB_WRITE_DOCS=1 cargo test --workspace --test all guide"
    );
}

/// A table of Markdown.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(N));
    for row in rows {
        writeln!(text, "| {} |", row.map(|cell| in_a_cell(&cell)).join(" | ")).unwrap();
    }
    text
}

/// Text that does not end its cell.
fn in_a_cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split('`').enumerate();
    // Within code a bar is escaped as well, or it would end the cell.
    parts
        .map(|(at, part)| {
            format!(
                "{}{}",
                if at == 0 { "" } else { "`" },
                part.replace('|', "\\|")
            )
        })
        .collect()
}
