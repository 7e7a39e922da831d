//! The patient of a record, as the hospital's file has it.

use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::{Unknown, bounds};
use pkb_values::{
    AddressLine, DateOfBirth, Email, Gender, Language, LetterFormat, LocalId, NationalId,
    NhsNumberStatus, PersonName, Phone, Postcode, UkMobile,
};

/// Who a record is about, as the hospital's file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Patient {
    /// The national id.
    pub national_id: NationalId,
    /// Title, if the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<PersonName>,
    /// First name or names.
    pub first_name: PersonName,
    /// Last name.
    pub last_name: PersonName,
    /// Date of birth.
    pub date_of_birth: DateOfBirth,
    /// Gender, if the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Address lines without name and post code; none if the file has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<AddressLine>,
    /// Which line of the address is the town, from 0, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub town_line: Option<u8>,
    /// Which line of the address is the county, from 0, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county_line: Option<u8>,
    /// Post code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Postcode>,
    /// Why no letter can go to this address, if the file has more than the lines and the postcode tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_letter: Option<NoLetter>,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<UkMobile>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Preferred language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// How large the print of letters must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LetterFormat>,
    /// Identifier in the organisation's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<LocalId>,
    /// Identifier in the team's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<LocalId>,
    /// Home telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_phone: Option<Phone>,
    /// Telephone at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_phone: Option<Phone>,
    /// Another telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_phone: Option<Phone>,
    /// Carers, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carers: Vec<Carer>,
    /// Whether the hospital's file says that the patient has died.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deceased: bool,
    /// Why the patient was removed from a practice's list, by the NHS's code, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_reason: Option<String>,
    /// How far the NHS number was traced, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number_status: Option<NhsNumberStatus>,
    /// Who else is at the same address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<Household>,
    /// Columns of the file that this program has no use for (`--keep-extra`), by their headers.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What pkb-upload knows of an address to which no letter can go. The patient's record is created all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoLetter {
    /// The postcode was left out: it is not one of the United Kingdom.
    Postcode,
    /// A line was left out, or was empty where the street should be.
    Address,
    /// A word says that the patient has left, or has no fixed or no known address.
    Abode,
}

impl Patient {
    /// What is left of a patient who is to be forgotten: what keys of journals are made of, and that somebody has died.
    pub(crate) fn bare(&self) -> Self {
        Self {
            national_id: self.national_id,
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            date_of_birth: self.date_of_birth,
            deceased: self.deceased,
            title: None,
            gender: None,
            address: Vec::new(),
            town_line: None,
            county_line: None,
            postcode: None,
            no_letter: None,
            mobile: None,
            email: None,
            language: None,
            format: None,
            organisation_id: None,
            team_id: None,
            home_phone: None,
            work_phone: None,
            other_phone: None,
            carers: Vec::new(),
            removal_reason: None,
            nhs_number_status: None,
            household: None,
            extra: serde_json::Map::new(),
            unknown: Unknown::new(),
        }
    }

    /// All that a row of a patient file says of its patient: two rows with the same content are the same row twice.
    pub fn content(&self) -> impl Hash + '_ {
        let Self {
            national_id,
            title,
            first_name,
            last_name,
            date_of_birth,
            gender,
            address,
            town_line: _,
            county_line: _,
            postcode,
            no_letter,
            mobile,
            email,
            language,
            format,
            organisation_id,
            team_id,
            home_phone,
            work_phone,
            other_phone,
            carers,
            deceased,
            removal_reason,
            nhs_number_status,
            household: _,
            extra,
            unknown: _,
        } = self;
        let extra = (!extra.is_empty())
            .then(|| serde_json::to_string(extra).ok())
            .flatten();
        (
            (national_id, title, first_name, last_name, date_of_birth),
            (address, postcode, no_letter, mobile, email, language),
            (organisation_id, team_id, home_phone, work_phone),
            (other_phone, carers, deceased, removal_reason, gender),
            (nhs_number_status, format, extra),
        )
    }

    /// Title, first and last name, as a letter addresses the patient.
    pub fn expose_full_name(&self) -> String {
        let title = self.title.iter().map(PersonName::expose_name);
        title
            .chain([self.first_name.expose_name(), self.last_name.expose_name()])
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Several patients at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Household {
    /// Row of the first of them in the patient file: the same for all of a household.
    #[serde(deserialize_with = "bounds::row")]
    pub first_row: u64,
    /// How many they are.
    pub patients: u32,
}

/// Somebody who cares for a patient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Carer {
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<PersonName>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<PersonName>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}
