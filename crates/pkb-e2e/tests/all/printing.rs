//! A print run of all kinds of letters, and what the verifier finds when something is wrong with one.

use std::collections::BTreeSet;

use pkb_core::{
    Record,
    record::{Channel, Design, Invitation, Patient},
};
use pkb_letters::{channels::letter::rules::LetterRules, expiry::Expiry};
use pkb_print_files::manifest;
use pkb_sandbox::World;
use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Typesetter};
use pkb_values::{LetterFormat, LetterLanguages};
use pkb_verify::page_reader;
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, records};

const NAMES: [(&str, &str); 12] = [
    ("Siân", "Llŷr-Ŵyn"),
    ("O'Brien", "D’Arcy"),
    ("Łukasz", "Żółć"),
    ("Nguyễn Thị", "Hường"),
    ("محمد", "علي"),
    ("ליאת", "כהן"),
    ("Щербак", "Олена"),
    ("#panic(\"x\")", "*b* $1 <a>"),
    ("Wilhelmina Bartholomea", "Featherstonehaugh-Cholmondeley"),
    ("A", "B"),
    ("Ελένη", "Παπαδοπούλου"),
    ("Zoë  Anne", "van der  Berg"),
];

/// Invited patients as pkb-tokens would write them: both languages and prints and none, odd names, one to five lines of
/// address (three to seven with name and post code).
fn invited(count: usize) -> Vec<Value> {
    let patients = pkb_synthetic::generate::patients(count, 6);
    (0..count)
        .zip(patients)
        .map(|(at, patient)| {
            let (first, last) = match at % 3 {
                0 => NAMES[at / 3 % NAMES.len()],
                _ => (patient.first_name.as_str(), patient.last_name.as_str()),
            };
            // Some of the generated ones are in scripts that the built-in fonts do not have.
            let is_latin = |name: &str| name.chars().all(|c| c < '\u{250}');
            let (first, last) = match at % 3 {
                0 => (first, last),
                _ if is_latin(first) && is_latin(last) => (first, last),
                _ => ("Ann", "Example"),
            };
            let lines: Vec<String> = (0..at % 5)
                .map(|line| format!("{at} Line {line} Street"))
                .chain([match at % 5 {
                    0 => format!("{at} Only Street"),
                    _ => format!("Town {}", at % 7),
                }])
                .collect();
            let town_line = (at % 5 > 0).then_some(at % 5);
            let mut record = json!({
                "schema": "pkb-record/1",
                "row": {"file": "patients.csv", "number": at + 2, "of": count},
                "rehearsal": true,
                "patient": {
                    "national_id": {"type": "NHS_NUMBER", "value": patient.national_id},
                    "title": "Mx", "first_name": first, "last_name": last,
                    "date_of_birth": patient.date_of_birth.to_string(),
                    "address": lines, "town_line": town_line,
                    "postcode": format!("NE{} {}AB", at % 60 + 1, at % 10),
                },
                "pkb": {"id": format!("{at}"), "checked_at": "2026-11-22T09:00:00Z"},
                "invitation": {"code": code(at, 'i'), "token": code(at, 't'), "expires_at": "2027-01-20T09:00:00Z"},
            });
            match at % 4 {
                0 => record["patient"]["language"] = json!("en"),
                1 => record["patient"]["language"] = json!("cy"),
                _ => {}
            }
            if at % 10 == 7 {
                record["patient"]["format"] = json!("large");
            }
            record
        })
        .collect()
}

/// Ten letters and digits that no other patient has.
fn code(at: usize, kind: char) -> String {
    format!("{kind}Z{:08X}", (at as u64 + 1) * 2_654_435_761 % (1 << 32))
}

fn stream(records: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    (lines.join("\n") + "\n").into_bytes()
}

fn print(campaign: &Campaign, input: &[u8], args: &[&str]) -> Ended {
    campaign.stage("pkb-letters", &[&["--out", "print"], args].concat(), input)
}

fn verify(campaign: &Campaign, input: &[u8], args: &[&str]) -> (i32, String) {
    let ended = campaign.stage("pkb", &[&["verify", "print"], args].concat(), input);
    (
        ended.code,
        String::from_utf8(ended.stdout).unwrap() + &ended.stderr,
    )
}

#[test]
fn a_thousand_letters_of_all_kinds_verify() {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(1_000));
    let ended = print(&campaign, &input, &["--language", "cy+en"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("750 letters have Welsh words, which are drafts"),
        "{}",
        ended.stderr
    );
    let json: Value =
        serde_json::from_slice(&campaign.read("print/rehearsal-manifest.json")).unwrap();
    assert_eq!(
        json["counts"]["by_language"],
        json!({"en": 250, "cy": 250, "cy+en": 500})
    );
    assert_eq!(
        json["counts"]["by_format"],
        json!({"standard": 900, "large": 100})
    );
    for records in [&ended.stdout, &input] {
        let (code, text) = verify(&campaign, records, &[]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("1,000 letters in 4 files"), "{text}");
        assert!(
            text.contains("every sheet matches its patient's record"),
            "{text}"
        );
    }
}

/// A campaign of 40 letters in files of ten, and its records.
fn printed(args: &[&str]) -> (Campaign, Vec<Value>) {
    let campaign = Campaign::start(World::default());
    let args = [&["--letters-per-file", "10", "--language", "en"], args].concat();
    let ended = print(&campaign, &stream(&invited(40)), &args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = records(&ended.stdout);
    (campaign, records)
}

/// Makes the second file again, from letters that `change` has been at, with a manifest that knows its digest: what is
/// wrong with it can be seen on paper only.
fn forge(campaign: &Campaign, records: &[Value], change: impl FnOnce(&mut Vec<LetterFields>)) {
    let template = Template::built_in().unwrap();
    let rules = LetterRules {
        template: template.clone(),
        expiry: Expiry {
            today: "2026-11-22".parse().unwrap(),
            min_days_left: 0,
        },
        join_url: "https://joinpkb.com/".parse().unwrap(),
        design: Design::Letter,
        international: false,
        languages: LetterLanguages::default(),
        format: LetterFormat::Standard,
    };
    let mut letters: Vec<LetterFields> = records[10..20]
        .iter()
        .map(|record| {
            let patient: Patient = serde_json::from_value(record["patient"].clone()).unwrap();
            let codes: Invitation = serde_json::from_value(record["invitation"].clone()).unwrap();
            rules.letter(&patient, Some(&codes)).unwrap()
        })
        .collect();
    change(&mut letters);
    let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
    let typesetter = typesetter.in_rehearsal(true);
    let laid_out = typesetter.lay_out(&letters).unwrap();
    let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
    let path = campaign.write(
        "print/rehearsal-letters-0002.pdf",
        typesetter.bind(laid_out, 11).unwrap().pdf,
    );
    let (bytes, sha256) = manifest::digest(&path).unwrap();
    let mut json: Value =
        serde_json::from_slice(&campaign.read("print/rehearsal-manifest.json")).unwrap();
    json["files"][1]["bytes"] = json!(bytes);
    json["files"][1]["sha256"] = json!(sha256);
    campaign.write("print/rehearsal-manifest.json", json.to_string());
}

#[test]
fn each_error_that_is_planted_in_a_file_is_found() {
    let (campaign, records) = printed(&[]);
    let input = stream(&records);
    let find = |change: fn(&mut Vec<LetterFields>), words: &str| {
        forge(&campaign, &records, change);
        let (code, text) = verify(&campaign, &input, &[]);
        assert_eq!(code, 65, "{words}: {text}");
        assert!(
            text.contains("do not post") && text.contains(words),
            "{words}: {text}"
        );
    };
    forge(&campaign, &records, |_| {});
    let (code, text) = verify(&campaign, &input, &["--qr-codes", "camera"]);
    assert_eq!(code, 0, "what is forged without a change is right: {text}");

    find(
        |letters| letters.swap(3, 6),
        "rehearsal-letters-0002.pdf, page",
    );
    find(
        |letters| letters.swap(3, 6),
        "the name is not on the letter",
    );
    find(
        |letters| letters[4].access_code = letters[5].access_code.clone(),
        "the access code is not on the letter",
    );
    find(
        |letters| letters[4].access_code = letters[5].access_code.clone(),
        "a code of row 17 is on the letter",
    );
    find(|letters| drop(letters.remove(9)), "the sheet is missing");
    find(
        |letters| letters.insert(2, letters[2].clone()),
        "no row has this page",
    );
    find(
        |letters| {
            let own = letters[7].address.len() - 1;
            letters[7].address[own] = letters[8].address.last().unwrap().clone();
        },
        "the postcode is not on the letter",
    );
    find(
        |letters| letters[7].join_url = letters[8].join_url.clone(),
        "its QR code does not have the codes of this patient",
    );
    find(
        |letters| letters[1].last_day = letters[1].last_day.tomorrow().unwrap(),
        "the day on which the codes expire is not on the letter",
    );
}

#[test]
fn a_file_that_was_touched_after_it_was_made_is_found() {
    let (campaign, records) = printed(&[]);
    let mut pdf = campaign.read("print/rehearsal-letters-0003.pdf");
    pdf.push(b'\n');
    campaign.write("print/rehearsal-letters-0003.pdf", pdf);
    let (code, text) = verify(&campaign, &stream(&records), &[]);
    assert_eq!(code, 65);
    assert!(
        text.contains("rehearsal-letters-0003.pdf: the file was changed after it was made"),
        "{text}"
    );
}

#[test]
fn manifests_that_differ_are_found() {
    let (campaign, records) = printed(&[]);
    let json = String::from_utf8(campaign.read("print/rehearsal-manifest.json")).unwrap();
    campaign.write(
        "print/rehearsal-manifest.json",
        json.replacen("\"NE3 2AB\"", "\"NE4 2AB\"", 1),
    );
    let (code, text) = verify(&campaign, &stream(&records), &[]);
    assert_eq!(code, 65);
    assert!(
        text.contains(
            "rehearsal-manifest.csv, letter 3: it does not match rehearsal-manifest.json"
        ),
        "{text}"
    );
}

#[test]
fn one_pdf_a_letter_has_a_name_of_its_own_and_verifies_and_zips_hold_the_same() {
    let (campaign, records) = printed(&["--separate", "--zip"]);
    let mut names = BTreeSet::new();
    for record in &records {
        let file = record["deliveries"][0]["file"].as_str().unwrap();
        assert!(names.insert(file.rsplit('/').next().unwrap().to_owned()));
        let pages = page_reader::read_text_only(campaign.read(&format!("print/{file}"))).unwrap();
        assert_eq!(record["deliveries"][0]["pages"], json!([1, pages.len()]));
        let code = record["invitation"]["code"].as_str().unwrap();
        assert!(pages.iter().any(|page| page.text.contains(code)));
        let zip = campaign.read(&format!("print/{}.zip", file.split('/').next().unwrap()));
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
        let inside = format!("{}-page/{}", pages.len(), file.rsplit('/').next().unwrap());
        let mut bytes = Vec::new();
        std::io::copy(&mut zip.by_name(&inside).unwrap(), &mut bytes).unwrap();
        assert_eq!(bytes, campaign.read(&format!("print/{file}")));
        let mut manifest = String::new();
        std::io::Read::read_to_string(
            &mut zip.by_name("rehearsal-manifest.csv").unwrap(),
            &mut manifest,
        )
        .unwrap();
        assert!(manifest.contains(&inside));
    }
    let (code, text) = verify(&campaign, &stream(&records), &["--qr-codes", "camera"]);
    assert_eq!(code, 0, "{text}");
    // A letter in another's place.
    let (one, two) = (0, 1);
    let file = |at: usize| {
        format!(
            "print/{}",
            records[at]["deliveries"][0]["file"].as_str().unwrap()
        )
    };
    campaign.write(&file(one), campaign.read(&file(two)));
    let (code, text) = verify(&campaign, &stream(&records), &[]);
    assert_eq!(code, 65);
    assert!(
        text.contains("the name is not on the letter") && text.contains("the file was changed"),
        "{text}"
    );
}

#[test]
fn letters_are_sorted_as_mail_is_and_every_record_comes_out_once() {
    let (campaign, records) = printed(&["--sort", "postcode"]);
    let manifest = String::from_utf8(campaign.read("print/rehearsal-manifest.csv")).unwrap();
    let codes: Vec<(String, u16, String)> = manifest
        .lines()
        .skip(1)
        .map(|line| pkb_postal::postal_order(line.split(',').nth(5).unwrap()))
        .collect();
    assert!(codes.is_sorted());
    let rows: BTreeSet<u64> = records
        .iter()
        .map(|record| record["row"]["number"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, (2..42).collect());
    let (code, text) = verify(&campaign, &stream(&invited(40)), &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_letter_that_is_printed_again_takes_the_place_of_the_first_and_both_are_accounted_for() {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(40));
    let args = ["--journal", "l.journal", "--language", "en"];
    print(&campaign, &input, &args);
    let reprint = print(
        &campaign,
        &input,
        &[&args[..], &["--reprint", "5,9"]].concat(),
    );
    assert_eq!(reprint.code, 0, "{}", reprint.stderr);
    let (code, text) = verify(&campaign, &reprint.stdout, &["--qr-codes", "camera"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("40 letters in 2 files"), "{text}");
    // An ordinary run of the same campaign says the same.
    let again = print(&campaign, &input, &args);
    assert_eq!(again.stdout, reprint.stdout);
    let (code, text) = verify(&campaign, &again.stdout, &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_proof_shows_the_notable_letters_with_false_codes_and_prints_nothing_else() {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(200));
    let ended = print(&campaign, &input, &["--proof", "5", "--language", "cy+en"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = String::from_utf8(ended.stdout).unwrap();
    for words in [
        "the first",
        "the longest name",
        "the longest address",
        "cy+en, standard print",
        "en, large print",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let pages = page_reader::read_pages(campaign.read("print/rehearsal-proof.pdf")).unwrap();
    let codes: Vec<String> = (0..200)
        .flat_map(|at| [code(at, 'i'), code(at, 't')])
        .collect();
    for page in &pages {
        assert!(
            page.text.replace([' ', '\n'], "").contains('P'),
            "{}",
            page.text
        );
        let shown = format!("{}{:?}", page.text, page.by_camera);
        assert!(codes.iter().all(|code| !shown.contains(code)));
    }
    assert!(pages.iter().any(|page| {
        page.by_camera
            .iter()
            .any(|link| link.contains("ProofOnly0"))
    }));
    assert!(!campaign.path("print/rehearsal-manifest.csv").exists());
}

#[test]
fn a_letter_that_does_not_fit_is_an_outcome_and_the_others_keep_their_numbers_without_a_gap() {
    let campaign = Campaign::start(World::default());
    campaign.stage("pkb-letters", &["template", "new", "ours"], b"");
    let settings = String::from_utf8(campaign.read("ours/template.toml")).unwrap();
    // Room for a name and three lines.
    let narrow = settings.replace(
        "# address = [20, 57, 100, 81]",
        "address = [24.6, 39.5, 120, 58]",
    );
    assert_ne!(narrow, settings);
    campaign.write("ours/template.toml", narrow);
    let ended = print(
        &campaign,
        &stream(&invited(60)),
        &["--template", "ours", "--language", "en"],
    );
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let (mut stopped, mut sequences) = (0, Vec::new());
    for record in ended.records() {
        match record["deliveries"][0]["sequence"].as_u64() {
            Some(sequence) => sequences.push(sequence),
            None => {
                assert_eq!(record["outcome"]["reason"], "does_not_fit");
                stopped += 1;
            }
        }
    }
    assert!(stopped > 10, "{stopped}");
    assert!(sequences.iter().copied().eq(1..=60 - stopped));
}

#[test]
fn template_check_says_everything_that_is_wrong_in_one_run() {
    let campaign = Campaign::start(World::default());
    campaign.stage("pkb-letters", &["template", "new", "ours"], b"");
    let good = campaign.stage("pkb-letters", &["template", "check", "ours"], b"");
    let text = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.code, 0, "{text}{}", good.stderr);
    assert!(
        text.contains("letter, cy+en, large print: 4 pages") && text.contains("no problems"),
        "{text}"
    );
    let edit = |file: &str, from: &str, to: &str| {
        let text = String::from_utf8(campaign.read(file)).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        campaign.write(file, text.replacen(from, to, 1));
    };
    edit("ours/en/letter.typ", "slot(\"name\")", "slot(\"surname\")");
    edit(
        "ours/en/insert.typ",
        "This sheet is for",
        "王 This sheet is for",
    );
    edit(
        "ours/en/reminder.typ",
        "Yours sincerely,",
        "#v(400mm) Yours sincerely,",
    );
    edit("ours/cy/reminder.typ", "Annwyl #slot(\"name\"),", "Annwyl,");
    let bad = campaign.stage("pkb-letters", &["template", "check", "ours"], b"");
    let text = String::from_utf8(bad.stdout).unwrap();
    assert_eq!(bad.code, 2, "{text}");
    for words in [
        "there is no field \"surname\"",
        "letter.typ:",
        "no font has these characters of the template: 王",
        "problems, marked with !",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn template_check_names_the_letters_that_the_templates_font_lacks_incident_22() {
    let campaign = Campaign::start(World::default());
    campaign.stage("pkb-letters", &["template", "new", "ours"], b"");
    let check = || {
        let ended = campaign.stage("pkb-letters", &["template", "check", "ours"], b"");
        let text = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.code, 0, "{text}{}", ended.stderr);
        text
    };
    let text = check();
    assert!(!text.contains("does not have these letters"), "{text}");
    let common = String::from_utf8(campaign.read("ours/common.typ")).unwrap();
    let lacking = common.replacen(
        "font: (\"Arimo\", ",
        "font: ((name: \"Cousine\", covers: regex(\"[^ŵŴŷŶ]\")), ",
        1,
    );
    assert_ne!(lacking, common);
    campaign.write("ours/common.typ", lacking);
    let text = check();
    let words = "names in Welsh: the template's font does not have these letters, so a different font draws them: ŴŵŶŷ\n";
    assert!(text.contains(words), "{text}");
    assert!(!text.contains("names in Polish"), "{text}");
}

#[test]
fn a_record_reads_back_with_what_the_letter_was() {
    let (_, records) = printed(&["--design", "reminder"]);
    for record in records {
        let record: Record = serde_json::from_value(record).unwrap();
        let delivery = record.delivery(Channel::Letter).unwrap();
        assert_eq!(delivery.design, Some(Design::Reminder));
        assert!(delivery.languages.is_some() && delivery.format.is_some());
    }
}

#[test]
fn letters_that_do_not_say_what_they_must_are_not_written_and_no_record_says_that_they_were() {
    let campaign = Campaign::start(World::default());
    campaign.stage("pkb-letters", &["template", "new", "ours"], b"");
    let common = String::from_utf8(campaign.read("ours/common.typ")).unwrap();
    // The window without its last line.
    let cut = common.replace(
        "(slot(\"name\"), ..slot(\"address\"))",
        "(slot(\"name\"), ..slot(\"address\").slice(0, -1))",
    );
    assert_ne!(cut, common);
    campaign.write("ours/common.typ", cut);
    let args = [
        "--template",
        "ours",
        "--language",
        "en",
        "--journal",
        "l.journal",
    ];
    let input = stream(&invited(20));
    let ended = print(&campaign, &input, &args);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for words in [
        "all 20 letters of rehearsal-letters-0001.pdf are doubtful, so none was written: the postcode is not on the letter",
        "correct the letter template",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert!(!campaign.path("print/rehearsal-letters-0001.pdf").exists());
    assert!(!campaign.path("print/rehearsal-manifest.csv").exists());
    let delivered = |ended: &Ended| {
        ended
            .records()
            .iter()
            .filter(|r| r["deliveries"].is_array())
            .count()
    };
    assert_eq!(delivered(&ended), 0);
    // The template is mended, and the same command goes on.
    campaign.write("ours/common.typ", common);
    let ended = print(&campaign, &input, &args);
    assert_eq!((ended.code, delivered(&ended)), (0, 20), "{}", ended.stderr);
}

#[test]
fn a_journal_that_was_torn_within_a_batch_ends_in_the_same_letters_once() {
    // After some of the second file's letters; its successors were begun, or not.
    torn_and_made_again("auto", &[13, 15, 20, 22, 23, 33]);
}

#[test]
fn a_stamped_file_that_was_torn_is_made_again_with_the_same_bytes_and_by_no_other_engine() {
    let campaign = torn_and_made_again("stamp", &[15]);
    let journal = campaign.read("l.journal");
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    campaign.write("l.journal", lines[..15].concat());
    let before = campaign.read("print/rehearsal-letters-0002.pdf");
    let args = "--letters-per-file 10 --language en --journal l.journal --engine typst";
    let args: Vec<&str> = args.split(' ').collect();
    let ended = print(&campaign, &stream(&invited(40)), &args);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("rehearsal-letters-0002.pdf was started with --engine stamp"),
        "{}",
        ended.stderr
    );
    assert!(campaign.read("print/rehearsal-letters-0002.pdf") == before);
}

/// Prints forty letters into four files, tears the journal after so many lines, and runs the same command again.
fn torn_and_made_again(engine: &str, all_kept: &[usize]) -> Campaign {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(40));
    let args = [
        "--letters-per-file",
        "10",
        "--language",
        "en",
        "--journal",
        "l.journal",
        "--engine",
        engine,
    ];
    let whole = print(&campaign, &input, &args);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let files: Vec<Vec<u8>> = (1..5)
        .map(|file| campaign.read(&format!("print/rehearsal-letters-000{file}.pdf")))
        .collect();
    let journal = campaign.read("l.journal");
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    for kept in all_kept.iter().copied() {
        let journal = lines[..kept].concat();
        campaign.write("l.journal", &journal);
        // No file is written before its intent is on the disk.
        for name in (1..5).map(|file| format!("rehearsal-letters-000{file}.pdf")) {
            if !String::from_utf8_lossy(&journal).contains(&name) {
                std::fs::remove_file(campaign.path(&format!("print/{name}"))).ok();
            }
        }
        let again = print(&campaign, &input, &args);
        assert_eq!(again.code, 0, "{kept}: {}", again.stderr);
        assert_eq!(again.stdout, whole.stdout, "{kept} lines");
        for (file, bytes) in (1..5).zip(&files) {
            assert!(campaign.read(&format!("print/rehearsal-letters-000{file}.pdf")) == *bytes);
        }
        assert!(!campaign.path("print/rehearsal-letters-0005.pdf").exists());
        let (code, text) = verify(&campaign, &again.stdout, &[]);
        assert_eq!(code, 0, "{text}");
    }
    campaign
}

#[test]
fn ordinary_addresses_do_not_stop_a_campaign() {
    let campaign = Campaign::start(World::default());
    let mut records = invited(8);
    for (record, address) in records.iter_mut().zip([
        json!(["1 Main Street", "Leeds", "England"]),
        json!(["1 Main Street", "Leeds", "U.K."]),
        json!(["1 Main Street", "Gießen"]),
        json!([
            "1 Main Street",
            "Flat 12, Northumberland Court Sheltered Housing Scheme",
            "Leeds"
        ]),
        json!([
            "Flat 12, Northumberland Court Sheltered Housing Scheme for the Elderly",
            "1 Main Street",
            "Leeds"
        ]),
        json!(["1 Main Street,", "Leeds."]),
        json!(["1 Main Street", "Αθήνας"]),
        json!(["1 Main Street", "Wales", "Cymru"]),
    ]) {
        record["patient"]["town_line"] = json!(address.as_array().unwrap().len() - 1);
        record["patient"]["address"] = address;
    }
    let ended = print(&campaign, &stream(&records), &["--language", "en"]);
    let unmade: Vec<Value> = ended
        .records()
        .into_iter()
        .filter(|record| !record["deliveries"].is_array())
        .map(|record| record["outcome"].clone())
        .collect();
    assert!(ended.code == 0 || ended.code == 65, "{}", ended.stderr);
    assert!(unmade.len() <= 1, "{unmade:?}");
    let (code, text) = verify(&campaign, &ended.stdout, &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_reprint_is_made_once_a_day_and_leaves_everything_else_as_it_is() {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(20));
    let args = ["--journal", "l.journal", "--language", "en"];
    print(&campaign, &input, &args);
    let reprint = [&args[..], &["--reprint", "5"]].concat();
    let first = print(&campaign, &input, &reprint);
    let second = print(&campaign, &input, &reprint);
    assert_eq!(second.stdout, first.stdout);
    assert!(second.stderr.contains("--again-today"), "{}", second.stderr);
    assert!(!campaign.path("print/rehearsal-reprint-0002.pdf").exists());
    let anyway = print(
        &campaign,
        &input,
        &[&reprint[..], &["--again-today"]].concat(),
    );
    assert!(
        campaign.path("print/rehearsal-reprint-0002.pdf").exists(),
        "{}",
        anyway.stderr
    );
    // One that cannot be printed again keeps its letter, and its sheet is accounted for.
    let late = [&args[..], &["--reprint", "7", "--min-days-left", "300"]].concat();
    let late = print(&campaign, &input, &late);
    assert!(
        late.stderr.contains("row 7: not printed again"),
        "{}",
        late.stderr
    );
    let (code, text) = verify(&campaign, &late.stdout, &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_printer_names_spoilt_letters_by_their_numbers_or_references() {
    let campaign = Campaign::start(World::default());
    let input = stream(&invited(20));
    let args = ["--journal", "l.journal", "--language", "en"];
    let made = print(&campaign, &input, &args).records();
    let reference = made[8]["deliveries"][0]["reference"].as_str().unwrap();
    let letters = format!("000005,{reference},999");
    let reprint = [&args[..], &["--reprint-letter", &letters]].concat();
    let again = print(&campaign, &input, &reprint);
    let is_reprint = |record: &&Value| record["deliveries"][0]["edition"] == "reprint";
    let records = again.records();
    let rows: Vec<&Value> = records
        .iter()
        .filter(is_reprint)
        .map(|record| &record["row"]["number"])
        .collect();
    assert_eq!(rows, [&made[4]["row"]["number"], &made[8]["row"]["number"]]);
    assert!(
        again
            .stderr
            .contains("letter 999 was not printed again, because the journal has no such letter"),
        "{}",
        again.stderr
    );
    let (code, text) = verify(&campaign, &again.stdout, &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn pages_that_cannot_be_are_a_failure_and_not_a_crash() {
    let (campaign, records) = printed(&[]);
    for pages in [json!([5, 3]), json!([0, 0]), json!([1, 1_000_000])] {
        let mut records = records.clone();
        records[3]["deliveries"][0]["pages"] = pages;
        let (code, text) = verify(&campaign, &stream(&records), &[]);
        assert_eq!(code, 65, "{text}");
        assert!(
            text.contains("page numbers that no letter can have"),
            "{text}"
        );
    }
    // What no file has is no record.
    let mut records = records.clone();
    records[3]["deliveries"][0]["pages"] = json!([1, u64::MAX]);
    assert_eq!(verify(&campaign, &stream(&records), &[]).0, 66);
}
