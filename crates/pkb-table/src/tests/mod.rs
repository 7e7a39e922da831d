//! Tables as hospitals make them, and as they arrive.

mod bounds;
mod damage;
mod encodings;
mod header_row;
mod hidden;
mod made;
mod plain_rows;
mod quotes;
mod round_trip;
mod sheet_xml;
mod text;
mod workbooks;

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use pkb_core::Fatal;

use super::{Row, Rows, Table, TableOptions, source::Source};

/// A row read back: its number and its cells, `None` for an undecodable one.
type ReadRow = (u64, Vec<Option<String>>);

fn open_with(bytes: &[u8], options: &TableOptions) -> Result<Table, Fatal> {
    Table::from_source(Source::spooled("in/patients", "patients", bytes)?, options)
}

fn open(bytes: impl AsRef<[u8]>) -> Result<Table, Fatal> {
    open_with(bytes.as_ref(), &TableOptions::default())
}

fn all(mut rows: Rows) -> Result<Vec<ReadRow>, Fatal> {
    let mut row = Row::default();
    let mut read = Vec::new();
    while rows.next_row(&mut row)? {
        let text = |at| row.cell(at).ok().map(str::to_owned);
        read.push((row.number, (0..row.len()).map(text).collect()));
    }
    Ok(read)
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<ReadRow>, Fatal> {
    all(open(bytes)?.rows()?)
}

/// The rows as `number: cell|cell`, with `?` for undecodable cells.
fn shown(rows: Result<Vec<ReadRow>, Fatal>) -> Vec<String> {
    let cell = |cell: Option<String>| cell.unwrap_or_else(|| "?".into());
    rows.unwrap()
        .into_iter()
        .map(|(number, cells)| {
            let cells: Vec<_> = cells.into_iter().map(cell).collect();
            format!("{number}: {}", cells.join("|"))
        })
        .collect()
}

fn numbers(bytes: impl AsRef<[u8]>) -> Vec<u64> {
    let rows = read(bytes).unwrap();
    rows.iter().map(|(number, _)| *number).collect()
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).unwrap_err().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
