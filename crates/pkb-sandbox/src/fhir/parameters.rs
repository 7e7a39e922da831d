//! FHIR's Parameters resource (STU3), as far as the two operations use it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::national_id::{NationalId, fhir_system, scheme_of_fhir_system};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<P> {
    resource_type: String,
    /// FHIR has no empty lists: an answer about nobody is without it.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    parameter: Vec<P>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedFor {
    name: String,
    value_identifier: Identifier,
}

/// An identifier may have more (a use, a type): it is not read.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Identifier {
    pub(super) system: String,
    pub(super) value: String,
}

/// A name with a value or with parts.
#[derive(Clone, Serialize)]
pub(super) struct Parameter {
    name: &'static str,
    #[serde(flatten)]
    value: Value,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "each is the name of a key in FHIR"
)]
pub(super) enum Value {
    ValueBoolean(bool),
    ValueDate(Date),
    /// FHIR's spelling.
    ValueDateTime(String),
    /// The spelling of PKB's example.
    ValueDatetime(String),
    ValueIdentifier(Identifier),
    ValueString(String),
    Part(Vec<Parameter>),
}

/// What the answer says of one patient.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) about: Vec<Identifier>,
    facts: Vec<Parameter>,
}

impl Parameter {
    pub(super) fn new(name: &'static str, value: Value) -> Self {
        Self { name, value }
    }
}

impl Part {
    pub(super) fn about(id: &NationalId, facts: Vec<Parameter>) -> Self {
        let identifier = Identifier {
            system: fhir_system(id.scheme).to_owned(),
            value: id.number.clone(),
        };
        Self {
            about: vec![identifier],
            facts,
        }
    }

    /// Invitation code and access code, if it has both.
    pub(super) fn codes(&self) -> Option<(String, String)> {
        let text = |name| {
            self.facts.iter().find_map(|fact| match &fact.value {
                Value::ValueString(text) if fact.name == name => Some(text.clone()),
                _ => None,
            })
        };
        text("code").zip(text("token"))
    }

    /// Puts `text` in the place of the fact `name`.
    pub(super) fn put(&mut self, name: &str, text: &str) {
        for fact in self.facts.iter_mut().filter(|fact| fact.name == name) {
            fact.value = Value::ValueString(text.to_owned());
        }
    }
}

/// How many patients a request asks for, where that can be told, and whom, unless it is refused. Whether the digits are a number of
/// their scheme is not asked: to PKB they are then a patient that it does not have.
pub(super) fn read(body: &[u8], limit: usize) -> (Option<usize>, Result<Vec<NationalId>, Refusal>) {
    let parameters = match serde_json::from_slice::<Parameters<AskedFor>>(body) {
        Ok(parameters) if parameters.resource_type == "Parameters" => parameters.parameter,
        _ => return (None, Err(Refusal::MALFORMED)),
    };
    let count = parameters.len();
    let asked = match count {
        0 => Err(Refusal::NOBODY),
        _ if count > limit => Err(Refusal::TOO_MANY),
        _ => parameters.into_iter().map(AskedFor::read).collect(),
    };
    (Some(count), asked)
}

impl AskedFor {
    fn read(self) -> Result<NationalId, Refusal> {
        let Identifier { system, value } = self.value_identifier;
        if self.name != "patientIdentifier" || value.is_empty() {
            return Err(Refusal::MALFORMED);
        }
        Ok(NationalId {
            scheme: scheme_of_fhir_system(&system).ok_or(Refusal::SYSTEM)?,
            number: value,
        })
    }
}

/// The answer as JSON; each part gets `name`.
pub(super) fn reply(name: &'static str, parts: Vec<Part>) -> Vec<u8> {
    let parameter = parts
        .into_iter()
        .map(|part| {
            let identifiers = part.about.into_iter();
            let identifiers = identifiers
                .map(|id| Parameter::new("patientIdentifier", Value::ValueIdentifier(id)));
            Parameter::new(name, Value::Part(identifiers.chain(part.facts).collect()))
        })
        .collect();
    let reply = Parameters {
        resource_type: "Parameters".to_owned(),
        parameter,
    };
    // Texts, truth values and dates with texts as keys are always JSON.
    serde_json::to_vec(&reply).unwrap_or_default()
}
