//! United Kingdom post codes, by their form (Royal Mail's PAF programmer's guide).

use super::{Problem, private_text};

private_text!(
    /// A post code in capitals with one space: `NE1 1XC`.
    Postcode,
    normalise,
    expose_postcode
);

impl Postcode {
    /// Codes that look right but that no postman delivers to: the NHS's ZZ99 range ("no fixed
    /// address", "unknown", countries abroad) and the retired GIR 0AA.
    pub fn is_pseudo(&self) -> bool {
        self.0.starts_with("ZZ99") || &*self.0 == "GIR 0AA"
    }
}

fn normalise(text: &str) -> Result<String, Problem> {
    let compact: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if compact.is_empty() {
        return Err(Problem::Empty);
    }
    if !compact.is_ascii() || compact.len() < 5 || compact.len() > 7 {
        return Err(Problem::NotAPostcode);
    }
    let (outward, inward) = compact.split_at(compact.len() - 3);
    if compact == "GIR0AA" || (is_outward(outward.as_bytes()) && is_inward(inward.as_bytes())) {
        Ok(format!("{outward} {inward}"))
    } else {
        Err(Problem::NotAPostcode)
    }
}

/// A9, A99, A9A, AA9, AA99 or AA9A.
fn is_outward(bytes: &[u8]) -> bool {
    let letters = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let district = &bytes[letters..];
    (1..=2).contains(&letters)
        && match district {
            [first] => first.is_ascii_digit(),
            [first, second] => first.is_ascii_digit() && second.is_ascii_alphanumeric(),
            _ => false,
        }
}

/// A digit and two letters. Real codes never use C, I, K, M, O and V here, but PKB's own guide has
/// a patient at NE1 1XC: whether a printer accepts the code is the letters' concern.
fn is_inward(bytes: &[u8]) -> bool {
    matches!(bytes, [digit, a, b]
        if digit.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_become_capitals_with_one_space() {
        for text in ["NE1 1XC", "ne11xc", " Ne1  1xC ", "NE1\u{a0}1XC"] {
            assert_eq!(Postcode::parse(text).unwrap().expose_postcode(), "NE1 1XC");
        }
        for text in [
            "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 1HQ", "EC1A 1BB",
        ] {
            assert_eq!(Postcode::parse(text).unwrap().expose_postcode(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(Postcode::parse(" "), Err(Problem::Empty));
        for text in [
            "NE1 1X",
            "NE1 11C",
            "1NE 1XX",
            "NE1 XXX",
            "NEWCASTLE",
            "ŴE1 1XX",
            "N 1XX",
        ] {
            assert_eq!(Postcode::parse(text), Err(Problem::NotAPostcode), "{text}");
        }
    }

    #[test]
    fn codes_without_a_letter_box_are_known() {
        assert!(Postcode::parse("zz993vz").unwrap().is_pseudo());
        assert!(Postcode::parse("GIR 0AA").unwrap().is_pseudo());
        assert!(!Postcode::parse("NE1 1XX").unwrap().is_pseudo());
    }
}
