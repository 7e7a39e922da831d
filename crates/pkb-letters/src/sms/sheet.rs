//! The spreadsheet of text messages.
//!
//! Notify takes at most 100,000 rows and 10 MiB a file. A cell that a template needs must not be
//! empty. Cells are written as they are sent: anything put before them would be in the message. A name never
//! begins with `=`, `+`, `-` or `@` ([`PersonName`](pkb_values::PersonName)); a number does, and Notify reads it as text. A spreadsheet
//! program takes them for formulas and spoils the numbers: the sheet is not to be opened and saved in one.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    path::{Path, PathBuf},
};

use pkb_core::{Fatal, print_files::series::Series};
use pkb_files::atomic_file::AtomicFile;
use pkb_values::gsm;

use super::one_line;

/// Rows of a sheet at most (Notify).
const MAX_ROWS: u64 = 100_000;
/// Bytes of a sheet at most (Notify).
const MAX_BYTES: u64 = 10 << 20;

/// The column that says where a message goes: Notify's own name for it.
const PHONE_NUMBER: &str = "phone number";

/// A further column of the sheets of a rehearsal, and what its cells say. Notify takes no notice of it.
const REHEARSAL: &str = "REHEARSAL";

/// A column of the sheet that a text can use as a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// First name of the patient.
    FirstName,
    /// Who invites.
    Organisation,
    /// Invitation code.
    InvitationCode,
    /// Access code.
    AccessCode,
    /// Last day of the codes.
    Expiry,
    /// Join page with both codes filled in.
    Link,
}

impl Column {
    /// All of them, in the order of the sheet.
    pub const ALL: [Self; 6] = [
        Self::FirstName,
        Self::Organisation,
        Self::InvitationCode,
        Self::AccessCode,
        Self::Expiry,
        Self::Link,
    ];

    /// The name in the header and in placeholders.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first name",
            Self::Organisation => "organisation",
            Self::InvitationCode => "invitation code",
            Self::AccessCode => "access code",
            Self::Expiry => "expiry",
            Self::Link => "link",
        }
    }

    /// The column of a placeholder; case, spaces, `_` and `-` do not matter (Notify).
    pub fn named(placeholder: &str) -> Option<Self> {
        let folded = |text: &str| {
            let kept = text.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
            kept.flat_map(char::to_lowercase).collect::<String>()
        };
        let name = folded(placeholder);
        Self::ALL
            .into_iter()
            .find(|column| folded(column.name()) == name)
    }

    /// All placeholders, for a message.
    pub(super) fn list() -> String {
        Self::ALL
            .map(|column| format!("(({}))", column.name()))
            .join(", ")
    }
}

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
    /// What a placeholder stands for.
    pub fn cell(&self, column: Column) -> &str {
        match column {
            Column::FirstName => &self.first_name,
            Column::Organisation => &self.organisation,
            Column::InvitationCode => &self.invitation_code,
            Column::AccessCode => &self.access_code,
            Column::Expiry => &self.expiry,
            Column::Link => &self.link,
        }
    }

    /// Without the letters that make a message UCS-2.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.first_name = gsm::folded(&self.first_name);
        self.organisation = gsm::folded(&self.organisation);
        self
    }

    /// A patient as there are many, to measure a text by.
    pub(super) fn ordinary() -> Self {
        Self {
            phone_number: "+447700900123".into(),
            first_name: "Richard".into(),
            organisation: "Northtown Hospitals".into(),
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expiry: "21 December 2026".into(),
            link: "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into(),
        }
    }

    fn line(&self, is_rehearsal: bool) -> Vec<u8> {
        let cells = Column::ALL.map(|column| self.cell(column));
        let cells = [self.phone_number.as_str()].into_iter().chain(cells);
        line(cells.chain(is_rehearsal.then_some(REHEARSAL)))
    }
}

fn header(is_rehearsal: bool) -> Vec<u8> {
    let columns = [PHONE_NUMBER]
        .into_iter()
        .chain(Column::ALL.map(Column::name));
    line(columns.chain(is_rehearsal.then_some(REHEARSAL)))
}

/// One line by RFC 4180, with its line end.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(cells.map(|cell| one_line(cell).into_owned()));
    writer.into_inner().unwrap_or_default()
}

/// Says which sheet a row goes into, in input order. A sheet that stands finished in the folder gets
/// no more rows: it may have been given to Notify already.
#[derive(Debug)]
pub struct SheetNumbers {
    series: Series,
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
    pub fn new(folder: &Path, series: Series) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(folder, source);
        let mut finished = BTreeSet::new();
        for entry in folder.read_dir().map_err(cannot_read)? {
            let name = entry.map_err(cannot_read)?.file_name();
            finished.extend(name.to_str().and_then(|name| sheet_number(name, series)));
        }
        let number = finished.last().copied().unwrap_or_default();
        // Full: the next row begins a new sheet.
        Ok(Self {
            series,
            finished,
            number,
            rows: MAX_ROWS,
            bytes: 0,
        })
    }

    /// The name of the sheet for the next row.
    pub fn assign(&mut self, row: &SmsRow) -> String {
        let is_rehearsal = self.series.is_rehearsal();
        let bytes = row.line(is_rehearsal).len() as u64;
        if self.rows == MAX_ROWS || self.bytes + bytes > MAX_BYTES {
            self.number += 1;
            self.rows = 0;
            self.bytes = header(is_rehearsal).len() as u64;
        }
        self.rows += 1;
        self.bytes += bytes;
        sheet_name(self.number, self.series)
    }

    /// Counts a row that was assigned to `sheet` in an earlier run.
    pub fn recount(&mut self, sheet: &str, row: &SmsRow) {
        if self.is_finished(sheet) {
            return;
        }
        let number = sheet_number(sheet, self.series).unwrap_or(self.number);
        if number != self.number {
            self.number = number;
            self.rows = 0;
            self.bytes = header(self.series.is_rehearsal()).len() as u64;
        }
        self.rows += 1;
        self.bytes += row.line(self.series.is_rehearsal()).len() as u64;
    }

    /// Whether `sheet` stood in the folder when the run began.
    pub fn is_finished(&self, sheet: &str) -> bool {
        sheet_number(sheet, self.series).is_some_and(|number| self.finished.contains(&number))
    }
}

fn sheet_name(number: u32, series: Series) -> String {
    format!("{}{number:04}.csv", series.of_sheets())
}

fn sheet_number(name: &str, series: Series) -> Option<u32> {
    name.strip_prefix(&series.of_sheets())?
        .strip_suffix(".csv")?
        .parse()
        .ok()
}

/// Sheets that are being written.
pub struct SmsSheets {
    folder: PathBuf,
    is_rehearsal: bool,
    open: BTreeMap<String, AtomicFile>,
}

impl SmsSheets {
    /// No sheet yet.
    pub fn new(folder: &Path, is_rehearsal: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            is_rehearsal,
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
                file.write_all(&header(self.is_rehearsal)).map_err(failed)?;
                file
            }
        };
        file.write_all(&row.line(self.is_rehearsal)).map_err(failed)
    }

    /// Whether there is any sheet.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Gives the sheets their names.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(self) -> Result<(), Fatal> {
        self.open.into_values().try_for_each(AtomicFile::finish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_known_by_its_folded_name() {
        for column in Column::ALL {
            assert_eq!(Column::named(column.name()), Some(column));
        }
        assert_eq!(Column::named(" First_NAME-"), Some(Column::FirstName));
        assert_eq!(Column::named("phone number"), None);
    }

    fn row(name_bytes: usize) -> SmsRow {
        SmsRow {
            first_name: "x".repeat(name_bytes),
            organisation: "Northtown, North".into(),
            ..SmsRow::ordinary()
        }
    }

    #[test]
    fn a_sheet_never_has_more_bytes_than_notify_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = SheetNumbers::new(folder.path(), Series::default()).unwrap();
        let mut sheets = SmsSheets::new(folder.path(), false);
        let row = row(3 << 20);
        let names: Vec<String> = (0..5).map(|_| numbers.assign(&row)).collect();
        assert_eq!(
            names,
            [1, 1, 1, 2, 2].map(|number| sheet_name(number, Series::default()))
        );
        for name in &names {
            sheets.add(name, &row).unwrap();
        }
        sheets.finish().unwrap();
        for name in ["sms-0001.csv", "sms-0002.csv"] {
            let path = folder.path().join(name);
            assert!(path.metadata().unwrap().len() <= MAX_BYTES);
            let mut sheet = csv::Reader::from_path(path).unwrap();
            assert_eq!(&sheet.headers().unwrap()[0], PHONE_NUMBER);
            assert_eq!(
                &sheet.records().next().unwrap().unwrap()[2],
                "Northtown, North"
            );
        }
    }

    #[test]
    fn a_finished_sheet_gets_no_more_rows_and_an_unfinished_one_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sms-0003.csv"), "").unwrap();
        let mut numbers = SheetNumbers::new(folder.path(), Series::default()).unwrap();
        assert!(numbers.is_finished("sms-0003.csv"));
        numbers.recount("sms-0003.csv", &row(1));
        assert_eq!(numbers.assign(&row(1)), "sms-0004.csv");
        let mut again = SheetNumbers::new(folder.path(), Series::default()).unwrap();
        again.recount("sms-0004.csv", &row(1));
        assert_eq!(again.assign(&row(1)), "sms-0004.csv");
    }
}
