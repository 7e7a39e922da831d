//! What stands where an output is to be written: it is replaced by nothing less, and nothing else is replaced.

use std::os::unix::fs::{FileTypeExt as _, symlink};

use pkb_sandbox::Config;

use crate::harness::{Campaign, records, synthetic_csv};

fn campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(12, 11));
    let ended = campaign.shell("pkb-upload patients.csv --output uploaded.ndjson");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    campaign
}

/// Runs a command that must not change `kept`.
fn refused(campaign: &Campaign, line: &str, kept: &str, code: i32, words: &str) {
    let before = campaign.read(kept);
    let ended = campaign.shell(line);
    assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
    assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
    assert!(campaign.read(kept) == before, "{line}: {kept} has changed");
}

#[test]
fn records_are_not_replaced_by_fewer_unless_that_is_asked_for() {
    let campaign = campaign();
    let whole = "pkb-resolve uploaded.ndjson --output resolved.ndjson";
    assert_eq!(campaign.shell(whole).code, 0);
    let before = campaign.read("resolved.ndjson");
    let part = "head -n 4 uploaded.ndjson | pkb-resolve --partial --output resolved.ndjson";
    let nothing = "pkb-resolve --partial --output resolved.ndjson < /dev/null";
    for line in [part, nothing] {
        let words = "of this file are not in the new records, so the old file is kept";
        refused(&campaign, line, "resolved.ndjson", 66, words);
    }
    // An input that ends early is said as before, and the output is as it was.
    let early = "head -n 4 uploaded.ndjson | pkb-resolve --output resolved.ndjson";
    refused(&campaign, early, "resolved.ndjson", 66, "--partial");
    // A row that is taken out of the patient file on purpose is a patient less.
    let patients = String::from_utf8(campaign.read("patients.csv")).unwrap();
    let fewer: Vec<&str> = patients.lines().take(12).collect();
    campaign.write("patients.csv", format!("{}\n", fewer.join("\n")));
    let upload = "pkb-upload patients.csv --output uploaded.ndjson";
    refused(
        &campaign,
        upload,
        "uploaded.ndjson",
        66,
        "row 13 of this file is not in the new records",
    );
    assert_eq!(campaign.shell(&format!("{upload} --replace")).code, 0);
    assert_eq!(records(&campaign.read("uploaded.ndjson")).len(), 11);
    let replaced = campaign.shell(&format!("{part} --replace"));
    assert_eq!(replaced.code, 0, "{}", replaced.stderr);
    assert_eq!(records(&campaign.read("resolved.ndjson")).len(), 4);
    assert_ne!(campaign.read("resolved.ndjson"), before);
}

#[test]
fn shards_that_are_merged_replace_no_stream_with_more_patients() {
    let campaign = campaign();
    let split = "pkb split uploaded.ndjson --shards 2 --out shards";
    assert_eq!(campaign.shell(split).code, 0);
    let whole = "pkb merge shards/*.ndjson --output merged.ndjson";
    assert_eq!(campaign.shell(whole).code, 0);
    let part = "pkb merge shards/01-of-02.ndjson --partial --output merged.ndjson";
    refused(&campaign, part, "merged.ndjson", 66, "the old file is kept");
    assert_eq!(campaign.shell(&format!("{part} --replace")).code, 0);
}

#[test]
fn no_command_removes_a_file_that_it_did_not_make() {
    let campaign = campaign();
    assert_eq!(
        campaign
            .shell("pkb-resolve uploaded.ndjson --output r.ndjson")
            .code,
        0
    );
    let no_records = "is not a record stream, so it is not replaced";
    let replaced = "so it is not replaced";
    for (line, kept, words) in [
        (
            "pkb-upload patients.csv --output patients.csv",
            "patients.csv",
            no_records,
        ),
        (
            "pkb-upload patients.csv --replace --output patients.csv",
            "patients.csv",
            no_records,
        ),
        (
            "pkb-resolve uploaded.ndjson --output patients.csv",
            "patients.csv",
            no_records,
        ),
        (
            "pkb-resolve uploaded.ndjson --output uploaded.ndjson.journal",
            "uploaded.ndjson.journal",
            replaced,
        ),
        (
            "pkb-resolve uploaded.ndjson --journal r.ndjson --output r.ndjson",
            "r.ndjson",
            "both --journal and --output",
        ),
        (
            "pkb-resolve uploaded.ndjson --output x --summary patients.csv",
            "patients.csv",
            replaced,
        ),
        (
            "pkb-resolve uploaded.ndjson --output x --summary r.ndjson",
            "r.ndjson",
            replaced,
        ),
        (
            "pkb-upload check patients.csv --problems uploaded.ndjson",
            "uploaded.ndjson",
            replaced,
        ),
        (
            "pkb report --in r.ndjson --out patients.csv",
            "patients.csv",
            replaced,
        ),
        (
            "pkb report --in r.ndjson --out report.html --json patients.csv",
            "patients.csv",
            replaced,
        ),
        (
            "pkb merge uploaded.ndjson --output patients.csv",
            "patients.csv",
            no_records,
        ),
        (
            "pkb merge uploaded.ndjson --output m.ndjson --shared-mobiles patients.csv",
            "patients.csv",
            replaced,
        ),
    ] {
        refused(&campaign, line, kept, 2, words);
    }
    // Names that look like those of a file in the making.
    for name in [".r.ndjson.backup", ".r.ndjson.Ab3dEf", ".r.ndjson.in-use"] {
        campaign.write(name, "mine");
    }
    assert_eq!(
        campaign
            .shell("pkb-resolve uploaded.ndjson --output r.ndjson")
            .code,
        0
    );
    for name in [".r.ndjson.backup", ".r.ndjson.Ab3dEf", ".r.ndjson.in-use"] {
        assert_eq!(campaign.read(name), b"mine", "{name}");
    }
}

#[test]
fn links_stay_and_pipes_and_devices_are_written_to() {
    let campaign = campaign();
    std::fs::create_dir(campaign.path("far")).unwrap();
    symlink("far/r.ndjson", campaign.path("broken")).unwrap();
    let line = "pkb-resolve uploaded.ndjson --output";
    let ended = campaign.shell(&format!("{line} broken"));
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("a link to a file that does not exist"),
        "{}",
        ended.stderr
    );
    campaign.write("far/r.ndjson", "");
    symlink("far/r.ndjson", campaign.path("link")).unwrap();
    assert_eq!(campaign.shell(&format!("{line} link")).code, 0);
    assert!(
        campaign
            .path("link")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert_eq!(records(&campaign.read("far/r.ndjson")).len(), 12);

    let there = campaign.shell(&format!("{line} /dev/stdout"));
    assert_eq!(
        (there.code, there.records().len()),
        (0, 12),
        "{}",
        there.stderr
    );
    let redirected = campaign.shell(&format!("{line} /dev/stdout > redirected.ndjson"));
    assert_eq!(redirected.code, 0, "{}", redirected.stderr);
    assert_eq!(records(&campaign.read("redirected.ndjson")).len(), 12);
    assert_eq!(campaign.shell(&format!("{line} /dev/null")).code, 0);
    let null = std::path::Path::new("/dev/null").metadata().unwrap();
    assert!(null.file_type().is_char_device());
    for name in ["/dev/null.journal", "/dev/stdout.journal"] {
        assert!(!std::path::Path::new(name).exists(), "{name}");
    }
    let fifo = campaign.shell(&format!("mkfifo pipe; cat pipe > read & {line} pipe; wait"));
    assert_eq!(fifo.code, 0, "{}", fifo.stderr);
    assert_eq!(records(&campaign.read("read")).len(), 12);
    assert!(
        campaign
            .path("pipe")
            .metadata()
            .unwrap()
            .file_type()
            .is_fifo()
    );
    // A pipe leaves nothing behind that a journal could belong to.
    assert!(!campaign.path("pipe.journal").exists());
    let folder = campaign.shell(&format!("{line} far"));
    assert_eq!(folder.code, 74, "{}", folder.stderr);
}

#[test]
fn without_a_journal_a_stage_begins_from_the_start_and_says_so() {
    let campaign = campaign();
    let line = "pkb-resolve uploaded.ndjson --no-journal --output";
    assert_eq!(campaign.shell(&format!("{line} r.ndjson")).code, 0);
    assert!(!campaign.path("r.ndjson.journal").exists());
    let full = campaign.shell("pkb-resolve uploaded.ndjson > /dev/full");
    assert_eq!(full.code, 74, "{}", full.stderr);
    let words = "run the same command again. Without a journal it starts from the beginning";
    assert!(full.stderr.contains(words), "{}", full.stderr);
    let upload = campaign.shell("pkb-upload patients.csv | cat > u.ndjson");
    let words = "the same command again sends all rows again";
    assert!(upload.stderr.contains(words), "{}", upload.stderr);
    // What is chosen is chosen, also in the settings.
    campaign.write("pkb.toml", "[resolve]\njournal = \"chosen.journal\"\n");
    assert_eq!(
        campaign
            .shell("pkb-resolve uploaded.ndjson --output s.ndjson")
            .code,
        0
    );
    assert!(
        campaign.path("chosen.journal").exists() && !campaign.path("s.ndjson.journal").exists()
    );
    std::fs::remove_file(campaign.path("chosen.journal")).unwrap();
    assert_eq!(campaign.shell(&format!("{line} t.ndjson")).code, 0);
    assert!(!campaign.path("chosen.journal").exists());
}

#[test]
fn journals_are_private_beside_the_folder_and_verify_warns_of_one_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = campaign();
    for line in [
        "pkb-resolve uploaded.ndjson --output r.ndjson",
        "pkb-tokens r.ndjson --output t.ndjson",
        "pkb-letters t.ndjson --out print/ --output d.ndjson",
    ] {
        let ended = campaign.shell(line);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
    }
    for name in [
        "uploaded.ndjson.journal",
        "r.ndjson.journal",
        "t.ndjson.journal",
        "print.journal",
    ] {
        let mode = campaign.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let verify = || campaign.shell("pkb verify print d.ndjson");
    assert!(
        !String::from_utf8(verify().stdout)
            .unwrap()
            .contains("warning")
    );
    std::fs::copy(
        campaign.path("print.journal"),
        campaign.path("print/old.journal"),
    )
    .unwrap();
    let warned = verify();
    assert_eq!(warned.code, 0, "{}", warned.stderr);
    let said = String::from_utf8(warned.stdout).unwrap();
    assert!(
        said.contains("warning: print/old.journal has codes and is not for the printer"),
        "{said}"
    );
    // The codes of every file with a usual name go.
    let purged = campaign.shell("pkb purge --dry-run *.journal *.ndjson --letters print");
    assert_eq!(purged.code, 0, "{}", purged.stderr);
    assert!(
        purged.stderr.contains("print.journal: would be"),
        "{}",
        purged.stderr
    );
}
