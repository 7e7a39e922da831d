//! The reports of a company: all events, by letter.

use std::{
    collections::HashMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;
use pkb_core::{
    Fatal,
    record::{NotificationId, PrintStatus, ReturnReason},
    rows::FirstFew,
};
use pkb_files::exposure;

use crate::{
    event::{Event, Letter, parse_moment},
    profile::{Columns, Profile},
};

/// What a bare list of letters means: there is no column for it.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    /// What happened to each of them.
    pub status: PrintStatus,
    /// When.
    pub at: Timestamp,
}

/// All events of some reports.
pub struct Reports {
    files: Vec<String>,
    index: HashMap<Letter, u32>,
    entries: Vec<Entry>,
    faults: FirstFew,
}

struct Entry {
    event: Event,
    file: u16,
    row: u32,
    next: Option<u32>,
    is_used: AtomicBool,
}

impl Reports {
    /// Reads all files.
    ///
    /// # Errors
    /// A file cannot be read, or has no column that names a letter.
    pub fn read(paths: &[PathBuf], profile: &Profile, bare: Bare) -> Result<Self, Fatal> {
        let mut reports = Self {
            files: Vec::new(),
            index: HashMap::new(),
            entries: Vec::new(),
            faults: FirstFew::default(),
        };
        for path in paths {
            reports.read_file(path, profile, bare)?;
        }
        if reports.entries.is_empty() {
            return Err(Fatal::Input(
                "the reports name no letter. Give the reports of this campaign as they were \
                received"
                    .into(),
            ));
        }
        Ok(reports)
    }

    fn read_file(&mut self, path: &Path, profile: &Profile, bare: Bare) -> Result<(), Fatal> {
        exposure::warn_of_file(path);
        let number = u16::try_from(self.files.len())
            .map_err(|_| Fatal::Usage("these are too many reports. Give fewer at a time".into()))?;
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        self.files.push(name.into_owned());
        let mut text = Vec::new();
        let read = File::open(path).and_then(|mut file| file.read_to_end(&mut text));
        read.map_err(|source| Fatal::cannot_read(path, source))?;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut record = ByteRecord::new();
        let mut columns: Option<Columns> = None;
        for row in 1_u32.. {
            let more = rows.read_byte_record(&mut record);
            if !more.map_err(|_| Fatal::Input(format!("{} is not a CSV file", path.display())))? {
                break;
            }
            if row == 1 {
                columns = Some(match profile.columns(record.iter()) {
                    Some(columns) => columns,
                    // A list of bare scans has no names of columns.
                    None if record.len() == 1 && letter_of(&record, &bare_columns()).is_some() => {
                        self.add(number, row, &record, &bare_columns(), profile, bare);
                        columns = Some(bare_columns());
                        continue;
                    }
                    None => {
                        return Err(Fatal::Input(format!(
                            "{} has no column that names a letter. Give the layout of your company: --profile",
                            path.display()
                        )));
                    }
                });
                continue;
            }
            if let Some(columns) = &columns {
                self.add(number, row, &record, columns, profile, bare);
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        file: u16,
        row: u32,
        record: &ByteRecord,
        columns: &Columns,
        profile: &Profile,
        bare: Bare,
    ) {
        let read = read_event(record, columns, profile, bare);
        let (letter, event) = match read {
            Ok(read) => read,
            Err(words) => {
                let name = &self.files[usize::from(file)];
                return self.faults.add(format!("{name}, row {row}: {words}"));
            }
        };
        let Ok(at) = u32::try_from(self.entries.len()) else {
            return;
        };
        // The newest first: their order is found by their times.
        let next = self.index.insert(letter, at);
        self.entries.push(Entry {
            event,
            file,
            row,
            next,
            is_used: AtomicBool::new(false),
        });
    }

    /// The events of a letter, each with where it is reported.
    pub fn of<'a>(&'a self, letter: &Letter) -> impl Iterator<Item = (Event, At<'a>)> + use<'a> {
        let mut next = self.index.get(letter).copied();
        std::iter::from_fn(move || {
            let entry = self.entries.get(next? as usize)?;
            next = entry.next;
            entry.is_used.store(true, Ordering::Relaxed);
            let file = &self.files[usize::from(entry.file)];
            Some((
                entry.event,
                At {
                    file,
                    row: entry.row,
                },
            ))
        })
    }

    /// All that cannot be used, once all letters have been looked up.
    ///
    /// # Errors
    /// No line is about a letter of the stream.
    pub fn faults(mut self) -> Result<FirstFew, Fatal> {
        let is_used = |entry: &Entry| entry.is_used.load(Ordering::Relaxed);
        if !self.entries.iter().any(is_used) {
            return Err(Fatal::Input(
                "no line of the reports is about a letter of this stream. Check that they are of the same campaign".into(),
            ));
        }
        for entry in self.entries.iter().filter(|entry| !is_used(entry)) {
            let name = &self.files[usize::from(entry.file)];
            self.faults.add(format!(
                "{name}, row {}: this letter is not in the stream",
                entry.row
            ));
        }
        Ok(self.faults)
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Where an event is reported.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The report.
    pub file: &'a str,
    /// Its row, as a spreadsheet shows it.
    pub row: u32,
}

fn bare_columns() -> Columns {
    Columns {
        reference: Some(0),
        ..Columns::default()
    }
}

fn cell(record: &ByteRecord, column: Option<usize>) -> Option<&str> {
    let cell = record.get(column?)?.trim_ascii();
    std::str::from_utf8(cell)
        .ok()
        .filter(|text| !text.is_empty())
}

fn letter_of(record: &ByteRecord, columns: &Columns) -> Option<Letter> {
    let notification = cell(record, columns.notification).and_then(NotificationId::parse);
    match notification {
        Some(id) => Some(Letter::of_notification(&id)),
        None => cell(record, columns.reference).and_then(Letter::parse),
    }
}

fn read_event(
    record: &ByteRecord,
    columns: &Columns,
    profile: &Profile,
    bare: Bare,
) -> Result<(Letter, Event), &'static str> {
    let letter = letter_of(record, columns).ok_or("names no letter")?;
    let status = match columns.status {
        None => bare.status,
        Some(_) => {
            let word = cell(record, columns.status).ok_or("has no status")?;
            profile
                .status(word)
                .ok_or("has a status that the profile does not know")?
        }
    };
    let at = match (columns.at, cell(record, columns.at)) {
        (Some(_), Some(text)) => parse_moment(text).ok_or("has a time that is not understood")?,
        (Some(_), None) => return Err("has no time"),
        (None, _) => bare.at,
    };
    let reason = match cell(record, columns.reason).filter(|_| status == PrintStatus::Returned) {
        Some(code) => Some(ReturnReason::parse(code).ok_or("has a reason that is not R01 to R10")?),
        None => None,
    };
    let sheets = match cell(record, columns.sheets) {
        Some(text) => Some(
            text.parse()
                .map_err(|_| "has a number of sheets that is not a number")?,
        ),
        None => None,
    };
    Ok((
        letter,
        Event {
            status,
            at,
            reason,
            sheets,
        },
    ))
}
