//! Patients that PKB has before anything is uploaded: what the world file says of their records.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
