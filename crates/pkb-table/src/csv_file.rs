//! A table that a program writes for people: CSV (RFC 4180), complete or absent, for its owner alone.

use std::{io::Write as _, path::Path};

use csv::{Terminator, WriterBuilder};
use pkb_core::Fatal;
use pkb_files::atomic_file::AtomicFile;

/// A CSV file that is being written.
pub struct CsvFile {
    csv: csv::Writer<AtomicFile>,
    /// What it holds, for messages.
    what: &'static str,
}

impl CsvFile {
    /// Begins a file with these columns. `what` is what it holds, for messages: `a file of trace findings`. A file that is there is replaced
    /// if its first column is the same.
    ///
    /// # Errors
    /// It cannot be written there, or another kind of file is there.
    pub fn create(path: &Path, what: &'static str, columns: &[&str]) -> Result<Self, Fatal> {
        let beginning = columns.first().copied().unwrap_or_default();
        let file = AtomicFile::create_instead(path, what, &[beginning])?;
        let csv = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(file);
        let mut table = Self { csv, what };
        table.add(columns)?;
        Ok(table)
    }

    /// One more row.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn add<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<(), Fatal> {
        let written = self.csv.write_record(cells);
        written.map_err(|error| Fatal::io(format!("cannot write {}", self.what), error.into()))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The disk is full or failed; then there is no file.
    pub fn finish(self) -> Result<(), Fatal> {
        let what = self.what;
        let failed = |source| Fatal::io(format!("cannot write {what}"), source);
        let file = self.csv.into_inner();
        let mut file = file.map_err(|error| failed(error.into_error()))?;
        file.flush().map_err(failed)?;
        file.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_there_when_it_is_whole_and_replaces_its_like_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let write = || -> Result<(), Fatal> {
            let mut table = CsvFile::create(&path, "rows", &["row", "name"])?;
            table.add(["2", "a, \"b\""])?;
            assert!(!path.exists());
            table.finish()
        };
        write().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "row,name\r\n2,\"a, \"\"b\"\"\"\r\n"
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "something else").unwrap();
        assert!(CsvFile::create(&path, "rows", &["row", "name"]).is_err());
    }
}
