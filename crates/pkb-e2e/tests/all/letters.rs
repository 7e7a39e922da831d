//! The finished letters, read back with other code than wrote them.

use std::collections::BTreeMap;

use pkb_e2e::page_reader::{self, Page};
use serde_json::Value;

use crate::harness::{Campaign, fixture};

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Without white space: how lines break does not matter here.
fn folded(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What a reader of any habit would take for a date of birth.
fn spellings(date: &str) -> Vec<String> {
    let date: jiff::civil::Date = date.parse().unwrap();
    [
        "%Y-%m-%d",
        "%d/%m/%Y",
        "%-d/%-m/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%Y%m%d",
        "%d%m%Y",
        "%-d %B %Y",
        "%d %B %Y",
        "%-d %b %Y",
        "%d/%m/%y",
    ]
    .iter()
    .map(|format| date.strftime(format).to_string())
    .collect()
}

struct Letters {
    campaign: Campaign,
    delivered: Vec<Value>,
    /// Every page that was printed, by file and page number.
    pages: BTreeMap<(String, u64), Page>,
}

fn letters_of(args: &[&str]) -> Letters {
    let campaign = Campaign::fixture();
    let [.., ended] = campaign.journey(
        &fixture("patients.csv"),
        &[&["--out", "print"], args].concat(),
    );
    let delivered: Vec<Value> = ended
        .records()
        .into_iter()
        .filter(|record| record["deliveries"][0]["file"].is_string())
        .collect();
    let mut pages = BTreeMap::new();
    for entry in campaign.path("print").read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pdf") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let read = page_reader::read_pages(std::fs::read(path).unwrap()).unwrap();
            pages.extend((1..).map(|number| (name.clone(), number)).zip(read));
        }
    }
    Letters {
        campaign,
        delivered,
        pages,
    }
}

impl Letters {
    /// The sheet on which the record says that its letter is.
    fn page_of(&self, record: &Value) -> &Page {
        let delivery = &record["deliveries"][0];
        let [first, last] = [0, 1].map(|at| delivery["pages"][at].as_u64().unwrap());
        assert_eq!(first, last, "the built-in letter has one page");
        &self.pages[&(delivery["file"].as_str().unwrap().to_owned(), first)]
    }
}

#[test]
fn each_page_shows_the_addressees_own_codes_and_nobody_elses() {
    let letters = letters_of(&[]);
    let delivered = &letters.delivered;
    assert_eq!(delivered.len(), 27);
    assert_eq!(
        letters.pages.len(),
        delivered.len(),
        "each page belongs to one record"
    );
    for record in delivered {
        let (row, page) = (&record["row"]["number"], letters.page_of(record));
        let shown = folded(&page.text);
        let name = [
            "/patient/title",
            "/patient/first_name",
            "/patient/last_name",
        ]
        .map(|pointer| text(record, pointer))
        .join(" ");
        let mut expected = vec![folded(&name), folded(text(record, "/patient/postcode"))];
        expected.extend(
            record["patient"]["address"]
                .as_array()
                .unwrap()
                .iter()
                .map(|l| folded(l.as_str().unwrap())),
        );
        for part in expected {
            assert!(
                // The town is printed in capitals.
                shown.contains(&part) || shown.contains(&part.to_uppercase()),
                "row {row}: {part:?} is not on the page:\n{shown}"
            );
        }
        for other in delivered {
            for pointer in ["/invitation/code", "/invitation/token"] {
                let is_own = other["row"] == record["row"];
                assert_eq!(shown.contains(text(other, pointer)), is_own, "row {row}");
            }
        }
        let [link] = page.by_camera.as_slice() else {
            panic!("row {row}: {} QR codes", page.by_camera.len())
        };
        let link: url::Url = link.parse().unwrap();
        let codes: Vec<String> = link
            .query_pairs()
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(
            codes,
            [
                text(record, "/invitation/code"),
                text(record, "/invitation/token")
            ]
        );
    }
}

#[test]
fn no_date_of_birth_and_no_national_id_is_on_any_page_or_sheet() {
    let Letters {
        campaign,
        delivered,
        pages,
    } = letters_of(&["--channel", "letter,sms"]);
    let sheet = String::from_utf8(campaign.read("print/rehearsal-sms-0001.csv")).unwrap();
    let manifest = String::from_utf8(campaign.read("print/rehearsal-manifest.csv")).unwrap();
    let shown: Vec<String> = pages
        .values()
        .map(|page| folded(&page.text))
        .chain([sheet, manifest])
        .collect();
    for record in &delivered {
        let number = text(record, "/patient/national_id/value");
        for secret in spellings(text(record, "/patient/date_of_birth"))
            .iter()
            .chain([&number.to_owned()])
        {
            assert!(
                !shown.iter().any(|text| text.contains(&folded(secret))),
                "row {}",
                record["row"]["number"]
            );
        }
    }
}

#[test]
fn a_name_that_looks_like_markup_prints_as_written() {
    let Letters { pages, .. } = letters_of(&[]);
    assert!(
        pages
            .values()
            .any(|page| folded(&page.text).contains(&folded(r##"#panic("x") *b* $1 <a>"##)))
    );
}

#[test]
fn letters_are_split_into_files_and_the_manifest_accounts_for_each_page() {
    let letters = letters_of(&["--letters-per-file", "10"]);
    let path = letters.campaign.path("print/rehearsal-manifest.csv");
    let mut manifest = csv::Reader::from_path(path).unwrap();
    let rows: Vec<Vec<String>> = manifest
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.len(), 27);
    for (sequence, (row, record)) in (1..).zip(rows.iter().zip(&letters.delivered)) {
        let delivery = &record["deliveries"][0];
        assert_eq!(row[0].len(), 20);
        assert_eq!(row[0], text(record, "/deliveries/0/reference"));
        assert_eq!(row[1], sequence.to_string());
        assert_eq!(delivery["sequence"], sequence);
        assert_eq!(row[2], text(record, "/deliveries/0/file"));
        assert_eq!(
            row[2],
            format!("rehearsal-letters-{:04}.pdf", (sequence - 1) / 10 + 1)
        );
        assert_eq!(
            row[3..5],
            [
                delivery["pages"][0].to_string(),
                delivery["pages"][1].to_string()
            ]
        );
        assert_eq!(row[5], record["row"]["number"].to_string());
        let page = letters.page_of(record);
        assert!(
            page.text.contains(&format!("{sequence:06}")),
            "the sheet does not bear its number"
        );
    }
}

#[test]
fn the_sms_sheet_has_the_patients_with_a_mobile_and_the_record_says_so() {
    let Letters {
        campaign,
        delivered,
        ..
    } = letters_of(&["--channel", "letter,sms"]);
    let mut sheet = csv::Reader::from_path(campaign.path("print/rehearsal-sms-0001.csv")).unwrap();
    let columns: Vec<String> = sheet.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        columns,
        [
            "phone number",
            "first name",
            "organisation",
            "invitation code",
            "access code",
            "expiry",
            "link",
            "REHEARSAL"
        ]
    );
    let rows: Vec<csv::StringRecord> = sheet.records().map(|row| row.unwrap()).collect();
    let texted: Vec<&Value> = delivered
        .iter()
        .filter(|record| record["patient"]["mobile"].is_string())
        .collect();
    assert_eq!(rows.len(), texted.len());
    for (row, record) in rows.iter().zip(texted) {
        assert_eq!(&row[0], text(record, "/patient/mobile"));
        assert_eq!(&row[3], text(record, "/invitation/code"));
        assert_eq!(&row[4], text(record, "/invitation/token"));
        assert!(
            row.iter().all(|cell| !cell.is_empty()),
            "Notify refuses empty cells"
        );
        let deliveries = record["deliveries"].as_array().unwrap();
        assert_eq!(deliveries.last().unwrap()["channel"], "sms");
    }
    assert!(campaign.path("print/sms-text-1.txt").exists());
}

#[test]
fn a_folder_with_letters_in_it_is_not_added_to() {
    let campaign = Campaign::fixture();
    let [_, _, invited, delivered] =
        campaign.journey(&fixture("patients.csv"), &["--out", "print"]);
    let print = |args: &[&str]| campaign.stage("pkb-letters", args, &invited.stdout);
    let letters = campaign.read("print/rehearsal-letters-0001.pdf");
    // Its journal is beside it, and has them all.
    let again = print(&["--out", "print"]);
    assert_eq!(
        (again.code, again.stdout),
        (delivered.code, delivered.stdout)
    );
    let without = print(&["--out", "print", "--no-journal"]);
    assert_eq!(without.code, 2);
    assert!(
        without.stderr.contains("letters of an earlier run"),
        "{}",
        without.stderr
    );
    let other = print(&["--out", "print", "--journal", "other.journal"]);
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(campaign.read("print/rehearsal-letters-0001.pdf") == letters);
}

#[test]
fn a_patient_who_comes_twice_gets_one_letter() {
    let campaign = Campaign::fixture();
    let [_, _, invited, _] = campaign.journey(&fixture("patients.csv"), &["--out", "print"]);
    let twice = [invited.stdout.clone(), invited.stdout].concat();
    let ended = campaign.stage("pkb-letters", &["--out", "twice"], &twice);
    let records = ended.records();
    assert_eq!(records.len(), 122);
    assert_eq!(
        records
            .iter()
            .filter(|r| r["deliveries"].is_array())
            .count(),
        27
    );
    assert_eq!(
        records
            .iter()
            .filter(|r| r["outcome"]["reason"] == "already_invited")
            .count(),
        27
    );
}

#[test]
fn a_patient_who_comes_twice_has_one_letter_also_when_the_journal_answers() {
    let campaign = Campaign::fixture();
    let args = ["--out", "print", "--journal", "letters.journal"];
    let [_, _, invited, delivered] = campaign.journey(&fixture("patients.csv"), &args);
    let twice = [invited.stdout.clone(), invited.stdout].concat();
    let again = campaign.stage("pkb-letters", &args, &twice).records();
    assert_eq!(again[..61], delivered.records());
    let stopped = |record: &&serde_json::Value| record["outcome"]["reason"] == "already_invited";
    assert_eq!(again[..61].iter().filter(stopped).count(), 0);
    assert_eq!(again[61..].iter().filter(stopped).count(), 27);
    assert!(
        again[61..]
            .iter()
            .all(|record| record["deliveries"].is_null())
    );
}

#[test]
fn the_template_that_is_written_out_makes_the_same_letters() {
    let campaign = Campaign::fixture();
    let [_, _, invited, _] = campaign.journey(&fixture("patients.csv"), &["--out", "print"]);
    assert_eq!(
        campaign
            .stage("pkb-letters", &["template", "new", "ours"], b"")
            .code,
        0
    );
    let ended = campaign.stage(
        "pkb-letters",
        &["--template", "ours", "--out", "with-ours"],
        &invited.stdout,
    );
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(
        campaign.read("print/rehearsal-letters-0001.pdf"),
        campaign.read("with-ours/rehearsal-letters-0001.pdf")
    );
    assert_eq!(
        campaign
            .stage("pkb-letters", &["template", "new", "ours"], b"")
            .code,
        2
    );
}

#[test]
fn a_broken_template_is_a_usage_error_that_names_file_and_line() {
    let campaign = Campaign::fixture();
    campaign.stage("pkb-letters", &["template", "new", "ours"], b"");
    let letter = String::from_utf8(campaign.read("ours/en/letter.typ")).unwrap();
    campaign.write("ours/en/letter.typ", format!("{letter}\n#nonsense()\n"));
    let ended = campaign.stage(
        "pkb-letters",
        &["--template", "ours", "--out", "print"],
        b"",
    );
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("letter.typ:"), "{}", ended.stderr);
}

#[test]
fn twins_at_one_address_get_a_letter_each_incident_16() {
    let campaign = Campaign::start(pkb_sandbox::World::default());
    let patients = campaign.write(
        "patients.csv",
        "NHS number,Title,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile\n\
         9990000018,Ms,Ann,Smith,01/01/1940,1 Mill Lane,Leeds,LS6 3AA,07700 900123\n\
         9990000026,Mr,Ben,Smith,01/01/1940,1 Mill Lane,Leeds,LS6 3AA,07700 900123\n\
         9990000034,Mr,Ali,Khan,02/02/1950,2 Mill Lane,Leeds,LS6 3AA,\n\
         9990000042,Mr,Ali,Khan,02/02/1950,3 Mill Lane,Leeds,LS6 3AA,\n",
    );
    let [.., ended] = campaign.journey(&patients, &["--out", "print", "--separate"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut files = Vec::new();
    for record in ended.records() {
        let file = text(&record, "/deliveries/0/file").to_owned();
        let path = campaign.path("print").join(&file);
        let pages = page_reader::read_pages(std::fs::read(path).unwrap()).unwrap();
        let [page] = pages.as_slice() else {
            panic!("{} pages", pages.len())
        };
        for pointer in [
            "/patient/first_name",
            "/patient/address/0",
            "/invitation/code",
        ] {
            let value = text(&record, pointer);
            assert!(page.text.contains(value), "{pointer}: {}", page.text);
        }
        files.push(file);
    }
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 4, "each in a file of its own");
}
