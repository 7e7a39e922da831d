//! Reads the input on threads of their own, and hands records over by the block.

use std::{io::Read, ops::ControlFlow};

use tokio::sync::mpsc;

use super::{
    Source,
    judge::{Judge, Judged, Open, Sighted},
};
use crate::{
    Fatal, Record, Stage,
    ndjson::{BlockReader, Line, NdjsonError},
};
use pkb_files::in_order::in_order;

/// Records that are handed over at a time when they are made here.
const CHUNK_RECORDS: usize = 256;
/// Bad lines that are named one by one.
const NAMED_BAD_LINES: usize = 10;

/// What arrives from the reader.
pub(super) enum Arrival<G> {
    /// The next records, in order.
    Records(Judged<G>),
    /// Nothing more comes.
    Broken(Fatal),
}

/// Reads until the input ends, breaks, or nobody listens any more.
pub(super) fn read_all<S: Stage>(
    source: Source,
    judge: &Judge<S>,
    arrivals: &mpsc::Sender<Arrival<S::Gleaned>>,
) {
    match source {
        Source::Ndjson(input) => read_ndjson(input, judge, arrivals),
        Source::Records(records) => read_records(records, judge, arrivals),
    }
}

/// Sends blocks until the end, an error, or nobody listens any more.
fn read_ndjson<S: Stage>(
    input: Box<dyn Read + Send>,
    judge: &Judge<S>,
    arrivals: &mpsc::Sender<Arrival<S::Gleaned>>,
) {
    let mut blocks = BlockReader::new(input);
    let mut bad = BadLines::default();
    let mut broken = None;
    in_order(
        || blocks.read().transpose(),
        |block| match block {
            Ok(block) => judge.judge(&block),
            Err(source) => Err(Fatal::io("cannot read the input", source)),
        },
        |judged| match judged.flatten() {
            Err(fatal) => {
                broken = Some(fatal);
                ControlFlow::Break(())
            }
            Ok(mut judged) => {
                // Behind a bad line reading goes on only to name the other bad lines, too, so that the operator
                // sees the whole damage at once.
                let was_good = bad.count == 0;
                judged.bad.drain(..).for_each(|error| bad.add(&error));
                match was_good && arrivals.blocking_send(Arrival::Records(judged)).is_err() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            }
        },
    );
    if let Some(fatal) = bad.fatal().or(broken) {
        let _ = arrivals.blocking_send(Arrival::Broken(fatal));
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
            self.text
                .push_str(&format!("\n  and {more} more bad lines"));
        }
        (self.count > 0).then_some(Fatal::Input(self.text))
    }
}

/// Sends records by the chunk, with what the journal has of them.
fn read_records<S: Stage>(
    mut records: Box<dyn Iterator<Item = Result<Record, Fatal>> + Send>,
    judge: &Judge<S>,
    arrivals: &mpsc::Sender<Arrival<S::Gleaned>>,
) {
    let (mut is_over, mut broken) = (false, None);
    in_order(
        || {
            let chunk = (!is_over).then(|| next_chunk(&mut records)).flatten()?;
            is_over = chunk.1.is_some();
            Some(chunk)
        },
        |chunk| {
            let (mut judged, end) = chunk;
            judge.recall(&mut judged.records).map(|()| (judged, end))
        },
        |chunk| {
            let (judged, end) = match chunk.flatten() {
                Ok((judged, end)) => (judged, end),
                Err(fatal) => (Judged::default(), Some(fatal)),
            };
            broken = end;
            match arrivals.blocking_send(Arrival::Records(judged)).is_err() || broken.is_some() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        },
    );
    if let Some(fatal) = broken {
        let _ = arrivals.blocking_send(Arrival::Broken(fatal));
    }
}

/// The next records, and why there are no more; `None` behind the last.
fn next_chunk<G>(
    records: &mut dyn Iterator<Item = Result<Record, Fatal>>,
) -> Option<(Judged<G>, Option<Fatal>)> {
    let mut chunk = Judged::default();
    let mut end = None;
    for record in records.take(CHUNK_RECORDS) {
        match record {
            // No bytes yet: an untouched record of the first stage is written from its fields.
            Ok(record) => chunk.records.push(Sighted::Open(Open {
                line: Line {
                    raw: Box::default(),
                    record: Box::new(record),
                },
                answered: None,
                had_shared_codes: false,
            })),
            Err(fatal) => {
                end = Some(fatal);
                break;
            }
        }
    }
    (end.is_some() || !chunk.records.is_empty()).then_some((chunk, end))
}
