//! Identifiers that an organisation or a team gives to its patients (hospital numbers).

use super::{Problem, private_text};

private_text!(
    /// A hospital number: one word of letters, digits and `. / _ -`. Leading zeros are part of it.
    LocalId,
    check,
    expose_id
);

/// Longest identifier in characters; PKB publishes no limit.
const MAX_CHARACTERS: usize = 50;

fn check(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if text.len() > MAX_CHARACTERS {
        return Err(Problem::TooLong);
    }
    let is_one_word = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte));
    if is_one_word {
        Ok(text.to_owned())
    } else {
        Err(Problem::NotALocalId)
    }
}
