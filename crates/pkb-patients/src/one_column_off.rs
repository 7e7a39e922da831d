//! Dates that slid out of a column such as Date of death into an unused one beside it, where nobody looks at them.

use pkb_core::{Fatal, rows::Rows};
use pkb_values::{DateOrder, read_day_of};

use crate::columns::{Columns, Field};
use pkb_table::{Row, Table};

/// Words in a header that say that a column has dates of its own.
const OF_DATES: [&str; 12] = [
    "date",
    "dob",
    "dod",
    "birth",
    "time",
    "when",
    "seen",
    "admitted",
    "admission",
    "discharge",
    "updated",
    "created",
];

/// A column that decides whether patients may be written to, and an unused one beside it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    deciding: usize,
    unused: usize,
}

/// The pairs of a file.
pub fn pairs(columns: &Columns) -> Vec<Pair> {
    let deciding = columns.deciding().iter();
    let of_dates =
        deciding.filter(|column| matches!(column.field, Field::Deceased | Field::RemovalDate));
    of_dates
        .flat_map(|column| {
            let beside = [column.at.checked_sub(1), Some(column.at + 1)];
            beside.into_iter().flatten().map(|unused| Pair {
                deciding: column.at,
                unused,
            })
        })
        .filter(|pair| {
            let at = pair.unused;
            let header = columns.header(at).to_lowercase();
            columns.unused().any(|unused| unused == at)
                && !columns.is_ignored(at)
                && !OF_DATES.iter().any(|word| header.contains(word))
        })
        .collect()
}

/// The rows in which the unused column of a pair has a date, and the other has nothing.
#[derive(Debug, Default)]
pub struct DatesBeside(Vec<(u64, Pair)>);

impl DatesBeside {
    /// Takes a row into account; rows come in any order.
    pub fn see(&mut self, row: &Row, pairs: &[Pair], order: DateOrder) {
        for pair in pairs {
            let cell = |at| row.cell(at).unwrap_or_default().trim();
            let is_empty = || cell(pair.deciding).is_empty();
            if is_date(cell(pair.unused), order) && is_empty() {
                self.0.push((row.number, *pair));
            }
        }
    }

    /// Takes over what was seen of other rows.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Stops if there are such rows.
    ///
    /// # Errors
    /// There are; the message has the columns and the rows.
    pub fn check(&mut self, table: &Table, columns: &Columns) -> Result<(), Fatal> {
        self.0.sort_unstable_by_key(|(row, _)| *row);
        let Some((_, pair)) = self.0.first().copied() else {
            return Ok(());
        };
        let mut rows = Rows::default();
        let of_pair = self.0.iter().filter(|(_, it)| it.unused == pair.unused);
        of_pair.for_each(|(row, _)| rows.add(*row));
        let (unused, deciding) = (columns.label(pair.unused), columns.label(pair.deciding));
        Err(Fatal::Refused(format!(
            "{}: {rows}: {unused} has a date, and {deciding} beside it has nothing. It looks as if cells moved into the \
             next column. What \
             to do: put the dates into their column. If {unused} is meant to have dates, add to the file columns.toml of --map, above \
             [columns]: ignore = [{}]. Then run: {}",
            table.name(),
            toml::Value::from(columns.header(pair.unused)),
            table.command("").trim_end()
        )))
    }
}

/// Whether a text is a date of whatever form: with a year of two digits or a time as well.
fn is_date(text: &str, order: DateOrder) -> bool {
    let looks = text.len() >= 6
        && text.as_bytes()[0].is_ascii_digit()
        && text
            .bytes()
            .any(|byte| matches!(byte, b'/' | b'-' | b'.' | b' '));
    looks && read_day_of(text, order).is_ok()
}
