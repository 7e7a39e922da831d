//! `pkb-upload check` and `pkb-upload columns`: looks at a patient file. PKB is asked only with `--compare`.

use std::sync::Arc;

use pkb_cli::{app, progress::Task};
use pkb_core::{ExitCode, Fatal, rows::listed, stage::IntentLog};
use pkb_patients::{ColumnOverview, FileReport, PatientFile};

use crate::{
    args::{CheckArgs, ColumnsArgs},
    comparison::{ComparedRows, Comparison, ComparisonReport, Known, Noted},
    pkb_file::PkbFile,
    problems_file,
};

/// The comparison as it is shown while it goes on.
const TASK: Task = Task {
    program: "pkb-upload",
    unit: "rows",
    is_last: true,
    results_on_screen: false,
};

/// Says everything that is wrong with a patient file, and with `--compare` in what it differs from PKB.
///
/// # Errors
/// The file cannot be understood at all, or a file not be written; or PKB cannot be asked.
pub async fn check(args: &CheckArgs) -> Result<ExitCode, Fatal> {
    let comparison = args.compare.then(|| comparison(args)).transpose()?;
    let file = PatientFile::open(&args.file.options()?, args.clock.clock().today())?;
    app::print(&FileReport(&file).to_string())?;
    let mut compared = None;
    let mut text = String::new();
    if let Some(comparison) = &comparison {
        let pkb_file = PkbFile::built_in(args.clock.clock().today())?;
        let (noted, intents) = (Noted::default(), IntentLog::default());
        let rows = comparison.compare(
            &file,
            |patient| pkb_file.key(patient),
            &noted,
            |_| false,
            &intents,
        );
        let rows = app::with_progress(&args.progress, TASK, rows).await?;
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
            "{} {are} not set, and --compare asks PKB about the patients. What to do: set what is missing, or leave out \
             --compare (make check COMPARE=)",
            listed(&missing)
        )));
    }
    let pkb = args.how.pkb.client(&args.progress.monitor)?;
    Comparison::new(&args.how, Arc::new(pkb), args.clock.clock(), &args.progress)
}

/// What a comparison found, and what an upload would do.
fn told(rows: &ComparedRows) -> String {
    let mut text = ComparisonReport::new(rows, Known::Full).to_string();
    if let Some(refusal) = &rows.refusal {
        text.push_str(&format!(
            "\n{refusal}.\nAn upload of this file would stop before anything is sent. {}.\n",
            refusal.if_the_file_is_right()
        ));
    }
    text
}

/// Shows what each column is taken for.
///
/// # Errors
/// The file cannot be read; or its header lacks something, after all columns have been shown.
pub fn columns(args: &ColumnsArgs) -> Result<ExitCode, Fatal> {
    let overview = ColumnOverview::read(&args.file.options()?)?;
    app::print(&overview.to_string())?;
    overview.refusal.map_or(Ok(ExitCode::Done), Err)
}
