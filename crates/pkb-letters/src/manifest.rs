//! The manifest: which sheet belongs to which row. It goes with the letters to the people who print
//! and post them, so it holds no name and no code.

use std::{io::Write as _, path::Path};

use pkb_core::{Fatal, Record, atomic_file::AtomicFile, record::Delivery, value::Postcode};

/// Name of the file.
pub const FILE_NAME: &str = "manifest.csv";

const COLUMNS: &str = "sequence,file,first_page,last_page,row,post_code\r\n";

/// A manifest that is being written.
pub struct Manifest {
    file: AtomicFile,
}

impl Manifest {
    /// Starts the manifest of the letters in `folder`.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn create(folder: &Path) -> Result<Self, Fatal> {
        let mut manifest = Self {
            file: AtomicFile::create(&folder.join(FILE_NAME))?,
        };
        manifest.write(COLUMNS)?;
        Ok(manifest)
    }

    /// Adds the letter of a record, if it has one.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, record: &Record) -> Result<(), Fatal> {
        let Some(Delivery {
            file,
            pages: Some((first, last)),
            sequence: Some(sequence),
            ..
        }) = &record.delivery
        else {
            return Ok(());
        };
        let post_code = record
            .patient
            .as_ref()
            .and_then(|patient| patient.post_code.as_ref());
        let post_code = post_code.map(Postcode::expose_postcode).unwrap_or_default();
        // Our own file names and post codes have nothing in them that CSV would quote.
        self.write(&format!(
            "{sequence},{file},{first},{last},{},{post_code}\r\n",
            record.row.number
        ))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<(), Fatal> {
        self.file.finish()
    }

    fn write(&mut self, text: &str) -> Result<(), Fatal> {
        let failed = |source| Fatal::cannot_write(Path::new(FILE_NAME), source);
        self.file.write_all(text.as_bytes()).map_err(failed)
    }
}
