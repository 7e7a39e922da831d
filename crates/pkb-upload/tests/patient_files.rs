//! What the operator is told about each of `fixtures/patient-files`: formats, encodings, headers and the
//! damage that patient files have. The expected reports stand in `snapshots/`; after a change on
//! purpose, look at what `INSTA_UPDATE=always cargo test -p pkb-upload --test patient_files` makes of
//! them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/patient-files")
}

fn pkb_upload(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pkb-upload"))
        .args(arguments)
        .current_dir(files())
        .env("PKB_FIXED_TIME", "2026-11-22T09:00:00Z")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    // Who can read the fixtures depends on where they have been checked out.
    let is_about_the_file = |line: &&str| !line.contains("can read it: chmod 600");
    let messages = String::from_utf8(output.stderr).unwrap();
    let messages: String = messages
        .split_inclusive('\n')
        .filter(is_about_the_file)
        .collect();
    format!(
        "$ pkb-upload {}\n{}{messages}exit code {}\n",
        arguments.join(" "),
        String::from_utf8(output.stdout).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn each_file_has_its_expected_report() {
    let mut names: Vec<String> = std::fs::read_dir(files())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".py") && !name.ends_with(".md"))
        .collect();
    names.sort();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let mut arguments = vec!["check", name.as_str()];
        if name == "workbook.xlsx" {
            arguments.extend(["--sheet", "Patients"]);
        }
        let report = pkb_upload(&arguments);
        assert!(!report.contains("Canary"), "{report}");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name.clone(), report);
        });
    }
}

#[test]
fn the_columns_of_a_file_are_shown_without_its_values() {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        for (name, arguments) in [
            ("columns of other-headers.csv", ["columns", "other-headers.csv"]),
            ("columns of missing-column.csv", ["columns", "missing-column.csv"]),
            ("columns of no-header.csv", ["columns", "no-header.csv"]),
        ] {
            let shown = pkb_upload(&arguments);
            assert!(!shown.contains("Canary"), "{shown}");
            insta::assert_snapshot!(name, shown);
        }
    });
}

#[test]
fn the_table_of_problems_opens_in_a_spreadsheet_and_masks_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("problems.csv");
    for (name, more) in [
        ("problems of telephones.csv", &[][..]),
        ("problems of telephones.csv with values", &["--show-values"]),
    ] {
        let arguments = [
            "check",
            "telephones.csv",
            "--problems",
            path.to_str().unwrap(),
        ];
        pkb_upload(&[&arguments, more].concat());
        let table = std::fs::read_to_string(&path).unwrap();
        assert!(table.starts_with('\u{feff}'));
        assert_eq!(table.contains("0191"), !more.is_empty());
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, table.trim_start_matches('\u{feff}').replace("\r\n", "\n"));
        });
    }
}
