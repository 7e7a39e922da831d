//! The number itself, without its scheme: ten digits, the last of which is a check digit by
//! modulus 11 (NHS Data Dictionary, "NHS NUMBER"). CHI and Health and Care numbers are made alike.

use super::{
    Problem, excel_damage, is_grouping, private_text_serde,
    unseen::{has_other_digits, legible},
};

/// Ten digits with a right check digit, and not one digit ten times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// Reads ten digits; spaces and hyphens between them are allowed (`999 000 0018`), full stops after
    /// the third and the sixth, characters that nobody sees anywhere, and the marks that make Excel keep
    /// digits as text (`'9990000018`, `="9990000018"`).
    ///
    /// # Errors
    /// [`Problem::Empty`], [`Problem::NotTenDigits`], [`Problem::HasLetters`], [`Problem::OtherDigits`],
    /// [`Problem::CheckDigit`] or [`Problem::RepeatedDigit`]; for what a spreadsheet spoilt [`Problem::LostLeadingZero`],
    /// [`Problem::ScientificNotation`], [`Problem::DecimalPoint`] or [`Problem::SpreadsheetError`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        // Nearly every number is ten plain digits, and each stage reads it again.
        match <[u8; 10]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Self::from_digits(digits),
            _ => Self::parse_grouped(text),
        }
    }

    fn parse_grouped(text: &str) -> Result<Self, Problem> {
        let text = legible(text);
        let text = excel_damage::without_text_mark(&text);
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        let mut digits = [b'0'; 10];
        let mut count = 0;
        for c in text.chars() {
            if c.is_ascii_digit() {
                *digits.get_mut(count).ok_or(Problem::NotTenDigits)? = c as u8;
                count += 1;
            } else if !(is_grouping(c) || (c == '.' && has_stops_of_groups(text))) {
                return Err(excel_damage::name_or(text, not_digits(text)));
            }
        }
        match count {
            10 => Self::from_digits(digits),
            9 => {
                digits.rotate_right(1);
                // By chance this fits one in eleven that are short of another digit: reason enough
                // to name the likely cause and never to mend it.
                match Self::from_digits(digits) {
                    Ok(_) => Err(Problem::LostLeadingZero),
                    Err(_) => Err(Problem::NotTenDigits),
                }
            }
            _ => Err(Problem::NotTenDigits),
        }
    }

    /// `digits` are ASCII digits.
    fn from_digits(digits: [u8; 10]) -> Result<Self, Problem> {
        if digits.iter().all(|digit| *digit == digits[0]) {
            return Err(Problem::RepeatedDigit);
        }
        let sum: u32 = (2..=10)
            .rev()
            .zip(digits)
            .map(|(weight, digit)| weight * u32::from(digit - b'0'))
            .sum();
        // A remainder of 0 asks for check digit 0; a remainder of 1 would ask for "10", which no
        // number has.
        match (11 - sum % 11) % 11 {
            check if check == u32::from(digits[9] - b'0') => Ok(Self(digits)),
            _ => Err(Problem::CheckDigit),
        }
    }

    /// The ten digits, for PKB and for files that are meant for them.
    pub fn expose_digits(&self) -> &str {
        // ASCII digits by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The number as an integer, for sets and for comparing. Not for showing: it has no leading
    /// zeros.
    pub fn to_u64(self) -> u64 {
        self.0
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }
}

/// `999.700.0110`: no number with a fraction has two points.
fn has_stops_of_groups(text: &str) -> bool {
    let groups = text.split('.').map(str::len);
    groups.eq([3, 3, 4])
}

/// What a text is that has something else than digits and what groups them.
fn not_digits(text: &str) -> Problem {
    if has_other_digits(text) {
        Problem::OtherDigits
    } else if excel_damage::is_fraction(text) {
        Problem::DecimalPoint
    } else if text.contains(char::is_alphabetic) {
        Problem::HasLetters
    } else {
        Problem::NotTenDigits
    }
}

impl std::fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NhsNumber(…)")
    }
}

private_text_serde!(NhsNumber, expose_digits);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_the_guide_is_read_with_and_without_spaces_hyphens_and_text_marks_incident_13()
    {
        for text in [
            "5760678914",
            "576 067 8914",
            "576-067-8914",
            " 5760678914 ",
            "576\u{a0}067\u{a0}8914",
            "576\u{2009}067\u{202f}8914",
            "\u{200d}5760678914",
            "576\u{202f}067 8914\u{2028}",
            "576\u{2011}067\u{2013}8914",
            "'5760678914",
            "=\"5760678914\"",
            " =\"576 067 8914\" ",
            "576.067.8914",
            "\u{200d}576\u{200b}067\u{2060}8914\u{2028}",
            "\u{feff}5760678914",
            "\u{202a}5760678914\u{202c}",
            "5760678914\u{ad}",
            "576\u{2212}067\u{3000}8914",
            "５７６０６７８９１４",
        ] {
            let number = NhsNumber::parse(text).unwrap();
            assert_eq!(number.expose_digits(), "5760678914", "{text}");
            assert_eq!(number.to_u64(), 5_760_678_914);
        }
    }

    #[test]
    fn wrong_numbers_are_refused_for_the_right_reason() {
        for (text, problem) in [
            ("", Problem::Empty),
            ("  ", Problem::Empty),
            ("'", Problem::Empty),
            ("=\"\"", Problem::Empty),
            ("5760678915", Problem::CheckDigit),
            ("576 067 8915", Problem::CheckDigit),
            ("576067891", Problem::NotTenDigits),
            ("57606789144", Problem::NotTenDigits),
            ("576067891O", Problem::HasLetters),
            ("NHS 5760678914", Problem::HasLetters),
            ("57.60678914", Problem::DecimalPoint),
            ("576.067.89.14", Problem::NotTenDigits),
            ("٥٧٦٠٦٧٨٩١٤", Problem::OtherDigits),
            ("5760678914\u{202e}", Problem::NotTenDigits),
            ("''5760678914", Problem::NotTenDigits),
            ("-", Problem::NotTenDigits),
            ("0000000000", Problem::RepeatedDigit),
            ("000000000", Problem::NotTenDigits),
            ("1111111111", Problem::RepeatedDigit),
        ] {
            assert_eq!(NhsNumber::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn one_digit_ten_times_is_no_number_though_its_check_digit_is_right_incident_14() {
        for digit in '0'..='9' {
            let text = digit.to_string().repeat(10);
            let grouped = format!("{} {} {}", &text[..3], &text[3..6], &text[6..]);
            for text in [text, grouped] {
                assert_eq!(NhsNumber::parse(&text), Err(Problem::RepeatedDigit));
            }
        }
    }

    #[test]
    fn a_check_digit_of_ten_has_no_number_and_eleven_means_nought_incident_15() {
        let mut stems = [0; 12];
        for stem in 999_000_000..999_000_100_u64 {
            let sum: u64 = (2..=10)
                .zip(stem.to_string().bytes().rev())
                .map(|(weight, digit)| weight * u64::from(digit - b'0'))
                .sum();
            let check = 11 - sum % 11;
            stems[usize::try_from(check).unwrap()] += 1;
            for ending in 0..10 {
                let parsed = NhsNumber::parse(&format!("{stem}{ending}"));
                let is_right = check != 10 && ending == check % 11;
                assert_eq!(parsed.is_ok(), is_right, "{stem} {ending}");
                if !is_right {
                    assert_eq!(parsed, Err(Problem::CheckDigit));
                }
            }
        }
        assert!(stems[10] > 0 && stems[11] > 0);
    }

    #[test]
    fn what_a_spreadsheet_spoilt_is_named() {
        for (text, problem) in [
            ("5.76E+09", Problem::ScientificNotation),
            ("9,99e+09", Problem::ScientificNotation),
            ("5760678914.0", Problem::DecimalPoint),
            ("5760678914,00", Problem::DecimalPoint),
            ("576067891.0", Problem::DecimalPoint),
            ("0.001", Problem::DecimalPoint),
            (" #N/A ", Problem::SpreadsheetError),
            ("##########", Problem::SpreadsheetError),
        ] {
            assert_eq!(NhsNumber::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn nine_digits_have_lost_a_zero_only_if_one_in_front_makes_the_check_digit_right() {
        assert!(NhsNumber::parse("0000000019").is_ok());
        for text in ["000000019", "000 000 019"] {
            assert_eq!(NhsNumber::parse(text), Err(Problem::LostLeadingZero));
        }
        assert_eq!(NhsNumber::parse("000000018"), Err(Problem::NotTenDigits));
    }

    proptest! {
        #[test]
        fn any_single_wrong_digit_is_noticed(at in 0_usize..10, by in 1_u8..10) {
            let mut digits = *b"5760678914";
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            let text = String::from_utf8(digits.to_vec()).unwrap();
            prop_assert!(NhsNumber::parse(&text).is_err());
        }

        #[test]
        fn any_text_is_refused_or_ten_digits_that_read_back(text in "\\PC{0,14}|['=\" #0-9.E+-]{0,14}") {
            if let Ok(number) = NhsNumber::parse(&text) {
                prop_assert_eq!(number.expose_digits().len(), 10);
                prop_assert_eq!(NhsNumber::parse(number.expose_digits()), Ok(number));
            }
        }

        #[test]
        fn no_nine_digits_have_two_check_digits(first in 0_u64..1_000_000_000) {
            let good: Vec<_> = (0..10)
                .filter_map(|last| NhsNumber::parse(&format!("{first:09}{last}")).ok())
                .collect();
            prop_assert!(good.len() <= 1);
            for number in good {
                prop_assert_eq!(number.to_u64() / 10, first);
            }
        }
    }
}
