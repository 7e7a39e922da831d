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

/// Where a mobile number is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MobileRegion {
    /// England, Scotland, Wales and Northern Ireland.
    UnitedKingdom,
    /// Guernsey, Jersey and the Isle of Man. GOV.UK Notify takes their numbers for numbers abroad, which cost double.
    CrownDependency,
}

/// What the numbers of the Crown dependencies begin with, behind +44 (libphonenumber, by which GOV.UK Notify judges).
const CROWN_DEPENDENCIES: [&str; 24] = [
    "7781", "7839", "79111", "79117", "7509", "7829", "7937", "77003", "77007", "77008", "7797",
    "762450", "762456", "74576", "7524", "7924", "76240", "76241", "76242", "76243", "76244",
    "76246", "76248", "76249",
];
/// For films and tests (Ofcom). Nobody has them, and GOV.UK Notify takes them.
const FICTIONAL: &str = "7700900";

impl UkMobile {
    /// Where it is given out; `None` if it is in no range from which numbers are given out, so that GOV.UK Notify refuses it.
    #[must_use]
    pub fn region(&self) -> Option<MobileRegion> {
        let number = self.expose_e164().trim_start_matches("+44");
        let begins = |prefix: &&str| number.starts_with(*prefix);
        if number.starts_with(FICTIONAL) {
            return Some(MobileRegion::UnitedKingdom);
        }
        if CROWN_DEPENDENCIES.iter().any(begins) {
            return Some(MobileRegion::CrownDependency);
        }
        is_of_united_kingdom(number.as_bytes()).then_some(MobileRegion::UnitedKingdom)
    }

    /// Whether it is of Guernsey, Jersey or the Isle of Man.
    #[must_use]
    pub fn is_of_crown_dependency(&self) -> bool {
        self.region() == Some(MobileRegion::CrownDependency)
    }
}

/// The ranges of the United Kingdom, by the digits behind +44 (libphonenumber).
fn is_of_united_kingdom(digits: &[u8]) -> bool {
    let [b'7', second, third, fourth, fifth, ..] = digits else {
        return false;
    };
    match (second, third, fourth) {
        (b'1'..=b'3', _, _)
        | (b'4', b'0'..=b'4' | b'6'..=b'9', _)
        | (b'5', b'1' | b'3'..=b'9', _)
        | (b'7', b'1'..=b'7', _)
        | (b'8', b'0' | b'1' | b'4'..=b'9', _)
        | (b'9', b'0' | b'2' | b'4'..=b'9', _) => true,
        (b'4', b'5', b'7') => *fifth != b'6',
        (b'4', b'5', _) => true,
        (b'5', b'0', fourth) | (b'8', b'2' | b'3', fourth) => *fourth != b'9',
        (b'5', b'2', fourth) => *fourth != b'4',
        (b'7', b'0', b'0') => matches!(fifth, b'0' | b'1'),
        (b'7', b'0', _) => true,
        (b'7', b'8', fourth) => *fourth != b'1',
        (b'7', b'9', fourth) | (b'9', b'3', fourth) => *fourth != b'7',
        (b'9', b'1', b'1') => matches!(fifth, b'0' | b'2' | b'8'),
        (b'9', b'1', _) => true,
        _ => false,
    }
}

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
    fn the_usual_spellings_of_a_mobile_become_one_incident_18() {
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
            "07700\u{a0}900123",
            "+44\u{202f}7700 900123",
            "07700\u{2011}900123",
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
    fn mobiles_of_the_crown_dependencies_are_told_from_others() {
        for (text, expected) in [
            ("07700 900123", false),
            ("07700 300123", true),
            ("07624 900123", true),
            ("07781 900123", true),
            ("07911 123456", true),
            ("07911 012345", false),
            ("07800 900123", false),
        ] {
            let mobile = UkMobile::parse(text).unwrap();
            assert_eq!(mobile.is_of_crown_dependency(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_that_nobody_is_given_are_told() {
        for (text, is_given_out) in [
            ("07911 999999", false),
            ("07911 812345", true),
            ("07700 212345", false),
            ("07700 900999", true),
            ("07457 612345", true),
            ("07624 712345", false),
            ("07400 123456", true),
            ("07599 123456", true),
            ("07987 654321", true),
        ] {
            let mobile = UkMobile::parse(text).unwrap();
            assert_eq!(mobile.region().is_some(), is_given_out, "{text}");
        }
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
