//! The world file: what this PKB knows about a patient that an upload would not tell it (a death, an earlier registration, another
//! organisation's record), and how it misbehaves for one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::known_record::KnownRecord;
use crate::scheme::Scheme;

/// Why a world file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file could not be read.
    #[error("cannot read the world file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not a world: an unknown key, a date that is none, broken JSON.
    #[error("the world file is wrong at line {line}, column {column}: {what}")]
    Invalid {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong, without values from the file.
        what: String,
    },
    /// A patient file cannot be made a world of.
    #[error("the patient file: row {row} {what}")]
    PatientFile {
        /// The row, the header being 1.
        row: usize,
        /// What is wrong with it, without values.
        what: String,
    },
    /// Two entries are about the same patient.
    #[error("the world file has two entries for one national id (entry {entry})")]
    Repeated {
        /// The place of the second entry in the list, from 1.
        entry: usize,
    },
}

/// All exceptions, by national id.
#[derive(Clone, Debug, Default)]
pub struct World {
    patients: HashMap<String, WorldPatient>,
}

/// What is different about one patient. Applies once a record with this national id exists, except for `missing`, which keeps it away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldPatient {
    /// The ten digits.
    pub national_id: String,
    /// The scheme that the number is of; under any other there is no such patient. Absent: found under each of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// A record that PKB has before anything is uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<KnownRecord>,
    /// The date of death that PKB has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deceased: Option<Date>,
    /// Registered before the campaign began.
    #[serde(default, skip_serializing_if = "is_false")]
    pub registered: bool,
    /// PKB's own date of birth.
    #[serde(default, skip_serializing_if = "BirthAtPkb::is_as_uploaded")]
    pub date_of_birth: BirthAtPkb,
    /// What PKB writes in place of the date of birth, as it is; in FHIR as a dateTime. For dates that are none, or have a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_of_birth_text: Option<String>,
    /// The gender that PKB has: sex assigned at birth, as PKB calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Another organisation made the record: 401 for this patient from the REST calls, "No access" from `$status-query`, no codes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_access: bool,
    /// 401 from `recordAccessToken`, and no codes from `$generate-invitation-tokens`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_access_tokens: bool,
    /// The upload takes the row, and no record ever appears.
    #[serde(default, skip_serializing_if = "is_false")]
    pub missing: bool,
    /// Every FHIR request with this patient in it is refused as a whole (422), without saying why; whether there is a record or not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refuses_batch: bool,
    /// What NHS Notify, and the NHS's own register behind it, make of a message to the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_notify: Option<NhsFate>,
    /// `byNationalId` answers this instead of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<OddAnswer>,
}

/// What NHS Notify makes of a message to a patient, other than delivering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NhsFate {
    /// It refuses the NHS number, and with it the batch.
    Refused,
    /// The register has a reason for removal.
    ExitCode,
    /// The register knows of a death that is not yet registered.
    InformallyDeceased,
    /// The register knows of a death.
    Deceased,
    /// The register has made the record invalid.
    Invalidated,
    /// The register has no such number.
    NotInPds,
    /// The register has no address of the kind that the routing plan needs.
    NoContactDetail,
    /// No channel delivers it.
    Undelivered,
    /// It fails with a code that is not published.
    UnknownFailure,
}

/// Which date of birth PKB has. In JSON: absent, `null`, or a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BirthAtPkb {
    /// The date that was uploaded.
    #[default]
    AsUploaded,
    /// None, whatever was uploaded.
    Unknown,
    /// This one, whatever was uploaded.
    On(Date),
}

/// PKB's genders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gender {
    /// Male.
    M,
    /// Female.
    F,
    /// Indeterminate.
    I,
    /// Unknown.
    U,
}

/// A wrong answer from `byNationalId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddAnswer {
    /// Status 500.
    Error,
    /// Status 200 with a web page.
    NotJson,
    /// Status 200 with JSON of another shape.
    Nonsense,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    patients: Vec<WorldPatient>,
}

impl World {
    /// Reads a world file.
    ///
    /// # Errors
    /// Where the file cannot be read, or [`World::from_json`] refuses it.
    pub fn read(path: &Path) -> Result<Self, WorldError> {
        let text = std::fs::read_to_string(path).map_err(|source| WorldError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&text)
    }

    /// Reads the JSON of a world file.
    ///
    /// # Errors
    /// For keys that are not known, values of the wrong kind, and two entries for one patient.
    pub fn from_json(text: &str) -> Result<Self, WorldError> {
        let file: WorldFile = serde_json::from_str(text).map_err(|error| WorldError::Invalid {
            line: error.line(),
            column: error.column(),
            what: without_values(&error),
        })?;
        let mut world = Self::default();
        for (index, patient) in file.patients.into_iter().enumerate() {
            if world
                .patients
                .insert(patient.national_id.clone(), patient)
                .is_some()
            {
                return Err(WorldError::Repeated { entry: index + 1 });
            }
        }
        Ok(world)
    }

    /// This world with one more entry; an earlier one for the same patient is replaced.
    #[must_use]
    pub fn with(mut self, patient: WorldPatient) -> Self {
        self.patients.insert(patient.national_id.clone(), patient);
        self
    }

    /// The entry for a patient, if there is one.
    #[must_use]
    pub fn get(&self, national_id: &str) -> Option<&WorldPatient> {
        self.patients.get(national_id)
    }

    /// All entries, by national id.
    pub fn entries(&self) -> impl Iterator<Item = &WorldPatient> {
        let mut entries: Vec<&WorldPatient> = self.patients.values().collect();
        entries.sort_by(|one, other| one.national_id.cmp(&other.national_id));
        entries.into_iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patients.len()
    }

    /// Nothing is out of the ordinary.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patients.is_empty()
    }
}

impl WorldPatient {
    /// An entry that changes nothing yet.
    #[must_use]
    pub fn new(national_id: impl Into<String>) -> Self {
        Self {
            national_id: national_id.into(),
            ..Self::default()
        }
    }
}

impl BirthAtPkb {
    fn is_as_uploaded(&self) -> bool {
        *self == Self::AsUploaded
    }
}

impl Serialize for BirthAtPkb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On(date) => date.serialize(serializer),
            Self::AsUploaded | Self::Unknown => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for BirthAtPkb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Date>::deserialize(deserializer)?.map_or(Self::Unknown, Self::On))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// serde_json repeats a value that does not fit; only its complaints about key names are safe to show.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let about_a_key = ["unknown field", "missing field", "duplicate field"]
        .iter()
        .any(|start| text.starts_with(start));
    match (about_a_key, error.classify()) {
        (true, _) => text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned(),
        (false, serde_json::error::Category::Data) => "a value of the wrong kind".to_owned(),
        (false, _) => "not JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_date_of_birth_may_be_absent_null_or_given() {
        let world = World::from_json(
            r#"{"patients":[{"national_id":"1"},{"national_id":"2","date_of_birth":null},{"national_id":"3","date_of_birth":"1980-01-01"}]}"#,
        )
        .unwrap();
        let birth = |id| world.get(id).unwrap().date_of_birth;
        assert_eq!(birth("1"), BirthAtPkb::AsUploaded);
        assert_eq!(birth("2"), BirthAtPkb::Unknown);
        assert_eq!(birth("3"), BirthAtPkb::On(jiff::civil::date(1980, 1, 1)));
    }

    #[test]
    fn an_unknown_key_is_refused_and_named() {
        let error =
            World::from_json(r#"{"patients":[{"national_id":"1","deceaced":"2025-01-01"}]}"#)
                .unwrap_err();
        assert!(error.to_string().contains("deceaced"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_without_repeating_it() {
        let error =
            World::from_json(r#"{"patients":[{"national_id":"1","registered":"perhaps"}]}"#)
                .unwrap_err();
        assert!(!error.to_string().contains("perhaps"));
    }

    #[test]
    fn two_entries_for_one_patient_are_refused() {
        assert!(
            World::from_json(r#"{"patients":[{"national_id":"1"},{"national_id":"1"}]}"#).is_err()
        );
    }

    #[test]
    fn an_entry_is_written_as_it_is_read() {
        let entry = WorldPatient {
            date_of_birth: BirthAtPkb::Unknown,
            answer: Some(OddAnswer::NotJson),
            ..WorldPatient::new("9990000018")
        };
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            json,
            r#"{"national_id":"9990000018","date_of_birth":null,"answer":"not_json"}"#
        );
        assert_eq!(serde_json::from_str::<WorldPatient>(&json).unwrap(), entry);
    }
}
