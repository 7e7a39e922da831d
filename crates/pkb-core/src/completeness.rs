//! Did every row of the patient file arrive? A pipe cannot tell "the end" from "the program before
//! me died", so each record says how many rows its file has.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use crate::{record::Row, rows::Rows};
use pkb_files::shown;

/// Which rows of which files have been seen.
#[derive(Debug, Default)]
pub struct Completeness {
    files: BTreeMap<String, SeenRows>,
}

#[derive(Debug)]
struct SeenRows {
    of: u64,
    numbers: RoaringTreemap,
}

/// What is wrong with the set of rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Fewer rows than the file has.
    #[error("input ended early: {seen} of {of} rows of {} arrived", shown::in_line(.file))]
    Missing {
        /// Name of the patient file.
        file: String,
        /// Rows that arrived.
        seen: u64,
        /// Rows that the file has.
        of: u64,
    },
    /// Not even one row.
    #[error("input ended before the first row")]
    Nothing,
}

impl Completeness {
    /// Notes a row. `false` if the same row has been noted before.
    pub fn note(&mut self, row: &Row) -> bool {
        self.note_number(&row.file, row.number, row.of)
    }

    /// Notes row `number` of `file`, which has `of` rows. `false` if it has been noted before.
    pub fn note_number(&mut self, file: &str, number: u64, of: u64) -> bool {
        // Nearly always the file is the one before: no allocation then.
        if let Some(seen) = self.files.get_mut(file) {
            seen.of = seen.of.max(of);
            return seen.numbers.insert(number);
        }
        let numbers = RoaringTreemap::from_iter([number]);
        self.files.insert(file.to_owned(), SeenRows { of, numbers });
        true
    }

    /// The files in the order of their names: name, rows that arrived, rows that the file has.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.files
            .iter()
            .map(|(name, rows)| (name.as_str(), rows.numbers.len(), rows.of))
    }

    /// Rows that the files seen so far have together.
    pub fn total(&self) -> u64 {
        self.files
            .values()
            .fold(0, |sum, seen| seen.of.saturating_add(sum))
    }

    /// Checks that all rows arrived.
    ///
    /// # Errors
    /// The first file that is short of rows. An input without any row is an error too: a stage
    /// before this one that died at once looks just like that.
    pub fn check(&self) -> Result<(), Incomplete> {
        if self.files.is_empty() {
            return Err(Incomplete::Nothing);
        }
        for (file, rows) in &self.files {
            let seen = rows.numbers.len();
            if seen < rows.of {
                return Err(Incomplete::Missing {
                    file: file.clone(),
                    seen,
                    of: rows.of,
                });
            }
        }
        Ok(())
    }
}

/// Rows of a file that did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    /// Name of the patient file.
    pub file: String,
    /// Rows that arrived.
    pub seen: u64,
    /// Rows that the file has.
    pub of: u64,
    /// Numbers that did not arrive. A file may have empty rows, whose numbers nobody has: then they are more than
    /// the rows that are missing.
    pub numbers: Rows,
}

impl Completeness {
    /// What is missing of the files seen so far.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        let short = self.files.iter();
        let short = short.filter(|(_, rows)| rows.numbers.len() < rows.of);
        short.map(|(file, rows)| {
            // The header is row 1. Rows may be missing behind the last that came.
            let last = rows.numbers.max().unwrap_or_default();
            let last = last.max(rows.of.saturating_add(1));
            Gap {
                file: file.clone(),
                seen: rows.numbers.len(),
                of: rows.of,
                numbers: absent(&rows.numbers, last),
            }
        })
    }
}

/// The numbers from 2 to `last` that are not in `numbers`. Only the first few are looked for one by one.
fn absent(numbers: &RoaringTreemap, last: u64) -> Rows {
    let named = (2..=last).filter(|number| !numbers.contains(*number));
    let present = numbers.rank(last) - numbers.rank(1);
    Rows::of_many(named, last.saturating_sub(1) - present)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(file: &str, number: u64, of: u64) -> Row {
        Row {
            file: file.into(),
            number,
            of,
            unknown: Default::default(),
        }
    }

    #[test]
    fn a_file_is_complete_when_each_of_its_rows_came_once() {
        let mut seen = Completeness::default();
        assert_eq!(seen.check(), Err(Incomplete::Nothing));
        for number in 2..=4 {
            assert!(seen.note(&row("a.csv", number, 3)));
        }
        assert_eq!(seen.check(), Ok(()));
    }

    #[test]
    fn a_repeated_row_does_not_stand_in_for_a_missing_one() {
        let mut seen = Completeness::default();
        assert!(seen.note(&row("a.csv", 2, 2)));
        assert!(!seen.note(&row("a.csv", 2, 2)));
        assert_eq!(
            seen.check(),
            Err(Incomplete::Missing {
                file: "a.csv".into(),
                seen: 1,
                of: 2
            })
        );
    }

    #[test]
    fn each_of_several_files_must_be_complete() {
        let mut seen = Completeness::default();
        seen.note(&row("a.csv", 2, 1));
        seen.note(&row("b.csv", 2, 2));
        assert_eq!(seen.total(), 3);
        assert!(seen.check().is_err());
        seen.note(&row("b.csv", 3, 2));
        assert!(seen.check().is_ok());
    }

    #[test]
    fn numbers_that_did_not_arrive_are_named_also_those_at_the_end() {
        let mut seen = Completeness::default();
        for number in [2, 4, 5] {
            seen.note(&row("a.csv", number, 6));
        }
        seen.note(&row("b.csv", 2, 1));
        let gaps: Vec<Gap> = seen.gaps().collect();
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].seen, gaps[0].of), (3, 6));
        assert_eq!(gaps[0].numbers.to_string(), "rows 3, 6, 7");
    }
}
