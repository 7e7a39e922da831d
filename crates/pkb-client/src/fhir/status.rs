//! The answer of `$status-query`.

use super::parameters::{Answer, Part, Unreadable};
use crate::CallError;
use pkb_values::{DateOfBirth, NationalId};

/// What PKB says of a patient who was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PatientStatus {
    /// There is a record that this organisation may see.
    Found {
        /// PKB has a date of death.
        deceased: bool,
        /// The patient has registered.
        registered: bool,
        /// PKB's date of birth, if it has one.
        date_of_birth: Option<DateOfBirth>,
    },
    /// There is a record that this organisation may not see.
    NoAccess {
        /// PKB has a date of death.
        deceased: bool,
        /// The patient has registered.
        registered: bool,
    },
    /// There is no record.
    NotFound,
    /// PKB said nothing of the patient, or nothing that can be understood.
    #[default]
    Missing,
    /// PKB said two different things of the patient.
    Contradictory,
    /// PKB has a record, and this is what cannot be understood of it.
    Unreadable(&'static str),
}

const NOT_A_DATE: &str = "PKB's date of birth is not a date";

/// What an answer says of each of `ids`.
pub(super) fn read(ids: &[NationalId], body: &[u8]) -> Result<Vec<PatientStatus>, CallError> {
    let mut answer = Answer::read(ids, body, "patientStatus")?;
    let mut found = vec![PatientStatus::Missing; answer.patients()];
    for (place, part) in &answer.parts {
        let Some(slot) = found.get_mut(*place) else {
            continue;
        };
        match status(part) {
            Err(Unreadable) => answer.left_aside.unreadable += 1,
            Ok(status) if *slot == PatientStatus::Missing || *slot == status => *slot = status,
            Ok(_) => *slot = PatientStatus::Contradictory,
        }
    }
    answer.left_aside.warn();
    Ok(answer.in_order(ids, &found))
}

/// A record without both truth values is not one that PKB documents: it must not be taken for somebody who lives and has not
/// registered.
fn status(part: &Part) -> Result<PatientStatus, Unreadable> {
    let diagnostics = part.text("diagnostics")?.map(str::trim);
    let is = |text: &str| diagnostics.is_some_and(|found| found.eq_ignore_ascii_case(text));
    if is("Not found") {
        return Ok(PatientStatus::NotFound);
    }
    let deceased = part.boolean("deceased")?.ok_or(Unreadable)?;
    let registered = part.boolean("registered")?.ok_or(Unreadable)?;
    if is("No access") {
        return Ok(PatientStatus::NoAccess {
            deceased,
            registered,
        });
    }
    if diagnostics.is_some_and(|text| !text.is_empty()) {
        return Err(Unreadable);
    }
    // Another kind of value may be a moment, which is another day somewhere: only a plain date is one.
    let date_of_birth = match part.date("dateOfBirth") {
        Ok(None) => None,
        Ok(Some(text)) if DateOfBirth::parse(text).is_ok() => DateOfBirth::parse(text).ok(),
        Ok(Some(_)) | Err(Unreadable) => return Ok(PatientStatus::Unreadable(NOT_A_DATE)),
    };
    Ok(PatientStatus::Found {
        deceased,
        registered,
        date_of_birth,
    })
}
