//! Where in the file the line of a key is: 24 bytes a line (25 to 58 with the room that a hash table keeps) and never
//! its text.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::Key;
use crate::lines::MAX_LINE_BYTES;

/// Bits of a [`Span`] for the length; the others are for the offset.
const LENGTH_BITS: u32 = 21;
const _: () = assert!(MAX_LINE_BYTES < 1 << LENGTH_BITS);

/// Bytes that a journal can have at most, 8 TiB: what an offset has room for.
pub(super) const MAX_FILE_BYTES: u64 = 1 << (u64::BITS - LENGTH_BITS);

/// Tables that the index is split into. A table that grows is there twice for a moment; of many
/// small ones only one grows at a time.
const TABLES: usize = 16;

/// Offset and length of a line, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(u64);

impl Span {
    /// A span for a line of at most [`MAX_LINE_BYTES`] within the first [`MAX_FILE_BYTES`].
    pub(super) fn new(offset: u64, length: usize) -> Self {
        debug_assert!(length <= MAX_LINE_BYTES && offset < MAX_FILE_BYTES);
        Self(offset << LENGTH_BITS | length as u64)
    }

    pub(super) fn offset(self) -> u64 {
        self.0 >> LENGTH_BITS
    }

    pub(super) fn length(self) -> usize {
        (self.0 & ((1 << LENGTH_BITS) - 1)) as usize
    }

    /// Offset behind the last byte.
    pub(super) fn end(self) -> u64 {
        self.offset() + self.length() as u64
    }
}

/// The keys of a journal.
#[derive(Default, Clone)]
pub(super) struct Index {
    tables: [HashMap<Key, Span, BuildHasherDefault<AsIs>>; TABLES],
}

impl Index {
    /// Notes a line. A line with the same key that was noted before is forgotten, and returned.
    pub(super) fn insert(&mut self, key: Key, span: Span) -> Option<Span> {
        self.tables[key.spread() % TABLES].insert(key, span)
    }

    /// Forgets a line, and returns it.
    pub(super) fn remove(&mut self, key: Key) -> Option<Span> {
        self.tables[key.spread() % TABLES].remove(&key)
    }

    pub(super) fn get(&self, key: Key) -> Option<Span> {
        self.tables[key.spread() % TABLES].get(&key).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(HashMap::len).sum()
    }
}

/// Takes the number that a [`Key`] gives as the hash, since it is one.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    /// Never used by [`Key`].
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
