//! Each promise of the README names a test that proves it.

use std::path::Path;

use crate::root;

#[test]
fn every_promise_of_the_readme_has_a_test_that_exists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, promises) = readme.split_once("\n## Promises\n").unwrap();
    let promises = promises.split("\n## ").next().unwrap();
    let tests = sources(&root().join("crates"));
    let mut count = 0;
    for row in promises.lines().filter(|line| line.ends_with("` |")) {
        let name = row.trim_end_matches("` |").rsplit('`').next().unwrap();
        assert!(
            tests.contains(&format!("#[test]\nfn {name}() {{")),
            "there is no test {name}"
        );
        count += 1;
    }
    assert!(count >= 12, "only {count} promises");
}

/// All sources of tests, without what they are indented by.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            source
                .lines()
                .for_each(|line| text.push_str(&format!("{}\n", line.trim())));
        }
    }
    text
}
