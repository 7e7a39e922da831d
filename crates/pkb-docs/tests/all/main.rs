//! The guide and the README: every page is found, every link leads somewhere, and the words are those that people read easily. What is made from
//! the code, and the commands, are checked in `pkb-e2e/tests/all/guide`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod form;
mod links;
mod markdown;
mod messages;
mod options;
mod promises;
mod words;

use std::path::{Path, PathBuf};

use markdown::Page;

/// Root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The folder of the guide's pages, from the root.
const BOOK: &str = "crates/pkb-docs/book";

/// All pages of the guide, and the README. The page of contents is not among them.
fn pages() -> Vec<Page> {
    let mut pages = vec![Page::read(&root(), "README.md")];
    for folder in std::fs::read_dir(root().join(BOOK)).unwrap() {
        let folder = folder.unwrap();
        if !folder.file_type().unwrap().is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "md") {
                let path = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                pages.push(Page::read(&root(), &path));
            }
        }
    }
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    pages
}

/// The pages that people write. Those below `reference/` are made from the code, whose words have a test of their own.
fn written_pages() -> Vec<Page> {
    let mut pages = pages();
    pages.retain(|page| !page.path.starts_with(&format!("{BOOK}/reference/")));
    pages
}
