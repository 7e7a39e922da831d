//! The REST calls of PKB's Mass Registration Implementation Guide. How PKB's path prefixes combine
//! in production is not published, so both paths are settings with the guide's as default.

use jiff::Timestamp;
use reqwest::{Method, header};
use serde::Deserialize;

use crate::{
    client::Client,
    error::CallError,
    http::Longest,
    json::parse_json,
    known_patient::{KnownAddress, KnownPatient},
    named_patient::{NamedPatient, named_patient},
    transport::Repeat,
};
use pkb_core::Fatal;
use pkb_values::{AccessCode, DateOfBirth, InvitationCode, NationalId, PkbId};

/// The guide's path of `byNationalId`.
pub const USER_PATH: &str = "/beta/users/byNationalId/{number}/{type}";
/// The guide's path of `recordAccessToken`.
pub const TOKEN_PATH: &str = "/v1/users/{id}/recordAccessToken";

/// A path of PKB's interface with places for values.
#[derive(Debug, Clone)]
pub struct PathTemplate(String);

impl PathTemplate {
    /// A path of byNationalId (`--user-path`), with places for a number and its type.
    ///
    /// # Errors
    /// A place is missing.
    pub fn of_user(path: &str) -> Result<Self, Fatal> {
        Self::with_places("--user-path", path, &["{number}", "{type}"])
    }

    /// A path of recordAccessToken (`--token-path`), with a place for a PKB id.
    ///
    /// # Errors
    /// A place is missing.
    pub fn of_token(path: &str) -> Result<Self, Fatal> {
        Self::with_places("--token-path", path, &["{id}"])
    }

    fn with_places(option: &str, path: &str, places: &[&str]) -> Result<Self, Fatal> {
        match places.iter().find(|place| !path.contains(**place)) {
            None => Ok(Self(path.to_owned())),
            Some(place) => Err(Fatal::Usage(format!(
                "the path {path} has no {place}. Write {place} in it, where PKB expects that value ({option})"
            ))),
        }
    }

    /// The path about a patient.
    pub(crate) fn of_patient(&self, id: &NationalId) -> String {
        self.0
            .replace("{number}", id.value.expose_digits())
            .replace("{type}", id.scheme.rest_name())
    }
}

/// A new pair of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAccess {
    /// Invitation code.
    pub code: InvitationCode,
    /// Access code.
    pub token: AccessCode,
    /// When both end, if PKB says so.
    pub expires_at: Option<Timestamp>,
}

/// The user as PKB writes it (p.4504551428); any field may be null or absent. What is needed for no decision (gender, contacts, height and so
/// on) is not read, and may be anything.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserAnswer {
    id: Option<Id>,
    dob: Option<String>,
    first_name: Option<serde_json::Value>,
    last_name: Option<serde_json::Value>,
    #[serde(flatten)]
    address: AddressAnswer,
    date_deceased: Option<serde_json::Value>,
    #[serde(default)]
    national_ids: serde_json::Value,
}

/// The address of the user object. It is only compared: one that is not a text is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressAnswer {
    address1: Option<serde_json::Value>,
    address2: Option<serde_json::Value>,
    city: Option<serde_json::Value>,
    state: Option<serde_json::Value>,
    postal_code: Option<serde_json::Value>,
}

impl AddressAnswer {
    /// The address, if PKB has anything of one.
    fn known(self) -> Option<Box<KnownAddress>> {
        let text = |value: Option<serde_json::Value>| -> Box<str> {
            let value = value.unwrap_or_default();
            value.as_str().unwrap_or_default().trim().into()
        };
        let address = KnownAddress {
            lines: [self.address1, self.address2, self.city, self.state].map(text),
            postcode: text(self.postal_code),
        };
        (address != KnownAddress::default()).then(|| Box::new(address))
    }
}

/// A name, if PKB has one. What is no text is none.
fn name(name: Option<serde_json::Value>) -> Option<Box<str>> {
    let name = name?.as_str()?.trim().to_owned();
    (!name.is_empty()).then(|| name.into_boxed_str())
}

/// PKB's examples show a string of digits; a number would mean the same.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenAnswer {
    invitation_code: String,
    token: String,
    expiry: Option<Timestamp>,
}

impl Client {
    /// `GET …/byNationalId/{number}/{type}`. An answer that names no patient is believed, since its connection carried
    /// one question, and counted.
    ///
    /// # Errors
    /// See [`CallError`]; [`Fatal::AboutSomebodyElse`] if the answer names somebody else.
    pub async fn find_patient(
        &self,
        path: &PathTemplate,
        id: &NationalId,
    ) -> Result<KnownPatient, CallError> {
        let answer: UserAnswer = self.get_json(&path.of_patient(id)).await?;
        match named_patient(&answer.national_ids, id) {
            NamedPatient::Asked => {}
            NamedPatient::Nobody => self.transport.monitor().unnamed_answer(),
            NamedPatient::SomebodyElse => {
                return Err(CallError::Fatal(Fatal::AboutSomebodyElse {
                    place: Some(0),
                    row: None,
                }));
            }
        }
        let id = match answer
            .id
            .ok_or(CallError::NotUnderstood("PKB's answer has no id"))?
        {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        };
        let date_of_birth = answer.dob.filter(|dob| !dob.trim().is_empty());
        let id =
            PkbId::parse(&id).map_err(|_| CallError::NotUnderstood("PKB's id is not a number"))?;
        Ok(KnownPatient {
            id: Some(id),
            deceased: is_deceased(answer.date_deceased.as_ref()),
            registered: None,
            first_name: name(answer.first_name),
            last_name: name(answer.last_name),
            address: answer.address.known(),
            date_of_birth: date_of_birth
                .map(|dob| DateOfBirth::parse(&dob))
                .transpose()
                .map_err(|_| CallError::NotUnderstood("PKB's date of birth is not a date"))?,
        })
    }

    /// `GET …/recordAccessToken`: makes a new pair of codes; earlier ones stay valid until they
    /// end, so asking again after a lost answer does no harm but leaves a pair that nobody has.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn make_codes(
        &self,
        path: &PathTemplate,
        id: &PkbId,
    ) -> Result<RecordAccess, CallError> {
        let answer: TokenAnswer = self
            .get_json(&path.0.replace("{id}", id.expose_id()))
            .await?;
        Ok(RecordAccess {
            code: InvitationCode::parse(&answer.invitation_code).map_err(|_| {
                CallError::NotUnderstood(
                    "PKB's invitation code has characters that are not letters or digits",
                )
            })?,
            token: AccessCode::parse(&answer.token).map_err(|_| {
                CallError::NotUnderstood(
                    "PKB's access code has characters that are not letters or digits",
                )
            })?,
            expires_at: answer.expiry,
        })
    }

    async fn get_json<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, CallError> {
        let url = self.url(path)?;
        let body = self
            .transport
            .call(Method::GET, url, Repeat::Safe, Longest::One, |request| {
                request.header(header::ACCEPT, "application/json")
            })
            .await?;
        parse_json(&body)
    }
}

/// Absent, null and false mean alive; a date (and anything else) means deceased: when in doubt no
/// letter is sent.
fn is_deceased(date: Option<&serde_json::Value>) -> bool {
    use serde_json::Value;
    match date {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_alive_only_if_pkb_says_nothing_of_death() {
        for (json, deceased) in [
            ("null", false),
            ("false", false),
            ("\"\"", false),
            ("\"2025-01-02\"", true),
            ("true", true),
            ("1735776000", true),
        ] {
            assert_eq!(
                is_deceased(Some(&serde_json::from_str(json).unwrap())),
                deceased,
                "{json}"
            );
        }
        assert!(!is_deceased(None));
    }

    #[test]
    fn a_login_page_is_called_a_page_and_no_message_repeats_the_answer() {
        for (body, part) in [
            ("<html>Canary", "web page"),
            ("Canary", "not JSON"),
            ("{\"invitationCode\":\"Canary\"}", "no such field"),
            ("{\"invitationCode\":\"Canary", "not JSON"),
        ] {
            let Err(error) = parse_json::<TokenAnswer>(body.as_bytes()) else {
                panic!("{body} was read")
            };
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("Canary"));
        }
    }
}
