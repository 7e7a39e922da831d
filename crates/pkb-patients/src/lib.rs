//! A hospital's patient file as checked patients: which columns it has, what its cells mean, all that is wrong with it, and
//! one record for each of its rows.
//!
//! What becomes of the patients is not known here: nothing of uploads, PKB or HTTP.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod across_rows;
pub mod args;
mod column_overview;
mod columns;
mod counts;
mod date_order;
mod date_text;
mod deciding_words;
mod finding;
mod header_row;
mod house_numbers;
mod moved_block;
mod normalised;
mod not_a_patient;
mod not_text;
mod one_column_off;
mod options;
mod patient_file;
mod patient_row;
mod report;
mod second_table;
mod share_of_deaths;
#[cfg(test)]
mod tests;
pub mod toml_file;
mod words;
mod workbook_check;
mod workbook_notes;

pub use column_overview::ColumnOverview;
pub use columns::mask;
pub use counts::{Count, FindingCounts};
pub use finding::{Fault, Finding, FindingPlace, Heading, Severity};
pub use options::{HiddenCells, ReadingOptions};
pub use patient_file::{Amendment, JudgedRow, PatientFile, SecondReading, Survey};
pub use report::FileReport;
