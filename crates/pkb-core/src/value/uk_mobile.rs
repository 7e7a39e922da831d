//! United Kingdom mobile numbers, by the numbering plan of Ofcom: 07 and nine more digits, not 070
//! (personal numbers) and not 076 (pagers) but for 07624 (Isle of Man mobiles).

use super::{Problem, private_text};

private_text!(
    /// A mobile number in E.164 form: `+447700900123`.
    UkMobile,
    normalise,
    expose_e164
);

fn normalise(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let mut digits = String::with_capacity(15);
    for (at, c) in text.chars().enumerate() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if at == 0 => digits.push_str("00"),
            ' ' | '-' | '(' | ')' | '\u{a0}' => {}
            _ => return Err(Problem::NotAMobile),
        }
    }
    // 0044 (0)7…, 44 7…, 07… or 7…: what remains are the ten digits after the trunk zero.
    let national = digits
        .strip_prefix("0044")
        .or_else(|| digits.strip_prefix("44").filter(|rest| rest.len() >= 10))
        .unwrap_or(&digits);
    let national = national.strip_prefix('0').unwrap_or(national);
    let is_mobile = national.len() == 10
        && national.starts_with('7')
        && !national.starts_with("70")
        && (!national.starts_with("76") || national.starts_with("7624"));
    if is_mobile {
        Ok(format!("+44{national}"))
    } else {
        Err(Problem::NotAMobile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_spellings_of_a_mobile_become_one() {
        for text in [
            "07700 900123",
            "07700900123",
            "7700900123",
            "+447700900123",
            "+44 (0)7700 900-123",
            "00447700900123",
            "447700900123",
        ] {
            assert_eq!(
                UkMobile::parse(text).unwrap().expose_e164(),
                "+447700900123",
                "{text}"
            );
        }
        assert!(UkMobile::parse("07624 900123").is_ok());
    }

    #[test]
    fn other_numbers_are_refused() {
        for text in [
            "0770090012",
            "077009001234",
            "07000900123",
            "07600900123",
            "0191 496 0123",
            "+48 600 123 456",
            "7.7009E+09",
            "O7700900123",
            "٠٧٧٠٠٩٠٠١٢٣",
            "07700+900123",
        ] {
            assert_eq!(UkMobile::parse(text), Err(Problem::NotAMobile), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_thirteen_characters(text in "[-+()0-9 .x]{0,20}") {
            if let Ok(mobile) = UkMobile::parse(&text) {
                prop_assert_eq!(mobile.expose_e164().len(), 13);
                prop_assert_eq!(UkMobile::parse(mobile.expose_e164()).unwrap(), mobile.clone());
            }
        }
    }
}
