//! Reads a journal from end to end when it is opened, and finds out where its good part ends.
//!
//! Nothing is changed here. A write that was broken off leaves the start of a line, without a line end;
//! after a power cut, zero bytes may stand where the file had grown and the content had not arrived. Both are
//! found at the end of the file only, so damage anywhere else, or of another kind, is not healed but named.
//!
//! Lines are read by several threads, and what they say is put together in their order.

use std::{fs::File, io::Read as _, ops::ControlFlow, path::Path};

use serde::de::IgnoredAny;

use super::{
    Key,
    check::{Chain, Damage, Sum},
    index::{Index, MAX_FILE_BYTES, Span},
};
use crate::{
    Fatal,
    in_order::in_order,
    lines::{Block, BlockReader, MAX_LINE_BYTES, RawLine},
};

/// What is in a journal.
#[derive(Default)]
pub(super) struct Scan {
    /// The lines that are looked up.
    pub(super) index: Index,
    /// Offset behind the last whole line. What follows is the rest of a write that was broken off.
    pub(super) good_bytes: u64,
    /// Whether the last whole line lacks its line end, and nothing but that.
    pub(super) lacks_line_end: bool,
    /// All whole lines.
    pub(super) chain: Chain,
}

/// A line of the file, read.
struct Line<T> {
    /// From 1.
    number: u64,
    offset: u64,
    /// Offset behind the line end.
    end: u64,
    /// Its check; the length is that without check, line end and white space.
    sum: Sum,
    /// Whether it has its line end.
    ended: bool,
    content: Content<T>,
}

/// What a line is.
enum Content<T> {
    /// Nothing but white space.
    Empty,
    /// A line of a journal.
    Read(T),
    /// A JSON object, complete and with nothing after it, and no line of this stage.
    Refused(Fatal),
    /// Anything else.
    Damaged {
        /// Whether it may be what a broken write left of a line.
        may_be_torn: bool,
        /// Whether it may be what a broken write left of a journal's first line.
        may_start_a_journal: bool,
    },
}

/// Reads the first `bytes` of `file`, which may be growing; `path` is for messages. For `read` and `visit` see
/// [`super::Journal::open`].
pub(super) fn scan<T: Send>(
    file: &File,
    bytes: u64,
    path: &Path,
    read: impl Fn(&[u8], u64) -> Result<T, Fatal> + Sync,
    visit: impl FnMut(T) -> Result<Option<Key>, Fatal>,
) -> Result<Scan, Fatal> {
    let mut blocks = BlockReader::new(file.take(bytes));
    let mut scanner = Scanner {
        path,
        visit,
        scan: Scan::default(),
        whole_lines: 0,
        damaged: None,
    };
    let mut failed = None;
    in_order(
        || blocks.read().transpose(),
        |block| block.map(|block| read_lines(block, bytes, &read)),
        |lines| {
            let put = lines.and_then(|lines| {
                let lines = lines.map_err(|source| Fatal::cannot_read(path, source))?;
                lines.into_iter().try_for_each(|line| scanner.put(line))
            });
            match put {
                Ok(()) => ControlFlow::Continue(()),
                Err(fatal) => {
                    failed = Some(fatal);
                    ControlFlow::Break(())
                }
            }
        },
    );
    failed.map_or_else(|| Ok(scanner.scan), Err)
}

/// Reads the lines of a block; `bytes` is where the file ends.
fn read_lines<T>(
    mut block: Block,
    bytes: u64,
    read: impl Fn(&[u8], u64) -> Result<T, Fatal>,
) -> Vec<Line<T>> {
    let sum = |line: RawLine<'_>| (line.offset, Sum::of(without_space(line)));
    let sums: Vec<(u64, Sum)> = block.lines().map(sum).collect();
    for (offset, sum) in &sums {
        if sum.is_whole() {
            block.set(offset + sum.length as u64 - 1, b'}');
        }
    }
    let line = |(line, (_, sum)): (RawLine<'_>, (u64, Sum))| Line {
        number: line.number,
        offset: line.offset,
        end: line.end,
        sum,
        ended: line.ended,
        content: content(line, sum, line.end >= bytes, &read),
    };
    block.lines().zip(sums).map(line).collect()
}

/// What a line is, which may be the last.
fn content<T>(
    line: RawLine<'_>,
    sum: Sum,
    last: bool,
    read: impl Fn(&[u8], u64) -> Result<T, Fatal>,
) -> Content<T> {
    let with_check = without_space(line);
    if line.ended && with_check.is_empty() {
        return Content::Empty;
    }
    let text = match sum.is_whole() {
        true => &with_check[..sum.length],
        false => with_check,
    };
    // Before the end of the file it is enough that `read` understands the line; at the end it must
    // not even see half of one.
    let is_last = last || !line.ended;
    if !line.is_too_long() && (!is_last || is_whole(text)) {
        match read(text, line.offset) {
            Ok(read) => return Content::Read(read),
            Err(refusal) if is_whole(text) => return Content::Refused(refusal),
            Err(_) => {}
        }
    }
    Content::Damaged {
        may_be_torn: has_zeros(text) || (!line.ended && !lacks_its_line_end(text)),
        may_start_a_journal: may_start_a_journal(text),
    }
}

/// Whether part of a line never arrived on the disk. A single zero byte may be a space with a flipped bit.
fn has_zeros(text: &[u8]) -> bool {
    text.windows(2).any(|two| two == [0, 0])
}

/// Whether a line is whole, and something else stands where its line end was: then it was not broken off.
fn lacks_its_line_end(text: &[u8]) -> bool {
    text.split_last()
        .is_some_and(|(_, text)| Sum::of(text).is_whole())
}

/// The text of a line; of one that is too long, its start as it is.
fn without_space<'a>(line: RawLine<'a>) -> &'a [u8] {
    if line.is_too_long() {
        line.text
    } else {
        line.text.trim_ascii_end()
    }
}

/// Whether a line is a JSON object, complete and with nothing after it.
pub(super) fn is_whole(text: &[u8]) -> bool {
    text.starts_with(b"{")
        && std::str::from_utf8(text)
            .is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Whether a damaged first line may be what a broken write left of a journal's. If it may not, the
/// file is somebody's, given by mistake, and must not be cut.
fn may_start_a_journal(text: &[u8]) -> bool {
    const START: &[u8] = b"{\"";
    let zeros = text.iter().rev().take_while(|byte| **byte == 0);
    let written = &text[..text.len() - zeros.count()];
    START.starts_with(written) || (written.starts_with(START) && text.len() <= MAX_LINE_BYTES)
}

/// Puts together what the lines say, in their order.
struct Scanner<'a, V> {
    path: &'a Path,
    visit: V,
    scan: Scan,
    whole_lines: u64,
    /// Number of a line that is damaged.
    damaged: Option<u64>,
}

impl<V> Scanner<'_, V> {
    fn put<T>(&mut self, line: Line<T>) -> Result<(), Fatal>
    where
        V: FnMut(T) -> Result<Option<Key>, Fatal>,
    {
        if let Some(number) = self.damaged {
            // A torn write may leave one damaged line and the start of another, no more.
            let is_start = !line.ended && matches!(line.content, Content::Damaged { .. });
            return match is_start {
                true => Ok(()),
                false => Err(damaged(self.path, number, Damage::Changed)),
            };
        }
        if matches!(line.content, Content::Read(_) | Content::Refused(_)) {
            // What is not as it was written is not asked about.
            let follows = self.scan.chain.follow(line.sum);
            follows.map_err(|damage| damaged(self.path, line.number, damage))?;
        }
        let key = match line.content {
            Content::Empty => {
                self.scan.good_bytes = line.end;
                return Ok(());
            }
            Content::Refused(refusal) => return Err(refused(self.path, line.number, &refusal)),
            Content::Damaged {
                may_be_torn,
                may_start_a_journal,
            } if self.whole_lines == 0
                && !line.sum.is_checked()
                && !(may_be_torn && may_start_a_journal) =>
            {
                return Err(not_a_journal(self.path));
            }
            Content::Damaged {
                may_be_torn: true, ..
            } => {
                self.damaged = Some(line.number);
                return Ok(());
            }
            Content::Damaged { .. } => {
                return Err(damaged(self.path, line.number, Damage::Changed));
            }
            Content::Read(read) => (self.visit)(read)
                .map_err(|refusal| not_understood(self.path, line.number, refusal))?,
        };
        if line.end >= MAX_FILE_BYTES {
            return Err(too_large(self.path));
        }
        if let Some(key) = key {
            let span = Span::new(line.offset, line.sum.length);
            self.scan.index.insert(key, span);
        }
        self.scan.good_bytes = line.end;
        self.scan.lacks_line_end = !line.ended;
        self.whole_lines += 1;
        Ok(())
    }
}

fn refused(path: &Path, line: u64, refusal: &Fatal) -> Fatal {
    // The line is one of this stage's, and the command is not the one that wrote it.
    if let Fatal::Usage(words) = refusal {
        return Fatal::Usage(format!("{}: {words}", path.display()));
    }
    Fatal::Input(format!(
        "{}, line {line}: {refusal}. It may be the journal of a different stage. Give this stage its own --journal FILE",
        path.display()
    ))
}

/// The line is one of this stage's, and cannot stand where it does.
fn not_understood(path: &Path, line: u64, refusal: Fatal) -> Fatal {
    match refusal {
        // The command is not the one that wrote it.
        Fatal::Usage(words) => Fatal::Usage(format!("{}: {words}", path.display())),
        Fatal::Input(words) => put_back(path, &format!("line {line}: {words}")),
        other => other,
    }
}

/// A line of the journal at `path` is not what was written there.
pub fn damaged(path: &Path, line: u64, damage: Damage) -> Fatal {
    put_back(path, &damage.at(line))
}

/// What to do about a journal that is not as it was: whoever took a line out would have its work done twice.
fn put_back(path: &Path, words: &str) -> Fatal {
    Fatal::Input(format!(
        "{0}: {words}. What to do: do not delete lines, because what they say would be done twice. Restore a copy that has \
         all its lines, and run the same command again: cp COPY {0}",
        path.display(),
    ))
}

fn not_a_journal(path: &Path) -> Fatal {
    Fatal::Input(format!(
        "{}, line 1: this is not a journal. Give a different file: --journal FILE",
        path.display()
    ))
}

pub(super) fn too_large(path: &Path) -> Fatal {
    Fatal::Input(format!("{}: larger than 8 TiB", path.display()))
}
