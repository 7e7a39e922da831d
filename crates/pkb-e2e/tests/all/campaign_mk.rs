//! `scripts/campaign.mk` as an operator uses it: the whole campaign, and what comes when it is over. Shards that are
//! disturbed are tested by `scripts/test-batches`.

use std::process::Command;

use pkb_sandbox::Config;

use crate::harness::{Campaign, Ended, programs, root, run, synthetic_csv};

fn campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(12, 11));
    let include = root().join("scripts/campaign.mk");
    let makefile = format!("SHARDS = 2\nRATE = 500\ninclude {}\n", include.display());
    campaign.write("Makefile", makefile);
    campaign
}

fn make(campaign: &Campaign, targets: &[&str]) -> Ended {
    let settings = campaign.command("pkb-upload");
    let mut make = Command::new("make");
    make.current_dir(campaign.folder.path())
        .env_clear()
        .envs(
            settings
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()))
        .args(targets);
    let ended = run(&mut make, b"");
    Ended {
        stderr: String::from_utf8(ended.stdout.clone()).unwrap() + &ended.stderr,
        ..ended
    }
}

#[test]
fn make_all_ends_with_where_letters_and_report_are_and_make_letters_with_verify() {
    let campaign = campaign();
    let letters = make(&campaign, &["letters"]);
    assert_eq!(letters.code, 0, "{}", letters.stderr);
    let last = "Before anything is posted: make verify";
    assert!(letters.stderr.contains(last), "{}", letters.stderr);
    let all = make(&campaign, &["all"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let folder = campaign.folder.path().canonicalize().unwrap();
    for (what, name) in [
        ("letters:", "print"),
        ("records:", "delivered.ndjson"),
        ("report:", "report.html"),
    ] {
        let place = folder.join(name).display().to_string();
        let line = all.stderr.lines().find(|line| line.starts_with(what));
        assert!(
            line.is_some_and(|line| line.contains(&place)),
            "{}",
            all.stderr
        );
        assert!(folder.join(name).exists(), "{name}");
    }
    // Again, and nothing is made again.
    let before = campaign.read("delivered.ndjson");
    let again = make(&campaign, &["all"]);
    assert!(again.code == 0 && campaign.read("delivered.ndjson") == before);
}

#[test]
fn make_purge_and_make_seal_change_nothing_without_being_told_so_twice() {
    let campaign = campaign();
    assert_eq!(make(&campaign, &["all"]).code, 0);
    let codes = || {
        let records = String::from_utf8(campaign.read("delivered.ndjson")).unwrap();
        records.matches("\"invitation\":").count()
    };
    let with_codes = codes();
    assert!(with_codes > 0);
    let later = "PKB_FIXED_TIME=2027-06-01T09:00:00Z";
    let look = make(&campaign, &["purge", later]);
    assert_eq!(look.code, 0, "{}", look.stderr);
    assert!(
        look.stderr.contains("make purge CONFIRM=yes"),
        "{}",
        look.stderr
    );
    assert!(
        codes() == with_codes
            && campaign
                .path("print/01-of-02/rehearsal-letters-01-0001.pdf")
                .exists()
    );
    let done = make(&campaign, &["purge", later, "CONFIRM=yes"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(codes(), 0, "{}", done.stderr);
    assert!(
        !campaign
            .path("print/01-of-02/rehearsal-letters-01-0001.pdf")
            .exists()
    );

    let nobody = make(&campaign, &["seal"]);
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    assert!(nobody.stderr.contains("RECIPIENT="), "{}", nobody.stderr);
    let key = "RECIPIENT=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let outer = tempfile::tempdir().unwrap();
    let archive = outer.path().join("campaign.tar.age");
    let place = format!("ARCHIVE={}", archive.display());
    let look = make(&campaign, &["seal", key, &place]);
    assert!(look.code == 0 && !archive.exists(), "{}", look.stderr);
    assert!(look.stderr.contains("add CONFIRM=yes"), "{}", look.stderr);
    let sealed = make(&campaign, &["seal", key, &place, "CONFIRM=yes"]);
    assert_eq!(sealed.code, 0, "{}", sealed.stderr);
    assert!(archive.exists() && campaign.path("patients.csv").exists());
    std::fs::remove_file(&archive).unwrap();
    let removed = make(
        &campaign,
        &["seal", key, &place, "CONFIRM=yes", "REMOVE=yes"],
    );
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert!(archive.exists() && !campaign.path("patients.csv").exists());
}

#[test]
fn make_follow_up_prints_letters_for_whom_no_text_reached_and_nobody_twice() {
    let campaign = campaign();
    let notify = format!(
        "export NOTIFY_BASE_URL = {}\nexport NOTIFY_API_KEY = {}\nexport PKB_FHIR_URL = {}\nexport PKB_ORG_ID = {}\nPLAN = sms 72h letter\n",
        campaign.sandbox.base_url(),
        pkb_sandbox::NOTIFY_API_KEY,
        campaign.sandbox.fhir_url(),
        pkb_sandbox::ORG_ID
    );
    let makefile = notify + &String::from_utf8(campaign.read("Makefile")).unwrap();
    campaign.write("Makefile", makefile);
    let begun = make(&campaign, &["letters"]);
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    let args = ["sms", "send", "delivered.ndjson", "--template-id"];
    let templates = pkb_sandbox::NOTIFY_TEMPLATES[..2].join(",");
    let mut send = campaign.command("pkb-notify");
    send.args(args)
        .arg(templates)
        .args(["--settle-after", "300ms", "--output", "texted.ndjson"]);
    send.env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", pkb_sandbox::NOTIFY_API_KEY);
    let sent = run(&mut send, b"");
    assert!(matches!(sent.code, 0 | 65), "{}", sent.stderr);
    let texted = campaign.sandbox.notified().len() / 2;
    assert!(texted > 5, "{texted}");

    let invited_twice = |campaign: &Campaign| {
        let records = crate::harness::records(&campaign.read("texted.ndjson")).into_iter();
        records
            .filter(|record| record["earlier"].is_array())
            .count()
    };
    // Four days later nobody has registered.
    for _ in 0..2 {
        let later = make(
            &campaign,
            &["follow-up", "PKB_FIXED_TIME=2026-11-26T09:00:00Z"],
        );
        assert_eq!(later.code, 0, "{}", later.stderr);
        assert_eq!(invited_twice(&campaign), texted);
    }
    let verified = campaign.stage("pkb", &["verify", "print", "texted.ndjson"], b"");
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert_eq!(
        campaign.sandbox.notified().len(),
        2 * texted,
        "no text was sent again"
    );
}
