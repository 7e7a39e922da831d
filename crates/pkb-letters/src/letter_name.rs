//! How a printer names a letter: by its reference in the manifest, or by the number that is printed on its sheets.

use std::{fmt, str::FromStr};

use pkb_core::record::{Delivery, Reference};

/// A letter, as a printer names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterName {
    /// By its number: 3000123, also with zeros before it.
    Number(u64),
    /// By its reference.
    Reference(Reference),
}

impl LetterName {
    /// Whether a delivery is this letter.
    pub(crate) fn is_of(&self, delivery: &Delivery) -> bool {
        match self {
            Self::Number(number) => delivery.sequence == Some(*number),
            Self::Reference(reference) => delivery.reference.as_ref() == Some(reference),
        }
    }
}

impl FromStr for LetterName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() < Reference::LENGTH && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text
                .parse()
                .map(Self::Number)
                .map_err(|_| "must be the number or the reference of a letter");
        }
        let reference =
            Reference::parse(text).filter(|own| own.as_str().len() == Reference::LENGTH);
        reference
            .map(Self::Reference)
            .ok_or("must be the number on a letter, such as 3000123, or its reference in the manifest, which has 20 letters and digits")
    }
}

impl fmt::Display for LetterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "letter {number}"),
            Self::Reference(reference) => write!(f, "letter {}", reference.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_by_its_number_or_its_reference() {
        assert_eq!("3000123".parse(), Ok(LetterName::Number(3_000_123)));
        assert_eq!("000012".parse(), Ok(LetterName::Number(12)));
        let name: LetterName = "7k3m9qx2abcdefgh1234".parse().unwrap();
        assert_eq!(name.to_string(), "letter 7K3M9QX2ABCDEFGH1234");
        for text in ["", "A1", "row 7", "7K3M9QX2ABCDEFGH123-"] {
            assert!(text.parse::<LetterName>().is_err(), "{text}");
        }
    }
}
