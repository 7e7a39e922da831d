//! The demo is the first thing that anybody runs.

use std::process::Command;

use crate::harness::{programs, root};

#[test]
fn the_demo_runs_twice_in_a_row_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    // The programs of the tests: the demo's own build would take as long as all tests together.
    let profile = if programs().ends_with("release") {
        "release"
    } else {
        "dev"
    };
    for _ in 0..2 {
        let output = Command::new(root().join("scripts/demo"))
            .current_dir(folder.path())
            .env("PKB_DEMO_PROFILE", profile)
            // See `programs`.
            .env_remove("RUSTC_BOOTSTRAP")
            .env("PKB_DEMO_OUT", folder.path().join("out"))
            .output()
            .unwrap();
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{shown}");
        assert!(
            shown.contains("the local PKB now has the patient as registered"),
            "{shown}"
        );
        assert!(
            shown.contains("1 of 32 patients with an invitation have registered"),
            "{shown}"
        );
        assert!(
            folder
                .path()
                .join("out/print/rehearsal-letters-0001.pdf")
                .exists()
        );
    }
}
