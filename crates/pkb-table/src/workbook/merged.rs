//! Cells that are merged into one: the first shows its value, and covers the others. These may still hold values that nobody sees.

use super::trouble::Trouble;

/// More merged cells than in any patient file.
const MAX_MERGED: usize = 1 << 20;

/// Cells that are covered by others, asked for in the order of the rows.
#[derive(Default)]
pub(super) struct Merged {
    /// The first and the last cell of each group, the last groups first.
    groups: Vec<Group>,
    /// Those that reach the row that was asked for last.
    open: Vec<Group>,
}

/// The first and the last cell, as row and column from 0.
pub(super) type Group = ((u32, u32), (u32, u32));

impl Merged {
    /// From groups in any order.
    ///
    /// # Errors
    /// There are more than in any patient file.
    pub(super) fn new(mut groups: Vec<Group>) -> Result<Self, Trouble> {
        if groups.len() > MAX_MERGED {
            return Err(Trouble::TooLarge("the number of its merged cells"));
        }
        groups.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Self {
            groups,
            open: Vec::new(),
        })
    }

    /// Whether another cell covers this one. Rows must come in order.
    pub(super) fn covers(&mut self, place: (u32, u32)) -> bool {
        let (row, column) = place;
        while self.groups.last().is_some_and(|(first, _)| first.0 <= row) {
            self.open.extend(self.groups.pop());
        }
        if self.open.is_empty() {
            return false;
        }
        self.open.retain(|(_, last)| last.0 >= row);
        self.open
            .iter()
            .any(|(first, last)| *first != place && (first.1..=last.1).contains(&column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cells_of_a_group_are_covered_but_the_first() {
        let groups = vec![((4, 0), (4, 1)), ((1, 2), (3, 3)), ((1, 5), (1, 6))];
        let mut merged = Merged::new(groups).unwrap();
        let mut covered = Vec::new();
        for row in 0..6 {
            for column in 0..8 {
                if merged.covers((row, column)) {
                    covered.push((row, column));
                }
            }
        }
        let expected = [(1, 3), (1, 6), (2, 2), (2, 3), (3, 2), (3, 3), (4, 1)];
        assert_eq!(covered, expected);
    }
}
