//! `pkb doctor` against a local PKB with one thing wrong at a time.

mod broken_states;

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use pkb_sandbox::{CLIENT_ID, CLIENT_SECRET, Faults, NOTIFY_API_KEY, ORG_ID};

use crate::harness::{Campaign, Ended, programs, run};

/// A folder in which all is well, but for what `change` does.
fn look(campaign: &Campaign, change: impl FnOnce(&mut Command)) -> Ended {
    let base = campaign.sandbox.base_url();
    for (name, secret) in [
        ("client.secret", CLIENT_SECRET),
        ("notify.key", NOTIFY_API_KEY),
    ] {
        let path = campaign.write(name, secret);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let mut command = Command::new(programs().join("pkb"));
    command
        .current_dir(campaign.folder.path())
        .env_clear()
        .env("PKB_BASE_URL", &base)
        .env("PKB_TOKEN_URL", format!("{base}/api/oauth/token"))
        .env("PKB_FHIR_URL", format!("{base}/fhir"))
        .env("PKB_ORG_ID", ORG_ID)
        .env("PKB_CLIENT_ID", CLIENT_ID)
        .env("PKB_CLIENT_SECRET_FILE", "client.secret")
        .env("NOTIFY_BASE_URL", &base)
        .env("NOTIFY_API_KEY_FILE", "notify.key")
        .args(["doctor", "--notify"]);
    change(&mut command);
    let ended = run(&mut command, b"");
    let text = String::from_utf8(ended.stdout.clone()).unwrap() + &ended.stderr;
    for secret in [CLIENT_SECRET, NOTIFY_API_KEY, "Canary"] {
        assert!(!text.contains(secret), "a secret is in the report: {text}");
    }
    ended
}

/// The lines of a level.
fn lines(ended: &Ended, level: &str) -> Vec<String> {
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    let wanted = text.lines().filter(|line| line.starts_with(level));
    wanted
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Whether the doctor ends with `code` and names this as a problem.
fn finds(ended: &Ended, code: i32, problem: &str) {
    let problems = lines(ended, "problem");
    assert!(
        ended.code == code && problems.iter().any(|line| line.contains(problem)),
        "{code} and {problem} were expected, not {}: {}",
        ended.code,
        String::from_utf8_lossy(&ended.stdout)
    );
}

#[test]
fn where_all_is_well_the_doctor_says_so_and_leaves_nothing_behind() {
    let campaign = Campaign::fixture();
    let ended = look(&campaign, |_| {});
    assert_eq!(
        ended.code,
        0,
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        ended.stderr
    );
    let ok = lines(&ended, "ok");
    for about in [
        "ok settings complete",
        "ok secret client.secret: mode 0600",
        "ok network",
        "ok clock agrees with PKB's",
        "ok credentials",
        "ok REST",
        "ok FHIR PKB_FHIR_URL is right",
        "ok FHIR $status-query answers",
        "ok FHIR $generate-invitation-tokens answers",
        "ok upload",
        "ok pace Recommended: --api fhir",
        "ok Notify key GOV.UK Notify takes it",
    ] {
        assert!(
            ok.iter().any(|line| line.starts_with(about)),
            "{about} is not in {ok:#?}"
        );
    }
    let changed = |endpoint: &str| {
        [
            "upload",
            "record_access_token",
            "notify_sms",
            "process_message",
        ]
        .contains(&endpoint)
    };
    let ledger = campaign.sandbox.ledger();
    let did = |entry: &pkb_sandbox::LedgerEntry| changed(entry.endpoint) && entry.committed;
    assert!(!ledger.iter().any(did));
    // Codes are asked for about the test number alone, which no patient has: nobody gets any.
    let codes = ledger.iter().filter(|it| it.endpoint == "generate_tokens");
    let asked: Vec<_> = codes.map(|it| it.identifiers).collect();
    assert_eq!(asked, [Some(1)]);
    assert_eq!(campaign.sandbox.count_patients(), 0);
    assert_eq!(
        std::fs::read_dir(campaign.folder.path()).unwrap().count(),
        2
    );
}

#[test]
fn each_fault_is_named_and_decides_the_exit_code() {
    let campaign = Campaign::fixture();
    let base = campaign.sandbox.base_url();
    let secret = |content: &str, mode| {
        let path = campaign.write("bad.secret", content);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let with_bad_secret = || {
        look(&campaign, |c| {
            c.env("PKB_CLIENT_SECRET_FILE", "bad.secret");
        })
    };
    secret("sandbox-CanaryWrong", 0o600);
    finds(
        &with_bad_secret(),
        77,
        "PKB refused the client's credentials",
    );
    secret(CLIENT_SECRET, 0o644);
    finds(
        &with_bad_secret(),
        2,
        "others can read or change the file (mode 0644). Run: chmod 600 bad.secret",
    );
    secret("", 0o600);
    finds(&with_bad_secret(), 2, "the file is empty");
    secret("\"Canary\"\n", 0o600);
    finds(&with_bad_secret(), 2, "quotes around the secret");
    finds(
        &look(&campaign, |c| {
            c.env("PKB_CLIENT_SECRET_FILE", "CanaryItself");
        }),
        2,
        "Set the path of a file, not the secret",
    );
    finds(
        &look(&campaign, |c| {
            c.env_remove("PKB_BASE_URL").env_remove("PKB_CLIENT_ID");
        }),
        2,
        "not set: PKB_BASE_URL, PKB_CLIENT_ID",
    );
    finds(
        &look(&campaign, |c| {
            c.env("PKB_TOKEN_URL", format!("{base}/nothing"));
        }),
        76,
        "not an access token",
    );
    finds(
        &look(&campaign, |c| {
            c.env("PKB_FHIR_URL", format!("{base}/nothing"));
        }),
        76,
        "nothing at the address of the FHIR operation",
    );
    // Port 9 (discard) has no listener on a test machine; the name is one that never is (RFC 6761).
    finds(
        &look(&campaign, |c| {
            c.env("PKB_BASE_URL", "http://127.0.0.1:9");
        }),
        75,
        "cannot connect to",
    );
    finds(
        &look(&campaign, |c| {
            for name in ["PKB_BASE_URL", "PKB_TOKEN_URL", "PKB_FHIR_URL"] {
                c.env(name, "https://pkb.invalid");
            }
        }),
        75,
        "the name pkb.invalid is not known",
    );
    finds(
        &look(&campaign, |c| {
            c.env("PKB_BASE_URL", "http://pkb.invalid");
        }),
        2,
        "must begin with https://",
    );
    let other_key = NOTIFY_API_KEY.replace("0002", "0003");
    finds(
        &look(&campaign, |c| {
            c.env_remove("NOTIFY_API_KEY_FILE")
                .env("NOTIFY_API_KEY", other_key);
        }),
        77,
        "refused the API key",
    );
    campaign.write("pkb.toml", "[letters]\ntemplat = \"x\"\n");
    finds(&look(&campaign, |_| {}), 2, "pkb.toml has");
}

#[test]
fn a_clock_that_is_off_is_found_and_said_in_which_direction() {
    let campaign = Campaign::fixture();
    for (off, part) in [
        (600, "seconds behind PKB's"),
        (-600, "seconds ahead of PKB's"),
    ] {
        let faults = format!("{{\"clock_off_seconds\": {off}}}");
        campaign
            .sandbox
            .set_faults(Faults::from_json(faults).unwrap());
        finds(&look(&campaign, |_| {}), 2, part);
    }
}

#[test]
fn an_outage_is_a_reason_to_try_later_and_open_files_are_a_warning() {
    let campaign = Campaign::fixture();
    let faults =
        r#"{"rules": [{"endpoint": "token", "when": {"always": true}, "fault": {"status": 503}}]}"#;
    campaign
        .sandbox
        .set_faults(Faults::from_json(faults).unwrap());
    let path = campaign.write("invited.ndjson", "");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = look(&campaign, |_| {});
    finds(&ended, 75, "no access token: ");
    let warnings = lines(&ended, "warning");
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("others can read invited.ndjson")),
        "{warnings:#?}"
    );
}
