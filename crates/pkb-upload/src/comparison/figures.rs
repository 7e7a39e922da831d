//! What a comparison with PKB comes to: counts, whether the file may be sent, and what it looks like if not.

use std::fmt;

use pkb_core::rows::{Rows, counted, listed};

use super::{
    differences::{Differences, Moved},
    values::ComparedColumn,
};
use crate::limit::Limit;

/// How much may differ before nothing is sent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Known patients with a different date of birth, name, or a value of a neighbour's row.
    pub mismatches: Limit,
    /// Known patients who live in another house.
    pub address_changes: Limit,
}

/// Why nothing of a file may be sent. Shown, it is what was found and what it looks like.
#[derive(Debug)]
pub struct ComparisonRefusal {
    found: String,
    looks: String,
    is_about_addresses: bool,
}

impl ComparisonRefusal {
    /// What to do if it is PKB that is wrong, and not the file.
    pub fn if_the_file_is_right(&self) -> &'static str {
        if self.is_about_addresses {
            "If the addresses of the file are right, and PKB's are old, run the same command with: --max-address-changes 100%"
        } else {
            "If the file is right and PKB is wrong, raise --max-mismatches. Then only rows whose date of birth or whole \
             name differs are left out"
        }
    }
}

impl fmt::Display for ComparisonRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.found, self.looks)
    }
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Figures {
    /// Patients without a record at PKB.
    pub new: u64,
    /// Patients with a record that PKB shows.
    pub known: u64,
    /// Patients with a record that PKB does not show.
    pub no_access: u64,
    /// Patients without a clear answer.
    pub unclear: u64,
    /// Rows that must not be uploaded.
    pub mismatched: Rows,
    /// Known patients whose name would change.
    pub names: u64,
    /// Known patients whose address would change.
    pub addresses: u64,
    /// Known patients whose house is another one at PKB.
    homes: u64,
    /// Known patients without a date of birth at PKB.
    pub no_date: u64,
    /// Dates of birth whose day and month are the other way round at PKB.
    swapped: u64,
    /// These are patients of a sample.
    is_sample: bool,
    columns: [ColumnFigures; ComparedColumn::ALL.len()],
}

/// Of known patients.
#[derive(Debug, Default)]
struct ColumnFigures {
    differs: u64,
    down: Shift,
    up: Shift,
    /// The first and the last row that differs.
    rows: Option<(u64, u64)>,
}

/// What speaks for a column having moved in one direction.
#[derive(Debug, Default)]
struct Shift {
    /// Rows that have a neighbour's value, and whose own is with the other neighbour.
    moved: u64,
    /// Known patients one after the other whose value is different, and in the next row of the file; the last such run,
    /// and the longest.
    run: u64,
    longest: u64,
}

impl Shift {
    fn count(&mut self, differences: Differences, column: ComparedColumn, moved: Moved) {
        self.moved += u64::from(differences.has_moved(column, moved));
        if differences.is_next_door(column, moved) {
            // A family has the same value, wherever it moves.
            self.run += u64::from(differences.differs(column));
        } else {
            self.run = 0;
        }
        self.longest = self.longest.max(self.run);
    }

    /// How many rows say that it has moved.
    fn rows(&self) -> u64 {
        let run = if self.longest >= SHORTEST_RUN {
            self.longest
        } else {
            0
        };
        self.moved.max(run)
    }
}

impl ColumnFigures {
    /// In which direction at least half of what differs has moved.
    fn moved(&self) -> Option<Moved> {
        let (down, up) = (self.down.rows(), self.up.rows());
        let (most, moved) = if down >= up {
            (down, Moved::Down)
        } else {
            (up, Moved::Up)
        };
        (most >= FEWEST_MOVED && most * 2 >= self.differs).then_some(moved)
    }
}

/// Fewer values than this in a neighbour's row may be there by chance: families live together.
const FEWEST_MOVED: u64 = 3;
/// A shorter run may be there by chance: of somebody who has left home.
const SHORTEST_RUN: u64 = 3;

impl Figures {
    /// For a sample of the known patients.
    pub fn of_a_sample() -> Self {
        Self {
            is_sample: true,
            ..Self::default()
        }
    }

    /// Counts a patient whose record PKB shows.
    pub fn count_known(&mut self, row: u64, differences: Differences) {
        self.known += 1;
        if differences.mismatch().is_some() {
            self.mismatched.add(row);
        } else {
            self.names += u64::from(differences.changes_name());
            self.addresses += u64::from(differences.changes_address());
        }
        self.homes += u64::from(differences.changes_home());
        self.no_date += u64::from(differences.has_no_date());
        self.swapped += u64::from(differences.is_swapped());
        for (column, figures) in ComparedColumn::ALL.into_iter().zip(&mut self.columns) {
            figures.down.count(differences, column, Moved::Down);
            figures.up.count(differences, column, Moved::Up);
            if !differences.differs(column) {
                continue;
            }
            figures.differs += 1;
            let (first, last) = figures.rows.unwrap_or((row, row));
            figures.rows = Some((first.min(row), last.max(row)));
        }
    }

    /// Patients with a clear answer of PKB.
    pub fn told(&self) -> u64 {
        self.new + self.known
    }

    /// Why nothing of the file may be sent, if so. `in_order` says whether the dates of birth of the file are sorted.
    pub fn refusal(&self, limits: Limits, in_order: bool) -> Option<ComparisonRefusal> {
        let limit = limits.mismatches;
        let rows_differ = self
            .too_many_mismatches(limit)
            .or_else(|| self.too_much_moved(limit))
            .or_else(|| self.too_much_different(limit));
        let (found, looks, is_about_addresses) = match rows_differ {
            Some(found) => (found, self.looks_like(in_order), false),
            None => (
                self.too_many_addresses(limits.address_changes)?,
                self.addresses_look_like(),
                true,
            ),
        };
        Some(ComparisonRefusal {
            found,
            looks,
            is_about_addresses,
        })
    }

    /// More patients than allowed live in another house than at PKB: so many do not move.
    fn too_many_addresses(&self, limit: Limit) -> Option<String> {
        limit
            .is_clearly_exceeded(self.homes, self.known)
            .then(|| self.have(self.homes, "a different address"))
    }

    /// More rows than allowed have a different date of birth or name.
    fn too_many_mismatches(&self, limit: Limit) -> Option<String> {
        let mismatched = self.mismatched.count();
        if !limit.is_clearly_exceeded(mismatched, self.known) {
            return None;
        }
        let dates = self.of(ComparedColumn::DateOfBirth).differs;
        let what = match (dates, mismatched - dates) {
            (_, 0) => "a different date of birth",
            (0, _) => "a different first and last name",
            _ => "a different date of birth or name",
        };
        Some(self.have(mismatched, what))
    }

    /// More rows than allowed have a name or address that PKB has for the patient in the next row.
    fn too_much_moved(&self, limit: Limit) -> Option<String> {
        ComparedColumn::ALL.into_iter().find_map(|column| {
            let moved = self.of(column).down.rows().max(self.of(column).up.rows());
            limit.is_clearly_exceeded(moved, self.known).then(|| {
                let what = format!("a different {}", column.words());
                self.have(self.of(column).differs, &what)
            })
        })
    }

    /// Most rows have another name than PKB: no population changes so much.
    fn too_much_different(&self, limit: Limit) -> Option<String> {
        let columns = [ComparedColumn::FirstName, ComparedColumn::LastName];
        columns.into_iter().find_map(|column| {
            let differs = self.of(column).differs;
            let most = differs * 2 > self.known && limit.is_clearly_exceeded(differs, self.known);
            most.then(|| self.have(differs, &format!("a different {}", column.words())))
        })
    }

    fn have(&self, differ: u64, what: &str) -> String {
        let have = if differ == 1 { "has" } else { "have" };
        let known = counted(self.known, "known patient", "known patients");
        let sample = if self.is_sample { "a sample of " } else { "" };
        format!("{differ} of {sample}{known} {have} {what} at PKB")
    }

    /// What is wrong with the file, in all likelihood.
    fn looks_like(&self, in_order: bool) -> String {
        let moved: Vec<(ComparedColumn, Moved)> = ComparedColumn::ALL
            .into_iter()
            .filter_map(|column| Some((column, self.of(column).moved()?)))
            .collect();
        let dates = self.of(ComparedColumn::DateOfBirth).differs;
        // Names that moved do not explain dates that did not.
        let explains = |column: &ComparedColumn| self.of(*column).differs > dates * 2;
        if let Some((_, first)) = moved
            .first()
            .filter(|(column, _)| *column == ComparedColumn::DateOfBirth || explains(column))
        {
            return self.looks_moved(&moved, *first);
        }
        if dates > 0 && self.swapped * 2 >= dates {
            return "it looks as if day and month of the dates of birth are the wrong way round (--dates)"
                .to_owned();
        }
        if dates > 0 && in_order {
            return "the dates of birth are in order: it looks as if this column was sorted without the others"
                .to_owned();
        }
        "it looks as if the national numbers belong to different patients".to_owned()
    }

    fn addresses_look_like(&self) -> String {
        let moved: Vec<(ComparedColumn, Moved)> = [
            ComparedColumn::Street,
            ComparedColumn::HouseNumber,
            ComparedColumn::Postcode,
        ]
        .into_iter()
        .filter_map(|column| Some((column, self.of(column).moved()?)))
        .collect();
        match moved.first() {
            Some((_, first)) => self.looks_moved(&moved, *first),
            None => "it looks as if the addresses are in the rows of other patients".to_owned(),
        }
    }

    fn looks_moved(&self, moved: &[(ComparedColumn, Moved)], first: Moved) -> String {
        let is_all = |columns: &[ComparedColumn]| {
            let all_same = moved.iter().all(|(_, direction)| *direction == first);
            all_same
                && columns
                    .iter()
                    .all(|column| moved.iter().any(|(m, _)| m == column))
        };
        let direction = |moved: Moved| match moved {
            Moved::Down => "down",
            Moved::Up => "up",
        };
        // Where everything else has moved, it is the number that did, and the other way.
        if is_all(&[
            ComparedColumn::DateOfBirth,
            ComparedColumn::FirstName,
            ComparedColumn::LastName,
        ]) {
            let way = match first {
                Moved::Down => Moved::Up,
                Moved::Up => Moved::Down,
            };
            return format!(
                "it looks as if the column of the national numbers moved {} by a row{}",
                direction(way),
                self.span(ComparedColumn::DateOfBirth)
            );
        }
        let columns: Vec<&str> = moved
            .iter()
            .filter(|(_, way)| *way == first)
            // A whole line that moved has taken its number along.
            .filter(|(column, _)| {
                *column != ComparedColumn::HouseNumber
                    || !moved.contains(&(ComparedColumn::Street, first))
            })
            .map(|(column, _)| column.words())
            .collect();
        let noun = if columns.len() == 1 {
            "column"
        } else {
            "columns"
        };
        let names = listed(&columns);
        let span = moved.first().map(|(column, _)| self.span(*column));
        format!(
            "it looks as if the {noun} {names} moved {} by a row{}",
            direction(first),
            span.unwrap_or_default()
        )
    }

    /// Where a column differs: ` (rows 2 to 101)`.
    fn span(&self, column: ComparedColumn) -> String {
        let rows = self.of(column).rows;
        rows.map_or_else(String::new, |(first, last)| {
            format!(" (rows {first} to {last})")
        })
    }

    fn of(&self, column: ComparedColumn) -> &ColumnFigures {
        &self.columns[column as usize]
    }
}
