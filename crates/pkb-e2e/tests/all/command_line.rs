//! What operators see: the help of every program, and what is said to the likeliest mistakes. Both are in `tests/cmd`, as at a terminal.
//! After a change that is meant, renew them, and read the difference:
//!
//!     TRYCMD=overwrite cargo test --workspace --test all command_line

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::harness::{NOW, programs, root};

const PROGRAMS: [&str; 6] = [
    "pkb-upload",
    "pkb-resolve",
    "pkb-tokens",
    "pkb-letters",
    "pkb-notify",
    "pkb",
];

/// Runs the cases with the programs, and with nothing from outside: they and the shell are behind scripts that see to it.
fn check(cases: &str) {
    let folder = tempfile::tempdir().unwrap();
    let programs = programs().display();
    let tests = trycmd::TestCases::new();
    for name in PROGRAMS.into_iter().chain(["sh"]) {
        let program = match name {
            "sh" => "/bin/sh".to_owned(),
            name => format!("{programs}/{name}"),
        };
        // The files of the mistakes come with the modes of a checkout; who may read them is another test's matter.
        let script = format!(
            "#!/bin/sh\numask 077\n[ ! -e empty.secret ] || chmod -R go= .\nexec env -i COLUMNS=100 PATH={programs}:/usr/bin:/bin PKB_FIXED_TIME={NOW} {program} \"$@\"\n"
        );
        let path = folder.path().join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        tests.register_bin(name, Path::new(&path));
    }
    tests.case(root().join("crates/pkb-e2e/tests/cmd").join(cases));
    tests.run();
}

#[test]
fn the_help_of_every_program_and_command_is_as_it_is_pinned() {
    check("help/*.trycmd");
}

#[test]
fn the_likeliest_mistakes_are_answered_with_what_is_wrong_and_what_to_do() {
    check("mistakes.trycmd");
}

/// A command that is not pinned would be found by nobody.
#[test]
fn every_command_has_its_help_pinned() {
    for program in PROGRAMS {
        let pinned = root().join(format!("crates/pkb-e2e/tests/cmd/help/{program}.trycmd"));
        let pinned = fs::read_to_string(pinned).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut man = std::process::Command::new(programs().join(program));
        assert!(
            man.arg("man")
                .arg(folder.path())
                .status()
                .unwrap()
                .success()
        );
        let pages: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(!pages.is_empty());
        for page in pages {
            let page = page.unwrap().file_name().into_string().unwrap();
            let command = page
                .trim_end_matches(".1")
                .strip_prefix(program)
                .unwrap()
                .replace('-', " ");
            let line = format!("\n$ {program}{command} --help\n");
            assert!(pinned.contains(&line), "{program}.trycmd lacks:{line}");
        }
    }
}
