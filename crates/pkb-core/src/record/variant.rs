//! The name of one of several letters that are compared.

use serde::{Deserialize, Serialize};

/// A name of up to 20 small letters, digits and hyphens: it is a part of file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
pub struct Variant(String);

impl Variant {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Variant {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain =
            |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name =
            (1..=20).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-');
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or("must be a name of up to 20 small letters, digits and hyphens")
    }
}

impl TryFrom<String> for Variant {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_a_folder() {
        for text in ["plain", "b", "letter-2"] {
            assert_eq!(text.parse::<Variant>().unwrap().as_str(), text);
        }
        for text in ["", "../x", "A", "a b", "a/b", "-n", "abcdefghijklmnopqrstu"] {
            assert!(text.parse::<Variant>().is_err(), "{text}");
        }
    }
}
