//! Whatever happens to a stage, the same command run again finishes the campaign as if nothing had
//! happened.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use pkb_e2e::page_reader;
use pkb_sandbox::{Config, Faults, World};

use crate::harness::{
    Campaign, Ended, elsewhere, national_ids, records, run, synthetic_csv, world_of,
};

/// A small generator of the test's own, so that a round can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64 (Marsaglia)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The commands of a campaign with journals, each from file to file.
const STAGES: [(&str, &[&str]); 4] = [
    (
        "pkb-upload",
        &[
            "patients.csv",
            "--rate",
            "0",
            "--batch-rows",
            "150",
            "--max-address-changes",
            "100%",
            "--journal",
            "u.journal",
            "--output",
            "u.ndjson",
        ],
    ),
    (
        "pkb-resolve",
        &[
            "u.ndjson",
            "--rate",
            "0",
            "--journal",
            "r.journal",
            "--output",
            "r.ndjson",
        ],
    ),
    (
        "pkb-tokens",
        &[
            "r.ndjson",
            "--rate",
            "0",
            "--journal",
            "t.journal",
            "--output",
            "t.ndjson",
        ],
    ),
    (
        "pkb-letters",
        &[
            "t.ndjson",
            "--out",
            "print",
            "--channel",
            "letter,sms",
            "--letters-per-file",
            "40",
            "--journal",
            "l.journal",
            "--output",
            "l.ndjson",
        ],
    ),
];

fn same_codes(rows: usize, faults: Faults) -> Campaign {
    let campaign = Campaign::with(Config {
        same_codes: true,
        faults,
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(rows, 11));
    campaign
}

/// The letters are the same whichever port the local PKB of the campaign has.
fn command(campaign: &Campaign, (program, args): (&str, &[&str])) -> Command {
    let mut command = campaign.command(program);
    command
        .args(args)
        .env("PKB_JOIN_URL", "http://127.0.0.1:8180/join/");
    if program != "pkb-letters" {
        command.args(["--attempts", "8"]);
    }
    if program == "pkb-upload" {
        command.args(["--settle-for", "1s"]);
    }
    command
}

fn finish(campaign: &Campaign, stage: (&str, &[&str])) -> Ended {
    let ended = run(&mut command(campaign, stage), b"");
    assert!(
        matches!(ended.code, 0 | 65),
        "{}: {}",
        stage.0,
        ended.stderr
    );
    ended
}

/// All that a campaign leaves behind, by name. A batch that was lost on the way is sent again under a new name.
fn remains(campaign: &Campaign) -> BTreeMap<String, Vec<u8>> {
    let records = String::from_utf8(campaign.read("l.ndjson")).unwrap();
    let mut parts = records.split("\"batch\":\"batch-");
    let first = parts.next().unwrap_or_default().to_owned();
    let behind_name = |part: &str| part.split_once('"').unwrap().1.to_owned();
    let records: Vec<String> = std::iter::once(first)
        .chain(parts.map(behind_name))
        .collect();
    let mut files = BTreeMap::from([("l.ndjson".to_owned(), records.concat().into_bytes())]);
    for entry in campaign.path("print").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        files.insert(name, std::fs::read(path).unwrap());
    }
    files
}

fn assert_same(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>, seed: u64) {
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>(),
        "seed {seed}"
    );
    for (name, bytes) in expected {
        assert!(bytes == &found[name], "seed {seed}: {name} differs");
    }
}

/// A campaign in which PKB has every second patient, at an address of long ago: what the upload changes shows whether it was taken.
fn half_known(rows: usize, faults: Faults) -> Campaign {
    let file = synthetic_csv(rows, 11);
    let campaign = Campaign::with(Config {
        same_codes: true,
        faults,
        world: world_of(&file, |place| place % 2 == 0, elsewhere),
        ..Config::default()
    });
    campaign.write("patients.csv", file);
    campaign
}

/// PKB has each patient of the file, and no upload changed a record twice.
fn each_patient_was_uploaded_once(campaign: &Campaign, seed: u64) {
    let numbers = national_ids(&campaign.read("patients.csv"));
    for (place, number) in numbers.iter().enumerate() {
        let patient = campaign.sandbox.patient(number);
        let updates = patient.map(|patient| patient.updates);
        let expected = usize::from(place % 2 == 0);
        assert_eq!(updates, Some(expected), "seed {seed}: row {}", place + 2);
    }
}

fn undisturbed(rows: usize) -> BTreeMap<String, Vec<u8>> {
    let campaign = half_known(rows, Faults::default());
    for stage in STAGES {
        finish(&campaign, stage);
    }
    remains(&campaign)
}

/// A PKB as it is on a bad day.
const BAD_DAY: &str = r#"{"seed":5,"token_seconds":1,"rules":[
    {"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"mostly":1,"rarely":40,"rate":0.02}}},
    {"endpoint":"by_national_id","when":{"probability":0.01},"fault":"reset_before"},
    {"endpoint":"by_national_id","when":{"probability":0.01},"fault":{"status":503}},
    {"endpoint":"record_access_token","when":{"probability":0.01},"fault":"truncate"},
    {"endpoint":"record_access_token","when":{"probability":0.01},"fault":"reset_after"},
    {"endpoint":"upload","when":{"requests":[2]},"fault":"reset_after"},
    {"endpoint":"upload","when":{"probability":0.2},"fault":"reset_after"},
    {"endpoint":"upload","when":{"probability":0.1},"fault":"reset_before"},
    {"endpoint":"upload","when":{"probability":0.1},"fault":{"upload":{"report":"short"}}},
    {"endpoint":"upload","when":{"probability":0.1},"fault":{"status":503,"run":true}},
    {"endpoint":"upload","when":{"probability":0.1},"fault":{"status":429}},
    {"endpoint":"token","when":{"probability":0.05},"fault":{"status":502}}]}"#;

fn kill(child: &mut Child) {
    let _ = child.kill();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(9) || status.code().is_some());
}

/// The four stages as one pipeline, with journals.
fn start_pipeline(campaign: &Campaign) -> Vec<Child> {
    let mut children: Vec<Child> = Vec::new();
    for (program, args) in [
        (
            "pkb-upload",
            "patients.csv --rate 0 --batch-rows 150 --max-address-changes 100% --journal u.journal",
        ),
        ("pkb-resolve", "--rate 0 --journal r.journal"),
        ("pkb-tokens", "--rate 0 --journal t.journal"),
        (
            "pkb-letters",
            "--out print --channel letter,sms --letters-per-file 40 --journal l.journal --output l.ndjson",
        ),
    ] {
        let before = children
            .last_mut()
            .map(|before| before.stdout.take().unwrap());
        let args: Vec<&str> = args.split(' ').collect();
        let mut command = command(campaign, (program, &args));
        command.stdin(before.map_or_else(Stdio::null, Stdio::from));
        children.push(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        );
    }
    children
}

/// Waits for all stages; how each ended, and its last words.
fn wait_for_all(children: Vec<Child>) -> Vec<(Option<i32>, String)> {
    let wait = |child: Child| {
        let ended = child.wait_with_output().unwrap();
        (
            ended.status.code(),
            String::from_utf8(ended.stderr).unwrap(),
        )
    };
    children.into_iter().map(wait).collect()
}

/// One round: a random stage of the pipeline is killed at a random moment, a few times over, and
/// the same command is run again until it ends.
fn disturbed_round(rows: usize, seed: u64, expected: &BTreeMap<String, Vec<u8>>) {
    let campaign = half_known(rows, Faults::from_json(BAD_DAY).unwrap());
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..2 + random.below(4) {
        let mut children = start_pipeline(&campaign);
        std::thread::sleep(Duration::from_millis(10 + random.below(rows as u64 * 3)));
        if random.below(3) == 0 {
            second_run(&campaign, seed);
        }
        kill(&mut children[random.below(4) as usize]);
        wait_for_all(children);
        if random.below(2) == 0 {
            flipped_bit(&campaign, &mut random, seed);
        }
    }
    for attempt in 0.. {
        let ended = wait_for_all(start_pipeline(&campaign));
        if ended.iter().all(|(code, _)| matches!(code, Some(0 | 65))) {
            break;
        }
        // A lost upload ends its stage with 75, a wrong report with 76, and the ones after it are told (66); the next run
        // settles it.
        let is_expected = |code: Option<i32>| matches!(code, Some(0 | 65 | 66 | 74..=76));
        assert!(
            ended.iter().all(|(code, _)| is_expected(*code)) && attempt < 20,
            "seed {seed}: {ended:?}"
        );
    }
    assert_same(expected, &remains(&campaign), seed);
    let commits: Vec<String> = campaign
        .sandbox
        .ledger()
        .into_iter()
        .filter(|entry| entry.committed)
        .filter_map(|entry| entry.upload.map(|upload| upload.sha256))
        .collect();
    let distinct: BTreeSet<&String> = commits.iter().collect();
    assert_eq!(
        commits.len(),
        distinct.len(),
        "seed {seed}: a batch was taken twice"
    );
    each_patient_was_uploaded_once(&campaign, seed);
    each_patient_has_one_letter(&campaign);
}

/// Somebody starts letters into the same folder, with a journal of their own and nobody's records. If it is there first,
/// the other is refused and comes again.
fn second_run(campaign: &Campaign, seed: u64) {
    let args = ["--out", "print", "--journal", "second.journal"];
    let ended = run(&mut command(campaign, ("pkb-letters", &args)), b"");
    assert!(
        matches!(ended.code, 66 | 75),
        "seed {seed}: {}: {}",
        ended.code,
        ended.stderr
    );
}

/// A bit flips in a journal: its stage stops, and goes on once the file is as it was.
fn flipped_bit(campaign: &Campaign, random: &mut Random, seed: u64) {
    let which = random.below(4) as usize;
    let name = ["u.journal", "r.journal", "t.journal", "l.journal"][which];
    let Ok(mut journal) = std::fs::read(campaign.path(name)) else {
        return;
    };
    // What is behind the last whole line is cut off by the next run.
    let whole = journal.iter().rposition(|byte| *byte == b'\n');
    let Some(at) = whole.map(|end| random.below(end as u64) as usize) else {
        return;
    };
    let bit = 1 << random.below(8);
    journal[at] ^= bit;
    campaign.write(name, &journal);
    let ended = wait_for_all(start_pipeline(campaign));
    let (code, said) = &ended[which];
    assert_eq!(*code, Some(66), "seed {seed}: {name}, byte {at}: {said}");
    assert!(campaign.read(name) == journal, "seed {seed}: {name}");
    journal[at] ^= bit;
    campaign.write(name, &journal);
}

fn each_patient_has_one_letter(campaign: &Campaign) {
    let delivered = records(&campaign.read("l.ndjson"));
    let mut pages: HashMap<String, Vec<String>> = HashMap::new();
    for record in &delivered {
        let Some(file) = record["deliveries"][0]["file"]
            .as_str()
            .filter(|file| file.ends_with(".pdf"))
        else {
            continue;
        };
        let texts = pages.entry(file.to_owned()).or_insert_with(|| {
            let pdf = campaign.read(&format!("print/{file}"));
            page_reader::read_text_only(pdf)
                .unwrap()
                .into_iter()
                .map(|page| page.text)
                .collect()
        });
        let page = record["deliveries"][0]["pages"][0].as_u64().unwrap() as usize;
        let code = record["invitation"]["code"].as_str().unwrap();
        assert!(texts[page - 1].contains(code), "a code is not on its page");
    }
    let printed: usize = pages.values().map(Vec::len).sum();
    let letters = delivered
        .iter()
        .filter(|r| r["deliveries"][0]["sequence"].is_u64())
        .count();
    assert_eq!(printed, letters, "there are pages that belong to nobody");
}

/// `scripts/soak ROUNDS` runs more rounds of more patients; CI runs a few.
#[test]
fn killed_stages_run_again_end_as_an_undisturbed_campaign() {
    let setting =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (rounds, rows) = (
        setting("PKB_SOAK_ROUNDS", 3),
        setting("PKB_SOAK_ROWS", 400) as usize,
    );
    let first = setting("PKB_SOAK_SEED", 1);
    let expected = undisturbed(rows);
    for seed in first..first + rounds {
        disturbed_round(rows, seed, &expected);
        if rounds > 3 {
            eprintln!("round {} of {rounds}: the same bytes", seed + 1 - first);
        }
    }
}

#[test]
fn a_finished_journal_answers_without_a_single_call() {
    let campaign = same_codes(200, Faults::default());
    for stage in STAGES {
        finish(&campaign, stage);
    }
    let (before, calls) = (remains(&campaign), campaign.sandbox.ledger().len());
    for stage in STAGES {
        let ended = finish(&campaign, stage);
        assert!(
            ended.stderr.contains("done in an earlier run"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(
        campaign.sandbox.ledger().len(),
        calls,
        "PKB was asked again"
    );
    assert_same(&before, &remains(&campaign), 0);
}

#[test]
fn an_earlier_output_serves_as_a_journal() {
    let campaign = same_codes(100, Faults::default());
    for stage in &STAGES[..2] {
        finish(&campaign, *stage);
    }
    let calls = campaign.sandbox.ledger().len();
    let again = campaign.stage("pkb-resolve", &["u.ndjson", "--journal", "r.ndjson"], b"");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.records().len(), 100);
    assert_eq!(campaign.sandbox.ledger().len(), calls);
}

#[test]
fn a_corrected_row_is_new_work_and_the_others_are_not() {
    let campaign = same_codes(50, Faults::default());
    for stage in &STAGES[..2] {
        finish(&campaign, *stage);
    }
    campaign.sandbox.reset_ledger();
    let text = String::from_utf8(campaign.read("patients.csv")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let cell = lines[7].split(',').nth(3).unwrap().to_owned();
    lines[7] = lines[7].replace(&cell, "Newname");
    campaign.write("patients.csv", lines.join("\n"));
    for stage in &STAGES[..2] {
        finish(&campaign, *stage);
    }
    let ledger = campaign.sandbox.ledger();
    let uploads: Vec<usize> = ledger
        .iter()
        .filter_map(|e| e.upload.as_ref().map(|u| u.rows))
        .collect();
    assert_eq!(uploads, [1]);
    assert_eq!(
        ledger
            .iter()
            .filter(|entry| entry.endpoint == "by_national_id")
            .count(),
        2,
        "before the upload and after it"
    );
}

#[test]
fn a_second_run_on_the_same_journal_is_refused() {
    let campaign = same_codes(300, Faults::default());
    finish(&campaign, STAGES[0]);
    let slow = ["u.ndjson", "--rate", "20", "--journal", "r.journal"];
    let mut first = campaign
        .command("pkb-resolve")
        .args(slow)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let second = campaign.stage("pkb-resolve", &slow, b"");
    kill(&mut first);
    assert_eq!(second.code, 75, "{}", second.stderr);
    assert!(
        second.stderr.contains("is in use by a different run")
            && second.stderr.contains("r.journal"),
        "{}",
        second.stderr
    );
}

#[test]
fn the_journal_of_another_stage_is_refused_and_left_alone() {
    let campaign = same_codes(20, Faults::default());
    for stage in STAGES {
        finish(&campaign, stage);
    }
    let journal = campaign.read("u.journal");
    let ended = campaign.stage("pkb-resolve", &["u.ndjson", "--journal", "u.journal"], b"");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("journal of a different stage"),
        "{}",
        ended.stderr
    );
    assert_eq!(campaign.read("u.journal"), journal);
}

#[test]
fn a_lost_upload_with_emails_is_not_sent_again_unless_asked() {
    let lose_first =
        r#"{"rules":[{"endpoint":"upload","when":{"first":1},"fault":"reset_before"}]}"#;
    let campaign = same_codes(30, Faults::from_json(lose_first).unwrap());
    let upload = |extra: &[&str]| {
        let args = [
            &["patients.csv", "--keep-email", "--journal", "u.journal"][..],
            &["--settle-for", "1s"][..],
            extra,
        ]
        .concat();
        campaign.stage("pkb-upload", &args, b"")
    };
    assert_eq!(upload(&[]).code, 75);
    let held_back = upload(&[]);
    assert_eq!(held_back.code, 75);
    assert!(
        held_back.stderr.contains("--resend"),
        "{}",
        held_back.stderr
    );
    assert_eq!(campaign.sandbox.count_patients(), 0);
    assert_eq!(upload(&["--resend"]).code, 0);
    assert_eq!(campaign.sandbox.count_patients(), 30);
}

#[test]
fn a_patient_in_the_ledger_is_not_printed_again_unless_asked_and_then_with_the_same_codes() {
    let campaign = same_codes(60, Faults::default());
    for stage in STAGES {
        finish(&campaign, stage);
    }
    let before = records(&campaign.read("l.ndjson"));
    // New codes from another run of pkb-tokens do not make new letters.
    let other = String::from_utf8(campaign.read("t.ndjson")).unwrap();
    let code = before[3]["invitation"]["code"].as_str().unwrap();
    campaign.write("t.ndjson", other.replace(code, "AAAAAAAAAA"));
    finish(&campaign, STAGES[3]);
    assert_eq!(records(&campaign.read("l.ndjson")), before);

    let row = before[3]["row"]["number"].to_string();
    let args = [
        "l.ndjson",
        "--out",
        "print",
        "--journal",
        "l.journal",
        "--reprint",
        &row,
    ];
    let ended = campaign.stage("pkb-letters", &args, b"");
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    let after = ended.records();
    assert_eq!(
        after[3]["deliveries"][0]["file"],
        "rehearsal-reprint-0001.pdf"
    );
    assert_eq!(after[3]["invitation"]["code"], code);
    let pages =
        page_reader::read_text_only(campaign.read("print/rehearsal-reprint-0001.pdf")).unwrap();
    assert!(pages.len() == 1 && pages[0].text.contains(code));
    assert!(
        after
            .iter()
            .enumerate()
            .all(|(at, record)| at == 3 || record == &before[at])
    );
}

#[test]
fn letters_that_are_not_in_the_journal_are_never_overwritten() {
    let campaign = same_codes(40, Faults::default());
    for stage in STAGES {
        finish(&campaign, stage);
    }
    let letters = campaign.read("print/rehearsal-letters-0001.pdf");
    let args = ["t.ndjson", "--out", "print", "--journal", "another.journal"];
    let ended = campaign.stage("pkb-letters", &args, b"");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("rehearsal-letters-0001.pdf, which is not in this journal"),
        "{}",
        ended.stderr
    );
    assert_eq!(campaign.read("print/rehearsal-letters-0001.pdf"), letters);
}

#[test]
fn a_full_disk_or_a_closed_pipe_is_said_plainly_and_the_journal_is_good() {
    let campaign = same_codes(100, Faults::default());
    finish(&campaign, STAGES[0]);
    for (line, part) in [
        (
            "pkb-resolve u.ndjson --journal r.journal > /dev/full",
            "cannot write the output: no space left on device. Free some space on the disk",
        ),
        ("pkb-resolve u.ndjson --journal /dev/full", "/dev/full"),
        (
            "pkb-resolve u.ndjson --journal r.journal --output /dev/full/x",
            "/dev/full/x",
        ),
        (
            "pkb-resolve u.ndjson --journal missing/r.journal",
            "missing/r.journal: no such file",
        ),
        (
            "pkb-resolve u.ndjson --output /proc/r.ndjson",
            "cannot write /proc/r.ndjson",
        ),
        (
            "pkb-resolve u.ndjson --journal /proc/r.journal",
            "/proc/r.journal",
        ),
        (
            "pkb-resolve u.ndjson --summary /dev/full/x > out",
            "/dev/full/x",
        ),
    ] {
        let Ended { code, stderr, .. } = campaign.shell(line);
        assert_eq!(code, 74, "{line}: {stderr}");
        assert!(
            stderr.contains(part) && !stderr.contains("panic"),
            "{line}: {stderr}"
        );
    }
    let ended = campaign.shell("pkb-resolve u.ndjson --journal r.journal");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("done in an earlier run"),
        "what was settled is kept: {}",
        ended.stderr
    );
}

#[test]
fn a_closed_pipe_settles_what_is_in_flight_into_the_journal() {
    let campaign = same_codes(3000, Faults::default());
    finish(&campaign, STAGES[0]);
    campaign.sandbox.reset_ledger();
    let line = "{ pkb-resolve u.ndjson --rate 0 --journal r.journal; echo $? > code; } | head -n 1";
    let ended = campaign.shell(line);
    assert_eq!(campaign.read("code"), b"74\n", "{}", ended.stderr);
    let asked = |campaign: &Campaign| {
        let ledger = campaign.sandbox.ledger();
        ledger
            .iter()
            .filter(|entry| entry.endpoint == "by_national_id")
            .count()
    };
    let so_far = asked(&campaign);
    assert!(
        (1..3000).contains(&so_far),
        "it went on after the pipe was closed: {so_far}"
    );
    finish(&campaign, STAGES[1]);
    assert_eq!(asked(&campaign), 3000, "an answer was thrown away");
}

#[test]
fn after_ctrl_c_the_same_command_goes_on_where_it_stopped() {
    let campaign = same_codes(200, Faults::default());
    finish(&campaign, STAGES[0]);
    campaign.sandbox.reset_ledger();
    let args = [
        "u.ndjson",
        "--rate",
        "50",
        "--concurrency",
        "4",
        "--journal",
        "r.journal",
        "--output",
        "r.ndjson",
    ];
    let child = campaign
        .command("pkb-resolve")
        .args(args)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    let asked = |campaign: &Campaign| {
        campaign
            .sandbox
            .ledger()
            .iter()
            .filter(|e| e.endpoint == "by_national_id")
            .count()
    };
    let so_far = asked(&campaign);
    assert!((1..200).contains(&so_far), "{so_far}");
    let ended = campaign.stage("pkb-resolve", &args, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        asked(&campaign),
        200,
        "a settled record was asked for again, or one was left out"
    );
}

#[test]
fn a_refresh_token_is_stored_before_it_is_used_and_stages_share_the_file() {
    let campaign = Campaign::start(World::default());
    campaign.write("patients.csv", synthetic_csv(30, 3));
    campaign.write("refresh", pkb_sandbox::REFRESH_TOKEN);
    let stage = |program: &str, args: &[&str], input: &[u8]| {
        let mut command = campaign.command(program);
        command
            .args(args)
            .env_remove("PKB_CLIENT_SECRET")
            .env(
                "PKB_TOKEN_URL",
                format!("{}/apiToken.action", campaign.sandbox.base_url()),
            )
            .env("PKB_REFRESH_TOKEN_FILE", "refresh");
        run(&mut command, input)
    };
    let uploaded = stage("pkb-upload", &["patients.csv"], b"");
    assert_eq!(uploaded.code, 0, "{}", uploaded.stderr);
    assert_ne!(
        campaign.read("refresh"),
        pkb_sandbox::REFRESH_TOKEN.as_bytes()
    );
    let resolved = stage("pkb-resolve", &[], &uploaded.stdout);
    assert_eq!(resolved.code, 0, "{}", resolved.stderr);
    // One that PKB does not know, and one that was used before, which ends the session.
    for (token, words) in [
        ("sandbox-refresh-unknown", "refused the refresh token"),
        (
            pkb_sandbox::REFRESH_TOKEN,
            "PKB has closed this client's API session",
        ),
    ] {
        campaign.write("refresh", token);
        let refused = stage("pkb-resolve", &[], &uploaded.stdout);
        assert_eq!(refused.code, 77, "{}", refused.stderr);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
        assert!(refused.stderr.contains("coordinator"));
    }
}
