//! Whether any word of a cell may be the first word of a mark: one pass, no allocation.

use super::parts::{is_left_out, is_sign_of_death};

/// FNV-1a of a word in lower case.
pub(super) fn hash(word: &str) -> u32 {
    word.bytes().fold(SEED, step)
}

const SEED: u32 = 0x811c_9dc5;

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The first words of marks, as 65,536 bits by their hashes: of a thousand words that are no mark, three or four are
/// looked at more closely.
pub(super) struct FirstWords(Box<[u64; 1024]>);

impl Default for FirstWords {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl std::fmt::Debug for FirstWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FirstWords(…)")
    }
}

impl FirstWords {
    fn place(hash: u32) -> (usize, u64) {
        let bit = (hash ^ (hash >> 16)) & 0xffff;
        ((bit >> 6) as usize, 1 << (bit & 63))
    }

    /// Adds the hash of a first word.
    pub(super) fn set(&mut self, hash: u32) {
        let (at, bit) = Self::place(hash);
        self.0[at] |= bit;
    }

    fn has(&self, hash: u32) -> bool {
        let (at, bit) = Self::place(hash);
        self.0[at] & bit != 0
    }

    /// Whether any word of a text may be one of these.
    pub(super) fn may_have(&self, text: &str) -> bool {
        let mut hash = SEED;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' => hash = step(hash, byte),
                b'A'..=b'Z' => hash = step(hash, byte | 0x20),
                b'\'' | b'.' | b'`' => {}
                0x80.. => return self.may_have_chars(hash, &text[at..]),
                _ => {
                    if hash != SEED && self.has(hash) {
                        return true;
                    }
                    hash = SEED;
                }
            }
        }
        hash != SEED && self.has(hash)
    }

    /// The same from a character on that is not ASCII; `hash` is of what is before it in its word.
    fn may_have_chars(&self, mut hash: u32, text: &str) -> bool {
        let mut buffer = [0; 4];
        for c in text.chars() {
            if is_sign_of_death(c) {
                return true;
            } else if c.is_alphanumeric() {
                hash = c.to_lowercase().fold(hash, |hash, c| {
                    c.encode_utf8(&mut buffer).bytes().fold(hash, step)
                });
            } else if !is_left_out(c) {
                if hash != SEED && self.has(hash) {
                    return true;
                }
                hash = SEED;
            }
        }
        hash != SEED && self.has(hash)
    }
}
