//! The hospital's patient file: CSV in UTF-8 with a header row.
//!
//! It is read twice. The first pass counts the rows (every record says how many there are) and
//! finds patients who stand in more than one row; the second makes the records. Neither keeps rows
//! in memory.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Seek as _},
    path::{Path, PathBuf},
};

use csv::{ByteRecord, Reader, ReaderBuilder};
use jiff::civil::Date;
use pkb_core::{Fatal, Reason, Record, StageName, Verdict, record::Row, value::NhsNumber};

use crate::patient_row::{self, Column};

/// A patient file that has been read once.
pub struct PatientFile {
    path: PathBuf,
    file: File,
    columns: Columns,
    rows: u64,
    /// Rows of each patient who has more than one, by NHS number.
    duplicates: HashMap<NhsNumber, Vec<u64>>,
}

/// Which cell holds which column.
struct Columns {
    cells: usize,
    places: [Option<usize>; Column::ALL.len()],
}

impl PatientFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// The file cannot be read, is not CSV, or lacks a column; the message names all that is
    /// missing.
    pub fn open(path: &Path) -> Result<Self, Fatal> {
        let file = File::open(path).map_err(|source| Fatal::cannot_read(path, source))?;
        let mut rows = RowReader::new(path, reopen(&file, path)?);
        let header = rows
            .next_row()?
            .ok_or_else(|| Fatal::Input(format!("{}: is empty", path.display())))?;
        let columns = Columns::find(path, &header.cells)?;
        let mut count = 0;
        let mut first_rows: HashMap<NhsNumber, u64> = HashMap::new();
        let mut duplicates: HashMap<NhsNumber, Vec<u64>> = HashMap::new();
        while let Some(row) = rows.next_row()? {
            count += 1;
            let number = columns.text(&row.cells, Column::NhsNumber).ok();
            if let Some(number) = number.and_then(|text| NhsNumber::parse(&text).ok()) {
                if let Some(first) = first_rows.get(&number) {
                    duplicates
                        .entry(number)
                        .or_insert_with(|| vec![*first])
                        .push(row.number);
                } else {
                    first_rows.insert(number, row.number);
                }
            }
        }
        if count == 0 {
            return Err(Fatal::Input(format!(
                "{}: has no rows below the header",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            columns,
            rows: count,
            duplicates,
        })
    }

    /// Reads the file for the second time: one record for each row, bad ones with their outcome.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn into_records(
        self,
        today: Date,
    ) -> Result<impl Iterator<Item = Result<Record, Fatal>> + Send, Fatal> {
        let name = self
            .path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut rows = RowReader::new(&self.path, reopen(&self.file, &self.path)?);
        rows.next_row()?;
        let mut count = 0;
        Ok(std::iter::from_fn(move || match rows.next_row() {
            Err(fatal) => Some(Err(fatal)),
            Ok(Some(row)) => {
                count += 1;
                let place = Row {
                    file: name.clone(),
                    number: row.number,
                    of: self.rows,
                    unknown: Default::default(),
                };
                Some(Ok(self.record(place, &row.cells, today)))
            }
            Ok(None) if count == self.rows => None,
            Ok(None) => {
                count = self.rows;
                Some(Err(Fatal::Input(format!(
                    "{}: was changed while it was read",
                    self.path.display()
                ))))
            }
        }))
    }

    fn record(&self, row: Row, cells: &ByteRecord, today: Date) -> Record {
        let number = row.number;
        let mut record = Record::new(row);
        match self.check(cells, number, today) {
            Ok((patient, left_out)) => {
                for cell in left_out {
                    tracing::warn!(
                        "row {number}: {} {}: left out",
                        cell.column.header(),
                        cell.problem
                    );
                }
                record.patient = Some(patient);
            }
            Err(verdict) => {
                let reason = verdict.reason;
                let words = verdict.detail.as_deref().unwrap_or(reason.advice());
                tracing::warn!("row {number}: rejected: {}: {words}", reason.as_str());
                record.outcome = Some(verdict.at(StageName::Upload));
            }
        }
        record
    }

    fn check(
        &self,
        cells: &ByteRecord,
        number: u64,
        today: Date,
    ) -> Result<(pkb_core::record::Patient, Vec<patient_row::LeftOut>), Verdict> {
        if cells.len() != self.columns.cells {
            let words = format!(
                "the row has {} cells, the header {}",
                cells.len(),
                self.columns.cells
            );
            return Err(Verdict::with_detail(Reason::RaggedRow, words));
        }
        if let Some(at) = cells
            .iter()
            .position(|cell| std::str::from_utf8(cell).is_err())
        {
            let words = format!("cell {} has bytes that are not UTF-8", at + 1);
            return Err(Verdict::with_detail(Reason::NotUtf8, words));
        }
        let text = |column| self.columns.text(cells, column).unwrap_or_default();
        let (patient, left_out) = patient_row::check(&text, today)?;
        if let Some(rows) = self.duplicates.get(&patient.national_id.value) {
            let others: Vec<String> = rows
                .iter()
                .filter(|row| **row != number)
                .map(u64::to_string)
                .collect();
            let words = format!("the same NHS number stands in row {}", others.join(", "));
            return Err(Verdict::with_detail(Reason::DuplicatePatient, words));
        }
        Ok((patient, left_out))
    }
}

/// The same file, from its beginning.
fn reopen(file: &File, path: &Path) -> Result<File, Fatal> {
    file.try_clone()
        .and_then(|mut again| again.rewind().map(|()| again))
        .map_err(|source| Fatal::cannot_read(path, source))
}

impl Columns {
    fn find(path: &Path, header: &ByteRecord) -> Result<Self, Fatal> {
        let names: Vec<String> = header
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_lowercase())
            .collect();
        let mut places = [None; Column::ALL.len()];
        let mut missing = Vec::new();
        for (place, column) in places.iter_mut().zip(Column::ALL) {
            let wanted = column.header().to_lowercase();
            let mut found = names
                .iter()
                .enumerate()
                .filter(|(_, name)| **name == wanted);
            *place = found.next().map(|(at, _)| at);
            if found.next().is_some() {
                let header = column.header();
                return Err(Fatal::Input(format!(
                    "{}: has two columns {header}",
                    path.display()
                )));
            }
            if place.is_none() && column.is_mandatory() {
                missing.push(column.header());
            }
        }
        if !missing.is_empty() {
            return Err(Fatal::Input(format!(
                "{}: the header lacks {}; needed are: {}",
                path.display(),
                missing.join(", "),
                Column::ALL.map(Column::header).join(", "),
            )));
        }
        let known = |at: &usize| places.contains(&Some(*at));
        for at in (0..names.len()).filter(|at| !known(at)) {
            tracing::warn!("column {} of the file is not known and is left out", at + 1);
        }
        Ok(Self {
            cells: header.len(),
            places,
        })
    }

    /// The text of a column; `Err` if it is not UTF-8, empty if there is no such column.
    fn text(&self, cells: &ByteRecord, column: Column) -> Result<String, std::str::Utf8Error> {
        let at = self.places[column as usize];
        let bytes = at.and_then(|at| cells.get(at)).unwrap_or_default();
        std::str::from_utf8(bytes).map(str::to_owned)
    }
}

/// A row as it stands in the file.
struct RawRow {
    /// Line number as a spreadsheet shows it: cells with line breaks are one row, empty lines count.
    number: u64,
    cells: ByteRecord,
}

/// Reads rows and keeps their spreadsheet numbers.
struct RowReader {
    path: PathBuf,
    csv: Reader<File>,
    number: u64,
}

impl RowReader {
    fn new(path: &Path, file: File) -> Self {
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(128 << 10)
            .from_reader(file);
        Self {
            path: path.to_owned(),
            csv,
            number: 0,
        }
    }

    /// The next row that has anything in it.
    fn next_row(&mut self) -> Result<Option<RawRow>, Fatal> {
        loop {
            let mut cells = ByteRecord::new();
            let line_before = self.csv.position().line();
            let more = self
                .csv
                .read_byte_record(&mut cells)
                .map_err(|error| self.unreadable(error))?;
            if !more {
                return Ok(None);
            }
            // Lines that the reader went through, less those within cells: more than one where
            // empty lines stand before the row.
            let lines = self.csv.position().line() - line_before;
            let within: usize = cells
                .iter()
                .map(|cell| cell.iter().filter(|byte| **byte == b'\n').count())
                .sum();
            self.number += lines.saturating_sub(within as u64).max(1);
            // Spreadsheets like to export rows of empty cells at the end.
            if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Ok(Some(RawRow {
                    number: self.number,
                    cells,
                }));
            }
        }
    }

    fn unreadable(&self, error: csv::Error) -> Fatal {
        match error.into_kind() {
            csv::ErrorKind::Io(source) => Fatal::cannot_read(&self.path, source),
            // The other kinds come only with other settings than ours.
            _ => Fatal::io(
                format!("cannot read {}", self.path.display()),
                io::ErrorKind::InvalidData.into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use std::io::Write as _;

    const HEADER: &str = "NHS number,First name,Last name,Date of birth,Post code\n";

    fn read(content: &[u8]) -> Result<Vec<Record>, Fatal> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        PatientFile::open(file.path())?
            .into_records(date(2026, 11, 22))?
            .collect()
    }

    fn outcomes(records: &[Record]) -> Vec<(u64, Option<Reason>)> {
        records
            .iter()
            .map(|r| (r.row.number, r.outcome.as_ref().map(|o| o.reason)))
            .collect()
    }

    #[test]
    fn row_numbers_are_those_of_a_spreadsheet() {
        let content = format!(
            "\u{feff}{HEADER}\n5760678914,\"Re\nad\",Richards,2000-09-15,\n,,,,\n9990000026,Ann,Lee,1990-01-01,NE1 1XC"
        );
        let records = read(content.as_bytes()).unwrap();
        // Row 2 is an empty line, row 3 has a line break in a name, row 4 has empty cells only.
        assert_eq!(outcomes(&records), [(3, Some(Reason::BadName)), (5, None)]);
        assert!(records.iter().all(|record| record.row.of == 2));
    }

    #[test]
    fn ragged_and_undecodable_rows_are_rejected_alone() {
        let mut content =
            format!("{HEADER}5760678914,Read,Richards\n9990000026,Ann,Lee,1990-01-01,NE1 1XC\n")
                .into_bytes();
        content.extend_from_slice(b"9990000034,Jos\xe9,Lee,1990-01-01,\n");
        let records = read(&content).unwrap();
        assert_eq!(
            outcomes(&records),
            [
                (2, Some(Reason::RaggedRow)),
                (3, None),
                (4, Some(Reason::NotUtf8))
            ]
        );
    }

    #[test]
    fn every_row_of_a_repeated_patient_is_rejected_and_names_the_others() {
        let content = format!(
            "{HEADER}5760678914,Read,Richards,2000-09-15,\n9990000026,Ann,Lee,1990-01-01,\n576 067 8914,Read,Richards,2000-09-15,\n"
        );
        let records = read(content.as_bytes()).unwrap();
        assert_eq!(
            outcomes(&records),
            [
                (2, Some(Reason::DuplicatePatient)),
                (3, None),
                (4, Some(Reason::DuplicatePatient))
            ]
        );
        let detail = records[0].outcome.as_ref().unwrap().detail.as_deref();
        assert_eq!(detail, Some("the same NHS number stands in row 4"));
    }

    #[test]
    fn a_file_that_lacks_columns_is_refused_with_all_their_names() {
        let error = read(b"NHS number,Surname\n1,2\n").unwrap_err().to_string();
        assert!(
            error.contains("lacks First name, Last name, Date of birth"),
            "{error}"
        );
        assert!(read(b"").unwrap_err().to_string().contains("is empty"));
        assert!(
            read(HEADER.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("no rows")
        );
    }
}
