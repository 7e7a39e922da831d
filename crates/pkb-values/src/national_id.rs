//! National identifiers of the four nations: NHS number (England, Wales, Isle of Man), CHI number
//! (Scotland) and Health and Care number (Northern Ireland). All three are numbers of one make.

use serde::{Deserialize, Serialize};

use super::{NhsNumber, Problem};

/// Which scheme a national id belongs to. The names are those of PKB's REST path
/// (`…/byNationalId/{number}/NHS_NUMBER`); PKB's guide shows only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Reads the name of a scheme as hospitals write it in a column: `NHS`, `CHI number`, `H&C`,
    /// `HC_NUMBER`, `Health and Care Number`. Case, spaces and punctuation do not matter.
    ///
    /// # Errors
    /// [`Problem::Empty`] or [`Problem::NotAScheme`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::Empty);
        }
        let mut folded = [0; 28];
        let mut length = 0;
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                *folded.get_mut(length).ok_or(Problem::NotAScheme)? = c.to_ascii_uppercase() as u8;
                length += 1;
            } else if c.is_alphanumeric() {
                return Err(Problem::NotAScheme);
            }
        }
        let name = &folded[..length];
        let name = [&b"NUMBER"[..], b"NUM", b"NO"]
            .into_iter()
            .find_map(|word| name.strip_suffix(word))
            .unwrap_or(name);
        match name {
            b"NHS" => Ok(Self::NhsNumber),
            b"CHI" | b"COMMUNITYHEALTHINDEX" => Ok(Self::ChiNumber),
            b"HC" | b"HCN" | b"HANDC" | b"HEALTHANDCARE" | b"HEALTHCARE" => Ok(Self::HcNumber),
            _ => Err(Problem::NotAScheme),
        }
    }

    /// The name in PKB's REST path.
    pub fn rest_name(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS_NUMBER",
            Self::ChiNumber => "CHI_NUMBER",
            Self::HcNumber => "HC_NUMBER",
        }
    }

    /// The identifier system in FHIR.
    pub fn fhir_system(self) -> &'static str {
        match self {
            Self::NhsNumber => "https://fhir.nhs.uk/Id/nhs-number",
            Self::ChiNumber => "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53",
            Self::HcNumber => "urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158",
        }
    }

    /// The scheme of an identifier system in FHIR, if it is one of the three.
    pub fn from_fhir_system(system: &str) -> Option<Self> {
        [Self::NhsNumber, Self::ChiNumber, Self::HcNumber]
            .into_iter()
            .find(|scheme| scheme.fhir_system() == system)
    }

    /// Whether the scheme is known to give out numbers that begin with these nine digits.
    fn gives_out(self, first_nine: u64) -> bool {
        match self {
            // England is said to give out 3xx xxx xxxx as well; the end is taken to be where Northern
            // Ireland's range begins.
            Self::NhsNumber => matches!(
                first_nine,
                300_000_000..=320_000_000 | 400_000_000..=499_999_999 | 600_000_000..=799_999_999
            ),
            // The first six digits are a date of birth: DDMMYY.
            Self::ChiNumber => {
                matches!(first_nine, 10_101_000..=311_299_999)
                    && matches!(first_nine / 10_000_000, 1..=31)
                    && matches!(first_nine / 100_000 % 100, 1..=12)
            }
            Self::HcNumber => matches!(first_nine, 320_000_001..=399_999_999),
        }
    }
}

/// A national id: the scheme and the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NationalId {
    /// The scheme.
    #[serde(rename = "type")]
    pub scheme: NationalIdType,
    /// The number.
    pub value: NhsNumber,
}

impl NationalId {
    /// Whether the number is one that another scheme gives out and its own does not, by the number
    /// ranges that are public (Wikipedia, "NHS number", which gathers them). Numbers outside of all
    /// ranges are no sign of anything: tests use 999, and PKB's guide has one. Good for a warning
    /// only.
    pub fn in_other_range(&self) -> bool {
        let first_nine = self.value.to_u64() / 10;
        let schemes = [
            NationalIdType::NhsNumber,
            NationalIdType::ChiNumber,
            NationalIdType::HcNumber,
        ];
        !self.scheme.gives_out(first_nine) && schemes.iter().any(|it| it.gives_out(first_nine))
    }

    /// Scheme and number as bytes, for the key of a journal. Not for showing.
    pub fn key_bytes(&self) -> [u8; 11] {
        let mut bytes = [self.scheme as u8; 11];
        bytes[1..].copy_from_slice(self.value.expose_digits().as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::NationalIdType::{ChiNumber, HcNumber, NhsNumber as Nhs};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_are_known_by_the_names_that_columns_have() {
        for (text, scheme) in [
            ("NHS", Nhs),
            ("nhs number", Nhs),
            ("NHS_NUMBER", Nhs),
            ("NHS No.", Nhs),
            ("CHI", ChiNumber),
            ("Chi Number", ChiNumber),
            ("Community Health Index number", ChiNumber),
            ("H&C", HcNumber),
            ("hc", HcNumber),
            ("HCN", HcNumber),
            ("H & C No", HcNumber),
            ("HC_NUMBER", HcNumber),
            ("Health and Care Number", HcNumber),
            ("Health & Care Number", HcNumber),
        ] {
            assert_eq!(NationalIdType::parse(text), Ok(scheme), "{text}");
        }
        assert_eq!(NationalIdType::parse(" "), Err(Problem::Empty));
        for text in ["number", "IHI", "NHSE", "&", "ŃHS", "1", "Ñ"] {
            assert_eq!(
                NationalIdType::parse(text),
                Err(Problem::NotAScheme),
                "{text}"
            );
        }
    }

    #[test]
    fn the_name_in_the_rest_path_is_a_name_of_the_scheme() {
        for scheme in [Nhs, ChiNumber, HcNumber] {
            assert_eq!(NationalIdType::parse(scheme.rest_name()), Ok(scheme));
        }
    }

    /// Nine digits of a range; the tenth is not looked at.
    fn only(first_nine: u64) -> Vec<NationalIdType> {
        [Nhs, ChiNumber, HcNumber]
            .into_iter()
            .filter(|scheme| scheme.gives_out(first_nine))
            .collect()
    }

    #[test]
    fn ranges_are_those_that_are_published() {
        for (first_nine, schemes) in [
            (10_101_000, vec![ChiNumber]),
            (10_100_999, vec![]),
            (11_301_000, vec![]),
            (299_999_999, vec![]),
            (300_199_000, vec![Nhs, ChiNumber]),
            (311_299_999, vec![Nhs, ChiNumber]),
            (311_300_000, vec![Nhs]),
            (320_000_000, vec![Nhs]),
            (320_000_001, vec![HcNumber]),
            (399_999_999, vec![HcNumber]),
            (400_000_000, vec![Nhs]),
            (499_999_999, vec![Nhs]),
            (500_000_000, vec![]),
            (600_000_000, vec![Nhs]),
            (799_999_999, vec![Nhs]),
            (800_000_000, vec![]),
            (999_000_001, vec![]),
        ] {
            assert_eq!(only(first_nine), schemes, "{first_nine}");
        }
    }

    #[test]
    fn each_scheme_is_known_by_its_fhir_system() {
        for scheme in [
            NationalIdType::NhsNumber,
            NationalIdType::ChiNumber,
            NationalIdType::HcNumber,
        ] {
            let system = scheme.fhir_system();
            assert_eq!(NationalIdType::from_fhir_system(system), Some(scheme));
        }
        assert_eq!(NationalIdType::from_fhir_system("urn:oid:2.16"), None);
    }

    #[test]
    fn numbers_of_tests_and_of_the_guide_are_in_nobodys_range() {
        for text in ["5760678914", "9990000026"] {
            for scheme in [Nhs, ChiNumber, HcNumber] {
                let value = NhsNumber::parse(text).unwrap();
                assert!(!NationalId { scheme, value }.in_other_range());
            }
        }
    }

    #[test]
    fn a_number_of_another_schemes_range_is_noticed() {
        // Worked out here, so that no number which somebody may have is written down.
        let first_of = |from: u64| {
            (from * 10..)
                .find_map(|number| NhsNumber::parse(&format!("{number:010}")).ok())
                .unwrap()
        };
        for (value, at_home) in [
            (first_of(400_000_000), vec![Nhs]),
            (first_of(320_000_001), vec![HcNumber]),
            (first_of(10_101_000), vec![ChiNumber]),
            (first_of(300_199_000), vec![Nhs, ChiNumber]),
        ] {
            for scheme in [Nhs, ChiNumber, HcNumber] {
                assert_eq!(
                    NationalId { scheme, value }.in_other_range(),
                    !at_home.contains(&scheme)
                );
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_scheme_or_refused(text in "\\PC{0,40}") {
            let _ = NationalIdType::parse(&text);
        }
    }
}
