//! What PKB knows of a patient.

use pkb_values::{DateOfBirth, PkbId};

/// What PKB knows of a patient, as far as this program needs it.
pub struct KnownPatient {
    /// PKB's id; FHIR does not tell it.
    pub id: Option<PkbId>,
    /// Whether PKB knows of a death.
    pub deceased: bool,
    /// Whether the patient has registered; REST does not tell it.
    pub registered: Option<bool>,
    /// PKB's date of birth.
    pub date_of_birth: Option<DateOfBirth>,
    /// PKB's first name; FHIR does not tell it.
    pub first_name: Option<Box<str>>,
    /// PKB's last name; FHIR does not tell it.
    pub last_name: Option<Box<str>>,
    /// PKB's address; FHIR does not tell it.
    pub address: Option<Box<KnownAddress>>,
}

/// An address at PKB: nothing but texts, as somebody typed them there.
#[derive(Default, PartialEq, Eq)]
pub struct KnownAddress {
    /// First line, second line, town and county; empty where PKB has none.
    pub lines: [Box<str>; 4],
    /// Postcode; empty where PKB has none.
    pub postcode: Box<str>,
}

/// Shows nothing of the patient.
impl std::fmt::Debug for KnownPatient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownPatient(…)")
    }
}
