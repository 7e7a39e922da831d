//! The spreadsheet and the template texts for text messages through GOV.UK Notify.
//!
//! Notify takes at most 100,000 rows and 10 MiB a file; each `((placeholder))` of a template needs
//! its column. PKB advises two texts, so that no code is split between two messages.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    path::{Path, PathBuf},
};

use pkb_core::{Fatal, atomic_file::AtomicFile};

/// Rows of a sheet at most (Notify).
const MAX_ROWS: u64 = 100_000;
/// Bytes of a sheet at most (Notify).
const MAX_BYTES: u64 = 10 << 20;

/// The columns. Only `phone number` is Notify's own; the others are the placeholders of the texts.
const COLUMNS: [&str; 7] = [
    "phone number",
    "first name",
    "organisation",
    "invitation code",
    "access code",
    "expiry",
    "link",
];

/// First text: who writes and why, so that the second is not taken for fraud.
const FIRST_TEXT: &str = "Dear ((first name)), ((organisation)) invites you to see your health record online. \
Your codes follow in a second message. If you did not expect this, ask us: use a number that you know.\n";

/// Second text: the codes and the link.
const SECOND_TEXT: &str = "Your codes from ((organisation)): invitation code ((invitation code)) and access code \
((access code)), until ((expiry)). Register here: ((link))\n";

/// One patient's row.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsRow {
    /// Mobile number in E.164 form.
    pub phone_number: String,
    /// First name.
    pub first_name: String,
    /// Who invites.
    pub organisation: String,
    /// Invitation code.
    pub invitation_code: String,
    /// Access code.
    pub access_code: String,
    /// Last day of the codes.
    pub expiry: String,
    /// Join page with both codes filled in.
    pub link: String,
}

impl fmt::Debug for SmsRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsRow(…)")
    }
}

impl SmsRow {
    fn line(&self) -> Vec<u8> {
        line([
            &self.phone_number,
            &self.first_name,
            &self.organisation,
            &self.invitation_code,
            &self.access_code,
            &self.expiry,
            &self.link,
        ])
    }
}

/// One line by RFC 4180, with its line end.
fn line<T: AsRef<[u8]>>(cells: [T; 7]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

/// Says which sheet a row goes into, in input order. A sheet that stands finished in the folder gets
/// no more rows: it may have been given to Notify already.
#[derive(Debug)]
pub struct SheetNumbers {
    finished: BTreeSet<u32>,
    number: u32,
    rows: u64,
    bytes: u64,
}

impl SheetNumbers {
    /// Begins behind the sheets that `folder` has.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn new(folder: &Path) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(folder, source);
        let mut finished = BTreeSet::new();
        for entry in folder.read_dir().map_err(cannot_read)? {
            let name = entry.map_err(cannot_read)?.file_name();
            finished.extend(name.to_str().and_then(sheet_number));
        }
        let number = finished.last().copied().unwrap_or_default();
        // Full: the next row begins a new sheet.
        Ok(Self {
            finished,
            number,
            rows: MAX_ROWS,
            bytes: 0,
        })
    }

    /// The name of the sheet for the next row.
    pub fn assign(&mut self, row: &SmsRow) -> String {
        let bytes = row.line().len() as u64;
        if self.rows == MAX_ROWS || self.bytes + bytes > MAX_BYTES {
            self.number += 1;
            self.rows = 0;
            self.bytes = line(COLUMNS).len() as u64;
        }
        self.rows += 1;
        self.bytes += bytes;
        sheet_name(self.number)
    }

    /// Counts a row that was assigned to `sheet` in an earlier run.
    pub fn recount(&mut self, sheet: &str, row: &SmsRow) {
        if self.is_finished(sheet) {
            return;
        }
        if sheet_number(sheet) != Some(self.number) {
            self.number = sheet_number(sheet).unwrap_or(self.number);
            self.rows = 0;
            self.bytes = line(COLUMNS).len() as u64;
        }
        self.rows += 1;
        self.bytes += row.line().len() as u64;
    }

    /// Whether `sheet` stood in the folder when the run began.
    pub fn is_finished(&self, sheet: &str) -> bool {
        sheet_number(sheet).is_some_and(|number| self.finished.contains(&number))
    }
}

fn sheet_name(number: u32) -> String {
    format!("sms-{number:04}.csv")
}

fn sheet_number(name: &str) -> Option<u32> {
    name.strip_prefix("sms-")?
        .strip_suffix(".csv")?
        .parse()
        .ok()
}

/// Sheets that are being written.
pub struct SmsSheets {
    folder: PathBuf,
    open: BTreeMap<String, AtomicFile>,
}

impl SmsSheets {
    /// No sheet yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            open: BTreeMap::new(),
        }
    }

    /// Adds a row to the sheet that was assigned to it.
    ///
    /// # Errors
    /// The sheet cannot be written.
    pub fn add(&mut self, sheet: &str, row: &SmsRow) -> Result<(), Fatal> {
        use std::io::Write as _;
        let path = self.folder.join(sheet);
        let failed = |source| Fatal::cannot_write(&path, source);
        let file = match self.open.entry(sheet.to_owned()) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => {
                let file = place.insert(AtomicFile::create(&path)?);
                file.write_all(&line(COLUMNS)).map_err(failed)?;
                file
            }
        };
        file.write_all(&row.line()).map_err(failed)
    }

    /// Gives the sheets their names, and writes the two texts if there is any sheet.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(self) -> Result<(), Fatal> {
        if self.open.is_empty() {
            return Ok(());
        }
        for (name, text) in [
            ("sms-text-1.txt", FIRST_TEXT),
            ("sms-text-2.txt", SECOND_TEXT),
        ] {
            AtomicFile::write(&self.folder.join(name), text.as_bytes())?;
        }
        self.open.into_values().try_for_each(AtomicFile::finish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_of_the_texts_has_its_column() {
        for text in [FIRST_TEXT, SECOND_TEXT] {
            for placeholder in text
                .split("((")
                .skip(1)
                .filter_map(|rest| rest.split("))").next())
            {
                assert!(COLUMNS.contains(&placeholder), "{placeholder}");
            }
        }
    }

    #[test]
    fn neither_text_asks_for_or_tells_a_date_of_birth() {
        for word in ["birth", "born", "dob"] {
            assert!(
                !format!("{FIRST_TEXT}{SECOND_TEXT}")
                    .to_lowercase()
                    .contains(word)
            );
        }
    }

    fn row(name_bytes: usize) -> SmsRow {
        SmsRow {
            phone_number: "+447700900123".into(),
            first_name: "x".repeat(name_bytes),
            organisation: "Northtown, North".into(),
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expiry: "21 December 2026".into(),
            link: "https://joinpkb.com/".into(),
        }
    }

    #[test]
    fn a_sheet_never_has_more_bytes_than_notify_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = SheetNumbers::new(folder.path()).unwrap();
        let mut sheets = SmsSheets::new(folder.path());
        let row = row(3 << 20);
        let names: Vec<String> = (0..5).map(|_| numbers.assign(&row)).collect();
        assert_eq!(names, [1, 1, 1, 2, 2].map(sheet_name));
        for name in &names {
            sheets.add(name, &row).unwrap();
        }
        sheets.finish().unwrap();
        for name in ["sms-0001.csv", "sms-0002.csv"] {
            let path = folder.path().join(name);
            assert!(path.metadata().unwrap().len() <= MAX_BYTES);
            let mut sheet = csv::Reader::from_path(path).unwrap();
            assert_eq!(sheet.headers().unwrap(), COLUMNS.as_slice());
            assert_eq!(
                &sheet.records().next().unwrap().unwrap()[2],
                "Northtown, North"
            );
        }
        assert!(folder.path().join("sms-text-2.txt").exists());
    }

    #[test]
    fn a_finished_sheet_gets_no_more_rows_and_an_unfinished_one_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sms-0003.csv"), "").unwrap();
        let mut numbers = SheetNumbers::new(folder.path()).unwrap();
        assert!(numbers.is_finished("sms-0003.csv"));
        numbers.recount("sms-0003.csv", &row(1));
        assert_eq!(numbers.assign(&row(1)), "sms-0004.csv");
        let mut again = SheetNumbers::new(folder.path()).unwrap();
        again.recount("sms-0004.csv", &row(1));
        assert_eq!(again.assign(&row(1)), "sms-0004.csv");
    }
}
