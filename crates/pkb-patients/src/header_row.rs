//! Finds a header that is not the first row: reports have titles above it.

use pkb_core::Fatal;

use crate::columns::{Columns, Mapping};
use pkb_table::{Row, Rows, Table};

/// So many rows are looked at: no report has more titles.
const ROWS: u64 = 50;

/// Headers that must be known in a row to call it the header.
const KNOWN: usize = 3;

/// Finds the columns in the header, which is row `number`.
///
/// # Errors
/// What is wrong with the header; where a later row seems to be the header, which one.
pub fn columns(
    table: &Table,
    number: u64,
    cells: &[&str],
    mapping: &Mapping,
) -> Result<Columns, Fatal> {
    Columns::find(table.name(), cells, mapping).or_else(|error| {
        // A header that is understood, and refused for what it says.
        if matches!(error, Fatal::Refused(_)) {
            return Err(error);
        }
        match find(table, number, mapping)? {
            Some(header) => Err(Fatal::Refused(format!(
                "{}: row {number} is not the header. The header seems to be row {header}. Run: {}",
                table.name(),
                table.command(&format!("--header-row {header}")),
            ))),
            None => Err(error),
        }
    })
}

/// The number of the row below `first` that has the most headers that are known; none if there is no
/// such row.
///
/// # Errors
/// The file cannot be read.
fn find(table: &Table, first: u64, mapping: &Mapping) -> Result<Option<u64>, Fatal> {
    let mut best = (KNOWN - 1, None);
    for mut rows in table.other_readings()? {
        let mut row = Row::default();
        while next_row(&mut rows, &mut row) && row.number <= ROWS {
            let cells: Vec<&str> = (0..row.len())
                .map(|at| row.cell(at).unwrap_or_default())
                .collect();
            let known = Columns::recognise(&cells, mapping).known();
            if row.number > first && known > best.0 {
                best = (known, Some(row.number));
            }
        }
    }
    Ok(best.1)
}

/// Quotation marks that a wrong separator breaks end the reading, and are not a fault of the file.
fn next_row(rows: &mut Rows, row: &mut Row) -> bool {
    rows.next_row(row).unwrap_or(false)
}
