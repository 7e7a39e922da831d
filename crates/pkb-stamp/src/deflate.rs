//! Deflate (zlib), as PDF's `FlateDecode` reads it.
//!
//! By libdeflate, which compresses in one go what is in memory as a whole: of what a letter costs, half was compression
//! with a library that is made for streams.

use std::ops::Range;

use libdeflater::{CompressionLvl, Compressor};

/// How hard it is tried. 6 gains a hundredth and takes a tenth more of a letter's time, higher levels gain next to nothing
/// and take twice the time; lower ones lose a fifth.
const LEVEL: i32 = 5;
/// Bytes from which on data are long.
const LONG: usize = 256 << 10;
/// For what is compressed once and written many times.
const THOROUGH: i32 = 12;

/// Compresses many small things one after the other: what a compressor needs is made once.
pub(crate) struct Deflater {
    state: Compressor,
    joined: Vec<u8>,
}

impl Deflater {
    pub(crate) fn new() -> Self {
        Self::with(LEVEL)
    }

    fn with(level: i32) -> Self {
        Self {
            state: Compressor::new(CompressionLvl::new(level).unwrap_or_default()),
            joined: Vec::new(),
        }
    }

    /// Compresses `data`, behind what is in `out` already, and says where it is.
    pub(crate) fn append(&mut self, data: &[u8], out: &mut Vec<u8>) -> Range<usize> {
        let start = out.len();
        let most = self.state.zlib_compress_bound(data.len());
        // Much of what is long compresses to a fraction of it: the first try takes no more room than most need.
        let first = if data.len() > LONG { most / 4 } else { most };
        for room in [first, most] {
            out.resize(start + room, 0);
            let room = out.get_mut(start..).unwrap_or_default();
            if let Ok(length) = self.state.zlib_compress(data, room) {
                out.truncate(start + length);
                break;
            }
            // The second time there is room for data that cannot be compressed.
        }
        start..out.len()
    }

    /// Compresses `first` and `second` as one.
    pub(crate) fn append_both(
        &mut self,
        first: &[u8],
        second: &[u8],
        out: &mut Vec<u8>,
    ) -> Range<usize> {
        if second.is_empty() {
            return self.append(first, out);
        }
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        joined.extend_from_slice(first);
        joined.extend_from_slice(second);
        let place = self.append(&joined, out);
        self.joined = joined;
        place
    }
}

/// Compresses one thing.
pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new().append(data, &mut out);
    out
}

/// Compresses one thing as well as can be, which takes many times as long.
pub(crate) fn deflated_thoroughly(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::with(THOROUGH).append(data, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    fn read(data: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        flate2::read::ZlibDecoder::new(data)
            .read_to_end(&mut read)
            .unwrap();
        read
    }

    proptest! {
        #[test]
        fn what_is_compressed_after_something_else_reads_as_it_was(
            first in proptest::collection::vec(any::<u8>(), 0..3_000),
            second in proptest::collection::vec(0_u8..4, 0..3_000),
        ) {
            let mut deflater = Deflater::new();
            let mut out = b"before".to_vec();
            for data in [&first, &second] {
                let place = deflater.append(data, &mut out);
                prop_assert_eq!(&read(&out[place]), data);
            }
            let place = deflater.append_both(&first, &second, &mut out);
            prop_assert_eq!(read(&out[place]), [first.clone(), second].concat());
            prop_assert_eq!(read(&deflated_thoroughly(&first)), first);
        }
    }

    #[test]
    fn long_data_are_compressed_whether_or_not_they_get_much_shorter() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let noise: Vec<u8> = (0..2 * LONG).map(|_| noise()).collect();
        for data in [noise, vec![b' '; 2 * LONG]] {
            let mut out = b"before".to_vec();
            let place = Deflater::new().append(&data, &mut out);
            assert_eq!((place.start, place.end), (6, out.len()));
            assert_eq!(read(&out[place]), data);
        }
    }
}
