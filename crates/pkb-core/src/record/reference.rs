//! Names of deliveries for those who print and post them, and marks of addresses. Neither says anything of the patient.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Channel, Edition, Invitation, Patient, Record};

/// The digits of Crockford's Base32: no letter that is taken for a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The name of a delivery, unique over all campaigns: 20 capital letters and digits.
///
/// It is made of the two codes, which are PKB's random numbers and no two patients' the same. So nobody can compute it from a
/// national number, and the same campaign makes the same names again. The codes cannot be computed from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reference(String);

impl Reference {
    /// How many characters.
    pub const LENGTH: usize = 20;

    /// The name of a delivery with these codes that replaces so many earlier ones.
    #[must_use]
    pub fn of(codes: &Invitation, channel: Channel, edition: Edition, replaced: usize) -> Self {
        let replaced = replaced.to_string();
        let parts = [
            "pkb-delivery/1",
            codes.code.expose_code(),
            codes.token.expose_code(),
            channel.as_str(),
            edition.as_str(),
            &replaced,
        ];
        Self(opaque_name(&parts, Self::LENGTH))
    }

    /// The name of a delivery without codes: made of the row, and of when PKB was asked about it, so that it is unlike those of
    /// other campaigns and tells nothing of the patient.
    #[must_use]
    pub fn without_codes(
        record: &Record,
        channel: Channel,
        edition: Edition,
        replaced: usize,
    ) -> Self {
        let (number, replaced) = (record.row.number.to_string(), replaced.to_string());
        let asked_at = record.pkb.as_ref().map(|pkb| pkb.checked_at.to_string());
        let parts = [
            "pkb-delivery-without-codes/1",
            record.row.file.as_str(),
            &number,
            asked_at.as_deref().unwrap_or_default(),
            channel.as_str(),
            edition.as_str(),
            &replaced,
        ];
        Self(opaque_name(&parts, Self::LENGTH))
    }

    /// A name as somebody else wrote it down, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = (1..=Self::LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_name.then(|| Self(text.to_ascii_uppercase()))
    }

    /// The name as a number, for tables of many. Names of different lengths are different numbers.
    #[must_use]
    pub fn packed(&self) -> u128 {
        let digit = |digit: char| u128::from(digit.to_digit(36).unwrap_or_default());
        let digits = self.0.chars().map(digit);
        digits.fold(1, |number, digit| number * 36 + digit)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not 1 to 20 letters and digits")
    }
}

/// A mark of the address to which a letter went. It differs from letter to letter, so that it does not tell who lives together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressMark(String);

impl AddressMark {
    const LENGTH: usize = 12;

    /// The mark of a patient's present address, for the letter with this name.
    #[must_use]
    pub fn of(reference: &Reference, patient: &Patient) -> Self {
        let postcode = patient.postcode.as_ref();
        let lines = patient
            .address
            .iter()
            .map(pkb_values::AddressLine::expose_line);
        let postcode = postcode.map_or("", pkb_values::Postcode::expose_postcode);
        let parts: Vec<&str> = ["pkb-address/1", reference.as_str()]
            .into_iter()
            .chain(lines)
            .chain([postcode])
            .collect();
        Self(opaque_name(&parts, Self::LENGTH))
    }
}

impl TryFrom<String> for AddressMark {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_mark = text.len() == Self::LENGTH && text.bytes().all(|byte| DIGITS.contains(&byte));
        is_mark
            .then_some(Self(text))
            .ok_or("not a mark of an address")
    }
}

/// A name of so many digits of Crockford's Base32 (51 at most), which tells nothing of the parts that it is made of: the start of
/// their SHA-256.
#[must_use]
pub fn opaque_name(parts: &[&str], length: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    (0..length)
        .map(|place| {
            // Five bits each, across the bytes.
            let (byte, bit) = (place * 5 / 8, place * 5 % 8);
            let next = digest.get(byte + 1).copied().unwrap_or_default();
            let pair = u16::from_be_bytes([digest[byte], next]);
            char::from(DIGITS[usize::from(pair >> (11 - bit) & 31)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(code: &str) -> Invitation {
        let json = format!(
            r#"{{"code":"{code}","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_name_is_the_same_in_each_run_and_another_for_each_delivery() {
        let own = |code, channel, edition, replaced| {
            Reference::of(&codes(code), channel, edition, replaced)
        };
        let first = own("NKcYiAciBU", Channel::Letter, Edition::First, 0);
        assert_eq!(first, own("NKcYiAciBU", Channel::Letter, Edition::First, 0));
        assert_eq!(first.as_str().len(), Reference::LENGTH);
        assert_eq!(
            Reference::parse(&first.as_str().to_lowercase()),
            Some(first.clone())
        );
        for other in [
            own("NKcYiAciBV", Channel::Letter, Edition::First, 0),
            own("NKcYiAciBU", Channel::Sms, Edition::First, 0),
            own("NKcYiAciBU", Channel::Letter, Edition::Reprint, 0),
            own("NKcYiAciBU", Channel::Letter, Edition::First, 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_name_is_letters_and_digits_and_no_longer_than_mail_companies_take() {
        for text in ["", "A B", "Ä", "A-1", "012345678901234567890"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
