//! A table on the page, with its chart, bars for shares, and what has changed.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    json::ReportFigures,
    tables::{Cell, Column, ColumnKind, NamedRows, Table, TableRow},
    words::{change, counted, number, share},
};

/// Earlier reports, as columns.
pub(super) struct Comparison<'a>(Vec<(String, &'a ReportFigures)>);

impl<'a> Comparison<'a> {
    pub(super) fn new(earlier: &'a [ReportFigures], now: Timestamp) -> Self {
        Self(
            earlier
                .iter()
                .map(|report| (since(report, now), report))
                .collect(),
        )
    }

    /// What has changed in a cell: how much, and since when.
    pub(super) fn changes(&self, table: &Table, row: &TableRow) -> Vec<(String, &str)> {
        let Some(at) = table.compared_column() else {
            return Vec::new();
        };
        let Cell::Count(now) = row.cells[at] else {
            return Vec::new();
        };
        self.0
            .iter()
            .map(|(since, report)| {
                let before = report.count(table.id, &row.key, table.columns[at].key);
                let changed = before.map_or("–".to_owned(), |before| change(before, now));
                (changed, since.as_str())
            })
            .collect()
    }
}

pub(super) fn table(table: &Table, comparison: &Comparison<'_>) -> Markup {
    let visible = |kind| !matches!(kind, ColumnKind::Under | ColumnKind::Silent);
    let columns = table
        .columns
        .iter()
        .filter(|column| visible(column.kind))
        .count();
    let markup = html! {
        table class=[table.narrow.then_some("narrow")] {
            caption id={ (table.id) "-caption" } { (table.caption) }
            thead { tr { (headings(table, comparison)) } }
            tbody {
                @for row in table.rows.iter().take(table.most_shown) { tr { (cells(table, row, comparison)) } }
            }
        }
        @if let Some(more @ 1..) = table.rows.len().checked_sub(table.most_shown) {
            p .soft { "And " (counted(more as u64, "more row", "more rows")) ": all of them are in " (table.id) ".csv (--csv)." }
        }
    };
    // Many columns are moved sideways on a telephone.
    let markup = html! {
        @if columns > 5 {
            section .scroll tabindex="0" aria-labelledby={ (table.id) "-caption" } { (markup) }
        } @else {
            div .table { (markup) }
        }
    };
    html! {
        @if let Some(chart) = &table.chart {
            (chart.markup())
            details { summary { "The same as a table" } (markup) }
        } @else {
            (markup)
        }
    }
}

fn headings(table: &Table, comparison: &Comparison<'_>) -> Markup {
    html! {
        @for (at, column) in table.columns.iter().enumerate() {
            @match column.kind {
                ColumnKind::Under | ColumnKind::Silent => {}
                _ => th scope="col" class=[class_of(column)] { (column.title) }
            }
            @if table.compared_column() == Some(at) {
                @for (since, _) in &comparison.0 { th scope="col" .number .change { (since) } }
            }
        }
    }
}

fn class_of(column: &Column) -> Option<&'static str> {
    match column.kind {
        ColumnKind::Count => Some("number"),
        ColumnKind::Share => Some("share"),
        ColumnKind::Rows => Some("rows"),
        ColumnKind::Text | ColumnKind::Under | ColumnKind::Silent => None,
    }
}

fn cells(table: &Table, row: &TableRow, comparison: &Comparison<'_>) -> Markup {
    html! {
        @for (at, (column, cell)) in table.columns.iter().zip(&row.cells).enumerate() {
            @match (at, column.kind) {
                (0, _) => th scope="row" { (content(cell)) (beneath(table, row)) }
                (_, ColumnKind::Under | ColumnKind::Silent) => {}
                _ => td class=[class_of(column)] { (content(cell)) }
            }
            @if table.compared_column() == Some(at) {
                @for (changed, _) in comparison.changes(table, row) { td .number .change { (changed) } }
            }
        }
    }
}

/// What stands under the heading of a row: words of the programs on one line, sentences after it.
fn beneath(table: &Table, row: &TableRow) -> Markup {
    let cells = table.columns.iter().zip(&row.cells);
    let under = cells.filter(|(column, _)| column.kind == ColumnKind::Under);
    let (words, sentences): (Vec<_>, Vec<_>) = under
        .map(|(_, cell)| cell)
        .partition(|cell| matches!(cell, Cell::Word(_)));
    html! {
        @for sentence in sentences { span .under { (content(sentence)) } }
        @if !words.is_empty() {
            span .under {
                @for (at, word) in words.into_iter().enumerate() {
                    @if at > 0 { " · " }
                    (content(word))
                }
            }
        }
    }
}

fn content(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Text(text) => bdi { (text) },
            Cell::Word(word) => code { (word) },
            Cell::Count(0) => span .zero { "0" },
            Cell::Count(count) => (number(*count)),
            Cell::Few => span .few { "few" },
            Cell::Share(part, whole) => {
                span { (share(*part, *whole)) }
                (bar(*part, *whole))
            }
            Cell::Rows(rows) => (named(rows)),
        }
    }
}

/// A bar for a share that stands in words before it.
fn bar(part: u64, whole: u64) -> Markup {
    let percent = if whole == 0 {
        0.0
    } else {
        100.0 * part as f64 / whole as f64
    };
    html! {
        svg .bar aria-hidden="true" {
            rect .track width="100%" height="100%" {}
            rect .fill width={ (format!("{percent:.2}")) "%" } height="100%" {}
        }
    }
}

fn named(rows: &NamedRows) -> Markup {
    html! {
        @for (at, (file, row)) in rows.first.iter().enumerate() {
            @if at > 0 { ", " }
            @if let Some(file) = file { bdi { (file) } ": " }
            (row)
        }
        @if rows.more > 0 { " and " (number(rows.more)) " more" }
    }
}

/// The day of an earlier report, as headings have it.
fn since(earlier: &ReportFigures, now: Timestamp) -> String {
    format!("since {}", earlier.when(now))
}
