//! Whole lines by the block: cut up by one thread, to be read by others.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

/// Longest line that is read, in bytes. A record has a few hundred; more is not a record stream.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Where a line stands, for the error message.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// Whether the input ended within it.
    pub last: bool,
}

/// Bytes that are asked for at a time.
const BLOCK_BYTES: usize = 128 << 10;

/// Some lines of an input, all of them whole but perhaps the last of the input.
pub struct Block {
    bytes: Vec<u8>,
    /// Where it begins, in bytes from the start of the input.
    offset: u64,
    /// Number of its first line, from 1.
    first_line: u64,
    /// How its last line goes on, if it was too long to be kept.
    cut: Cut,
}

/// The rest of a line of which only the start was kept.
#[derive(Clone, Copy, Default)]
struct Cut {
    /// Its bytes, with the line end.
    bytes: u64,
    /// Whether there was a line end.
    ended: bool,
}

/// A line as it came.
#[derive(Clone, Copy)]
pub struct RawLine<'a> {
    /// From 1.
    pub number: u64,
    /// Where it begins, in bytes from the start of the input.
    pub offset: u64,
    /// Where it ends, behind the line end.
    pub end: u64,
    /// Without line end. Of a line that is longer than [`MAX_LINE_BYTES`] only the start, which is longer, too.
    pub text: &'a [u8],
    /// Whether it has its line end.
    pub ended: bool,
}

impl RawLine<'_> {
    /// Whether it is longer than any record.
    pub fn is_too_long(&self) -> bool {
        self.text.len() > MAX_LINE_BYTES
    }

    /// Where it stands, for messages.
    pub fn place(&self) -> Place {
        Place {
            line: self.number,
            last: !self.ended,
        }
    }
}

impl Block {
    /// Changes the byte at `offset` from the start of the input, which must be one of this block.
    pub fn set(&mut self, offset: u64, byte: u8) {
        let at = offset.checked_sub(self.offset);
        let at = at.and_then(|at| usize::try_from(at).ok());
        if let Some(place) = at.and_then(|at| self.bytes.get_mut(at)) {
            *place = byte;
        }
    }

    /// Its lines, also empty ones.
    pub fn lines(&self) -> impl Iterator<Item = RawLine<'_>> {
        let (mut at, mut number) = (0, self.first_line);
        std::iter::from_fn(move || {
            let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let line_end = memchr(b'\n', rest);
            let text = &rest[..line_end.unwrap_or(rest.len())];
            let offset = self.offset + at as u64;
            let line = RawLine {
                number,
                offset,
                end: offset + text.len() as u64 + line_end.map_or(self.cut.bytes, |_| 1),
                text,
                ended: line_end.is_some() || self.cut.ended,
            };
            at += text.len() + 1;
            number += 1;
            Some(line)
        })
    }
}

/// Reads an input by the block. What is at hand is given at once, so that a pipe stays live.
pub struct BlockReader<R> {
    input: R,
    /// What was read behind the last block: as a rule the start of a line.
    rest: Vec<u8>,
    /// Where `rest` begins.
    offset: u64,
    /// Lines before it.
    lines: u64,
    at_end: bool,
}

impl<R: Read> BlockReader<R> {
    /// A reader at the start of `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            rest: Vec::new(),
            offset: 0,
            lines: 0,
            at_end: false,
        }
    }

    /// The next lines, or `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn read(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut cut = Cut::default();
        let mut searched = 0;
        loop {
            if let Some(at) = memrchr(b'\n', &bytes[searched..]) {
                self.rest = bytes.split_off(searched + at + 1);
                break;
            }
            if bytes.len() > MAX_LINE_BYTES {
                cut = self.skip_line(&mut bytes)?;
                break;
            }
            if self.at_end {
                break;
            }
            searched = bytes.len();
            self.read_some(&mut bytes)?;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let block = Block {
            offset: self.offset,
            first_line: self.lines + 1,
            bytes,
            cut,
        };
        self.offset += block.bytes.len() as u64 + cut.bytes;
        self.lines += memchr_iter(b'\n', &block.bytes).count() as u64 + u64::from(cut.ended);
        Ok(Some(block))
    }

    /// Appends what is at hand, a block at most.
    fn read_some(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let known = bytes.len();
        bytes.resize(known + BLOCK_BYTES, 0);
        let read = loop {
            match self.input.read(&mut bytes[known..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        bytes.truncate(known + *read.as_ref().unwrap_or(&0));
        self.at_end = read? == 0;
        Ok(())
    }

    /// Cuts off a line that is too long, and passes over the rest of it.
    fn skip_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<Cut> {
        let mut cut = Cut {
            bytes: (bytes.len() - MAX_LINE_BYTES - 1) as u64,
            ended: false,
        };
        bytes.truncate(MAX_LINE_BYTES + 1);
        let mut more = Vec::new();
        while !cut.ended && !self.at_end {
            more.clear();
            self.read_some(&mut more)?;
            let line_end = memchr(b'\n', &more);
            let passed = line_end.map_or(more.len(), |at| at + 1);
            cut.bytes += passed as u64;
            cut.ended = line_end.is_some();
            self.rest = more.split_off(passed);
        }
        Ok(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives what it has in pieces of some size, as a pipe does.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    /// Number, offset, end and text of each line, shortened; and whether it has its end.
    fn lines(input: &[u8], piece: usize) -> Vec<(u64, u64, u64, usize, bool)> {
        let mut reader = BlockReader::new(Pieces(input, piece));
        let mut lines = Vec::new();
        while let Some(block) = reader.read().unwrap() {
            let of = |line: RawLine<'_>| {
                let RawLine {
                    number,
                    offset,
                    end,
                    ..
                } = line;
                let start = &input[usize::try_from(offset).unwrap()..];
                assert!(start.starts_with(line.text));
                (number, offset, end, line.text.len(), line.ended)
            };
            lines.extend(block.lines().map(of));
        }
        lines
    }

    #[test]
    fn lines_that_are_too_long_are_cut_and_what_follows_them_is_not_lost() {
        let long = vec![b'x'; MAX_LINE_BYTES + 300_000];
        let input = [&b"a\n"[..], &long, b"\nb\n\nc\n", &long].concat();
        let length = long.len() as u64;
        let kept = MAX_LINE_BYTES + 1;
        for piece in [4096, 70_000, usize::MAX] {
            let expected = [
                (1, 0, 2, 1, true),
                (2, 2, length + 3, kept, true),
                (3, length + 3, length + 5, 1, true),
                (4, length + 5, length + 6, 0, true),
                (5, length + 6, length + 8, 1, true),
                (6, length + 8, 2 * length + 8, kept, false),
            ];
            assert_eq!(lines(&input, piece), expected, "{piece}");
        }
        let longest = [&long[..MAX_LINE_BYTES], b"\n"].concat();
        assert_eq!(lines(&longest, 9999)[0].3, MAX_LINE_BYTES);
    }

    #[test]
    fn what_is_at_hand_is_given_before_more_is_asked_for() {
        let mut reader = BlockReader::new(Pieces(b"a\nb\nc", 3));
        let block = reader.read().unwrap().unwrap();
        assert_eq!(block.lines().count(), 1);
        assert_eq!(reader.input.0, b"\nc");
    }

    proptest! {
        #[test]
        fn lines_are_those_of_a_reader_of_single_lines(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'{'), any::<u8>()], 0..200),
            piece in 1_usize..40,
        ) {
            let lines_of_std = (1..).zip(input.split(|byte| *byte == b'\n'));
            let is_text = |(number, text): (u64, &[u8])| (!text.trim_ascii_end().is_empty()).then_some(number);
            let expected: Vec<u64> = lines_of_std.filter_map(is_text).collect();
            let all = lines(&input, piece);
            let ends: Vec<u64> = all.iter().map(|line| line.2).collect();
            let starts: Vec<u64> = all.iter().map(|line| line.1).collect();
            prop_assert_eq!(ends.last().copied().unwrap_or_default(), input.len() as u64);
            prop_assert!(starts.iter().skip(1).eq(ends.iter().take(ends.len().saturating_sub(1))));
            let is_text = |line: &&(u64, u64, u64, usize, bool)| {
                let start = usize::try_from(line.1).unwrap();
                !input[start..start + line.3].trim_ascii_end().is_empty()
            };
            let found: Vec<u64> = all.iter().filter(is_text).map(|line| line.0).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
