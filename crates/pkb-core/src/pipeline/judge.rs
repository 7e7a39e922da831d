//! Reads the lines of a block and judges those that need no work: they are as good as written.
//!
//! Runs on several threads. A record that gets through here without having been read whole is one whose line is, byte
//! for byte, the start of what the journal has of it: whoever wrote that had read it whole.
//!
//! Most of the time goes into reading JSON. A journal is nearly in the order of the input, so for each block the lines
//! of the journal around the one that answers its first record are read, and records are compared with those before
//! anything is made of them. What is not found there is looked up by its key.

use std::sync::Arc;

use foldhash::HashMap;
use memchr::memmem;

use crate::{
    Admission, Fatal, Outcome, Record, Stage, StageName,
    journal::{Fetched, Key, Lookup, Span},
    ndjson::{Block, Line, NdjsonError, Place},
    record::{KeyFields, KeyRow},
    tally::{Settled, What},
};

use super::settled_journal::{Added, added_by};

/// Lines of a journal that may stand in another order than the input, as far as that is reckoned with.
const OUT_OF_ORDER: usize = 128;
/// Records of a block that are looked up to find out where in the journal the others are.
const TRIES: usize = 8;
/// Bytes at the start of a line that tell it from others: the row's number is among them.
const TELLING_BYTES: usize = 112;
/// How lines begin.
const START: &[u8] = b"{\"schema\":\"pkb-record/1\",\"row\":";

/// The records of a block, in order.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) records: Vec<Sighted>,
    /// The lines of those that pass, with their line ends.
    pub(super) lines: Vec<u8>,
    /// The files that those are from.
    pub(super) files: Vec<String>,
    /// Lines that are no records; nothing behind the first of them is among the records.
    pub(super) bad: Vec<NdjsonError>,
}

/// A record that was read.
pub(super) enum Sighted {
    /// It needs no work of this stage.
    Passing(Passing),
    /// It has yet to be judged.
    Open(Line),
}

/// A record that needs no work, without its line.
pub(super) struct Passing {
    /// Which of [`Judged::files`].
    pub(super) file: usize,
    /// Its row's number, and how many its file has.
    pub(super) number: u64,
    pub(super) of: u64,
    /// What became of it.
    pub(super) settled: Settled,
    pub(super) stopped: Option<What>,
    /// Bytes of its line, with the line end.
    pub(super) length: usize,
}

/// What it takes to judge records.
pub(super) struct Judge<S> {
    stage: Arc<S>,
    /// The journal, unless it has nothing.
    journal: Option<Lookup>,
}

/// A line that has been looked at.
struct Glance<'a, 'j> {
    place: Place,
    text: &'a [u8],
    seen: Seen<'a, 'j>,
}

/// What was seen of a line.
enum Seen<'a, 'j> {
    /// The line of the journal that answers it, what it adds, and the record's row.
    Answered(&'j [u8], Added, KeyRow<'a>),
    /// A few fields, and the key by which the journal may have it.
    Fields(Box<KeyFields<'a>>, Key),
    /// Nothing.
    Unread,
}

/// Lines of the journal by how they begin.
type Near<'j> = HashMap<&'j [u8], &'j [u8]>;

impl<S: Stage> Judge<S> {
    /// A judge for `stage`, which knows what is in the journal.
    pub(super) fn new(stage: Arc<S>, journal: Option<Lookup>) -> Self {
        Self {
            stage,
            journal: journal.filter(|journal| S::JUDGES_ALONE && !journal.is_empty()),
        }
    }

    /// Reads and judges the lines of a block.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn judge(&self, block: &Block) -> Result<Judged, Fatal> {
        let lines = block.lines().map(|line| {
            let short = (!line.is_too_long()).then(|| line.text.trim_ascii_end());
            (line.place(), short.unwrap_or(line.text))
        });
        let lines: Vec<(Place, &[u8])> = lines.filter(|(_, text)| !text.is_empty()).collect();
        let mut judged = Judged::default();
        let Some(journal) = &self.journal else {
            for (place, text) in lines {
                self.read(&mut judged, place, text, false);
            }
            return Ok(judged);
        };
        let neighbours = journal.fetch(self.neighbourhood(journal, &lines))?;
        let near = neighbours
            .lines()
            .filter_map(|line| Some((line.get(..TELLING_BYTES)?, line)));
        let near: Near<'_> = near.collect();
        let glance = |(place, text)| Glance {
            place,
            text,
            seen: self.look(&near, text),
        };
        let glances: Vec<Glance<'_, '_>> = lines.into_iter().map(glance).collect();
        // All at once, so that the processor waits for the memory of several at the same time.
        let span = |glance: &Glance<'_, '_>| match glance.seen {
            Seen::Fields(_, key) => journal.find(key),
            Seen::Answered(..) | Seen::Unread => None,
        };
        let spans: Vec<Option<Span>> = glances.iter().map(span).collect();
        let found = journal.fetch(spans.iter().copied().flatten().collect())?;
        for (Glance { place, text, seen }, span) in glances.into_iter().zip(spans) {
            match (seen, span) {
                (Seen::Answered(settled, added, row), _) => judged.answer(&row, settled, &added),
                (Seen::Fields(fields, _), Some(span)) => {
                    match self.answer(text, &fields, span, &found)? {
                        Some((settled, added)) => judged.answer(&fields.row, settled, &added),
                        None => self.read(&mut judged, place, text, true),
                    }
                }
                (Seen::Fields(..) | Seen::Unread, _) => {
                    self.read(&mut judged, place, text, false);
                }
            }
        }
        Ok(judged)
    }

    /// Where the lines are that are likely to answer those of a block.
    fn neighbourhood(&self, journal: &Lookup, lines: &[(Place, &[u8])]) -> Vec<Span> {
        let span = |text| journal.find(self.fields(text)?.1);
        let first = lines.iter().take(TRIES).find_map(|(_, text)| span(*text));
        let count = lines.len() + 2 * OUT_OF_ORDER;
        first.map_or_else(Vec::new, |first| {
            journal.near(first, OUT_OF_ORDER, count).to_vec()
        })
    }

    /// Looks at a line.
    fn look<'a, 'j>(&self, near: &Near<'j>, text: &'a [u8]) -> Seen<'a, 'j> {
        if let Some((settled, added, row)) = compare(S::NAME, near, text) {
            return Seen::Answered(settled, added, row);
        }
        match self.fields(text) {
            // What failed is tried again, and what has an outcome has another line in the journal.
            Some((fields, key)) if fields.outcome.is_none() => Seen::Fields(Box::new(fields), key),
            _ => Seen::Unread,
        }
    }

    /// A few fields of a line, and its key.
    fn fields<'a>(&self, text: &'a [u8]) -> Option<(KeyFields<'a>, Key)> {
        let fields: KeyFields<'a> = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
        let key = self.stage.quick_key(&fields)?;
        Some((fields, key))
    }

    /// Reads a record whole, and judges it.
    fn read(&self, judged: &mut Judged, place: Place, text: &[u8], in_journal: bool) {
        match place.parse::<Box<Record>>(text) {
            Err(error) => judged.bad.push(error),
            Ok(_) if !judged.bad.is_empty() => {}
            Ok(record) => self.put(judged, text, record, in_journal),
        }
    }

    /// The line of the journal that answers a record, if it is the record's own with what this stage has added.
    fn answer<'j>(
        &self,
        text: &[u8],
        fields: &KeyFields<'_>,
        span: Span,
        journal: &'j Fetched,
    ) -> Result<Option<(&'j [u8], Added)>, Fatal> {
        let settled = journal.line(span)?;
        Ok(added_by(S::NAME, text, settled)
            .filter(|added| self.stage.quick_answers(fields, added.outcome()))
            .map(|added| (settled, added)))
    }

    /// Judges a record that was read whole.
    fn put(&self, judged: &mut Judged, text: &[u8], record: Box<Record>, in_journal: bool) {
        let passes = match &record.outcome {
            _ if !S::JUDGES_ALONE => None,
            Some(outcome) if outcome.reason.mended_by() == Some(S::NAME) => None,
            Some(outcome) if !self.stage.tries_again(outcome) => Some(Settled::Stopped),
            // Whether the journal answers it shows when it is compared whole.
            Some(_) => None,
            None if in_journal => None,
            None => match self.stage.admit(&record) {
                Admission::AlreadyDone => Some(Settled::AlreadyDone),
                Admission::NotReady => Some(Settled::NotReady),
                Admission::NotConcerned => Some(Settled::NotConcerned),
                Admission::Work(_) | Admission::Stop(_) => None,
            },
        };
        let Some(settled) = passes else {
            let raw = text.into();
            judged.records.push(Sighted::Open(Line { raw, record }));
            return;
        };
        let row = &record.row;
        let stopped = record.outcome.as_ref();
        judged.pass(&row.file, (row.number, row.of), text, settled, stopped);
    }
}

/// The line among `near` that is a record's own, with what `stage` has added, and the record's row.
fn compare<'a, 'j>(
    stage: StageName,
    near: &Near<'j>,
    text: &'a [u8],
) -> Option<(&'j [u8], Added, KeyRow<'a>)> {
    let settled: &'j [u8] = near.get(text.get(..TELLING_BYTES)?)?;
    let added = added_by(stage, text, settled)?;
    // A record that somebody has stopped is judged by its outcome, and not answered.
    if memmem::find(text, b"\"outcome\":").is_some() {
        return None;
    }
    let row = serde_json::Deserializer::from_slice(text.strip_prefix(START)?);
    let row: KeyRow<'a> = row.into_iter().next()?.ok()?;
    Some((settled, added, row))
}

impl Added {
    fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Work => None,
            Self::Outcome(outcome) => Some(outcome),
        }
    }
}

impl Judged {
    /// A record that the journal answers with the line `settled`.
    fn answer(&mut self, row: &KeyRow<'_>, settled: &[u8], added: &Added) {
        if !self.bad.is_empty() {
            return;
        }
        let what = match added {
            Added::Work => Settled::AlreadyDone,
            Added::Outcome(_) => Settled::Stopped,
        };
        let stopped = added.outcome();
        self.pass(&row.file, (row.number, row.of), settled, what, stopped);
    }

    /// A record that goes on as `line`.
    fn pass(
        &mut self,
        file: &str,
        (number, of): (u64, u64),
        line: &[u8],
        settled: Settled,
        outcome: Option<&Outcome>,
    ) {
        if self.files.last().is_none_or(|last| last != file) {
            self.files.push(file.to_owned());
        }
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.records.push(Sighted::Passing(Passing {
            file: self.files.len() - 1,
            number,
            of,
            settled,
            stopped: outcome.map(What::of),
            length: line.len() + 1,
        }));
    }
}
