//! A world made of a patient file: PKB knows each of its patients.

use jiff::civil::Date;

use crate::generate;
use crate::known_record::KnownRecord;
use crate::world::{World, WorldError, WorldPatient};

impl World {
    /// A world in which PKB knows each patient of a patient file with the columns of [`generate::COLUMNS`] already; the last, gender,
    /// may be missing. Dates are 2000-09-15 or 15/09/2000.
    ///
    /// # Errors
    /// A column is missing, a row cannot be read, or two rows are about one patient; the message names the row and no value.
    pub fn of_patient_file(file: &[u8]) -> Result<Self, WorldError> {
        let mut reader = csv::Reader::from_reader(file);
        let refused = |row: usize, what: &str| WorldError::PatientFile {
            row,
            what: what.to_owned(),
        };
        let header = reader
            .headers()
            .map_err(|_| refused(1, "is not a header"))?;
        let mut places = [0; generate::COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(generate::COLUMNS) {
            let found = header.iter().position(|header| header == name);
            let found = found.or((name == generate::GENDER).then_some(usize::MAX));
            *place = found.ok_or_else(|| refused(1, &format!("has no column \"{name}\"")))?;
        }
        let mut world = Self::default();
        for (row, record) in (2..).zip(reader.records()) {
            let record = record.map_err(|_| refused(row, "cannot be read"))?;
            let cell = |column: usize| record.get(places[column]).unwrap_or_default().trim();
            let text = |column: usize| cell(column).to_owned();
            let known = KnownRecord {
                title: text(1),
                first_name: text(2),
                last_name: text(3),
                date_of_birth: date_of_birth(cell(4))
                    .ok_or_else(|| refused(row, "has a date of birth that is not a date"))?,
                gender: gender(cell(13)).to_owned(),
                address1: text(5),
                address2: text(6),
                city: text(7),
                county: text(8),
                postcode: text(9),
            };
            let patient = WorldPatient {
                record: Some(known),
                ..WorldPatient::new(cell(0))
            };
            if world.get(&patient.national_id).is_some() {
                return Err(refused(row, "is about a patient of an earlier row"));
            }
            world = world.with(patient);
        }
        Ok(world)
    }
}

/// The date that day, month and year make as people type them: digits, the year with four of them. None if there is no such day.
#[must_use]
pub fn date_of_parts(day: &str, month: &str, year: &str) -> Option<Date> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if ![day, month, year].iter().all(|part| digits(part)) || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// A date; `Some(None)` for an empty cell, `None` for anything else.
fn date_of_birth(text: &str) -> Option<Option<Date>> {
    if text.is_empty() {
        return Some(None);
    }
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        [day, month, year] => date_of_parts(day, month, year).map(Some),
        _ => text.parse().ok().map(Some),
    }
}

/// PKB's letter for a code of a patient file.
fn gender(text: &str) -> &'static str {
    match text {
        "M" | "1" => "M",
        "F" | "2" => "F",
        "I" | "9" => "I",
        "U" | "X" | "0" => "U",
        _ => "",
    }
}
