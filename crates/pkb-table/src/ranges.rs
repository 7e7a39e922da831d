//! Rows or columns of a sheet, as ranges of numbers.

use std::fmt::{self, Display};

/// So many ranges are named.
const NAMED: usize = 6;

/// Numbers from 0, as ranges in ascending order that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Adds the numbers from `first` to `last`, both included.
    pub(super) fn add(&mut self, first: u32, last: u32) {
        match self.0.last_mut() {
            Some((from, to)) if first >= *from && first <= to.saturating_add(1) => {
                *to = last.max(*to);
            }
            Some((_, to)) if first <= *to => {
                self.0.push((first, last));
                self.join();
            }
            _ => self.0.push((first, last)),
        }
    }

    fn join(&mut self) {
        let mut ranges = std::mem::take(&mut self.0);
        ranges.sort_unstable();
        for (first, last) in ranges {
            self.add(first, last);
        }
    }

    /// Whether a number is one of them.
    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after
            .checked_sub(1)
            .is_some_and(|at| number <= self.0[at].1)
    }

    /// How many numbers they are.
    pub fn count(&self) -> u64 {
        let length = |(first, last): &(u32, u32)| u64::from(last - first) + 1;
        self.0.iter().map(length).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The numbers that a spreadsheet shows for rows, from 1: `4, 7-9 and 12`.
impl Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named: Vec<String> = self
            .0
            .iter()
            .take(NAMED)
            .map(|(first, last)| match last - first {
                0 => (first + 1).to_string(),
                _ => format!("{}-{}", first + 1, last + 1),
            })
            .collect();
        if self.0.len() > NAMED {
            let shown: u64 = Self(self.0[..NAMED].to_vec()).count();
            named.push(format!("{} more", self.count() - shown));
        }
        match named.split_last() {
            Some((last, others)) if !others.is_empty() => {
                write!(f, "{} and {last}", others.join(", "))
            }
            _ => f.write_str(&named.concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn ranges_are_shown_with_the_numbers_of_a_spreadsheet() {
        let mut rows = Ranges::default();
        assert_eq!(rows.to_string(), "");
        rows.add(3, 3);
        assert_eq!(rows.to_string(), "4");
        rows.add(6, 7);
        rows.add(8, 8);
        assert_eq!(rows.to_string(), "4 and 7-9");
        for row in [20, 30, 40, 50, 60, 70] {
            rows.add(row, row + 1);
        }
        assert_eq!(
            rows.to_string(),
            "4, 7-9, 21-22, 31-32, 41-42, 51-52 and 4 more"
        );
    }

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(added in prop::collection::vec((0_u32..60, 0_u32..6), 0..20)) {
            let mut ranges = Ranges::default();
            let mut numbers = BTreeSet::new();
            for (first, length) in added {
                ranges.add(first, first + length);
                numbers.extend(first..=first + length);
            }
            prop_assert_eq!(ranges.count(), numbers.len() as u64);
            for number in 0..70 {
                prop_assert_eq!(ranges.contains(number), numbers.contains(&number));
            }
        }
    }
}
