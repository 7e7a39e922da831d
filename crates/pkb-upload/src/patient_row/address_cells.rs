//! Cells of an address, put together as its lines: house numbers before their streets, and whole addresses in one
//! cell, taken apart.

use std::borrow::Cow;

use pkb_core::record::NoLetter;
use pkb_values::{AddressLine, Postcode, Problem};

use super::{Address, RowCheck};
use crate::columns::Field;

/// What separates the lines of an address in one cell.
const SEPARATORS: [char; 5] = [',', ';', '|', '\n', '\r'];

/// Fields that begin with a house number, the first that is filled.
const STREETS: [Field; 2] = [Field::Street, Field::Address1];

impl<'a> RowCheck<'a> {
    /// The lines of a cell of an address, with line breaks between them; empty if the file has no such column,
    /// `None` if it is not text.
    pub(super) fn address_cell(&self, field: Field) -> Option<Cow<'a, str>> {
        let text = self.cell(field)?;
        if !self.columns.composes_address() {
            return Some(Cow::Borrowed(text));
        }
        let changed = match field {
            _ if text.is_empty() => None,
            Field::FullAddress => Some(WholeAddress::of(text).lines.join("\n")),
            // It goes before the street.
            Field::HouseNumber if self.street().is_some() => Some(String::new()),
            Field::Building if self.numbers_the_house(text) => Some(String::new()),
            // Where the street has a number of its own, this one is of a flat.
            Field::Flat | Field::Building if is_house_number(text) && self.is_of_flats(field) => {
                Some(format!("Flat {}", text.trim()))
            }
            Field::Street | Field::Address1 if self.street() == Some(field) => {
                self.house_number().map(|number| with_number(number, text))
            }
            _ => None,
        };
        Some(changed.map_or(Cow::Borrowed(text), Cow::Owned))
    }

    /// The field that has the street.
    fn street(&self) -> Option<Field> {
        STREETS
            .into_iter()
            .find(|field| self.filled(*field).is_some())
    }

    /// The number that goes before the street.
    fn house_number(&self) -> Option<&'a str> {
        self.filled(Field::HouseNumber).or_else(|| {
            self.filled(Field::Building)
                .filter(|text| self.numbers_the_house(text))
        })
    }

    /// Whether the name of a building is but the number of the house: its street has none.
    fn numbers_the_house(&self, building: &str) -> bool {
        let has_number = |field: Field| {
            let street = self.cell(field).unwrap_or_default().trim_start();
            street.starts_with(|c: char| c.is_ascii_digit())
        };
        is_house_number(building)
            && self.filled(Field::HouseNumber).is_none()
            && self.street().is_some_and(|street| !has_number(street))
    }

    /// A cell that has something in it.
    fn filled(&self, field: Field) -> Option<&'a str> {
        self.cell(field).filter(|text| !text.trim().is_empty())
    }

    /// Whether a column may have the numbers of flats, by its header.
    fn is_of_flats(&self, field: Field) -> bool {
        let header = self.columns.place(field).map(|at| self.columns.header(at));
        field == Field::Flat || header.is_some_and(|header| header.to_lowercase().contains("flat"))
    }

    /// The line of a whole address that says the same as the column of the town or county.
    pub(super) fn line_of_whole_address(
        &self,
        lines: &[AddressLine],
        field: Field,
        text: &str,
    ) -> Option<usize> {
        self.columns.place(Field::FullAddress)?;
        let is_part = matches!(field, Field::Town | Field::County);
        let is_same =
            |line: &AddressLine| line.expose_line().to_lowercase() == text.trim().to_lowercase();
        is_part.then(|| lines.iter().position(is_same)).flatten()
    }

    /// Compares the postcodes in a whole address with that of its column, which may be empty.
    pub(super) fn compare_post_codes(
        &mut self,
        address: &mut Address,
        post_code: &mut Option<Postcode>,
    ) {
        if self.columns.place(Field::FullAddress).is_none() {
            return;
        }
        let whole = WholeAddress::of(self.cell(Field::FullAddress).unwrap_or_default());
        let Some(first) = whole.post_codes.first() else {
            return;
        };
        if post_code.is_none() && self.filled(Field::PostCode).is_none() {
            *post_code = Some(first.clone());
        }
        let differs = |other: &Postcode| post_code.as_ref().is_some_and(|code| code != other);
        if whole.post_codes.iter().any(differs) {
            let problem = Problem::PostcodesDiffer;
            self.keep_letter_back(Field::FullAddress, problem, NoLetter::Address);
            *address = Address::default();
            *post_code = None;
        }
    }
}

/// An address that is in one cell.
struct WholeAddress {
    lines: Vec<String>,
    post_codes: Vec<Postcode>,
}

impl WholeAddress {
    /// Takes it apart at commas, semicolons, bars and line breaks, or where it has none at gaps of two spaces or
    /// more. A number on its own goes before the part that follows.
    fn of(text: &str) -> Self {
        let parts: Vec<&str> = if text.contains(SEPARATORS) {
            text.split(SEPARATORS).collect()
        } else {
            text.trim().split("  ").collect()
        };
        let mut post_codes = Vec::new();
        let mut lines: Vec<String> = Vec::new();
        let mut number = None;
        for part in parts {
            let (part, post_code) = without_post_code(part.trim().trim_end_matches('.'));
            post_codes.extend(post_code);
            if part.is_empty() {
                continue;
            }
            let line = match number.take() {
                Some(number) => format!("{number} {part}"),
                None => part.to_owned(),
            };
            if is_house_number(part) {
                number = Some(line);
            } else {
                lines.push(line);
            }
        }
        lines.extend(number);
        Self { lines, post_codes }
    }
}

/// Cuts off a postcode at the end of a part.
fn without_post_code(part: &str) -> (&str, Option<Postcode>) {
    let from_last = |count: usize| {
        let mut gaps = part.rmatch_indices(char::is_whitespace);
        gaps.nth(count).map_or(0, |(at, gap)| at + gap.len())
    };
    // "NE1 4ST" is two words, and a part may be nothing else.
    for words in [1, 0] {
        let at = from_last(words);
        if let Ok(post_code) = Postcode::parse(&part[at..]) {
            return (part[..at].trim(), Some(post_code));
        }
    }
    (part, None)
}

/// Whether a text is nothing but the number of a house: `12`, `12a`, `3-5`.
fn is_house_number(text: &str) -> bool {
    let mut parts = text.trim().split('-').map(str::trim);
    let is_number = |part: &str| {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && part.len() <= digits.len() + 1
    };
    text.len() <= 10 && parts.all(is_number)
}

/// A street with its number, unless it has that already.
fn with_number(number: &str, street: &str) -> String {
    let (number, street) = (number.trim(), street.trim());
    let has_it = street
        .strip_prefix(number)
        .is_some_and(|rest| rest.starts_with([' ', ',']));
    if has_it {
        street.to_owned()
    } else {
        format!("{number} {street}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken_apart(text: &str) -> (Vec<String>, Vec<String>) {
        let WholeAddress { lines, post_codes } = WholeAddress::of(text);
        let codes = post_codes
            .iter()
            .map(|code| code.expose_postcode().to_owned());
        (lines, codes.collect())
    }

    #[test]
    fn an_address_in_one_cell_is_taken_apart() {
        for text in [
            "1 Mill Lane, Heaton, Newcastle upon Tyne, NE1 4ST",
            "1, Mill Lane, Heaton, Newcastle upon Tyne., ne14st",
            "1 Mill Lane;Heaton;Newcastle upon Tyne NE1 4ST;",
            "1 Mill Lane\r\nHeaton\r\nNewcastle upon Tyne\r\nNE1 4ST",
            "1 Mill Lane   Heaton  Newcastle upon Tyne  NE1 4ST",
        ] {
            let (lines, codes) = taken_apart(text);
            assert_eq!(
                lines,
                ["1 Mill Lane", "Heaton", "Newcastle upon Tyne"],
                "{text}"
            );
            assert_eq!(codes, ["NE1 4ST"], "{text}");
        }
        let (lines, _) = taken_apart("Flat 2, 3-5, Mill Lane");
        assert_eq!(lines, ["Flat 2", "3-5 Mill Lane"]);
        assert!(taken_apart("").0.is_empty());
    }

    #[test]
    fn a_house_number_goes_before_its_street_once() {
        assert_eq!(with_number("12", "Mill Lane"), "12 Mill Lane");
        assert_eq!(with_number("12", "12 Mill Lane"), "12 Mill Lane");
        assert_eq!(with_number("1", "12 Mill Lane"), "1 12 Mill Lane");
        for text in ["12", "12a", "3-5", " 7 "] {
            assert!(is_house_number(text), "{text}");
        }
        for text in ["", "Flat 2", "12 Mill", "a", "-", "12ab"] {
            assert!(!is_house_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_an_address_is_lost(text in "[0-9a-zA-Z ,;\n]{0,40}") {
            let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            let WholeAddress { lines, post_codes } = WholeAddress::of(&text);
            let codes: usize = post_codes.iter().map(|code| count(code.expose_postcode())).sum();
            prop_assert_eq!(count(&lines.concat()) + codes, count(&text));
        }
    }
}
