//! The message: one Patient (FHIR STU3), as the page "Process message" (p.3365077610) describes it. What PKB does not take is not in it.

use bytes::Bytes;
use jiff::civil::Date;
use pkb_values::{Gender, NationalId};
use serde::Serialize;

/// Names a team of the organisation, to which the patient is added.
const TEAM_ALIAS: &str = "http://fhir.patientsknowbest.com/structuredefinition/team-alias";

/// The patient of a message. A text that is empty is not sent.
pub struct MessagePatient<'a> {
    /// Which patient it is.
    pub national_id: NationalId,
    /// The name.
    pub name: Name<'a>,
    /// Gender.
    pub gender: Gender,
    /// Date of birth.
    pub birth_date: Date,
    /// Whether the patient has died. Of the living nothing is said.
    pub deceased: bool,
    /// The address.
    pub address: PostalAddress<'a>,
    /// The one number that PKB keeps.
    pub phone: &'a str,
    /// E-mail address: PKB sends an invitation to it.
    pub email: &'a str,
    /// Teams of the organisation, by their aliases at PKB; none for its default team.
    pub team_aliases: &'a [String],
}

/// A name. All of the first name is one `given`, because what PKB makes of further ones differs between its pages.
pub struct Name<'a> {
    /// Title.
    pub title: &'a str,
    /// First name or names.
    pub first: &'a str,
    /// Last name.
    pub last: &'a str,
}

/// An address. PKB has two lines. Which countries PKB knows is not published, so the country is left out.
#[derive(Default)]
pub struct PostalAddress<'a> {
    /// Lines besides town and county.
    pub lines: [&'a str; 2],
    /// Town.
    pub city: &'a str,
    /// County.
    pub county: &'a str,
    /// Postcode.
    pub postcode: &'a str,
}

/// A message that is ready to be sent, and sent again. It is made once, so that every attempt has the same bytes.
pub struct PatientMessage {
    /// The patient.
    pub(super) about: NationalId,
    body: Bytes,
}

impl PatientMessage {
    /// The message about `patient`.
    pub fn new(patient: &MessagePatient<'_>) -> Self {
        // Texts with texts as keys are always JSON.
        let body = serde_json::to_vec(&Resource::of(patient)).unwrap_or_default();
        Self {
            about: patient.national_id,
            body: body.into(),
        }
    }

    /// The bytes that are sent.
    pub(super) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The bytes that are sent, with all that they say of the patient.
    pub fn expose_body(&self) -> &[u8] {
        &self.body
    }
}

/// FHIR has neither empty texts nor empty lists.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    identifier: [Identifier<'a>; 1],
    name: [HumanName<'a>; 1],
    gender: Gender,
    birth_date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_boolean: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<Contact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension<'a> {
    url: &'static str,
    value_string: &'a str,
}

#[derive(Serialize)]
struct Identifier<'a> {
    system: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct HumanName<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefix: Vec<&'a str>,
    given: [&'a str; 1],
    /// A text in STU3, not a list as before.
    family: &'a str,
}

#[derive(Serialize)]
struct Contact<'a> {
    system: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    city: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    state: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    postal_code: &'a str,
}

/// The text in a list, or no list.
fn filled<'a>(texts: &[&'a str]) -> Vec<&'a str> {
    let filled = texts.iter().filter(|text| !text.is_empty());
    filled.copied().collect()
}

impl<'a> Resource<'a> {
    fn of(patient: &'a MessagePatient<'a>) -> Self {
        let contacts = [("phone", patient.phone), ("email", patient.email)];
        let PostalAddress {
            lines,
            city,
            county,
            postcode,
        } = &patient.address;
        let address = Address {
            line: filled(lines),
            city,
            state: county,
            postal_code: postcode,
        };
        let has_address = !filled(&[lines[0], lines[1], city, county, postcode]).is_empty();
        Self {
            resource_type: "Patient",
            extension: (patient.team_aliases.iter())
                .map(|alias| Extension {
                    url: TEAM_ALIAS,
                    value_string: alias,
                })
                .collect(),
            identifier: [Identifier {
                system: patient.national_id.scheme.fhir_system(),
                value: patient.national_id.value.expose_digits(),
            }],
            name: [HumanName {
                prefix: filled(&[patient.name.title]),
                given: [patient.name.first],
                family: patient.name.last,
            }],
            gender: patient.gender,
            birth_date: patient.birth_date,
            deceased_boolean: patient.deceased.then_some(true),
            telecom: contacts
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(system, value)| Contact { system, value })
                .collect(),
            address: has_address.then_some(address).into_iter().collect(),
        }
    }
}
