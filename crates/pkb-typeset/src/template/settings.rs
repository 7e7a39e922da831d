//! `template.toml`: the settings of a template.

use std::ops::Range;

use pkb_files::nearest::nearest;
use pkb_values::{LetterFormat, LetterLanguages};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use super::{
    geometry::{Geometry, PageSettings},
    marks::Marks,
    organisation::{Organisation, Translation},
};

/// Everything that `template.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who sends the letters.
    pub organisation: Organisation,
    /// Which letter a patient gets of whom nothing else is known.
    pub letters: Letters,
    /// Where things are on the pages.
    pub geometry: Geometry,
    /// What marks the sheets bear.
    pub marks: Marks,
}

/// `[letters]`: whether the words are agreed, and which letter a patient gets of whom nothing else is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Letters {
    /// Whether PKB has agreed to the words of letters and text messages, as it asks of every organisation.
    pub wording_agreed_with_pkb: bool,
    /// Languages of a patient whose preference the record does not tell.
    pub languages: LetterLanguages,
    /// Print of a patient of whom the record does not tell it.
    pub format: LetterFormat,
}

/// `template.toml` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The file is no valid TOML, has an unknown key, or lacks one.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line in the file, from 1.
        line: usize,
        /// What the parser found.
        message: String,
    },
    /// A value that is printed is empty.
    #[error("[organisation] {key} is empty")]
    Empty {
        /// The key of the value.
        key: &'static str,
    },
    /// An area is none.
    #[error("{0}")]
    Area(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    organisation: Organisation,
    #[serde(default)]
    letters: Letters,
    #[serde(default)]
    page: PageSettings,
    #[serde(default)]
    marks: Marks,
}

impl Settings {
    /// Reads `template.toml`.
    ///
    /// # Errors
    ///
    /// For bad TOML, an unknown or missing key (with the line), an empty value (with the key), or an area that is none.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let file: File = parsed(text)?;
        if let Some(key) = file.organisation.empty_key() {
            return Err(SettingsError::Empty { key });
        }
        Ok(Self {
            geometry: file.page.geometry().map_err(SettingsError::Area)?,
            organisation: file.organisation,
            letters: file.letters,
            marks: file.marks,
        })
    }
}

impl Translation {
    /// Reads the `translation.toml` of a language.
    ///
    /// # Errors
    ///
    /// As [`Settings::parse`]. An empty value is one of the organisation as it is translated.
    pub fn parse(text: &str, organisation: &Organisation) -> Result<Self, SettingsError> {
        let translation: Self = parsed(text)?;
        match organisation
            .translated(&translation.organisation)
            .empty_key()
        {
            Some(key) => Err(SettingsError::Empty { key }),
            None => Ok(translation),
        }
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    toml::from_str(text).map_err(|error| SettingsError::Syntax {
        line: line_of(text, error.span()),
        message: with_a_guess(error.message()),
    })
}

/// The parser's message; where it lists the keys that there are, the one that was probably meant comes first.
fn with_a_guess(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let wrong = names
        .next()
        .filter(|_| message.starts_with("unknown field"));
    match wrong.and_then(|wrong| nearest(wrong, names)) {
        Some(near) => message.replacen(
            ", expected",
            &format!(", did you mean `{near}`? Expected"),
            1,
        ),
        None => message.to_owned(),
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

    const BUILT_IN: &str = include_str!("../../assets/template/template.toml");

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let line = BUILT_IN.lines().count() + 2;
        let error = Settings::parse(&format!("{BUILT_IN}\nfax = \"1\"\n"))
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
        let error = Settings::parse(&text).unwrap_err().to_string();
        assert!(error.contains("`phone`"), "{error}");
    }

    #[test]
    fn an_empty_value_is_named_in_each_language() {
        let text = BUILT_IN.replacen("\"Northtown Health Board\"", "\" \"", 1);
        assert_eq!(
            Settings::parse(&text),
            Err(SettingsError::Empty { key: "name" })
        );
        let organisation = Settings::parse(BUILT_IN).unwrap().organisation;
        assert_eq!(
            Translation::parse("[organisation]\nhelp_hours = \" \"", &organisation),
            Err(SettingsError::Empty { key: "help_hours" })
        );
    }

    #[test]
    fn translated_words_replace_those_of_the_settings_where_there_are_any() {
        let own = Settings::parse(BUILT_IN).unwrap().organisation;
        let text = "is_approved = true\n[organisation]\nhelp_hours = \"Dydd Llun\"";
        let welsh = Translation::parse(text, &own).unwrap();
        assert!(welsh.is_approved);
        let welsh = own.translated(&welsh.organisation);
        assert_eq!(welsh.help_hours, "Dydd Llun");
        assert_eq!(welsh.phone, own.phone);
    }
}
