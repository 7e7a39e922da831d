//! What the README says is what the programs do.

use pkb_core::{ExitCode, Reason};

use crate::harness::root;

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

#[test]
fn the_readme_lists_every_exit_code_as_the_programs_have_it() {
    let readme = readme();
    for (code, words) in ExitCode::TABLE {
        let row = format!("| {} | {words} |", code.code());
        assert!(readme.contains(&row), "the README lacks: {row}");
    }
}

#[test]
fn the_readme_lists_every_reason_with_its_kind_and_advice() {
    let readme = readme();
    for reason in Reason::ALL {
        let row = format!(
            "| `{}` | {} | {} |",
            reason.as_str(),
            reason.kind().as_str(),
            reason.advice()
        );
        assert!(readme.contains(&row), "the README lacks: {row}");
    }
}
