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
    let is_about_the_file = |line: &&str| !line.contains("can read this file. Run: chmod 600");
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
        .filter(|name| {
            ![".py", ".md", ".toml"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    names.sort();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let mut arguments = vec!["check", name.as_str()];
        match name.as_str() {
            "workbook.xlsx" => arguments.extend(["--sheet", "Patients"]),
            // One row of them has the month first.
            "dates.csv" => arguments.extend(["--dates", "day-first"]),
            _ => {}
        }
        let report = pkb_upload(&arguments);
        assert!(!report.contains("Canary"), "{report}");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name.clone(), report);
        });
    }
}

#[test]
fn the_command_that_a_refusal_advises_reads_the_file() {
    for (name, option) in [
        ("title-above-header.csv", "--header-row 5"),
        ("title-above-header-semicolon.csv", "--header-row 2"),
        ("title-in-many-cells.csv", "--header-row 3"),
        ("cp850.csv", "--encoding cp850"),
        ("cp437.csv", "--encoding cp850"),
        ("mac-roman.csv", "--encoding mac-roman"),
        ("iso-8859-14.csv", "--encoding iso-8859-14"),
        ("dates-month-first.csv", "--dates month-first"),
        ("dates-mixed.csv", "--dates month-first"),
        ("dates-one-month-first.csv", "--dates month-first"),
    ] {
        let refused = pkb_upload(&["check", name]);
        let command = format!("pkb-upload check {name} {option}");
        assert!(refused.contains(&command), "{refused}");
        assert!(refused.contains("exit code 65"), "{refused}");
        let arguments: Vec<&str> = ["check", name]
            .into_iter()
            .chain(option.split(' '))
            .collect();
        let report = pkb_upload(&arguments);
        assert!(report.contains("can be uploaded"), "{report}");
        if name != "dates-mixed.csv" {
            assert!(report.contains("exit code 0"), "{report}");
        }
    }
}

/// The numbers of a report: rows, good rows, rejected rows.
fn figures(report: &str) -> [u64; 3] {
    ["rows", "can be uploaded", "rejected"].map(|words| {
        let line = report
            .lines()
            .find(|line| line.trim_end().ends_with(&format!("  {words}")));
        line.map_or(0, |line| {
            line.split_whitespace().next().unwrap().parse().unwrap()
        })
    })
}

#[test]
fn the_last_rows_are_counted_however_the_file_ends_incidents_8_and_9() {
    let folder = tempfile::tempdir().unwrap();
    let header = "NHS number,First name,Last name,Date of birth";
    let good = "9990000026,Ann,Lee,1990-01-01\n9990000034,Bob,Ray,1990-01-01\n";
    // Each of the last three is wrong in another way; the last has no line end.
    let bad = "9990000042,,Ray,1990-01-01\n9990000050,Cy\n9990000069,Di,Ray,31/02/1990";
    let problems = folder.path().join("problems.csv");
    for (at, end) in [
        "",
        "\n",
        "\r",
        "\u{1a}",
        "\n\u{1a}",
        "\n\n\u{1a}\u{1a}\n",
        "\n,,,\n",
        "\n \n\n",
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{at}.csv"));
        std::fs::write(&path, format!("{header}\n{good}{bad}{end}")).unwrap();
        let report = pkb_upload(&[
            "check",
            path.to_str().unwrap(),
            "--problems",
            problems.to_str().unwrap(),
        ]);
        let [rows, good, rejected] = figures(&report);
        assert_eq!(rows, 5, "{end:?} {report}");
        assert_eq!(good + rejected, rows, "{end:?} {report}");
        let table = std::fs::read_to_string(&problems).unwrap();
        assert!(
            table.lines().any(|line| line.starts_with("6,")),
            "{end:?} {table}"
        );
        assert!(
            !table.lines().any(|line| line.starts_with("7,")),
            "{end:?} {table}"
        );
    }
}

#[test]
fn formulas_are_inert_in_the_table_of_problems_incident_12() {
    let folder = tempfile::tempdir().unwrap();
    let [patients, mapping, problems] = ["p.csv", "map.toml", "problems.csv"].map(|name| {
        let path = folder.path().join(name);
        path.to_str().unwrap().to_owned()
    });
    let rows = "NHS number,First name,Last name,Date of birth,@SUM(1)\n\
                9990000026,Ann,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",1990-01-01,07700 900123\n\
                9990000034,Bob,Ray,1990-01-01,=1+1\n";
    std::fs::write(&patients, rows).unwrap();
    std::fs::write(&mapping, "[columns]\nmobile = \"@SUM(1)\"\n").unwrap();
    let report = pkb_upload(&[
        "check",
        &patients,
        "--map",
        &mapping,
        "--problems",
        &problems,
        "--show-values",
    ]);
    assert_eq!(figures(&report), [2, 1, 1], "{report}");
    let table = std::fs::read_to_string(&problems).unwrap();
    assert!(
        table.contains("\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
        "{table}"
    );
    assert!(table.contains(",'@SUM(1),"), "{table}");
    assert!(table.contains(",'=1+1"), "{table}");
    // No cell begins like a formula.
    for begin in ["\n", ",", "\""] {
        for sign in ["=", "@", "+", "-"] {
            let cell = format!("{begin}{sign}");
            assert!(!table.contains(&cell), "{cell:?}: {table}");
        }
    }
}

#[test]
fn the_columns_of_a_file_are_shown_without_its_values() {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        for (name, arguments) in [
            ("columns of other-headers.csv", ["columns", "other-headers.csv"]),
            ("columns of missing-column.csv", ["columns", "missing-column.csv"]),
            ("columns of no-header.csv", ["columns", "no-header.csv"]),
            ("columns of title-above-header.csv", ["columns", "title-above-header.csv"]),
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
