//! `pkb-upload check` and `pkb-upload columns`: looks at a patient file. PKB is asked only with `--compare`.

use std::sync::Arc;

use pkb_cli::app;
use pkb_core::{ExitCode, Fatal, monitor::Monitor, rows::listed, stage::IntentLog};

use crate::{
    args::{CheckArgs, ColumnsArgs},
    columns::{Columns, mask},
    comparison::{ComparedRows, Comparison, Known, Noted, Told},
    header_row,
    patient_file::{PatientFile, read_header},
    pkb_file::PkbFile,
    problems_file,
    report::Report,
    workbook_check,
};
use pkb_table::{Row, Table};

/// Says everything that is wrong with a patient file, and with `--compare` in what it differs from PKB.
///
/// # Errors
/// The file cannot be understood at all, or a file not be written; or PKB cannot be asked.
pub async fn check(args: &CheckArgs) -> Result<ExitCode, Fatal> {
    let comparison = args.compare.then(|| comparison(args)).transpose()?;
    let file = PatientFile::open(&args.file, args.clock.clock().today())?;
    app::print(&Report(&file).to_string())?;
    let mut compared = None;
    let mut text = String::new();
    if let Some(comparison) = &comparison {
        let pkb_file = PkbFile::built_in(args.clock.clock().today())?;
        let (noted, intents) = (Noted::default(), IntentLog::default());
        let rows = comparison.compare(&file, &pkb_file, &noted, |_| false, &intents);
        let rows = rows.await?;
        text.push_str(&format!("\n{}", told(&rows)));
        compared = Some(rows);
    }
    if let Some(path) = &args.problems {
        let mismatches = compared.as_ref().map_or(&[][..], |rows| &rows.mismatches);
        let lines = problems_file::write(&file, mismatches, path, args.show_values)?;
        let (problems, are) = if lines == 1 {
            ("problem", "is")
        } else {
            ("problems", "are")
        };
        text.push_str(&format!(
            "\n{lines} {problems} {are} listed in {}\n",
            path.display()
        ));
    }
    app::print(&text)?;
    let differs =
        compared.is_some_and(|rows| !rows.mismatches.is_empty() || rows.refusal.is_some());
    Ok(if file.survey.rejected == 0 && !differs {
        ExitCode::Done
    } else {
        ExitCode::SomeRowsRejected
    })
}

fn comparison(args: &CheckArgs) -> Result<Comparison, Fatal> {
    let missing = args.how.pkb.missing();
    if !missing.is_empty() {
        let are = if missing.len() == 1 { "is" } else { "are" };
        return Err(Fatal::Usage(format!(
            "{} {are} not set: --compare asks PKB about the patients. Set what is missing, or leave --compare out (make check COMPARE=)",
            listed(&missing)
        )));
    }
    let monitor = Arc::<Monitor>::default();
    let pkb = args.how.pkb.client(&monitor)?;
    Comparison::new(&args.how, Arc::new(pkb), args.clock.clock(), &monitor)
}

/// What a comparison found, and what an upload would do.
fn told(rows: &ComparedRows) -> String {
    let mut text = Told::new(rows, Known::Full).to_string();
    if let Some(refusal) = &rows.refusal {
        text.push_str(&format!(
            "\n{refusal}.\nAn upload of this file would stop before anything is sent. {}.\n",
            refusal.if_the_file_is_right()
        ));
    }
    text
}

/// So many values of a column are shown.
const SAMPLES: usize = 3;
/// So many rows are looked at for them.
const ROWS_FOR_SAMPLES: usize = 1000;

/// Shows what each column is taken for.
///
/// # Errors
/// The file cannot be read; or its header lacks something, after all columns have been shown.
pub fn columns(args: &ColumnsArgs) -> Result<ExitCode, Fatal> {
    let mapping = args.file.mapping()?;
    let table = Table::open(args.file.path()?, &args.file.table_options())?;
    workbook_check::one_sheet_has_patients(&table, args.file.sheet.as_deref(), &mapping)?;
    let mut rows = table.rows()?;
    let mut header = Row::default();
    let (number, mut header) = read_header(&table, &mut rows, &mut header)?;
    workbook_check::drop_hidden_columns(&table, &mut header, args.file.hidden_columns, &mapping);
    let columns = Columns::recognise(&header, &mapping);
    let mut samples: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    let mut row = Row::default();
    for _ in 0..ROWS_FOR_SAMPLES {
        if !rows.next_row(&mut row)? {
            break;
        }
        for (at, samples) in samples.iter_mut().enumerate() {
            let value = row.cell(at).unwrap_or("(no text)").trim();
            if samples.len() < SAMPLES && !value.is_empty() {
                samples.push(mask(value));
            }
        }
    }
    let sure = columns.is_surely_a_header();
    let lines: Vec<[String; 3]> = (0..header.len())
        .map(|at| {
            // A first row that is no header is a patient.
            let label = if sure {
                columns.label(at)
            } else {
                format!("column {}", pkb_table::column_letters(at))
            };
            let field = match (columns.field(at), columns.concern(at)) {
                (Some(field), _) => field.name().to_owned(),
                (None, Some(concern)) if sure => format!("- (about {})", concern.words()),
                (None, _) => "-".to_owned(),
            };
            [label, field, samples[at].join(" | ")]
        })
        .collect();
    let width = |cell: usize| {
        let widths = lines.iter().map(|line| line[cell].chars().count());
        widths.max().unwrap_or(0)
    };
    let (labels, fields) = (width(0), width(1));
    let mut text = format!("{}: {}\n\n", table.name(), table.how_read());
    for [label, field, samples] in &lines {
        let line = format!("  {label:labels$}  {field:fields$}  {samples}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    app::print(&text)?;
    header_row::columns(&table, number, &header, &mapping).map(|_| ExitCode::Done)
}
