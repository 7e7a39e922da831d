//! Every table as a CSV file, and one with all row numbers.

use std::path::Path;

use pkb_core::Fatal;
use pkb_files::atomic_file::{AtomicFile, create_private_folder};
use pkb_values::spreadsheet::defused;

use crate::{
    figures::{Figures, rows::RowSet},
    tables::{Cell, ColumnKind, Table},
};

/// The file of row numbers.
const ROWS: &str = "rows.csv";

/// Writes all tables into `folder`, and takes away those that an earlier report has left there and this
/// one does not have.
///
/// # Errors
/// A file cannot be written.
pub fn write<'a>(
    folder: &Path,
    tables: impl Iterator<Item = &'a Table> + Clone,
    figures: &Figures,
) -> Result<(), Fatal> {
    create_private_folder(folder)?;
    for id in Table::IDS {
        let path = folder.join(format!("{id}.csv"));
        match tables.clone().find(|table| table.id == id) {
            Some(table) => write_file(&path, |csv| write_table(csv, table))?,
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Fatal::cannot_write(&path, error));
                }
                _ => {}
            },
        }
    }
    write_file(&folder.join(ROWS), |csv| write_rows(csv, figures))
}

fn write_file(
    path: &Path,
    content: impl FnOnce(&mut csv::Writer<&mut AtomicFile>) -> csv::Result<()>,
) -> Result<(), Fatal> {
    let mut file = AtomicFile::create(path)?;
    let mut csv = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(&mut file);
    content(&mut csv)
        .and_then(|()| Ok(csv.flush()?))
        .map_err(|error| Fatal::cannot_write(path, error.into()))?;
    drop(csv);
    file.finish()
}

fn write_table<W: std::io::Write>(csv: &mut csv::Writer<W>, table: &Table) -> csv::Result<()> {
    let is_here = |at: &usize| table.columns[*at].kind != ColumnKind::Rows;
    let columns: Vec<usize> = (0..table.columns.len()).filter(is_here).collect();
    csv.write_field("key")?;
    csv.write_record(columns.iter().map(|at| table.columns[*at].key))?;
    for row in &table.rows {
        csv.write_field(defused(&row.key))?;
        csv.write_record(columns.iter().map(|at| cell(&row.cells[*at])))?;
    }
    Ok(())
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => defused(text),
        Cell::Word(word) => (*word).to_owned(),
        Cell::Count(count) => count.to_string(),
        // Four digits are a hundredth of a percent.
        Cell::Share(part, whole) if *whole > 0 => format!("{:.4}", *part as f64 / *whole as f64),
        Cell::Share(..) | Cell::Few | Cell::Rows(_) => String::new(),
    }
}

fn write_rows<W: std::io::Write>(csv: &mut csv::Writer<W>, figures: &Figures) -> csv::Result<()> {
    csv.write_record(["list", "stage", "kind", "reason", "patient_file", "row"])?;
    let mut add = |list: &str, of: [&str; 3], rows: &RowSet| -> csv::Result<()> {
        for (file, number) in rows.iter() {
            csv.write_field(list)?;
            for word in of {
                csv.write_field(word)?;
            }
            csv.write_record([defused(file), number.to_string()])?;
        }
        Ok(())
    };
    for (stage, kind, reason, rows) in figures.outcomes.iter() {
        let of = [stage.as_str(), kind.as_str(), reason.as_str()];
        add("outcome", of, &rows.first)?;
        add("also", of, &rows.also)?;
    }
    add("made", [""; 3], &figures.stopped_since)?;
    add("reminder", [""; 3], &figures.uptake.due)
}
