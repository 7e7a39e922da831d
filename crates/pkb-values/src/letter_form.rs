//! In which languages and in which print a letter is.

use std::{borrow::Cow, str::FromStr, sync::LazyLock};

use pkb_languages::LetterLanguage;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Problem;

/// The languages of a letter, in the order in which they appear in it: one, or one and then English. On the wire they are
/// the codes of the languages: `en`, `cy+en`.
///
/// Welsh Language Standards (No. 7) Regulations 2018: both languages where the preference is not known, and Welsh so that
/// it is read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterLanguages(&'static Combination);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Combination {
    languages: Vec<&'static LetterLanguage>,
    codes: String,
    about: String,
}

/// Each language alone, and each before English.
static COMBINATIONS: LazyLock<Vec<Combination>> = LazyLock::new(|| {
    let english = LetterLanguage::english();
    let mut combinations = Vec::new();
    for language in LetterLanguage::all() {
        combinations.push(Combination {
            languages: vec![language],
            codes: language.code.to_owned(),
            about: format!("{} alone", language.name()),
        });
        if language != english {
            combinations.push(Combination {
                languages: vec![language, english],
                codes: format!("{}+{}", language.code, english.code),
                about: format!("{} first, then {}", language.name(), english.name()),
            });
        }
    }
    combinations
});

impl LetterLanguages {
    /// All that letters can be in.
    pub fn all() -> impl Iterator<Item = Self> {
        COMBINATIONS.iter().map(Self)
    }

    /// One language alone.
    #[must_use]
    pub fn alone(language: &'static LetterLanguage) -> Self {
        let alone = |own: &Self| own.languages() == [language];
        Self::all().find(alone).unwrap_or_default()
    }

    /// The codes, as on the wire: `cy+en`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        &self.0.codes
    }

    /// The languages, in the order in which they appear in the letter.
    #[must_use]
    pub fn languages(self) -> &'static [&'static LetterLanguage] {
        &self.0.languages
    }

    /// The language that is read first.
    #[must_use]
    pub fn first(self) -> &'static LetterLanguage {
        let first = self.languages().first();
        first.copied().unwrap_or_else(LetterLanguage::english)
    }

    /// In words, for help.
    #[must_use]
    pub fn about(self) -> &'static str {
        &self.0.about
    }
}

impl Default for LetterLanguages {
    /// English alone.
    fn default() -> Self {
        Self(&COMBINATIONS[0])
    }
}

impl FromStr for LetterLanguages {
    type Err = Problem;

    fn from_str(codes: &str) -> Result<Self, Problem> {
        let same = |own: &Self| own.as_str() == codes;
        Self::all().find(same).ok_or(Problem::NotALanguage)
    }
}

impl Serialize for LetterLanguages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LetterLanguages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let codes = <Cow<'de, str>>::deserialize(deserializer)?;
        codes.parse().map_err(|_| {
            let known: Vec<&str> = Self::all().map(Self::as_str).collect();
            D::Error::custom(format_args!(
                "not languages of letters: expected {}",
                known.join(", ")
            ))
        })
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
        for languages in LetterLanguages::all() {
            let json = serde_json::to_string(&languages).unwrap();
            assert_eq!(json, format!("\"{}\"", languages.as_str()));
            assert_eq!(
                serde_json::from_str::<LetterLanguages>(&json).unwrap(),
                languages
            );
        }
        let all: Vec<_> = LetterLanguages::all()
            .map(LetterLanguages::as_str)
            .collect();
        assert_eq!(all, ["en", "cy", "cy+en"]);
        assert!(LetterLanguages::all().is_sorted());
        assert_eq!(LetterLanguages::default().as_str(), "en");
        let refused = serde_json::from_str::<LetterLanguages>(r#""en+cy""#).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "not languages of letters: expected en, cy, cy+en"
        );
        for format in LetterFormat::ALL {
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(json, format!("\"{}\"", format.as_str()));
        }
    }
}
