//! Reads the input on a thread of its own and hands it over in chunks.

use std::io::Read;

use tokio::sync::mpsc;

use super::Source;
use crate::{
    Fatal, Record,
    ndjson::{Line, NdjsonError, NdjsonReader},
};

/// Lines that the reader hands over at a time when they are at hand.
const CHUNK_LINES: usize = 256;
/// Bad lines that are named one by one.
const NAMED_BAD_LINES: usize = 10;

/// What arrives from the reader.
pub(super) enum Arrival {
    /// The next lines, in order.
    Lines(Vec<Line>),
    /// Nothing more comes.
    Broken(Fatal),
}

/// Reads until the input ends, breaks, or nobody listens any more.
pub(super) fn read_all(source: Source, arrivals: &mpsc::Sender<Arrival>) {
    match source {
        Source::Ndjson(input) => read_ndjson(NdjsonReader::new(input), arrivals),
        Source::Records(records) => read_records(records, arrivals),
    }
}

/// Sends chunks until the end, an error, or nobody listens any more.
fn read_ndjson(mut reader: NdjsonReader<Box<dyn Read + Send>>, arrivals: &mpsc::Sender<Arrival>) {
    let mut chunk = Vec::with_capacity(CHUNK_LINES);
    loop {
        match reader.read() {
            Ok(Some(line)) => chunk.push(line),
            Ok(None) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                return;
            }
            Err(error) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                let _ = arrivals.blocking_send(Arrival::Broken(all_bad_lines(error, reader)));
                return;
            }
        }
        let full = chunk.len() == CHUNK_LINES;
        if (full || !reader.has_buffered_input())
            && arrivals
                .blocking_send(Arrival::Lines(std::mem::take(&mut chunk)))
                .is_err()
        {
            return;
        }
    }
}

/// Reads on after a bad line to name the other bad lines too, so that the operator sees the whole
/// damage at once.
fn all_bad_lines(first: NdjsonError, mut reader: NdjsonReader<Box<dyn Read + Send>>) -> Fatal {
    let mut text = first.to_string();
    let mut more = 0;
    if !matches!(first, NdjsonError::Read(_)) {
        loop {
            match reader.read() {
                Ok(Some(_)) => {}
                Ok(None) | Err(NdjsonError::Read(_)) => break,
                Err(error) => {
                    more += 1;
                    if more < NAMED_BAD_LINES {
                        text.push_str("\n  ");
                        text.push_str(&error.to_string());
                    }
                }
            }
        }
    }
    if more >= NAMED_BAD_LINES {
        text.push_str(&format!(
            "\n  and {} more bad lines",
            more + 1 - NAMED_BAD_LINES
        ));
    }
    match first {
        NdjsonError::Read(source) => Fatal::io("cannot read the input", source),
        _ => Fatal::Input(text),
    }
}

fn read_records(
    records: Box<dyn Iterator<Item = Result<Record, Fatal>> + Send>,
    arrivals: &mpsc::Sender<Arrival>,
) {
    let mut chunk = Vec::with_capacity(CHUNK_LINES);
    for record in records {
        match record {
            // No bytes yet: an untouched record of the first stage is written from its fields.
            Ok(record) => chunk.push(Line {
                raw: Box::default(),
                record: Box::new(record),
            }),
            Err(fatal) => {
                let _ = arrivals.blocking_send(Arrival::Lines(chunk));
                let _ = arrivals.blocking_send(Arrival::Broken(fatal));
                return;
            }
        }
        if chunk.len() == CHUNK_LINES
            && arrivals
                .blocking_send(Arrival::Lines(std::mem::take(&mut chunk)))
                .is_err()
        {
            return;
        }
    }
    let _ = arrivals.blocking_send(Arrival::Lines(chunk));
}
