//! Long work that is stopped by a signal, and programs that lack standard output, memory or open files: each ends at once,
//! with its exit code, and leaves nothing half written.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, Faults};

use crate::harness::{Campaign, Ended, programs, synthetic_csv};

/// SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU.
const SIGNALS: [i32; 5] = [1, 2, 3, 15, 24];

/// A program that does not end has hung. How quickly it ends is not what is tested.
const HUNG: Duration = Duration::from_secs(60);

/// All files in the campaign's folder, by name.
fn files(campaign: &Campaign) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![campaign.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(campaign.folder.path()).unwrap();
                    files.insert(name.display().to_string(), std::fs::read(&path).unwrap());
                }
            }
        }
    }
    files
}

/// So many records of invited patients whose codes have ended; enough for a program to be busy with for a while.
fn many_records(count: usize) -> String {
    let numbers = (999_000_001..).filter_map(pkb_synthetic::nhs_number::complete);
    let mut text = String::new();
    for (at, number) in numbers.take(count).enumerate() {
        let _ = writeln!(
            text,
            r#"{{"schema":"pkb-record/1","row":{{"file":"p.csv","number":{},"of":{count}}},"patient":{{"national_id":{{"type":"NHS_NUMBER","value":"{number}"}},"first_name":"Ann","last_name":"Other","date_of_birth":"1980-02-03","address":["1 High Street","Newtown"],"postcode":"NE1 1XC"}},"pkb":{{"id":"{at}","checked_at":"2026-11-22T08:00:00Z"}},"invitation":{{"code":"I{at:09}","token":"T{at:09}","expires_at":"2026-11-01T09:00:00Z"}}}}"#,
            at + 2
        );
    }
    text
}

/// A campaign with files on which every command works for some seconds.
fn large_campaign() -> Campaign {
    let slow = r#"{"rules":[{"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"fixed":200}}}]}"#;
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("few.csv", synthetic_csv(300, 11));
    let [uploaded, resolved, invited, delivered] = campaign.journey(
        &campaign.path("few.csv"),
        &["--out", "print", "--letters-per-file", "300"],
    );
    for ended in [uploaded, resolved] {
        assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    }
    campaign.write("few-invited.ndjson", invited.stdout);
    campaign.write("few-delivered.ndjson", delivered.stdout);
    campaign.write("many.csv", synthetic_csv(MANY, 3));
    campaign.write("many.ndjson", many_records(MANY));
    campaign
        .sandbox
        .set_faults(Faults::from_json(slow).unwrap());
    campaign
}

/// Rows that no program has read before it can be stopped, however fast the machine is.
const MANY: usize = 240_000;

/// Whether a program has begun to listen for a signal.
fn hears(process: u32, signal: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Starts a command, and sends it a signal when it is busy. Where it has come to its end before the signal reached it, it
/// is started again, and the signal comes sooner.
fn stopped(campaign: &Campaign, line: &str, signal: i32) -> Ended {
    let before = files(campaign);
    let mut busy = BUSY;
    loop {
        let ended = stopped_when(campaign, line, signal, busy, || true);
        let is_too_late = matches!(ended.code, 0 | 65) && !ended.stderr.contains("stopped by ");
        if !is_too_late || busy.is_zero() {
            return ended;
        }
        busy = busy.saturating_sub(BUSY / 4);
        for name in files(campaign)
            .keys()
            .filter(|name| !before.contains_key(*name))
        {
            std::fs::remove_file(campaign.path(name)).unwrap();
        }
        remove_made(campaign);
    }
}

/// So long a command works before it is stopped.
const BUSY: Duration = Duration::from_millis(60);

/// Removes what commands that were stopped or came to their end have made.
fn remove_made(campaign: &Campaign) {
    for made in [
        "other",
        "shards",
        "tables",
        "u.ndjson.journal",
        "r.ndjson.journal",
        "other.journal",
    ] {
        let path = campaign.path(made);
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
    }
}

/// Starts a command, lets it work for some time, and sends it a signal once something is so.
fn stopped_when(
    campaign: &Campaign,
    line: &str,
    signal: i32,
    busy: Duration,
    is_time: impl Fn() -> bool,
) -> Ended {
    let mut words = line.split(' ');
    let mut command = campaign.command(words.next().unwrap());
    command.args(words).stdin(Stdio::piped());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // Nobody writes to it, and it is open.
    let _stdin = child.stdin.take();
    let started = Instant::now();
    while !hears(child.id(), signal) && started.elapsed() < HUNG {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(busy);
    while !is_time() && started.elapsed() < HUNG {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    let name = rustix::process::Signal::from_named_raw(signal).unwrap();
    let _ = rustix::process::kill_process(pid, name);
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > HUNG {
            let _ = child.kill();
            panic!("{line}: it goes on after signal {signal}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.signal(), None, "{line}, {signal}");
    Ended {
        code: ended.status.code().unwrap(),
        stdout: ended.stdout,
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

#[test]
fn long_work_is_stopped_by_any_signal_and_leaves_every_file_as_it_was() {
    let campaign = large_campaign();
    let before = files(&campaign);
    for (at, line) in [
        // Reading a large file.
        "pkb-upload check many.csv",
        "pkb-upload check many.csv --problems problems.csv",
        "pkb-upload many.csv --dry-run --output u.ndjson",
        "pkb-upload many.csv --output u.ndjson",
        // Waiting: for the time of day, and for records that do not come.
        "pkb-upload few.csv --send-after 08:59 --output u.ndjson",
        "pkb-resolve --output r.ndjson",
        "pkb-letters --out other --output d.ndjson",
        // Records.
        "pkb split many.ndjson --shards 4 --out shards",
        "pkb merge many.ndjson --output m.ndjson",
        "pkb report --in many.ndjson --out report.html --json report.json --csv tables",
        "pkb purge many.ndjson",
        "pkb-resolve many.ndjson --journal many.ndjson --output r.ndjson",
        // Letters: laid out, and read again.
        "pkb-letters few-invited.ndjson --engine typst --letters-per-file 300 --out other --output d.ndjson",
        "pkb-letters few-invited.ndjson --engine typst --proof 100 --out other",
        "pkb verify print few-delivered.ndjson --qr-codes camera",
    ]
    .iter()
    .enumerate()
    {
        for signal in [SIGNALS[at % 5], SIGNALS[(at + 2) % 5]] {
            let ended = stopped(&campaign, line, signal);
            let said = format!("{line}, signal {signal}: code {}: {}", ended.code, ended.stderr);
            assert_eq!(ended.code, 128 + signal, "{said}");
            assert!(ended.stderr.contains("stopped by "), "{said}");
            assert!(ended.stderr.contains("run the same command again"), "{said}");
            let mut after = files(&campaign);
            // A journal may have been begun, and nothing but its own lines be in it.
            // So may a file of letters that was whole by then.
            let may_be_there = |name: &str| name.ends_with(".journal") || name.starts_with("other/rehearsal-letters-");
            after.retain(|name, _| before.contains_key(name) || !may_be_there(name));
            let new: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
            assert_eq!(new, [""; 0], "{said}");
            assert!(after == before, "{said}");
            remove_made(&campaign);
        }
    }
}

#[test]
fn waiting_for_pkb_to_process_a_batch_is_stopped_at_once_and_goes_on_with_the_same_command() {
    let campaign = Campaign::with(Config {
        processing_ms: 600_000,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(20, 11));
    let line = "pkb-upload patients.csv --output u.ndjson";
    let begun = Instant::now();
    let ended = stopped_when(&campaign, line, 2, BUSY, || {
        let ledger = campaign.sandbox.ledger();
        ledger.iter().any(|entry| entry.endpoint == "upload_status")
    });
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    // Not the 10 s that an upload under way has, with room for a slow machine.
    assert!(begun.elapsed() < HUNG, "{}", ended.stderr);
    let uploads = || {
        let ledger = campaign.sandbox.ledger();
        ledger
            .iter()
            .filter(|entry| entry.endpoint == "upload")
            .count()
    };
    let again = stopped_when(&campaign, line, 15, BUSY, || true);
    assert_eq!((again.code, uploads()), (143, 1), "{}", again.stderr);
}

#[test]
fn a_program_that_is_to_survive_its_terminal_does() {
    let campaign = large_campaign();
    let line = "nohup pkb-upload check many.csv > said 2>&1 & pid=$!; sleep 0.5; kill -HUP $pid; wait $pid";
    let ended = campaign.shell(line);
    let said = String::from_utf8(campaign.read("said")).unwrap();
    assert!(matches!(ended.code, 0 | 65), "{}: {said}", ended.code);
    assert!(!said.contains("stopped"), "{said}");
}

/// A line of bash in the campaign's folder, with a time limit of its own.
fn bash(campaign: &Campaign, line: &str) -> Ended {
    let settings = campaign.command("pkb-upload");
    let mut bash = Command::new("/bin/bash");
    bash.current_dir(campaign.folder.path())
        .env_clear()
        .envs(
            settings
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()))
        .args(["-c", line]);
    crate::harness::run(&mut bash, b"")
}

fn small_campaign() -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(30, 11));
    for line in [
        "pkb-upload patients.csv --output u.ndjson",
        "pkb-resolve u.ndjson --output r.ndjson",
        "pkb-tokens r.ndjson --output t.ndjson",
        "pkb-letters t.ndjson --out print --output d.ndjson",
    ] {
        let ended = campaign.shell(line);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
    }
    campaign
}

#[test]
fn closed_standard_output_or_error_is_no_success_where_something_is_lost() {
    let campaign = small_campaign();
    for (line, code) in [
        ("pkb-upload patients.csv --dry-run >&-", 74),
        ("pkb-resolve u.ndjson >&-", 74),
        ("pkb-tokens r.ndjson >&-", 74),
        ("pkb-letters t.ndjson --out other >&-", 74),
        ("pkb verify print d.ndjson >&-", 74),
        ("pkb ledger --journal print.journal >&-", 74),
        ("pkb-upload check patients.csv >&-", 74),
        ("pkb-upload --help >&-", 74),
        ("pkb-upload --help > /dev/full", 74),
        ("pkb verify print d.ndjson > /dev/full", 74),
        // Nobody is told anything, and nothing is lost.
        ("pkb-resolve u.ndjson --output x.ndjson 2>&-", 0),
        ("pkb-resolve u.ndjson --output x.ndjson >&- 2>&-", 0),
        ("pkb-resolve u.ndjson --output x.ndjson 2> /dev/full", 0),
        ("pkb-resolve missing.ndjson --output x.ndjson 2>&-", 66),
        // Who says that nothing is wanted gets nothing.
        ("pkb-resolve u.ndjson > /dev/null", 0),
        ("pkb-resolve u.ndjson --output /dev/null >&-", 0),
    ] {
        let ended = bash(&campaign, line);
        assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
    }
    assert!(!campaign.path("other/letters-0001.pdf").exists());
}

#[test]
fn with_small_limits_a_stage_ends_as_documented_and_a_second_run_finishes() {
    let campaign = small_campaign();
    let expected = campaign.read("r.ndjson");
    let mut limits: Vec<String> = [4, 6, 8, 12, 16, 20, 28].map(|n| format!("-n {n}")).into();
    limits.extend([0, 1, 4, 16].map(|kilobytes| format!("-f {kilobytes}")));
    limits.extend([90, 120, 160, 200, 240, 300].map(|mebibytes| format!("-v {}", mebibytes << 10)));
    let mut ends = BTreeMap::<i32, Vec<String>>::new();
    for limit in limits {
        for name in ["again.ndjson", "again.ndjson.journal"] {
            let _ = std::fs::remove_file(campaign.path(name));
        }
        let line = "pkb-resolve u.ndjson --attempts 1 --give-up-after 1 --output again.ndjson";
        let ended = bash(&campaign, &format!("ulimit {limit}; exec {line}"));
        let said = format!("ulimit {limit}: code {}: {}", ended.code, ended.stderr);
        // Nothing of the program runs where not even its libraries can be read: that is the loader's (127).
        let is_documented = matches!(ended.code, 0 | 74 | 75 | 127)
            || (ended.code == -1 && limit.starts_with("-v"));
        assert!(is_documented, "{said}");
        assert!(!ended.stderr.contains("bug"), "{said}");
        match ended.code {
            0 => assert!(campaign.read("again.ndjson") == expected, "{said}"),
            // Some may have failed for now.
            75 => {}
            _ => assert!(!campaign.path("again.ndjson").exists(), "{said}"),
        }
        ends.entry(ended.code).or_default().push(limit);
        let again = campaign.shell(line);
        assert_eq!(again.code, 0, "{said}, then: {}", again.stderr);
        assert!(campaign.read("again.ndjson") == expected, "{said}");
    }
    assert!(ends.contains_key(&0) && ends.contains_key(&74), "{ends:?}");
}
