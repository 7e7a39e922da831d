//! A column that says of a large part of the patients that they have died may mean the opposite.

use pkb_core::Fatal;
use pkb_values::Problem;

use crate::{
    columns::{Columns, Mapping},
    counts::FindingCounts,
};
use pkb_table::Table;

/// In files with fewer rows, a few deaths are soon a large part.
const ROWS: u64 = 20;
/// One patient in so many may have died without anybody being asked.
const ONE_IN: u64 = 5;

/// Refuses a file in which one column says of more than a fifth of the patients that they have died, until the operator says that
/// this is right. If a column that means alive is read as dead, only the dead are invited.
///
/// # Errors
/// There is such a column; the message names it, its first rows, and both ways on.
pub fn check(
    table: &Table,
    columns: &Columns,
    mapping: &Mapping,
    rows: u64,
    counts: &FindingCounts,
) -> Result<(), Fatal> {
    if rows < ROWS {
        return Ok(());
    }
    let refusals = counts
        .of_columns(Problem::SaysDead.code())
        .filter(|(at, count)| {
            count.rows * ONE_IN > rows && !mapping.has_many_dead(columns.header(*at))
        })
        .map(|(at, count)| {
            let header = columns.header_as_toml(at);
            format!(
                "{} says of {} of {rows} patients that they have died. This is more than a fifth, so the column may mean \
                 the opposite\n  \
                 What to do: look up some of these patients ({}). Then write a file columns.toml, and add --map columns.toml.\n  \
                 If they live:\n    [values.{header}]\n    alive = [\"…\"]   # what the column has for them\n    dead = [\"…\"]    # what it has for others\n  \
                 If they have died (above [columns] and [values]):\n    many_dead = [{header}]",
                columns.label(at),
                count.rows,
                count.rows_in_words(),
            )
        });
    let refusals: Vec<String> = refusals.collect();
    if refusals.is_empty() {
        return Ok(());
    }
    let refusals = refusals.join("\n");
    Err(Fatal::Refused(format!("{}: {refusals}", table.name())))
}
