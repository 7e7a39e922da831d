//! The values of one letter, as they are printed.

use std::fmt;

use serde::Serialize;

/// The values of one letter. All are data: what Typst would read as markup is printed as it is written.
///
/// `Debug` shows the sequence number only.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterFields {
    /// The addressee with title, such as "Mr Read Richards".
    pub name: String,
    /// The lines under the name, town and post code last.
    pub address: Vec<String>,
    /// First of the two codes; printed in one piece.
    pub invitation_code: String,
    /// Second of the two codes; printed in one piece.
    pub access_code: String,
    /// Last day of the codes, such as "22 December 2026".
    pub expires_on: String,
    /// Date of the letter, such as "22 November 2026".
    pub letter_date: String,
    /// The whole prefilled link, for the square code. It holds both codes, so it is never printed as text.
    #[serde(skip)]
    pub join_url: String,
    /// The address that a person types, such as "joinpkb.com".
    pub join_address: String,
    /// Running number of the letter in its campaign, printed as a six-digit mark.
    pub sequence: u64,
}

impl LetterFields {
    /// A letter to nobody, for trying out a template. The codes are not real.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            name: "Mr Read Richards".into(),
            address: vec![
                "1 Main Street".into(),
                "Byker".into(),
                "NEWCASTLE UPON TYNE".into(),
                "NE1 1XC".into(),
            ],
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expires_on: "22 December 2026".into(),
            letter_date: "22 November 2026".into(),
            join_url: "https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay".into(),
            join_address: "joinpkb.com".into(),
            sequence: 123,
        }
    }
}

impl fmt::Debug for LetterFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LetterFields")
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_sequence_and_no_values() {
        assert_eq!(
            format!("{:?}", LetterFields::sample()),
            "LetterFields { sequence: 123, .. }"
        );
    }
}
