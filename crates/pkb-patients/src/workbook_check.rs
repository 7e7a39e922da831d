//! What a workbook leaves open is asked before a row is read: on which sheet the patients are, and what
//! becomes of rows and columns that the spreadsheet does not show. Text files leave none of it open.

use pkb_core::{Fatal, rows::counted};
use pkb_values::{NhsNumber, folded_header};

use crate::{
    columns::{Columns, Field, Mapping, concern},
    options::HiddenCells,
    workbook_notes,
};
use pkb_table::{SheetOverview, Table};

/// Headers of which two must be there for a table to be about patients.
const PATIENTS: [Field; 4] = [
    Field::NationalId,
    Field::FirstName,
    Field::LastName,
    Field::DateOfBirth,
];

/// Stops unless it is clear on which sheet the patients are: the one that was asked for, or the first if
/// no other has patients. A hidden sheet is read only if it was asked for.
///
/// # Errors
/// Other sheets have patients; the message names each with its rows.
pub fn one_sheet_has_patients(
    table: &Table,
    asked: Option<&str>,
    mapping: &Mapping,
) -> Result<(), Fatal> {
    if asked.is_some() {
        return Ok(());
    }
    let patients: Vec<(&SheetOverview, u64)> = table
        .sheets()
        .iter()
        .filter_map(|sheet| Some((sheet, patient_rows(sheet, mapping)?)))
        .collect();
    let file = table.name();
    if patients.len() > 1 {
        no_sheet_of_exclusions(table, &patients)?;
    }
    match &patients[..] {
        [] => Ok(()),
        [(sheet, _)] if sheet.is_read && !sheet.is_hidden => Ok(()),
        [(sheet, _)] if sheet.is_hidden => Err(Fatal::Refused(format!(
            "{file}: the patients seem to be on a hidden sheet, {}. Look at the sheet in a spreadsheet program. To read it, run the \
             same command with: --sheet {}",
            described(&patients[0]),
            quoted(&sheet.name)
        ))),
        [(sheet, _)] => Err(Fatal::Refused(format!(
            "{file}: the first sheet has no patients. They seem to be on a different sheet, {}. To read it, run the same command with: \
             --sheet {}",
            described(&patients[0]),
            quoted(&sheet.name)
        ))),
        [(sheet, _), ..] => {
            let all: Vec<String> = patients.iter().map(described).collect();
            Err(Fatal::Refused(format!(
                "{file} has several sheets that seem to have patients ({}): {}. A run reads one sheet. If the others are old or copies, run the same \
                 command with the right one, such as: --sheet {}. If you want all of them, copy their rows into one sheet",
                patients.len(),
                all.join(", "),
                quoted(&sheet.name)
            )))
        }
    }
}

/// Words of a sheet's name, besides those of headers, that say that its patients get no letter.
const EXCLUDES: [&str; 8] = [
    "exclu",
    "optout",
    "optedout",
    "optingout",
    "remove",
    "withdraw",
    "donot",
    "deceased",
];

/// Stops if a sheet that is not read is named as if its patients must not be written to: to leave it aside would bring them a
/// letter.
fn no_sheet_of_exclusions(table: &Table, patients: &[(&SheetOverview, u64)]) -> Result<(), Fatal> {
    let excludes = |name: &str| {
        let folded = folded_header(name);
        concern(name).is_some() || EXCLUDES.iter().any(|word| folded.contains(word))
    };
    let read = patients.iter().find(|(sheet, _)| sheet.is_read);
    let other = patients
        .iter()
        .find(|(sheet, _)| !sheet.is_read && excludes(&sheet.name));
    let (Some((read, _)), Some((other, _))) = (read, other) else {
        return Ok(());
    };
    if excludes(&read.name) {
        return Ok(());
    }
    let (read_name, other_name) = (quoted(&read.name), quoted(&other.name));
    let also = match workbook_notes::shared_patients(table, other)? {
        0 => format!("the sheet {other_name} has patients"),
        1 => format!("a patient of the sheet {read_name} is on the sheet {other_name} as well"),
        _ => format!("patients of the sheet {read_name} are on the sheet {other_name} as well"),
    };
    Err(Fatal::Refused(format!(
        "{}: {also}, and the name of that sheet says that they may have to get no letter. What to do: mark these patients \
         on {read_name} in a column \
         such as Deceased or Do not contact, or delete their rows there. Then run the same command with: --sheet {read_name}",
        table.name()
    )))
}

/// The rows of patients on a sheet, if it seems to have any: those below a header of patients, or from
/// the first with an NHS number on.
fn patient_rows(sheet: &SheetOverview, mapping: &Mapping) -> Option<u64> {
    let is_header = |row: &Vec<String>| {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        let columns = Columns::recognise(&cells, mapping);
        let has = |field: &Field| columns.place(*field).is_some();
        PATIENTS.iter().filter(|field| has(field)).count() > 1
    };
    let is_patient = |row: &Vec<String>| row.iter().any(|cell| NhsNumber::parse(cell).is_ok());
    let mut rows = sheet.first_rows.iter();
    let before = match rows.position(is_header) {
        Some(header) => header + 1,
        None => sheet.first_rows.iter().position(is_patient)?,
    };
    Some(sheet.rows.saturating_sub(before as u64)).filter(|rows| *rows > 0)
}

fn described((sheet, rows): &(&SheetOverview, u64)) -> String {
    let hidden = if sheet.is_hidden { ", hidden" } else { "" };
    format!(
        "{} ({}{hidden})",
        quoted(&sheet.name),
        counted(*rows, "row", "rows")
    )
}

/// A name as it can be pasted into a command.
fn quoted(name: &str) -> String {
    if name.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", name.replace('\'', "'\\''"))
    } else {
        format!("\"{name}\"")
    }
}

/// Stops if the workbook has rows that it does not show, unless it was said what becomes of them.
///
/// # Errors
/// There are hidden rows; the message has their numbers.
pub fn hidden_rows(table: &Table, said: Option<HiddenCells>) -> Result<(), Fatal> {
    let hidden = table.hidden_rows();
    if hidden.is_empty() || said.is_some() {
        return Ok(());
    }
    Err(Fatal::Refused(format!(
        "{}: {} (such as by a filter): {hidden}. Somebody may have hidden these patients so that they get no letter. To leave \
         them out, run the same command with: --hidden-rows drop. To read them like all other rows: --hidden-rows keep",
        table.name(),
        counted(hidden.count(), "row is hidden", "rows are hidden"),
    )))
}

/// Empties the headers of hidden columns if these are to be left out, so that nothing uses them. What
/// says that somebody has died or must not be written to is never left out.
pub fn drop_hidden_columns(
    table: &Table,
    header: &mut [&str],
    said: Option<HiddenCells>,
    mapping: &Mapping,
) {
    if said != Some(HiddenCells::Drop) {
        return;
    }
    for (at, cell) in header.iter_mut().enumerate() {
        if is_hidden(table, at) && !mapping.decides_who_is_written_to(cell) {
            *cell = "";
        }
    }
}

/// Stops if hidden columns would be used, unless it was said what becomes of them.
///
/// # Errors
/// There are such columns; the message names them.
pub fn hidden_columns(
    table: &Table,
    columns: &Columns,
    said: Option<HiddenCells>,
) -> Result<(), Fatal> {
    let used: Vec<String> = (0..columns.len())
        .filter(|at| is_hidden(table, *at))
        .filter_map(|at| {
            let field = columns.field(at)?;
            Some(format!("{} as {}", columns.label(at), field.name()))
        })
        .collect();
    if used.is_empty() || said.is_some() {
        return Ok(());
    }
    Err(Fatal::Refused(format!(
        "{}: the workbook does not show {} that would be used: {}. Show them in a spreadsheet program and look at them. To use them, \
         run the same command with: --hidden-columns keep. To read the file without them: --hidden-columns drop",
        table.name(),
        counted(used.len() as u64, "column", "columns"),
        used.join(", ")
    )))
}

fn is_hidden(table: &Table, column: usize) -> bool {
    u32::try_from(column).is_ok_and(|column| table.hidden_columns().contains(column))
}
