//! How many rows got how far, and why the others did not.

use pkb_core::{Kind, Reason};

use super::{
    kept,
    table::{Cell, Column, NamedRows, ROWS_NAMED, Reader, Section, Table},
};
use crate::{
    figures::{
        Figures,
        before_upload::Before,
        funnel::{End, Step},
    },
    words::{counted, list},
};

/// Patients by what became of them. It has no place of its own on the page: its figures stand at the top.
#[must_use]
pub fn headline(figures: &Figures) -> Table {
    let columns = [
        Column::text("end", "What became of them"),
        Column::count("count", "Patients"),
        Column::share("share", "Share of all patients"),
    ];
    let mut table = Table::new("headline", "What became of the patients", &columns);
    let rows = figures.rows();
    let mut add = |key: &str, words: &str, count| {
        let cells = vec![words.into(), Cell::Count(count), Cell::Share(count, rows)];
        table.row(key, cells);
    };
    add("rows", "Patients in the file", rows);
    for end in End::ALL {
        add(end.key(), end_words(end), figures.ended(end));
    }
    add("missing", "Not in this stream", figures.missing());
    table
}

/// What the page calls an end.
#[must_use]
pub fn end_words(end: End) -> &'static str {
    match end {
        End::Invited => "Invited",
        End::Excluded => "Not to be invited",
        End::ToFix => "To correct in the patient file",
        End::Failed => "Failed for now",
        End::UnderWay => "Still under way",
    }
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::Row => "In the patient file",
        Step::Uploaded => "Uploaded to PKB",
        Step::Found => "Found at PKB",
        Step::MayBeInvited => "May be invited",
        Step::Codes => "Have codes",
        Step::Invited => "Invited by letter or text",
    }
}

pub(super) fn how_far(figures: &Figures) -> Option<Section> {
    Some(Section {
        reader: Reader::Board,
        id: "steps",
        title: "From the patient file to the invitation",
        lead: vec!["The last column shows patients lost at each step.".to_owned()],
        tables: vec![funnel(figures)],
    })
}

/// What came, and what PKB had of it.
pub(super) fn files(figures: &Figures) -> Option<Section> {
    let files = patient_files(figures);
    // One file stands at the top of the page.
    let files = (files.rows.len() > 1 || figures.missing() > 0).then_some(files);
    let traces = Some(kept::trace_files(figures)).filter(|table| !table.rows.is_empty());
    let tables: Vec<Table> = [before_upload(figures), files, traces]
        .into_iter()
        .flatten()
        .collect();
    (!tables.is_empty()).then(|| Section {
        reader: Reader::Operator,
        id: "sources",
        title: "Where the figures come from",
        lead: Vec::new(),
        tables,
    })
}

/// The steps from a row to an invitation, and to a registered patient if that is known.
fn funnel(figures: &Figures) -> Table {
    let columns = [
        Column::text("step", "Step"),
        Column::count("count", "Patients"),
        Column::share("share", "Share of all patients"),
        Column::text("lost", "Lost at this step"),
    ];
    let mut table = Table::new("funnel", "Patients who reached each step", &columns);
    let rows = figures.rows();
    let mut before: Option<Step> = None;
    for step in Step::ALL {
        let (count, lost) = match before {
            None => (rows, "–".to_owned()),
            Some(before) => (
                figures.reached(step),
                lost_in_words(&lost_after(figures, before)),
            ),
        };
        let cells = vec![
            step_words(step).into(),
            Cell::Count(count),
            Cell::Share(count, rows),
            lost.into(),
        ];
        table.row(step.key(), cells);
        before = Some(step);
    }
    let uptake = figures.uptake.all;
    if uptake.asked > 0 {
        // Who has died since the invitation is lost, too.
        let mut lost = lost_after(figures, Step::Invited);
        let not_yet = uptake.invited - uptake.registered;
        if not_yet > 0 {
            lost.push(counted(not_yet, "not yet", "not yet"));
        }
        let cells = vec![
            "Joined".into(),
            Cell::Count(uptake.registered),
            Cell::Share(uptake.registered, rows),
            lost_in_words(&lost).into(),
        ];
        table.row("registered", cells);
    }
    table
}

/// What PKB had of the patients before the upload.
fn before_upload(figures: &Figures) -> Option<Table> {
    let before_upload = &figures.before_upload;
    let all = before_upload.all();
    if all == 0 {
        return None;
    }
    let columns = [
        Column::text("before", "What PKB had before the upload"),
        Column::count("count", "Patients"),
        Column::share("share", "Share of these patients"),
    ];
    let mut table = Table::new("before_upload", "What PKB had before the upload", &columns);
    for before in Before::ALL {
        let rows = before_upload.rows(before);
        if rows > 0 {
            let cells = vec![
                before.words().into(),
                Cell::Count(rows),
                Cell::Share(rows, all),
            ];
            table.row(before.key(), cells);
        }
    }
    Some(table)
}

/// What ended after `step` and before the next: `12 to correct`, `3 not to be invited`.
fn lost_after(figures: &Figures, step: Step) -> Vec<String> {
    let ended = |end| figures.funnel.ended_after(step, end);
    let mut lost = Vec::new();
    for (end, words) in [
        (End::Excluded, "not to be invited"),
        (End::ToFix, "to correct in the file"),
        (End::Failed, "failed for now"),
        (End::UnderWay, "still under way"),
    ] {
        if ended(end) > 0 {
            lost.push(counted(ended(end), words, words));
        }
    }
    if step == Step::Row && figures.missing() > 0 {
        lost.push(counted(
            figures.missing(),
            "not in this stream",
            "not in this stream",
        ));
    }
    lost
}

fn lost_in_words(lost: &[String]) -> String {
    if lost.is_empty() {
        "nothing".to_owned()
    } else {
        list(lost)
    }
}

/// The patient files, and how many of their rows came.
fn patient_files(figures: &Figures) -> Table {
    let columns = [
        Column::text("file", "Patient file"),
        Column::count("rows", "Rows"),
        Column::count("arrived", "In this stream"),
    ];
    let mut table = Table::new("patient_files", "Patient files", &columns).narrow();
    for (file, arrived, rows) in figures.completeness.files() {
        table.row(
            file,
            vec![file.into(), Cell::Count(rows), Cell::Count(arrived)],
        );
    }
    table
}

/// A reason for people: `Bad national id`.
pub(super) fn in_words(reason: Reason) -> String {
    let words = reason.as_str().replace('_', " ");
    let words = words.replace("pkb", "PKB").replace("utf8", "UTF-8");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

pub(super) fn outcomes(figures: &Figures) -> Option<Section> {
    if figures.outcomes.is_empty() {
        return None;
    }
    let columns = [
        Column::text("words", "Reason, and what to do"),
        Column::under("advice"),
        Column::under("reason"),
        Column::silent("kind"),
        Column::under("stage"),
        Column::count("count", "Rows"),
        Column::count("also", "And also"),
        Column::rows("Row numbers"),
    ];
    let kinds = [
        (
            Kind::Rejected,
            "outcomes_to_mend",
            "To correct in the patient file",
        ),
        (
            Kind::Failed,
            "outcomes_failed",
            "Failed for now: run the same command again",
        ),
        (Kind::Excluded, "outcomes_excluded", "Not to be invited"),
    ];
    let mut tables = Vec::new();
    for (of_kind, id, caption) in kinds {
        let mut table = Table::new(id, caption, &columns);
        let reasons = figures
            .outcomes
            .iter()
            .filter(|(_, kind, _, _)| *kind == of_kind);
        for (stage, kind, reason, rows) in reasons {
            let named = if rows.first.is_empty() {
                &rows.also
            } else {
                &rows.first
            };
            let cells = vec![
                in_words(reason).into(),
                reason.advice().into(),
                Cell::Word(reason.as_str()),
                Cell::Word(kind.as_str()),
                Cell::Word(stage.program()),
                Cell::Count(rows.first.len()),
                Cell::Count(rows.also.len()),
                Cell::Rows(NamedRows::of(named, figures, ROWS_NAMED)),
            ];
            table.row(format!("{}/{}", stage.as_str(), reason.as_str()), cells);
        }
        if !table.rows.is_empty() {
            tables.push(table);
        }
    }
    Some(Section {
        reader: Reader::Operator,
        id: "outcomes",
        title: "Which rows were stopped, and what to do",
        lead: vec![
            "A row is counted under its most serious reason. “And also” counts rows that were stopped for a different reason and \
             also have this one. All row numbers are in rows.csv (--csv)."
                .to_owned(),
        ],
        tables,
    })
}
