//! The records of a batch, while it is worked on.

use std::{borrow::Cow, sync::Arc};

use crate::{Fatal, Record, ndjson::Line};
use pkb_values::NationalId;

/// Batches of more records than these keep them as lines: in memory a record takes several times as much, and reading it
/// once more is nothing beside what such a batch does. A small batch may be one call that takes no longer.
const MOST_WHOLE: usize = 4096;

/// The records of a batch, in the order of its work.
#[derive(Clone)]
pub struct Records(Arc<Vec<Kept>>);

/// How a record is kept.
pub(super) enum Kept {
    /// As it is.
    Whole(Box<Record>),
    /// As its line, without the line end.
    Packed(Box<[u8]>),
}

impl Kept {
    /// A record that waits for a batch of up to `rows`.
    ///
    /// # Errors
    /// A bug.
    pub(super) fn of(line: Line, rows: usize) -> Result<Self, Fatal> {
        Ok(match rows <= MOST_WHOLE {
            true => Self::Whole(line.record),
            false => Self::Packed(written(line)?.raw),
        })
    }

    /// Whose record it is.
    ///
    /// # Errors
    /// A bug.
    pub(super) fn patient(&self) -> Result<Option<NationalId>, Fatal> {
        let of = |record: &Record| record.patient.as_ref().map(|patient| patient.national_id);
        Ok(match self {
            Self::Whole(record) => of(record),
            Self::Packed(line) => of(&*record_of(line)?),
        })
    }

    /// The record, to be changed.
    ///
    /// # Errors
    /// A bug.
    pub(super) fn into_record(self) -> Result<Box<Record>, Fatal> {
        match self {
            Self::Whole(record) => Ok(record),
            Self::Packed(line) => record_of(&line),
        }
    }
}

impl Records {
    pub(super) fn new(records: Vec<Kept>) -> Self {
        Self(Arc::new(records))
    }

    /// The record of a piece of work, by its place in the batch.
    ///
    /// # Errors
    /// A bug.
    pub fn get(&self, place: usize) -> Result<Cow<'_, Record>, Fatal> {
        match self.0.get(place) {
            Some(Kept::Whole(record)) => Ok(Cow::Borrowed(record)),
            Some(Kept::Packed(line)) => record_of(line).map(|record| Cow::Owned(*record)),
            None => Err(Fatal::Bug("a piece of work has no record".into())),
        }
    }

    /// All of them, when nobody else looks at them any more.
    ///
    /// # Errors
    /// A bug: somebody does.
    pub(super) fn into_all(self) -> Result<Vec<Kept>, Fatal> {
        Arc::try_unwrap(self.0)
            .map_err(|_| Fatal::Bug("a stage has kept the records of a batch".into()))
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "records: {}", self.0.len())
    }
}

/// The record, unless batches of up to `rows` would keep too many.
pub(super) fn kept_whole(record: Box<Record>, rows: usize) -> Option<Box<Record>> {
    (rows <= MOST_WHOLE).then_some(record)
}

/// A line with its bytes as they are to be written, without the line end.
///
/// # Errors
/// A bug.
pub(super) fn written(mut line: Line) -> Result<Line, Fatal> {
    if line.raw.is_empty() {
        line.raw = line_of(&line.record)?;
    }
    Ok(line)
}

/// A record as one line, without the line end.
///
/// # Errors
/// A bug.
pub(super) fn line_of(record: &Record) -> Result<Box<[u8]>, Fatal> {
    serde_json::to_vec(record)
        .map(Vec::into_boxed_slice)
        .map_err(|_| Fatal::Bug("a record cannot be written".into()))
}

/// The record of a line that was read before.
///
/// # Errors
/// A bug.
pub(super) fn record_of(line: &[u8]) -> Result<Box<Record>, Fatal> {
    serde_json::from_slice(line)
        .map_err(|_| Fatal::Bug("a record that was read cannot be read again".into()))
}
