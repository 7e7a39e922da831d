//! Letters that somebody has to look after, as a table: who came back, what was not produced, what went twice, and what nobody has
//! heard of.

use std::path::Path;

use jiff::Timestamp;
use pkb_core::{
    Fatal, Record,
    clock::uk_date,
    record::{Delivery, PrintStatus, ReturnReason},
};
use pkb_table::CsvFile;
use pkb_values::spreadsheet::defused;

/// The columns.
const COLUMNS: [&str; 8] = [
    "row",
    "patient_file",
    "reference",
    "sequence",
    "finding",
    "reason",
    "at",
    "codes_expire",
];

/// What somebody has to do about a delivery, in a word; `None` if nothing.
#[must_use]
pub fn finding(delivery: &Delivery) -> Option<&'static str> {
    match delivery.status {
        Some(PrintStatus::Returned) => Some("returned"),
        Some(PrintStatus::Rejected | PrintStatus::Failed | PrintStatus::Cancelled) => {
            Some("not_produced")
        }
        _ if delivery.dispatched_at.len() > 1 => Some("dispatched_twice"),
        Some(PrintStatus::Dispatched | PrintStatus::Delivered | PrintStatus::Forwarded) => None,
        _ if !delivery.dispatches.is_empty() => None,
        _ => Some("not_dispatched"),
    }
}

/// The cells of a delivery that somebody has to look after.
#[must_use]
pub fn cells(record: &Record, delivery: &Delivery) -> Option<[String; 8]> {
    let finding = finding(delivery)?;
    let day = |moment: Timestamp| uk_date(moment).to_string();
    Some([
        record.row.number.to_string(),
        defused(&record.row.file),
        delivery
            .reference
            .as_ref()
            .map_or_else(String::new, |own| own.as_str().to_owned()),
        delivery
            .sequence
            .map_or_else(String::new, |own| own.to_string()),
        finding.to_owned(),
        delivery
            .returned_because
            .map_or_else(String::new, |own| ReturnReason::code(own).to_owned()),
        delivery.status_at.map_or_else(String::new, day),
        record.codes_expire_at().map_or_else(String::new, day),
    ])
}

/// Begins the table.
///
/// # Errors
/// It cannot be written there, or another kind of file is there.
pub fn file(path: &Path) -> Result<CsvFile, Fatal> {
    CsvFile::create(path, "a file of findings about letters", &COLUMNS)
}
