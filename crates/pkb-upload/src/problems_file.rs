//! Every problem of a patient file, as a CSV file that opens well in Excel.

use std::{io::Write as _, path::Path};

use pkb_core::{Fatal, Verdict};
use pkb_files::atomic_file::AtomicFile;
use pkb_values::spreadsheet::defused;

use pkb_patients::{Finding, FindingPlace, PatientFile, mask};
use pkb_table::Row;

/// Writes all findings of `file` to `path`, one a line: row, column, what becomes of the row, problem,
/// what to do, value. Values are masked unless `show_values`. `mismatches` are rows that differ from PKB, in their order.
///
/// # Errors
/// The patient file cannot be read again, or the other not be written.
pub fn write(
    file: &PatientFile,
    mismatches: &[(u64, Verdict)],
    path: &Path,
    show_values: bool,
) -> Result<u64, Fatal> {
    let failed = |source| Fatal::cannot_write(path, source);
    if file.table.is_at(path) {
        return Err(Fatal::Usage(
            "--problems names the patient file itself. Give a different name".into(),
        ));
    }
    let mut out =
        AtomicFile::create_instead(path, "a table of problems", &["\u{feff}row,column,"])?;
    // Excel takes a file without the mark for Windows-1252.
    out.write_all("\u{feff}".as_bytes()).map_err(failed)?;
    let mut csv = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    let csv_failed = |error: csv::Error| Fatal::cannot_write(path, error.into());
    csv.write_record([
        "row",
        "column",
        "consequence",
        "problem",
        "what to do",
        "value",
    ])
    .map_err(csv_failed)?;
    let mut lines = 0;
    let mut mismatches = mismatches.iter().peekable();
    let mut reading = file.second_reading()?;
    while let Some(judged) = reading.next_row(file)? {
        for finding in judged.findings {
            let value = value(file, judged.row, finding);
            let value = if show_values { value } else { mask(&value) };
            csv.write_record([
                judged.row.number.to_string().as_str(),
                &defused(&column(file, finding)),
                finding.severity.heading().word(),
                &finding.fault.to_string(),
                &finding
                    .place
                    .advice(finding.fault.advice(), &file.columns)
                    .replace('\n', "  "),
                &defused(&value),
            ])
            .map_err(csv_failed)?;
            lines += 1;
        }
        if let Some((row, verdict)) = mismatches.next_if(|(row, _)| *row == judged.row.number) {
            csv.write_record([
                row.to_string().as_str(),
                "",
                "not uploaded",
                verdict.detail.as_deref().unwrap_or_default(),
                verdict.reason.advice(),
                "",
            ])
            .map_err(csv_failed)?;
            lines += 1;
        }
    }
    let out = csv
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    out.finish()?;
    Ok(lines)
}

/// The column as the file has it.
fn column(file: &PatientFile, finding: &Finding) -> String {
    let cells = finding.place.cells(&file.columns);
    match (cells.as_slice(), finding.place) {
        ([], FindingPlace::Row) => String::new(),
        ([], place) => place.name(&file.columns),
        (cells, _) => {
            let headers: Vec<&str> = cells.iter().map(|at| file.columns.header(*at)).collect();
            headers.join(", ")
        }
    }
}

fn value(file: &PatientFile, row: &Row, finding: &Finding) -> String {
    let cells: Vec<String> = finding
        .place
        .cells(&file.columns)
        .into_iter()
        .filter_map(|at| row.cells_raw().nth(at))
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .collect();
    cells.join(" ")
}
