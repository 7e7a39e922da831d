//! Texts of others in messages: headers, values, settings, arguments, names of files, templates. What would steer a terminal or turn
//! the order of letters round is shown and not sent.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::{Campaign, Ended, run, synthetic_csv};

/// Clears the screen, sets the window's title, goes back to the start of the line, turns the order round, isolates; also as one byte.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\rgone\u{202e}txet\u{2066}\u{200f}\u{9b}2J\u{85}";

/// Nothing of what a program says is sent to the terminal but letters and line ends.
fn assert_plain(what: &str, text: &str) {
    let is_unfit = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(at) = text.find(is_unfit) {
        panic!("{what} sends {:?}: {text:?}", text[at..].chars().next());
    }
}

fn check(what: &str, ended: &Ended, is_shown: bool) {
    assert!(
        ended.code > 1 || !is_shown,
        "{what} ended with {}",
        ended.code
    );
    assert_plain(what, &ended.stderr);
    let out = String::from_utf8(ended.stdout.clone()).unwrap();
    if !out.starts_with('{') {
        assert_plain(what, &out);
    }
    let said = format!("{}{out}", ended.stderr);
    assert!(
        !is_shown || said.contains("\\u{1b}"),
        "{what} does not show it: {said}"
    );
}

#[test]
fn headers_and_values_of_a_patient_file_are_shown_and_not_sent() {
    let campaign = Campaign::fixture();
    let file = String::from_utf8(synthetic_csv(4, 5)).unwrap();
    let mut lines = file.lines();
    let header = lines.next().unwrap();
    let more: Vec<String> = lines.map(|line| format!("{line},{HOSTILE}\n")).collect();
    for (name, header) in [
        ("extra.csv", format!("{header},\"Extra {HOSTILE}\"\n")),
        ("twice.csv", format!("{header},First name{HOSTILE}\n")),
        (
            "died.csv",
            format!("{header},\"Date of death {HOSTILE}\"\n"),
        ),
        ("none.csv", format!("{HOSTILE},a,b\n")),
    ] {
        campaign.write(name, header + &more.concat());
        for args in [
            &["check", name][..],
            &["columns", name],
            &["check", name, "--problems", "problems.csv"],
            &[name, "--dry-run", "--keep-extra"],
            &[name, "--no-compare", "--batches", "batches"],
        ] {
            let ended = campaign.stage("pkb-upload", args, b"");
            check(&format!("{args:?}"), &ended, false);
            if name == "extra.csv" && args[0] != name {
                let said = format!("{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout));
                assert!(
                    said.contains("\\u{1b}"),
                    "{args:?} does not show the header: {said}"
                );
            }
        }
    }
}

#[test]
fn arguments_settings_and_names_of_files_are_shown_and_not_sent() {
    let campaign = Campaign::fixture();
    let name = format!("patients {}.csv", HOSTILE.replace('/', ""));
    campaign.write(&name, "a,b\n1,2\n");
    for (program, args) in [
        ("pkb-upload", vec!["check", &name]),
        ("pkb-upload", vec!["no-such \u{1b}[2Jfile.csv", "--dry-run"]),
        ("pkb-resolve", vec!["\u{1b}[31mmissing.ndjson"]),
        ("pkb-resolve", vec!["--min-age", "\u{1b}[31m"]),
        ("pkb-resolve", vec!["--\u{1b}[31m"]),
        (
            "pkb-letters",
            vec!["--out", "print", "--template", "\u{1b}[31m"],
        ),
        ("pkb", vec!["purge", "\u{1b}[31m"]),
        ("pkb", vec!["merge", "\u{1b}[31m", "--output", "x"]),
        ("pkb-letters", vec!["\u{1b}[31m"]),
    ] {
        let ended = campaign.stage(program, &args, b"");
        // What clap says of an argument is without what it cannot show.
        let is_ours = !["--min-age", "--\u{1b}[31m", "\u{1b}[31m"].contains(&args[0]);
        check(&format!("{program} {args:?}"), &ended, is_ours);
    }
    for settings in [
        "[resolve]\nmin_age = \"\\u001b[2J\\u202e\"\n",
        "[resolve]\n\"\\u001b[2J\" = 1\n",
        "[\"\\u001b[2J\"]\nx = 1\n",
        "[resolve]\nmin_age = \u{1b}[2J\n",
        "[resolve]\nexclude = [\"\\u001b[2J\"]\n",
    ] {
        campaign.write("pkb.toml", settings);
        for args in [&["config"][..], &["u.ndjson"]] {
            let ended = campaign.stage("pkb-resolve", args, b"");
            check(&format!("{settings:?} {args:?}"), &ended, false);
        }
    }
    campaign.write("pkb.toml", "[resolve]\nexclude = [\"\\u001b[2J\"]\n");
    let config = campaign.stage("pkb-resolve", &["config"], b"");
    assert!(
        String::from_utf8(config.stdout)
            .unwrap()
            .contains("\\u{1b}[2J"),
        "a setting is shown as it is"
    );
}

fn template(campaign: &Campaign, name: &str, words: &str) -> PathBuf {
    let made = campaign.stage("pkb-letters", &["template", "new", name], b"");
    assert_eq!(made.code, 0, "{}", made.stderr);
    let path = campaign.path(name).join("en/letter.typ");
    assert!(path.exists(), "{:?}", files(&campaign.path(name)));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{words}\n{text}")).unwrap();
    campaign.path(name)
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn what_a_template_says_is_shown_and_not_sent() {
    let campaign = Campaign::fixture();
    template(&campaign, "ours", "#panic(\"\\u{1b}[2J \\u{202e}\")");
    let checked = campaign.stage("pkb-letters", &["template", "check", "ours"], b"");
    check("template check", &checked, false);
    assert_eq!(checked.code, 2);
    let made = campaign.stage(
        "pkb-letters",
        &["--out", "print", "--template", "ours"],
        b"",
    );
    check("letters", &made, false);
    assert_eq!(made.code, 2);
}

#[test]
fn a_template_without_end_is_stopped_with_a_plain_message() {
    let campaign = Campaign::fixture();
    for (name, words, why) in [
        (
            "endless",
            "#let f() = { for a in range(100000) { for b in range(100000) { for c in range(100000) { } } } }\n#f()",
            "was not done after",
        ),
        ("memory", "#let x = range(100000000000)", "GiB of memory"),
        (
            "growing",
            "#let x = (1,) * 1000\n#for a in range(9000) { x = x + x + x }",
            "GiB of memory",
        ),
    ] {
        template(&campaign, name, words);
        // What ends in any case may take its time on a busy machine.
        let time = if name == "endless" { "4s" } else { "20s" };
        for args in [
            vec!["template", "check", name, "--trial-time", time],
            vec!["--out", "print", "--template", name, "--trial-time", time],
        ] {
            let ended = campaign.stage("pkb-letters", &args, b"");
            assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
            let is_named = ended.stderr.contains(why)
                || (name != "endless" && ended.stderr.contains("was not done after"));
            assert!(
                is_named && ended.stderr.contains("What to do: "),
                "{args:?}: {}",
                ended.stderr
            );
            assert!(
                !ended.stderr.contains("panicked") && ended.stderr.lines().count() < 4,
                "{}",
                ended.stderr
            );
        }
        assert!(!campaign.path("print").exists(), "nothing is made");
    }
    // Ten thousand pages are too many, which Typst itself comes to the end of.
    let folder = template(&campaign, "pages", "");
    let path = folder.join("en/letter.typ");
    let text = fs::read_to_string(&path).unwrap();
    let place = "\n  Dear #slot";
    assert!(text.contains(place));
    let pages = format!("\n  #for a in range(10000) {{ pagebreak() }}{place}");
    fs::write(&path, text.replacen(place, &pages, 1)).unwrap();
    let ended = campaign.stage(
        "pkb-letters",
        &["--out", "print", "--template", "pages"],
        b"",
    );
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("pages"), "{}", ended.stderr);
}

#[test]
fn a_program_leaves_no_core_file_when_it_dies() {
    let campaign = Campaign::fixture();
    for (program, args) in [
        ("pkb", &["split", "--shards", "2", "--out", "x"][..]),
        ("pkb-resolve", &[]),
        ("pkb-tokens", &[]),
        ("pkb-letters", &["--out", "print"]),
    ] {
        let mut command: Command = campaign.command(program);
        command.args(args).stdin(std::process::Stdio::piped());
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let limits = format!("/proc/{}/limits", child.id());
        let limit = |text: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with("Max core file size"))
                .map(str::to_owned);
            line.unwrap_or_default()
                .split_whitespace()
                .skip(4)
                .take(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // As soon as it has begun.
        let begun = std::time::Instant::now();
        while limit(&fs::read_to_string(&limits).unwrap()) != ["0", "0"] {
            assert!(
                begun.elapsed().as_secs() < 60,
                "{program} may leave a core file"
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    let _ = run(&mut campaign.command("pkb-tokens"), b"");
}
