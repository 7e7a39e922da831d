//! The language a patient prefers, as a code of ISO 639: `en`, `cy`.

use super::{Problem, private_text, unseen::legible};

private_text!(
    /// A two- or three-letter language code in lower case. The names of languages, and codes with a country behind them
    /// (`en-GB`), are read as their codes.
    Language,
    normalise,
    expose_code
);

fn normalise(text: &str) -> Result<String, Problem> {
    let text = legible(text);
    if text.is_empty() {
        Err(Problem::Empty)
    } else if (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_lowercase())
    } else {
        let lower = text.to_lowercase();
        let code = match lower.split_once(['-', '_']) {
            Some((code, country)) if code.len() == 2 && country.len() == 2 => code
                .bytes()
                .all(|b| b.is_ascii_alphabetic())
                .then_some(code),
            _ => {
                let mut named = NAMES.iter().filter(|(name, _)| *name == lower);
                named.next().map(|(_, code)| *code)
            }
        };
        code.map(str::to_owned).ok_or(Problem::NotALanguage)
    }
}

/// Languages by their names, as patient administration systems in the United Kingdom have them, with their codes of ISO 639-1.
#[rustfmt::skip]
const NAMES: [(&str, &str); 56] = [
    ("english", "en"), ("saesneg", "en"), ("welsh", "cy"), ("cymraeg", "cy"), ("welsh/cymraeg", "cy"), ("polish", "pl"),
    ("polski", "pl"), ("romanian", "ro"), ("punjabi", "pa"), ("panjabi", "pa"), ("urdu", "ur"), ("arabic", "ar"),
    ("bengali", "bn"), ("bangla", "bn"), ("gujarati", "gu"), ("portuguese", "pt"), ("spanish", "es"), ("french", "fr"),
    ("german", "de"), ("italian", "it"), ("dutch", "nl"), ("chinese", "zh"), ("tamil", "ta"), ("turkish", "tr"),
    ("somali", "so"), ("lithuanian", "lt"), ("latvian", "lv"), ("estonian", "et"), ("russian", "ru"), ("ukrainian", "uk"),
    ("persian", "fa"), ("farsi", "fa"), ("pashto", "ps"), ("kurdish", "ku"), ("hungarian", "hu"), ("czech", "cs"),
    ("slovak", "sk"), ("bulgarian", "bg"), ("greek", "el"), ("albanian", "sq"), ("hindi", "hi"), ("nepali", "ne"),
    ("malayalam", "ml"), ("telugu", "te"), ("sinhala", "si"), ("tagalog", "tl"), ("vietnamese", "vi"), ("japanese", "ja"),
    ("korean", "ko"), ("thai", "th"), ("tigrinya", "ti"), ("amharic", "am"), ("swahili", "sw"), ("yoruba", "yo"),
    ("irish", "ga"), ("scottish gaelic", "gd"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn languages_are_read_by_code_or_name() {
        assert_eq!(Language::parse(" CY ").unwrap().expose_code(), "cy");
        assert_eq!(Language::parse(" "), Err(Problem::Empty));
        for (text, code) in [
            ("Welsh", "cy"),
            ("CYMRAEG", "cy"),
            ("English", "en"),
            ("Polish", "pl"),
            ("en-GB", "en"),
            ("cy_GB", "cy"),
            ("WEL", "wel"),
            ("Scottish Gaelic", "gd"),
        ] {
            assert_eq!(Language::parse(text).unwrap().expose_code(), code, "{text}");
        }
        for text in [
            "Klingon",
            "e",
            "en-",
            "en-GBR",
            "1a-GB",
            "ñe",
            "1a",
            "English?",
            "Not known",
        ] {
            assert_eq!(Language::parse(text), Err(Problem::NotALanguage), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,6}|[a-zA-Z]{1,4}") {
            if let Ok(code) = Language::parse(&text) {
                prop_assert_eq!(Language::parse(code.expose_code()).unwrap(), code);
            }
        }
    }
}
