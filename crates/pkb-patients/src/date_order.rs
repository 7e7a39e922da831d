//! Whether the day or the month comes first in a file's dates. Where dates contradict what is usual and
//! nobody has said which it is, the dates that fit both would be read wrongly in silence.

use pkb_core::{Fatal, rows::counted};
use pkb_values::{DateOfBirth, DateOrder, Problem};

use crate::{
    columns::{Columns, Field},
    counts::FindingCounts,
    finding::FindingPlace,
};
use pkb_table::{Row, Table};

/// Dates of birth by the order that they fit.
#[derive(Debug, Default)]
struct OrdersSeen {
    day_first: u64,
    month_first: u64,
    both: u64,
    /// The first row that fits month-first only.
    row: u64,
}

/// Refuses a file with dates of birth that fit only if the month comes first. `counts` are those of a
/// reading with the day first.
///
/// # Errors
/// There are such dates; the message says how many fit which order.
pub fn check(table: &Table, columns: &Columns, counts: &FindingCounts) -> Result<(), Fatal> {
    let place = FindingPlace::Field(Field::DateOfBirth);
    if !counts.has(place, Problem::MonthFirst.code()) {
        return Ok(());
    }
    let OrdersSeen {
        day_first,
        month_first,
        both,
        row,
    } = OrdersSeen::of(table, columns)?;
    let likely = if day_first < month_first {
        "--dates month-first"
    } else {
        "--dates day-first"
    };
    Err(Fatal::Refused(format!(
        "{}: it is not certain whether the day or the month comes first in the dates of birth. {} only if the month comes first (row {row} is one). {} only if the day comes first. {} both ways. Find \
         out which is right, then run the command with that order, such as: {}",
        table.name(),
        fit(month_first),
        fit(day_first),
        fit(both),
        table.command(likely),
    )))
}

/// `1 row fits`, `2 rows fit`.
fn fit(rows: u64) -> String {
    match rows {
        0 => "No row fits".to_owned(),
        _ => counted(rows, "row fits", "rows fit"),
    }
}

impl OrdersSeen {
    fn of(table: &Table, columns: &Columns) -> Result<Self, Fatal> {
        let mut orders = Self::default();
        let mut rows = table.rows()?;
        let mut row = Row::default();
        let Some(at) = columns.place(Field::DateOfBirth) else {
            return Ok(orders);
        };
        rows.next_row(&mut row)?;
        while rows.next_row(&mut row)? {
            if row.len() == columns.len() {
                orders.see(row.number, row.cell(at).unwrap_or_default());
            }
        }
        Ok(orders)
    }

    fn see(&mut self, number: u64, text: &str) {
        let read = |order| DateOfBirth::parse_as_written(text, order).ok();
        match (read(DateOrder::DayFirst), read(DateOrder::MonthFirst)) {
            (Some(_), None) => self.day_first += 1,
            (None, Some(_)) => {
                self.month_first += 1;
                if self.row == 0 {
                    self.row = number;
                }
            }
            (Some(one), Some(other)) if one != other => self.both += 1,
            _ => {}
        }
    }
}
