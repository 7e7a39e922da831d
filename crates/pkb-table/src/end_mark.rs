//! Ctrl-Z (0x1A), with which programs of DOS end a text file. It is neither a row nor part of a cell.

use std::io::{self, Read};

use memchr::memchr;

/// Bytes read at once while something is held back.
const BLOCK: usize = 4 << 10;
const CTRL_Z: u8 = 0x1a;

/// Text without the Ctrl-Z at its end, and without the blanks behind it. A Ctrl-Z that text follows
/// stays: a control character, which the row's rules name.
pub(super) struct WithoutEndMark<R> {
    inner: R,
    /// Bytes that may be the end, then bytes that have not been handed out.
    held: Vec<u8>,
    /// So many bytes of `held` have been handed out, and so many of them are known to be text.
    given: usize,
    certain: usize,
}

impl<R: Read> WithoutEndMark<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            held: Vec::new(),
            given: 0,
            certain: 0,
        }
    }

    /// Reads on behind what is held; false at the end of the text.
    fn read_on(&mut self) -> io::Result<bool> {
        let mut block = [0; BLOCK];
        let read = self.inner.read(&mut block)?;
        self.held.drain(..self.given);
        self.given = 0;
        self.held.extend_from_slice(&block[..read]);
        self.certain = if read == 0 {
            0
        } else {
            text_length(&self.held)
        };
        Ok(read > 0)
    }
}

impl<R: Read> Read for WithoutEndMark<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.certain {
                let rest = &self.held[self.given..self.certain];
                let length = rest.len().min(out.len());
                out[..length].copy_from_slice(&rest[..length]);
                self.given += length;
                return Ok(length);
            }
            if self.given < self.held.len() {
                if !self.read_on()? {
                    self.held.clear();
                    return Ok(0);
                }
                continue;
            }
            // Nothing is held, as in nearly every call: the bytes go straight through.
            let read = self.inner.read(out)?;
            let length = text_length(&out[..read]);
            self.held.clear();
            self.held.extend_from_slice(&out[length..read]);
            (self.given, self.certain) = (0, 0);
            if length > 0 || read == 0 {
                return Ok(length);
            }
        }
    }
}

/// How many bytes come before a Ctrl-Z that has nothing but blanks and further ones behind it.
fn text_length(bytes: &[u8]) -> usize {
    let may_end = |byte: &&u8| matches!(**byte, CTRL_Z | b'\n' | b'\r' | b' ' | b'\t' | 0);
    let run = bytes.len() - bytes.iter().rev().take_while(may_end).count();
    memchr(CTRL_Z, &bytes[run..]).map_or(bytes.len(), |at| run + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most so many bytes at a time.
    struct InPieces<'a>(&'a [u8], usize);

    impl Read for InPieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(out.len());
            self.0
                .take(length as u64)
                .read(out)
                .inspect(|read| self.0 = &self.0[*read..])
        }
    }

    fn without(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut text = Vec::new();
        WithoutEndMark::new(InPieces(bytes, piece))
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn only_a_ctrl_z_at_the_end_is_removed() {
        for (bytes, text) in [
            (&b"a\n\x1a"[..], &b"a\n"[..]),
            (b"a\x1a\r\n", b"a"),
            (b"a\n\n\x1a\x1a\n\0\0", b"a\n\n"),
            (b"a\x1ab\n\x1a", b"a\x1ab\n"),
            (b"a\n \n", b"a\n \n"),
            (b"\x1a", b""),
        ] {
            for piece in [1, 2, 3, 100] {
                assert_eq!(without(bytes, piece), text, "{bytes:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_make_the_same_text(
            bytes in prop::collection::vec(prop::sample::select(b"a\x1a\n\r ".to_vec()), 0..40),
            piece in 1..9_usize,
        ) {
            prop_assert_eq!(without(&bytes, piece), &bytes[..text_length(&bytes)]);
        }
    }
}
