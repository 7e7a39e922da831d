//! United Kingdom mobile numbers: those that a text message can go to.

use super::{
    Problem,
    phone::{Line, dialled},
    private_text,
};

private_text!(
    /// A mobile number in E.164 form: `+447700900123`.
    UkMobile,
    normalise,
    expose_e164
);

/// A landline has a name of its own, [`Problem::Landline`], since it is worth keeping as a
/// [`Phone`](super::Phone).
fn normalise(text: &str) -> Result<String, Problem> {
    let number = dialled(text, Problem::NotAMobile)?;
    match number.line {
        Line::UkMobile => Ok(number.e164),
        Line::UkLandline => Err(Problem::Landline),
        Line::Abroad => Err(Problem::NotAMobile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phone;
    use proptest::prelude::*;

    #[test]
    fn the_usual_spellings_of_a_mobile_become_one() {
        for text in [
            "07700 900123",
            "07700900123",
            "7700900123",
            "+447700900123",
            "+44 (0)7700 900-123",
            "(+44) 7700 900123",
            "00447700900123",
            "447700900123",
            "'07700900123",
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
    fn other_texts_are_refused_for_the_right_reason() {
        for (text, problem) in [
            ("0770090012", Problem::NotAMobile),
            ("077009001234", Problem::NotAMobile),
            ("07000900123", Problem::NotAMobile),
            ("07600900123", Problem::NotAMobile),
            ("+48 600 123 456", Problem::NotAMobile),
            ("0048 600 123 456", Problem::NotAMobile),
            ("1914960123", Problem::NotAMobile),
            ("07700 900123 (mum)", Problem::NotAMobile),
            ("07700 900123 07700 900124", Problem::NotAMobile),
            ("07700 900123/07700 900124", Problem::NotAMobile),
            ("O7700900123", Problem::NotAMobile),
            ("٠٧٧٠٠٩٠٠١٢٣", Problem::NotAMobile),
            ("07700+900123", Problem::NotAMobile),
            ("0191 496 0123", Problem::Landline),
            ("+44 191 496 0123", Problem::Landline),
            ("0306 999 0123", Problem::Landline),
            ("7.7009E+09", Problem::ScientificNotation),
            ("7700900123.0", Problem::DecimalPoint),
            ("#N/A", Problem::SpreadsheetError),
            ("  ", Problem::Empty),
        ] {
            assert_eq!(UkMobile::parse(text), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_thirteen_characters_that_read_back(
            text in "\\PC{0,20}|[-+()0-9 .x]{0,20}|(0|44|\\+44|0044|)7[0-9]{9}",
        ) {
            if let Ok(mobile) = UkMobile::parse(&text) {
                prop_assert_eq!(mobile.expose_e164().len(), 13);
                prop_assert_eq!(UkMobile::parse(mobile.expose_e164()).unwrap(), mobile);
            }
        }

        #[test]
        fn a_phone_is_either_mobile_or_landline_or_abroad(text in "(0|\\+44|\\+|00)[0-9]{7,12}") {
            match UkMobile::parse(&text) {
                Ok(mobile) => {
                    let phone = Phone::parse(&text).unwrap();
                    prop_assert_eq!(phone.expose_e164(), mobile.expose_e164());
                }
                Err(problem) => prop_assert!(problem != Problem::Landline || Phone::parse(&text).is_ok()),
            }
        }
    }
}
