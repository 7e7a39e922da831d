//! Rows of the patient file in a message to the operator.

use std::fmt;

use crate::figures::grouped;

/// Rows, the first few by their numbers: `rows 5, 9, 12 and 4 more`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    first: Vec<u64>,
    count: u64,
}

impl Rows {
    /// Rows that are named.
    const NAMED: usize = 5;

    /// One more row.
    pub fn add(&mut self, row: u64) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(row);
        }
    }

    /// So many rows, the first few of which are those that `first` begins with.
    pub fn of_many(first: impl Iterator<Item = u64>, count: u64) -> Self {
        let named = Self::NAMED.min(usize::try_from(count).unwrap_or(usize::MAX));
        Self {
            first: first.take(named).collect(),
            count,
        }
    }

    /// How many they are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// A number with its noun: `1 text`, `2 texts`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub fn listed(names: &[&str]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Lines for the operator about things of which there may be many: all are counted, and the first few are told.
#[derive(Debug, Clone, Default)]
pub struct FirstFew {
    told: Vec<String>,
    count: u64,
}

impl FirstFew {
    /// Lines that are told.
    const TOLD: usize = 20;

    /// One more.
    pub fn add(&mut self, line: String) {
        self.count += 1;
        if self.told.len() < Self::TOLD {
            self.told.push(line);
        }
    }

    /// All of `other` behind these.
    pub fn join(&mut self, other: Self) {
        let count = self.count + other.count;
        other.told.into_iter().for_each(|line| self.add(line));
        self.count = count;
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first few, and how many more there are.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let more = self.count - self.told.len() as u64;
        let more = (more > 0).then(|| format!("and {more} more"));
        self.told.iter().cloned().chain(more)
    }
}

impl FromIterator<u64> for Rows {
    fn from_iter<T: IntoIterator<Item = u64>>(numbers: T) -> Self {
        let mut rows = Self::default();
        numbers.into_iter().for_each(|number| rows.add(number));
        rows
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.first.iter().map(u64::to_string).collect();
        let word = if self.count == 1 { "row" } else { "rows" };
        write!(f, "{word} {}", numbers.join(", "))?;
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lines_the_first_are_told_and_all_are_counted() {
        let of = |from, until| {
            let mut lines = FirstFew::default();
            (from..until).for_each(|number: u64| lines.add(number.to_string()));
            lines
        };
        assert_eq!(of(0, 20).lines().count(), 20);
        let mut joined = of(0, 15);
        joined.join(of(15, 45));
        let lines: Vec<String> = joined.lines().collect();
        assert_eq!((joined.count(), lines.len()), (45, 21));
        assert_eq!(
            (lines[19].as_str(), lines[20].as_str()),
            ("19", "and 25 more")
        );
    }

    #[test]
    fn the_first_rows_are_named_and_the_others_counted() {
        let mut rows = Rows::default();
        rows.add(5);
        assert_eq!(rows.to_string(), "row 5");
        assert_eq!(
            (5..12).collect::<Rows>().to_string(),
            "rows 5, 6, 7, 8, 9 and 2 more"
        );
    }
}
