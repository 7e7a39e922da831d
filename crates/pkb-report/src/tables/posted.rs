//! What became of letters.

use pkb_core::record::PrintStatus;

use super::table::{Cell, Column, NamedRows, ROWS_NAMED, Reader, Section, Table};
use crate::{
    figures::{Figures, rows::RowSet},
    words::counted,
};

/// The section; `None` without letters.
pub(super) fn section(figures: &Figures) -> Option<Section> {
    let posted = &figures.posted;
    if posted.letters == 0 {
        return None;
    }
    let lead = match posted.has_reports() {
        true => "Dispatched is the last word on ordinary post. Nobody reports that a letter has arrived.".to_owned(),
        false => format!(
            "There are no reports on {}. It is not known whether they were posted. To read the mail company's reports: pkb returns.",
            counted(posted.letters, "letter", "letters")
        ),
    };
    let tables = [statuses(figures), reasons(figures), to_look_after(figures)];
    Some(Section {
        reader: Reader::Operator,
        id: "posted",
        title: "What became of the letters",
        lead: vec![lead],
        tables: tables
            .into_iter()
            .filter(|table| !table.rows.is_empty())
            .collect(),
    })
}

fn words(status: Option<PrintStatus>) -> &'static str {
    match status {
        None => "No word",
        Some(PrintStatus::Accepted) => "Accepted",
        Some(PrintStatus::Rejected) => "Rejected",
        Some(PrintStatus::Printed) => "Printed",
        Some(PrintStatus::Enclosed) => "In the envelope",
        Some(PrintStatus::Failed) => "Could not be produced",
        Some(PrintStatus::Cancelled) => "Cancelled",
        Some(PrintStatus::Forwarded) => "Handed to a specialist",
        Some(PrintStatus::Dispatched) => "Dispatched",
        Some(PrintStatus::Delivered) => "Reached the patient",
        Some(PrintStatus::Returned) => "Came back",
    }
}

fn statuses(figures: &Figures) -> Table {
    let columns = [
        Column::text("status", "Status"),
        Column::count("letters", "Letters"),
        Column::share("share", "Share"),
    ];
    let mut table = Table::new(
        "print_statuses",
        "Letters by what was reported last",
        &columns,
    )
    .narrow();
    for (status, count) in &figures.posted.statuses {
        let cells = vec![
            words(*status).into(),
            Cell::Count(*count),
            Cell::Share(*count, figures.posted.letters),
        ];
        table.row(status.map_or("no_word", PrintStatus::as_str), cells);
    }
    table
}

fn reasons(figures: &Figures) -> Table {
    let columns = [
        Column::text("reason", "Reason"),
        Column::text("code", "Code"),
        Column::count("letters", "Letters"),
    ];
    let mut table = Table::new("return_reasons", "Letters that came back", &columns).narrow();
    for (reason, count) in &figures.posted.reasons {
        let cells = vec![
            reason.words().into(),
            reason.code().into(),
            Cell::Count(*count),
        ];
        table.row(reason.code(), cells);
    }
    table
}

fn to_look_after(figures: &Figures) -> Table {
    let posted = &figures.posted;
    let columns = [
        Column::text("what", "What"),
        Column::count("patients", "Patients"),
        Column::rows("Row numbers"),
    ];
    let mut table = Table::new(
        "letters_to_look_after",
        "Letters that somebody has to look after",
        &columns,
    );
    let all: [(&str, &str, &RowSet); 5] = [
        (
            "returned",
            "Came back: trace the patient, and correct the address",
            &posted.returned,
        ),
        (
            "not_produced",
            "Not produced: print again",
            &posted.not_produced,
        ),
        (
            "twice",
            "Dispatched more than once: ask the mail company",
            &posted.twice,
        ),
        (
            "no_word",
            "No word for too long: ask the mail company",
            &posted.no_word,
        ),
        (
            "too_late",
            "Not dispatched, and the codes expire before the letter can arrive: fetch new codes",
            &posted.too_late,
        ),
    ];
    for (key, words, rows) in all.into_iter().filter(|(_, _, rows)| !rows.is_empty()) {
        let named = NamedRows::of(rows, figures, ROWS_NAMED);
        table.row(
            key,
            vec![words.into(), Cell::Count(rows.len()), Cell::Rows(named)],
        );
    }
    table
}
