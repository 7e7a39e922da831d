//! Deflate (zlib), as PDF's `FlateDecode` reads it.

use flate2::{Compress, Compression, FlushCompress, Status};

/// Compresses many small things one after the other: what a compressor needs is made once.
pub(crate) struct Deflater {
    state: Compress,
}

impl Deflater {
    pub(crate) fn new() -> Self {
        Self {
            state: Compress::new(Compression::default(), true),
        }
    }

    /// Compresses `data`, behind what is in `out` already.
    pub(crate) fn append(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.append_both(data, &[], out);
    }

    /// Compresses `first` and `second` as one.
    pub(crate) fn append_both(&mut self, first: &[u8], second: &[u8], out: &mut Vec<u8>) {
        let joined;
        let mut rest = if second.is_empty() {
            first
        } else {
            joined = [first, second].concat();
            &joined
        };
        self.state.reset();
        loop {
            // More than it can take, so that one call does it but for data that cannot be compressed.
            out.reserve(rest.len() / 2 + 128);
            let before = self.state.total_in();
            let status = self.state.compress_vec(rest, out, FlushCompress::Finish);
            let taken = usize::try_from(self.state.total_in() - before).unwrap_or_default();
            rest = rest.get(taken..).unwrap_or_default();
            // Writing to memory has no errors that could be met here: the state is new, and there is room.
            if matches!(status, Ok(Status::StreamEnd) | Err(_)) {
                return;
            }
        }
    }
}

/// Compresses one thing.
pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new().append(data, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    proptest! {
        #[test]
        fn what_is_compressed_after_something_else_reads_as_it_was(
            first in proptest::collection::vec(any::<u8>(), 0..3_000),
            second in proptest::collection::vec(0_u8..4, 0..3_000),
        ) {
            let mut deflater = Deflater::new();
            for data in [first, second] {
                let mut out = b"before".to_vec();
                deflater.append(&data, &mut out);
                let mut read = Vec::new();
                flate2::read::ZlibDecoder::new(&out[6..]).read_to_end(&mut read).unwrap();
                prop_assert_eq!(read, data);
            }
        }
    }
}
