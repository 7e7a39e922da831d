//! The figures as JSON, `pkb-report/1`, and what has changed since an earlier report.

use std::path::Path;

use jiff::Timestamp;
use pkb_core::{Fatal, clock::uk_date};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    figures::Figures,
    tables::{Cell, Table},
    words,
};

/// The version of the form: reading any other is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum ReportSchema {
    #[serde(rename = "pkb-report/1")]
    V1,
}

/// The figures of a report.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportFigures {
    /// The version of this form
    schema: ReportSchema,
    /// When the report was made.
    pub generated_at: Timestamp,
    /// Whether every row of the patient files was in the stream, and every line could be read.
    pub complete: bool,
    /// Whether records of a rehearsal are in it: then it is no report on a campaign.
    #[serde(default)]
    pub rehearsal: bool,
    /// Records that came a second time and were left out.
    pub repeated: u64,
    /// Lines that are no record.
    pub unreadable: u64,
    /// The patient files.
    pub patient_files: Vec<PatientFileFigures>,
    /// Counts by table, row and column; `null` where the number is of few patients.
    pub figures: Map<String, Value>,
}

/// A patient file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PatientFileFigures {
    /// Its name.
    pub file: String,
    /// Its data rows.
    pub rows: u64,
    /// Those of them that were in the stream.
    pub arrived: u64,
}

impl ReportFigures {
    /// The figures of all tables.
    pub fn of<'a>(figures: &Figures, tables: impl Iterator<Item = &'a Table>) -> Self {
        let files = figures.completeness.files();
        Self {
            schema: ReportSchema::V1,
            generated_at: figures.now,
            complete: figures.is_complete(),
            rehearsal: figures.of_rehearsal > 0,
            repeated: figures.repeated,
            unreadable: figures.unreadable.lines,
            patient_files: files
                .map(|(file, arrived, rows)| PatientFileFigures {
                    file: file.to_owned(),
                    rows,
                    arrived,
                })
                .collect(),
            figures: tables
                .map(|table| (table.id.to_owned(), Value::Object(of_table(table))))
                .collect(),
        }
    }

    /// The report as a file.
    ///
    /// # Errors
    /// Never, but for a bug.
    pub fn to_json(&self) -> Result<Vec<u8>, Fatal> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|_| Fatal::Bug("the figures cannot be written".into()))?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads an earlier report.
    ///
    /// # Errors
    /// There is no such file, or it is not the JSON of a report.
    pub fn read(path: &Path) -> Result<Self, Fatal> {
        let json = std::fs::read(path).map_err(|source| Fatal::cannot_read(path, source))?;
        serde_json::from_slice(&json).map_err(|_| {
            Fatal::Input(format!(
                "{}: not the figures of a report (pkb-report/1): give the file that --json has written",
                path.display()
            ))
        })
    }

    /// When the report was made, as short as it can be told from `now`: an hour of the same day, a day of
    /// the same year.
    #[must_use]
    pub fn when(&self, now: Timestamp) -> String {
        let (then, today) = (uk_date(self.generated_at), uk_date(now));
        if then == today {
            words::short_hour(self.generated_at)
        } else if then.year() == today.year() {
            words::short_day(then)
        } else {
            words::day(then)
        }
    }

    /// A count; 0 if the table was there and did not have the row, which is how tables leave out what
    /// does not occur. `None` if it was not shown or not counted.
    #[must_use]
    pub fn count(&self, table: &str, row: &str, column: &str) -> Option<u64> {
        match self.figures.get(table)?.get(row) {
            Some(cells) => cells.get(column)?.as_u64(),
            None => Some(0),
        }
    }
}

fn of_table(table: &Table) -> Map<String, Value> {
    let of_row = |cells: &[Cell]| -> Map<String, Value> {
        let counts = table.columns.iter().zip(cells);
        counts
            .filter_map(|(column, cell)| match cell {
                Cell::Count(count) => Some((column.key.to_owned(), (*count).into())),
                Cell::Few if column.kind == crate::tables::ColumnKind::Count => {
                    Some((column.key.to_owned(), Value::Null))
                }
                _ => None,
            })
            .collect()
    };
    table
        .rows
        .iter()
        .map(|row| (row.key.clone(), Value::Object(of_row(&row.cells))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_is_checked_in_is_that_of_the_types() {
        let schema = schemars::schema_for!(ReportFigures);
        let checked =
            pkb_files::schema_file::check(env!("CARGO_MANIFEST_DIR"), "report.json", &schema);
        assert_eq!(checked, Ok(()));
    }
}
