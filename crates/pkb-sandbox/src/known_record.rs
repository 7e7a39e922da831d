//! Patients that PKB has before anything is uploaded: what the world file says of their records.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::upload::Row;

/// A record that is there from the start. An upload overwrites it as it does any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnownRecord {
    /// Title.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Date of birth; none if PKB has none.
    pub date_of_birth: Option<Date>,
    /// M, F, I or U.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gender: String,
    /// First line of the address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address1: String,
    /// Second line of the address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address2: String,
    /// Town.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub city: String,
    /// County.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub county: String,
    /// Postcode.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub postcode: String,
}

impl KnownRecord {
    /// The record as an upload of it would have made it.
    pub(crate) fn row(&self, national_id: &str) -> Row {
        Row {
            title: self.title.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            national_id: national_id.to_owned(),
            organisation_id: String::new(),
            team_id: String::new(),
            gender: self.gender.clone(),
            email: String::new(),
            date_of_birth: self.date_of_birth,
            address1: self.address1.clone(),
            address2: self.address2.clone(),
            city: self.city.clone(),
            county: self.county.clone(),
            postcode: self.postcode.clone(),
            mobile: String::new(),
            home_phone: String::new(),
        }
    }
}
