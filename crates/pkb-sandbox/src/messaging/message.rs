//! The message: one Patient (STU3), read strictly. A refusal names the element and repeats no value.

use jiff::civil::Date;
use pkb_synthetic::nhs_number;
use serde_json::Value;

use crate::fhir::refusal::Refusal;
use crate::national_id::scheme_of_fhir_system;
use crate::upload::Row;

const TEAM_ALIAS: &str = "http://fhir.patientsknowbest.com/structuredefinition/team-alias";

/// What the message says, as a row of an upload would.
pub(super) struct Message {
    pub(super) row: Row,
    /// Whether the patient has died, and when, if that is said.
    pub(super) deceased: Option<Deceased>,
}

/// A death: its day may not be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deceased(pub(crate) Option<Date>);

impl Message {
    /// Reads a message. The first of `team_aliases` is that of the organisation's default team.
    pub(super) fn read(body: &[u8], team_aliases: &[String]) -> Result<Self, Refusal> {
        let patient: Value = serde_json::from_slice(body).map_err(|_| Refusal::NOT_A_PATIENT)?;
        if patient["resourceType"] != "Patient" {
            return Err(Refusal::NOT_A_PATIENT);
        }
        check_teams(&patient["extension"], team_aliases)?;
        let name = &patient["name"][0];
        let address = &patient["address"][0];
        let [email, phone] = contacts(&patient["telecom"])?;
        Ok(Self {
            row: Row {
                title: text(&name["prefix"][0]),
                first_name: required(&name["given"][0], Refusal::NO_GIVEN)?,
                last_name: required(&name["family"], Refusal::NO_FAMILY)?,
                national_id: national_id(&patient["identifier"])?,
                organisation_id: String::new(),
                team_id: String::new(),
                gender: gender(&patient["gender"])?.to_owned(),
                email,
                date_of_birth: Some(birth_date(&patient["birthDate"])?),
                address1: text(&address["line"][0]),
                address2: text(&address["line"][1]),
                city: text(&address["city"]),
                county: text(&address["state"]),
                postcode: text(&address["postalCode"]),
                mobile: phone,
                home_phone: String::new(),
            },
            deceased: deceased(&patient)?,
        })
    }
}

/// A text; empty if there is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

fn required(value: &Value, refusal: Refusal) -> Result<String, Refusal> {
    let text = text(value);
    if text.is_empty() {
        Err(refusal)
    } else {
        Ok(text)
    }
}

fn national_id(identifiers: &Value) -> Result<String, Refusal> {
    let identifiers = identifiers
        .as_array()
        .ok_or(Refusal::NO_PATIENT_IDENTIFIER)?;
    let known = identifiers.iter().find(|identifier| {
        let system = identifier["system"].as_str().unwrap_or_default();
        scheme_of_fhir_system(system).is_some()
    });
    let number = required(
        &known.ok_or(Refusal::NO_PATIENT_IDENTIFIER)?["value"],
        Refusal::NO_PATIENT_IDENTIFIER,
    )?;
    if nhs_number::is_valid(&number) {
        Ok(number)
    } else {
        Err(Refusal::BAD_IDENTIFIER)
    }
}

/// PKB's letter for FHIR's word.
fn gender(value: &Value) -> Result<&'static str, Refusal> {
    match value.as_str() {
        None => Err(Refusal::NO_GENDER),
        Some("male") => Ok("M"),
        Some("female") => Ok("F"),
        Some("other") => Ok("I"),
        Some("unknown") => Ok("U"),
        Some(_) => Err(Refusal::BAD_GENDER),
    }
}

/// A date in full: FHIR also has a year alone, and a year with a month.
fn birth_date(value: &Value) -> Result<Date, Refusal> {
    let text = value.as_str().ok_or(Refusal::NO_BIRTH_DATE)?;
    match text.len() {
        10 => text.parse().map_err(|_| Refusal::BAD_BIRTH_DATE),
        _ => Err(Refusal::BAD_BIRTH_DATE),
    }
}

fn deceased(patient: &Value) -> Result<Option<Deceased>, Refusal> {
    match (&patient["deceasedBoolean"], &patient["deceasedDateTime"]) {
        (Value::Null, Value::Null) => Ok(None),
        (Value::Bool(deceased), Value::Null) => Ok(deceased.then_some(Deceased(None))),
        (Value::Null, Value::String(moment)) => {
            let day = moment.get(..10).and_then(|day| day.parse().ok());
            Ok(Some(Deceased(Some(day.ok_or(Refusal::BAD_DEATH)?))))
        }
        _ => Err(Refusal::BAD_DEATH),
    }
}

/// E-mail address and phone number. Of several e-mail addresses one is processed; there can be one number.
fn contacts(telecom: &Value) -> Result<[String; 2], Refusal> {
    let contacts = telecom.as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |system: &str| {
        let mut values = contacts
            .iter()
            .filter(|contact| contact["system"] == system);
        let first = values.next().map(|contact| text(&contact["value"]));
        (first.unwrap_or_default(), values.next().is_some())
    };
    let (email, _) = of("email");
    let (phone, has_another) = of("phone");
    if has_another {
        return Err(Refusal::SECOND_PHONE);
    }
    Ok([email, phone])
}

/// Teams are known by their aliases, and one of them has to be the default team.
fn check_teams(extensions: &Value, team_aliases: &[String]) -> Result<(), Refusal> {
    let extensions = extensions.as_array().map(Vec::as_slice).unwrap_or_default();
    let named: Vec<&str> = extensions
        .iter()
        .filter(|extension| extension["url"] == TEAM_ALIAS)
        .map(|extension| extension["valueString"].as_str().unwrap_or_default())
        .collect();
    let is_known = |alias: &&str| team_aliases.iter().any(|known| known == alias);
    if !named.iter().all(is_known) {
        return Err(Refusal::UNKNOWN_TEAM);
    }
    let default_team = team_aliases.first().map_or("", String::as_str);
    if !named.is_empty() && !named.contains(&default_team) {
        return Err(Refusal::NO_DEFAULT_TEAM);
    }
    Ok(())
}
