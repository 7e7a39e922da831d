//! What the guide says is what the programs do: its commands run, its tables are those of the code, its messages are those that are printed.
//! After a change of the code, the pages below `reference/` are rewritten by
//!
//!     PKB_WRITE_DOCS=1 cargo test --workspace --test all guide

mod blocks;
mod campaigns;
mod commands;
mod help;
mod not_run;
mod reference;

use crate::harness::root;

/// A page of the guide, by its path below `book/`, or the README.
pub fn page(path: &str) -> String {
    let folder = root().join("crates/pkb-docs/book");
    let path = match path {
        "README.md" => root().join(path),
        path => folder.join(path),
    };
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The paths of all pages that have commands: those of the guide, and the README. Pages that are made from the code have none of their own.
fn paths() -> Vec<&'static str> {
    let topics = pkb_docs::SECTIONS.iter().flat_map(|section| section.topics);
    let written = topics
        .map(|topic| topic.path)
        .filter(|path| !path.starts_with("reference/"));
    std::iter::once("README.md").chain(written).collect()
}
