//! Reads the lines of a block and judges those that need no work: they are as good as written.
//!
//! Runs on several threads. A record that gets through here without having been read whole is one whose line is, byte
//! for byte, the start of what the journal has of it: whoever wrote that had read it whole.
//!
//! Most of the time goes into reading JSON. A journal is nearly in the order of the input, so for each block the lines
//! of the journal around the one that answers its first record are read, and records are compared with those before
//! anything is made of them. What is not found there is looked up by its key.
//!
//! Records that the stage has to look at itself become here what the journal says of them.

use std::sync::Arc;

use foldhash::HashMap;

use crate::{
    Admission, Fatal, Outcome, Record, Stage, StageName,
    ndjson::{Block, Line, NdjsonError, Place, parse_line},
    owners::Known,
    record::{KeyFields, KeyRow},
    rehearsal::Origin,
    tally::{Settled, What},
};
use pkb_files::journal::{Fetched, Key, Lookup, Span};

use super::{
    records::line_of,
    settled_journal::{Added, OUTCOME, added_by, addition, settled_record},
};

/// Lines of a journal that may stand in another order than the input, as far as that is reckoned with.
const OUT_OF_ORDER: usize = 128;
/// Records of a block that are looked up to find out where in the journal the others are.
const TRIES: usize = 8;
/// Bytes at the start of a line that tell it from others: the row's number is among them.
const TELLING_BYTES: usize = 112;
/// How lines begin.
const START: &[u8] = b"{\"schema\":\"pkb-record/1\",\"row\":";

/// The records of a block, in order.
pub(super) struct Judged<G> {
    pub(super) records: Vec<Sighted<G>>,
    /// The lines of those that pass, with their line ends.
    pub(super) lines: Vec<u8>,
    /// The files that those are from.
    pub(super) files: Vec<String>,
    /// Lines that are no records; nothing behind the first of them is among the records.
    pub(super) bad: Vec<NdjsonError>,
}

/// A record that was read.
pub(super) enum Sighted<G> {
    /// It needs no work of this stage.
    Passing(Passing),
    /// It has yet to be judged.
    Open(Open<G>),
}

/// A record that the stage has to look at.
pub(super) struct Open<G> {
    pub(super) line: Line,
    /// Whether it is as an earlier run has settled it.
    pub(super) answered: Option<Answered<G>>,
    /// What an earlier run has settled is not an answer, because it has codes that a different patient also has.
    pub(super) had_shared_codes: bool,
}

/// A record as the journal has it.
pub(super) struct Answered<G> {
    /// What is to be collected of it, if the stage leaves it at that.
    pub(super) gleaned: Option<Box<G>>,
    /// What it was done with also belongs to a different patient: the record came with different codes instead.
    pub(super) is_with_shared_codes: bool,
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
    /// What it tells of where it is from, and whether it does so without a mark. A line of the journal has told it already.
    pub(super) origin: Option<(Origin, bool)>,
    /// Bytes of its line, with the line end.
    pub(super) length: usize,
}

/// What it takes to judge records.
pub(super) struct Judge<S> {
    stage: Arc<S>,
    /// The journal, unless it has nothing.
    journal: Option<Lookup>,
    /// Whether the stage looks at records that another has stopped.
    minds_stopped: bool,
    /// What several patients had in earlier runs.
    shared: Option<Known>,
}

/// Whether the journal answers a record.
enum Taken {
    Over { is_with_shared_codes: bool },
    Not { had_shared_codes: bool },
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
    /// `shared` is what several patients have in the journal.
    pub(super) fn new(stage: Arc<S>, journal: Option<Lookup>, shared: Option<Known>) -> Self {
        Self {
            minds_stopped: stage.minds_stopped(),
            stage,
            journal: journal.filter(|journal| !journal.is_empty()),
            shared: shared.filter(|shared| !shared.is_empty()),
        }
    }

    /// Whether the journal may answer lines that are not read whole: not if some of its answers have to be looked at.
    fn answers_unread(&self) -> bool {
        S::JUDGES_ALONE && self.shared.is_none()
    }

    /// Whether a record has what must be no other patient's: that is found out in the order of the input.
    fn has_belongings(&self, record: &Record) -> bool {
        let kinds = S::NEEDS_OWN.and(S::BRINGS_OWN);
        let has_id = || record.pkb.as_ref().is_some_and(|pkb| pkb.id.is_some());
        kinds.id && has_id() || kinds.codes && record.invitation.is_some()
    }

    /// Reads and judges the lines of a block.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn judge(&self, block: &Block) -> Result<Judged<S::Gleaned>, Fatal> {
        let lines = block.lines().map(|line| {
            let short = (!line.is_too_long()).then(|| line.text.trim_ascii_end());
            (line.place(), short.unwrap_or(line.text))
        });
        let lines: Vec<(Place, &[u8])> = lines.filter(|(_, text)| !text.is_empty()).collect();
        let mut judged = Judged::default();
        match self.journal.as_ref().filter(|_| self.answers_unread()) {
            Some(journal) => self.answer_all(&mut judged, lines, journal)?,
            None => {
                for (place, text) in lines {
                    self.read(&mut judged, place, text, false);
                }
            }
        }
        self.recall(&mut judged.records)?;
        Ok(judged)
    }

    /// Makes records that have yet to be judged what the journal says of them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn recall(&self, records: &mut [Sighted<S::Gleaned>]) -> Result<(), Fatal> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let mut asked = Vec::new();
        for sighted in records {
            if let Sighted::Open(open) = sighted
                && self.is_asked(&open.line.record)
                && let Some(key) = self.stage.key(&open.line.record)
                && let Some(span) = journal.find(key)
            {
                asked.push((open, span));
            }
        }
        let found = journal.fetch(asked.iter().map(|(_, span)| *span).collect())?;
        for (open, span) in asked {
            match self.take_over(&mut open.line, found.line(span)?)? {
                Taken::Not { had_shared_codes } => open.had_shared_codes = had_shared_codes,
                Taken::Over {
                    is_with_shared_codes,
                } => {
                    let record = &open.line.record;
                    let is_advanced = record.outcome.is_none();
                    let gleaned = is_advanced.then(|| self.stage.glean(record)).flatten();
                    open.answered = Some(Answered {
                        gleaned: gleaned.map(Box::new),
                        is_with_shared_codes,
                    });
                }
            }
        }
        Ok(())
    }

    /// Makes a record what the journal says of it in the line `settled`, if that is an answer to it.
    fn take_over(&self, line: &mut Line, settled: &[u8]) -> Result<Taken, Fatal> {
        let no = Taken::Not {
            had_shared_codes: false,
        };
        if line.raw.is_empty() {
            line.raw = line_of(&line.record)?;
        }
        let record = &mut *line.record;
        let is_first_time = record.outcome.is_none();
        if is_first_time && let Some(addition) = addition(S::NAME, &line.raw, settled) {
            if !self.answers(record, addition.outcome()) {
                return Ok(no);
            }
            addition.enter(record);
            line.raw = settled.into();
            return Ok(Taken::Over {
                is_with_shared_codes: false,
            });
        }
        let settled = settled_record(settled)?;
        if !self.answers(record, settled.outcome.as_ref()) {
            return Ok(no);
        }
        // What PKB said about two patients alike may have been corrected.
        if S::BRINGS_OWN.any() && self.shared.as_ref().is_some_and(|it| it.concerns(&settled)) {
            return Ok(Taken::Not {
                had_shared_codes: S::BRINGS_OWN.codes,
            });
        }
        let codes = |record: &Record| {
            let codes = record.invitation.as_ref();
            codes.map(|codes| (codes.code.clone(), codes.token.clone()))
        };
        let is_instead = (record.invitation.as_ref()).is_some_and(|codes| codes.instead_of_shared);
        let is_with_shared_codes = is_instead && codes(record) != codes(&settled);
        record.take_over(S::NAME, *settled);
        line.raw = line_of(record)?;
        Ok(Taken::Over {
            is_with_shared_codes,
        })
    }

    /// Whether what the journal has of a record answers it still: that the patient was erased does, whatever the stage looks at.
    fn answers(&self, record: &Record, outcome: Option<&Outcome>) -> bool {
        outcome.is_some_and(Outcome::is_erased) || self.stage.answers(record, outcome)
    }

    /// Whether the journal may answer a record: not if another stage has stopped it, nor if what this stage found
    /// earlier no longer serves.
    fn is_asked(&self, record: &Record) -> bool {
        record.outcome.as_ref().is_none_or(|outcome| {
            outcome.reason.mended_by() != Some(S::NAME) && self.stage.tries_again(outcome)
        })
    }

    /// Answers the lines that the journal has, with what was added to them by this stage alone.
    fn answer_all(
        &self,
        judged: &mut Judged<S::Gleaned>,
        lines: Vec<(Place, &[u8])>,
        journal: &Lookup,
    ) -> Result<(), Fatal> {
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
                        None => self.read(judged, place, text, true),
                    }
                }
                (Seen::Fields(..) | Seen::Unread, _) => {
                    self.read(judged, place, text, false);
                }
            }
        }
        Ok(())
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
    fn read(&self, judged: &mut Judged<S::Gleaned>, place: Place, text: &[u8], in_journal: bool) {
        match parse_line::<Box<Record>>(place, text) {
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
    fn put(
        &self,
        judged: &mut Judged<S::Gleaned>,
        text: &[u8],
        record: Box<Record>,
        in_journal: bool,
    ) {
        let passes = match &record.outcome {
            _ if self.has_belongings(&record) => None,
            Some(outcome) if outcome.reason.mended_by() == Some(S::NAME) => None,
            Some(outcome) if !self.stage.tries_again(outcome) => {
                (!self.minds_stopped).then_some(Settled::Stopped)
            }
            // Whether the journal answers it shows when it is compared whole.
            Some(_) => None,
            None if in_journal || !S::JUDGES_ALONE => None,
            None => match self.stage.admit(&record) {
                Admission::AlreadyDone => Some(Settled::AlreadyDone),
                Admission::NotReady => Some(Settled::NotReady),
                Admission::NotConcerned => Some(Settled::NotConcerned),
                Admission::Work(_) | Admission::Stop(_) => None,
            },
        };
        let Some(settled) = passes else {
            let raw = text.into();
            judged.records.push(Sighted::Open(Open {
                line: Line { raw, record },
                answered: None,
                had_shared_codes: false,
            }));
            return;
        };
        let row = &record.row;
        let stopped = record.outcome.as_ref();
        judged.pass(&row.file, (row.number, row.of), text, settled, stopped);
        if let Some(Sighted::Passing(passing)) = judged.records.last_mut() {
            passing.origin = Origin::of(&record).map(|origin| (origin, !record.rehearsal));
        }
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
    if OUTCOME.find(text).is_some() {
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

impl<G> Default for Judged<G> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            lines: Vec::new(),
            files: Vec::new(),
            bad: Vec::new(),
        }
    }
}

impl<G> Judged<G> {
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
            origin: None,
            length: line.len() + 1,
        }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rehearsal::Origins;
    use crate::{
        Batch, ndjson::BlockReader, pipeline::settled_journal::SettledJournal, stage::BatchResult,
    };

    /// Has work for every record.
    struct Plain;

    impl Stage for Plain {
        type Work = ();
        type Done = ();
        type Gleaned = ();
        const NAME: StageName = StageName::Resolve;
        const QUICK_REPLAY: bool = true;
        const JUDGES_ALONE: bool = true;

        fn key(&self, record: &Record) -> Option<Key> {
            self.quick_key(&KeyFields::of(record))
        }

        fn quick_key(&self, fields: &KeyFields<'_>) -> Option<Key> {
            let row = &fields.row;
            Some(Key::of(&[row.file.as_bytes(), &row.number.to_le_bytes()]))
        }

        fn quick_answers(&self, _: &KeyFields<'_>, _: Option<&Outcome>) -> bool {
            true
        }

        fn admit(&self, _: &Record) -> Admission<()> {
            Admission::Work(())
        }

        async fn advance(&self, _: Batch<()>) -> BatchResult<()> {
            Ok(Vec::new())
        }

        fn apply(&self, _: &mut Record, (): ()) {}
    }

    const ROWS: usize = 12;

    fn input(row: usize) -> Vec<u8> {
        format!(
            r#"{{"schema":"pkb-record/1","row":{{"file":"patients-of-the-eye-clinic.csv","number":{row},"of":12}},"patient":{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"Siân","last_name":"O'Brien","date_of_birth":"1990-05-01"}},"theirs":{{"n":1e3,"row":[]}}}}"#
        )
        .into_bytes()
    }

    /// The record as the journal has it.
    fn settled(row: usize) -> Vec<u8> {
        let mut line = input(row);
        line.pop();
        line.extend_from_slice(match row % 3 {
            0 => br#","outcome":{"stage":"resolve","kind":"excluded","reason":"deceased"}}"#,
            _ => br#","pkb":{"registered":false,"checked_at":"2026-11-22T09:00:00Z"}}"#,
        });
        line
    }

    /// What somebody's editor, script or disk does to a line.
    fn damage() -> impl Strategy<Value = Option<(usize, usize, Vec<u8>)>> {
        let put = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            proptest::sample::select(vec![
                "\"",
                "\\u0053",
                "\\",
                "{",
                "}",
                "[[[[",
                "1e999",
                "-",
                " ",
                "\t",
                "null",
                "\u{0}",
                r#","row":{"file":"x","number":1,"of":1}"#,
                r#","schema":"pkb-record/1""#,
                r#","schema":"pkb-record/2""#,
                r#","outcome":null"#,
                r#","theirs":1"#,
                r#","pkb":{"checked_at":"2026-11-22T09:00:00Z"}"#,
                r#","outcome":{"stage":"upload","kind":"rejected","reason":"bad_name"}"#,
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            Just(vec![]),
        ];
        let put = put.prop_filter("a line end makes two lines", |bytes| {
            !bytes.contains(&b'\n')
        });
        // From the end, where most of what is put in is still JSON, or anywhere.
        let at = prop_oneof![Just(1), Just(0), 0_usize..330];
        prop_oneof![2 => Just(None), 1 => (at, 0_usize..3, put).prop_map(Some)]
    }

    fn damaged(mut line: Vec<u8>, damage: &Option<(usize, usize, Vec<u8>)>) -> Vec<u8> {
        if let Some((from_end, taken, put)) = damage {
            let at = line.len().saturating_sub(*from_end);
            let end = (at + taken).min(line.len());
            line.splice(at..end, put.iter().copied());
        }
        line
    }

    fn judge(journal: &[Vec<u8>], lines: &[Vec<u8>]) -> Judged<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        std::fs::write(&path, [journal.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        let journal = SettledJournal::open(&path, &Plain, &Origins::default()).unwrap();
        let judge = Judge::new(Arc::new(Plain), Some(journal.lookup()), None);
        let input = [lines.join(&b'\n'), b"\n".to_vec()].concat();
        let block = BlockReader::new(&input[..]).read().unwrap().unwrap();
        judge.judge(&block).unwrap()
    }

    #[test]
    fn a_line_that_the_journal_has_with_an_answer_need_not_be_read() {
        let journal: Vec<_> = (0..ROWS).map(settled).collect();
        let lines: Vec<&[u8]> = journal.iter().map(Vec::as_slice).collect();
        let near: Near<'_> = lines
            .iter()
            .map(|line| (&line[..TELLING_BYTES], *line))
            .collect();
        for row in 0..ROWS {
            let text = input(row);
            let (line, _, found) = compare(StageName::Resolve, &near, &text).unwrap();
            assert_eq!(line, settled(row));
            assert_eq!((found.number, found.of), (row as u64, 12));
        }
    }

    #[test]
    fn a_line_that_a_newer_one_has_replaced_does_not_answer() {
        let mut newer = input(1);
        newer.pop();
        newer.extend_from_slice(br#","pkb":{"id":"7","checked_at":"2026-11-23T09:00:00Z"}}"#);
        let judged = judge(
            &[settled(1), settled(2), newer.clone()],
            &[input(1), input(2)],
        );
        let expected = [newer, b"\n".to_vec(), settled(2), b"\n".to_vec()].concat();
        assert_eq!(judged.lines, expected);
    }

    proptest! {
        #[test]
        fn lines_are_answered_if_they_are_as_they_were_and_else_are_what_the_whole_reader_says(
            damages in proptest::collection::vec(damage(), ROWS),
            order in Just((0..ROWS).collect::<Vec<_>>()).prop_shuffle(),
            in_journal in 1..=ROWS,
        ) {
            let journal: Vec<_> = order[..in_journal].iter().map(|row| settled(*row)).collect();
            let lines: Vec<Vec<u8>> = (0..ROWS).zip(&damages).map(|(row, damage)| damaged(input(row), damage)).collect();
            let judged = judge(&journal, &lines);
            let (mut records, mut passed) = (judged.records.iter(), &judged.lines[..]);
            let mut bad = Vec::new();
            for (row, line) in lines.iter().enumerate() {
                let text = line.trim_ascii_end();
                let place = Place { line: row as u64 + 1, last: false };
                let record = match parse_line::<Record>(place, text) {
                    Err(error) => {
                        bad.push(error.to_string());
                        continue;
                    }
                    Ok(_) if !bad.is_empty() => continue,
                    Ok(record) => record,
                };
                // The few fields are those of the whole record.
                let fields = serde_json::from_slice(text).unwrap();
                prop_assert_eq!(Plain.quick_key(&fields), Plain.key(&record));
                match records.next() {
                    Some(Sighted::Open(Open { line: open, answered: Some(_), .. })) => {
                        let mut expected = record.clone();
                        expected.take_over(StageName::Resolve, serde_json::from_slice(&settled(row)).unwrap());
                        prop_assert_eq!(&*open.record, &expected);
                        prop_assert_eq!(&serde_json::from_slice::<Record>(&open.raw).unwrap(), &expected);
                        prop_assert!(text != input(row) && order[..in_journal].contains(&row));
                    }
                    Some(Sighted::Open(Open { line: open, answered: None, .. })) => {
                        prop_assert_eq!(&open.raw[..], text);
                        prop_assert_eq!(&*open.record, &record);
                        prop_assert!(text != input(row) || !order[..in_journal].contains(&row));
                    }
                    Some(Sighted::Passing(passing)) => {
                        let (line, rest) = passed.split_at(passing.length);
                        passed = rest;
                        let row_of_record = (passing.number, passing.of);
                        prop_assert_eq!(row_of_record, (record.row.number, record.row.of));
                        prop_assert_eq!(&judged.files[passing.file], &record.row.file);
                        let expected = match record.outcome {
                            Some(_) => text.to_vec(),
                            None => settled(row),
                        };
                        prop_assert_eq!(line, [expected, b"\n".to_vec()].concat());
                    }
                    None => prop_assert!(false, "a record is missing"),
                }
            }
            prop_assert!(records.next().is_none() && passed.is_empty());
            let errors: Vec<String> = judged.bad.iter().map(ToString::to_string).collect();
            prop_assert_eq!(errors, bad);
        }
    }
}
