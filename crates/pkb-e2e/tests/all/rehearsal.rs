//! A rehearsal can't be taken for a campaign, nor a campaign for a rehearsal.

use std::{path::PathBuf, process::Command};

use pkb_sandbox::{NOTIFY_API_KEY, NOTIFY_TEMPLATES, World};
use pkb_verify::page_reader;
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};

const REAL_JOIN_URL: &str = "https://joinpkb.com/";
/// A name that never is (RFC 6761): who gets as far as a connection ends with 75.
const ELSEWHERE: &str = "https://notify.invalid";

/// A campaign against the sandbox as far as its letters and texts, and the records of each stage.
struct Rehearsed {
    campaign: Campaign,
    invited: Vec<u8>,
    delivered: Vec<u8>,
    ended: [Ended; 4],
}

fn rehearsed() -> Rehearsed {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(12, 3));
    let letters = [
        "--out",
        "print",
        "--channel",
        "letter,sms",
        "--separate",
        "--journal",
        "l.journal",
    ];
    let ended = campaign.journey(&patients, &letters);
    assert!(
        ended.iter().all(|ended| ended.code == 0),
        "{}",
        ended[3].stderr
    );
    Rehearsed {
        invited: ended[2].stdout.clone(),
        delivered: ended[3].stdout.clone(),
        campaign,
        ended,
    }
}

fn stream(records: &[Value]) -> Vec<u8> {
    let lines = records.iter().map(|record| format!("{record}\n"));
    lines.collect::<String>().into_bytes()
}

/// The records after something was done to each.
fn changed(stream_of: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut records = records(stream_of);
    records.iter_mut().for_each(change);
    stream(&records)
}

/// What the records would be if PKB had answered.
fn as_if_real(stream_of: &[u8]) -> Vec<u8> {
    changed(stream_of, |record| {
        let number = record["row"]["number"].as_u64().unwrap();
        record.as_object_mut().unwrap().remove("rehearsal");
        if record["pkb"].is_object() {
            record["pkb"]["id"] = (3_594_300 + number).to_string().into();
        }
        if record["invitation"].is_object() {
            record["invitation"]["code"] = format!("Inv{number:07}").into();
            record["invitation"]["token"] = format!("Acc{number:07}").into();
        }
        let deliveries = record.get_mut("deliveries").and_then(Value::as_array_mut);
        for delivery in deliveries.into_iter().flatten() {
            let file = delivery["file"].as_str().unwrap();
            delivery["file"] = file.replace("rehearsal-", "").into();
        }
    })
}

/// A template with an organisation of its own.
fn own_template(campaign: &Campaign) -> PathBuf {
    let folder = campaign.path("our-letter");
    pkb_typeset::template::Template::write_to(&folder).unwrap();
    for file in ["template.toml", "cy/translation.toml"] {
        let path = folder.join(file);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("Northtown", "Eastham"),
            ("1 Infirmary Road", "2 Low Road"),
            ("01632 960 123", "01632 960 999"),
            ("records@northtown.example", "records@eastham.example"),
            ("www.northtown.example", "www.eastham.example"),
            ("Anwen Example", "B Other"),
        ] {
            text = text.replace(from, to);
        }
        std::fs::write(path, text).unwrap();
    }
    for picture in ["logo.svg", "signature.svg"] {
        let path = folder.join(picture);
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{svg}<!-- ours -->")).unwrap();
    }
    folder
}

/// A program with a link for patients.
fn real(campaign: &Campaign, args: &[&str]) -> Command {
    let program = match args.first() {
        Some(&"verify") => "pkb",
        _ => "pkb-letters",
    };
    let mut command = campaign.command(program);
    command.args(args).env("PKB_JOIN_URL", REAL_JOIN_URL);
    command
}

/// A command that sends, with the address and the key.
fn sending(campaign: &Campaign, what: &str, address: &str, journal: &str) -> Command {
    let mut command = campaign.command("pkb-notify");
    match what {
        "texts" => command.args(["sms", "send", "--template", "our-letter"]),
        _ => command.args(["post", "send", "--letters", "print"]),
    };
    let key = match address == ELSEWHERE {
        true => NOTIFY_API_KEY.replace("sandbox-", "live-"),
        false => NOTIFY_API_KEY.to_owned(),
    };
    command
        .args(["--journal", journal, "--attempts", "1"])
        .env("PKB_JOIN_URL", REAL_JOIN_URL)
        .env("NOTIFY_TEMPLATE_IDS", NOTIFY_TEMPLATES[..2].join(","))
        .env("NOTIFY_BASE_URL", address)
        .env("NOTIFY_API_KEY", key);
    command
}

fn assert_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
    assert!(ended.stdout.is_empty());
}

fn last_line(ended: &Ended) -> &str {
    ended.stderr.lines().last().unwrap_or_default()
}

#[test]
fn every_record_stage_and_paper_of_a_rehearsal_says_so() {
    let Rehearsed {
        campaign,
        delivered,
        ended,
        ..
    } = rehearsed();
    for (ended, program) in ended.iter().zip(["upload", "resolve", "tokens", "letters"]) {
        let words = format!("pkb-{program}: REHEARSAL: ");
        // A file that others can read is named as soon as it is opened.
        let mut lines = ended
            .stderr
            .lines()
            .filter(|line| !line.contains("chmod 600"));
        let is_first = lines.next().is_some_and(|line| line.starts_with(&words));
        assert!(is_first, "{}", ended.stderr);
        assert!(last_line(ended).starts_with(&words), "{}", ended.stderr);
        for record in ended.records() {
            assert_eq!(record["rehearsal"], true);
        }
    }
    let file = |name: &str| String::from_utf8(campaign.read(name)).unwrap();
    let manifest: Value = serde_json::from_str(&file("print/rehearsal-manifest.json")).unwrap();
    assert_eq!(manifest["rehearsal"], true);
    let sheet = file("print/rehearsal-sms-0001.csv");
    assert!(sheet.lines().next().unwrap().ends_with(",link,REHEARSAL"));
    assert!(
        sheet
            .lines()
            .skip(1)
            .all(|line| line.ends_with(",REHEARSAL"))
    );
    for letter in manifest["letters"].as_array().unwrap() {
        let name = letter["file"].as_str().unwrap();
        assert!(name.starts_with("rehearsal-letters-0001/"), "{name}");
        let pages = page_reader::read_pages(campaign.read(&format!("print/{name}"))).unwrap();
        assert!(
            pages
                .iter()
                .all(|page| page.across == "REHEARSAL" && page.by_camera.len() == 1)
        );
    }
    let verified = campaign.stage(
        "pkb",
        &["verify", "print", "--qr-codes", "camera"],
        &delivered,
    );
    let text = String::from_utf8(verified.stdout.clone()).unwrap();
    assert_eq!(verified.code, 0, "{text}");
    assert!(text.starts_with("REHEARSAL: "), "{text}");
    assert!(last_line(&verified).starts_with("pkb verify: REHEARSAL: "));
    let args = ["report", "--out", "r.html", "--json", "r.json"];
    let report = campaign.stage("pkb", &args, &delivered);
    assert_eq!(report.code, 0, "{}", report.stderr);
    assert!(last_line(&report).contains("REHEARSAL: 12 records are from a rehearsal"));
    assert!(file("r.html").contains("<title>REHEARSAL: Campaign report"));
    let figures: Value = serde_json::from_str(&file("r.json")).unwrap();
    assert_eq!(figures["rehearsal"], true);
    let ledger = campaign.stage("pkb", &["ledger", "--journal", "l.journal"], b"");
    assert!(last_line(&ledger).contains("REHEARSAL: l.journal is from a rehearsal"));
    let args = ["--out", "look", "--proof", "2"];
    let proof = campaign.stage("pkb-letters", &args, &ended[2].stdout);
    assert_eq!(proof.code, 0, "{}", proof.stderr);
    let pages = page_reader::read_pages(campaign.read("look/rehearsal-proof.pdf")).unwrap();
    assert!(
        pages
            .iter()
            .all(|page| page.across.contains("REHEARSAL") && page.across.contains("PROOF"))
    );
}

#[test]
fn a_summary_says_whether_it_was_a_rehearsal() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3, 3));
    for (more, is_rehearsal) in [(vec![], true), (vec!["--no-compare", "--dry-run"], false)] {
        let file = patients.to_str().unwrap();
        let args = [vec![file, "--summary", "s.json"], more].concat();
        let ended = campaign.stage("pkb-upload", &args, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let summary: Value = serde_json::from_slice(&campaign.read("s.json")).unwrap();
        assert_eq!(summary["rehearsal"], is_rehearsal);
        // What was never shown to any PKB can go either way.
        assert_eq!(ended.records()[0].get("rehearsal").is_some(), is_rehearsal);
        assert_eq!(ended.stderr.contains("REHEARSAL"), is_rehearsal);
    }
}

#[test]
fn what_a_rehearsal_made_goes_to_no_address_that_is_not_on_this_machine() {
    let Rehearsed {
        campaign,
        delivered,
        ..
    } = rehearsed();
    own_template(&campaign);
    let without_mark = |record: &mut Value| {
        record.as_object_mut().unwrap().remove("rehearsal");
    };
    let with_other_names = |record: &mut Value| {
        without_mark(record);
        record["patient"]["last_name"] = "Edited".into();
        let deliveries = record.get_mut("deliveries").and_then(Value::as_array_mut);
        for delivery in deliveries.into_iter().flatten() {
            let file = delivery["file"].as_str().unwrap();
            delivery["file"] = file.replace("rehearsal-", "").into();
        }
    };
    let with_other_codes = |record: &mut Value| {
        without_mark(record);
        record["invitation"]["code"] = "Abcdefgh12".into();
        record["pkb"]["id"] = "3594342".into();
    };
    let in_one_row = |record: &mut Value| {
        if record["row"]["number"] == 2 {
            without_mark(record);
        }
    };
    // Copied and renamed, as somebody tidies up.
    let print = campaign.path("print");
    for entry in print.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(plain) = name.strip_prefix("rehearsal-") {
            let copied = Command::new("cp")
                .arg("-r")
                .arg(print.join(&name))
                .arg(print.join(plain))
                .status();
            assert!(copied.unwrap().success());
        }
    }
    let edited = [
        delivered.clone(),
        changed(&delivered, without_mark),
        changed(&delivered, with_other_names),
        changed(&delivered, with_other_codes),
        changed(&delivered, in_one_row),
        // Written anew, with the fields in another order and spaces between them.
        records(&delivered)
            .iter()
            .map(|record| {
                serde_json::to_string_pretty(record)
                    .unwrap()
                    .replace('\n', " ")
                    + "\n"
            })
            .collect::<String>()
            .into_bytes(),
    ];
    for (at, input) in edited.iter().enumerate() {
        for what in ["letters", "texts"] {
            let journal = format!("{what}-{at}.journal");
            let mut command = sending(&campaign, what, ELSEWHERE, &journal);
            let ended = run(command.args(["--output", "sent.ndjson"]), input);
            assert_refused(
                &ended,
                &[
                    "NOTIFY_BASE_URL is not an address on this machine",
                    "row 2 of patients.csv is from a rehearsal",
                ],
            );
            let noted = std::fs::read_to_string(campaign.path(&journal)).unwrap_or_default();
            assert!(
                !noted.contains("pkb-intent"),
                "nothing was about to be sent"
            );
        }
    }
    assert_eq!(campaign.sandbox.notified().len(), 0);
    // The same through the local Notify is what a rehearsal is for.
    let base = campaign.sandbox.base_url();
    for what in ["letters", "texts"] {
        let mut command = sending(&campaign, what, &base, &format!("{what}.journal"));
        let ended = run(&mut command, &delivered);
        assert!([0, 65].contains(&ended.code), "{}", ended.stderr);
        assert!(ended.stderr.contains("REHEARSAL"));
    }
    assert!(!campaign.sandbox.notified().is_empty());
}

#[test]
fn what_is_real_goes_to_no_notify_on_this_machine() {
    let Rehearsed {
        campaign,
        delivered,
        ..
    } = rehearsed();
    own_template(&campaign);
    let base = campaign.sandbox.base_url();
    for what in ["letters", "texts"] {
        let mut command = sending(&campaign, what, &base, &format!("{what}.journal"));
        let ended = run(
            command.args(["--output", "sent.ndjson"]),
            &as_if_real(&delivered),
        );
        assert_refused(
            &ended,
            &[
                "NOTIFY_BASE_URL is an address on this machine, which is for rehearsals",
                "row 2 of patients.csv is from a real campaign",
            ],
        );
    }
    assert_eq!(campaign.sandbox.notified().len(), 0);
}

#[test]
fn a_key_that_is_not_a_sandboxes_signs_nothing_for_this_machine() {
    let Rehearsed {
        campaign,
        delivered,
        ..
    } = rehearsed();
    own_template(&campaign);
    let base = campaign.sandbox.base_url();
    let mut command = sending(&campaign, "letters", &base, "letters.journal");
    command.env(
        "NOTIFY_API_KEY",
        NOTIFY_API_KEY.replace("sandbox-", "live-"),
    );
    let ended = run(&mut command, &delivered);
    assert_refused(&ended, &["the API key is not for a sandbox"]);
}

#[test]
fn a_stream_with_both_is_refused_and_the_first_row_of_each_is_named() {
    let Rehearsed {
        campaign,
        invited,
        delivered,
        ..
    } = rehearsed();
    own_template(&campaign);
    let mix = |of: &[u8], rows: &[u64]| -> Vec<u8> {
        let real = records(&as_if_real(of));
        let both = records(of).into_iter().zip(real).map(|(record, real)| {
            match rows.contains(&record["row"]["number"].as_u64().unwrap()) {
                true => real,
                false => record,
            }
        });
        stream(&both.collect::<Vec<_>>())
    };
    let cases: [(&[u64], [&str; 2]); 2] = [
        (
            &[4, 7],
            [
                "row 2 of patients.csv is from a rehearsal",
                "row 4 of patients.csv is from a real campaign",
            ],
        ),
        (
            &[2, 3],
            [
                "row 2 of patients.csv is from a real campaign",
                "row 4 of patients.csv is from a rehearsal",
            ],
        ),
    ];
    for (at, (rows, parts)) in cases.into_iter().enumerate() {
        let folder = format!("mixed-{at}");
        let mut letters = real(
            &campaign,
            &[
                "--out",
                &folder,
                "--template",
                "our-letter",
                "--output",
                "l.ndjson",
            ],
        );
        assert_refused(&run(&mut letters, &mix(&invited, rows)), &parts);
        let mut purged = real(&campaign, &["verify", "print"]);
        let found = run(&mut purged, &mix(&delivered, rows));
        assert_refused(&found, &parts);
    }
    for program in ["pkb-resolve", "pkb-tokens"] {
        let ended = campaign.stage(program, &["--output", "o.ndjson"], &mix(&invited, &[5]));
        let parts = [
            "PKB_BASE_URL is an address on this machine",
            "row 5 of patients.csv is from a real campaign",
        ];
        assert_refused(&ended, &parts);
    }
}

#[test]
fn a_journal_of_the_other_kind_answers_nothing() {
    let Rehearsed {
        campaign, invited, ..
    } = rehearsed();
    own_template(&campaign);
    let letters = |journal: &str, out: &str, input: &[u8]| {
        let args = [
            "--template",
            "our-letter",
            "--out",
            out,
            "--journal",
            journal,
            "--output",
            "l.ndjson",
        ];
        run(&mut real(&campaign, &args), input)
    };
    let invited_for_real = as_if_real(&invited);
    let before = campaign.read("l.journal");
    // As it is, and after its marks were removed: the codes are in it all the same.
    let unmarked = crate::harness::without_checks(&String::from_utf8(before.clone()).unwrap());
    campaign.write(
        "unmarked.journal",
        unmarked.replace("\"rehearsal\":true,", ""),
    );
    for journal in ["l.journal", "unmarked.journal"] {
        let ended = letters(journal, "print", &invited_for_real);
        let words = format!("{journal} is from a rehearsal");
        assert_refused(
            &ended,
            &["row 2 of patients.csv is from a real campaign", &words],
        );
    }
    assert_eq!(campaign.read("l.journal"), before);
    let ended = letters("real.journal", "real", &invited_for_real);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ended = letters("real.journal", "real", &invited);
    assert_refused(
        &ended,
        &[
            "real.journal",
            "One of them is a rehearsal and the other is not",
        ],
    );
    // Codes that PKB gave are no codes of a sandbox's patients.
    campaign.write("tokens.journal", &invited_for_real);
    let resolved = changed(&invited, |record| {
        record.as_object_mut().unwrap().remove("invitation");
    });
    let ended = campaign.stage(
        "pkb-tokens",
        &["--journal", "tokens.journal", "--output", "t.ndjson"],
        &resolved,
    );
    assert_refused(
        &ended,
        &[
            "PKB_BASE_URL is an address on this machine",
            "tokens.journal is from a real campaign",
        ],
    );
}

#[test]
fn a_real_letter_has_no_mark_and_needs_an_organisation_and_a_link_that_patients_can_reach() {
    let Rehearsed {
        campaign, invited, ..
    } = rehearsed();
    own_template(&campaign);
    let invited = as_if_real(&invited);
    let base = [
        "--out",
        "real",
        "--channel",
        "letter,sms",
        "--output",
        "l.ndjson",
    ];
    let built_in = run(&mut real(&campaign, &base), &invited);
    assert_refused(
        &built_in,
        &[
            "the built-in template is an example",
            "pkb-letters template new",
        ],
    );
    let own = [&base[..], &["--template", "our-letter"]].concat();
    for link in [
        "http://127.0.0.1:8180/join/",
        "https://localhost/",
        "http://[::1]:9/",
    ] {
        let ended = run(real(&campaign, &own).env("PKB_JOIN_URL", link), &invited);
        assert_refused(
            &ended,
            &[
                "PKB_JOIN_URL is an address on this machine",
                "row 2 of patients.csv is from a real campaign",
            ],
        );
    }
    let text = std::fs::read_to_string(campaign.path("our-letter/template.toml")).unwrap();
    campaign.write(
        "our-letter/template.toml",
        text.replace("01632 960 999", "01632 960 123"),
    );
    let ended = run(&mut real(&campaign, &own), &invited);
    assert_refused(
        &ended,
        &["[organisation] phone", "our-letter/template.toml"],
    );
    assert!(
        !ended.stderr.contains("[organisation] name"),
        "{}",
        ended.stderr
    );
    campaign.write("our-letter/template.toml", text);
    let ended = run(&mut real(&campaign, &own), &invited);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("REHEARSAL"), "{}", ended.stderr);
    let pages = page_reader::read_pages(campaign.read("real/letters-0001.pdf")).unwrap();
    assert!(
        pages
            .iter()
            .all(|page| page.across.is_empty() && !page.text.contains("REHEARSAL"))
    );
    let sheet = String::from_utf8(campaign.read("real/sms-0001.csv")).unwrap();
    assert!(!sheet.contains("REHEARSAL"));
    let manifest: Value = serde_json::from_slice(&campaign.read("real/manifest.json")).unwrap();
    assert_eq!(manifest["rehearsal"], json!(false));
    let verified = run(
        &mut real(&campaign, &["verify", "real"]),
        &campaign.read("l.ndjson"),
    );
    assert_eq!(
        verified.code,
        0,
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
    assert!(
        !String::from_utf8(verified.stdout)
            .unwrap()
            .contains("REHEARSAL")
    );
}

#[test]
fn an_address_of_the_environment_and_one_of_the_settings_file_are_both_named() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3, 3));
    campaign.write(
        "pkb.toml",
        "[pkb]\nbase_url = \"https://pkb.example/Canary\"\n",
    );
    let ended = campaign.stage("pkb-upload", &[patients.to_str().unwrap()], b"");
    assert_refused(
        &ended,
        &[
            "PKB_BASE_URL (127.0.0.1) is on this machine",
            "pkb.toml, line 2 (pkb.example) is not",
            "unset PKB_BASE_URL",
        ],
    );
    assert!(!ended.stderr.contains("Canary"));
    campaign.write(
        "pkb.toml",
        "[pkb]\ntoken_url = \"http://127.0.0.1:1/token\"\n",
    );
    let mut command = campaign.command("pkb-upload");
    command
        .arg(&patients)
        .env("PKB_TOKEN_URL", "https://pkb.example/token");
    let ended = run(&mut command, b"");
    assert_refused(
        &ended,
        &[
            "pkb.toml, line 2 (127.0.0.1) is on this machine",
            "PKB_TOKEN_URL (pkb.example) is not",
        ],
    );
    // What is in force is shown all the same.
    let shown = campaign.stage("pkb-upload", &["config"], b"");
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    // And what is set in one place only is refused by where it leads.
    std::fs::remove_file(campaign.path("pkb.toml")).unwrap();
    let ended = run(&mut command, b"");
    assert_refused(
        &ended,
        &[
            "PKB_BASE_URL is an address on this machine",
            "and PKB_TOKEN_URL is not",
        ],
    );
    assert_eq!(campaign.sandbox.ledger().len(), 0);
}

#[test]
fn a_real_secret_is_neither_sent_to_this_machine_nor_read_where_the_sandbox_has_set_its_own() {
    let campaign = Campaign::start(World::default());
    let patients = campaign.write("patients.csv", synthetic_csv(3, 3));
    campaign.write("real-secret", "Canary-real\n");
    let mut command = campaign.command("pkb-upload");
    command
        .arg(&patients)
        .env("PKB_CLIENT_SECRET_FILE", "real-secret");
    let ended = run(&mut command, b"");
    assert_refused(&ended, &["the client secret is not for a sandbox"]);
    assert!(!ended.stderr.contains("Canary"));
    assert_eq!(campaign.sandbox.ledger().len(), 0);
    campaign.write(
        "pkb.toml",
        "[pkb]\nclient_secret_file = \"real-secret\"\n[notify]\napi_key_file = \"real-secret\"\n",
    );
    let line = format!(
        "eval \"$(pkb-sandbox env --listen {} --secrets own)\" && pkb-upload patients.csv > up.ndjson",
        campaign.sandbox.address()
    );
    let ended = campaign.shell(&line);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(records(&campaign.read("up.ndjson")).len(), 3);
}

#[test]
fn the_ledger_of_a_rehearsal_keeps_nobody_from_a_real_invitation() {
    let Rehearsed {
        campaign, invited, ..
    } = rehearsed();
    let uploaded = changed(&as_if_real(&invited), |record| {
        let record = record.as_object_mut().unwrap();
        record.remove("pkb");
        record.remove("invitation");
    });
    let mut command = campaign.command("pkb-resolve");
    for name in ["PKB_BASE_URL", "PKB_TOKEN_URL"] {
        command.env(name, "https://pkb.invalid/");
    }
    command.args([
        "--attempts",
        "1",
        "--not-again-within",
        "90d",
        "--invited-before",
        "l.journal",
        "--output",
        "r.ndjson",
    ]);
    let ended = run(&mut command, &uploaded);
    assert_refused(
        &ended,
        &[
            "l.journal is from a rehearsal",
            "row 2 of patients.csv is from a real campaign",
        ],
    );
}
