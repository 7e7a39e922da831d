//! United Kingdom post codes, by their form and area (Royal Mail's PAF programmer's guide).

use super::{Problem, excel_damage, private_text, unseen::legible};

private_text!(
    /// A post code in capitals with one space: `NE1 1XC`.
    Postcode,
    normalise,
    expose_postcode
);

/// The areas of the United Kingdom, Guernsey, Jersey and Isle of Man, and that of the Forces (BF),
/// in alphabetical order. BX and XX have nobody living in them: they are for large organisations.
const AREAS: &[&str] = &[
    "AB", "AL", "B", "BA", "BB", "BD", "BF", "BH", "BL", "BN", "BR", "BS", "BT", "CA", "CB", "CF",
    "CH", "CM", "CO", "CR", "CT", "CV", "CW", "DA", "DD", "DE", "DG", "DH", "DL", "DN", "DT", "DY",
    "E", "EC", "EH", "EN", "EX", "FK", "FY", "G", "GL", "GU", "GY", "HA", "HD", "HG", "HP", "HR",
    "HS", "HU", "HX", "IG", "IM", "IP", "IV", "JE", "KA", "KT", "KW", "KY", "L", "LA", "LD", "LE",
    "LL", "LN", "LS", "LU", "M", "ME", "MK", "ML", "N", "NE", "NG", "NN", "NP", "NR", "NW", "OL",
    "OX", "PA", "PE", "PH", "PL", "PO", "PR", "RG", "RH", "RM", "S", "SA", "SE", "SG", "SK", "SL",
    "SM", "SN", "SO", "SP", "SR", "SS", "ST", "SW", "SY", "TA", "TD", "TF", "TN", "TQ", "TR", "TS",
    "TW", "UB", "W", "WA", "WC", "WD", "WF", "WN", "WR", "WS", "WV", "YO", "ZE",
];

/// [`AREAS`] by their letters, the second of which may be lacking: each stage reads each post code again.
const IS_AREA: [[bool; 27]; 26] = {
    let mut table = [[false; 27]; 26];
    let mut at = 0;
    while at < AREAS.len() {
        match *AREAS[at].as_bytes() {
            [first] => table[letter(first)][0] = true,
            [first, second] => table[letter(first)][letter(second) + 1] = true,
            _ => panic!("an area has one letter or two"),
        }
        at += 1;
    }
    table
};

/// The place of a capital letter in the alphabet, from 0.
const fn letter(byte: u8) -> usize {
    (byte - b'A') as usize
}

/// Whether one or two capital letters are an area.
fn is_area(letters: &str) -> bool {
    match *letters.as_bytes() {
        [first] => IS_AREA[letter(first)][0],
        [first, second] => IS_AREA[letter(first)][letter(second) + 1],
        _ => false,
    }
}

/// The retired code of Girobank, still in old records. No area, and the only one of its form.
const GIROBANK: &str = "GIR 0AA";

/// Longest code without its space.
const MAX_CHARACTERS: usize = 7;

impl Postcode {
    /// Codes that look right but that no postman delivers to: the NHS's ZZ99 range ("no fixed
    /// address", "unknown", countries abroad) and the retired GIR 0AA.
    pub fn is_pseudo(&self) -> bool {
        self.0.starts_with("ZZ99") || &*self.0 == GIROBANK
    }

    /// The area, which hundreds of thousands share: `NE`. `None` for a code that is no place.
    pub fn area(&self) -> Option<&str> {
        let letters = self.0.bytes().take_while(u8::is_ascii_uppercase).count();
        (!self.is_pseudo()).then(|| &self.0[..letters])
    }
}

/// Letters and digits that look alike (O and 0, I and 1) are never exchanged: both may be codes. Spaces, hyphens and full
/// stops between them mean nothing.
fn normalise(text: &str) -> Result<String, Problem> {
    let text = legible(text);
    let refused = || Err(excel_damage::name_or(&text, Problem::NotAPostcode));
    let mut compact = [0; MAX_CHARACTERS];
    let mut length = 0;
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')) {
        match compact.get_mut(length) {
            Some(byte) if c.is_ascii_alphanumeric() => *byte = c.to_ascii_uppercase() as u8,
            _ => return refused(),
        }
        length += 1;
    }
    if length == 0 {
        return Err(Problem::Empty);
    }
    let compact = std::str::from_utf8(&compact[..length]).unwrap_or_default();
    let Some((outward, inward)) = length.checked_sub(3).map(|at| compact.split_at(at)) else {
        return refused();
    };
    let mut spaced = String::with_capacity(length + 1);
    spaced.push_str(outward);
    spaced.push(' ');
    spaced.push_str(inward);
    if spaced == GIROBANK {
        return Ok(spaced);
    }
    match area(outward) {
        Some(area) if is_inward(inward.as_bytes()) => {
            let is_known = is_area(area) || outward == "ZZ99";
            is_known
                .then_some(spaced)
                .ok_or(Problem::UnknownPostcodeArea)
        }
        _ => refused(),
    }
}

/// The letters in front of an outward code: A9, A99, A9A, AA9, AA99 or AA9A.
fn area(outward: &str) -> Option<&str> {
    let letters = outward.bytes().take_while(u8::is_ascii_uppercase).count();
    let (area, district) = outward.split_at(letters);
    let is_good = match district.as_bytes() {
        [first] => first.is_ascii_digit(),
        // CR0 is a district, LS06 is none.
        [b'0', second] => second.is_ascii_uppercase(),
        [first, second] => first.is_ascii_digit() && second.is_ascii_alphanumeric(),
        _ => false,
    };
    (is_good && (1..=2).contains(&letters)).then_some(area)
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
    use proptest::prelude::*;

    #[test]
    fn usual_spellings_become_capitals_with_one_space() {
        for text in [
            "NE1 1XC",
            "ne11xc",
            " Ne1  1xC ",
            "NE1\u{a0}1XC",
            "n e 1 1 x c",
            "NE1-1XC",
            "NE1.1XC",
            "NE1 1XC.",
            "NE1\u{2013}1XC",
            "\u{202a}NE1 1XC\u{202c}",
            "NE1\u{200b}1XC",
            "ＮＥ１１ＸＣ",
            "NE1 1XC\u{2028}",
        ] {
            assert_eq!(Postcode::parse(text).unwrap().expose_postcode(), "NE1 1XC");
        }
        for text in [
            "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 1HQ", "EC1A 1BB", "AB1 2CD",
            "ZE1 0AA", "BF1 3AA", "GY1 1AA", "JE2 3AB", "IM1 1AE",
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
            "NEI 1XX",
            "1XX",
            "X",
            "LS06 3AA",
            "D02 AF30",
            "GX11 1AAA",
            "NE1,1XX",
        ] {
            assert_eq!(Postcode::parse(text), Err(Problem::NotAPostcode), "{text}");
        }
        assert_eq!(Postcode::parse(" #N/A"), Err(Problem::SpreadsheetError));
    }

    #[test]
    fn areas_that_do_not_exist_are_named() {
        for text in ["NX1 1XX", "Q1 1AA", "ZZ1 1AA", "AA1 1AA"] {
            assert_eq!(
                Postcode::parse(text),
                Err(Problem::UnknownPostcodeArea),
                "{text}"
            );
        }
    }

    #[test]
    fn letters_and_digits_that_look_alike_are_not_exchanged() {
        assert_eq!(Postcode::parse("0L1 1AA"), Err(Problem::NotAPostcode));
        let kept = Postcode::parse("OL1O 1AA").unwrap();
        assert_eq!(kept.expose_postcode(), "OL1O 1AA");
    }

    #[test]
    fn the_list_has_each_area_once_and_in_order() {
        assert!(AREAS.is_sorted_by(|a, b| a < b));
        // 121 of the United Kingdom, three islands, the Forces.
        assert_eq!(AREAS.len(), 125);
        for first in b'A'..=b'Z' {
            for text in
                std::iter::once(vec![first]).chain((b'A'..=b'Z').map(|second| vec![first, second]))
            {
                let text = String::from_utf8(text).unwrap();
                assert_eq!(is_area(&text), AREAS.contains(&&*text), "{text}");
            }
        }
    }

    #[test]
    fn codes_without_a_letter_box_are_known() {
        assert!(Postcode::parse("zz993vz").unwrap().is_pseudo());
        assert!(Postcode::parse("GIR 0AA").unwrap().is_pseudo());
        assert!(!Postcode::parse("NE1 1XX").unwrap().is_pseudo());
    }

    #[test]
    fn the_area_is_what_stands_before_the_first_digit() {
        for (text, area) in [
            ("NE1 1XC", Some("NE")),
            ("m11ae", Some("M")),
            ("EC1A 1BB", Some("EC")),
            ("ZZ99 3VZ", None),
            ("GIR 0AA", None),
        ] {
            assert_eq!(Postcode::parse(text).unwrap().area(), area, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,10}|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][a-z]{2}") {
            if let Ok(code) = Postcode::parse(&text) {
                prop_assert_eq!(Postcode::parse(code.expose_postcode()).unwrap(), code);
            }
        }
    }
}
