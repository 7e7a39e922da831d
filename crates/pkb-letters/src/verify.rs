//! `pkb-letters verify`: reads finished letters again, with other code than wrote them, and compares every
//! sheet with the record that it is for and with the manifest.
//!
//! One file of letters is looked at at a time. A failure names file, sheet and row and no value.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use pkb_core::{
    ExitCode, Fatal, Record, app,
    clock::uk_date,
    ndjson::{NdjsonError, NdjsonReader},
    record::{Delivery, Invitation, Patient},
    value::{AddressLine, Postcode},
};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    args::{SquareCodes, VerifyArgs},
    manifest,
    page_reader::{self, Page},
};

/// Of so many letters the square code of one is read, besides the first and the last of a file.
const SAMPLE: usize = 25;
/// So many failures are listed.
const LISTED: usize = 100;

/// A letter as the manifest has it.
#[derive(Debug, serde::Deserialize)]
struct ManifestRow {
    sequence: u64,
    file: String,
    first_page: u64,
    last_page: u64,
    row: u64,
    post_code: String,
}

/// Verifies the letters in a folder.
///
/// # Errors
/// The records, the manifest or the folder cannot be read at all. What is wrong with letters is listed, and
/// the program ends with [`ExitCode::SomeRowsRejected`].
pub fn verify(args: &VerifyArgs) -> Result<ExitCode, Fatal> {
    let mut records = NdjsonReader::new(args.input.reader()?);
    let mut verifier = Verifier::new(&args.dir, args.square_codes)?;
    let mut file: Vec<Record> = Vec::new();
    while let Some(line) = records.read().map_err(|error| match error {
        NdjsonError::Read(source) => Fatal::io("cannot read the records", source),
        error => Fatal::Input(error.to_string()),
    })? {
        let record = *line.record;
        if !matches!(&record.delivery, Some(Delivery { pages: Some(_), .. })) {
            continue;
        }
        let is_new = file
            .first()
            .is_some_and(|first| file_of(first) != file_of(&record));
        if is_new {
            verifier.file(&std::mem::take(&mut file));
        }
        file.push(record);
    }
    verifier.file(&file);
    verifier.nothing_is_left_over()?;
    verifier.report()
}

fn file_of(record: &Record) -> &str {
    record
        .delivery
        .as_ref()
        .map_or("", |delivery| delivery.file.as_str())
}

struct Verifier {
    dir: PathBuf,
    square_codes: SquareCodes,
    /// The manifest's rows that no record has claimed yet, by sequence.
    manifest: HashMap<u64, ManifestRow>,
    /// Files that have been looked at.
    files: HashSet<String>,
    failures: Vec<String>,
    failed: u64,
    letters: u64,
    squares: u64,
}

impl Verifier {
    fn new(dir: &Path, square_codes: SquareCodes) -> Result<Self, Fatal> {
        let path = dir.join(manifest::FILE_NAME);
        let bytes = fs::read(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
        let mut rows = HashMap::new();
        for row in csv::Reader::from_reader(bytes.as_slice()).deserialize() {
            let row: ManifestRow =
                row.map_err(|_| Fatal::Input(format!("{}: is not a manifest", path.display())))?;
            let sequence = row.sequence;
            if rows.insert(sequence, row).is_some() {
                return Err(Fatal::Input(format!(
                    "{}: letter {sequence} is in it twice",
                    path.display()
                )));
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            square_codes,
            manifest: rows,
            files: HashSet::new(),
            failures: Vec::new(),
            failed: 0,
            letters: 0,
            squares: 0,
        })
    }

    fn fail(&mut self, place: &str, words: &str) {
        self.failed += 1;
        if self.failures.len() < LISTED {
            self.failures.push(format!("{place}: {words}"));
        }
    }

    /// Compares a file with the records that are in it.
    fn file(&mut self, records: &[Record]) {
        let Some(first) = records.first() else {
            return;
        };
        let name = file_of(first).to_owned();
        if !self.files.insert(name.clone()) {
            self.fail(&name, "its letters do not follow each other in the records");
            return;
        }
        let pages = match self.pages(&name, records.len()) {
            Ok(pages) => pages,
            Err(words) => {
                self.letters += records.len() as u64;
                self.fail(&name, &words);
                for record in records {
                    self.claim(record);
                }
                return;
            }
        };
        // Of whom each code is, to find it on another's sheet.
        let mut owners: HashMap<String, u64> = HashMap::new();
        for record in records {
            if let Some(codes) = &record.invitation {
                for code in [codes.code.expose_code(), codes.token.expose_code()] {
                    if owners.insert(code.to_owned(), record.row.number).is_some() {
                        self.fail(
                            &name,
                            &format!(
                                "row {} has a code that another row has, too",
                                record.row.number
                            ),
                        );
                    }
                }
            }
        }
        let mut claimed: BTreeMap<u64, u64> = BTreeMap::new();
        for record in records {
            self.letters += 1;
            self.claim(record);
            let Some(Delivery {
                pages: Some((from, to)),
                sequence,
                ..
            }) = record.delivery.as_ref()
            else {
                continue;
            };
            let place = format!("{name}, sheet {from} (row {})", record.row.number);
            for page in *from..=*to {
                if claimed.insert(page, record.row.number).is_some() {
                    self.fail(&place, "two rows have this sheet");
                }
            }
            let sheets: Vec<&Page> = (*from..=*to)
                .filter_map(|page| pages.get(usize::try_from(page).ok()?.checked_sub(1)?))
                .collect();
            if sheets.len() as u64 != to - from + 1 {
                self.fail(&place, "the sheet is missing");
                continue;
            }
            for words in letter_failures(record, *sequence, &sheets, &owners) {
                self.fail(&place, &words);
            }
            self.squares += sheets.iter().map(|page| page.qr.len() as u64).sum::<u64>();
        }
        for page in 1..=pages.len() as u64 {
            if !claimed.contains_key(&page) {
                self.fail(&format!("{name}, sheet {page}"), "no row has this sheet");
            }
        }
    }

    /// The pages of a file; square codes of those that are to be looked at.
    fn pages(&self, name: &str, letters: usize) -> Result<Vec<Page>, String> {
        let path = self.dir.join(name);
        let pdf =
            fs::read(&path).map_err(|_| "the file is missing or cannot be read".to_owned())?;
        let wanted = |at: usize| match self.square_codes {
            SquareCodes::All => true,
            SquareCodes::None => false,
            SquareCodes::Sample => at.is_multiple_of(SAMPLE) || at + 1 == letters,
        };
        page_reader::read_some(pdf, wanted).map_err(|_| "the file is damaged".to_owned())
    }

    /// Compares a record's place with the manifest, and takes that row out.
    fn claim(&mut self, record: &Record) {
        let Some(Delivery {
            file,
            pages: Some((first, last)),
            sequence: Some(sequence),
            ..
        }) = &record.delivery
        else {
            return;
        };
        let post_code = record
            .patient
            .as_ref()
            .and_then(|patient| patient.post_code.as_ref())
            .map_or("", Postcode::expose_postcode);
        let place = format!("manifest, letter {sequence} (row {})", record.row.number);
        match self.manifest.remove(sequence) {
            None => self.fail(&place, "the manifest lacks the letter"),
            Some(row)
                if row.file == *file
                    && (row.first_page, row.last_page) == (*first, *last)
                    && row.row == record.row.number
                    && row.post_code == post_code => {}
            Some(_) => self.fail(&place, "the manifest says something else than the record"),
        }
    }

    /// Nothing may be in the manifest or the folder that no record is about.
    fn nothing_is_left_over(&mut self) -> Result<(), Fatal> {
        let mut left: Vec<u64> = self.manifest.keys().copied().collect();
        left.sort_unstable();
        for sequence in left {
            self.fail(
                &format!("manifest, letter {sequence}"),
                "no record has the letter",
            );
        }
        let cannot = |source| Fatal::cannot_read(&self.dir, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            names.extend(name.to_str().map(str::to_owned));
        }
        names.sort();
        for name in names {
            let is_letters = name.starts_with("letters-") && name.ends_with(".pdf");
            if is_letters && !self.files.contains(&name) {
                self.fail(&name, "no record has a letter in this file");
            }
        }
        Ok(())
    }

    fn report(self) -> Result<ExitCode, Fatal> {
        let mut text = format!(
            "{}: {} letters in {} files, {} square codes read\n",
            self.dir.display(),
            self.letters,
            self.files.len(),
            self.squares
        );
        if self.failed == 0 {
            text.push_str("every sheet is its patient's\n");
            app::print(&text)?;
            return Ok(ExitCode::Done);
        }
        text.push_str(&format!(
            "{} failures: do not post these letters\n",
            self.failed
        ));
        for failure in &self.failures {
            text.push_str(&format!("  {failure}\n"));
        }
        app::print(&text)?;
        Ok(ExitCode::SomeRowsRejected)
    }
}

/// Everything that is wrong with the sheets of a letter.
fn letter_failures(
    record: &Record,
    sequence: Option<u64>,
    sheets: &[&Page],
    owners: &HashMap<String, u64>,
) -> Vec<String> {
    let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
        return vec!["the record has no patient or no codes".to_owned()];
    };
    let text: String = sheets.iter().map(|page| page.text.as_str()).collect();
    let compact = without_spaces(&text);
    let mut failures = Vec::new();
    for (what, value) in expected(patient, codes, sequence) {
        if !compact.contains(&without_spaces(&value)) {
            failures.push(format!("{what} is not on it"));
        }
    }
    for value in forbidden(patient) {
        if compact.contains(&without_spaces(&value)) {
            failures.push("the date of birth or the national number is on it".to_owned());
        }
    }
    for word in text.split_whitespace() {
        match owners.get(word) {
            Some(owner) if *owner != record.row.number => {
                failures.push(format!("a code of row {owner} is on it"));
            }
            _ => {}
        }
    }
    for link in sheets.iter().flat_map(|page| &page.qr) {
        let parts = [
            format!("t1={}", codes.code.expose_code()),
            format!("t2={}", codes.token.expose_code()),
        ];
        let query = link.split_once('?').map_or("", |(_, query)| query);
        let has = |part: &String| query.split('&').any(|each| each == part);
        if !parts.iter().all(has) {
            failures.push("its square code is another patient's".to_owned());
        }
    }
    failures
}

/// What must be on a letter, and what it is called.
fn expected(
    patient: &Patient,
    codes: &Invitation,
    sequence: Option<u64>,
) -> Vec<(&'static str, String)> {
    let mut expected = vec![
        ("the name", patient.expose_full_name()),
        ("the invitation code", codes.code.expose_code().to_owned()),
        ("the access code", codes.token.expose_code().to_owned()),
    ];
    let lines = patient.address.iter().map(AddressLine::expose_line);
    expected.extend(lines.map(|line| ("a line of the address", line.to_owned())));
    let post_code = patient.post_code.as_ref().map(Postcode::expose_postcode);
    expected.extend(post_code.map(|code| ("the post code", code.to_owned())));
    let last_day = uk_date(codes.expires_at).yesterday().ok();
    expected.extend(last_day.map(|day| {
        (
            "the day on which the codes end",
            day.strftime("%-d %B %Y").to_string(),
        )
    }));
    expected.extend(sequence.map(|number| ("its number", format!("{number:06}"))));
    expected
}

/// What must not be on a letter: what the join page asks for, in the forms that people write.
fn forbidden(patient: &Patient) -> Vec<String> {
    let born = patient.date_of_birth.expose_date();
    [
        "%Y-%m-%d",
        "%d/%m/%Y",
        "%-d/%-m/%Y",
        "%d.%m.%Y",
        "%-d %B %Y",
        "%d %b %Y",
    ]
    .into_iter()
    .map(|form| born.strftime(form).to_string())
    .chain([patient.national_id.value.expose_digits().to_owned()])
    .collect()
}

/// A text as it can be compared, however its lines are broken.
fn without_spaces(text: &str) -> String {
    text.nfc().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"title":"Ms","first_name":"Siân","last_name":"O'Brien","date_of_birth":"1990-05-01","address":["1 Main Street","Newcastle"],"post_code":"NE1 1XC"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},"delivery":{"channel":"letter","file":"letters-0001.pdf","pages":[1,1],"sequence":3}}"#;

    fn page() -> Page {
        Page {
            text: "Ms Siân O'Brien\n1 Main Street Newcastle Health\nNewcastle\nNE1 1XC\n21 December 2026\n\
                   Invitation code NKcYiAciBU\nAccess code KVPnrFYPay\n000003\n"
                .into(),
            qr: vec!["https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into()],
        }
    }

    fn failures(change: impl Fn(&mut Page)) -> Vec<String> {
        let record: Record = serde_json::from_str(RECORD).unwrap();
        let owners = [("NKcYiAciBU", 7), ("KVPnrFYPay", 7), ("OthersCode", 8)]
            .map(|(code, row)| (code.to_owned(), row))
            .into();
        let mut page = page();
        change(&mut page);
        letter_failures(&record, Some(3), &[&page], &owners)
    }

    #[test]
    fn a_right_letter_has_no_failure() {
        assert_eq!(failures(|_| {}), Vec::<String>::new());
        assert_eq!(failures(|page| page.qr.clear()), Vec::<String>::new());
        // A long name may be broken, and a mark may stand for itself.
        assert_eq!(
            failures(|page| page.text = page.text.replace("Siân O'", "Sia\u{302}n\nO'")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_wrong_thing_on_a_letter_is_found() {
        type Change = fn(&mut Page);
        let table: &[(&str, Change)] = &[
            ("the name is not on it", |page| {
                page.text = page.text.replace("Siân", "Sian")
            }),
            ("the invitation code is not on it", |page| {
                page.text = page.text.replace("NKc", "NKC")
            }),
            ("the access code is not on it", |page| {
                page.text = page.text.replace("KVP", "kVP")
            }),
            ("a line of the address is not on it", |page| {
                page.text = page.text.replace("1 Main", "2 Main")
            }),
            ("the post code is not on it", |page| {
                page.text = page.text.replace("NE1 1XC", "NE1 1XD")
            }),
            ("the day on which the codes end is not on it", |page| {
                page.text = page.text.replace("21 Dec", "22 Dec")
            }),
            ("its number is not on it", |page| {
                page.text = page.text.replace("000003", "000004")
            }),
            ("a code of row 8 is on it", |page| {
                page.text.push_str("OthersCode\n")
            }),
            (
                "the date of birth or the national number is on it",
                |page| page.text.push_str("1 May 1990\n"),
            ),
            (
                "the date of birth or the national number is on it",
                |page| page.text.push_str("999 000 0018\n"),
            ),
            ("its square code is another patient's", |page| {
                page.qr = vec!["https://joinpkb.com/?t1=OthersCode&t2=KVPnrFYPay".into()];
            }),
        ];
        for (words, change) in table {
            assert_eq!(failures(*change), [*words]);
        }
    }
}
