//! Reads lines of a journal that was opened, by several threads at the same time.

use std::{fs::File, ops::Range, path::Path, sync::Arc};

use super::{
    Key, check,
    index::{Index, Span},
    read_at,
};
use crate::Fatal;

/// Bytes between two lines that are read rather than passed over: one call for both costs less than two.
const WORTH_A_CALL: u64 = 4096;

/// The lines that a journal had when this was made; what is appended later is not seen.
#[derive(Clone)]
pub struct Lookup {
    pub(super) index: Arc<Index>,
    pub(super) ready: Arc<[Span]>,
    pub(super) file: Arc<File>,
    pub(super) path: Arc<Path>,
}

impl Lookup {
    /// Where the last line with this key is. Reads nothing.
    pub fn find(&self, key: Key) -> Option<Span> {
        self.index.get(key)
    }

    /// Where the lines around one are that are [`super::Entry::Ready`]: `before` of those before it, `count` in all.
    pub fn near(&self, span: Span, before: usize, count: usize) -> &[Span] {
        let at = (self.ready).partition_point(|ready| ready.offset() < span.offset());
        let from = at.saturating_sub(before);
        let to = (from + count).min(self.ready.len());
        &self.ready[from..to]
    }

    /// Whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// Reads the lines at `spans`, those that stand near each other by one call.
    ///
    /// # Errors
    /// [`Fatal::Io`]: the file cannot be read, or somebody has cut it.
    pub fn fetch(&self, mut spans: Vec<Span>) -> Result<Fetched, Fatal> {
        // They nearly are.
        spans.sort_by_key(|span| span.offset());
        let mut runs: Vec<Run> = Vec::new();
        let mut bytes = 0;
        for &span in &spans {
            match runs.last_mut() {
                Some(run) if span.offset() <= run.end + WORTH_A_CALL => {
                    bytes += span.end().saturating_sub(run.end);
                    run.end = run.end.max(span.end());
                }
                _ => {
                    runs.push(Run {
                        offset: span.offset(),
                        end: span.end(),
                        at: bytes,
                    });
                    bytes += span.length() as u64;
                }
            }
        }
        let mut fetched = Fetched {
            bytes: vec![0; in_memory(bytes)],
            runs,
            spans,
        };
        for run in &fetched.runs {
            let place = in_memory(run.at)..in_memory(run.at + run.end - run.offset);
            let part = fetched.bytes.get_mut(place).ok_or_else(wrong_index)?;
            read_at(&self.file, &self.path, part, run.offset)?;
        }
        fetched.close_lines()?;
        Ok(fetched)
    }
}

/// A part of the file that was read in one go.
struct Run {
    offset: u64,
    end: u64,
    /// Where it is among the bytes that were read.
    at: u64,
}

/// Lines that were read.
pub struct Fetched {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    spans: Vec<Span>,
}

impl Fetched {
    /// All lines, in file order.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().filter_map(|span| self.line(*span).ok())
    }

    /// The line at `span`, which must be one of those that were asked for.
    ///
    /// # Errors
    /// [`Fatal::Bug`]: it is not.
    pub fn line(&self, span: Span) -> Result<&[u8], Fatal> {
        let place = place_of(&self.runs, span)?;
        self.bytes.get(place).ok_or_else(wrong_index)
    }

    /// Makes lines that have checks end as they did without.
    fn close_lines(&mut self) -> Result<(), Fatal> {
        let Self { bytes, runs, spans } = self;
        for span in spans {
            let place = place_of(runs, *span)?;
            check::close(bytes.get_mut(place).ok_or_else(wrong_index)?);
        }
        Ok(())
    }
}

/// Where a line is among the bytes that were read.
fn place_of(runs: &[Run], span: Span) -> Result<Range<usize>, Fatal> {
    let behind = runs.partition_point(|run| run.offset <= span.offset());
    let run = behind.checked_sub(1).and_then(|at| runs.get(at));
    let run = run.ok_or_else(wrong_index)?;
    let start = in_memory(run.at + span.offset() - run.offset);
    Ok(start..start + span.length())
}

/// A number of bytes that are read at a time: a block of lines has a few hundred thousand.
fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn wrong_index() -> Fatal {
    Fatal::Bug("the journal's index is wrong".into())
}
