//! In which languages and in which print a letter is.

use serde::{Deserialize, Serialize};

use super::Problem;

/// The languages of a letter.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LetterLanguages {
    /// English alone
    #[default]
    #[serde(rename = "en")]
    English,
    /// Welsh alone
    #[serde(rename = "cy")]
    Welsh,
    // Welsh Language Standards (No. 7) Regulations 2018: where the preference is not known, and Welsh
    // so that it is read first.
    /// Both, Welsh first
    #[serde(rename = "cy+en")]
    WelshAndEnglish,
}

impl LetterLanguages {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::Welsh, Self::WelshAndEnglish];

    /// The name on the wire: `cy+en`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Welsh => "cy",
            Self::WelshAndEnglish => "cy+en",
        }
    }

    /// The language codes, in the order in which they stand in the letter.
    #[must_use]
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Self::English => &["en"],
            Self::Welsh => &["cy"],
            Self::WelshAndEnglish => &["cy", "en"],
        }
    }
}

/// How large the print of a letter is (NHS Accessible Information Standard, DCB1605).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LetterFormat {
    /// 12 point
    #[default]
    Standard,
    /// 16 point
    Large,
}

impl LetterFormat {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Large];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Large => "large",
        }
    }

    /// Size of the words, in points.
    #[must_use]
    pub fn points(self) -> u8 {
        match self {
            Self::Standard => 12,
            Self::Large => 16,
        }
    }

    /// Reads what hospitals write in a column of formats.
    ///
    /// # Errors
    /// Something that we cannot print, such as braille, or nothing that we know.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let folded: String = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        match folded.as_str() {
            "" => Err(Problem::Empty),
            "standard" | "standardprint" | "normal" | "normalprint" | "print" | "none" | "12"
            | "12pt" | "12point" => Ok(Self::Standard),
            "large" | "largeprint" | "largefont" | "largetext" | "16" | "16pt" | "16point"
            | "16ptprint" | "16pointprint" => Ok(Self::Large),
            _ => Err(Problem::NotALetterFormat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_for_large_print_are_known_and_braille_is_not_taken_for_print() {
        for text in ["Large print", "LARGE", "16pt", "16 point", "large-print"] {
            assert_eq!(LetterFormat::parse(text), Ok(LetterFormat::Large), "{text}");
        }
        for text in ["standard", "Normal", "12 pt", "none"] {
            assert_eq!(LetterFormat::parse(text), Ok(LetterFormat::Standard));
        }
        assert_eq!(LetterFormat::parse(" "), Err(Problem::Empty));
        for text in ["Braille", "Easy Read", "audio", "24 pt"] {
            assert_eq!(LetterFormat::parse(text), Err(Problem::NotALetterFormat));
        }
    }

    #[test]
    fn the_names_are_those_on_the_wire() {
        for languages in LetterLanguages::ALL {
            let json = serde_json::to_string(&languages).unwrap();
            assert_eq!(json, format!("\"{}\"", languages.as_str()));
            assert_eq!(languages.codes().join("+"), languages.as_str());
        }
        for format in LetterFormat::ALL {
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(json, format!("\"{}\"", format.as_str()));
        }
    }
}
