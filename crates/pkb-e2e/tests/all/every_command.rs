//! Every command of every program, with patients whose values are easy to find: none of them is in a message, on a terminal,
//! or in an output that is not meant for them. The commands are those that clap knows, so a new one fails here until it has a case.

mod cases;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use pkb_sandbox::{
    Config, NHS_NOTIFY_API_KEY, NHS_NOTIFY_KEY_ID, NHS_NOTIFY_PRIVATE_KEY,
    NHS_NOTIFY_ROUTING_PLANS, NOTIFY_API_KEY, NOTIFY_LETTER_TEMPLATE, NOTIFY_TEMPLATES,
};

use crate::harness::{Campaign, Ended, PROGRAMS, on_terminal, programs, records, root, run};
use cases::{
    CASES,
    Output::{Plain, Records},
};

const NUMBERS: [&str; 4] = ["9990000026", "9990000034", "9990000042", "9990000050"];
const SECRET: &str = "sandbox-CanarySecret-91c2";

fn patients() -> String {
    let mut csv = String::from(
        "NHS number,Title,First name,Last name,Date of birth,Address 1,Address 2,Town,County,Post code,Mobile,Email,Language,Gender\n",
    );
    for (at, number) in NUMBERS.iter().enumerate() {
        csv.push_str(&format!(
            "{number},Dr,Canaryfirst{at},Canarylast{at},19{}7-03-0{},{at} Canary Lane,,Canaryton,,CA{} 4RY,0770090070{at},canary{at}@example.org,en,F\n",
            3 + at,
            1 + at,
            1 + at,
        ));
    }
    csv.push_str("9990000019,Dr,Canarybad,Canaryrow,1937-13-45,8 Canary Lane,,Canaryton,,CANARY,canaryphone,canary@,canarytongue,canarygender\n");
    csv
}

/// A folder with what a campaign has at its end, made through pipes and files.
fn prepared() -> Campaign {
    let campaign = Campaign::with(Config {
        client_secret: SECRET.into(),
        ..Config::default()
    });
    let patients = patients();
    let good: Vec<&str> = patients
        .lines()
        .filter(|line| !line.contains("Canarybad"))
        .collect();
    campaign.write("good.csv", good.join("\n") + "\n");
    campaign.write("patients.csv", patients);
    campaign.write("numbers", NUMBERS.join("\n"));
    campaign.write("world.json", r#"{"patients":[]}"#);
    let key = campaign.write("private-key.pem", NHS_NOTIFY_PRIVATE_KEY);
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    campaign.write(
        "keys",
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    );
    let age = campaign.write("age", "#!/bin/sh\ncat > plain\nprintf 'age-encryption.org/v1\\n-> X25519 a\\nb\\n--- mac\\n0123456789abcdef'\ncat plain\nhead -c $((($(wc -c < plain) + 65535) / 65536 * 16)) /dev/zero\nrm plain\n");
    fs::set_permissions(age, fs::Permissions::from_mode(0o700)).unwrap();
    for (program, args) in [
        ("pkb-upload", "patients.csv --no-compare --output u.ndjson"),
        ("pkb-resolve", "u.ndjson --rate 0 --output r.ndjson"),
        ("pkb-tokens", "r.ndjson --rate 0 --output t.ndjson"),
        (
            "pkb-letters",
            "t.ndjson --out print --channel letter,sms --journal l.journal --output l.ndjson",
        ),
        (
            "pkb-letters",
            "t.ndjson --out separate --separate --output separate.ndjson",
        ),
        (
            "pkb-notify",
            "sms send l.ndjson --template-id TEMPLATES --journal texted.journal --output texted.ndjson",
        ),
        (
            "pkb-notify",
            "post send separate.ndjson --letters separate --journal posted.journal --output posted.ndjson",
        ),
        (
            "pkb-letters",
            "t.ndjson --out rows --channel data --data-profile notify-letter --output rows.ndjson",
        ),
        (
            "pkb-notify",
            "rows send rows.ndjson --rows rows --letter-template-id LETTER --journal rowed.journal --output rowed.ndjson",
        ),
        (
            "pkb-notify",
            "nhs send t.ndjson --journal nhs-sent.journal --output nhs-sent.ndjson",
        ),
    ] {
        let ended = run(&mut command(&campaign, program, args), b"");
        assert_eq!(ended.code, 65, "{program} {args}: {}", ended.stderr);
    }
    for folder in ["requests", "responses", "returns"] {
        fs::create_dir(campaign.path(folder)).unwrap();
    }
    // What the register says, and of which two are missing.
    let request = "trace request good.csv --out requests/request.csv";
    let asked = run(&mut command(&campaign, "pkb", request), b"");
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    fs::copy(
        campaign.path("requests/request.csv.key"),
        campaign.path("response.key"),
    )
    .unwrap();
    let mesh = "mesh --requests requests --responses . --patients good.csv --fault double";
    assert_eq!(
        run(&mut command(&campaign, "pkb-sandbox", mesh), b"").code,
        0
    );
    fs::rename(
        campaign.path("RESP_request.csv"),
        campaign.path("response.csv"),
    )
    .unwrap();
    campaign.write("scans", "1\n2\n");
    let delivered = String::from_utf8(campaign.read("l.ndjson")).unwrap();
    campaign.write(
        "wrong.ndjson",
        delivered.replace("Canaryfirst0", "Canaryother0"),
    );
    campaign
}

/// A command as it is typed in the campaign's folder.
fn command(campaign: &Campaign, words: &str, args: &str) -> Command {
    let mut words = words.split(' ');
    let mut command = campaign.command(words.next().unwrap());
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    let args = args.split(' ').filter(|arg| !arg.is_empty());
    let base = campaign.sandbox.base_url();
    command
        .args(words)
        .args(args.map(|arg| {
            let arg = arg.replace("TEMPLATES", &templates);
            arg.replace("LETTER", NOTIFY_LETTER_TEMPLATE)
        }))
        .env("PKB_CLIENT_SECRET", SECRET)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_MESSAGING_URL", campaign.sandbox.messaging_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY)
        .env("NHS_NOTIFY_BASE_URL", format!("{base}/comms"))
        .env("NHS_NOTIFY_TOKEN_URL", format!("{base}/oauth2/token"))
        .env("NHS_NOTIFY_API_KEY", NHS_NOTIFY_API_KEY)
        .env("NHS_NOTIFY_KEY_ID", NHS_NOTIFY_KEY_ID)
        .env("NHS_NOTIFY_PRIVATE_KEY_FILE", "private-key.pem")
        .env("NHS_NOTIFY_ROUTING_PLAN", NHS_NOTIFY_ROUTING_PLANS[0])
        .env("TERM", "xterm")
        .env("RUST_LOG", "trace");
    if words_of_server(&command) {
        let (program, folder) = (command.get_program().to_owned(), campaign.folder.path());
        let mut limited = Command::new("timeout");
        limited
            .current_dir(folder)
            .args(["--preserve-status", "-s", "INT", "1"]);
        limited.arg(program).args(command.get_args());
        return limited;
    }
    command
}

fn words_of_server(command: &Command) -> bool {
    command.get_args().next().is_some_and(|arg| arg == "serve")
}

/// All that is a patient's or a secret, and that `command` must not say.
fn secrets(campaign: &Campaign, command: &str) -> Vec<String> {
    let mut secrets: Vec<String> = NUMBERS.iter().map(|n| (*n).to_owned()).collect();
    for text in [
        SECRET,
        NOTIFY_API_KEY,
        NHS_NOTIFY_API_KEY,
        "anary",
        "ANARY",
        "9990000019",
        "0770090070",
        "4477009007",
        "4RY",
    ] {
        secrets.push(text.to_owned());
    }
    secrets.extend((0..4).map(|at| format!("19{}7-03-0{}", 3 + at, 1 + at)));
    for number in NUMBERS {
        for invitation in campaign.sandbox.invitations(number) {
            secrets.extend([invitation.code.clone(), invitation.token.clone()]);
        }
    }
    secrets.extend(NHS_NOTIFY_PRIVATE_KEY.lines().nth(3).map(str::to_owned));
    // The keys of the sandbox are no secrets where the sandbox says how to reach it.
    let is_key = |secret: &String| [NOTIFY_API_KEY, NHS_NOTIFY_API_KEY].contains(&secret.as_str());
    secrets.retain(|secret| command != "pkb-sandbox env" || !is_key(secret));
    secrets
}

fn assert_clean(what: &str, text: &str, secrets: &[String]) {
    for secret in secrets {
        if let Some(at) = text.find(secret.as_str()) {
            let start = text[..at]
                .char_indices()
                .rev()
                .nth(80)
                .map_or(0, |(at, _)| at);
            panic!("{secret} is in what {what} says: …{}", &text[start..]);
        }
    }
}

#[test]
fn no_command_says_a_value_of_a_patient_or_a_secret_where_it_does_not_belong() {
    let campaign = prepared();
    for (name, args, output, code) in CASES {
        let ended: Ended = run(&mut command(&campaign, name, args), b"");
        let what = format!("{name} {args}");
        assert_eq!(ended.code, *code, "{what}: {}", ended.stderr);
        let secrets = secrets(&campaign, name);
        assert_clean(&what, &ended.stderr, &secrets);
        let out = String::from_utf8_lossy(&ended.stdout);
        match output {
            Plain => assert_clean(&what, &out, &secrets),
            Records => assert!(out.contains("anary"), "{what} wrote no records"),
        }
    }
    for name in [
        "problems.csv",
        "report.html",
        "report.json",
        "print/rehearsal-sms-shared-mobiles.csv",
    ] {
        assert_clean(
            name,
            &String::from_utf8(campaign.read(name)).unwrap(),
            &secrets(&campaign, name),
        );
    }
    assert!(
        String::from_utf8(campaign.read("values.csv"))
            .unwrap()
            .contains("canary@"),
        "asked for"
    );
    assert_eq!(records(&campaign.read("merged.ndjson")).len(), 5);
}

#[test]
fn no_command_shows_a_value_of_a_patient_on_a_terminal_unasked() {
    let campaign = prepared();
    for (name, args, output, code) in CASES {
        let before = files(campaign.folder.path());
        let (ended, screen) = on_terminal(&mut command(&campaign, name, args));
        let what = format!("{name} {args}");
        let expected = if *output == Records { 2 } else { *code };
        assert_eq!(ended, expected, "{what}: {screen}");
        assert_clean(&what, &screen, &secrets(&campaign, name));
        if *output == Records {
            assert!(
                screen.contains("What to do: ") && screen.contains("--show-"),
                "{what}: {screen}"
            );
            assert_eq!(
                files(campaign.folder.path()),
                before,
                "{what} began to work"
            );
        }
    }
}

#[test]
fn what_is_asked_for_is_shown_and_a_file_that_is_the_terminal_is_no_way_round() {
    let campaign = prepared();
    for (name, args) in [
        (
            "pkb-upload",
            "patients.csv --no-compare --dry-run --show-records",
        ),
        ("pkb-resolve", "u.ndjson --show-records"),
        ("pkb-letters", "t.ndjson --out shown --show-records"),
        ("pkb-sandbox world", "good.csv --show-patients"),
    ] {
        let (_, screen) = on_terminal(&mut command(&campaign, name, args));
        assert!(screen.contains("anary"), "{name} {args}: {screen}");
    }
    for file in ["/dev/stdout", "/dev/stderr", "/proc/self/fd/1"] {
        let args = format!("u.ndjson --output {file}");
        let (code, screen) = on_terminal(&mut command(&campaign, "pkb-resolve", &args));
        assert_eq!(code, 2, "{file}: {screen}");
        assert_clean(&args, &screen, &secrets(&campaign, "pkb-resolve"));
    }
}

#[test]
fn every_command_that_the_programs_have_is_looked_at() {
    let covered: BTreeSet<String> = CASES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let mut known = BTreeSet::new();
    for program in PROGRAMS {
        let folder = tempfile::tempdir().unwrap();
        let mut man = Command::new(programs().join(program));
        assert!(
            man.arg("man")
                .arg(folder.path())
                .status()
                .unwrap()
                .success()
        );
        for page in files(folder.path()) {
            let page = page.file_stem().unwrap().to_str().unwrap();
            let rest = page.strip_prefix(program).unwrap().replace('-', " ");
            known.insert(format!("{program}{rest}"));
        }
    }
    let help = Command::new(programs().join("pkb-sandbox"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    for line in commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let word = line.split_whitespace().next().unwrap();
        if word != "help" {
            known.insert(format!("pkb-sandbox {word}"));
        }
    }
    assert!(known.len() >= 25, "{known:?}");
    let missing: Vec<_> = known.difference(&covered).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    // And every program that is built.
    let mains = fs::read_dir(root().join("crates"))
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            entry.path().join("src/main.rs").exists().then_some(name)
        });
    for program in mains {
        assert!(
            known
                .iter()
                .any(|name| name.split(' ').next() == Some(&program)),
            "{program}"
        );
    }
}

/// The files below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path);
        }
    }
    all
}
