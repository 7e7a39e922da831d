//! `organisation.toml`: what a letter says about its sender.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Who sends the letter. Every field is printed as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Name of the organisation.
    pub name: String,
    /// Site or department.
    pub department: String,
    /// Address lines of the sender, post code last.
    pub address: Vec<String>,
    /// Telephone number for help.
    pub phone: String,
    /// When the telephone is answered, such as "Monday to Friday, 9am to 5pm".
    pub help_hours: String,
    /// E-mail address for help.
    pub email: String,
    /// Website of the sender.
    pub website: String,
    /// File name of the logo in the template folder.
    pub logo: String,
    /// File name of the signature in the template folder.
    pub signature: String,
    /// Name of the clinician who signs.
    pub clinician_name: String,
    /// Role of the clinician who signs.
    pub clinician_role: String,
    /// What the patient gains, one line each.
    pub gains: Vec<String>,
    /// Who sees the record and who keeps it safe, in two sentences.
    pub privacy: String,
    /// Which parts of the page must stay clear.
    #[serde(default)]
    pub envelope: Envelope,
}

/// Which parts of the page must stay clear, for the envelope window, barcodes and the printer's margin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// The areas of GOV.UK Notify, checked for every letter.
    #[default]
    Notify,
    /// The template's own layout; nothing is checked.
    Own,
}

/// `organisation.toml` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrganisationError {
    /// The file is no valid TOML, has an unknown key, or lacks one.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line in the file, from 1.
        line: usize,
        /// What the parser found.
        message: String,
    },
    /// A value that is printed is empty.
    #[error("{key} is empty")]
    Empty {
        /// The key of the value.
        key: &'static str,
    },
}

impl Organisation {
    /// Reads `organisation.toml`.
    ///
    /// # Errors
    ///
    /// For bad TOML, an unknown or missing key (with the line), or an empty value (with the key).
    pub fn parse(text: &str) -> Result<Self, OrganisationError> {
        let organisation: Self =
            toml::from_str(text).map_err(|error| OrganisationError::Syntax {
                line: line_of(text, error.span()),
                message: error.message().to_owned(),
            })?;
        organisation.check()?;
        Ok(organisation)
    }

    fn check(&self) -> Result<(), OrganisationError> {
        let one = |key, value: &str| {
            if value.trim().is_empty() {
                Err(OrganisationError::Empty { key })
            } else {
                Ok(())
            }
        };
        let all = |key, values: &[String]| {
            if values.is_empty() {
                Err(OrganisationError::Empty { key })
            } else {
                values.iter().try_for_each(|value| one(key, value))
            }
        };
        one("name", &self.name)?;
        one("department", &self.department)?;
        all("address", &self.address)?;
        one("phone", &self.phone)?;
        one("help_hours", &self.help_hours)?;
        one("email", &self.email)?;
        one("website", &self.website)?;
        one("logo", &self.logo)?;
        one("signature", &self.signature)?;
        one("clinician_name", &self.clinician_name)?;
        one("clinician_role", &self.clinician_role)?;
        all("gains", &self.gains)?;
        one("privacy", &self.privacy)
    }
}

/// The line, from 1, in which a span starts. A missing key has no span worth the name: that is the first line.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    text.bytes()
        .take(start)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &str = include_str!("../assets/template/organisation.toml");

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let line = BUILT_IN.lines().count() + 1;
        let error = Organisation::parse(&format!("{BUILT_IN}fax = \"1\"\n"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.contains("`fax`"), "{error}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let text: String = BUILT_IN
            .lines()
            .filter(|line| !line.starts_with("phone"))
            .map(|line| format!("{line}\n"))
            .collect();
        let error = Organisation::parse(&text).unwrap_err().to_string();
        assert!(error.contains("`phone`"), "{error}");
    }

    #[test]
    fn an_empty_value_is_named() {
        let text = BUILT_IN.replace("\"Northtown Health Board\"", "\" \"");
        assert_eq!(
            Organisation::parse(&text),
            Err(OrganisationError::Empty { key: "name" })
        );
    }
}
