//! Whether GOV.UK Notify would post a letter to an address: the rules of its documentation for the address block of a
//! letter, checked before anything is sent, because a letter that breaks them is taken and fails later.

use pkb_core::record::Patient;

use crate::{expose_address, is_forces_number};

/// Lines of an address, with name and post code.
const LINES: std::ops::RangeInclusive<usize> = 3..=7;
/// No line begins with one of these.
const BAD_BEGINNINGS: &[char] = &[
    '@', '(', ')', '=', '[', ']', '"', '\\', '/', ',', '<', '>', '~',
];
/// Letters after the digit in the second half of a post code; Royal Mail uses no others.
const INWARD: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";
/// Characters of a line that Notify's printer prints; it cuts off the rest without a word. The name may have 255.
const MAX_CHARACTERS: usize = 45;

/// Checks the address of a patient, as it is printed.
///
/// # Errors
/// What is wrong with it, without a value.
pub fn check(patient: &Patient) -> Result<(), String> {
    let address = expose_address(patient, false).map_err(|verdict| {
        verdict
            .detail
            .unwrap_or_else(|| "the address is not complete".into())
    })?;
    let name = patient.expose_full_name();
    let lines: Vec<&str> = std::iter::once(name.as_str())
        .chain(address.iter().map(String::as_str))
        .collect();
    let ends_well = lines
        .last()
        .is_some_and(|last| is_forces_number(last) || has_real_end(last));
    let has_letter_or_digit = |line: &&str| line.bytes().any(|byte| byte.is_ascii_alphanumeric());
    let wrong = if !ends_well {
        "the postcode ends in letters that Royal Mail does not use: no such postcode exists"
    } else if !LINES.contains(&lines.len()) {
        "the address has fewer than 3 or more than 7 lines, name and postcode counted"
    } else if !lines.iter().take(2).all(has_letter_or_digit) {
        "GOV.UK Notify needs a letter A to Z or a digit in each of the first two lines, the name and the street"
    } else if lines.iter().any(|line| line.starts_with(BAD_BEGINNINGS)) {
        "a line of the address begins with a sign that GOV.UK Notify does not take, such as ( or /"
    } else if address
        .iter()
        .any(|line| line.chars().count() > MAX_CHARACTERS)
    {
        "a line of the address has more than 45 characters: GOV.UK Notify would cut it off"
    } else {
        return Ok(());
    };
    Err(wrong.into())
}

fn has_real_end(postcode: &str) -> bool {
    let bytes = postcode.as_bytes();
    let letters = &bytes[bytes.len().saturating_sub(2)..];
    letters.iter().all(|letter| INWARD.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(address: &str, postcode: &str) -> Result<(), String> {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"Ann","last_name":"Example","date_of_birth":"2000-09-15","address":[{address}],"postcode":"{postcode}"}}"#
        );
        check(&serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn a_usual_address_is_good() {
        for address in [
            r#""1 Main Street""#,
            r#""1 Main Street","Newcastle""#,
            r#""Flat 2","Tower","3 Road","Byker","Newcastle""#,
        ] {
            assert_eq!(checked(address, "NE1 1AA"), Ok(()), "{address}");
        }
        for postcode in ["SW1A 1AA", "GY1 1AA", "JE2 3AB", "IM1 1AE", "BF1 3AA"] {
            assert_eq!(
                checked(r#""1 Main Street""#, postcode),
                Ok(()),
                "{postcode}"
            );
        }
    }

    #[test]
    fn what_notify_refuses_is_refused_before_it_is_sent() {
        for (address, postcode, words) in [
            ("", "NE1 1AA", "only a postcode"),
            (r#""a","b","c","d","e","f""#, "NE1 1AA", "more than 7"),
            (r#""--","Newcastle""#, "NE1 1AA", "no street"),
            (r#""1 Main Street","(Newcastle)""#, "NE1 1AA", "begins with"),
            (r#""/ Main Street""#, "NE1 1AA", "begins with"),
            (r#""No fixed  abode""#, "NE1 1AA", "no fixed"),
            (r#""Care of no fixed address""#, "NE1 1AA", "no fixed"),
            (r#""NFA""#, "NE1 1AA", "no fixed"),
            (r#""Ферма","Leeds""#, "NE1 1AA", "A to Z"),
            (r#""England","Leeds""#, "NE1 1AA", "no street"),
            (r#""1 High Street","Georgia""#, "NE1 1AA", "outside the UK"),
            (r#""[Rear of] 4 High Street""#, "NE1 1AA", "begins with"),
            (
                r#""1 The Very Long Name of a House That Goes On For Ever""#,
                "NE1 1AA",
                "45",
            ),
            (r#""1 Main Street""#, "NE1 1XC", "Royal Mail"),
            (r#""1 Main Street""#, "ZZ99 3VZ", "no fixed"),
            (r#""1 Main Street""#, "GIR 0AA", "no fixed"),
        ] {
            let error = checked(address, postcode).unwrap_err();
            assert!(error.contains(words), "{address}: {error}");
        }
    }

    #[test]
    fn a_name_without_latin_letters_is_refused_with_the_reason() {
        for (first, last, is_good) in [
            ("Γιώργος", "Παπαδόπουλος", false),
            ("Дмитрий", "Щербаков", false),
            ("יעקב", "לוי", false),
            ("محمد", "حسن", false),
            ("王", "小明", false),
            ("Дмитрий", "Smith", true),
            ("Éa", "Ŵyn", true),
        ] {
            let json = format!(
                r#"{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"{first}","last_name":"{last}","date_of_birth":"2000-09-15","address":["1 Acacia Road","Leeds"],"postcode":"LS6 3AA"}}"#
            );
            let checked = check(&serde_json::from_str(&json).unwrap());
            assert_eq!(checked.is_ok(), is_good, "{first}: {checked:?}");
            if let Err(words) = checked {
                assert!(words.contains("A to Z"), "{words}");
            }
        }
    }

    #[test]
    fn a_forces_number_without_a_postcode_is_posted() {
        let json = r#"{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Ann","last_name":"Example","date_of_birth":"2000-09-15","address":["1 Rgt Example","BFPO c/o 61"]}"#;
        assert_eq!(check(&serde_json::from_str(json).unwrap()), Ok(()));
    }
}
