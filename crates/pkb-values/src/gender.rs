//! A patient's gender, as patient administration systems keep it.

use serde::{Deserialize, Serialize};

use super::{Problem, folded_header};

/// The four that FHIR has, by FHIR's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Indeterminate, or not one of the two.
    Other,
    /// Not known.
    Unknown,
}

/// Each with its codes in the NHS Data Dictionary and at PKB, and what systems write instead of a code (folded).
const TABLE: [(Gender, &[&str]); 4] = [
    (Gender::Male, &["1", "m", "male", "man", "gwryw"]),
    (Gender::Female, &["2", "f", "female", "woman", "benyw"]),
    (
        Gender::Other,
        &[
            "9",
            "i",
            "indeterminate",
            "notspecified",
            "unspecified",
            "other",
        ],
    ),
    (
        Gender::Unknown,
        &["0", "u", "x", "unknown", "notknown", "notstated"],
    ),
];

impl Gender {
    /// Reads a code (M, F, I, U, X, or 1, 2, 9, 0) or a word.
    ///
    /// # Errors
    /// [`Problem::Empty`] or [`Problem::NotAGender`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let folded = folded_header(text);
        if folded.is_empty() {
            return Err(Problem::Empty);
        }
        TABLE
            .into_iter()
            .find(|(_, written)| written.contains(&folded.as_str()))
            .map(|(gender, _)| gender)
            .ok_or(Problem::NotAGender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gender_is_read_by_its_code_or_its_word() {
        for (texts, gender) in [
            (&["M", "m ", "1", "Male", "MALE"][..], Gender::Male),
            (&["F", "2", " female"], Gender::Female),
            (&["9", "I", "Indeterminate", "Not specified"], Gender::Other),
            (&["0", "U", "X", "Not known", "unknown"], Gender::Unknown),
        ] {
            for text in texts {
                assert_eq!(Gender::parse(text), Ok(gender), "{text}");
            }
        }
        assert_eq!(Gender::parse(" "), Err(Problem::Empty));
        for text in ["3", "01", "Mr", "MF", "\u{ff11}"] {
            assert_eq!(Gender::parse(text), Err(Problem::NotAGender), "{text}");
        }
    }

    #[test]
    fn the_names_are_those_of_fhir() {
        let names = TABLE.map(|(gender, _)| serde_json::to_string(&gender).unwrap());
        assert_eq!(
            names,
            ["\"male\"", "\"female\"", "\"other\"", "\"unknown\""]
        );
    }
}
