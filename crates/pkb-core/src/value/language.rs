//! The language a patient prefers, as a code of ISO 639: `en`, `cy`.

use super::{Problem, private_text};

private_text!(
    /// A two- or three-letter language code in lower case.
    Language,
    normalise,
    expose_code
);

fn normalise(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        Err(Problem::Empty)
    } else if (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Problem::NotALanguage)
    }
}
