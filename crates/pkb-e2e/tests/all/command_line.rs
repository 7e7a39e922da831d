//! What operators see: the help of every program, and what is said to the likeliest mistakes. Both are in `tests/cmd`, as at a terminal.
//! After a change that is meant, renew them, and read the difference:
//!
//!     TRYCMD=overwrite cargo test --workspace --test all command_line

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::harness::{NOW, PROGRAMS, programs, root};

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

/// The commands of a program with the program's own name: `pkb-notify sms send`.
fn commands_of(program: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut man = std::process::Command::new(programs().join(program));
    assert!(
        man.arg("man")
            .arg(folder.path())
            .status()
            .unwrap()
            .success()
    );
    let pages = fs::read_dir(folder.path()).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let words = |page: String| {
        let command = page.trim_end_matches(".1").strip_prefix(program).unwrap();
        format!("{program}{}", command.replace('-', " "))
    };
    let mut commands: Vec<String> = pages.map(words).collect();
    commands.sort();
    assert!(!commands.is_empty());
    commands
}

/// What people use daily is on one screen, each option on one line.
#[test]
fn the_short_help_of_every_command_fits_on_one_screen() {
    const LINES: usize = 60;
    for command in PROGRAMS.into_iter().flat_map(commands_of) {
        let mut words = command.split(' ');
        let mut run = std::process::Command::new(programs().join(words.next().unwrap()));
        let output = run
            .args(words)
            .arg("-h")
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let help = help.trim_end();
        assert!(help.contains("Usage:"), "{command}: {help}");
        assert!(
            help.lines().count() <= LINES,
            "{command}: {}",
            help.lines().count()
        );
        // What does not fit on its line goes on far to the right.
        let goes_on = |line: &&str| line.starts_with(&" ".repeat(20));
        assert_eq!(help.lines().find(goes_on), None, "{command}");
    }
}

/// A first word that is a command of a different program is answered with that program.
#[test]
fn the_commands_of_all_programs_are_known_to_each_other() {
    for (program, commands) in pkb_cli::settings::COMMANDS {
        let mut found: Vec<String> = commands_of(program)
            .into_iter()
            .filter_map(|command| command.split(' ').nth(1).map(str::to_owned))
            .filter(|command| command != "config")
            .collect();
        found.dedup();
        let mut known: Vec<String> = commands.iter().map(|&name| name.to_owned()).collect();
        known.sort();
        assert_eq!(found, known, "{program}");
    }
}

/// A command that is not pinned would be found by nobody.
#[test]
fn every_command_has_its_help_pinned() {
    for program in PROGRAMS {
        let pinned = root().join(format!("crates/pkb-e2e/tests/cmd/help/{program}.trycmd"));
        let pinned = fs::read_to_string(pinned).unwrap();
        for command in commands_of(program) {
            let line = format!("\n$ {command} --help\n");
            assert!(pinned.contains(&line), "{program}.trycmd lacks:{line}");
        }
    }
}
