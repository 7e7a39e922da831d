//! A zip of one batch, for companies that print and post: its PDFs, in a folder for each number of pages (machines are set
//! up for one), and the manifest of these letters.

use std::{
    io::{Cursor, Write as _},
    path::Path,
};

use pkb_core::{Fatal, atomic_file::AtomicFile};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::manifest::{ManifestRow, csv_of};

/// Writes the zip. The same letters are the same bytes: no entry has a time.
///
/// # Errors
/// It cannot be written.
pub fn write<'a>(
    path: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
    rows: &[ManifestRow],
) -> Result<(), Fatal> {
    let failed = |error: zip::result::ZipError| Fatal::cannot_write(path, error.into());
    // PDFs are compressed already.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::DEFAULT)
        .unix_permissions(0o600);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut rows = rows.to_vec();
    for (name, bytes) in files {
        let own = rows.iter_mut().filter(|row| row.file == name);
        let mut inside = name.to_owned();
        if name.contains('/') {
            for row in own {
                let file = name.rsplit('/').next().unwrap_or(name);
                inside = format!("{}-page/{file}", row.page_count());
                row.file.clone_from(&inside);
            }
        }
        archive.start_file(inside, options).map_err(failed)?;
        archive
            .write_all(bytes)
            .map_err(|source| Fatal::cannot_write(path, source))?;
    }
    archive
        .start_file("manifest.csv", options)
        .map_err(failed)?;
    archive
        .write_all(&csv_of(&rows))
        .map_err(|source| Fatal::cannot_write(path, source))?;
    let bytes = archive.finish().map_err(failed)?.into_inner();
    AtomicFile::write(path, &bytes)
}
