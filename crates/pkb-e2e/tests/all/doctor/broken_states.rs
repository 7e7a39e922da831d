//! What the doctor says of a PKB in which one thing is wrong: what it is, and what to do. The whole text is pinned.

use std::{fmt::Write as _, process::Command};

use pkb_sandbox::{CLIENT_ID, Config, Faults, REFRESH_TOKEN};

use super::look;
use crate::harness::{Campaign, root};

/// A PKB in which something is wrong, and what is changed of the settings.
struct BrokenState {
    name: &'static str,
    config: Config,
    change: fn(&mut Command, &str),
}

fn state(name: &'static str, change: fn(&mut Command, &str)) -> BrokenState {
    BrokenState {
        name,
        config: Config::default(),
        change,
    }
}

fn with(name: &'static str, config: Config) -> BrokenState {
    BrokenState {
        name,
        config,
        change: |_, _| {},
    }
}

/// One rule for an endpoint.
fn faulty(name: &'static str, endpoint: &str, fault: &str) -> BrokenState {
    let rule = format!(
        r#"{{"rules":[{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{fault}}}]}}"#
    );
    let config = Config {
        faults: Faults::from_json(rule).unwrap(),
        ..Config::default()
    };
    with(name, config)
}

fn not_enabled(name: &'static str, operations: &[&str]) -> BrokenState {
    let config = Config {
        not_enabled: operations.iter().map(ToString::to_string).collect(),
        ..Config::default()
    };
    with(name, config)
}

fn states() -> Vec<BrokenState> {
    let json = Config {
        json_mounts: true,
        ..Config::default()
    };
    let small = Config {
        max_status_query: 1_000,
        max_invitation_tokens: 2_000,
        ..Config::default()
    };
    vec![
        with("the REST calls are below /json", json),
        with("PKB publishes other numbers of patients a call", small),
        not_enabled(
            "the operation for codes is not switched on",
            &["generate_tokens"],
        ),
        not_enabled(
            "no operation is switched on",
            &["status_query", "generate_tokens"],
        ),
        state("the organisation is another one", |command, _| {
            command.env("PKB_ORG_ID", "00000000-0000-4000-8000-000000000123");
        }),
        state("the address of FHIR is wrong", |command, base| {
            command.env("PKB_FHIR_URL", format!("{base}/fihr"));
        }),
        state("FHIR is not set up for a large campaign", |command, _| {
            command.env_remove("PKB_FHIR_URL").env_remove("PKB_ORG_ID");
        }),
        state("the refresh token was used twice", |command, base| {
            let token = command.get_current_dir().unwrap().join("refresh");
            std::fs::write(&token, REFRESH_TOKEN).unwrap();
            let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&token, only_owner).unwrap();
            command
                .env("PKB_TOKEN_URL", format!("{base}/apiToken.action"))
                .env("PKB_REFRESH_TOKEN_FILE", "refresh");
            spend(base);
        }),
        faulty(
            "the client is of the wrong kind",
            "any",
            r#"{"status":403,"code":"USER_TYPE_NOT_PERM"}"#,
        ),
        faulty(
            "the client may not look up patients",
            "by_national_id",
            r#"{"status":403}"#,
        ),
        faulty(
            "the client may not upload",
            "upload_status",
            r#"{"status":403}"#,
        ),
        faulty(
            "a login page comes instead of answers",
            "by_national_id",
            r#""html""#,
        ),
        faulty("PKB is down", "any", r#"{"status":503}"#),
        faulty(
            "the session is over",
            "by_national_id",
            r#"{"status":401,"code":"API_SESSION_EXPIRED"}"#,
        ),
    ]
}

/// Uses the first refresh token, as somebody else has.
fn spend(base: &str) {
    let form = [
        ("grant_type", "refresh_token"),
        ("scope", "SITE"),
        ("client_id", CLIENT_ID),
        ("refresh_token", REFRESH_TOKEN),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = pkb_client::tls::on_loopback().unwrap();
    let request = client.post(format!("{base}/apiToken.action")).form(&form);
    let answer = runtime.block_on(request.send()).unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

/// Without what differs from run to run.
fn masked(text: &str, campaign: &Campaign) -> String {
    let host = campaign.sandbox.base_url().replace("http://", "");
    let mut masked = String::new();
    for line in text.lines() {
        // What hangs on this machine is pinned nowhere, nor is a count of it.
        let is_of_machine = [
            "settings",
            "secret",
            "permissions",
            "umask",
            "disk",
            "temporary",
            "programs",
            "Notify",
        ];
        let about = line.get(9..).unwrap_or_default();
        let is_count = ["ready", "not ready", "all is well"];
        if is_of_machine.iter().any(|it| about.starts_with(it))
            || is_count.iter().any(|it| line.starts_with(it))
        {
            continue;
        }
        let line = line.replace(&host, "HOST");
        let words: Vec<&str> = line.split(' ').collect();
        let mut kept: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let is_seconds = words
                .get(at + 1)
                .is_some_and(|next| next.trim_end_matches([':', ';', '.']) == "s")
                && word.parse::<f64>().is_ok();
            kept.push(if is_seconds { "N" } else { word });
        }
        let line = kept.join(" ");
        // How long all calls take hangs on one.
        let line = match line.split_once(" takes about ") {
            Some((start, end)) => {
                let (_, end) = end.split_once(" for each of ").unwrap();
                format!("{start} takes about TIME for each of {end}")
            }
            None => line,
        };
        writeln!(masked, "{}", line.trim_end()).unwrap();
    }
    masked
}

#[test]
fn each_broken_state_of_pkb_is_named_with_what_to_do() {
    let mut all = String::new();
    let states = states();
    assert!(states.len() >= 12);
    for BrokenState {
        name,
        config,
        change,
    } in states
    {
        let campaign = Campaign::with(config);
        let base = campaign.sandbox.base_url();
        let ended = look(&campaign, |command| {
            command.args(["--patients", "50000"]);
            change(command, &base);
        });
        let said = String::from_utf8(ended.stdout).unwrap();
        writeln!(
            all,
            "== {name}: exit code {}\n{}",
            ended.code,
            masked(&said, &campaign)
        )
        .unwrap();
    }
    let pinned = root().join("crates/pkb-e2e/tests/cmd/doctor.txt");
    // As for the other pins: TRYCMD=overwrite writes what is said now, to be read as a difference.
    if std::env::var_os("TRYCMD").is_some_and(|how| how == "overwrite") {
        std::fs::write(&pinned, &all).unwrap();
    }
    let before = std::fs::read_to_string(pinned).unwrap();
    assert!(all == before, "the doctor says something else now:\n{all}");
}
