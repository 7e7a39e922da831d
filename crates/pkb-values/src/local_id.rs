//! Identifiers that an organisation or a team gives to its patients (hospital numbers).

use super::{Problem, excel_damage, private_text, unseen::legible};

private_text!(
    /// A hospital number: one word of letters, digits and `. / _ -`. Leading zeros are part of it.
    LocalId,
    check,
    expose_id
);

/// Longest identifier in characters; PKB publishes no limit.
const MAX_CHARACTERS: usize = 50;

fn check(text: &str) -> Result<String, Problem> {
    let text = legible(text);
    let text = excel_damage::without_text_mark(&text);
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if text.len() > MAX_CHARACTERS {
        return Err(Problem::TooLong);
    }
    // Some damage is made of allowed characters only (`12345.0`).
    match excel_damage::name_or(text, Problem::NotALocalId) {
        Problem::NotALocalId => {}
        damage => return Err(damage),
    }
    let is_one_word = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte));
    if !is_one_word {
        Err(Problem::NotALocalId)
    } else if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        Err(Problem::NoLetter)
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_keep_their_zeros_their_case_and_their_punctuation() {
        for (text, id) in [
            ("000123", "000123"),
            (" rvw00123 ", "rvw00123"),
            ("'000123", "000123"),
            ("=\"000123\"", "000123"),
            ("A/12-3_4.5", "A/12-3_4.5"),
            ("12E4", "12E4"),
            ("12.5", "12.5"),
        ] {
            assert_eq!(LocalId::parse(text).unwrap().expose_id(), id);
        }
    }

    #[test]
    fn other_texts_are_refused_for_the_right_reason() {
        for (text, problem) in [
            (" ", Problem::Empty),
            ("'", Problem::Empty),
            ("12 34", Problem::NotALocalId),
            ("12;34", Problem::NotALocalId),
            ("é12", Problem::NotALocalId),
            ("''12", Problem::NotALocalId),
            ("-", Problem::NoLetter),
            ("1.23E+11", Problem::ScientificNotation),
            ("1.23E11", Problem::ScientificNotation),
            ("12345.0", Problem::DecimalPoint),
            ("####", Problem::SpreadsheetError),
            ("#REF!", Problem::SpreadsheetError),
            (&"1".repeat(51), Problem::TooLong),
        ] {
            assert_eq!(LocalId::parse(text), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,20}|['=\"]{0,2}[A-E0-9./_-]{0,12}\"?") {
            if let Ok(id) = LocalId::parse(&text) {
                prop_assert_eq!(LocalId::parse(id.expose_id()).unwrap(), id);
            }
        }
    }
}
