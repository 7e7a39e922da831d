//! Addresses without the numbers of their houses: a column for them is missing, is not used, or the first line has a part of the town.

use pkb_core::{Fatal, record::Patient};

use crate::columns::{Columns, Mapping};
use pkb_table::Table;

/// In files with fewer addresses, a few houses that have names are soon most of them.
const ADDRESSES: u64 = 20;
/// Even where many houses have names, more than one address in so many has a number.
const ONE_IN: u64 = 5;
/// Columns that are named at most.
const NAMED: usize = 6;

/// How many addresses have the number of a house or flat.
#[derive(Default)]
pub struct HouseNumbers {
    addresses: u64,
    with_number: u64,
}

impl HouseNumbers {
    /// Takes the address of a patient into account. Digits in the town and the county are no house.
    pub fn see(&mut self, patient: &Patient) {
        let places = [patient.town_line, patient.county_line].map(|at| at.map(usize::from));
        let mut lines = (patient.address.iter().enumerate())
            .filter(|(at, _)| !places.contains(&Some(*at)))
            .map(|(_, line)| line.expose_line())
            .peekable();
        if lines.peek().is_none() {
            return;
        }
        self.addresses += 1;
        let has_number = lines.any(|line| line.bytes().any(|byte| byte.is_ascii_digit()));
        self.with_number += u64::from(has_number);
    }

    /// Takes over what was seen of other rows.
    pub fn join(&mut self, other: Self) {
        self.addresses += other.addresses;
        self.with_number += other.with_number;
    }

    /// Refuses a file in which fewer than a fifth of the addresses have a number, until the operator says that this is right.
    ///
    /// # Errors
    /// It is such a file; the message names the columns that may have the numbers, and both ways on.
    pub fn check(&self, table: &Table, columns: &Columns, mapping: &Mapping) -> Result<(), Fatal> {
        let is_usual = self.with_number * ONE_IN >= self.addresses;
        if self.addresses < ADDRESSES || is_usual || mapping.few_house_numbers {
            return Ok(());
        }
        let unused: Vec<String> = (columns.unused().take(NAMED))
            .map(|at| columns.label(at))
            .collect();
        let perhaps = match unused.as_slice() {
            [] => String::new(),
            columns => format!(". Columns not used so far: {}", columns.join(", ")),
        };
        Err(Fatal::Refused(format!(
            "{}: only {} of {} addresses have a number. House numbers or streets may be missing{perhaps}\n  \
             What to do: look at the addresses in the file. Then write a file columns.toml, and add --map columns.toml.\n  \
             If a column has the numbers:\n    [columns]\n    house_number = \"…\"   # its header\n  \
             If the addresses are right (above [columns]):\n    few_house_numbers = true",
            table.name(),
            self.with_number,
            self.addresses,
        )))
    }
}
