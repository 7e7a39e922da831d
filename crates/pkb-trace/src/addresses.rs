//! Whether the register has a patient at the address of the patient file, and the register's address as ours.

use std::collections::BTreeSet;

use pkb_core::record::Patient;
use pkb_values::{AddressLine, Postcode};

use crate::answer::Answer;

/// Whether an answer has the patient's own address. Two systems write an address differently, so it is compared by postcode and by
/// the numbers in it (house, flat); by the words of its first line where there are none. An answer without an address says nothing.
#[must_use]
pub fn is_same_address(answer: &Answer, patient: &Patient) -> bool {
    if answer.address.is_empty() && answer.postcode.is_empty() {
        return true;
    }
    let own = patient
        .postcode
        .as_ref()
        .map_or("", Postcode::expose_postcode);
    if !answer.postcode.is_empty() && folded(own) != folded(&answer.postcode) {
        return false;
    }
    if answer.address.is_empty() {
        return true;
    }
    let lines: Vec<&str> = patient
        .address
        .iter()
        .map(AddressLine::expose_line)
        .collect();
    let theirs: Vec<&str> = answer.address.iter().map(String::as_str).collect();
    let (own_numbers, their_numbers) = (numbers(&lines), numbers(&theirs));
    if !own_numbers.is_empty() || !their_numbers.is_empty() {
        return own_numbers == their_numbers;
    }
    let all = folded(&theirs.concat());
    lines
        .first()
        .is_some_and(|first| all.contains(&folded(first)))
}

fn folded(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The words with a digit in them: `12a`, `3`.
fn numbers(lines: &[&str]) -> BTreeSet<String> {
    let words = lines
        .iter()
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
    let words = words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    words.map(folded).collect()
}

/// Gives the patient the register's address. Returns `false` if it cannot be printed as it stands, and leaves the patient's own.
pub fn use_address(answer: &Answer, patient: &mut Patient) -> bool {
    let lines: Result<Vec<AddressLine>, _> = answer
        .address
        .iter()
        .map(|line| AddressLine::parse(line))
        .collect();
    let (Ok(lines), Ok(postcode)) = (lines, Postcode::parse(&answer.postcode)) else {
        return false;
    };
    if lines.is_empty() {
        return false;
    }
    patient.address = lines;
    patient.postcode = Some(postcode);
    patient.town_line = None;
    patient.county_line = None;
    patient.no_letter = None;
    patient.household = None;
    true
}
