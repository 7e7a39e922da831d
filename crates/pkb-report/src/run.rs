//! From arguments to files.

use std::{io::Read, os::unix::fs::MetadataExt as _, path::Path};

use pkb_cli::progress::tell;
use pkb_core::{
    ExitCode, Fatal,
    ndjson::{NdjsonError, NdjsonReader},
};
use pkb_files::atomic_file::AtomicFile;

use crate::{
    args::ReportArgs,
    csv_files,
    fields::Fields,
    figures::{Figures, funnel::End},
    json::ReportFigures,
    page::{Page, page},
    price, tables,
    words::{counted, number},
};

/// What every page begins with.
const PAGE_BEGINNING: &str = r#"<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy""#;
/// What all figures as JSON begin with.
const JSON_BEGINNING: &str = "{\n  \"schema\": \"pkb-report/";

/// Reads the stream and writes the report. What is wrong with the stream stands in the report; the page
/// is written whenever there was a record or nothing at all.
///
/// # Errors
/// The stream is not one; a file cannot be read or written; or rows are missing, and then the report has
/// been written all the same.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Fatal> {
    if args.clock.is_fixed() {
        tell(
            "pkb report: note: the time is fixed (PKB_FIXED_TIME). This is not for a real campaign",
        );
    }
    refuse_to_overwrite_the_input(args)?;
    // Begun now: a place that cannot be written, or has something else, shows before the work.
    let (what, beginning) = ("a report", [PAGE_BEGINNING]);
    let page_file = AtomicFile::create_instead(&args.out, what, &beginning)?;
    let json_file = args.json.as_deref().map(|path| {
        let (what, beginning) = ("a report's figures", [JSON_BEGINNING]);
        AtomicFile::create_instead(path, what, &beginning)
    });
    let json_file = json_file.transpose()?;
    let earlier = args
        .earlier
        .iter()
        .map(|path| ReportFigures::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut figures = Figures::new(args.clock.clock(), args.reminder_after, args.no_word_after);
    read(args.input().reader()?, &mut figures)?;
    let headline = tables::headline(&figures);
    let sections = tables::sections(&figures, args);
    let tables = [&headline]
        .into_iter()
        .chain(sections.iter().flat_map(|section| &section.tables));
    let json = ReportFigures::of(&figures, tables.clone());
    if let Some(folder) = &args.csv {
        csv_files::write(folder, tables, &figures)?;
    }
    if let Some(file) = json_file {
        file.finish_with(&json.to_json()?)?;
    }
    let page = page(&Page {
        title: args.title.as_deref().unwrap_or("Campaign report"),
        cost: price::sentence(&figures, args.letter_price, args.text_price),
        figures: &figures,
        headline: &headline,
        sections: &sections,
        files: &json.patient_files,
        earlier: &earlier,
        is_time_fixed: args.clock.is_fixed(),
    });
    page_file.finish_with(page.0.as_bytes())?;
    tell(summary(&figures, &args.out));
    let ended = say_what_is_missing(&figures, args.partial);
    if figures.of_rehearsal > 0 {
        tell(format!(
            "pkb report: REHEARSAL: {} from a rehearsal. The report says so, and is not one on a campaign",
            counted(figures.of_rehearsal, "record is", "records are")
        ));
    }
    ended
}

/// Counts every record of `input`. Lines that are no records are noted and passed over.
fn read(input: impl Read, figures: &mut Figures) -> Result<(), Fatal> {
    let mut reader = NdjsonReader::new(input);
    loop {
        match reader.read_fields::<Fields<'_>>() {
            Ok(Some(fields)) => figures.count(&fields),
            Ok(None) => break,
            Err(NdjsonError::Read(source)) => {
                return Err(Fatal::io("cannot read the input", source));
            }
            Err(error) => figures.unreadable.note(&error),
        }
    }
    match &figures.unreadable.first {
        Some(error) if figures.records() == 0 => Err(Fatal::Input(error.clone())),
        _ => Ok(()),
    }
}

/// The report replaces what has its name: not the records that it is about.
fn refuse_to_overwrite_the_input(args: &ReportArgs) -> Result<(), Fatal> {
    let file = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
    let Some(input) = args.input().input.as_deref().and_then(file) else {
        return Ok(());
    };
    let outputs = [Some(&args.out), args.json.as_ref()];
    for output in outputs.into_iter().flatten() {
        if file(output) == Some(input) {
            return Err(Fatal::Usage(format!(
                "{} is the record stream itself. Choose a different name for the report",
                output.display()
            )));
        }
    }
    Ok(())
}

fn summary(figures: &Figures, out: &Path) -> String {
    let ends = [
        (End::Invited, "invited"),
        (End::Excluded, "not to be invited"),
        (End::ToFix, "to correct in the patient file"),
        (End::Failed, "failed for now"),
        (End::UnderWay, "still under way"),
    ];
    let ends: Vec<String> = ends
        .into_iter()
        .filter(|(end, _)| figures.ended(*end) > 0)
        .map(|(end, words)| format!("{} {words}", number(figures.ended(end))))
        .collect();
    format!(
        "pkb report: {}: {}. The page: {}",
        counted(figures.records(), "record", "records"),
        ends.join(", "),
        out.display()
    )
}

fn say_what_is_missing(figures: &Figures, partial: bool) -> Result<ExitCode, Fatal> {
    if figures.repeated > 0 {
        tell(format!(
            "pkb report: {} came more than once and {} counted once. Give each file once",
            counted(figures.repeated, "row", "rows"),
            if figures.repeated == 1 { "was" } else { "were" }
        ));
    }
    if let Some(error) = &figures.unreadable.first {
        return Err(Fatal::Input(format!(
            "{} could not be read and {} not in the report, which says so: {error}",
            counted(figures.unreadable.lines, "line", "lines"),
            if figures.unreadable.lines == 1 {
                "is"
            } else {
                "are"
            }
        )));
    }
    match figures.completeness.check() {
        Err(incomplete) if !partial => Err(Fatal::Input(format!(
            "{incomplete}. The report is written, and says so. If rows are missing on purpose: --partial"
        ))),
        _ => Ok(ExitCode::Done),
    }
}
