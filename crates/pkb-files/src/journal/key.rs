//! What a piece of work is known by.

use std::{
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU16,
};

use sha2::{Digest as _, Sha256};

/// 128 bits that stand for a piece of work: the record's key and everything that the work was done
/// from, so that a changed row is another piece of work.
///
/// It is the first half of a SHA-256. That is slower than a checksum and still a fraction of a
/// microsecond; in return two patients never share a key, not even if somebody who writes into the
/// patient file tries. A key in a log would give a number away to whoever hashes all numbers, so
/// `Debug` does not show it.
// Two words rather than a u128, which would be aligned to 16 bytes and cost the index a third more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u64; 2]);

impl Key {
    /// The key of work that is described by `parts`, in this order. Each part is hashed with its
    /// length, so `["ab", "c"]` and `["a", "bc"]` have different keys.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let word =
            |at: usize| (0..8).fold(0, |word, byte| word << 8 | u64::from(digest[at + byte]));
        Self([word(0), word(8)])
    }

    /// The key as 32 hexadecimal digits, for a journal's own lines and nowhere else.
    pub fn expose_hex(self) -> String {
        format!("{:016x}{:016x}", self.0[0], self.0[1])
    }

    /// Reads what [`Self::expose_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let word = |part: Option<&str>| u64::from_str_radix(part?, 16).ok();
        (text.len() == 32).then_some(())?;
        Some(Self([word(text.get(..16))?, word(text.get(16..))?]))
    }

    /// Which of `buckets` equal parts of all keys this one falls into, from 0: the same today, tomorrow and on every
    /// machine.
    pub fn bucket(self, buckets: NonZeroU16) -> u16 {
        let bucket = self.0[0] % u64::from(buckets.get());
        // Less than a u16.
        bucket as u16
    }

    /// A number from the half of the key that [`Hash`] does not use.
    pub(super) fn spread(self) -> usize {
        self.0[1] as usize
    }
}

/// Half of it: it is evenly spread already.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
