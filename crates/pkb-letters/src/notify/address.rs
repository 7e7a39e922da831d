//! Whether GOV.UK Notify would post a letter to an address: the rules of its documentation for the address block of a
//! letter, checked before anything is sent, because a letter that breaks them is taken and fails later.

use pkb_core::{record::Patient, value::Postcode};

/// Lines of an address, with name and post code.
const LINES: std::ops::RangeInclusive<usize> = 3..=7;
/// No line begins with one of these.
const BAD_BEGINNINGS: &[char] = &[
    '@', '(', ')', '=', '[', ']', '"', '\\', '/', ',', '<', '>', '~',
];
/// Letters after the digit in the second half of a post code; Royal Mail uses no others.
const INWARD: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

/// Checks the address of a patient.
///
/// # Errors
/// What is wrong with it, without a value.
pub(super) fn check(patient: &Patient) -> Result<(), &'static str> {
    let post_code = patient
        .post_code
        .as_ref()
        .ok_or("the address has no post code")?;
    check_post_code(post_code)?;
    let name = patient.expose_full_name();
    let lines: Vec<&str> = std::iter::once(name.as_str())
        .chain(patient.address.iter().map(|line| line.expose_line()))
        .collect();
    if !LINES.contains(&(lines.len() + 1)) {
        return Err(
            "the address has fewer than 3 or more than 7 lines, name and post code counted",
        );
    }
    let has_letter_or_digit = |line: &&str| line.chars().any(char::is_alphanumeric);
    if !lines.iter().take(2).all(has_letter_or_digit) {
        return Err("one of the first two lines of the address has no letter or digit");
    }
    if lines.iter().any(|line| line.starts_with(BAD_BEGINNINGS)) {
        return Err("a line of the address begins with a character that no address begins with");
    }
    if lines.iter().any(|line| is_nowhere(line)) {
        return Err("the address says that there is none");
    }
    Ok(())
}

fn check_post_code(post_code: &Postcode) -> Result<(), &'static str> {
    if post_code.is_pseudo() {
        return Err("the post code stands for no fixed or no known address");
    }
    let inward = post_code.expose_postcode().as_bytes();
    let letters = &inward[inward.len().saturating_sub(2)..];
    if letters.iter().all(|letter| INWARD.contains(letter)) {
        return Ok(());
    }
    Err("the post code ends in letters that Royal Mail does not use: no such code exists")
}

fn is_nowhere(line: &str) -> bool {
    let line = line.to_lowercase();
    let line: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line == "nfa" || line.contains("no fixed abode") || line.contains("no fixed address")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(address: &str, post_code: &str) -> Result<(), &'static str> {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"Ann","last_name":"Example","date_of_birth":"2000-09-15","address":[{address}],"post_code":"{post_code}"}}"#
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
        for post_code in ["SW1A 1AA", "GY1 1AA", "JE2 3AB", "IM1 1AE", "BF1 3AA"] {
            assert_eq!(
                checked(r#""1 Main Street""#, post_code),
                Ok(()),
                "{post_code}"
            );
        }
    }

    #[test]
    fn what_notify_refuses_is_refused_before_it_is_sent() {
        for (address, post_code, words) in [
            ("", "NE1 1AA", "fewer than 3"),
            (r#""a","b","c","d","e","f""#, "NE1 1AA", "more than 7"),
            (r#""--","Newcastle""#, "NE1 1AA", "first two lines"),
            (r#""1 Main Street","(Newcastle)""#, "NE1 1AA", "begins with"),
            (r#""/ Main Street""#, "NE1 1AA", "begins with"),
            (r#""No fixed  abode""#, "NE1 1AA", "there is none"),
            (r#""NFA""#, "NE1 1AA", "there is none"),
            (r#""1 Main Street""#, "NE1 1XC", "Royal Mail"),
            (r#""1 Main Street""#, "ZZ99 3VZ", "no fixed"),
            (r#""1 Main Street""#, "GIR 0AA", "no fixed"),
        ] {
            let error = checked(address, post_code).unwrap_err();
            assert!(error.contains(words), "{address}: {error}");
        }
    }
}
