//! Everything that a sandbox and the stand-ins make up (PKB ids, codes, bearer tokens) is worked out from the seed and what it belongs to,
//! never from the order of the calls: two runs of a concurrent client see the same values.

use sha2::{Digest, Sha256};

use crate::nhs_number;

/// The patient of PKB's guide, who keeps the ids and the first codes that the guide prints.
const GUIDE_NHS_NUMBER_NINE: u32 = 576_067_891;
const GUIDE_PKB_ID: u64 = 3_594_342;
const GUIDE_CODES: (&str, &str) = ("NKcYiAciBU", "KVPnrFYPay");

/// How many numbers nine digits can make.
const NINE_DIGITS: u64 = 1_000_000_000;
/// PKB ids of a sandbox have fifteen digits, of which the first three are 999: PKB's own examples have seven. So an id is
/// recognised after a record has lost its mark. Those that come from national ids are the lowest.
const FIRST_PKB_ID: u64 = 999_000_000_000_000;
/// The lowest PKB id that comes from a local identifier.
const FIRST_LOCAL_PKB_ID: u64 = 999_001_000_000_000;
/// How many there may be of those.
const LOCAL_PKB_IDS: u64 = 900_000_000_000;

/// Both codes of a sandbox begin with this, so that a person and a program recognise them. PKB's codes are random: of a
/// pair, both begin so once in 57 thousand million.
const CODE_MARK: &str = "TRY";
/// Letters and digits behind it, as many as make ten.
const CODE_LETTERS: u32 = 7;
/// Calls for the codes of one patient that are told apart for certain.
const CALLS: u64 = 2048;

const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The PKB id of a record that has a national id (ten digits). One-to-one over all national ids: no two patients can share one.
/// None where the number is not valid.
#[must_use]
pub fn pkb_id_of_national_id(seed: u64, national_id: &str) -> Option<u64> {
    let nine = nhs_number::leading_nine(national_id)?;
    if nine == GUIDE_NHS_NUMBER_NINE {
        return Some(GUIDE_PKB_ID);
    }
    Some(FIRST_PKB_ID + permute(seed, nine.into(), 15, NINE_DIGITS))
}

/// The PKB id of a record known by an organisation's or a team's identifier only. Above all ids made from national ids.
#[must_use]
pub fn pkb_id_of_local_id(seed: u64, key: &str) -> u64 {
    let bytes = digest(seed, &["local id", key]);
    FIRST_LOCAL_PKB_ID + u64::from_le_bytes(first_eight(&bytes)) % LOCAL_PKB_IDS
}

/// Invitation code and access code number `call` (from 0) of a record: ten letters and digits each.
#[must_use]
pub fn codes(seed: u64, pkb_id: u64, call: usize) -> (String, String) {
    if pkb_id == GUIDE_PKB_ID && call == 0 {
        return (GUIDE_CODES.0.to_owned(), GUIDE_CODES.1.to_owned());
    }
    (
        code(seed, "invitation code", pkb_id, call),
        code(seed, "access code", pkb_id, call),
    )
}

/// One-to-one over all records with a national id and their first [`CALLS`] calls: no two patients can share a code.
fn code(seed: u64, what: &str, pkb_id: u64, call: usize) -> String {
    let seed = u64::from_le_bytes(first_eight(&digest(seed, &[what])));
    let below = 62_u64.pow(CODE_LETTERS);
    let (id, call) = (pkb_id.wrapping_sub(FIRST_PKB_ID), call as u64);
    let number = if id < NINE_DIGITS && call < CALLS {
        permute(seed, id * CALLS + call, 21, below)
    } else {
        u64::from_le_bytes(first_eight(&digest(
            seed,
            &[&pkb_id.to_string(), &call.to_string()],
        ))) % below
    };
    format!(
        "{CODE_MARK}{}",
        letters(number.into(), CODE_LETTERS as usize)
    )
}

/// `length` (at most 20) letters and digits, made from the seed and all parts.
#[must_use]
pub fn text(seed: u64, parts: &[&str], length: usize) -> String {
    let bytes = digest(seed, parts);
    let number = bytes[..16]
        .iter()
        .fold(0u128, |number, &byte| (number << 8) | u128::from(byte));
    letters(number, length)
}

/// The last `length` letters and digits of a number.
fn letters(mut rest: u128, length: usize) -> String {
    (0..length)
        .map(|_| {
            let letter = LETTERS_AND_DIGITS[(rest % 62) as usize];
            rest /= 62;
            char::from(letter)
        })
        .collect()
}

/// A number from 0 to below 1, made from the seed and all parts.
#[must_use]
pub fn fraction(seed: u64, parts: &[&str]) -> f64 {
    let bits = u64::from_le_bytes(first_eight(&digest(seed, parts)));
    // As many bits as an f64 holds exactly.
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The SHA-256 of `bytes` in 64 small hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(seed: u64, parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in parts {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    eight
}

/// A shuffle of the numbers below `below` chosen by the seed: a Feistel network over twice `half` bits, which are as many
/// as `below` has or one more, walked on until it lands inside.
fn permute(seed: u64, mut value: u64, half: u32, below: u64) -> u64 {
    let mask = (1 << half) - 1;
    loop {
        let (mut left, mut right) = (value >> half, value & mask);
        for round in 0..6 {
            let mixed = mix(seed ^ (right << 8 | round)) & mask;
            (left, right) = (right, left ^ mixed);
        }
        value = left << half | right;
        if value < below {
            return value;
        }
    }
}

/// Spreads the bits of `value` over all 64 (the SplitMix64 finaliser).
#[must_use]
pub fn mix(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_guides_patient_has_the_guides_id_under_every_seed() {
        for seed in 0..50 {
            assert_eq!(pkb_id_of_national_id(seed, "5760678914"), Some(3_594_342));
        }
    }

    #[test]
    fn pkb_ids_are_unique_and_depend_on_the_seed() {
        let numbers: Vec<String> = (999_000_000..999_050_000)
            .filter_map(nhs_number::complete)
            .collect();
        let ids: HashSet<u64> = numbers
            .iter()
            .map(|number| pkb_id_of_national_id(7, number).unwrap())
            .collect();
        assert_eq!(ids.len(), numbers.len());
        assert_ne!(
            pkb_id_of_national_id(7, "9990000018"),
            pkb_id_of_national_id(8, "9990000018")
        );
    }

    #[test]
    fn what_is_made_up_is_recognised_but_for_the_guides_patient() {
        let ids = [
            pkb_id_of_national_id(1, "9990000018").unwrap(),
            pkb_id_of_national_id(7, "9990000026").unwrap(),
            pkb_id_of_local_id(1, "A1"),
        ];
        for id in ids {
            assert_eq!((id.to_string().len(), id / 1_000_000_000_000), (15, 999));
            for call in [0, 1, 5000] {
                let (code, token) = codes(1, id, call);
                assert!(code.starts_with("TRY") && token.starts_with("TRY"));
            }
        }
        assert_eq!(codes(1, GUIDE_PKB_ID, 0).0, "NKcYiAciBU");
        assert!(codes(1, GUIDE_PKB_ID, 1).0.starts_with("TRY"));
    }

    #[test]
    fn no_two_patients_have_a_code() {
        let mut seen = HashSet::new();
        for id in 0..40_000 {
            for call in 0..2 {
                let (code, token) = codes(3, FIRST_PKB_ID + id, call);
                assert!(seen.insert(code) && seen.insert(token));
            }
        }
    }

    #[test]
    fn codes_are_ten_letters_and_digits_and_differ_from_call_to_call() {
        let (code, token) = codes(1, 42, 0);
        for text in [&code, &token] {
            assert_eq!(text.len(), 10);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(code, token);
        assert_ne!(codes(1, 42, 1).0, code);
        assert_ne!(codes(1, 43, 0).0, code);
    }
}
