//! National identifiers of the four nations: NHS number (England, Wales), CHI number (Scotland)
//! and Health and Care number (Northern Ireland). All three are ten digits of one scheme: the last
//! digit is a check digit by modulus 11 (NHS Data Dictionary, "NHS NUMBER").

use serde::{Deserialize, Serialize};

use super::{Problem, private_text_serde};

/// Which scheme a national id belongs to. The names are those of PKB's REST path
/// (`…/byNationalId/{number}/NHS_NUMBER`); PKB's guide shows only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NationalIdType {
    /// England and Wales.
    NhsNumber,
    /// Scotland.
    ChiNumber,
    /// Northern Ireland.
    HcNumber,
}

impl NationalIdType {
    /// The name in PKB's REST path.
    pub fn rest_name(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS_NUMBER",
            Self::ChiNumber => "CHI_NUMBER",
            Self::HcNumber => "HC_NUMBER",
        }
    }
}

/// Ten digits with a right check digit, and not one digit ten times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// Reads ten digits; spaces and hyphens between them are allowed (`999 000 0018`).
    ///
    /// # Errors
    /// [`Problem::NotTenDigits`], [`Problem::CheckDigit`], [`Problem::RepeatedDigit`] or
    /// [`Problem::Empty`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut digits = [0_u8; 10];
        let mut count = 0;
        for byte in text.trim().bytes() {
            match byte {
                b'0'..=b'9' => {
                    *digits.get_mut(count).ok_or(Problem::NotTenDigits)? = byte;
                    count += 1;
                }
                b' ' | b'-' => {}
                _ => return Err(Problem::NotTenDigits),
            }
        }
        match count {
            0 if text.trim().is_empty() => return Err(Problem::Empty),
            10 => {}
            _ => return Err(Problem::NotTenDigits),
        }
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
}

impl std::fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NhsNumber(…)")
    }
}

private_text_serde!(NhsNumber, expose_digits);

/// A national id: the scheme and the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NationalId {
    /// The scheme.
    #[serde(rename = "type")]
    pub scheme: NationalIdType,
    /// The number.
    pub value: NhsNumber,
}

impl NationalId {
    /// Scheme and number as bytes, for the key of a journal. Not for showing.
    pub fn key_bytes(&self) -> [u8; 11] {
        let mut bytes = [self.scheme as u8; 11];
        bytes[1..].copy_from_slice(&self.value.0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_the_guide_is_read_with_and_without_spaces_and_hyphens() {
        for text in ["5760678914", "576 067 8914", "576-067-8914", " 5760678914 "] {
            assert_eq!(
                NhsNumber::parse(text).unwrap().expose_digits(),
                "5760678914"
            );
        }
    }

    #[test]
    fn wrong_numbers_are_refused_for_the_right_reason() {
        for (text, problem) in [
            ("", Problem::Empty),
            ("  ", Problem::Empty),
            ("5760678915", Problem::CheckDigit),
            ("576067891", Problem::NotTenDigits),
            ("57606789144", Problem::NotTenDigits),
            ("576067891O", Problem::NotTenDigits),
            ("٥٧٦٠٦٧٨٩١٤", Problem::NotTenDigits),
            ("5.76E+09", Problem::NotTenDigits),
            ("-", Problem::NotTenDigits),
            ("0000000000", Problem::RepeatedDigit),
            ("1111111111", Problem::RepeatedDigit),
        ] {
            assert_eq!(NhsNumber::parse(text), Err(problem), "{text}");
        }
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
        fn any_text_is_refused_or_ten_digits(text in "\\PC{0,14}") {
            if let Ok(number) = NhsNumber::parse(&text) {
                prop_assert_eq!(number.expose_digits().len(), 10);
            }
        }
    }
}
