//! Sums of money.

use std::{fmt, iter::Sum, ops::Mul};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A sum in pounds, without VAT, to a hundredth of a penny: prices of text messages have a tenth of a penny. On the wire it is the
/// number of pounds as a text, such as `0.048`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money {
    hundredths_of_a_penny: u64,
}

/// Digits after the point of pounds.
const POUND_DIGITS: usize = 4;
/// Digits after the point of pence.
const PENNY_DIGITS: usize = 2;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self {
        hundredths_of_a_penny: 0,
    };

    /// A sum that is written in pounds, with up to four digits after the point: `0.638`.
    #[must_use]
    pub fn of_pounds(text: &str) -> Option<Self> {
        scaled(text, POUND_DIGITS)
    }

    /// A sum that is written in pence, with up to two digits after the point: `2.4`.
    #[must_use]
    pub fn of_pence(text: &str) -> Option<Self> {
        scaled(text, PENNY_DIGITS)
    }

    /// A number of pounds, as GOV.UK Notify has it in JSON, rounded to a hundredth of a penny.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn of_pound_number(pounds: f64) -> Option<Self> {
        let hundredths = (pounds * 10_000.0).round();
        // Far above every price, and far below where a float has gaps.
        (0.0..1e12).contains(&hundredths).then_some(Self {
            hundredths_of_a_penny: hundredths as u64,
        })
    }

    /// The sum in pence: `2.4p`.
    #[must_use]
    pub fn in_pence(self) -> String {
        format!("{}p", decimal(self.hundredths_of_a_penny, PENNY_DIGITS))
    }
}

/// Pounds and pence, rounded to the nearest penny: `£1,234.05`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pence = self.hundredths_of_a_penny.saturating_add(50) / 100;
        let pounds = (pence / 100).to_string();
        f.write_str("£")?;
        for (place, digit) in pounds.char_indices() {
            if place > 0 && (pounds.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, ".{:02}", pence % 100)
    }
}

impl Mul<u64> for Money {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self {
            hundredths_of_a_penny: self.hundredths_of_a_penny.saturating_mul(times),
        }
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let hundredths_of_a_penny = all.fold(0_u64, |sum, one| {
            sum.saturating_add(one.hundredths_of_a_penny)
        });
        Self {
            hundredths_of_a_penny,
        }
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = [*self, other].into_iter().sum();
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&decimal(self.hundredths_of_a_penny, POUND_DIGITS))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::of_pounds(&text).ok_or_else(|| D::Error::custom("not a sum of pounds such as 0.048"))
    }
}

/// A number with up to so many digits after the point, without the point.
fn scaled(text: &str, digits: usize) -> Option<Money> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(rest) || rest.len() > digits || whole.len() > 9 {
        return None;
    }
    let written = format!("{whole}{rest:0<digits$}");
    let hundredths_of_a_penny = written.parse().ok()?;
    Some(Money {
        hundredths_of_a_penny,
    })
}

/// The other way round, without zeros at the end.
fn decimal(scaled: u64, digits: usize) -> String {
    let written = format!("{scaled:0width$}", width = digits + 1);
    let (whole, rest) = written.split_at(written.len() - digits);
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_is_read_in_pence_and_shown_in_pence_and_pounds() {
        for (text, pence, of_thousand) in [
            ("2.4", "2.4p", "£24.00"),
            ("2.33", "2.33p", "£23.30"),
            ("2", "2p", "£20.00"),
            ("0.05", "0.05p", "£0.50"),
            ("156", "156p", "£1,560.00"),
        ] {
            let price = Money::of_pence(text).unwrap();
            assert_eq!(price.in_pence(), pence);
            assert_eq!((price * 1000).to_string(), of_thousand);
        }
        assert_eq!(Money::of_pence("2.4").unwrap().to_string(), "£0.02");
        for text in ["", "2,4", "-1", "2.444", ".5", "2.", "1e3", "9999999999"] {
            assert_eq!(Money::of_pence(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_of_pounds_is_the_same_sum_as_its_text() {
        for text in ["0.024", "0.048", "0.638", "1.8", "0", "12345.6789"] {
            let number = text.parse().unwrap();
            assert_eq!(
                Money::of_pound_number(number),
                Money::of_pounds(text),
                "{text}"
            );
        }
        for number in [-1.0, f64::NAN, f64::INFINITY, 1e20] {
            assert_eq!(Money::of_pound_number(number), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn a_sum_is_read_as_it_was_written(hundredths_of_a_penny in 0..u64::from(u32::MAX)) {
            let sum = Money { hundredths_of_a_penny };
            let json = serde_json::to_string(&sum).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), sum);
        }

        #[test]
        fn any_text_is_a_sum_or_none(text in "\\PC{0,12}|[0-9.]{0,14}") {
            let _ = (Money::of_pence(&text), Money::of_pounds(&text));
        }
    }
}
