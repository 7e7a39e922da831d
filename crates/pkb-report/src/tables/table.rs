//! What a table is.

use std::collections::BTreeMap;

use crate::{
    charts::ColumnChart,
    figures::{Figures, rows::RowSet},
};

/// Rows named on the page for each reason; all of them are in rows.csv.
pub const ROWS_NAMED: usize = 12;

/// Whom a part of the page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Those who ask how the campaign stands: numbers of patients, and no words of the programs.
    Board,
    /// Those who run it: reasons, row numbers, files.
    Operator,
}

/// A part of the page.
#[derive(Debug)]
pub struct Section {
    /// Whom it is for.
    pub reader: Reader,
    /// Name in links.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What to know before the tables.
    pub lead: Vec<String>,
    /// Tables, with their charts.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Name of the CSV file and key in JSON: `outcomes`.
    pub id: &'static str,
    /// What it shows.
    pub caption: String,
    /// The first is the heading of its row.
    pub columns: Vec<Column>,
    /// Rows in the order in which they are shown.
    pub rows: Vec<TableRow>,
    /// Rows that the page shows; all of them are in the CSV.
    pub most_shown: usize,
    /// The same as a picture.
    pub chart: Option<ColumnChart>,
    /// Whether figures are compared with an earlier report. Not where numbers of few patients are
    /// hidden: a small change would tell as much.
    pub compared: bool,
    /// Whether the table is narrow enough to stand beside another.
    pub narrow: bool,
}

impl Table {
    /// All tables that a report may have.
    pub const IDS: [&str; 30] = [
        "headline",
        "funnel",
        "before_upload",
        "outcomes_to_mend",
        "outcomes_failed",
        "outcomes_excluded",
        "kept_by_source",
        "trace_files",
        "codes_end",
        "uptake_channels",
        "uptake_variants",
        "uptake_areas",
        "uptake_weeks",
        "reminders",
        "channels",
        "languages",
        "formats",
        "designs",
        "editions",
        "spreadsheets",
        "files",
        "print_statuses",
        "return_reasons",
        "letters_to_look_after",
        "dispatches",
        "households",
        "areas",
        "days",
        "hours",
        "patient_files",
    ];

    /// A table without rows.
    pub fn new(id: &'static str, caption: impl Into<String>, columns: &[Column]) -> Self {
        debug_assert!(Self::IDS.contains(&id), "table {id}");
        Self {
            id,
            caption: caption.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
            most_shown: usize::MAX,
            chart: None,
            compared: true,
            narrow: false,
        }
    }

    /// The same, narrow.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// Adds a row: its name in JSON, and its cells.
    pub fn row(&mut self, key: impl Into<String>, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "table {}", self.id);
        self.rows.push(TableRow {
            key: key.into(),
            cells,
        });
    }

    /// Whether it says nothing but that all are of one kind. The CSV and the JSON have it, the page has not.
    #[must_use]
    pub fn is_of_one_kind(&self) -> bool {
        let [row] = self.rows.as_slice() else {
            return false;
        };
        let is_all = |cell: &Cell| matches!(cell, Cell::Share(part, whole) if part == whole);
        self.chart.is_none() && row.cells.iter().any(is_all)
    }

    /// The column that is compared: the first with counts.
    #[must_use]
    pub fn compared_column(&self) -> Option<usize> {
        let is_count = |column: &Column| column.kind == ColumnKind::Count;
        self.columns
            .iter()
            .position(is_count)
            .filter(|_| self.compared)
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name in CSV and JSON.
    pub key: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What is in it.
    pub kind: ColumnKind,
}

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words.
    Text,
    /// Words that the page shows under the heading of the row, not in a column of their own.
    Under,
    /// Words that are in the CSV only.
    Silent,
    /// Numbers.
    Count,
    /// Parts of a whole, with a bar.
    Share,
    /// Row numbers: on the page only the first, in CSV and JSON none.
    Rows,
}

impl Column {
    /// A column of words.
    #[must_use]
    pub const fn text(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title, ColumnKind::Text)
    }

    /// Words under the heading of the row.
    #[must_use]
    pub const fn under(key: &'static str) -> Self {
        Self::new(key, "", ColumnKind::Under)
    }

    /// Words for the CSV only.
    #[must_use]
    pub const fn silent(key: &'static str) -> Self {
        Self::new(key, "", ColumnKind::Silent)
    }

    /// A column of numbers.
    #[must_use]
    pub const fn count(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title, ColumnKind::Count)
    }

    /// A column of shares.
    #[must_use]
    pub const fn share(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title, ColumnKind::Share)
    }

    /// A column of row numbers.
    #[must_use]
    pub const fn rows(title: &'static str) -> Self {
        Self::new("", title, ColumnKind::Rows)
    }

    const fn new(key: &'static str, title: &'static str, kind: ColumnKind) -> Self {
        Self { key, title, kind }
    }
}

/// A row of a table.
#[derive(Debug)]
pub struct TableRow {
    /// The name in JSON, which an earlier report has, too.
    pub key: String,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A word of the programs: `not_found`.
    Word(&'static str),
    /// A number.
    Count(u64),
    /// A number that is not shown, because it is of few patients.
    Few,
    /// A part of a whole.
    Share(u64, u64),
    /// Rows, by their numbers.
    Rows(NamedRows),
}

impl Cell {
    /// A number, or that it is of few patients.
    #[must_use]
    pub fn count_or_few(count: Option<u64>) -> Self {
        count.map_or(Self::Few, Self::Count)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The first rows of a set.
#[derive(Debug, Clone)]
pub struct NamedRows {
    /// Name of the patient file (only where there is more than one) and row numbers.
    pub first: Vec<(Option<String>, u64)>,
    /// How many more there are.
    pub more: u64,
}

impl NamedRows {
    /// The first `most` rows of `rows`; with the names of files if the campaign has several.
    #[must_use]
    pub fn of(rows: &RowSet, figures: &Figures, most: usize) -> Self {
        let is_one_file = figures.completeness.files().count() < 2;
        let first: Vec<_> = rows
            .iter()
            .take(most)
            .map(|(file, number)| ((!is_one_file).then(|| file.to_owned()), number))
            .collect();
        Self {
            more: rows.len() - first.len() as u64,
            first,
        }
    }
}

/// A narrow table of how `whole` is divided, in the order given.
pub(super) fn division<'a>(
    id: &'static str,
    caption: &str,
    what: &'static str,
    counts: impl IntoIterator<Item = (&'a str, String, u64)>,
) -> Table {
    let columns = [
        Column::text("what", what),
        Column::count("count", "Number"),
        Column::share("share", "Share"),
    ];
    let mut table = Table::new(id, caption, &columns).narrow();
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(_, _, count)| *count > 0)
        .collect();
    let whole = counts.iter().map(|(_, _, count)| count).sum();
    for (key, words, count) in counts {
        let cells = vec![words.into(), Cell::Count(count), Cell::Share(count, whole)];
        table.row(key, cells);
    }
    table
}

/// The count of `key`, or 0.
pub(super) fn of<K: Ord>(counts: &BTreeMap<K, u64>, key: &K) -> u64 {
    counts.get(key).copied().unwrap_or(0)
}
