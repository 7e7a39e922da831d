//! Reads the lines of a block and judges those that need no work: they are as good as written.
//!
//! Runs on several threads. A record that gets through here without having been read whole is one whose line is, byte
//! for byte, the start of what the journal has of it: whoever wrote that had read it whole.

use std::sync::Arc;

use crate::{
    Admission, Fatal, Outcome, Record, Stage,
    journal::{Fetched, Lookup, Span},
    ndjson::{Block, Line, NdjsonError, Place},
    record::KeyFields,
    tally::{Settled, What},
};

use super::settled_journal::{Added, added_by};

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
struct Glance<'a> {
    place: Place,
    text: &'a [u8],
    /// A few of its fields and where the journal has a line of the same key.
    answer: Option<(KeyFields<'a>, Span)>,
}

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
        let mut judged = Judged::default();
        let lines = block.lines().filter_map(|line| {
            let text = line.text.trim_ascii_end();
            let answer = || self.find(text).filter(|_| !line.is_too_long());
            (!text.is_empty()).then(|| Glance {
                place: line.place(),
                text: if line.is_too_long() { line.text } else { text },
                answer: answer(),
            })
        });
        let lines: Vec<Glance<'_>> = lines.collect();
        let spans = lines.iter().filter_map(|line| Some(line.answer.as_ref()?.1));
        let journal = self.journal.as_ref().map(|journal| journal.fetch(spans));
        let journal = journal.transpose()?;
        for line in lines {
            let in_journal = line.answer.is_some();
            if let (Some((fields, span)), Some(journal)) = (&line.answer, &journal)
                && let Some((settled, added)) = self.answer(line.text, fields, *span, journal)?
            {
                judged.answer(fields, settled, added);
                continue;
            }
            match line.place.parse::<Box<Record>>(line.text) {
                Err(error) => judged.bad.push(error),
                Ok(_) if !judged.bad.is_empty() => {}
                Ok(record) => self.put(&mut judged, line.text, record, in_journal),
            }
        }
        Ok(judged)
    }

    /// Where the journal has a line that may answer this one.
    fn find<'a>(&self, text: &'a [u8]) -> Option<(KeyFields<'a>, Span)> {
        let journal = self.journal.as_ref()?;
        let fields: KeyFields<'a> = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
        let key = self.stage.quick_key(&fields)?;
        // What failed is tried again, and what has an outcome has another line in the journal.
        let span = journal.find(key).filter(|_| fields.outcome.is_none())?;
        Some((fields, span))
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
    fn answer(&mut self, fields: &KeyFields<'_>, settled: &[u8], added: Added) {
        if !self.bad.is_empty() {
            return;
        }
        let row = &fields.row;
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
