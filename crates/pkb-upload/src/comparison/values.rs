//! What is compared of a patient: by the patient file, and by PKB.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use jiff::civil::Date;
use pkb_client::directory::Known;
use pkb_core::record::Patient;
use pkb_values::{Postcode, names::folded_name};

use crate::pkb_file::address_cells;

/// A column whose values can be compared with PKB's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The day, which is all that FHIR tells.
    DateOfBirth,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// The first line of the address.
    Street,
    /// Numbers of house and flat, in the first two lines of the address.
    HouseNumber,
    /// Postcode.
    Postcode,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DateOfBirth,
        Self::FirstName,
        Self::LastName,
        Self::Street,
        Self::HouseNumber,
        Self::Postcode,
    ];

    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::DateOfBirth => "date of birth",
            Self::FirstName => "first name",
            Self::LastName => "last name",
            Self::Street => "address",
            Self::HouseNumber => "house number",
            Self::Postcode => "postcode",
        }
    }
}

/// The values of one patient: the date, and hashes of texts in which case, accents, punctuation and spaces do not count.
/// A hash is 0 where there is no text, or nobody tells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values {
    /// Date of birth.
    pub born: Option<Date>,
    pub(super) first_name: u64,
    pub(super) last_name: u64,
    pub(super) street: u64,
    pub(super) house_number: u64,
    pub(super) postcode: u64,
    /// All lines and the postcode.
    pub address: u64,
    /// The first two lines and the postcode: which house it is, whatever is written of town and county.
    pub home: u64,
}

impl Values {
    /// Whether both have something in `column`, and it is different.
    pub fn differ_in(&self, other: &Self, column: Column) -> bool {
        self.is_told_in(other, column) && self.of(column) != other.of(column)
    }

    /// Whether both have something in `column`.
    pub fn is_told_in(&self, other: &Self, column: Column) -> bool {
        self.of(column) != 0 && other.of(column) != 0
    }

    /// Whether both have the same in `column`.
    pub fn agree_in(&self, other: &Self, column: Column) -> bool {
        self.of(column) != 0 && self.of(column) == other.of(column)
    }

    /// A number for the value; 0 for none.
    fn of(&self, column: Column) -> u64 {
        match column {
            Column::DateOfBirth => self.born.map_or(0, number_of),
            Column::FirstName => self.first_name,
            Column::LastName => self.last_name,
            Column::Street => self.street,
            Column::HouseNumber => self.house_number,
            Column::Postcode => self.postcode,
        }
    }
}

/// A number for a date, never 0.
fn number_of(date: Date) -> u64 {
    let part = |part: i16| u64::from(part.unsigned_abs());
    part(date.year()) * 10_000 + part(date.month().into()) * 100 + part(date.day().into())
}

/// The words with digits: `Flat 2`, `12a Mill Road` has `2 12a`.
fn house_numbers(first: &str, second: &str) -> String {
    let words = [first, second].into_iter().flat_map(str::split_whitespace);
    let numbers: Vec<&str> = words
        .filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
        .collect();
    numbers.join(" ")
}

/// Makes [`Values`]. A new key in each run: nobody can make a file whose values collide.
#[derive(Default)]
pub struct Hasher(RandomState);

impl Hasher {
    /// What the patient file says of a patient.
    pub fn ours(&self, patient: &Patient) -> Values {
        let lines = address_cells(patient);
        let postcode = patient.post_code.as_ref().map(Postcode::expose_postcode);
        let postcode = postcode.unwrap_or_default();
        Values {
            born: Some(patient.date_of_birth.expose_date()),
            first_name: self.hash(patient.first_name.expose_name()),
            last_name: self.hash(patient.last_name.expose_name()),
            street: self.hash(&lines[0]),
            house_number: self.hash(&house_numbers(&lines[0], &lines[1])),
            postcode: self.hash(postcode),
            address: self.hash(&(lines.concat() + postcode)),
            home: self.hash(&(lines[..2].concat() + postcode)),
        }
    }

    /// What PKB says of a patient.
    pub fn theirs(&self, known: &Known) -> Values {
        let text = |text: Option<&str>| self.hash(text.unwrap_or_default());
        let address = known.address.as_deref();
        Values {
            born: known.date_of_birth.map(|born| born.expose_date()),
            first_name: text(known.first_name.as_deref()),
            last_name: text(known.last_name.as_deref()),
            street: text(address.map(|address| &*address.lines[0])),
            house_number: address.map_or(0, |address| {
                self.hash(&house_numbers(&address.lines[0], &address.lines[1]))
            }),
            postcode: text(address.map(|address| &*address.postcode)),
            address: address.map_or(0, |address| {
                self.hash(&(address.lines.concat() + &address.postcode))
            }),
            home: address.map_or(0, |address| {
                self.hash(&(address.lines[..2].concat() + &address.postcode))
            }),
        }
    }

    fn hash(&self, text: &str) -> u64 {
        let folded = folded_name(text);
        if folded.is_empty() {
            return 0;
        }
        self.0.hash_one(folded).max(1)
    }
}
