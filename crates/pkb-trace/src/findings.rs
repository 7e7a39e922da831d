//! What the owner of the patient file should correct there: numbers that have been replaced, and addresses that have changed. No
//! record is changed by it. Nothing of a sensitive record is in it.

use std::path::Path;

use pkb_core::{Fatal, Record, record::TraceResult};
use pkb_table::CsvFile;
use pkb_values::spreadsheet::defused;

use crate::answer::Answer;

/// The columns.
const COLUMNS: [&str; 10] = [
    "row",
    "patient_file",
    "finding",
    "new_nhs_number",
    "address_line_1",
    "address_line_2",
    "address_line_3",
    "address_line_4",
    "address_line_5",
    "postcode",
];

/// A line for the owner of the patient file.
pub struct Finding(Vec<String>);

impl Finding {
    /// What a decision means for the patient file; `None` if nothing there is wrong.
    #[must_use]
    pub fn of(record: &Record, result: TraceResult, answer: &Answer) -> Option<Self> {
        let mut cells = vec![
            record.row.number.to_string(),
            defused(&record.row.file),
            result.as_str().to_owned(),
        ];
        match result {
            TraceResult::Superseded => {
                let number = answer.matched_number()?;
                cells.push(number.expose_digits().to_owned());
            }
            TraceResult::NewerAddress => {
                cells.push(String::new());
                let lines = answer
                    .address
                    .iter()
                    .map(|line| defused(line))
                    .chain(std::iter::repeat(String::new()));
                cells.extend(lines.take(5));
                cells.push(defused(&answer.postcode));
            }
            _ => return None,
        }
        cells.resize(COLUMNS.len(), String::new());
        Some(Self(cells))
    }

    /// Begins the file of findings.
    ///
    /// # Errors
    /// It cannot be written there, or another kind of file is there.
    pub fn file(path: &Path) -> Result<CsvFile, Fatal> {
        CsvFile::create(path, "a file of trace findings", &COLUMNS)
    }

    /// The cells.
    #[must_use]
    pub fn cells(&self) -> &[String] {
        &self.0
    }
}
