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
    /// Whether letters can be in it. Parts of letters are in each language alone.
    is_offered: bool,
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
            is_offered: !language.comes_with_english(),
        });
        if language != english {
            combinations.push(Combination {
                languages: vec![language, english],
                codes: format!("{}+{}", language.code, english.code),
                about: format!("{} first, then {}", language.name(), english.name()),
                is_offered: true,
            });
        }
    }
    combinations
});

impl LetterLanguages {
    /// All that letters can be in.
    pub fn all() -> impl Iterator<Item = Self> {
        let offered = COMBINATIONS.iter().filter(|own| own.is_offered);
        offered.map(Self)
    }

    /// One language alone: a part of a letter.
    #[must_use]
    pub fn alone(language: &'static LetterLanguage) -> Self {
        let mut all = COMBINATIONS.iter();
        let alone = all.find(|own| own.languages == [language]);
        alone.map_or_else(Self::default, Self)
    }

    /// What somebody gets who prefers a language: that alone, or with English behind it.
    #[must_use]
    pub fn preferred(language: &'static LetterLanguage) -> Self {
        let first = Self::all().find(|own| own.first() == language);
        first.unwrap_or_default()
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

/// The form in which a patient can read a letter (NHS Accessible Information Standard, DCB1605): on paper, in one of two sizes,
/// or in a form that a specialist supplier makes of the letter's text.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LetterFormat {
    /// 12 point
    #[default]
    Standard,
    /// 16 point
    Large,
    /// Braille
    Braille,
    /// Audio, such as a CD
    Audio,
    /// Easy Read
    EasyRead,
    /// An email, which a screen reader reads
    Email,
    /// British Sign Language
    Bsl,
}

impl LetterFormat {
    /// Those that are printed here.
    pub const PRINTED: [Self; 2] = [Self::Standard, Self::Large];
    /// Those that a supplier makes of the letter's text.
    pub const SUPPLIED: [Self; 5] = [
        Self::Braille,
        Self::Audio,
        Self::EasyRead,
        Self::Email,
        Self::Bsl,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Large => "large",
            Self::Braille => "braille",
            Self::Audio => "audio",
            Self::EasyRead => "easy-read",
            Self::Email => "email",
            Self::Bsl => "bsl",
        }
    }

    /// Whether it is printed here.
    #[must_use]
    pub fn is_printed(self) -> bool {
        Self::PRINTED.contains(&self)
    }

    /// Size of the words, in points.
    #[must_use]
    pub fn points(self) -> u8 {
        match self {
            Self::Large => 16,
            _ => 12,
        }
    }

    /// Reads what hospitals write in a column of formats.
    ///
    /// # Errors
    /// It is none that we know.
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
            "braille"
            | "contractedbraille"
            | "uncontractedbraille"
            | "braillegrade1"
            | "braillegrade2"
            | "grade1braille"
            | "grade2braille" => Ok(Self::Braille),
            "audio" | "audiocd" | "cd" | "audiocassette" | "spoken" => Ok(Self::Audio),
            "easyread" | "easierread" | "easytoread" => Ok(Self::EasyRead),
            "email" | "byemail" | "electronic" => Ok(Self::Email),
            "bsl" | "britishsignlanguage" | "signlanguage" | "bslvideo" => Ok(Self::Bsl),
            _ => Err(Problem::NotALetterFormat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_for_formats_are_known_and_other_sizes_are_not_taken_for_them() {
        for (text, format) in [
            ("Large print", LetterFormat::Large),
            ("LARGE", LetterFormat::Large),
            ("16pt", LetterFormat::Large),
            ("large-print", LetterFormat::Large),
            ("standard", LetterFormat::Standard),
            ("12 pt", LetterFormat::Standard),
            ("none", LetterFormat::Standard),
            ("Braille", LetterFormat::Braille),
            ("Audio CD", LetterFormat::Audio),
            ("Easy Read", LetterFormat::EasyRead),
            ("E-mail", LetterFormat::Email),
            ("British Sign Language", LetterFormat::Bsl),
        ] {
            assert_eq!(LetterFormat::parse(text), Ok(format), "{text}");
        }
        assert_eq!(LetterFormat::parse(" "), Err(Problem::Empty));
        for text in ["Moon", "24 pt", "interpreter"] {
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
        let expected = [
            "en", "cy", "cy+en", "pl+en", "ro+en", "pa+en", "ur+en", "bn+en", "ar+en",
        ];
        assert_eq!(all, expected);
        assert!(LetterLanguages::all().is_sorted());
        assert_eq!(LetterLanguages::default().as_str(), "en");
        let refused = serde_json::from_str::<LetterLanguages>(r#""en+cy""#).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("not languages of letters: expected {}", expected.join(", "))
        );
        let formats = LetterFormat::PRINTED.iter().chain(&LetterFormat::SUPPLIED);
        for format in formats {
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(json, format!("\"{}\"", format.as_str()));
        }
    }
}
