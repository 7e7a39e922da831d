//! Prices.

use pkb_values::Money;

/// A price in pence, such as `76` or `2.4`.
///
/// # Errors
/// It is not one, has more than two decimals, or is £100 or more: then somebody has written pounds with too many digits.
pub fn pence(text: &str) -> Result<Money, &'static str> {
    Money::of_pence(text)
        .filter(|price| Some(*price) < Money::of_pounds("100"))
        .ok_or("must be pence, with up to two decimals, such as 76 or 2.4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_in_pence_with_up_to_two_decimals_and_below_a_hundred_pounds() {
        for (text, count, sum) in [
            ("76", 846, "£642.96"),
            ("2.4", 728, "£17.47"),
            ("0.05", 3, "£0.00"),
            ("9999.99", 1_000_000, "£99,999,900.00"),
        ] {
            assert_eq!((pence(text).unwrap() * count).to_string(), sum);
        }
        for text in [
            "", "2,4", "-1", "2.444", ".5", "2.", "1e3", "99999", "12345", "£2", "a",
        ] {
            assert!(pence(text).is_err(), "{text}");
        }
    }
}
