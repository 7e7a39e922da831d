//! Reads a journal from end to end when it is opened, and finds out where its good part ends.
//!
//! Nothing is changed here. A write that was broken off leaves the start of a line; after a power
//! cut, zero bytes may stand where the file had grown and the content had not arrived. Both are
//! found at the end of the file only, so damage anywhere else is not healed but named.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use serde::de::IgnoredAny;

use super::{
    BLOCK_BYTES, Key,
    index::{Index, MAX_FILE_BYTES, Span},
};
use crate::{Fatal, ndjson::MAX_LINE_BYTES};

/// What is in a journal.
#[derive(Default)]
pub(super) struct Scan {
    /// The lines that have a key.
    pub(super) index: Index,
    /// Offset behind the last whole line. What follows is the rest of a write that was broken off.
    pub(super) good_bytes: u64,
    /// Whether the last whole line lacks its line end, and nothing but that.
    pub(super) lacks_line_end: bool,
}

/// A line of the file.
struct Line<'a> {
    /// From 1.
    number: u64,
    offset: u64,
    /// Offset behind the line end.
    end: u64,
    /// Without line end and white space. Of a line that is too long, only the start.
    text: &'a [u8],
    /// Whether it has its line end.
    ended: bool,
    /// Whether the file ends with it.
    last: bool,
}

/// Reads the first `bytes` of `file`, which may be growing; `path` is for messages. For `visit` see [`super::Journal::open`].
pub(super) fn scan(
    file: &File,
    bytes: u64,
    path: &Path,
    mut visit: impl FnMut(&[u8]) -> Result<Option<Key>, Fatal>,
) -> Result<Scan, Fatal> {
    let mut scan = Scan::default();
    let mut whole_lines = 0_u64;
    let mut damaged: Option<u64> = None;
    let mut lines = Lines::new(file, bytes);
    while let Some(line) = lines
        .next()
        .map_err(|source| Fatal::cannot_read(path, source))?
    {
        if let Some(number) = damaged {
            // A torn write may leave one damaged line and the start of another, no more.
            if line.ended || line.is_whole() {
                return Err(damaged_in_the_middle(path, number));
            }
            break;
        }
        if line.ended && line.text.is_empty() {
            scan.good_bytes = line.end;
            continue;
        }
        // Before the end of the file it is enough that `visit` understands the line; at the end it
        // must not even see half of one.
        let visited = if line.is_too_long() || (line.last && !line.is_whole()) {
            None
        } else {
            match visit(line.text) {
                Ok(key) => Some(key),
                Err(refusal) if line.is_whole() => return Err(refused(path, &line, &refusal)),
                Err(_) => None,
            }
        };
        match visited {
            Some(key) => {
                if line.end >= MAX_FILE_BYTES {
                    return Err(too_large(path));
                }
                if let Some(key) = key {
                    scan.index
                        .insert(key, Span::new(line.offset, line.text.len()));
                }
                scan.good_bytes = line.end;
                scan.lacks_line_end = !line.ended;
                whole_lines += 1;
            }
            None if whole_lines == 0 && !line.may_start_a_journal() => {
                return Err(not_a_journal(path));
            }
            None => damaged = Some(line.number),
        }
    }
    Ok(scan)
}

impl Line<'_> {
    fn is_too_long(&self) -> bool {
        self.text.len() > MAX_LINE_BYTES
    }

    /// Whether it is a JSON object, complete and with nothing after it.
    fn is_whole(&self) -> bool {
        !self.is_too_long()
            && self.text.starts_with(b"{")
            && std::str::from_utf8(self.text)
                .is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
    }

    /// Whether a damaged first line may be what a broken write left of a journal's. If it may not,
    /// the file is somebody's, given by mistake, and must not be cut.
    fn may_start_a_journal(&self) -> bool {
        const START: &[u8] = b"{\"";
        let zeros = self.text.iter().rev().take_while(|byte| **byte == 0);
        let text = &self.text[..self.text.len() - zeros.count()];
        START.starts_with(text) || (text.starts_with(START) && !self.is_too_long())
    }
}

/// Hands out the lines of a file; holds one of them and a block.
struct Lines<'a> {
    input: BufReader<io::Take<&'a File>>,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<'a> Lines<'a> {
    fn new(file: &'a File, bytes: u64) -> Self {
        Self {
            input: BufReader::with_capacity(BLOCK_BYTES, file.take(bytes)),
            buffer: Vec::new(),
            number: 0,
            offset: 0,
        }
    }

    fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let mut length = (&mut self.input)
            .take(limit)
            .read_until(b'\n', &mut self.buffer)? as u64;
        let mut ended = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
        if length == 0 {
            return Ok(None);
        }
        if !ended && length == limit {
            let (skipped, line_end) = skip_line(&mut self.input)?;
            length += skipped;
            ended = line_end;
        }
        let offset = self.offset;
        self.offset += length;
        self.number += 1;
        let text = match self.buffer.len() {
            0..=MAX_LINE_BYTES => self.buffer.trim_ascii_end(),
            _ => &self.buffer,
        };
        Ok(Some(Line {
            number: self.number,
            offset,
            end: self.offset,
            text,
            ended,
            last: self.input.fill_buf()?.is_empty(),
        }))
    }
}

/// Passes over the rest of a line. Returns its bytes and whether it had a line end.
fn skip_line(input: &mut impl io::BufRead) -> io::Result<(u64, bool)> {
    let mut skipped = 0;
    loop {
        let block = input.fill_buf()?;
        if block.is_empty() {
            return Ok((skipped, false));
        }
        let line_end = block.iter().position(|byte| *byte == b'\n');
        let taken = line_end.map_or(block.len(), |at| at + 1);
        input.consume(taken);
        skipped += taken as u64;
        if line_end.is_some() {
            return Ok((skipped, true));
        }
    }
}

fn refused(path: &Path, line: &Line<'_>, refusal: &Fatal) -> Fatal {
    // The line is one of this stage's, and the command is not the one that wrote it.
    if let Fatal::Usage(words) = refusal {
        return Fatal::Usage(format!("{}: {words}", path.display()));
    }
    Fatal::Input(format!(
        "{}, line {}: {refusal}: is this the journal of another stage?",
        path.display(),
        line.number
    ))
}

fn damaged_in_the_middle(path: &Path, line: u64) -> Fatal {
    Fatal::Input(format!(
        "{}, line {line}: damaged, and more follows it, so this was not a write that broke off; \
         use a copy from before the damage, or take the line out to have its work done again",
        path.display()
    ))
}

fn not_a_journal(path: &Path) -> Fatal {
    Fatal::Input(format!(
        "{}, line 1: not a journal: was another file meant?",
        path.display()
    ))
}

pub(super) fn too_large(path: &Path) -> Fatal {
    Fatal::Input(format!("{}: larger than 8 TiB", path.display()))
}
