//! A second table below the first, whose columns have another order or other names.

use pkb_core::Fatal;
use pkb_values::folded_header;

use crate::columns::{Columns, Field, Mapping};
use pkb_table::{Row, Table};

/// Headers that must be known in a row to call it a header.
const KNOWN: usize = 3;
/// Headers of which two must be among them.
const PATIENTS: [Field; 4] = [
    Field::NationalId,
    Field::FirstName,
    Field::LastName,
    Field::DateOfBirth,
];
/// No header has a number of so many digits, and each patient has.
const DIGITS: usize = 3;

/// Whether a row without a national id is a header, and not that of `columns` once more.
pub fn begins(row: &Row, columns: &Columns, mapping: &Mapping) -> bool {
    let has_number = |cell: &[u8]| {
        let mut run = 0;
        cell.iter().any(|byte| {
            run = if byte.is_ascii_digit() { run + 1 } else { 0 };
            run == DIGITS
        })
    };
    if row.cells_raw().any(has_number) {
        return false;
    }
    let cells: Vec<&str> = (0..row.len())
        .map(|at| row.cell(at).unwrap_or_default().trim())
        .collect();
    let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
    if filled < KNOWN {
        return false;
    }
    let there = Columns::recognise(&cells, mapping);
    let patients = PATIENTS
        .iter()
        .filter(|field| there.place(**field).is_some());
    if patients.count() < 2 || there.known() < KNOWN || there.known() * 2 < filled {
        return false;
    }
    let is_same = |(at, cell): (usize, &&str)| {
        cell.is_empty() || folded_header(cell) == folded_header(columns.header(at))
    };
    !cells.iter().enumerate().all(is_same)
}

/// What to say of a file in which row `number` begins another table.
pub fn refused(table: &Table, number: u64) -> Fatal {
    Fatal::Refused(format!(
        "{}: row {number} begins a second table. This row is a header with different names, or in a different order. The \
         rows below it would be read with the wrong columns. What to do: move row {number} and all rows below it into a \
         new file, and check both files. Run: {}",
        table.name(),
        table.command("").trim_end()
    ))
}
