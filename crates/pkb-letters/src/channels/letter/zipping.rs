//! A zip of one batch, for companies that print and post: its PDFs, in a folder for each number of pages (machines are set
//! up for one), and the manifest of these letters.

use std::{
    io::{self, Write as _},
    path::Path,
};

use pkb_core::{Fatal, record::Edition, rehearsal::FILE_PREFIX};
use pkb_files::atomic_file::AtomicFile;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::manifest::csv_of;
use pkb_print_files::{
    editions::manifest_prefix,
    manifest::{ManifestRow, file_names},
};
use pkb_verify::objects::Bytes;

/// Writes the zip of the letters in `rows`, whose files `open` opens. The same letters are the same bytes: no entry has a
/// time.
///
/// # Errors
/// It cannot be written, or a file not be read.
pub(super) fn write(
    path: &Path,
    rows: &[ManifestRow],
    mut open: impl FnMut(&str) -> Result<Bytes, Fatal>,
) -> Result<(), Fatal> {
    let failed = |error: zip::result::ZipError| Fatal::cannot_write(path, error.into());
    // PDFs are compressed already.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::DEFAULT)
        .unix_permissions(0o600);
    let mut archive = ZipWriter::new(AtomicFile::create(path)?);
    let mut rows = rows.to_vec();
    let is_rehearsal = rows.iter().any(|row| row.file.starts_with(FILE_PREFIX));
    let [manifest, _] = file_names(&manifest_prefix(Edition::First, is_rehearsal));
    for letters in rows.chunk_by_mut(|one, next| one.file == next.file) {
        let name = letters
            .first()
            .map_or_else(String::new, |row| row.file.clone());
        if let Some((_, file)) = name.rsplit_once('/') {
            for row in &mut *letters {
                row.file = format!("{}-page/{file}", row.page_count());
            }
        }
        let inside = letters.first().map_or("", |row| &row.file);
        archive.start_file(inside, options).map_err(failed)?;
        io::copy(&mut open(&name)?.reader(), &mut archive)
            .map_err(|source| Fatal::cannot_write(path, source))?;
    }
    archive.start_file(manifest, options).map_err(failed)?;
    archive
        .write_all(&csv_of(&rows))
        .map_err(|source| Fatal::cannot_write(path, source))?;
    archive.finish().map_err(failed)?.finish()
}
