//! How often each kind of finding was made, and where first.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    finding::{Finding, Place, Severity},
    normalised::Normalised,
};

/// So many rows of a kind are named.
const FIRST_ROWS: usize = 5;
/// So many different values of a kind are named.
const VALUES: usize = 10;

/// All findings of a file, summed up by kind.
#[derive(Debug, Default)]
pub struct Counts {
    kinds: BTreeMap<(Severity, Place, &'static str), Count>,
    normalised: Normalised,
}

/// One kind of finding.
#[derive(Debug)]
pub struct Count {
    /// How many rows have it.
    pub rows: u64,
    /// The first of them.
    pub first: Vec<u32>,
    /// The words, to follow the name of the place.
    pub words: String,
    /// What to do.
    pub advice: &'static str,
    /// Values that are not understood, as they may be shown, with the first row of each. Those that are kept have the earliest
    /// rows, so that it does not matter in which order parts of the file are read.
    values: BTreeMap<String, u32>,
    has_more_values: bool,
}

impl Counts {
    /// Counts a finding of a row.
    pub fn add(&mut self, row: u32, finding: &Finding) {
        let kind = (finding.severity, finding.place, finding.fault.code());
        let count = self.kinds.entry(kind).or_insert_with(|| Count {
            rows: 0,
            first: Vec::with_capacity(FIRST_ROWS),
            words: finding.fault.words(),
            advice: finding.fault.advice(),
            values: BTreeMap::new(),
            has_more_values: false,
        });
        count.rows += 1;
        count.add_first(row);
        if let Some(shown) = finding.fault.shown() {
            count.add_value(shown, row);
        }
    }

    /// Whether a place has a fault of this code.
    pub fn has(&self, place: Place, code: &str) -> bool {
        self.kinds
            .keys()
            .any(|(_, other, fault)| *other == place && *fault == code)
    }

    /// The columns with a fault of this code, and how many rows have it there.
    pub fn of_columns(&self, code: &str) -> impl Iterator<Item = (usize, &Count)> {
        self.kinds
            .iter()
            .filter_map(move |((_, place, fault), count)| match place {
                Place::Column(at) if *fault == code => Some((*at, count)),
                _ => None,
            })
    }

    /// Counts values of a row that are kept in another way than they are written.
    pub fn add_normalised(&mut self, normalised: Normalised) {
        self.normalised.join(normalised);
    }

    /// Values that are kept in another way than they are written.
    pub fn normalised(&self) -> Normalised {
        self.normalised
    }

    /// Takes over what was counted in other rows of the same file. In which order does not matter: all that
    /// is kept of a kind is the number of its rows and the smallest of them.
    pub fn join(&mut self, other: Self) {
        self.normalised.join(other.normalised);
        for (kind, others) in other.kinds {
            match self.kinds.entry(kind) {
                Entry::Vacant(free) => {
                    free.insert(others);
                }
                Entry::Occupied(mut own) => {
                    let own = own.get_mut();
                    own.rows += others.rows;
                    others.first.into_iter().for_each(|row| own.add_first(row));
                    own.has_more_values |= others.has_more_values;
                    for (value, row) in &others.values {
                        own.add_value(value, *row);
                    }
                }
            }
        }
    }

    /// The kinds, the gravest first and within them the most frequent first.
    pub fn sorted(&self) -> Vec<(Severity, Place, &Count)> {
        let mut kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|((severity, place, _), count)| (*severity, *place, count))
            .collect();
        kinds.sort_by_key(|(severity, _, count)| {
            (severity.heading(), std::cmp::Reverse(count.rows))
        });
        kinds
    }
}

impl Count {
    fn add_first(&mut self, row: u32) {
        let at = self.first.partition_point(|earlier| *earlier <= row);
        if at < FIRST_ROWS {
            self.first.insert(at, row);
            self.first.truncate(FIRST_ROWS);
        }
    }

    fn add_value(&mut self, shown: &str, row: u32) {
        match self.values.get_mut(shown) {
            Some(first) => *first = row.min(*first),
            None => {
                self.values.insert(shown.to_owned(), row);
            }
        }
        if self.values.len() > VALUES {
            let last = self.values.iter().max_by_key(|(_, row)| **row);
            if let Some(last) = last.map(|(value, _)| value.clone()) {
                self.values.remove(&last);
                self.has_more_values = true;
            }
        }
    }

    /// `"2" (row 4), "Xxxx" (row 9)`, by row.
    pub fn values_in_words(&self) -> Option<String> {
        let mut values: Vec<(&String, &u32)> = self.values.iter().collect();
        values.sort_by_key(|(value, row)| (**row, *value));
        let named = values
            .iter()
            .map(|(value, row)| format!("\"{value}\" (row {row})"));
        let named: Vec<String> = named.collect();
        let more = if self.has_more_values { ", …" } else { "" };
        (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
    }

    /// `row 4`, or `rows 4, 9, …`.
    pub fn rows_in_words(&self) -> String {
        let numbers: Vec<String> = self.first.iter().map(u32::to_string).collect();
        let more = if self.rows > self.first.len() as u64 {
            ", …"
        } else {
            ""
        };
        let row = if self.rows == 1 { "row" } else { "rows" };
        format!("{row} {}{more}", numbers.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{columns::Field, finding::Fault};
    use pkb_values::Problem;

    #[test]
    fn a_kind_has_its_count_and_its_first_rows_in_order() {
        let finding = Finding {
            place: Place::Field(Field::Mobile),
            fault: Fault::Value(Problem::NotAMobile),
            severity: Severity::LeftOut,
        };
        let mut counts = Counts::default();
        for row in [9, 8, 7, 6, 5, 4, 3] {
            counts.add(row, &finding);
        }
        let sorted = counts.sorted();
        assert_eq!(sorted.len(), 1);
        assert_eq!(sorted[0].2.rows_in_words(), "rows 3, 4, 5, 6, 7, …");
        assert_eq!(sorted[0].2.rows, 7);
    }
}
