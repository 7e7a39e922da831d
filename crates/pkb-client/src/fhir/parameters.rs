//! FHIR's Parameters resource (STU3), as far as the operations use it, and whom a part of an answer is about.
//!
//! An answer is read leniently part by part: what makes no sense in one part must not cost the others, and is counted.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{error::CallError, json::parse_json};
use pkb_core::Fatal;
use pkb_values::{NationalId, NationalIdType, NhsNumber};

/// Room for what an answer says of one patient: PKB's examples need less than a tenth of it.
const MOST_BYTES_A_PATIENT: usize = 4 << 10;
/// Room for what it says besides.
const MOST_BYTES_BESIDES: usize = 64 << 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    resource_type: &'static str,
    parameter: Vec<AskedFor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedFor<'a> {
    name: &'static str,
    value_identifier: AskedId<'a>,
}

#[derive(Serialize)]
struct AskedId<'a> {
    system: &'static str,
    value: &'a str,
}

/// Each id once, in order of first appearance.
pub(super) fn distinct(ids: &[NationalId]) -> Vec<NationalId> {
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

/// The request for some patients.
pub(super) fn request(ids: &[NationalId]) -> Result<Vec<u8>, CallError> {
    let parameter = ids.iter().map(|id| AskedFor {
        name: "patientIdentifier",
        value_identifier: AskedId {
            system: id.scheme.fhir_system(),
            value: id.value.expose_digits(),
        },
    });
    serde_json::to_vec(&Request {
        resource_type: "Parameters",
        parameter: parameter.collect(),
    })
    .map_err(|_| CallError::Fatal(Fatal::Bug("a request is not JSON".into())))
}

/// Whether a body is anything but JSON that ends too early.
pub(crate) fn is_whole(body: &[u8]) -> bool {
    !serde_json::from_slice::<IgnoredAny>(body).is_err_and(|error| error.is_eof())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    resource_type: String,
    /// FHIR has no empty lists: an answer about nobody does not have it.
    #[serde(default)]
    parameter: Vec<serde_json::Value>,
}

/// A name with a value or with parts. Values of other kinds are not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    name: String,
    #[serde(default)]
    part: Vec<Parameter>,
    value_identifier: Option<Identifier>,
    value_boolean: Option<bool>,
    value_date: Option<String>,
    /// PKB's published example has the first alias; an instant is a moment, too.
    #[serde(alias = "valueDatetime", alias = "valueInstant")]
    value_date_time: Option<String>,
    value_string: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    system: Option<String>,
    value: Option<String>,
}

/// What one part of an answer says.
pub(super) struct Part(Vec<Parameter>);

/// A fact that is there and is not what it should be, or is there twice and different.
pub(super) struct Unreadable;

impl Part {
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.only(name, |fact| fact.value_boolean)
    }

    pub(super) fn date(&self, name: &str) -> Result<Option<&str>, Unreadable> {
        self.only(name, |fact| fact.value_date.as_deref())
    }

    pub(super) fn moment(&self, name: &str) -> Result<Option<&str>, Unreadable> {
        self.only(name, |fact| fact.value_date_time.as_deref())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Unreadable> {
        self.only(name, |fact| fact.value_string.as_deref())
    }

    /// The one value that has the name.
    fn only<'a, T: PartialEq>(
        &'a self,
        name: &str,
        value: impl Fn(&'a Parameter) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        let mut found = None;
        for fact in self.0.iter().filter(|fact| fact.name == name) {
            let value = value(fact).ok_or(Unreadable)?;
            if found.is_some_and(|before| before != value) {
                return Err(Unreadable);
            }
            found = Some(value);
        }
        Ok(found)
    }

    /// The numbers of the three national schemes. Those of other systems (a hospital's own) say nothing here.
    fn national_ids(&self) -> Result<Vec<NationalId>, Unreadable> {
        let mut ids = Vec::with_capacity(1);
        for fact in self
            .0
            .iter()
            .filter(|fact| fact.name == "patientIdentifier")
        {
            let id = fact.value_identifier.as_ref().ok_or(Unreadable)?;
            let system = id.system.as_deref().unwrap_or_default();
            // A slash at the end makes no other system of it.
            let system = system.strip_suffix('/').unwrap_or(system);
            if let Some(scheme) = NationalIdType::from_fhir_system(system) {
                let value = id.value.as_deref().ok_or(Unreadable)?;
                let value = NhsNumber::parse(value).map_err(|_| Unreadable)?;
                ids.push(NationalId { scheme, value });
            }
        }
        Ok(ids)
    }
}

/// How many parts of an answer say nothing of anybody that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SkippedParts {
    /// About nobody.
    pub(super) unnamed: usize,
    /// About two patients at once.
    pub(super) several: usize,
    /// With something in them that is not what it should be.
    pub(super) unreadable: usize,
}

impl SkippedParts {
    /// One line for all, without a value.
    pub(super) fn warn(&self) {
        if *self != Self::default() {
            let Self {
                unnamed,
                several,
                unreadable,
            } = self;
            tracing::warn!(
                "parts of PKB's answer were skipped: {unnamed} about nobody, {several} about two patients at once, {unreadable} not understood"
            );
        }
    }
}

/// The parts of an answer, and the patients that it should be about.
pub(super) struct Answer {
    places: HashMap<NationalId, usize>,
    /// Each with the place of the patient in the list of different patients.
    pub(super) parts: Vec<(usize, Part)>,
    pub(super) left_aside: SkippedParts,
    /// Parts that may be about anybody.
    pub(super) unplaced: usize,
}

/// Which patient a part is about.
enum PartSubject {
    /// The patient at this place.
    Asked(usize),
    /// A patient who was not asked for.
    Stranger,
    Nobody,
    /// More than one patient, one of them asked for.
    Several,
}

impl Answer {
    /// Reads the parts of an answer that have `name`.
    ///
    /// # Errors
    /// The answer is not of this form; [`Fatal::AboutSomebodyElse`] if a part names a patient who was not asked for: then
    /// the answer may belong to a different question.
    pub(super) fn read(ids: &[NationalId], body: &[u8], name: &str) -> Result<Self, CallError> {
        let distinct = distinct(ids);
        if body.len() > MOST_BYTES_BESIDES + MOST_BYTES_A_PATIENT * distinct.len() {
            return Err(CallError::NotUnderstood("PKB's answer is too long"));
        }
        let reply: Reply = parse_json(body)?;
        if reply.resource_type != "Parameters" {
            return Err(CallError::NotUnderstood(
                "PKB's answer is not a Parameters resource",
            ));
        }
        let mut answer = Self {
            places: distinct.into_iter().zip(0..).collect(),
            parts: Vec::with_capacity(reply.parameter.len()),
            left_aside: SkippedParts::default(),
            unplaced: 0,
        };
        for parameter in reply.parameter {
            match Parameter::deserialize(parameter) {
                Ok(parameter) if parameter.name == name => answer.add(Part(parameter.part))?,
                // A remark on the answer, such as a count, is about no patient.
                Ok(parameter) if parameter.part.is_empty() => answer.left_aside.unreadable += 1,
                Ok(_) | Err(_) => {
                    answer.left_aside.unreadable += 1;
                    answer.unplaced += 1;
                }
            }
        }
        Ok(answer)
    }

    fn add(&mut self, part: Part) -> Result<(), CallError> {
        let count = match part.national_ids().map(|ids| self.subject(&ids)) {
            Ok(PartSubject::Asked(place)) => {
                self.parts.push((place, part));
                return Ok(());
            }
            Ok(PartSubject::Stranger) => {
                return Err(CallError::Fatal(Fatal::AboutSomebodyElse {
                    place: None,
                    row: None,
                }));
            }
            Ok(PartSubject::Nobody) => &mut self.left_aside.unnamed,
            Ok(PartSubject::Several) => &mut self.left_aside.several,
            Err(Unreadable) => &mut self.left_aside.unreadable,
        };
        *count += 1;
        self.unplaced += 1;
        Ok(())
    }

    /// The one patient who was asked for among `ids`. Never one of two: a second patient, or a second number of one scheme,
    /// which nobody has, makes the part useless.
    fn subject(&self, ids: &[NationalId]) -> PartSubject {
        let contradicts = |one: &NationalId| {
            ids.iter()
                .any(|other| other.scheme == one.scheme && other.value != one.value)
        };
        let mut asked = ids.iter().filter_map(|id| self.places.get(id)).copied();
        match asked.next() {
            None if ids.is_empty() => PartSubject::Nobody,
            None => PartSubject::Stranger,
            Some(place) if asked.any(|other| other != place) => PartSubject::Several,
            Some(_) if ids.iter().any(contradicts) => PartSubject::Several,
            Some(place) => PartSubject::Asked(place),
        }
    }

    /// How many different patients were asked for.
    pub(super) fn patients(&self) -> usize {
        self.places.len()
    }

    /// What was found for each patient, for each of `ids`.
    pub(super) fn in_order<T: Clone + Default>(&self, ids: &[NationalId], found: &[T]) -> Vec<T> {
        ids.iter()
            .map(|id| {
                let place = self.places.get(id);
                let found = place.and_then(|place| found.get(*place));
                found.cloned().unwrap_or_default()
            })
            .collect()
    }
}
