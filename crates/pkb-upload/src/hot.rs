//! What is done to each row, for the benchmarks.

use std::path::Path;

use clap::Parser as _;
use jiff::civil::date;
use pkb_core::Fatal;

use crate::{
    args::{Args, Command},
    patient_file::PatientFile,
    pkb_file::{Columns, LineOptions, PkbFile, Profile, SpecialCharacters},
};
use pkb_table::{Row, Table, TableOptions};

/// Opens a patient file as `pkb-upload check` does, and reads it for the first time.
///
/// # Errors
/// It is no patient file.
pub fn open(path: &Path) -> Result<PatientFile, Fatal> {
    let args = Args::try_parse_from(["pkb-upload".as_ref(), "check".as_ref(), path.as_os_str()]);
    let Ok(Args {
        command: Some(Command::Check(args)),
        ..
    }) = args
    else {
        return Err(Fatal::Bug("the arguments are not good".into()));
    };
    PatientFile::open(&args.file, date(2026, 11, 23))
}

/// A table whose rows are read again and again.
pub struct Rows(Table);

impl Rows {
    /// Finds out how the file is to be read.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, Fatal> {
        Table::open(path, &TableOptions::default()).map(Self)
    }

    /// Reads all rows; how many there are.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self) -> Result<u64, Fatal> {
        let (mut rows, mut row, mut count) = (self.0.rows()?, Row::default(), 0);
        while rows.next_row(&mut row)? {
            count += 1;
        }
        Ok(count)
    }
}

/// Rows of a patient file that can be uploaded, by the first reading.
///
/// # Errors
/// It is no patient file.
pub fn survey(path: &Path) -> Result<u64, Fatal> {
    Ok(open(path)?.survey.good)
}

/// Rows that become records in the second reading, and the bytes of their lines in PKB's file.
///
/// # Errors
/// The file cannot be read again.
pub fn second_reading(file: &PatientFile) -> Result<usize, Fatal> {
    let pkb_file = PkbFile {
        profile: Profile::read(None)?,
        options: LineOptions {
            columns: Columns::All,
            special_characters: SpecialCharacters::Typographic,
            emails: true,
            today: date(2026, 11, 23),
        },
    };
    let (mut reading, mut bytes) = (file.second_reading()?, 0);
    while let Some(judged) = reading.next_row(file)? {
        if let Some(patient) = &judged.patient {
            bytes += pkb_file.patient_line(patient).len();
        }
    }
    Ok(bytes)
}
