//! What a workbook says of patients beside its cells: comments, lines through the text, and other sheets that name the same patients.

use std::collections::HashSet;

use pkb_core::{Fatal, rows::Rows};
use pkb_values::NhsNumber;

use crate::words::{Meaning, Scope, Words};
use pkb_table::{Row, SheetOverview, Table};

/// What a mark means that stops a patient's letter.
const GRAVE: [Meaning; 5] = [
    Meaning::Deceased,
    Meaning::DoNotUse,
    Meaning::DoNotContact,
    Meaning::NoAbode,
    Meaning::Prison,
];
/// What begins an order to leave somebody out.
const ORDERS: [&str; 6] = [
    "do not",
    "don't",
    "don\u{2019}t",
    "not to be",
    "no letter",
    "no contact",
];

/// Stops if comments below the header, which is row `header`, say that a patient has died or must not be written to.
///
/// # Errors
/// They do; the message has their rows.
pub fn comments(table: &Table, header: u64, words: &Words) -> Result<(), Fatal> {
    let is_grave = |text: &str| {
        let meanings = words.meanings(text, Scope::Address);
        let note = words.of_note(text);
        let lower = text.to_lowercase();
        GRAVE.into_iter().any(|meaning| meanings.has(meaning))
            || note.death
            || note.no_contact
            || ORDERS.iter().any(|order| lower.contains(order))
    };
    let rows = table
        .comments()
        .filter(|(row, text)| *row > header && is_grave(text));
    let rows: std::collections::BTreeSet<u64> = rows.map(|(row, _)| row).collect();
    let mut named = Rows::default();
    rows.into_iter().for_each(|row| named.add(row));
    if named.count() == 0 {
        return Ok(());
    }
    Err(Fatal::Refused(format!(
        "{}: comments on cells seem to say that patients have died or must not be written to: {named}. Comments are not read. What to \
         do: say it in a column such as Deceased or Do not contact, or delete these rows. Then delete the comments, and run: {}",
        table.name(),
        table.command("").trim_end()
    )))
}

/// Stops if merged cells cover values, which nobody sees in a spreadsheet: what is right, only a person can say.
///
/// # Errors
/// They do; the message has the rows.
pub fn covered_cells(table: &Table) -> Result<(), Fatal> {
    let rows = table.covered_rows();
    if rows.is_empty() {
        return Ok(());
    }
    let noun = if rows.count() == 1 { "row" } else { "rows" };
    Err(Fatal::Refused(format!(
        "{}: merged cells in {noun} {rows} cover other cells that have values, which the spreadsheet does not show. What to do: unmerge \
         these cells, and delete the values that are wrong. Then run: {}",
        table.name(),
        table.command("").trim_end()
    )))
}

/// Stops if text is struck through.
///
/// # Errors
/// It is; the message has the rows.
pub fn struck_rows(table: &Table) -> Result<(), Fatal> {
    let rows = table.struck_rows();
    if rows.is_empty() {
        return Ok(());
    }
    let (noun, these) = match rows.count() {
        1 => ("row", "this patient"),
        _ => ("rows", "these patients"),
    };
    Err(Fatal::Refused(format!(
        "{}: text is struck through in {noun} {rows}. Somebody may have struck out {these} so that they get no letter. What to do: \
         delete what is struck out, or take the line away. Then run: {}",
        table.name(),
        table.command("").trim_end()
    )))
}

/// How many of the first patients on `other` are on the sheet that is read as well.
///
/// # Errors
/// The table cannot be read.
pub fn shared_patients(table: &Table, other: &SheetOverview) -> Result<usize, Fatal> {
    let numbers = other.first_rows.iter().flatten();
    let mut there: HashSet<u64> = numbers.filter_map(|cell| number_of(cell)).collect();
    let all = there.len();
    let mut rows = table.rows()?;
    let mut row = Row::default();
    while !there.is_empty() && rows.next_row(&mut row)? {
        for at in 0..row.len() {
            if let Some(number) = row.cell(at).ok().and_then(number_of) {
                there.remove(&number);
            }
        }
    }
    Ok(all - there.len())
}

fn number_of(cell: &str) -> Option<u64> {
    NhsNumber::parse(cell).ok().map(NhsNumber::to_u64)
}
