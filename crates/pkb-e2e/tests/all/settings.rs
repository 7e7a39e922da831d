//! `pkb.toml`, `config`, manual pages and completions, with the real programs.

use std::{collections::BTreeMap, path::Path, process::Command};

use crate::harness::{Campaign, Ended, PROGRAMS, programs, run};

/// Runs a program in `folder` with nothing from outside.
fn in_folder(folder: &Path, program: &str, args: &[&str], variable: Option<(&str, &str)>) -> Ended {
    let mut command = Command::new(programs().join(program));
    command
        .current_dir(folder)
        .env_clear()
        .args(args)
        .envs(variable);
    run(&mut command, b"")
}

fn text(ended: &Ended) -> String {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    String::from_utf8(ended.stdout.clone()).unwrap()
}

/// A setting as the skeleton shows it.
struct Setting {
    table: String,
    key: String,
    example: String,
    choices: Vec<String>,
    variable: Option<String>,
}

/// Every setting of every program.
fn every_setting() -> Vec<Setting> {
    let folder = tempfile::tempdir().unwrap();
    let skeleton = text(&in_folder(
        folder.path(),
        "pkb-upload",
        &["config", "--toml"],
        None,
    ));
    let (mut settings, mut table) = (Vec::new(), String::new());
    let (mut choices, mut variable) = (Vec::new(), None);
    for line in skeleton.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
        } else if let Some(list) = line.strip_prefix("# One of: ") {
            choices = list.split(", ").map(str::to_owned).collect();
        } else if let Some(name) = line.strip_prefix("# Environment: ") {
            variable = Some(name.to_owned());
        } else if let Some((key, example)) = line
            .strip_prefix('#')
            .and_then(|line| line.split_once(" = "))
            .filter(|_| !line.starts_with("# "))
        {
            settings.push(Setting {
                table: table.clone(),
                key: key.to_owned(),
                example: example.to_owned(),
                choices: std::mem::take(&mut choices),
                variable: variable.take(),
            });
        }
    }
    settings
}

impl Setting {
    /// Three values that the option takes, for the file, the variable and the flag.
    fn values(&self) -> [String; 3] {
        let three = |values: [&str; 3]| values.map(str::to_owned);
        if self.example == "false" {
            return three(["true", "true", "true"]);
        }
        if !self.choices.is_empty() {
            let last = self.choices.len() - 1;
            return [0, last / 2, last].map(|at| self.choices[at].clone());
        }
        let by_key = match self.key.as_str() {
            "max_rejects" | "max_mismatches" | "max_address_changes" => {
                Some(three(["1%", "2", "3%"]))
            }
            "sms_template" | "campaign" => Some(three(["one", "other", "third"])),
            "data_profile" => Some(three(["default", "jsonl", "notify-letter"])),
            "encoding" => Some(three(["utf-8", "windows-1252", "utf-16le"])),
            "field" => Some(three(["invitation_code=a", "access_code=b", "join_link=c"])),
            "ods_code" => Some(three(["RX1", "RX2", "RX3"])),
            "billing_reference" => Some(three(["a", "b", "c"])),
            "plan" => Some(three(["letter", "sms letter", "sms 72h letter"])),
            "sms_price" | "letter_price" | "text_price" => Some(three(["2", "3.1", "4"])),
            key if key.ends_with("_url") => Some(three([
                "https://a.example/",
                "https://b.example/",
                "https://c.example/",
            ])),
            key if key.ends_with("_path") => Some(three(["/a/{id}", "/b/{id}", "/c/{id}"])),
            _ => None,
        };
        let example = self.example.trim_matches(['[', ']', '"']);
        by_key.unwrap_or_else(|| match example {
            "FILE" | "DIR" | "NAME" | "NAMES" | "TEXT" | "SHEET" | "ID" | "SCOPES" | "RESPONSE"
            | "KEYFILE" | "PROFILE" | "pds" | "age" => three(["a", "b", "c"]),
            "DATE" => three(["2026-11-20", "2026-11-21", "2026-11-22"]),
            "URL" => three([
                "https://a.example",
                "https://b.example",
                "https://c.example",
            ]),
            "UUID" => three([
                "00000000-0000-4000-8000-00000000000a",
                "00000000-0000-4000-8000-00000000000b",
                "00000000-0000-4000-8000-00000000000c",
            ]),
            "DAYS" => three(["30d", "60d", "90d"]),
            "KEY" => three(["age1a", "age1b", "age1c"]),
            "HH:MM" => three(["17:00", "18:00", "19:00"]),
            "HH:MM-HH:MM" => three(["07:00-17:00", "08:00-18:00", "09:00-19:00"]),
            "N" | "ROW" => three(["2", "3", "4"]),
            number if number.parse::<u32>().is_ok() => three(["2", "3", "4"]),
            time if time.ends_with('d') => three(["2d", "3d", "4d"]),
            time if time.ends_with(['s', 'h', 'm']) => three(["2m", "3m", "4m"]),
            other => panic!("{}: the test has no values for {other}: add some", self.key),
        })
    }

    /// The programs and commands that have the setting.
    fn commands(&self) -> Vec<(&'static str, Vec<&str>)> {
        match self.table.split('.').collect::<Vec<_>>().as_slice() {
            ["pkb"] => vec![("pkb-resolve", vec![]), ("pkb-tokens", vec![])],
            ["notify"] => {
                let commands: &[[&str; 2]] = match self.key.as_str() {
                    "wait" => &[["sms", "status"], ["post", "status"]],
                    "letters" | "postage" => &[["post", "send"]],
                    "rows" | "letter_template_id" => &[["rows", "send"]],
                    "template_id" | "sender_id" | "template" | "sms_fold" | "join_url"
                    | "between" | "weekdays" => &[["sms", "send"]],
                    "routing_plan" | "batch_rows" | "field" | "ods_code" | "billing_reference"
                    | "wait_for_batch" => &[["nhs", "send"]],
                    key if key.starts_with("nhs_") => &[["nhs", "send"], ["nhs", "status"]],
                    _ => &[["sms", "send"], ["post", "send"]],
                };
                let commands = commands.iter();
                commands
                    .map(|words| ("pkb-notify", words.to_vec()))
                    .collect()
            }
            // For those of its commands that have it.
            ["campaign"] => {
                if self.key == "shared_mobiles" {
                    return vec![("pkb", vec!["merge", "--output", "x"])];
                }
                let command = match self.key.as_str() {
                    "notify" | "user_path" | "upload_path" | "patients" => "doctor",
                    "shards" | "variants" | "out" => "split",
                    "csv" | "json" | "earlier" | "reminder_after" | "no_word_after"
                    | "fewest_shown" | "title" | "letter_price" | "text_price" => "report",
                    "output" => "merge",
                    "letters" => "purge",
                    "journal" => "ledger",
                    "recipients_file" | "recipient" | "identity" => "seal",
                    "qr_codes" | "progress" => "verify",
                    "job" | "zip" | "encrypt_to" | "formats" | "min_days_left" => "package",
                    "as" | "on" | "manifest" => "returns",
                    "key" | "answered" | "max_age_of_trace" | "use_traced_address" | "findings"
                    | "profile" => return vec![("pkb", vec!["trace", "apply"])],
                    // How a patient file is read.
                    _ => return vec![("pkb", vec!["trace", "request"])],
                };
                vec![("pkb", vec![command])]
            }
            ["campaign", "trace"] => vec![("pkb", vec!["trace", "apply"])],
            ["campaign", command @ ..] => vec![("pkb", command.to_vec())],
            [program, command @ ..] => {
                let program = PROGRAMS
                    .iter()
                    .find(|name| name.ends_with(program))
                    .unwrap();
                vec![(program, command.to_vec())]
            }
            [] => unreachable!(),
        }
    }
}

/// The line of `config` about a key.
fn line_about(config: &str, key: &str) -> String {
    config
        .lines()
        .find(|line| line.split_whitespace().next() == Some(key))
        .unwrap_or_else(|| panic!("{key} is not in:\n{config}"))
        .to_owned()
}

#[test]
fn for_every_option_of_every_program_a_flag_beats_a_variable_that_beats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = every_setting();
    let mut of_program = BTreeMap::new();
    for setting in &settings {
        let [in_file, in_variable, in_flag] = setting.values();
        let is_switch = setting.example == "false";
        let value = match is_switch || in_file.parse::<u32>().is_ok() {
            true => in_file.clone(),
            false if setting.example.starts_with('[') => format!("[\"{in_file}\"]"),
            false => format!("\"{in_file}\""),
        };
        // Two that need each other.
        let other = match (setting.table.as_str(), setting.key.as_str()) {
            (_, "invited_before") => "not_again_within = \"1d\"\n",
            (_, "not_again_within") => "invited_before = [\"x\"]\n",
            (_, "per_day") => "first_day = \"2026-11-20\"\n",
            (_, "first_day") => "per_day = 5\n",
            ("letters.seal", key) if !key.starts_with("recipient") => "recipients_file = [\"x\"]\n",
            ("letters.merge", key) if key != "output" => "output = \"x\"\n",
            _ => "",
        };
        let file = format!("[{}]\n{} = {value}\n{other}", setting.table, setting.key);
        std::fs::write(folder.path().join("pkb.toml"), file).unwrap();
        let long = format!("--{}", setting.key.replace('_', "-"));
        let flag = if is_switch {
            long
        } else {
            format!("{long}={in_flag}")
        };
        for (program, command) in setting.commands() {
            *of_program.entry(program).or_insert(0) += 1;
            let line = |flags: &[&str]| {
                let mut line = vec!["config"];
                line.extend(&command);
                line.extend(flags);
                line.iter()
                    .map(|&word| word.to_owned())
                    .collect::<Vec<String>>()
            };
            let shown = |flags: &[&str], variable: Option<&str>| {
                let line = line(flags);
                let line: Vec<&str> = line.iter().map(String::as_str).collect();
                let variable = variable.map(|name| (name, in_variable.as_str()));
                let config = text(&in_folder(folder.path(), program, &line, variable));
                line_about(&config, &setting.key)
            };
            // The value and where it comes from; files of secrets are not repeated where there are none.
            let hides = [
                "client_secret_file",
                "refresh_token_file",
                "api_key_file",
                "nhs_api_key_file",
                "nhs_private_key_file",
            ]
            .contains(&setting.key.as_str());
            let expect = |line: String, value: &str, from: &str| {
                assert!(
                    line.ends_with(from) && (hides || line.contains(value)),
                    "{program} {command:?} {}: {value} from {from} was expected:\n{line}",
                    setting.table
                );
            };
            expect(shown(&[], None), &in_file, "pkb.toml, line 2");
            if let Some(variable) = &setting.variable {
                expect(shown(&[], Some(variable)), &in_variable, variable);
            }
            expect(
                shown(&[&flag], setting.variable.as_deref()),
                &in_flag,
                "flag",
            );
        }
    }
    assert!(
        PROGRAMS
            .iter()
            .all(|program| of_program.get(program).is_some_and(|count| *count > 15)),
        "the test does not see them all: {of_program:?}"
    );
}

#[test]
fn the_skeleton_with_all_its_defaults_is_a_settings_file_that_every_program_takes() {
    let folder = tempfile::tempdir().unwrap();
    let skeleton = text(&in_folder(
        folder.path(),
        "pkb-letters",
        &["config", "--toml"],
        None,
    ));
    let same = text(&in_folder(
        folder.path(),
        "pkb-upload",
        &["config", "--toml"],
        None,
    ));
    assert_eq!(skeleton, same, "every program prints the same file");
    std::fs::write(folder.path().join("pkb.toml"), &skeleton).unwrap();
    // The program pkb has nothing but commands.
    let config = |program: &str| match program {
        "pkb" => vec!["config", "doctor"],
        "pkb-notify" => vec!["config", "sms", "status"],
        _ => vec!["config"],
    };
    let config = |program: &str| text(&in_folder(folder.path(), program, &config(program), None));
    let untouched = PROGRAMS.map(config);
    // Placeholders such as "FILE" are no defaults.
    let uncommented: String = skeleton
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting)
                if !line.starts_with("# ")
                    && !setting.contains("\"N")
                    && setting.chars().any(|c| c == '=') =>
            {
                let value = setting.split_once(" = ").unwrap().1;
                let is_placeholder = value
                    .trim_matches(['[', ']', '"'])
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || ":|%-=".contains(c));
                format!("{}\n", if is_placeholder { line } else { setting })
            }
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(folder.path().join("pkb.toml"), &uncommented).unwrap();
    assert!(uncommented.contains("\nrate = 50") && uncommented.contains("\nseparate = false"));
    for (program, untouched) in PROGRAMS.iter().zip(untouched) {
        let taken = config(program);
        let values = |config: &str| -> Vec<String> {
            let lines = config.lines().skip(1);
            lines
                .map(|line| {
                    line.split_whitespace()
                        .take(2)
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .filter(|line| !line.ends_with(" not"))
                .collect()
        };
        assert_eq!(values(&taken), values(&untouched), "{program}");
        assert!(taken.contains("pkb.toml, line "), "{taken}");
    }
}

#[test]
fn a_campaign_runs_from_its_settings_file_and_answers_from_the_journals_that_it_names() {
    let campaign = Campaign::fixture();
    let base = campaign.sandbox.base_url();
    campaign.write("client.secret", pkb_sandbox::CLIENT_SECRET);
    campaign.write(
        "patients.csv",
        std::fs::read(crate::harness::fixture("patients.csv")).unwrap(),
    );
    campaign.write(
        "pkb.toml",
        format!(
            "[pkb]\nbase_url = \"{base}\"\ntoken_url = \"{base}/api/oauth/token\"\nclient_id = \"{}\"\nclient_secret_file = \"client.secret\"\nrate = 0\n\
             [upload]\njournal = \"upload.journal\"\n[resolve]\njournal = \"resolve.journal\"\nexclude = [\"opt-outs.csv\"]\n\
             [tokens]\njournal = \"tokens.journal\"\n[letters]\njournal = \"letters.journal\"\nout = \"print\"\njoin_url = \"{base}/join/\"\n",
            pkb_sandbox::CLIENT_ID
        ),
    );
    campaign.write("opt-outs.csv", "nhs_number\n9990000018\n");
    let journey = || {
        let programs = programs().display();
        let mut shell = Command::new("/bin/sh");
        shell
            .current_dir(campaign.folder.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("PKB_FIXED_TIME", crate::harness::NOW)
            .args([
                "-c",
                "pkb-upload patients.csv | pkb-resolve | pkb-tokens | pkb-letters",
            ]);
        run(&mut shell, b"")
    };
    let first = journey();
    assert_eq!(first.code, 65, "{}", first.stderr);
    assert!(campaign.path("print/rehearsal-letters-0001.pdf").is_file());
    let calls = |of: &str| {
        let ledger = campaign.sandbox.ledger();
        ledger.iter().filter(|entry| entry.endpoint == of).count()
    };
    let before = [calls("upload"), calls("record_access_token")];
    let second = journey();
    assert_eq!(first.stdout, second.stdout);
    // Only patients who had no codes are asked for again.
    let after = [calls("upload"), calls("record_access_token")];
    assert_eq!(before[0], after[0], "nothing is uploaded twice");
    assert!(after[1] - before[1] < before[1] / 2, "{before:?} {after:?}");
}

#[test]
fn a_settings_file_that_others_may_write_to_is_refused_until_that_is_mended() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pkb.toml");
    std::fs::write(&path, "[resolve]\nmin_age = 18\n").unwrap();
    let config = |args: &[&str]| in_folder(folder.path(), "pkb-resolve", args, None);
    for (mode, who) in [(0o666, "everybody on this machine"), (0o660, "its group")] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for args in [
            &["config"][..],
            &["config", "--settings", "pkb.toml"],
            &["u.ndjson"],
        ] {
            let refused = config(args);
            assert_eq!(refused.code, 2, "{}", refused.stderr);
            let words = format!("pkb.toml: {who} can change it");
            assert!(refused.stderr.contains(&words), "{}", refused.stderr);
            assert!(
                refused.stderr.contains("Then run: chmod go-w pkb.toml\n"),
                "{}",
                refused.stderr
            );
        }
        let mended = Command::new("chmod")
            .args(["go-w", "pkb.toml"])
            .current_dir(folder.path())
            .status();
        assert!(mended.unwrap().success());
        assert!(line_about(&text(&config(&["config"])), "min_age").ends_with("line 2"));
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let variable = Some(("PKB_SETTINGS", path.to_str().unwrap()));
    let named = in_folder(elsewhere.path(), "pkb-resolve", &["config"], variable);
    assert!(line_about(&text(&named), "min_age").contains("18"));
    let missing = in_folder(
        elsewhere.path(),
        "pkb-resolve",
        &["--settings", "none.toml"],
        None,
    );
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("none.toml: no such settings file"),
        "{}",
        missing.stderr
    );
}

#[test]
fn config_says_whether_a_secret_is_set_and_never_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.secret"), "Canary-in-a-file\n").unwrap();
    let shown = |variable| {
        let config = text(&in_folder(
            folder.path(),
            "pkb-tokens",
            &["config"],
            Some(variable),
        ));
        assert!(!config.contains("Canary"), "{config}");
        line_about(&config, "client_secret")
    };
    assert!(shown(("PKB_CLIENT_SECRET", "Canary")).contains("set (from PKB_CLIENT_SECRET)"));
    assert!(shown(("PKB_CLIENT_SECRET_FILE", "a.secret")).contains("set (from a.secret)"));
    // The secret itself, where its file should be named.
    assert!(shown(("PKB_CLIENT_SECRET_FILE", "Canary")).contains("not set"));
    assert!(shown(("PKB_CLIENT_ID", "x")).ends_with("not set"));
}

#[test]
fn every_command_has_a_manual_page_and_bash_completes_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let script = crate::harness::root().join("scripts/man-and-completions");
    let mut pages = Command::new(script);
    pages.arg(folder.path()).env("PKB_BIN", programs());
    let ended = run(&mut pages, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for page in ["pkb-doctor.1", "pkb-notify-sms-send.1", "pkb-tokens.1"] {
        let text = std::fs::read_to_string(folder.path().join("man").join(page)).unwrap();
        assert!(
            text.contains(".SH OPTIONS") && text.contains("PKB_SETTINGS"),
            "{page}"
        );
    }
    for file in ["zsh/_pkb-resolve", "fish/pkb-resolve.fish"] {
        let text = std::fs::read_to_string(folder.path().join("completions").join(file)).unwrap();
        assert!(text.contains("registered-check"), "{file}");
    }
    // As bash calls it: the program, the word that is begun, the one before.
    let complete = "for file in completions/bash/*; do . $file; done
        COMP_WORDS=(pkb-notify sms send --sett); COMP_CWORD=3
        _pkb__notify pkb-notify --sett send; echo ${COMPREPLY[*]}
        COMP_WORDS=(pkb doc); COMP_CWORD=1
        _pkb pkb doc pkb; echo ${COMPREPLY[*]}";
    let mut bash = Command::new("bash");
    bash.current_dir(folder.path()).args(["-c", complete]);
    assert_eq!(
        text(&run(&mut bash, b"")),
        "--settle-after --settings\ndoctor\n"
    );
}

#[test]
fn a_program_to_start_is_no_setting_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pkb.toml");
    std::fs::write(&path, "[campaign.seal]\nage = \"/tmp/not-age\"\n").unwrap();
    let refused = in_folder(folder.path(), "pkb", &["config"], None);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("line 2: ") && refused.stderr.contains("age"),
        "{}",
        refused.stderr
    );
}
