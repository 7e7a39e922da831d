//! The columns of PKB's file. They are data, because PKB does not publish the template.

use std::{num::NonZeroU8, path::Path};

use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose};
use serde::Deserialize;

use pkb_patients::toml_file;

/// Rows that PKB takes in one file.
pub const MAX_ROWS: u32 = 50_000;

/// The profile that comes with the program.
const BUILT_IN: &str = include_str!("../../data/add-many-patients.toml");

/// The columns of the file, in their order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    #[serde(rename = "column")]
    columns: Vec<PkbColumn>,
}

/// A column of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PkbColumn {
    /// Its header.
    pub header: String,
    /// What goes into it; nothing, if absent.
    pub field: Option<PkbField>,
    /// Which carer, for the fields of carers.
    #[serde(default = "first_carer")]
    pub carer: NonZeroU8,
}

fn first_carer() -> NonZeroU8 {
    NonZeroU8::MIN
}

/// What can go into a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkbField {
    Title,
    FirstName,
    LastName,
    NationalId,
    OrganisationId,
    TeamId,
    Email,
    BirthDay,
    BirthMonth,
    BirthYear,
    #[serde(rename = "address_1")]
    Address1,
    #[serde(rename = "address_2")]
    Address2,
    City,
    County,
    Postcode,
    Mobile,
    HomePhone,
    WorkPhone,
    OtherPhone,
    CarerFirstName,
    CarerLastName,
    CarerEmail,
}

/// Without these PKB takes no row.
const MANDATORY: [PkbField; 3] = [
    PkbField::FirstName,
    PkbField::LastName,
    PkbField::NationalId,
];

impl PkbField {
    /// Whether the field is filled even where nothing at PKB is to be overwritten. The date of birth is
    /// not: to overwrite PKB's would hide that a number is another patient's, which pkb-resolve tells
    /// by that date.
    pub fn is_essential(self) -> bool {
        MANDATORY.contains(&self)
    }
}

impl Profile {
    /// The profile that comes with the program, as text: for a copy to be edited.
    pub fn built_in_text() -> &'static str {
        BUILT_IN
    }

    /// The profile at `path`, or the one that comes with the program.
    ///
    /// # Errors
    /// It cannot be read, or is no profile.
    pub fn read(path: Option<&Path>) -> Result<Self, Fatal> {
        let Some(path) = path else {
            return Self::parse(BUILT_IN)
                .map_err(|words| Fatal::Bug(format!("the built-in profile: {words}")));
        };
        let text = trusted_file::read_to_string(path, Purpose::RULES)
            .map_err(|unread| unread.or(|source| Fatal::cannot_read(path, source)))?;
        Self::parse(&text).map_err(|words| Fatal::Usage(format!("{}: {words}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let profile: Self = toml_file::parse(text)?;
        let problems = profile.problems();
        if problems.is_empty() {
            Ok(profile)
        } else {
            Err(problems.join("; "))
        }
    }

    fn problems(&self) -> Vec<String> {
        let missing = MANDATORY
            .iter()
            .filter(|field| {
                !self
                    .columns
                    .iter()
                    .any(|column| column.field == Some(**field))
            })
            .map(|field| {
                format!("no column has the field {field:?}. PKB needs this field in every row")
            });
        let repeated = self.columns.iter().enumerate().filter_map(|(at, column)| {
            let is_same = |other: &PkbColumn| {
                column.field.is_some() && (other.field, other.carer) == (column.field, column.carer)
            };
            let first = self.columns[..at].iter().find(|other| is_same(other))?;
            Some(format!(
                "\"{}\" and \"{}\" have the same field. Correct one of them",
                first.header, column.header
            ))
        });
        missing.chain(repeated).collect()
    }

    /// The columns.
    pub fn columns(&self) -> &[PkbColumn] {
        &self.columns
    }

    /// The headers.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.header.as_str())
    }

    /// Whether a column is for `field`.
    pub fn has(&self, field: PkbField) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| column.field == Some(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profile_is_one() {
        assert_eq!(Profile::parse(BUILT_IN).unwrap().headers().count(), 22);
    }

    #[test]
    fn mistakes_in_a_profile_are_named() {
        for (text, parts) in [
            (
                "[[column]]\nheader = \"A\"\nfeild = \"title\"",
                &["line 3", "feild"][..],
            ),
            (
                "[[column]]\nheader = \"A\"\nfield = \"shoe_size\"",
                &["line 3", "shoe_size"],
            ),
            (
                "[[column]]\nheader = \"A\"\nfield = \"title\"\n[[column]]\nheader = \"B\"\nfield = \"title\"",
                &[
                    "FirstName",
                    "LastName",
                    "NationalId",
                    "\"A\" and \"B\" have the same field",
                ],
            ),
        ] {
            let error = Profile::parse(text).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
