//! A folder of batches for upload by hand (`--batches DIR`), with a list of them (`batches.json`).

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use pkb_core::Fatal;
use pkb_files::atomic_file::{self, AtomicFile, InUse};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Name of the list.
const LIST: &str = "batches.json";

/// The version of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ListSchema {
    #[serde(rename = "pkb-batches/1")]
    V1,
}

/// The list.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    schema: ListSchema,
    batches: Vec<ListedBatch>,
}

/// A batch in the list.
#[derive(Debug, Serialize, Deserialize)]
struct ListedBatch {
    /// Name of its file.
    file: String,
    /// Patients in it.
    rows: usize,
    /// Size of the file.
    bytes: usize,
    /// SHA-256 of the file, in hexadecimal: what is uploaded can be compared with what was written.
    sha256: String,
    /// Whether e-mail addresses are in it: PKB sends invitations to them.
    emails: bool,
}

/// A folder of batches.
#[derive(Debug)]
pub struct BatchFolder {
    path: PathBuf,
    /// No other run writes into it meanwhile.
    _in_use: InUse,
    list: List,
}

impl BatchFolder {
    /// Opens a folder, making it if need be. What an earlier run wrote stays.
    ///
    /// # Errors
    /// It cannot be written to, another run is writing into it, or what it holds is not what its list says: then nobody could tell what
    /// has been uploaded.
    pub fn open(path: &Path) -> Result<Self, Fatal> {
        atomic_file::create_private_folder(path)?;
        let mut folder = Self {
            path: path.to_owned(),
            _in_use: InUse::folder(path)?,
            list: read_list(&path.join(LIST))?,
        };
        // A crash after the list was written, and before the file was.
        if let Some(last) = folder.list.batches.last()
            && !path.join(&last.file).exists()
        {
            folder.list.batches.pop();
        }
        folder.check()?;
        Ok(folder)
    }

    fn check(&self) -> Result<(), Fatal> {
        let mut problems = Vec::new();
        for batch in &self.list.batches {
            match fs::read(self.path.join(&batch.file)) {
                Ok(content) if sha256(&content) == batch.sha256 => {}
                Ok(_) => problems.push(format!("{} has been changed", batch.file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    problems.push(format!("{} is missing", batch.file));
                }
                Err(error) => return Err(Fatal::cannot_read(&self.path.join(&batch.file), error)),
            }
        }
        let listed: BTreeSet<&str> = self
            .list
            .batches
            .iter()
            .map(|batch| batch.file.as_str())
            .collect();
        let mut unlisted = self.csv_files()?;
        unlisted.retain(|name| !listed.contains(name.as_str()));
        if !unlisted.is_empty() {
            let are = if unlisted.len() == 1 { "is" } else { "are" };
            problems.push(format!("{} {are} not in {LIST}", unlisted.join(", ")));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Fatal::Usage(format!(
            "{}: {}. What to do: use a new folder, or put back what was there",
            self.path.display(),
            problems.join("; ")
        )))
    }

    fn csv_files(&self) -> Result<Vec<String>, Fatal> {
        let failed = |source| Fatal::cannot_read(&self.path, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| name.ends_with(".csv"))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Whether a batch is there.
    pub fn has(&self, name: &str) -> bool {
        self.list.batches.iter().any(|batch| batch.file == name)
    }

    /// Writes a batch: first into the list, then the file, so that no file is there that the list does not
    /// have. One that is there already stays, if it is the same.
    ///
    /// # Errors
    /// The disk is full, or there is another batch of the name.
    pub fn add(
        &mut self,
        name: &str,
        rows: usize,
        emails: bool,
        content: &[u8],
    ) -> Result<(), Fatal> {
        let sha256 = sha256(content);
        if let Some(there) = self.list.batches.iter().find(|batch| batch.file == name) {
            if there.sha256 == sha256 {
                return Ok(());
            }
            return Err(Fatal::Usage(format!(
                "{} has a different {name}, of an earlier run. Use the journal of that run, or a new folder",
                self.path.display()
            )));
        }
        self.list.batches.push(ListedBatch {
            file: name.to_owned(),
            rows,
            bytes: content.len(),
            sha256,
            emails,
        });
        let json = serde_json::to_vec_pretty(&self.list)
            .map_err(|_| Fatal::Bug("the list of batches cannot be written".into()))?;
        AtomicFile::write(&self.path.join(LIST), &json)?;
        AtomicFile::write(&self.path.join(name), content)
    }
}

fn read_list(path: &Path) -> Result<List, Fatal> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|_| {
            Fatal::Usage(format!(
                "{} is not a list of batches. What to do: use a new folder",
                path.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(List {
            schema: ListSchema::V1,
            batches: Vec::new(),
        }),
        Err(error) => Err(Fatal::cannot_read(path, error)),
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lists_what_was_written_and_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("for-pkb");
        let mut batches = BatchFolder::open(&path).unwrap();
        batches.add("a-0001.csv", 2, false, b"one").unwrap();
        let second = BatchFolder::open(&path).unwrap_err();
        assert_eq!(second.exit_code(), pkb_core::ExitCode::TryLater);
        drop(batches);
        let mut again = BatchFolder::open(&path).unwrap();
        again.add("a-0002.csv", 1, true, b"two").unwrap();
        drop(again);
        let again = BatchFolder::open(&path).unwrap();
        assert!(again.has("a-0001.csv") && again.has("a-0002.csv"));
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(path.join(LIST)).unwrap()).unwrap();
        assert_eq!(json["batches"][0]["rows"], 2);
        assert_eq!(
            json["batches"][1]["sha256"],
            "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
        );
    }

    #[test]
    fn a_folder_that_is_not_as_its_list_says_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut batches = BatchFolder::open(path).unwrap();
        batches.add("a-0001.csv", 2, false, b"one").unwrap();
        batches.add("a-0002.csv", 2, false, b"two").unwrap();
        batches.add("a-0003.csv", 2, false, b"three").unwrap();
        fs::write(path.join("a-0001.csv"), "other").unwrap();
        fs::remove_file(path.join("a-0002.csv")).unwrap();
        fs::write(path.join("b-0001.csv"), "four").unwrap();
        drop(batches);
        let error = BatchFolder::open(path).unwrap_err().to_string();
        for part in [
            "a-0001.csv has been changed",
            "a-0002.csv is missing",
            "b-0001.csv is not in batches.json",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_crash_before_the_file_leaves_nothing_and_the_same_batch_again_is_no_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut batches = BatchFolder::open(path).unwrap();
        batches.add("a-0001.csv", 2, false, b"one").unwrap();
        batches.add("a-0002.csv", 2, false, b"two").unwrap();
        fs::remove_file(path.join("a-0002.csv")).unwrap();
        drop(batches);
        let mut again = BatchFolder::open(path).unwrap();
        assert!(!again.has("a-0002.csv"));
        again.add("a-0001.csv", 2, false, b"one").unwrap();
        let error = again.add("a-0001.csv", 2, false, b"other").unwrap_err();
        assert!(
            error.to_string().contains("a different a-0001.csv"),
            "{error}"
        );
    }
}
