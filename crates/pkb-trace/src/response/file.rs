//! One response file. Its rows are found once and read again when their patient comes, so that memory holds no answer.

use std::{
    fs::File,
    io::{BufReader, Read as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;
use pkb_core::{Fatal, rows::counted};
use pkb_values::NhsNumber;

use super::header::{FirstRow, Header};
use crate::{
    answer::Answer,
    key::Question,
    profile::{Field, Profile},
};

/// A response file that is open.
pub struct ResponseFile {
    path: PathBuf,
    name: String,
    file: File,
    header: Header,
    /// Bytes before the first answer, and the row that it is.
    start: (u64, u32),
    /// Of how many answers a record about the file speaks.
    announced: Option<u64>,
}

/// A row of a response.
pub struct ResponseRow<'a> {
    /// As a spreadsheet shows it.
    pub number: u32,
    /// Bytes before it.
    pub offset: u64,
    /// Its bytes.
    pub length: u32,
    record: &'a ByteRecord,
    header: &'a Header,
}

/// Rows before the answers at most: a record about the file, and the names of columns.
const ROWS_BEFORE: usize = 3;

fn reader(from: impl std::io::Read) -> csv::Reader<impl std::io::Read> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(from)
}

impl ResponseFile {
    /// Opens a file and finds out its columns.
    ///
    /// # Errors
    /// It cannot be read, has no columns that can be understood, or says that nobody was traced.
    pub fn open(path: &Path, profile: &Profile) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(path, source);
        let mut file = File::open(path).map_err(cannot_read)?;
        if !file.metadata().map_err(cannot_read)?.is_file() {
            return Err(Fatal::Usage(format!(
                "{} is not a regular file, and its rows are read twice. What to do: write the response to a file first",
                path.display()
            )));
        }
        let mut mark = [0; 3];
        let has_mark = file.read(&mut mark).map_err(cannot_read)? == 3 && mark == *b"\xef\xbb\xbf";
        let begin = if has_mark { 3 } else { 0 };
        let not_understood =
            |words: String| Fatal::NotUnderstood(format!("{}: {words}", path.display()));
        let from = OffsetReader {
            file: &file,
            at: begin,
        };
        let mut rows = reader(BufReader::new(from));
        let mut announced = None;
        let mut row = ByteRecord::new();
        for place in 0..ROWS_BEFORE {
            let (before, number) = (rows.position().byte() + begin, place as u32 + 1);
            let more = rows
                .read_byte_record(&mut row)
                .map_err(|error| unreadable(path, error))?;
            if !more {
                return Err(Fatal::Input(format!(
                    "{} has no answers. What to do: give the response file as it was \
                    received",
                    path.display()
                )));
            }
            let after = rows.position().byte() + begin;
            let (header, start) =
                match FirstRow::of(&row, profile, place == 0).map_err(not_understood)? {
                    FirstRow::AboutFile { rows } => {
                        announced = rows;
                        continue;
                    }
                    FirstRow::Header(header) => (header, (after, number + 1)),
                    FirstRow::Answer(header) => (header, (before, number)),
                };
            let name = path.file_name().unwrap_or(path.as_os_str());
            return Ok(Self {
                name: name.to_string_lossy().into_owned(),
                path: path.to_owned(),
                header,
                start,
                announced,
                file: file.try_clone().map_err(cannot_read)?,
            });
        }
        Err(not_understood("the file has no row of column names".into()))
    }

    /// Its name without its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was written last.
    ///
    /// # Errors
    /// The file system does not tell.
    pub fn changed_at(&self) -> Result<Timestamp, Fatal> {
        let known = self.file.metadata().and_then(|known| known.modified());
        let time = known.map_err(|source| Fatal::cannot_read(&self.path, source))?;
        Timestamp::try_from(time).map_err(|_| {
            Fatal::Usage(format!(
                "{} has no known day. What to do: give the day of the response with --answered (pkb-upload: --traced-on)",
                self.name
            ))
        })
    }

    /// Shows each row of answers.
    ///
    /// # Errors
    /// The file cannot be read, has fewer rows than it says, or what `see` says.
    pub fn each_row(
        &self,
        mut see: impl FnMut(&str, &ResponseRow<'_>) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let (begin, mut number) = self.start;
        let from = OffsetReader {
            file: &self.file,
            at: begin,
        };
        let mut rows = reader(BufReader::with_capacity(1 << 18, from));
        let mut record = ByteRecord::new();
        let mut count = 0_u64;
        loop {
            let offset = rows.position().byte();
            let more = rows
                .read_byte_record(&mut record)
                .map_err(|error| unreadable(&self.path, error))?;
            if !more {
                break;
            }
            let length = u32::try_from(rows.position().byte() - offset).map_err(|_| {
                Fatal::Input(format!("{}: row {number} is longer than 4 GB, so the file is damaged. What to do: give the \
                    response file as it was received", self.path.display()))
            })?;
            see(
                &self.name,
                &ResponseRow {
                    number,
                    offset: begin + offset,
                    length,
                    record: &record,
                    header: &self.header,
                },
            )?;
            count += 1;
            number += 1;
        }
        match self.announced {
            Some(announced) if announced != count => Err(Fatal::Input(format!(
                "{} says that it has {}, and it has {count}. Fetch the file again",
                self.path.display(),
                counted(announced, "answer", "answers")
            ))),
            _ => Ok(()),
        }
    }

    /// An answer, read again.
    ///
    /// # Errors
    /// The file cannot be read, was changed, or has a code that the profile does not know.
    pub fn answer(
        &self,
        offset: u64,
        length: u32,
        number: u32,
        profile: &Profile,
    ) -> Result<Answer, Fatal> {
        let mut text = vec![0; length as usize];
        (self.file.read_exact_at(&mut text, offset))
            .map_err(|source| Fatal::cannot_read(&self.path, source))?;
        let record = match text.contains(&b'"') {
            // To make a parser takes longer than to read with it: cells without quotes are what is between the commas.
            false => text.trim_ascii().split(|byte| *byte == b',').collect(),
            true => self.quoted_row_in(&text)?,
        };
        if record.len() != self.header.len() {
            return Err(self.was_changed());
        }
        Answer::of(self.header.cells(&record), profile).map_err(|code| {
            // A cell of another column may stand there: a patient's value is not shown.
            let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_digit());
            let code = if is_code { format!("code {code}") } else { "its code".to_owned() };
            Fatal::NotUnderstood(format!(
                "{}, row {number}: {code} is not in the profile. Nothing was written. What to do: find out what this \
                 code means, and add it to a profile (--profile)",
                self.path.display(),
            ))
        })
    }
}

impl ResponseFile {
    fn quoted_row_in(&self, text: &[u8]) -> Result<ByteRecord, Fatal> {
        let mut record = ByteRecord::new();
        let more = reader(text)
            .read_byte_record(&mut record)
            .map_err(|error| unreadable(&self.path, error))?;
        match more {
            true => Ok(record),
            false => Err(self.was_changed()),
        }
    }

    fn was_changed(&self) -> Fatal {
        Fatal::Input(format!(
            "{} changed while it was being read. What to do: wait until nothing writes to it, then run the same command again",
            self.path.display()
        ))
    }
}

impl ResponseRow<'_> {
    /// The question that it answers, or why it is no answer.
    pub fn question(&self, is_list: bool) -> Result<Question, &'static str> {
        if self.record.len() != self.header.len() {
            return Err("does not have as many cells as there are columns");
        }
        let text = |field| {
            let cell = self.header.cell(field, self.record).unwrap_or_default();
            std::str::from_utf8(cell).unwrap_or_default()
        };
        match is_list {
            true => {
                let number = NhsNumber::parse(text(Field::NhsNumber));
                let number =
                    number.map_err(|_| "has no national number, or one that cannot be right")?;
                Ok(Question::of_number(number.to_u64()))
            }
            false => Question::parse(text(Field::Reference)).ok_or("has no reference of a request"),
        }
    }
}

fn unreadable(path: &Path, error: csv::Error) -> Fatal {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Fatal::cannot_read(path, source),
        _ => Fatal::Input(format!(
            "{} cannot be read as a CSV file. What to do: use the file as the register sent it",
            path.display()
        )),
    }
}

/// Reads a file from a place on, without moving where others read.
struct OffsetReader<'a> {
    file: &'a File,
    at: u64,
}

impl std::io::Read for OffsetReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
