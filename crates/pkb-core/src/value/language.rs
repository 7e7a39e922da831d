//! The language a patient prefers, as a code of ISO 639: `en`, `cy`.

use super::{Problem, private_text, unseen::legible};

private_text!(
    /// A two- or three-letter language code in lower case.
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
        Err(Problem::NotALanguage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_become_lower_case_and_names_of_languages_are_refused() {
        assert_eq!(Language::parse(" CY ").unwrap().expose_code(), "cy");
        assert_eq!(Language::parse(" "), Err(Problem::Empty));
        for text in ["Welsh", "e", "en-GB", "ñe", "1a"] {
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
