//! The settings of a job: what a mail company has to know of it, and who answers its questions. Nothing of a patient.

use std::path::Path;

use jiff::civil::Date;
use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose};
use pkb_print_files::data_profile::Postage;
use serde::{Deserialize, Serialize};

/// An example, with all settings.
pub(super) const EXAMPLE: &str = include_str!("job.toml");

/// A job.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    /// How the names of its packages begin.
    pub(super) name: String,
    /// Who sends the letters.
    pub(super) customer: String,
    /// What the letters are about.
    pub(super) campaign: String,
    /// Who answers questions, with a phone number.
    pub(super) contact: String,
    pub(super) template: TemplateVersion,
    pub(super) pack: Pack,
    #[serde(default)]
    pub(super) posting: Posting,
    #[serde(default)]
    pub(super) reports: Reports,
    /// Days after which the company deletes the data.
    pub(super) keep_days: u16,
}

/// Which words and layout were approved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateVersion {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) approved_by: String,
    pub(super) approved_on: Date,
}

/// What a letter is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pack {
    pub(super) envelope: String,
    pub(super) return_address: String,
    pub(super) paper: String,
    pub(super) colour: Colour,
    pub(super) sides: Sides,
    #[serde(default)]
    pub(super) inserts: Vec<String>,
    #[serde(default)]
    pub(super) marks: String,
}

/// Black, or in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Colour {
    Black,
    Colour,
}

/// Whether sheets are printed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sides {
    Simplex,
    Duplex,
}

impl Sides {
    /// The sheets of a letter with so many pages.
    pub(super) fn sheets(self, pages: u64) -> u64 {
        match self {
            Self::Simplex => pages,
            Self::Duplex => pages.div_ceil(2),
        }
    }
}

/// When the letters go, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Posting {
    #[serde(default)]
    pub(super) postage: Postage,
    pub(super) not_before: Option<Date>,
}

/// How often the company reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reports {
    pub(super) status: String,
    pub(super) returns: String,
    pub(super) to: String,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            status: "each working day, until all letters are dispatched".to_owned(),
            returns: "each week, for 12 weeks after posting".to_owned(),
            to: "the contact".to_owned(),
        }
    }
}

impl Job {
    /// Reads the settings of a job.
    ///
    /// # Errors
    /// The file cannot be read, or a setting is wrong.
    pub(super) fn open(path: &Path) -> Result<Self, Fatal> {
        let text = trusted_file::read_to_string(path, Purpose::WORDS);
        let text = text.map_err(|unread| unread.or(|source| Fatal::cannot_read(path, source)))?;
        let wrong = |words: String| {
            Fatal::Usage(format!(
                "{}: {words}. What to do: correct the job. To print a job with all settings: pkb package --example",
                path.display()
            ))
        };
        let job: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        job.check().map_err(wrong)?;
        Ok(job)
    }

    fn check(&self) -> Result<(), String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(is_plain) {
            return Err(
                "name must be up to 40 letters, digits, - and _, because the names of files begin with this name"
                    .to_owned(),
            );
        }
        let needed = [
            ("customer", &self.customer),
            ("campaign", &self.campaign),
            ("contact", &self.contact),
        ];
        match needed.iter().find(|(_, text)| text.trim().is_empty()) {
            Some((setting, _)) => Err(format!("{setting} must not be empty")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_job_and_names_that_are_no_file_names_are_refused() {
        let job: Job = toml::from_str(EXAMPLE).unwrap();
        assert_eq!(job.check(), Ok(()));
        for name in ["", "spring 2026", "../spring"] {
            let name = name.to_owned();
            assert!(
                Job {
                    name,
                    ..job.clone()
                }
                .check()
                .is_err()
            );
        }
    }
}
