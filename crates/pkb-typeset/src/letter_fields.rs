//! The values of one letter.

use std::fmt;

use jiff::civil::{Date, date};
use pkb_values::{LetterFormat, LetterLanguages};

/// The values of one letter. All are data: what Typst would read as markup is printed as it is written.
///
/// `Debug` shows languages and format only.
#[derive(Clone, PartialEq, Eq)]
pub struct LetterFields {
    /// The addressee with title, such as "Mr Read Richards".
    pub name: String,
    /// First name or names.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The lines under the name, town and post code last; none for an insert.
    pub address: Vec<String>,
    /// First of the two codes; printed in one piece. Empty in a letter without codes.
    pub invitation_code: String,
    /// Second of the two codes; printed in one piece.
    pub access_code: String,
    /// Last whole day of the codes; any day in a letter without codes.
    pub last_day: Date,
    /// Date of the letter.
    pub letter_date: Date,
    /// The whole prefilled link, for the QR code. It holds both codes, so it is never printed as text.
    pub join_url: String,
    /// The address that a person types, such as "joinpkb.com".
    pub join_address: String,
    /// In which languages.
    pub languages: LetterLanguages,
    /// How large.
    pub format: LetterFormat,
}

impl LetterFields {
    /// A letter to nobody, for trying out a template. The codes are not real.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            name: "Mr Read Richards".into(),
            first_name: "Read".into(),
            last_name: "Richards".into(),
            address: vec![
                "1 Main Street".into(),
                "Byker".into(),
                "NEWCASTLE UPON TYNE".into(),
                "NE1 1XC".into(),
            ],
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            last_day: date(2026, 12, 22),
            letter_date: date(2026, 11, 22),
            join_url: "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into(),
            join_address: "joinpkb.com".into(),
            languages: LetterLanguages::default(),
            format: LetterFormat::Standard,
        }
    }
}

impl fmt::Debug for LetterFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LetterFields")
            .field("languages", &self.languages.as_str())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_values() {
        assert_eq!(
            format!("{:?}", LetterFields::sample()),
            "LetterFields { languages: \"en\", format: Standard, .. }"
        );
    }
}
