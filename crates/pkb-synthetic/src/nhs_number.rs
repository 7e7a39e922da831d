//! Ten digits, the last of them a modulus-11 check over the other nine: the rule that NHS, CHI and Health and Care numbers share.
//! Written apart from pkb-core's, so that a mistake in one is seen by the other.

/// The check digit for nine leading digits; `None` where the rule gives 10, which is never issued.
#[must_use]
pub fn check_digit(nine: u32) -> Option<u32> {
    let mut rest = nine;
    let mut sum = 0;
    for weight in 2..=10 {
        sum += (rest % 10) * weight;
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

/// The ten digits for nine leading ones, where they make a number that can exist.
#[must_use]
pub fn complete(nine: u32) -> Option<String> {
    let number = format!("{nine:09}{}", check_digit(nine)?);
    is_valid(&number).then_some(number)
}

/// The nine digits that identify: everything but the check digit. `None` for what [`is_valid`] refuses.
#[must_use]
pub fn leading_nine(number: &str) -> Option<u32> {
    if is_valid(number) {
        number.get(..9)?.parse().ok()
    } else {
        None
    }
}

/// Ten ASCII digits with the right check digit. One digit ten times over passes the arithmetic and is refused all the same:
/// it is what people type into a mandatory field.
#[must_use]
pub fn is_valid(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() == 10
        && bytes.iter().all(u8::is_ascii_digit)
        && bytes.iter().any(|&digit| digit != bytes[0])
        && number[..9].parse().ok().and_then(check_digit) == Some(u32::from(bytes[9] - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_number_is_valid_and_its_neighbours_are_not() {
        assert!(is_valid("5760678914"));
        for last in "012356789".chars() {
            assert!(!is_valid(&format!("576067891{last}")));
        }
    }

    #[test]
    fn a_repeated_digit_nine_digits_letters_and_other_scripts_are_refused() {
        for bad in [
            "0000000000",
            "1111111111",
            "999000001",
            "99900000188",
            "999000001X",
            "९९९०००००१८",
            "",
        ] {
            assert!(!is_valid(bad));
        }
    }

    #[test]
    fn completing_gives_a_valid_number_or_none() {
        assert_eq!(complete(999_000_001).as_deref(), Some("9990000018"));
        for nine in 999_000_000..999_001_000 {
            assert_eq!(complete(nine).is_some(), check_digit(nine).is_some());
            assert!(complete(nine).is_none_or(|number| is_valid(&number)));
        }
        assert_eq!(complete(999_999_999), None);
    }
}
