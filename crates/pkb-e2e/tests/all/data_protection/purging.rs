//! Purging a whole folder, and single patients.

use pkb_sandbox::{NOTIFY_API_KEY, NOTIFY_TEMPLATES};

use super::*;

/// A campaign in a folder of its own, with all that its programs make: journals, shards, letters, texts, and a recheck.
fn whole_campaign() -> Campaign {
    let campaign = Campaign::with(Config::default());
    campaign.write("patients.csv", synthetic_csv(8, 5));
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    let sms = format!(
        "sms send s/l.ndjson --template-id {templates} --journal s/sms.journal --output s/texted.ndjson"
    );
    for (program, args) in STAGES.into_iter().chain([
        ("pkb", "split s/t.ndjson --shards 2 --out s/shards"),
        ("pkb-letters", "s/shards/01-of-02.ndjson --partial --out s/print/01 --series 1 --separate --output s/one.ndjson"),
        ("pkb-notify", &sms),
        ("pkb-notify", "post send s/one.ndjson --partial --letters s/print/01 --journal s/post.journal --output s/posted.ndjson"),
        ("pkb-resolve", "--recheck s/l.ndjson --rate 0 --output s/rechecked.ndjson"),
        ("pkb-letters", "s/t.ndjson --out s/proof --proof 2"),
    ]) {
        let ended = notified(&campaign, "2026-11-22", program, args);
        assert!([0, 65].contains(&ended.code), "{program} {args}: {}", ended.stderr);
    }
    campaign
}

const STAGES: [(&str, &str); 4] = [
    (
        "pkb-upload",
        "patients.csv --journal s/u.journal --output s/u.ndjson",
    ),
    (
        "pkb-resolve",
        "s/u.ndjson --rate 0 --journal s/r.journal --output s/r.ndjson",
    ),
    (
        "pkb-tokens",
        "s/r.ndjson --rate 0 --journal s/t.journal --output s/t.ndjson",
    ),
    (
        "pkb-letters",
        "s/t.ndjson --out s/print --channel letter,sms --zip --journal s/l.journal --output s/l.ndjson",
    ),
];

fn notified(campaign: &Campaign, day: &str, program: &str, args: &str) -> Ended {
    fs::create_dir_all(campaign.path("s")).unwrap();
    let mut command = campaign.command(program);
    command
        .args(args.split(' '))
        .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
        .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY)
        .env("PKB_FIXED_TIME", format!("{day}T12:00:00Z"));
    run(&mut command, b"")
}

fn codes_in(
    campaign: &Campaign,
    name: &str,
    is_wanted: impl Fn(&Value) -> bool,
) -> BTreeSet<String> {
    let records = records(&campaign.read(name));
    let wanted = records.iter().filter(|record| is_wanted(record));
    let codes = wanted.flat_map(|record| {
        ["code", "token"].map(|name| record["invitation"][name].as_str().unwrap().to_owned())
    });
    codes.collect()
}

#[test]
fn a_folder_is_purged_as_a_whole_and_what_stays_is_said_with_the_reason() {
    let campaign = whole_campaign();
    let codes = codes_in(&campaign, "s/l.ndjson", |_| true);
    assert_eq!(codes.len(), 16);
    let one = codes.first().unwrap();
    campaign.write(
        "s/.l.ndjson.Ab3dEf7h.unfinished",
        format!("{{\"half\":\"{one}\""),
    );
    campaign.write("s/print/.in-use", "");
    fs::create_dir(campaign.path("s/print/.letters-0009.unfinished")).unwrap();
    campaign.write("s/print/.letters-0009.unfinished/000009.pdf", one);
    campaign.write("s/list for Ann.txt", format!("Ann: {one};"));
    campaign.write("s/notes.txt", "no code here, only CODELIKE12 words");
    campaign.write("s/old.tar.age", "age-encryption.org/v1\nxyz");
    campaign.write("s/stray.pdf", "%PDF-1.7");
    fs::rename(
        campaign.path("s/sms.journal"),
        campaign.path("s/.what anybody calls it"),
    )
    .unwrap();

    let before = with_codes(&campaign, &codes);
    assert!(before.len() >= 12, "{before:?}");
    let dry = notified(&campaign, "2027-01-10", "pkb", "purge s --dry-run");
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert_eq!(with_codes(&campaign, &codes), before);

    let done = notified(&campaign, "2027-01-10", "pkb", "purge s");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(
        with_codes(&campaign, &codes),
        ["s/list for Ann.txt"],
        "{}",
        done.stderr
    );
    for (name, why) in [
        (
            "list for Ann.txt",
            "it has codes, and is not a file of these programs",
        ),
        ("proof/rehearsal-proof.pdf", "its codes are false"),
        ("old.tar.age", "it is sealed"),
        ("stray.pdf", "it is a PDF that is in no manifest"),
    ] {
        let line = format!("s/{name} is left: {why}");
        assert!(done.stderr.contains(&line), "{line}: {}", done.stderr);
        assert!(campaign.path("s").join(name).exists(), "{name}");
    }
    assert!(!done.stderr.contains("notes.txt"), "{}", done.stderr);
    for name in [
        "s/print/rehearsal-letters-0001.pdf",
        "s/print/rehearsal-letters-0001.zip",
        "s/print/rehearsal-sms-0001.csv",
        "s/print/01/rehearsal-letters-01-0001",
        "s/print/.in-use",
        "s/print/.letters-0009.unfinished",
        "s/.l.ndjson.Ab3dEf7h.unfinished",
    ] {
        assert!(!campaign.path(name).exists(), "{name}: {}", done.stderr);
    }
    for name in [
        "s/print/rehearsal-manifest.csv",
        "s/u.journal",
        "s/rechecked.ndjson",
    ] {
        assert!(campaign.path(name).exists(), "{name}");
    }
}

#[test]
fn what_a_run_has_open_is_not_touched_by_a_purge_of_its_folder() {
    let campaign = whole_campaign();
    let half = campaign.write("s/.l.ndjson.Ab3dEf7h.unfinished", "half");
    let open = fs::File::open(&half).unwrap();
    open.lock().unwrap();
    let done = notified(&campaign, "2027-01-10", "pkb", "purge s");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr
            .contains("s/.l.ndjson.Ab3dEf7h.unfinished is left: a run is using it"),
        "{}",
        done.stderr
    );
    assert!(half.exists());
    drop(open);
    let journal = fs::File::open(campaign.path("s/l.journal")).unwrap();
    journal.lock().unwrap();
    let refused = notified(&campaign, "2027-01-10", "pkb", "purge s");
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("Nothing was changed"),
        "{}",
        refused.stderr
    );
}

/// The calls for codes of one patient, and the letters and texts there are.
fn made(campaign: &Campaign, number: &str) -> (usize, usize, Vec<String>) {
    let mut letters: Vec<String> = files(&campaign.path("s/print"))
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "pdf"))
        .map(|path| path.display().to_string())
        .collect();
    letters.sort();
    (
        campaign.sandbox.invitations(number).len(),
        campaign.sandbox.notified().len(),
        letters,
    )
}

#[test]
fn an_erased_patient_has_no_codes_left_and_is_not_invited_again_by_any_rerun() {
    let campaign = whole_campaign();
    let number_of = |row: u64| {
        let record = records(&campaign.read("s/u.ndjson"))
            .into_iter()
            .find(|record| record["row"]["number"] == row);
        record.unwrap()["patient"]["national_id"]["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (by_row, by_number) = (number_of(3), number_of(6));
    campaign.write("numbers", format!("{by_number}\n"));
    let is_one = |record: &Value| {
        [&by_row, &by_number]
            .iter()
            .any(|number| record["patient"]["national_id"]["value"] == ***number)
    };
    let gone = codes_in(&campaign, "s/l.ndjson", is_one);
    let others = codes_in(&campaign, "s/l.ndjson", |record| !is_one(record));
    assert_eq!((gone.len(), others.len()), (4, 12));
    let sent = notified(
        &campaign,
        "2026-11-24",
        "pkb",
        "ledger --journal s/l.journal",
    )
    .stdout;

    for name in ["u", "r", "t"] {
        fs::copy(
            campaign.path(&format!("s/{name}.ndjson")),
            campaign.path(&format!("{name}-before.ndjson")),
        )
        .unwrap();
    }
    for args in ["purge s --row 3", "purge s --national-ids numbers"] {
        let done = notified(&campaign, "2026-11-24", "pkb", args);
        assert_eq!(done.code, 0, "{args}: {}", done.stderr);
        assert!(
            done.stderr
                .contains("put the number on your list for --exclude"),
            "{}",
            done.stderr
        );
        assert!(
            done.stderr.contains(
                "s/print/rehearsal-letters-0001.pdf is left: the file also has the codes of others"
            ),
            "{}",
            done.stderr
        );
        assert!(!done.stderr.contains(&by_number), "{}", done.stderr);
    }
    // The spreadsheet of the texts has them with the others, as the merged letters have, and is named.
    let mut with_gone = with_codes(&campaign, &gone);
    with_gone.retain(|name| name.starts_with("s/"));
    assert_eq!(with_gone, ["s/print/rehearsal-sms-0001.csv"]);
    let with_others = with_codes(&campaign, &others);
    assert!(
        with_others.contains(&"s/l.journal".to_owned()),
        "{with_others:?}"
    );
    let erased: Vec<Value> = records(&campaign.read("s/l.ndjson"))
        .into_iter()
        .filter(is_one)
        .collect();
    for record in &erased {
        assert_eq!(record["outcome"]["reason"], "erased");
        for name in ["address", "postcode", "mobile", "email"] {
            assert!(record["patient"].get(name).is_none(), "{name}");
        }
        assert!(
            record["deliveries"][0]["file"].is_string()
                && record["patient"]["national_id"].is_object()
        );
    }

    // The same commands again, also when answers and codes are too old to serve, and from the patient file on.
    let before = [made(&campaign, &by_row), made(&campaign, &by_number)];
    for day in ["2026-11-24", "2026-12-20"] {
        for (program, args) in STAGES {
            let ended = notified(&campaign, day, program, args);
            assert!([0, 65].contains(&ended.code), "{program}: {}", ended.stderr);
        }
        let delivered = records(&campaign.read("s/l.ndjson"));
        let reasons: Vec<&Value> = delivered
            .iter()
            .filter(|record| is_one(record))
            .map(|record| &record["outcome"]["reason"])
            .collect();
        assert_eq!(reasons, ["erased", "erased"], "{day}");
        let after = [made(&campaign, &by_row), made(&campaign, &by_number)];
        assert_eq!(
            before.iter().map(|made| made.0).collect::<Vec<_>>(),
            after.iter().map(|made| made.0).collect::<Vec<_>>(),
            "no new codes on {day}"
        );
    }
    // Each stage by itself, on records from before: its own journal answers.
    for (program, args) in [
        (
            "pkb-resolve",
            "u-before.ndjson --rate 0 --journal s/r.journal --output again.ndjson",
        ),
        (
            "pkb-tokens",
            "r-before.ndjson --rate 0 --journal s/t.journal --max-age-of-answer 90d --output again.ndjson",
        ),
        (
            "pkb-letters",
            "t-before.ndjson --out s/print --channel letter,sms --zip --journal s/l.journal --max-age-of-answer 90d --output again.ndjson",
        ),
    ] {
        let ended = notified(&campaign, "2026-12-03", program, args);
        assert!([0, 65].contains(&ended.code), "{program}: {}", ended.stderr);
        let again = records(&campaign.read("again.ndjson"));
        for record in again.iter().filter(|record| is_one(record)) {
            assert_eq!(record["outcome"]["reason"], "erased", "{program}: {record}");
        }
        let codes = [&by_row, &by_number].map(|number| campaign.sandbox.invitations(number).len());
        assert_eq!(codes, [before[0].0, before[1].0], "{program}: no new codes");
        assert_eq!(
            made(&campaign, &by_row).2,
            before[0].2,
            "{program}: no new letters"
        );
    }
    let after = notified(
        &campaign,
        "2026-12-20",
        "pkb",
        "ledger --journal s/l.journal",
    )
    .stdout;
    let about = |ledger: &[u8]| -> Vec<String> {
        let text = String::from_utf8(ledger.to_vec()).unwrap();
        text.lines()
            .filter(|line| line.starts_with(",sent,3,") || line.starts_with(",sent,6,"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(about(&after), about(&sent));
    assert_eq!(about(&after).len(), 4, "a letter and a text each");

    let nobody = notified(&campaign, "2026-11-24", "pkb", "purge s --row 99");
    assert_eq!(nobody.code, 65, "{}", nobody.stderr);
    assert!(
        nobody
            .stderr
            .contains("1 patient is in none of these files: row 99"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn a_letter_alone_in_its_file_goes_with_its_patient() {
    let campaign = whole_campaign();
    let letters = || {
        files(&campaign.path("s/print/01"))
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "pdf"))
            .count()
    };
    let before = letters();
    let rows: Vec<Value> = records(&campaign.read("s/shards/01-of-02.ndjson"));
    let row = rows[0]["row"]["number"].to_string();
    let done = notified(
        &campaign,
        "2026-11-24",
        "pkb",
        &format!("purge s --row {row}"),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(letters(), before - 1, "{}", done.stderr);
}
