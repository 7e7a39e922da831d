//! Reads the input on threads of their own, looks records up in the journal, and hands them over by the block.

use std::{io::Read, ops::ControlFlow, sync::Arc};

use pkb_files::{
    in_order::in_order,
    journal::{Lookup, Span},
};
use tokio::sync::mpsc;

use super::{Source, records::line_of, settled_journal::settled_record};
use crate::{
    Fatal, Record, Stage, StageName,
    ndjson::{Block, BlockReader, Line, NdjsonError, parse_line},
    rows::counted,
};

/// Records that are handed over at a time when they are made here.
const CHUNK_RECORDS: usize = 256;
/// Bad lines that are named one by one.
const NAMED_BAD_LINES: usize = 10;

/// What arrives from the reader.
pub(super) enum Arrival {
    /// The next records, in order.
    Records(Vec<Arrived>),
    /// Nothing more comes.
    Broken(Fatal),
}

/// A record of the input.
pub(super) struct Arrived {
    pub(super) line: Line,
    /// What the journal has of it.
    pub(super) journaled: Option<Journaled>,
}

/// A record as the journal has it.
pub(super) struct Journaled {
    /// With what this stage has written into it.
    pub(super) line: Line,
    /// What it was done with also belongs to a different patient: the record came with different codes instead.
    pub(super) is_with_shared_codes: bool,
}

/// What reads records.
pub(super) struct Reader<S> {
    stage: Arc<S>,
    name: StageName,
    /// The journal, unless it has nothing.
    journal: Option<Lookup>,
}

/// The records of a block, and its lines that are none; nothing behind the first of them is among the records.
type ReadBlock = (Vec<Arrived>, Vec<NdjsonError>);

impl<S: Stage> Reader<S> {
    /// A reader for `stage`, whose name is `name`.
    pub(super) fn new(stage: Arc<S>, name: StageName, journal: Option<Lookup>) -> Self {
        Self {
            stage,
            name,
            journal: journal.filter(|journal| !journal.is_empty()),
        }
    }

    /// Reads until the input ends, breaks, or nobody listens any more.
    pub(super) fn read_all(&self, source: Source, arrivals: &mpsc::Sender<Arrival>) {
        let broken = match source {
            Source::Ndjson(input) => self.read_lines(input, arrivals),
            Source::Records(records) => self.read_records(records, arrivals),
        };
        if let Some(fatal) = broken {
            let _ = arrivals.blocking_send(Arrival::Broken(fatal));
        }
    }

    /// Sends blocks until the end, an error, or nobody listens any more.
    fn read_lines(
        &self,
        input: Box<dyn Read + Send>,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Option<Fatal> {
        let mut blocks = BlockReader::new(input);
        let mut bad = BadLines::default();
        let mut broken = None;
        in_order(
            || blocks.read().transpose(),
            |block| match block {
                Ok(block) => self.read_block(&block),
                Err(source) => Err(Fatal::io("cannot read the input", source)),
            },
            |read| match read.flatten() {
                Err(fatal) => {
                    broken = Some(fatal);
                    ControlFlow::Break(())
                }
                Ok((records, errors)) => {
                    // Behind a bad line reading goes on only to name the other bad lines, so that the operator sees the
                    // whole damage at once.
                    let was_good = bad.count == 0;
                    errors.iter().for_each(|error| bad.add(error));
                    match was_good && arrivals.blocking_send(Arrival::Records(records)).is_err() {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                }
            },
        );
        bad.fatal().or(broken)
    }

    /// Sends records by the chunk.
    fn read_records(
        &self,
        mut records: Box<dyn Iterator<Item = Result<Record, Fatal>> + Send>,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Option<Fatal> {
        let (mut is_over, mut broken) = (false, None);
        in_order(
            || {
                let chunk = (!is_over).then(|| next_chunk(&mut records)).flatten()?;
                is_over = chunk.1.is_some();
                Some(chunk)
            },
            |(mut records, end)| self.look_up(&mut records).map(|()| (records, end)),
            |chunk| {
                let (records, end) = match chunk.flatten() {
                    Ok((records, end)) => (records, end),
                    Err(fatal) => (Vec::new(), Some(fatal)),
                };
                broken = end;
                match arrivals.blocking_send(Arrival::Records(records)).is_err() || broken.is_some()
                {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        );
        broken
    }

    /// Reads the lines of a block.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn read_block(&self, block: &Block) -> Result<ReadBlock, Fatal> {
        let (mut records, mut bad) = (Vec::new(), Vec::new());
        for raw in block.lines() {
            // Of a line that is too long only the start is there.
            let text = match raw.is_too_long() {
                true => raw.text,
                false => raw.text.trim_ascii_end(),
            };
            if text.is_empty() {
                continue;
            }
            match parse_line::<Box<Record>>(raw.place(), text) {
                Err(error) => bad.push(error),
                Ok(_) if !bad.is_empty() => {}
                Ok(record) => records.push(Arrived {
                    line: Line {
                        raw: text.into(),
                        record,
                    },
                    journaled: None,
                }),
            }
        }
        self.look_up(&mut records)?;
        Ok((records, bad))
    }

    /// Adds what the journal has of the records.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn look_up(&self, records: &mut [Arrived]) -> Result<(), Fatal> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let mut found: Vec<(&mut Arrived, Span)> = Vec::new();
        for arrived in records {
            let record = &arrived.line.record;
            if self.is_looked_up(record)
                && let Some(key) = self.stage.key(record)
                && let Some(span) = journal.find(key)
            {
                found.push((arrived, span));
            }
        }
        let lines = journal.fetch(found.iter().map(|(_, span)| *span).collect())?;
        for (arrived, span) in found {
            let settled = settled_record(lines.line(span)?)?;
            arrived.journaled = Some(self.journaled(&arrived.line.record, *settled)?);
        }
        Ok(())
    }

    /// Whether the journal may answer a record: not if a different stage has stopped it, nor if what this stage found
    /// earlier no longer serves.
    fn is_looked_up(&self, record: &Record) -> bool {
        record.outcome.as_ref().is_none_or(|outcome| {
            StageName::that_fixes(outcome.reason) != Some(self.name)
                && self.name.tries_again(outcome)
        })
    }

    /// A record as the journal has it in `settled`.
    fn journaled(&self, record: &Record, settled: Record) -> Result<Journaled, Fatal> {
        let codes = |record: &Record| {
            let codes = record.invitation.as_ref();
            codes.map(|codes| (codes.code.clone(), codes.token.clone()))
        };
        let is_instead = (record.invitation.as_ref()).is_some_and(|codes| codes.instead_of_shared);
        let is_with_shared_codes = is_instead && codes(record) != codes(&settled);
        let mut record = Box::new(record.clone());
        record.take_over(self.name, settled);
        // A conclusion of an earlier day, in an output that serves as a journal.
        if (record.outcome.as_ref()).is_some_and(|outcome| self.name.tries_again(outcome)) {
            record.outcome = None;
        }
        let raw = line_of(&record)?;
        Ok(Journaled {
            line: Line { raw, record },
            is_with_shared_codes,
        })
    }
}

/// Lines that are no records.
#[derive(Default)]
struct BadLines {
    count: usize,
    text: String,
}

impl BadLines {
    fn add(&mut self, error: &NdjsonError) {
        self.count += 1;
        if self.count <= NAMED_BAD_LINES {
            if self.count > 1 {
                self.text.push_str("\n  ");
            }
            self.text.push_str(&error.to_string());
        }
    }

    /// What they stop the stage with, if there are any.
    fn fatal(mut self) -> Option<Fatal> {
        if self.count > NAMED_BAD_LINES {
            let more = self.count - NAMED_BAD_LINES;
            self.text.push_str(&format!(
                "\n  and {}",
                counted(more as u64, "more bad line", "more bad lines")
            ));
        }
        (self.count > 0).then_some(Fatal::Input(self.text))
    }
}

/// The next records, and why there are no more; `None` behind the last.
fn next_chunk(
    records: &mut dyn Iterator<Item = Result<Record, Fatal>>,
) -> Option<(Vec<Arrived>, Option<Fatal>)> {
    let mut chunk = Vec::new();
    let mut end = None;
    for record in records.take(CHUNK_RECORDS) {
        match record {
            // No bytes yet: an untouched record of the first stage is written from its fields.
            Ok(record) => chunk.push(Arrived {
                line: Line {
                    raw: Box::default(),
                    record: Box::new(record),
                },
                journaled: None,
            }),
            Err(fatal) => {
                end = Some(fatal);
                break;
            }
        }
    }
    (end.is_some() || !chunk.is_empty()).then_some((chunk, end))
}

#[cfg(test)]
mod tests {
    use pkb_files::journal::Key;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Admission, Batch,
        ndjson::Place,
        pipeline::settled_journal::SettledJournal,
        rehearsal::Origins,
        stage::{BatchResult, Plan},
    };

    /// Has work for every record.
    struct Plain;

    impl Stage for Plain {
        type Work = ();
        type Done = ();

        fn plan(&self) -> Plan {
            Plan::one_by_one(StageName::Resolve)
        }

        fn key(&self, record: &Record) -> Option<Key> {
            let row = &record.row;
            Some(Key::of(&[row.file.as_bytes(), &row.number.to_le_bytes()]))
        }

        fn admit(&self, _: &Record, _: bool) -> Admission<()> {
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

    fn read(journal: &[Vec<u8>], lines: &[Vec<u8>]) -> ReadBlock {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        std::fs::write(&path, [journal.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        let origins = Origins::default();
        let journal = SettledJournal::open(&path, &Plain, StageName::Resolve, &origins).unwrap();
        let reader = Reader::new(Arc::new(Plain), StageName::Resolve, Some(journal.lookup()));
        let input = [lines.join(&b'\n'), b"\n".to_vec()].concat();
        let block = BlockReader::new(&input[..]).read().unwrap().unwrap();
        reader.read_block(&block).unwrap()
    }

    #[test]
    fn a_line_that_a_newer_one_has_replaced_does_not_answer() {
        let mut newer = input(1);
        newer.pop();
        newer.extend_from_slice(br#","pkb":{"id":"7","checked_at":"2026-11-23T09:00:00Z"}}"#);
        let journal = [settled(1), settled(2), newer.clone()];
        let (records, _) = read(&journal, &[input(1), input(2)]);
        let found: Vec<Record> = (records.into_iter())
            .map(|it| *it.journaled.unwrap().line.record)
            .collect();
        let expected = [newer, settled(2)].map(|line| serde_json::from_slice(&line).unwrap());
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn damaged_lines_are_what_a_reader_of_single_lines_says_and_the_others_are_answered(
            damages in proptest::collection::vec(damage(), ROWS),
            order in Just((0..ROWS).collect::<Vec<_>>()).prop_shuffle(),
            in_journal in 1..=ROWS,
        ) {
            let journal: Vec<_> = order[..in_journal].iter().map(|row| settled(*row)).collect();
            let lines: Vec<Vec<u8>> = (0..ROWS).zip(&damages).map(|(row, damage)| damaged(input(row), damage)).collect();
            let (records, errors) = read(&journal, &lines);
            let mut records = records.into_iter();
            let mut bad = Vec::new();
            for (number, line) in (1..).zip(&lines) {
                let text = line.trim_ascii_end();
                let record = match parse_line::<Record>(Place { line: number, last: false }, text) {
                    Err(error) => {
                        bad.push(error.to_string());
                        continue;
                    }
                    Ok(_) if !bad.is_empty() => continue,
                    Ok(record) => record,
                };
                let Some(arrived) = records.next() else {
                    return Err(TestCaseError::fail("a record is missing"));
                };
                prop_assert_eq!(&arrived.line.raw[..], text);
                prop_assert_eq!(&*arrived.line.record, &record);
                let row = usize::try_from(record.row.number).unwrap_or(ROWS);
                let is_known = record.outcome.is_none()
                    && record.row.file == "patients-of-the-eye-clinic.csv"
                    && order[..in_journal].contains(&row);
                prop_assert_eq!(arrived.journaled.is_some(), is_known);
                if let Some(journaled) = arrived.journaled {
                    let mut expected = record;
                    expected.take_over(StageName::Resolve, serde_json::from_slice(&settled(row)).unwrap());
                    prop_assert_eq!(&*journaled.line.record, &expected);
                    prop_assert_eq!(&serde_json::from_slice::<Record>(&journaled.line.raw).unwrap(), &expected);
                }
            }
            prop_assert!(records.next().is_none());
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            prop_assert_eq!(errors, bad);
        }
    }
}
