//! One stream into shards.

use std::{
    io::{Read, Write as _},
    num::NonZeroU16,
    path::Path,
};

use pkb_core::{
    Fatal,
    completeness::Completeness,
    ndjson::{NdjsonError, NdjsonReader},
    rows::counted,
};
use pkb_files::atomic_file::{self, AtomicFile};

use super::shard_of;

/// The name of a shard's file: `03-of-08.ndjson`. Shards are counted from 1. The number of all is part of the name:
/// another number is another division, and its journals are others.
pub fn file_name(shard: u16, shards: NonZeroU16) -> String {
    let width = shards.to_string().len().max(2);
    format!("{shard:0width$}-of-{shards:0width$}.ndjson")
}

/// Splits `input` into files in `folder`, all of which are there at the end, also those without a record; lines are
/// copied as they are. Returns the records of each shard. `is_partial`: the input lacks rows on purpose.
///
/// # Errors
/// The input ended early or is no record stream, the folder has the shards of another division, or a file cannot be
/// written. Then no shard is changed, but for the last of these.
pub fn split(
    input: impl Read,
    shards: NonZeroU16,
    folder: &Path,
    is_partial: bool,
) -> Result<Vec<u64>, Fatal> {
    atomic_file::create_private_folder(folder)?;
    refuse_another_division(folder, shards)?;
    let mut files = (1..=shards.get())
        .map(|shard| AtomicFile::create(&folder.join(file_name(shard, shards))))
        .collect::<Result<Vec<_>, _>>()?;
    let mut counts = vec![0; files.len()];
    let mut completeness = Completeness::default();
    let mut reader = NdjsonReader::new(input);
    let failed = |error: NdjsonError| match error {
        NdjsonError::Read(source) => Fatal::io("cannot read the input", source),
        error => Fatal::Input(error.to_string()),
    };
    while let Some(mut line) = reader.read().map_err(failed)? {
        completeness.note(&line.record.row);
        let shard = usize::from(shard_of(&line.record, shards));
        let mut raw = std::mem::take(&mut line.raw).into_vec();
        raw.push(b'\n');
        if let (Some(file), Some(count)) = (files.get_mut(shard), counts.get_mut(shard)) {
            file.write_all(&raw)
                .map_err(|source| Fatal::cannot_write(folder, source))?;
            *count += 1;
        }
    }
    if !is_partial {
        completeness.check().map_err(|incomplete| {
            Fatal::Input(format!(
                "{incomplete}. Nothing was split. Run the same command again with \
                the whole input, or add --partial if rows are missing on purpose"
            ))
        })?;
    }
    files.into_iter().try_for_each(AtomicFile::finish)?;
    Ok(counts)
}

/// Who has a letter stands in the journal of the shard: a patient who falls into another shard, because there are
/// more or fewer of them, would get a second one.
fn refuse_another_division(folder: &Path, shards: NonZeroU16) -> Result<(), Fatal> {
    let cannot_read = |source| Fatal::cannot_read(folder, source);
    for entry in folder.read_dir().map_err(cannot_read)? {
        let name = entry.map_err(cannot_read)?.file_name();
        let other = name.to_str().and_then(division_of);
        if let Some(other) = other.filter(|other| *other != shards.get()) {
            return Err(Fatal::Usage(format!(
                "{} already has {}. A campaign keeps its number of shards, because the journal of a shard \
                 knows who has a letter. What to do: split by {other}, or choose a new folder for a new campaign",
                folder.display(),
                counted(other.into(), "shard", "shards")
            )));
        }
    }
    Ok(())
}

/// The number of shards in the name of one.
fn division_of(name: &str) -> Option<u16> {
    let (shard, of) = name.strip_suffix(".ndjson")?.split_once("-of-")?;
    shard.parse::<u16>().ok()?;
    of.parse().ok()
}
