//! How many letters go to one address.

use super::rows::RowSet;
use crate::fields::{Household, Row};

/// Most letters at an address that are told apart.
pub const MOST: usize = 5;

/// Letters by how many go to their address. For each number of letters there is the set of addresses
/// (by the first row of their household) that have at least so many.
#[derive(Debug, Default)]
pub struct Households {
    alone: u64,
    letters: u64,
    at_least: [RowSet; MOST],
}

impl Households {
    /// Counts the letter of a row.
    pub fn count(&mut self, row: &Row<'_>, household: Option<&Household>) {
        self.letters += 1;
        match household {
            None => self.alone += 1,
            Some(household) => {
                for addresses in &mut self.at_least {
                    if addresses.insert_number(&row.file, household.first_row) {
                        break;
                    }
                }
            }
        }
    }

    /// All letters.
    #[must_use]
    pub fn letters(&self) -> u64 {
        self.letters
    }

    /// All addresses.
    #[must_use]
    pub fn addresses(&self) -> u64 {
        self.alone + self.at_least[0].len()
    }

    /// For 1 to [`MOST`] (or more) letters: addresses, and the letters that go there.
    #[must_use]
    pub fn by_letters(&self) -> [(u64, u64); MOST] {
        let at_least: Vec<u64> = self.at_least.iter().map(RowSet::len).collect();
        let mut left = self.letters;
        std::array::from_fn(|at| {
            let more = at_least.get(at + 1).copied().unwrap_or(0);
            let alone = if at == 0 { self.alone } else { 0 };
            let addresses = at_least[at] - more + alone;
            let letters = if at + 1 == MOST {
                left
            } else {
                addresses * (at as u64 + 1)
            };
            left -= letters;
            (addresses, letters)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letters_of(sizes: &[u64]) -> Households {
        let mut households = Households::default();
        for (first_row, size) in (2..).zip(sizes) {
            for _ in 0..*size {
                let row = Row {
                    file: "p.csv".into(),
                    number: 1,
                    of: 1,
                };
                let household = (*size > 1).then_some(Household { first_row });
                households.count(&row, household.as_ref());
            }
        }
        households
    }

    proptest! {
        #[test]
        fn addresses_and_letters_add_up(sizes in proptest::collection::vec(1_u64..9, 0..40)) {
            let by_letters = letters_of(&sizes).by_letters();
            for (at, counted) in by_letters.iter().enumerate() {
                let most = at + 1 == MOST;
                let is_here = |size: &&u64| **size == at as u64 + 1 || most && **size > MOST as u64;
                let here: Vec<u64> = sizes.iter().filter(is_here).copied().collect();
                prop_assert_eq!(*counted, (here.len() as u64, here.iter().sum::<u64>()));
            }
        }
    }
}
