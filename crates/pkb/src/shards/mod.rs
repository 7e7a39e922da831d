//! A record stream in parts, so that several processes or machines can work on it, and the whole again.
//!
//! * [`split`]: each patient falls into one shard, whatever row, file or day it is.
//! * [`variants`]: by which of several letters each patient gets.
//! * [`merge`]: the parts in the order of the rows, after it is proven that they are the whole.
//!
//! Stages know nothing of shards: they run with `--partial`, each shard with journals of its own.

pub mod merge;
pub mod split;
pub mod variants;

use std::num::NonZeroU16;

use pkb_core::Record;
use pkb_files::journal::Key;

/// Shards at most: more are no help, and their files would all be open at once.
pub const MAX_SHARDS: u16 = 999;

/// The shard of a record, from 0. It depends on the patient alone, so that two rows of one patient, today's file and
/// tomorrow's, are answered by the same journal; for a row without a patient, on file and row.
pub fn shard_of(record: &Record, shards: NonZeroU16) -> u16 {
    let key = match &record.patient {
        Some(patient) => Key::of(&[&patient.national_id.key_bytes()]),
        None => Key::of(&[record.row.file.as_bytes(), &record.row.number.to_le_bytes()]),
    };
    key.bucket(shards)
}

#[cfg(test)]
mod tests;
