//! In what a patient's row differs from PKB, in one number, so that it can be noted in the journal without a value.

use pkb_core::{Reason, Verdict};

use super::values::{ComparedColumn, Values};
use crate::pkb_file::SentColumns;

/// In what a row differs from what PKB has of the patient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences(u64);

/// Where PKB's value is in the file instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// In the row below: the column moved down.
    Down,
    /// In the row above: the column moved up.
    Up,
}

/// A row above or below another, as far as it is there and PKB has told of its patient.
#[derive(Debug, Clone, Copy, Default)]
pub struct Neighbour<'a> {
    /// What the file says.
    pub ours: Option<&'a Values>,
    /// What PKB says.
    pub theirs: Option<&'a Values>,
}

/// Bits of a column: it differs, it moved down, it moved up, PKB's value is in the row below, or above.
const BITS: u32 = 5;
/// The address as a whole differs.
const ADDRESS: u64 = 1 << 30;
/// Day and month are the other way round.
const SWAPPED: u64 = 1 << 31;
/// PKB has no date of birth.
const NO_DATE: u64 = 1 << 32;
/// The address is that of another house.
const HOME: u64 = 1 << 33;
/// All bits that there are.
const ALL: u64 = (1 << 34) - 1;

impl Differences {
    /// Compares a row with what PKB has (`theirs`). `above` and `below` are its neighbours in the file.
    ///
    /// A value has moved down if PKB's is in the row below, and the row has that of the patient above. Of dates of birth the
    /// first is enough. Of names and addresses it is not: families have neighbouring rows, and whoever leaves home or marries
    /// leaves the old value in the row of somebody else. Where PKB does not know the patient above, only many rows
    /// together tell ([`Self::is_next_door`]).
    pub fn between(
        ours: &Values,
        theirs: &Values,
        above: Neighbour<'_>,
        below: Neighbour<'_>,
    ) -> Self {
        let agree = |one: Option<&Values>, other: &Values, column| {
            one.is_some_and(|one| one.agree_in(other, column))
        };
        let mut bits = 0;
        for column in ComparedColumn::ALL {
            let does_differ = ours.differ_in(theirs, column);
            if does_differ {
                bits |= differs(column);
            }
            for (to, from, moved) in [(below, above, Moved::Down), (above, below, Moved::Up)] {
                if !agree(to.ours, theirs, column) {
                    continue;
                }
                bits |= is_next_door(column, moved);
                let is_from =
                    column == ComparedColumn::DateOfBirth || agree(from.theirs, ours, column);
                if does_differ && is_from {
                    bits |= has_moved(column, moved);
                }
            }
        }
        let is_another = |ours: u64, theirs: u64| ours != 0 && theirs != 0 && ours != theirs;
        if is_another(ours.address, theirs.address) {
            bits |= ADDRESS;
        }
        if is_another(ours.home, theirs.home) {
            bits |= HOME;
        }
        match (ours.born, theirs.born) {
            (Some(ours), Some(theirs))
                if ours != theirs
                    && (ours.year(), ours.month(), ours.day())
                        == (theirs.year(), theirs.day(), theirs.month()) =>
            {
                bits |= SWAPPED;
            }
            (_, None) => bits |= NO_DATE,
            _ => {}
        }
        Self(bits)
    }

    /// What an upload changes of that: names always, the rest only where it is sent.
    pub fn made_by(self, sent: SentColumns) -> Self {
        let mut bits = differs(ComparedColumn::FirstName) | differs(ComparedColumn::LastName);
        if sent.dates {
            bits |= NO_DATE;
        }
        if sent.addresses {
            let columns = [
                ComparedColumn::Street,
                ComparedColumn::HouseNumber,
                ComparedColumn::Postcode,
            ];
            bits |= columns
                .map(differs)
                .iter()
                .fold(ADDRESS, |all, bit| all | bit);
        }
        Self(self.0 & bits)
    }

    /// Whether PKB has by now what differed (`theirs` is what it has, `ours` what was uploaded): `None` if nothing differed, or PKB does not
    /// tell it. One value is enough: what else PKB keeps as it was is PKB's choice.
    pub fn are_made(self, ours: &Values, theirs: &Values) -> Option<bool> {
        let in_column = |column| {
            let is_told = self.differs(column) && ours.is_told_in(theirs, column);
            is_told.then(|| ours.agree_in(theirs, column))
        };
        let is_address_told = self.changes_address() && ours.address != 0 && theirs.address != 0;
        let of_address = is_address_told.then_some(ours.address == theirs.address);
        let of_date = (self.has_no_date()).then_some(ours.born == theirs.born);
        let columns = ComparedColumn::ALL.into_iter().filter_map(in_column);
        let mut made = columns.chain(of_address).chain(of_date);
        // Whether any was made, if any can be seen.
        let first = made.next()?;
        Some(first || made.any(|made| made))
    }

    /// Compares a row without its neighbours.
    #[cfg(test)]
    pub fn alone(ours: &Values, theirs: &Values) -> Self {
        Self::between(ours, theirs, Neighbour::default(), Neighbour::default())
    }

    /// The number, for the journal.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Reads what [`Self::number`] gave.
    pub fn from_number(number: u64) -> Option<Self> {
        (number & !ALL == 0).then_some(Self(number))
    }

    /// Whether the value of `column` is different.
    pub fn differs(self, column: ComparedColumn) -> bool {
        self.0 & differs(column) != 0
    }

    /// Whether PKB's value of `column` is that of a neighbour in the file.
    pub fn has_moved(self, column: ComparedColumn, moved: Moved) -> bool {
        self.0 & has_moved(column, moved) != 0
    }

    /// Whether a neighbour in the file has PKB's value of `column`: the one below if it may have moved down. In a family this
    /// is so of values that are right.
    pub fn is_next_door(self, column: ComparedColumn, moved: Moved) -> bool {
        self.0 & is_next_door(column, moved) != 0
    }

    /// Whether the first or last name differs.
    pub fn changes_name(self) -> bool {
        self.differs(ComparedColumn::FirstName) || self.differs(ComparedColumn::LastName)
    }

    /// Whether the address differs.
    pub fn changes_address(self) -> bool {
        self.0 & ADDRESS != 0
    }

    /// Whether the address is that of another house: its first two lines or its postcode differ.
    pub fn changes_home(self) -> bool {
        self.0 & HOME != 0
    }

    /// Whether day and month are the other way round at PKB.
    pub fn is_swapped(self) -> bool {
        self.0 & SWAPPED != 0
    }

    /// Whether PKB has no date of birth.
    pub fn has_no_date(self) -> bool {
        self.0 & NO_DATE != 0
    }

    /// Why the row must not be uploaded, if so: PKB's date of birth is different, or first and last name are both. One name
    /// alone is not enough: people marry, and some use a different first name.
    pub fn mismatch(self) -> Option<Verdict> {
        let names =
            self.differs(ComparedColumn::FirstName) && self.differs(ComparedColumn::LastName);
        let detail = match (self.differs(ComparedColumn::DateOfBirth), names) {
            (false, false) => return None,
            (true, false) => "PKB has a different date of birth: the row was not uploaded",
            (false, true) => {
                "PKB has a different first name and last name: the row was not uploaded"
            }
            (true, true) => {
                "PKB has a different date of birth, first name and last name: the row was not uploaded"
            }
        };
        Some(Verdict::with_detail(Reason::IdentityMismatch, detail))
    }
}

fn differs(column: ComparedColumn) -> u64 {
    1 << (column as u32 * BITS)
}

fn has_moved(column: ComparedColumn, moved: Moved) -> u64 {
    let bit = match moved {
        Moved::Down => 1,
        Moved::Up => 2,
    };
    1 << (column as u32 * BITS + bit)
}

fn is_next_door(column: ComparedColumn, moved: Moved) -> u64 {
    has_moved(column, moved) << 2
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use pkb_core::record::Patient;

    use super::*;
    use crate::comparison::values::Hasher;

    fn patient(first: &str, last: &str, born: &str, street: &str) -> Patient {
        serde_json::from_value(serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "first_name": first, "last_name": last, "date_of_birth": born,
            "address": [street, "Newcastle"], "postcode": "NE1 1XC",
        }))
        .unwrap()
    }

    #[test]
    fn a_different_date_or_two_different_names_are_a_mismatch_and_one_name_is_none() {
        let hasher = Hasher::default();
        let theirs = hasher.ours(&patient("Anna", "O'Brien", "1941-03-16", "1 High Road"));
        for (first, last, born, is_mismatch, changes_name) in [
            ("ANNA", "O\u{2019}BRIEN", "1941-03-16", false, false),
            ("Anna", "Archer", "1941-03-16", false, true),
            ("Annie", "O'Brien", "1941-03-16", false, true),
            ("Bryn", "Archer", "1941-03-16", true, true),
            ("Anna", "O'Brien", "1941-03-17", true, false),
        ] {
            let ours = hasher.ours(&patient(first, last, born, "1 HIGH ROAD"));
            let found = Differences::alone(&ours, &theirs);
            assert_eq!(
                found.mismatch().is_some(),
                is_mismatch,
                "{first} {last} {born}"
            );
            assert_eq!(found.changes_name(), changes_name, "{first} {last}");
            assert!(!found.changes_address());
            assert_eq!(Differences::from_number(found.number()), Some(found));
        }
        let ours = hasher.ours(&patient("Anna", "O'Brien", "1941-03-16", "2 High Road"));
        assert!(Differences::alone(&ours, &theirs).changes_address());
    }

    #[test]
    fn what_pkb_does_not_tell_is_not_a_difference() {
        let ours = Hasher::default().ours(&patient("Anna", "Archer", "1941-03-16", "1 High Road"));
        let found = Differences::alone(&ours, &Values::default());
        assert!(found.mismatch().is_none() && !found.changes_name() && !found.changes_address());
        assert!(found.has_no_date());
    }

    #[test]
    fn a_date_that_is_in_a_neighbours_row_has_moved() {
        let born = |day| Values {
            born: Some(date(1941, 3, day)),
            ..Values::default()
        };
        let column = ComparedColumn::DateOfBirth;
        let found = |ours, theirs, above, below| {
            let (above, below) = (born(above), born(below));
            let neighbour = |ours| Neighbour {
                ours: Some(ours),
                theirs: None,
            };
            Differences::between(
                &born(ours),
                &born(theirs),
                neighbour(&above),
                neighbour(&below),
            )
        };
        // Each row of the file has the date of the row above it.
        let down = found(1, 2, 28, 2);
        assert!(down.differs(column) && down.has_moved(column, Moved::Down));
        assert!(!down.has_moved(column, Moved::Up));
        let up = found(3, 2, 2, 4);
        assert!(up.has_moved(column, Moved::Up) && !up.has_moved(column, Moved::Down));
        let twins = found(2, 2, 2, 2);
        assert!(!twins.differs(column) && !twins.has_moved(column, Moved::Down));
    }

    #[test]
    fn a_name_has_moved_only_if_the_row_has_that_of_the_other_neighbour() {
        let named = |last_name| Values {
            last_name,
            ..Values::default()
        };
        let (baker, archer, carter) = (named(1), named(2), named(3));
        let both = |values| Neighbour {
            ours: Some(values),
            theirs: Some(values),
        };
        let column = ComparedColumn::LastName;
        let married = Differences::between(&carter, &archer, both(&archer), both(&archer));
        assert!(married.differs(column) && !married.has_moved(column, Moved::Down));
        let moved = Differences::between(&baker, &archer, both(&baker), both(&archer));
        assert!(moved.has_moved(column, Moved::Down));
    }

    #[test]
    fn day_and_month_the_other_way_round_are_seen() {
        let at = |month, day| Values {
            born: Some(date(1941, month, day)),
            ..Values::default()
        };
        assert!(Differences::alone(&at(3, 4), &at(4, 3)).is_swapped());
        assert!(!Differences::alone(&at(3, 4), &at(4, 4)).is_swapped());
        assert!(!Differences::alone(&at(3, 3), &at(3, 3)).is_swapped());
    }
}
