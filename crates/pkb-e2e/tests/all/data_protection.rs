//! Files that others can read are said, codes that have ended go, and a finished campaign is sealed.

mod purging;
mod sealing;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use pkb_sandbox::{Config, World};
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, run, synthetic_csv};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A program on a day of or after the campaign, which began on 22 November.
fn on(campaign: &Campaign, day: &str, program: &str, args: &[&str]) -> Ended {
    let mut command = campaign.command(program);
    command
        .args(args)
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("PKB_FIXED_TIME", format!("{day}T12:00:00Z"));
    run(&mut command, b"")
}

/// Letters and texts, with journals, in the campaign's folder.
fn campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        world: World::default(),
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(8, 5));
    for (program, args) in [
        ("pkb-upload", "patients.csv --output u.ndjson"),
        ("pkb-resolve", "u.ndjson --rate 0 --output r.ndjson"),
        ("pkb-tokens", TOKENS),
        ("pkb-letters", LETTERS),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let ended = on(&campaign, "2026-11-22", program, &args);
        assert_eq!(ended.code, 0, "{program}: {}", ended.stderr);
    }
    campaign
}

const TOKENS: &str = "r.ndjson --rate 0 --journal t.journal --output t.ndjson";
const LETTERS: &str =
    "t.ndjson --out print --channel letter,sms --zip --journal l.journal --output l.ndjson";
const FILES: [&str; 4] = ["t.journal", "t.ndjson", "l.journal", "l.ndjson"];

/// All codes of the campaign.
fn codes(campaign: &Campaign) -> BTreeSet<String> {
    let records = records(&campaign.read("l.ndjson"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let codes = records.iter().flat_map(|record| {
        let invitation = &record["invitation"];
        [text(&invitation["code"]), text(&invitation["token"])]
    });
    codes.collect()
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// Files in which one of the codes stands as plain text.
fn with_codes(campaign: &Campaign, codes: &BTreeSet<String>) -> Vec<String> {
    let has_one = |path: &PathBuf| {
        let content = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&content);
        codes.iter().any(|code| text.contains(code.as_str()))
    };
    let root = campaign.folder.path();
    let files = files(root).into_iter().filter(has_one);
    files
        .map(|path| path.strip_prefix(root).unwrap().display().to_string())
        .collect()
}

fn purge(campaign: &Campaign, day: &str, args: &[&str]) -> Ended {
    let args = [&["purge"], &FILES[..], args].concat();
    on(campaign, day, "pkb", &args)
}

#[test]
fn codes_that_have_ended_go_from_every_file_and_what_was_sent_is_still_known() {
    let campaign = campaign();
    let codes = codes(&campaign);
    assert_eq!(codes.len(), 16);
    let ledger = || {
        on(
            &campaign,
            "2027-01-10",
            "pkb",
            &["ledger", "--journal", "l.journal"],
        )
    };
    let sent = ledger().stdout;
    let all = || -> Vec<Vec<u8>> {
        let mut paths = files(campaign.folder.path());
        paths.sort();
        paths
            .into_iter()
            .map(|path| fs::read(path).unwrap())
            .collect()
    };
    let before = all();

    // Too early, and to see what would be: nothing is changed.
    let early = purge(&campaign, "2026-12-20", &["--letters", "print"]);
    assert_eq!(early.code, 0, "{}", early.stderr);
    assert!(
        early
            .stderr
            .contains("8 records have codes that are still valid, the last until 2026-12-22"),
        "{}",
        early.stderr
    );
    let dry = purge(
        &campaign,
        "2027-01-10",
        &["--letters", "print", "--dry-run"],
    );
    assert!(
        dry.stderr
            .contains("would be deleted: print/rehearsal-letters-0001.pdf"),
        "{}",
        dry.stderr
    );
    assert!(all() == before);

    // In use: nothing is changed either.
    let journal = fs::File::open(campaign.path("l.journal")).unwrap();
    journal.try_lock().unwrap();
    let refused = purge(&campaign, "2027-01-10", &["--letters", "print"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("l.journal is in use by a different run"),
        "{}",
        refused.stderr
    );
    assert!(all() == before);
    drop(journal);

    let done = purge(&campaign, "2027-01-10", &["--letters", "print"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(with_codes(&campaign, &codes), [""; 0]);
    for name in [
        "rehearsal-letters-0001.pdf",
        "rehearsal-letters-0001.zip",
        "rehearsal-sms-0001.csv",
    ] {
        assert!(!campaign.path("print").join(name).exists(), "{name}");
    }
    assert!(campaign.path("print/rehearsal-manifest.csv").exists());
    for name in FILES {
        assert_eq!(mode(&campaign.path(name)), 0o600, "{name}");
    }
    let after = all();
    let again = purge(&campaign, "2027-01-11", &["--letters", "print"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(all() == after, "a second time nothing is left to do");

    // Who was sent what, who has registered, whom another campaign leaves out.
    assert_eq!(ledger().stdout, sent);
    let args = ["--recheck", "l.ndjson", "--rate", "0"];
    let rechecked = on(&campaign, "2027-01-10", "pkb-resolve", &args);
    assert!(
        rechecked.stderr.contains("0 of 8 patients"),
        "{}",
        rechecked.stderr
    );
    let args = "u.ndjson --rate 0 --invited-before l.journal --not-again-within 90d";
    let args: Vec<&str> = args.split(' ').collect();
    let another = on(&campaign, "2027-01-10", "pkb-resolve", &args).records();
    assert!(
        another
            .iter()
            .all(|record| record["outcome"]["reason"] == "invited_recently")
    );
}

#[test]
fn without_their_codes_patients_get_no_second_letter_and_no_unasked_codes() {
    let campaign = campaign();
    let purged = purge(&campaign, "2027-01-10", &[]);
    assert_eq!(purged.code, 0, "{}", purged.stderr);
    let delivered = campaign.read("l.ndjson");
    campaign.sandbox.reset_ledger();
    let args = ["l.ndjson", "--rate", "0"];
    let tokens = on(&campaign, "2027-01-10", "pkb-tokens", &args);
    assert_eq!(tokens.code, 0, "{}", tokens.stderr);
    assert_eq!(tokens.stdout, delivered);
    let calls = campaign.sandbox.ledger();
    assert!(
        !calls
            .iter()
            .any(|call| call.endpoint == "record_access_token")
    );

    // The ledger answers the whole campaign when it is run again, with its other files as they were.
    let letters: Vec<&str> = LETTERS.split(' ').collect();
    let again = on(&campaign, "2027-01-10", "pkb-letters", &letters);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(campaign.read("l.ndjson"), delivered);
    assert!(!campaign.path("print/rehearsal-letters-0002.pdf").exists());

    // What needs the codes says that they are gone.
    let verified = on(
        &campaign,
        "2027-01-10",
        "pkb",
        &["verify", "print", "l.ndjson"],
    );
    assert_ne!(verified.code, 0);
    assert!(
        verified.stderr.contains("pkb purge has deleted them"),
        "{}",
        verified.stderr
    );
    let reprint = [&letters[..], &["--reprint", "2"]].concat();
    let reprinted = on(&campaign, "2027-01-10", "pkb-letters", &reprint);
    assert!(
        reprinted
            .stderr
            .contains("row 2: not printed again: the codes have expired"),
        "{}",
        reprinted.stderr
    );
}

#[test]
fn what_others_on_the_machine_can_read_is_said_once_with_what_mends_it() {
    let campaign = Campaign::fixture();
    set_mode(campaign.folder.path(), 0o755);
    let patients = campaign.write("patients.csv", synthetic_csv(3, 5));
    let secret = campaign.write("secret", pkb_sandbox::CLIENT_SECRET);
    let journal = campaign.write("u.journal", "");
    set_mode(&patients, 0o644);
    set_mode(&secret, 0o640);
    set_mode(&journal, 0o604);
    let upload = "umask 022; PKB_CLIENT_SECRET_FILE=secret pkb-upload patients.csv --journal u.journal > u.ndjson";
    let exposed = campaign.shell(upload);
    assert_eq!(exposed.code, 0, "{}", exposed.stderr);
    for (path, readers) in [
        ("patients.csv", "everybody on this machine"),
        ("secret", "its group"),
        ("u.journal", "everybody on this machine"),
    ] {
        let line = format!("{path}: {readers} can read this file. Run: chmod 600 {path}");
        assert_eq!(
            exposed.stderr.matches(&line).count(),
            1,
            "{line}: {}",
            exposed.stderr
        );
    }
    assert!(
        exposed.stderr.contains("u.ndjson: everybody"),
        "{}",
        exposed.stderr
    );
    assert_eq!(mode(&journal), 0o604, "nothing is changed");

    for path in [&patients, &secret, &journal] {
        set_mode(path, 0o600);
    }
    let private = campaign.shell(&upload.replace("umask 022", "rm u.ndjson; umask 077"));
    assert_eq!(private.code, 0, "{}", private.stderr);
    assert!(
        !private.stderr.contains("can read this file"),
        "{}",
        private.stderr
    );
}
