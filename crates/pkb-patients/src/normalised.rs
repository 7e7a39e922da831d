//! Values that are kept in another way than the file has them, because what they mean is certain: counted, so that the
//! operator knows.

use std::fmt;

use pkb_values::has_unusual_characters;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A national number.
    Number,
    /// A name or title.
    Name,
    /// A date of birth.
    Date,
    /// A line of an address.
    AddressLine,
    /// A post code.
    Postcode,
    /// A telephone number.
    Telephone,
}

impl ValueKind {
    /// All kinds, with what one and several of them are called.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Number, "NHS number", "NHS numbers"),
        (Self::Name, "name", "names"),
        (Self::Date, "date of birth", "dates of birth"),
        (Self::AddressLine, "address line", "address lines"),
        (Self::Postcode, "postcode", "postcodes"),
        (Self::Telephone, "phone number", "phone numbers"),
    ];

    /// Whether a good value is written in a way that is worth counting. Spaces between digits are not, nor are those
    /// around a value. `row_is_ascii`: nothing in the row is anything else.
    pub fn is_unusual(self, text: &str, row_is_ascii: bool) -> bool {
        match self {
            Self::Number => !text
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b' ' || b == b'-'),
            Self::Telephone => {
                let text = text.trim();
                !text.starts_with(['0', '+', '('])
                    || text.starts_with("+440")
                    || !text
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b" +()-".contains(&b))
            }
            Self::Date => !row_is_ascii && !text.is_ascii(),
            Self::Name | Self::AddressLine | Self::Postcode => {
                let may_be = !row_is_ascii || text.bytes().any(|byte| byte < b' ');
                may_be && has_unusual_characters(text)
            }
        }
    }
}

/// How many values of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Normalised([u64; 6]);

impl Normalised {
    /// Counts one.
    pub fn add(&mut self, kind: ValueKind) {
        self.0[kind as usize] += 1;
    }

    /// Counts those of another row, or of other rows.
    pub fn join(&mut self, other: Self) {
        for (own, others) in self.0.iter_mut().zip(other.0) {
            *own += others;
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 6]
    }
}

/// `12 postcodes, 3 telephones`.
impl fmt::Display for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (kind, one, several) in ValueKind::ALL {
            let count = self.0[kind as usize];
            if count > 0 {
                let words = if count == 1 { one } else { several };
                write!(f, "{before}{count} {words}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_with_their_counts() {
        let mut normalised = Normalised::default();
        assert!(normalised.is_empty());
        normalised.add(ValueKind::Telephone);
        let mut other = Normalised::default();
        other.add(ValueKind::Postcode);
        other.add(ValueKind::Postcode);
        normalised.join(other);
        assert_eq!(normalised.to_string(), "2 postcodes, 1 phone number");
    }

    #[test]
    fn usual_spellings_are_not_counted() {
        for text in [
            "07700 900123",
            "+44 (0)7700 900-123",
            "(0191) 496 0123",
            "0044 7700 900123",
        ] {
            assert!(!ValueKind::Telephone.is_unusual(text, true), "{text}");
        }
        for text in [
            "7700900123",
            "+4407700900123",
            "'07700900123",
            "07700\u{a0}900123",
            "0191.496.0123",
        ] {
            assert!(ValueKind::Telephone.is_unusual(text, false), "{text}");
        }
        assert!(!ValueKind::Number.is_unusual("999 000 0018", true));
        assert!(ValueKind::Number.is_unusual("\u{feff}9990000018", false));
        assert!(!ValueKind::Name.is_unusual(" Siân ", false));
        assert!(ValueKind::Name.is_unusual("Si\u{200b}ân", false));
    }
}
