//! Unique values go through everything, failures included, and must be found nowhere but in the
//! outputs that are meant for them.

use std::{fmt::Write as _, process::Stdio};

use pkb_sandbox::{Config, OddAnswer, World, WorldPatient};

use crate::harness::{Campaign, run};

const NUMBERS: [&str; 6] = [
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
];
const SECRET: &str = "sandbox-CanarySecret-7f3a";

/// Six patients: one goes through, the others meet an error, a page, nonsense, another date of
/// birth, and no access. Two rows are bad.
fn patients() -> String {
    let mut csv = String::from(
        "NHS number,Title,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile,Email,Language,Gender\n",
    );
    for (at, number) in NUMBERS.iter().enumerate() {
        writeln!(
            csv,
            "{number},Dr,Canaryfirst{at},Canarylast{at},19{}7-03-0{},{at} Canary Lane,Canaryton,CA{} 4RY,0770090070{at},canary{at}@example.org,en,F",
            3 + at,
            1 + at,
            1 + at,
        )
        .unwrap();
    }
    csv.push_str("9990000019,Dr,Canarybad,Canaryrow,1937-13-45,8 Canary Lane,Canaryton,CANARY,canaryphone,canary@,canarytongue,canarygender\n");
    csv.push_str("Canaryragged,row\n");
    csv
}

fn world() -> World {
    let odd = |number: &str, answer| {
        let mut patient = WorldPatient::new(number);
        patient.answer = Some(answer);
        patient
    };
    let mut stranger = WorldPatient::new(NUMBERS[4]);
    stranger.no_access = true;
    let mut locked = WorldPatient::new(NUMBERS[5]);
    locked.no_access_tokens = true;
    World::default()
        .with(odd(NUMBERS[1], OddAnswer::Error))
        .with(odd(NUMBERS[2], OddAnswer::NotJson))
        .with(odd(NUMBERS[3], OddAnswer::Nonsense))
        .with(stranger)
        .with(locked)
}

#[test]
fn no_value_of_a_patient_and_no_secret_is_in_any_message_log_or_argument() {
    let campaign = Campaign::with(Config {
        world: world(),
        client_secret: SECRET.into(),
        ..Config::default()
    });
    let file = campaign.write("patients.csv", patients());
    let mut messages = String::new();
    let mut arguments = String::new();
    let mut stage = |program: &str, args: &[&str], input: &[u8]| {
        let mut command = campaign.command(program);
        command
            .args(args)
            .env("PKB_CLIENT_SECRET", SECRET)
            .env("RUST_LOG", "trace");
        if args.first() != Some(&"ledger") {
            command.args(["--progress", "always", "--progress-interval", "5ms"]);
        }
        let ended = run(&mut command, input);
        messages.push_str(&ended.stderr);
        ended
    };
    let uploaded = stage("pkb-upload", &[file.to_str().unwrap()], b"");
    let resolved = stage("pkb-resolve", &["--attempts", "2"], &uploaded.stdout);
    let invited = stage("pkb-tokens", &["--attempts", "2"], &resolved.stdout);
    let delivered = stage(
        "pkb-letters",
        &[
            "--out",
            "print",
            "--channel",
            "letter,sms",
            "--summary",
            "summary.json",
            "--journal",
            "l.journal",
        ],
        &invited.stdout,
    );
    // Who was sent what, asked by numbers; the same codes again as if they were new.
    let questions = NUMBERS.join("\n");
    let ledger = ["ledger", "--journal", "l.journal", "--national-ids", "-"];
    let answers = stage("pkb", &ledger, questions.as_bytes());
    assert!(answers.stdout.starts_with(b"question,answer,") && answers.code == 0);
    let reissue = ["--out", "print", "--journal", "l.journal", "--reissue", "2"];
    assert_eq!(stage("pkb-letters", &reissue, &invited.stdout).code, 2);
    // The same with damaged streams, a wrong secret, nobody at the address, and a broken letter.
    let damaged = String::from_utf8(invited.stdout.clone())
        .unwrap()
        .replace("Canarylast0\"", "Canarylast0\\u0007\"");
    stage("pkb-letters", &["--out", "damaged"], damaged.as_bytes());
    stage(
        "pkb-tokens",
        &[],
        &resolved.stdout[..resolved.stdout.len() / 2],
    );
    for (name, value) in [
        ("PKB_CLIENT_SECRET", "sandbox-CanaryWrong"),
        ("PKB_BASE_URL", "http://127.0.0.1:9/Canarypath"),
    ] {
        let mut command = campaign.command("pkb-resolve");
        command
            .args(["--attempts", "1"])
            .env("PKB_CLIENT_SECRET", SECRET)
            .env("RUST_LOG", "trace")
            .env(name, value);
        messages.push_str(&run(&mut command, &uploaded.stdout).stderr);
    }
    // The same patients by message, also where PKB refuses, is busy, or answers with a page.
    let file = file.to_str().unwrap();
    for (fault, more) in [
        (r#"{"status":503}"#, &["--attempts", "2"][..]),
        (r#"{"status":422}"#, &[]),
        (r#"{"message":"warnings"}"#, &["--keep-email"]),
        (r#"{"message":"error"}"#, &[]),
        (r#""html""#, &[]),
        (r#""reset_after""#, &["--attempts", "1"]),
        (r#"{"message":"another_patient"}"#, &[]),
        (r#"{"status":404}"#, &["--show-request", "2"]),
    ] {
        let rules = format!(
            r#"{{"rules":[{{"endpoint":"process_message","when":{{"always":true}},"fault":{fault}}}]}}"#
        );
        let faults = pkb_sandbox::Faults::from_json(rules).unwrap();
        campaign.sandbox.set_faults(faults);
        let mut command = campaign.command("pkb-upload");
        command
            .args([file, "--via", "messaging", "--no-compare", "--no-journal"])
            .args(more)
            .env("PKB_CLIENT_SECRET", SECRET)
            .env("PKB_MESSAGING_URL", campaign.sandbox.messaging_url())
            .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
            .env("RUST_LOG", "trace");
        let ended = run(&mut command, b"");
        messages.push_str(&ended.stderr);
        if more.contains(&"--show-request") {
            messages.push_str(&String::from_utf8(ended.stdout).unwrap());
        }
    }
    campaign.sandbox.set_faults(pkb_sandbox::Faults::default());
    for words in [
        "PKB answered 422",
        "an error: birthDate (business-rule)",
        "a different patient instead of the one in row 3",
        "Patient/$process-message",
    ] {
        assert!(messages.contains(words), "{words}: {messages}");
    }
    // Weeks later: who has registered, reminders, codes that have ended, and a file that is none of ours.
    campaign.write("damaged.ndjson", &damaged);
    for (program, args) in [
        ("pkb-resolve", "--recheck"),
        ("pkb-resolve", "--recheck --due-reminder 0d"),
        ("pkb", "purge l.journal"),
        ("pkb", "purge l.journal damaged.ndjson"),
    ] {
        let mut command = campaign.command(program);
        command
            .args(args.split(' '))
            .env("PKB_CLIENT_SECRET", SECRET)
            .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
            .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
            .env("PKB_FIXED_TIME", "2027-01-10T09:00:00Z")
            .env("RUST_LOG", "trace");
        messages.push_str(&run(&mut command, &delivered.stdout).stderr);
    }
    for words in [
        "with an invitation have registered",
        "codes deleted from",
        "damaged.ndjson, line",
    ] {
        assert!(messages.contains(words), "{words}: {messages}");
    }
    messages.push_str(&String::from_utf8(campaign.read("summary.json")).unwrap());
    messages.push_str(&String::from_utf8(answers.stdout).unwrap());
    messages.push_str(
        &String::from_utf8(campaign.read("print/rehearsal-sms-shared-mobiles.csv")).unwrap(),
    );
    // What other users of the machine see of a program that runs.
    let mut command = campaign.command("pkb-resolve");
    command
        .env("PKB_CLIENT_SECRET", SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    arguments.push_str(&String::from_utf8_lossy(
        &std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap(),
    ));
    drop(child.stdin.take());
    child.wait().unwrap();

    let reasons = |ended: &crate::harness::Ended| -> Vec<String> {
        ended
            .records()
            .iter()
            .filter_map(|r| r["outcome"]["reason"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(
        reasons(&delivered),
        [
            "unavailable",
            "not_understood",
            "not_understood",
            "no_access",
            "no_access",
            "bad_national_id",
            "ragged_row"
        ],
        "the test does not reach what it is meant to reach"
    );
    assert!(
        messages.contains("row 3: failed: unavailable") && messages.contains(" of 8 rows ("),
        "the messages are there: {messages}"
    );
    let mut secrets: Vec<String> = NUMBERS.iter().map(|n| (*n).to_owned()).collect();
    for text in [
        SECRET,
        "anary",
        "ANARY",
        "9990000019",
        "0770090070",
        "4477009007",
        "4RY",
    ] {
        secrets.push(text.to_owned());
    }
    for at in 0..6 {
        secrets.push(format!("19{}7-03-0{}", 3 + at, 1 + at));
    }
    for invitation in campaign.sandbox.invitations(NUMBERS[0]) {
        secrets.extend([invitation.code.clone(), invitation.token.clone()]);
    }
    assert!(secrets.len() >= NUMBERS.len() + 15);
    for text in [&messages, &arguments] {
        for secret in &secrets {
            // The folder of the campaign and the client's own words are no secrets.
            let at = text.find(secret.as_str());
            assert!(
                at.is_none(),
                "{secret} is in a message: {}",
                &text[at.unwrap_or(0).saturating_sub(80)..]
            );
        }
    }
}
