//! The spreadsheet of text messages.
//!
//! Notify takes at most 100,000 rows and 10 MiB a file. A cell that a template needs must not be
//! empty. Cells are written as they are sent: anything put before them would be in the message. A name never
//! begins with `=`, `+`, `-` or `@` ([`PersonName`](pkb_values::PersonName)); a number does, and Notify reads it as text. A spreadsheet
//! program takes them for formulas and spoils the numbers: the sheet is not to be opened and saved in one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal,
    record::Channel,
    text_message::{Placeholder, TextValues},
};
use pkb_files::atomic_file::AtomicFile;
use pkb_print_files::series::Series;

/// Rows of a sheet at most (Notify).
const MAX_ROWS: u64 = 100_000;
/// Bytes of a sheet at most (Notify).
const MAX_BYTES: u64 = 10 << 20;

/// The column that says where a message goes: Notify's own name for it.
const PHONE_NUMBER: &str = "phone number";

/// A further column of the sheets of a rehearsal, and what its cells say. Notify takes no notice of it.
const REHEARSAL: &str = "REHEARSAL";

/// A patient's row.
fn row(values: &TextValues, is_rehearsal: bool) -> Vec<u8> {
    let cells = Placeholder::ALL.map(|column| values.expose(column));
    let cells = [values.phone_number.as_str()].into_iter().chain(cells);
    line(cells.chain(is_rehearsal.then_some(REHEARSAL)))
}

fn header(is_rehearsal: bool) -> Vec<u8> {
    let columns = [PHONE_NUMBER]
        .into_iter()
        .chain(Placeholder::ALL.map(Placeholder::name));
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
pub struct SpreadsheetNumbers {
    series: Series,
    finished: BTreeSet<u32>,
    number: u32,
    rows: u64,
    bytes: u64,
}

impl SpreadsheetNumbers {
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
    pub fn assign(&mut self, values: &TextValues) -> String {
        let is_rehearsal = self.series.is_rehearsal();
        let bytes = row(values, is_rehearsal).len() as u64;
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
    pub fn recount(&mut self, sheet: &str, values: &TextValues) {
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
        self.bytes += row(values, self.series.is_rehearsal()).len() as u64;
    }

    /// Whether `sheet` stood in the folder when the run began.
    pub fn is_finished(&self, sheet: &str) -> bool {
        sheet_number(sheet, self.series).is_some_and(|number| self.finished.contains(&number))
    }
}

fn sheet_name(number: u32, series: Series) -> String {
    format!("{}{number:04}.csv", series.of_spreadsheets(Channel::Sms))
}

fn sheet_number(name: &str, series: Series) -> Option<u32> {
    name.strip_prefix(&series.of_spreadsheets(Channel::Sms))?
        .strip_suffix(".csv")?
        .parse()
        .ok()
}

/// Sheets that are being written.
pub struct SmsSpreadsheets {
    folder: PathBuf,
    is_rehearsal: bool,
    open: BTreeMap<String, AtomicFile>,
}

impl SmsSpreadsheets {
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
    pub fn add(&mut self, sheet: &str, values: &TextValues) -> Result<(), Fatal> {
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
        file.write_all(&row(values, self.is_rehearsal))
            .map_err(failed)
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

/// A cell without line breaks and without white space at its ends: Notify would fold it, too.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains(|c: char| c.is_control() || (c.is_whitespace() && c != ' '))
        && !text.contains("  ")
        && text.trim() == text;
    if is_plain {
        return Cow::Borrowed(text);
    }
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    Cow::Owned(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line() {
        for (text, line) in [
            ("Mary Ann", "Mary Ann"),
            (" Mary\r\n Ann\t", "Mary Ann"),
            ("Mary\u{85}Ann", "Mary Ann"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), line);
        }
    }

    fn values(name_bytes: usize) -> TextValues {
        TextValues {
            first_name: "x".repeat(name_bytes),
            organisation: "Northtown, North".into(),
            ..TextValues::ordinary()
        }
    }

    #[test]
    fn a_sheet_never_has_more_bytes_than_notify_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = SpreadsheetNumbers::new(folder.path(), Series::default()).unwrap();
        let mut sheets = SmsSpreadsheets::new(folder.path(), false);
        let values = values(3 << 20);
        let names: Vec<String> = (0..5).map(|_| numbers.assign(&values)).collect();
        assert_eq!(
            names,
            [1, 1, 1, 2, 2].map(|number| sheet_name(number, Series::default()))
        );
        for name in &names {
            sheets.add(name, &values).unwrap();
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
        let mut numbers = SpreadsheetNumbers::new(folder.path(), Series::default()).unwrap();
        assert!(numbers.is_finished("sms-0003.csv"));
        numbers.recount("sms-0003.csv", &values(1));
        assert_eq!(numbers.assign(&values(1)), "sms-0004.csv");
        let mut again = SpreadsheetNumbers::new(folder.path(), Series::default()).unwrap();
        again.recount("sms-0004.csv", &values(1));
        assert_eq!(again.assign(&values(1)), "sms-0004.csv");
    }
}
