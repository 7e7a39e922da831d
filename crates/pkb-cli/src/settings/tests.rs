use std::{ffi::OsString, fmt::Write as _, path::PathBuf};

use clap::{Parser, Subcommand};
use proptest::prelude::*;

use super::{EarlyExit, arguments};
use crate::args::{ONCE, PkbArgs, STREAM};
use pkb_files::nearest::nearest;

/// A program with an option of each kind.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Program {
    #[command(subcommand)]
    command: Option<Inner>,
    input: Option<PathBuf>,
    #[arg(long, required = true)]
    out: Option<PathBuf>,
    #[arg(long, help_heading = STREAM)]
    journal: Option<PathBuf>,
    #[arg(long, value_delimiter = ',', requires = "journal", help_heading = ONCE)]
    reissue: Vec<u64>,
    #[arg(long)]
    separate: bool,
    #[arg(long, conflicts_with = "separate", help_heading = ONCE)]
    proof: Option<u32>,
    #[arg(long, conflicts_with = "separate")]
    joined: bool,
    #[arg(long)]
    exclude: Vec<PathBuf>,
    #[arg(long, value_delimiter = ',')]
    template_id: Vec<String>,
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    min_days: u16,
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    #[command(flatten)]
    pkb: PkbArgs,
}

#[derive(Debug, Subcommand)]
enum Inner {
    Post {
        #[arg(long, default_value_t = 14, value_name = "DAYS")]
        min_days: u16,
        #[arg(long, help_heading = STREAM)]
        journal: Option<PathBuf>,
        #[arg(long, value_name = "OTHER")]
        prefix: Option<String>,
    },
}

/// The program with this settings file and these arguments.
fn run(file: &str, line: &[&str]) -> Result<Program, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(&path, file).unwrap();
    let mut all: Vec<OsString> = vec!["pkb-letters".into()];
    let (own, positional): (Vec<&str>, Vec<&str>) = match line.iter().position(|a| *a == "--") {
        Some(at) => (line[..at].to_vec(), line[at..].to_vec()),
        None => (line.to_vec(), Vec::new()),
    };
    all.extend(own.iter().map(OsString::from));
    all.extend(["--settings".into(), path.into_os_string()]);
    all.extend(positional.iter().map(OsString::from));
    arguments::<Program>("pkb-letters", all)
        .map(|settled| settled.args)
        .map_err(|early_exit| match early_exit {
            EarlyExit::Clap(error) => error.to_string(),
            EarlyExit::Print(text) | EarlyExit::Help(text) | EarlyExit::Usage(text) => text,
            EarlyExit::Stop(fatal) => fatal.to_string(),
        })
}

#[test]
fn what_the_file_says_holds_as_if_it_had_been_typed() {
    let file = "[letters]\nout = \"print\"\nseparate = true\nexclude = [\"a\", \"b\"]\ntemplate_id = \"x,y\"\nmin_days = 3\nprefix = \"\"\njoined = false\n[pkb]\nconcurrency = 5\n";
    let program = run(file, &["in.ndjson"]).unwrap();
    assert_eq!(
        program.out,
        Some("print".into()),
        "a required option may come from the file"
    );
    assert!(program.separate);
    assert_eq!(program.exclude, [PathBuf::from("a"), "b".into()]);
    assert_eq!(program.template_id, ["x", "y"]);
    assert_eq!((program.min_days, program.pkb.at_a_time()), (3, 5));
    assert_eq!(program.prefix.as_deref(), Some(""));
    assert_eq!(program.input, Some("in.ndjson".into()));
    let program = run(file, &["--", "--odd-name"]).unwrap();
    assert_eq!(
        (program.min_days, program.input),
        (3, Some("--odd-name".into()))
    );
}

#[test]
fn a_flag_takes_the_place_of_the_whole_setting_and_a_switch_off_sets_it_aside() {
    let file =
        "[letters]\nout = \"print\"\nseparate = true\nexclude = [\"a\", \"b\"]\nmin_days = 3\n";
    let program = run(
        file,
        &[
            "--exclude",
            "c",
            "--min-days=4",
            "--out",
            "x",
            "--no-separate",
        ],
    )
    .unwrap();
    assert_eq!(program.exclude, [PathBuf::from("c")]);
    assert_eq!((program.min_days, program.separate), (4, false));
    assert_eq!(program.out, Some("x".into()));
    let program = run(file, &["--no-min-days", "--no-exclude"]).unwrap();
    assert_eq!((program.min_days, program.exclude.len()), (14, 0));
    assert!(run(file, &["--no-out"]).unwrap_err().contains("--out"));
}

#[test]
fn an_option_that_needs_another_is_content_with_one_from_the_file() {
    let line = ["--out", "x", "--reissue", "2,3"];
    assert!(run("", &line).unwrap_err().contains("--journal"));
    let program = run("[letters]\njournal = \"j\"\n", &line).unwrap();
    assert_eq!(
        (program.journal, program.reissue),
        (Some("j".into()), vec![2, 3])
    );
}

#[test]
fn a_flag_wins_over_a_setting_that_does_not_go_with_it_and_two_settings_are_refused() {
    let file = "[letters]\nout = \"x\"\nseparate = true\n";
    let program = run(file, &["--proof", "1"]).unwrap();
    assert_eq!((program.proof, program.separate), (Some(1), false));
    let program = run("[letters]\nout = \"x\"\njoined = true\n", &["--separate"]).unwrap();
    assert_eq!((program.joined, program.separate), (false, true));
    let both = run(
        "[letters]\nout = \"x\"\nseparate = true\njoined = true\n",
        &[],
    )
    .unwrap_err();
    assert!(
        both.contains("--joined is set in")
            && both.contains("line 4. To leave it out: --no-joined"),
        "{both}"
    );
}

#[test]
fn a_subcommand_has_what_is_set_above_if_it_is_the_same_and_is_no_file_of_its_own() {
    let file = "[letters]\nmin_days = 3\njournal = \"letters.journal\"\nprefix = \"x\"\n";
    let Some(Inner::Post {
        min_days,
        journal,
        prefix,
    }) = run(file, &["post"]).unwrap().command
    else {
        panic!("another command")
    };
    assert_eq!((min_days, journal, prefix), (3, None, None));
    let nearer = format!("{file}[letters.post]\nmin_days = 5\njournal = \"post.journal\"\n");
    let Some(Inner::Post {
        min_days, journal, ..
    }) = run(&nearer, &["post"]).unwrap().command
    else {
        panic!("another command")
    };
    assert_eq!((min_days, journal), (5, Some("post.journal".into())));
}

#[test]
fn a_programs_own_table_beats_the_one_that_all_share() {
    let file = "[pkb]\nconcurrency = 5\n[letters]\nout = \"x\"\nconcurrency = 6\n";
    assert_eq!(run(file, &[]).unwrap().pkb.at_a_time(), 6);
}

#[test]
fn all_mistakes_are_said_at_once_with_their_lines_and_what_to_do() {
    let file = "rate = 3\n[letters]\nmin-days = 3\nout = true\nproof = 2\nexclude = [[\"a\"]]\nclient_secret = \"Canary\"\n\
                concurrency = \"many\"\n[pkb]\nrate = 1.5\nsecret = \"Canary\"\nclient_secret_file = \"~/x\"\nauth_style = \"bodi\"\n\
                [leters]\n[upload]\nnobody = \"checks this here\"\n";
    let said = run(file, &[]).unwrap_err();
    for part in [
        "has 12 mistakes",
        "line 1: rate is above all tables. Move it below [pkb]",
        "line 3: [letters] min-days does not exist. Did you mean min_days?",
        "line 4: [letters] out must be text or a number",
        "line 5: [letters] proof is for one run",
        "line 6: [letters] exclude must be a list of",
        "line 7: [letters] client_secret must not be in a settings file, because it is a secret",
        "line 8: [letters] concurrency must be a whole number (found \"many\")",
        "line 10: [pkb] rate must be a whole number (found \"1.5\")",
        "line 11: [pkb] secret must not be",
        "line 12: [pkb] client_secret_file must be the whole path",
        "line 13: [pkb] auth_style must be one of basic, basic-raw, body (found \"bodi\"). Did you mean body?",
        "line 14: [leters] does not exist. Did you mean [letters]?",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    assert!(!said.contains("Canary"), "{said}");
}

#[test]
fn an_address_on_this_machine_over_one_elsewhere_is_refused_and_so_is_the_other_way_round() {
    let [here, away] = ["http://127.0.0.1:8180/Canary", "https://pkb.example/Canary"];
    for (in_file, given, is_refused) in [
        (away, here, true),
        (here, away, true),
        (away, "https://[::ffff:127.0.0.1]/", true),
        (away, "http://localhost:1/", true),
        (here, "http://[::1]:8180", false),
        (away, "https://other.example", false),
    ] {
        for option in ["base-url", "fhir-url", "token-url"] {
            let key = option.replace('-', "_");
            let file = format!("[letters]\nout = \"print\"\n[pkb]\n{key} = \"{in_file}\"\n");
            let flag = format!("--{option}={given}");
            match run(&file, &[&flag]) {
                Ok(_) => assert!(!is_refused, "{option} {in_file} {given}"),
                Err(words) => {
                    assert!(is_refused, "{words}");
                    assert!(words.contains(&format!("--{option} (")), "{words}");
                    assert!(words.contains("s.toml, line 4 ("), "{words}");
                    assert!(!words.contains("Canary"), "{words}");
                }
            }
            let set_aside = format!("--no-{option}");
            assert!(run(&file, &[&flag, &set_aside]).is_ok());
        }
    }
}

#[test]
fn help_is_shown_even_where_the_file_is_broken() {
    assert!(
        run("[", &["--help"])
            .unwrap_err()
            .contains("Usage: pkb-letters")
    );
    assert!(
        run("[", &["--out", "x"])
            .unwrap_err()
            .contains("line 1: the line is not TOML")
    );
}

#[test]
fn the_nearest_name_is_offered_only_if_it_is_near() {
    let known = ["journal", "min_days"];
    assert_eq!(nearest("jurnal", known.into_iter()), Some("journal"));
    assert_eq!(nearest("colour", known.into_iter()), None);
}

proptest! {
    /// Whatever the file and the flags say, each option has the value of the nearest.
    #[test]
    fn each_option_has_the_nearest_value(
        file in (any::<bool>(), prop::option::of(0u16..400), prop::option::of("[a-z =\"'-]{0,8}"), prop::collection::vec("[a-z]{1,4}", 0..3)),
        flags in (any::<bool>(), prop::option::of(0u16..400), prop::option::of("[a-z =-]{0,8}"), prop::collection::vec("[a-z]{1,4}", 0..3)),
    ) {
        let mut text = "[letters]\nout = \"x\"\n".to_owned();
        let list = |values: &[String]| toml::Value::from(values.to_vec()).to_string();
        writeln!(text, "separate = {}\nexclude = {}", file.0, list(&file.3)).unwrap();
        if let Some(days) = file.1 { writeln!(text, "min_days = {days}").unwrap(); }
        if let Some(name) = &file.2 { writeln!(text, "prefix = {}", toml::Value::from(name.as_str())).unwrap(); }
        let mut line = Vec::new();
        if flags.0 { line.push("--separate".to_owned()); }
        if let Some(days) = flags.1 { line.push(format!("--min-days={days}")); }
        if let Some(name) = &flags.2 { line.push(format!("--prefix={name}")); }
        line.extend(flags.3.iter().map(|name| format!("--exclude={name}")));
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let program = run(&text, &line).unwrap();
        prop_assert_eq!(program.separate, file.0 || flags.0);
        prop_assert_eq!(program.min_days, flags.1.or(file.1).unwrap_or(14));
        prop_assert_eq!(program.prefix, flags.2.or(file.2));
        let names = if flags.3.is_empty() { file.3 } else { flags.3 };
        prop_assert_eq!(program.exclude, names.iter().map(PathBuf::from).collect::<Vec<_>>());
    }
}
