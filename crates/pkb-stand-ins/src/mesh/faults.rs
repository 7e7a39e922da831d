//! Responses that are wrong on purpose.

use csv::{StringRecord, Terminator, WriterBuilder};
use pkb_synthetic::{derive, torn};
use serde::Serialize;

use super::args::MeshFault;
use super::response::{CODE, COLUMNS, REFERENCE};

/// How many rows `lose` drops.
const LOST: usize = 3;
/// How many rows `double` repeats.
const DOUBLED: usize = 2;

/// Which references of a response were tampered with, for `--truth`. As the request has them, not in lower case.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tampered {
    lost: Vec<String>,
    doubled: Vec<String>,
    foreign: Vec<String>,
    code_77: Vec<String>,
}

/// A response as a file, with the faults in it.
pub(super) struct Tampering<'a> {
    pub(super) faults: &'a [MeshFault],
    pub(super) seed: u64,
    /// The record about the file, for the fault `file-record`.
    pub(super) file_record: String,
}

impl Tampering<'_> {
    /// The bytes of the file, and what was done to it.
    pub(super) fn file(&self, mut rows: Vec<StringRecord>) -> csv::Result<(Vec<u8>, Tampered)> {
        let tampered = self.tamper(&mut rows);
        if self.has(MeshFault::Lowercase) {
            for row in &mut rows {
                *row = with_cell(row, REFERENCE, &row[REFERENCE].to_lowercase());
            }
        }
        let line_end = if self.has(MeshFault::Crlf) {
            "\r\n"
        } else {
            "\n"
        };
        let mut file = Vec::new();
        if self.has(MeshFault::FileRecord) {
            file.extend_from_slice(format!("{}{line_end}", self.file_record).as_bytes());
        }
        let mut writer = WriterBuilder::new()
            .terminator(match line_end {
                "\n" => Terminator::Any(b'\n'),
                _ => Terminator::CRLF,
            })
            .from_writer(file);
        if !self.has(MeshFault::NoHeader) {
            writer.write_record(COLUMNS)?;
        }
        for row in &rows {
            writer.write_record(row)?;
        }
        let mut file = writer.into_inner().map_err(|error| error.into_error())?;
        if self.has(MeshFault::Cut) {
            torn::cut_last_line(&mut file);
        }
        Ok((file, tampered))
    }

    fn has(&self, fault: MeshFault) -> bool {
        self.faults.contains(&fault)
    }

    /// Rows are chosen by reference, so that a row has at most one fault.
    fn tamper(&self, rows: &mut Vec<StringRecord>) -> Tampered {
        let mut references: Vec<(String, String)> = rows
            .iter()
            .map(|row| row[REFERENCE].to_owned())
            .map(|reference| {
                (
                    derive::text(self.seed, &["fault", &reference], 20),
                    reference,
                )
            })
            .collect();
        references.sort_unstable();
        let mut references = references.into_iter().map(|(_, reference)| reference);
        let mut take = |fault, count: usize| -> Vec<String> {
            let count = if self.has(fault) { count } else { 0 };
            references.by_ref().take(count).collect()
        };
        let mut tampered = Tampered {
            lost: take(MeshFault::Lose, LOST),
            doubled: take(MeshFault::Double, DOUBLED),
            code_77: take(MeshFault::Code77, 1),
            foreign: Vec::new(),
        };
        rows.retain(|row| !is_in(&tampered.lost, row));
        for row in rows.iter_mut().filter(|row| is_in(&tampered.code_77, row)) {
            *row = with_cell(row, CODE, "77");
        }
        if self.has(MeshFault::Foreign)
            && let Some(last) = rows.last()
        {
            let reference = derive::text(self.seed, &["foreign", &last[REFERENCE]], 20);
            rows.push(with_cell(last, REFERENCE, &reference));
            tampered.foreign.push(reference);
        }
        let again: Vec<_> = rows
            .iter()
            .filter(|row| is_in(&tampered.doubled, row))
            .cloned()
            .collect();
        rows.extend(again);
        if self.has(MeshFault::Reorder) {
            let before = rows.clone();
            fastrand::Rng::with_seed(self.seed).shuffle(rows);
            if *rows == before {
                rows.reverse();
            }
        }
        tampered
    }
}

fn is_in(references: &[String], row: &StringRecord) -> bool {
    references
        .iter()
        .any(|reference| *reference == row[REFERENCE])
}

fn with_cell(row: &StringRecord, place: usize, cell: &str) -> StringRecord {
    let cells = row.iter().enumerate();
    cells
        .map(|(at, old)| if at == place { cell } else { old })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NUMBER: usize = 1;

    fn rows(count: usize) -> Vec<StringRecord> {
        let row = |at: usize| {
            let mut cells = vec![String::new(); COLUMNS.len()];
            (cells[REFERENCE], cells[NUMBER]) = (format!("A{at}b"), format!("99900{at:05}"));
            cells[CODE] = "00".to_owned();
            StringRecord::from(cells)
        };
        (0..count).map(row).collect()
    }

    fn file(faults: &[MeshFault]) -> (String, Tampered) {
        let tampering = Tampering {
            faults,
            seed: 4,
            file_record: "RESP_A,SPINE_PDS_MESH_V1,20261130000000,50,00".to_owned(),
        };
        let (file, tampered) = tampering.file(rows(50)).unwrap();
        (String::from_utf8(file).unwrap(), tampered)
    }

    /// Cells of a column, without the column names.
    fn column(file: &str, place: usize) -> Vec<&str> {
        let cells = file.lines().map(|line| line.split(',').nth(place).unwrap());
        cells.skip(1).collect()
    }

    #[test]
    fn without_a_fault_every_row_is_there_in_its_order() {
        let (file, _) = file(&[]);
        assert!(file.starts_with(&COLUMNS.join(",")) && !file.contains('\r'));
        let expected: Vec<String> = (0..50).map(|at| format!("A{at}b")).collect();
        assert_eq!(column(&file, REFERENCE), expected);
    }

    #[test]
    fn lost_doubled_and_foreign_rows_are_different_ones() {
        let (file, tampered) = file(&[MeshFault::Lose, MeshFault::Double, MeshFault::Foreign]);
        let references = column(&file, REFERENCE);
        assert_eq!(references.len(), 50 - 3 + 2 + 1);
        let count = |wanted: &String| references.iter().filter(|one| *one == wanted).count();
        assert_eq!(tampered.lost.iter().map(count).sum::<usize>(), 0);
        assert!(tampered.doubled.iter().all(|one| count(one) == 2));
        assert_eq!(tampered.foreign.iter().map(count).sum::<usize>(), 1);
        assert_eq!(tampered.foreign[0].len(), 20);
    }

    #[test]
    fn one_row_has_the_unknown_code() {
        let (file, tampered) = file(&[MeshFault::Code77]);
        let codes = column(&file, CODE);
        assert_eq!(codes.iter().filter(|code| **code == "77").count(), 1);
        assert_eq!(tampered.code_77.len(), 1);
    }

    #[test]
    fn another_order_has_the_same_rows() {
        let (ordered, _) = file(&[]);
        let (reordered, _) = file(&[MeshFault::Reorder]);
        assert_ne!(ordered, reordered);
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&ordered), sorted(&reordered));
    }

    #[test]
    fn the_form_of_the_file_is_as_each_fault_says() {
        assert!(column(&file(&[MeshFault::Lowercase]).0, REFERENCE).contains(&"a0b"));
        let crlf = file(&[MeshFault::Crlf, MeshFault::FileRecord]).0;
        assert_eq!(crlf.matches("\r\n").count(), 52);
        assert_eq!(crlf.matches('\n').count(), 52);
        assert!(crlf.starts_with("RESP_A,SPINE_PDS_MESH_V1,20261130000000,50,00\r\nUNIQUE REF"));
        let data_only = file(&[MeshFault::NoHeader]).0;
        assert!(data_only.starts_with("A0b,9990000000,") && data_only.lines().count() == 50);
        let cut = file(&[MeshFault::Cut]).0;
        let last = cut.lines().last().unwrap();
        assert!(cut.lines().count() == 51 && last.starts_with("A49b,"));
        assert!(!cut.ends_with('\n') && last.split(',').count() < COLUMNS.len());
    }
}
