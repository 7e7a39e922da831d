//! Hashes of what may stand in several rows.

use std::{hash::BuildHasher as _, num::NonZeroU64};

use foldhash::quality::RandomState;
use pkb_core::record::Patient;
use pkb_values::{AddressLine, Email, Postcode};

/// Has a new key in each run: nobody can make a file whose values collide.
#[derive(Clone, Default)]
pub(super) struct RowHasher(RandomState);

impl RowHasher {
    pub(super) fn email(&self, email: &Email) -> u64 {
        self.0.hash_one(email.expose_folded())
    }

    pub(super) fn person(&self, patient: &Patient, names: &mut Vec<u8>) -> u64 {
        names.clear();
        for name in [&patient.first_name, &patient.last_name] {
            push_lowercase(names, name.expose_name());
            names.push(b'\n');
        }
        self.0
            .hash_one((names, patient.date_of_birth, &patient.postcode))
    }

    /// The words of a whole address; `None` where a line or a post code that a postman finds is missing.
    pub(super) fn address(&self, patient: &Patient, words: &mut Vec<u8>) -> Option<u64> {
        let postcode = patient.postcode.as_ref();
        let postcode = postcode.filter(|code| !code.is_pseudo() && !patient.address.is_empty())?;
        words.clear();
        let lines = patient.address.iter().map(AddressLine::expose_line);
        for line in lines.chain([Postcode::expose_postcode(postcode)]) {
            push_words(words, line);
        }
        Some(self.0.hash_one(words))
    }

    /// All that a row says of its patient.
    pub(super) fn content(&self, patient: &Patient) -> NonZeroU64 {
        let hash = self.0.hash_one(patient.content());
        NonZeroU64::new(hash).unwrap_or(NonZeroU64::MAX)
    }
}

fn push_lowercase(to: &mut Vec<u8>, text: &str) {
    let start = to.len();
    if text.is_ascii() {
        to.extend_from_slice(text.as_bytes());
        to[start..].make_ascii_lowercase();
    } else {
        to.extend_from_slice(text.to_lowercase().as_bytes());
    }
}

/// Adds the words of a line in lower case, each with one space before it, whatever stood there: "Flat 1, 1
/// High St" is not "Flat 11 High St". What people write within a word or not is left out: "St. John's Rd"
/// is "St Johns Rd".
pub(super) fn push_words(to: &mut Vec<u8>, line: &str) {
    let mut between = true;
    for c in line.chars() {
        if !c.is_alphanumeric() {
            between |= !matches!(c, '\'' | '\u{2019}' | '.');
            continue;
        }
        if std::mem::take(&mut between) {
            to.push(b' ');
        }
        if c.is_ascii() {
            to.push(c.to_ascii_lowercase() as u8);
        } else {
            push_lowercase(to, c.encode_utf8(&mut [0; 4]));
        }
    }
}
