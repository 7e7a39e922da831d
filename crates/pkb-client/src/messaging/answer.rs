//! What PKB answers to a message.
//!
//! Status and body of a success are not published. So any 2xx is one, without a body or with any FHIR resource, unless that is an
//! OperationOutcome with an error in it. That the record is there is proved by asking for it, and not by this answer.

use std::fmt;

use pkb_values::{NationalId, NhsNumber};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::{error::CallError, fhir::parameters, json::parse_json};
use pkb_core::Fatal;

/// A message that PKB has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processed {
    /// Whether the record is new; `None` where PKB does not say.
    pub created: Option<bool>,
    /// Warnings in the answer. Their texts may hold values, so they are counted and not read.
    pub warnings: u64,
}

/// Elements of the message that an OperationOutcome speaks of. Nothing else of its texts is kept, because they may hold values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elements {
    named: Vec<&'static str>,
    kinds: Vec<&'static str>,
}

/// What the message is made of, as FHIR calls it. A word of an answer that is none of these is not repeated.
const ELEMENTS: [&str; 17] = [
    "extension",
    "identifier",
    "name",
    "prefix",
    "given",
    "family",
    "gender",
    "birthDate",
    "deceasedBoolean",
    "telecom",
    "phone",
    "email",
    "address",
    "line",
    "city",
    "state",
    "postalCode",
];

/// FHIR's words for what is wrong with an element (issue types).
const KINDS: [&str; 12] = [
    "required",
    "value",
    "invalid",
    "structure",
    "invariant",
    "duplicate",
    "too-long",
    "code-invalid",
    "business-rule",
    "not-found",
    "not-supported",
    "conflict",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource_type: String,
    #[serde(default)]
    issue: Vec<Issue>,
    #[serde(default)]
    identifier: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Issue {
    severity: Option<String>,
    code: Option<String>,
    diagnostics: Option<String>,
    details: Option<Details>,
    #[serde(default)]
    location: Vec<String>,
    #[serde(default)]
    expression: Vec<String>,
}

#[derive(Deserialize)]
struct Details {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    system: Option<String>,
    value: Option<String>,
}

impl Issue {
    fn is_error(&self) -> bool {
        matches!(self.severity.as_deref(), Some("error" | "fatal"))
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let details = self.details.iter().filter_map(|of| of.text.as_deref());
        let paths = self.location.iter().chain(&self.expression);
        let paths = paths.map(String::as_str);
        paths.chain(self.diagnostics.as_deref()).chain(details)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let is_between = |c: char| !c.is_ascii_alphanumeric();
        self.texts().flat_map(move |text| text.split(is_between))
    }
}

impl Elements {
    /// What an answer speaks of; nothing if it is no OperationOutcome.
    pub(crate) fn read(body: &[u8]) -> Self {
        let outcome: Option<Resource> = serde_json::from_slice(body).ok();
        outcome.map_or_else(Self::default, |outcome| Self::of(&outcome.issue))
    }

    fn of(issues: &[Issue]) -> Self {
        let errors = || issues.iter().filter(|issue| issue.is_error());
        let is_named = |name: &&str| errors().flat_map(Issue::words).any(|word| word == *name);
        let is_kind = |kind: &&str| errors().any(|issue| issue.code.as_deref() == Some(kind));
        Self {
            named: ELEMENTS.into_iter().filter(is_named).collect(),
            kinds: KINDS.into_iter().filter(is_kind).collect(),
        }
    }
}

/// `: gender (required)`, or nothing.
impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.named.is_empty(), self.kinds.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => write!(f, ": {}", self.kinds.join(", ")),
            (false, true) => write!(f, ": {}", self.named.join(", ")),
            (false, false) => {
                let (named, kinds) = (self.named.join(", "), self.kinds.join(", "));
                write!(f, ": {named} ({kinds})")
            }
        }
    }
}

/// Whether a body is anything but JSON that ends too early.
pub(super) fn is_whole(body: &[u8]) -> bool {
    body.trim_ascii().is_empty() || parameters::is_whole(body)
}

/// Reads the answer to the message about `asked`.
pub(super) fn read(
    status: StatusCode,
    body: &[u8],
    asked: &NationalId,
) -> Result<Processed, CallError> {
    let by_status = (status == StatusCode::CREATED).then_some(true);
    if body.trim_ascii().is_empty() {
        return Ok(Processed {
            created: by_status,
            warnings: 0,
        });
    }
    let resource: Resource = parse_json(body)?;
    if resource.resource_type == "Patient" {
        check_patient(&resource.identifier, asked)?;
    }
    let issues = match resource.resource_type.as_str() {
        "OperationOutcome" => resource.issue,
        _ => Vec::new(),
    };
    if issues.iter().any(Issue::is_error) {
        let what = format!(
            "PKB answered {} with an error{}",
            status.as_u16(),
            Elements::of(&issues)
        );
        return Err(CallError::RowRefused(what));
    }
    let warnings = (issues.iter()).filter(|issue| issue.severity.as_deref() == Some("warning"));
    Ok(Processed {
        created: by_status.or_else(|| says_created(&issues)),
        warnings: warnings.count() as u64,
    })
}

/// An answer with another patient in it is about that one. One without a national number says nothing.
fn check_patient(identifiers: &[Identifier], asked: &NationalId) -> Result<(), CallError> {
    let system = Some(asked.scheme.fhir_system());
    let numbers = identifiers
        .iter()
        .filter(|identifier| identifier.system.as_deref() == system)
        .filter_map(|identifier| identifier.value.as_deref());
    let numbers: Vec<Option<NhsNumber>> = numbers.map(|text| NhsNumber::parse(text).ok()).collect();
    if numbers.is_empty() || numbers.contains(&Some(asked.value)) {
        return Ok(());
    }
    Err(CallError::Fatal(Fatal::AboutSomebodyElse {
        place: Some(0),
        row: None,
    }))
}

/// Whether an outcome has the word created, or the word updated.
fn says_created(issues: &[Issue]) -> Option<bool> {
    let has = |wanted: &str| {
        let mut words = issues.iter().flat_map(Issue::words);
        words.any(|word| word.eq_ignore_ascii_case(wanted))
    };
    match (has("created"), has("updated")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
