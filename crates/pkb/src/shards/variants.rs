//! One stream into variants: patients who get different letters, so that the uptake of these can be compared.

use std::{
    collections::HashSet,
    io::{Read, Write as _},
    num::NonZeroU16,
    path::Path,
};

use pkb_core::{Fatal, Record, completeness::Completeness, record::Variant, spool};
use pkb_files::{
    atomic_file::{self, AtomicFile},
    journal::Key,
};

/// Splits `input` into a file for each variant in `folder`, all of which are there at the end. Each record says which variant its
/// patient gets: by chance, in equal parts, and the same in every run. A record without a patient goes to the first. Returns the records
/// of each.
///
/// # Errors
/// The input ended early or is no record stream, a record has been given a variant that is not among these, or a file cannot be written.
pub fn split(
    input: Box<dyn Read + Send>,
    variants: &[Variant],
    folder: &Path,
    is_partial: bool,
) -> Result<Vec<u64>, Fatal> {
    check(variants)?;
    atomic_file::create_private_folder(folder)?;
    let files = variants
        .iter()
        .map(|variant| AtomicFile::create(&folder.join(format!("{}.ndjson", variant.as_str()))));
    let mut files = files.collect::<Result<Vec<_>, _>>()?;
    let mut counts = vec![0; files.len()];
    let mut completeness = Completeness::default();
    spool::read_all(input, |mut record, _| {
        completeness.note(&record.row);
        let place = place_of(&record, variants)?;
        record.variant = Some(variants[place].clone());
        let mut line = serde_json::to_vec(&record)
            .map_err(|_| Fatal::Bug("a record cannot be written".into()))?;
        line.push(b'\n');
        counts[place] += 1;
        files[place]
            .write_all(&line)
            .map_err(|source| Fatal::cannot_write(folder, source))
    })?;
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

fn check(variants: &[Variant]) -> Result<(), Fatal> {
    let different: HashSet<&Variant> = variants.iter().collect();
    if variants.len() < 2 || different.len() < variants.len() {
        let words = "--variants needs two or more different names. What to do: write them like this: --variants plain,warm";
        return Err(Fatal::Usage(words.into()));
    }
    Ok(())
}

/// Which of the variants a patient gets.
fn place_of(record: &Record, variants: &[Variant]) -> Result<usize, Fatal> {
    if let Some(own) = &record.variant {
        let place = variants.iter().position(|variant| variant == own);
        return place.ok_or_else(|| {
            Fatal::Usage(format!(
                "row {} has the variant {} from an earlier run. What to do: name the same variants as then",
                record.row.number,
                own.as_str()
            ))
        });
    }
    let Some(patient) = &record.patient else {
        return Ok(0);
    };
    let parts = u16::try_from(variants.len()).ok().and_then(NonZeroU16::new);
    let parts = parts.unwrap_or(NonZeroU16::MIN);
    // Not by the same digits as shards: these must not fall together with variants.
    let key = Key::of(&[b"variant", &patient.national_id.key_bytes()]);
    Ok(key.bucket(parts).into())
}
