//! The files of a folder as a tar stream, with the digest of each at its end.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use pkb_core::Fatal;
use sha2::{Digest as _, Sha256};

/// The digests, as `sha256sum -c` reads them: the last file of the archive.
const DIGESTS: &str = "SHA256SUMS";
/// So many files that cannot be sealed are named.
const NAMED: usize = 10;

/// The regular files of a folder.
pub(super) struct Tree {
    folder: PathBuf,
    /// Their paths in it, in their order.
    files: Vec<PathBuf>,
}

/// A file that is in the archive.
pub(super) struct Sealed {
    /// Its path in the folder.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    digest: String,
}

impl Sealed {
    /// Whether the file at `path` is what is in the archive.
    pub(super) fn is_still_at(&self, path: &Path) -> Result<bool, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(path, source);
        if !path.symlink_metadata().map_err(cannot_read)?.is_file() {
            return Ok(false);
        }
        let mut file = Digested::new(File::open(path).map_err(cannot_read)?);
        io::copy(&mut file, &mut io::sink()).map_err(cannot_read)?;
        Ok(file.digest() == self.digest)
    }
}

impl Tree {
    /// Finds all files in `folder`, an absolute path without links.
    ///
    /// # Errors
    /// There are none, there is something that is no regular file, or a folder cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, Fatal> {
        let mut tree = Self {
            folder: folder.to_owned(),
            files: Vec::new(),
        };
        let mut others = Vec::new();
        tree.collect(Path::new(""), &mut others)?;
        if !others.is_empty() {
            let named: Vec<String> = others
                .iter()
                .take(NAMED)
                .map(|path| path.display().to_string())
                .collect();
            return Err(Fatal::Usage(format!(
                "{}: {} links or special files: {}. Only regular files are sealed. What to do: move these out of the folder first",
                folder.display(),
                others.len(),
                named.join(", ")
            )));
        }
        if tree.files.is_empty() {
            return Err(Fatal::Input(format!(
                "{} has no files, so there is nothing to seal. What to do: check the name of the folder",
                folder.display()
            )));
        }
        tree.files.sort_unstable();
        Ok(tree)
    }

    /// How many files.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    fn collect(&mut self, within: &Path, others: &mut Vec<PathBuf>) -> Result<(), Fatal> {
        let folder = self.folder.join(within);
        let cannot_read = |source| Fatal::cannot_read(&folder, source);
        for entry in fs::read_dir(&folder).map_err(cannot_read)? {
            let entry = entry.map_err(cannot_read)?;
            let path = within.join(entry.file_name());
            // Of the entry itself: a link is not followed.
            let kind = entry.file_type().map_err(cannot_read)?;
            if kind.is_dir() {
                self.collect(&path, others)?;
            } else if kind.is_file() {
                self.files.push(path);
            } else {
                others.push(path);
            }
        }
        Ok(())
    }

    /// Writes all files as a tar stream, below the name of the folder.
    ///
    /// # Errors
    /// A file is in use by a stage, changes while it is read, or cannot be read; or the stream cannot be written.
    pub(super) fn write(&self, output: &mut impl Write) -> Result<Vec<Sealed>, Fatal> {
        let cannot_write = |source| Fatal::io("cannot write the archive", source);
        let top = PathBuf::from(self.folder.file_name().unwrap_or_default());
        let mut archive = tar::Builder::new(output);
        let mut sealed = Vec::with_capacity(self.files.len());
        let mut digests = Vec::new();
        // Records and journals stay locked until the end, so that no stage begins on them meanwhile.
        let mut locked = Vec::new();
        for path in &self.files {
            let (file, is_records) = self.open(path)?;
            let found = file
                .metadata()
                .map_err(|source| Fatal::cannot_read(path, source))?;
            let mut header = header(found.len(), found.mtime());
            let mut digested = Digested::new(&file);
            archive
                .append_data(
                    &mut header,
                    top.join(path),
                    digested.by_ref().take(found.len()),
                )
                .map_err(cannot_write)?;
            let digest = digested.digest();
            if digested.bytes != found.len() {
                return Err(Fatal::Usage(format!(
                    "{} changes while it is read. What to do: wait until nothing writes into the folder",
                    path.display()
                )));
            }
            digests.extend_from_slice(digest.as_bytes());
            digests.extend_from_slice(b"  ");
            digests.extend_from_slice(path.as_os_str().as_bytes());
            digests.push(b'\n');
            sealed.push(Sealed {
                path: path.clone(),
                bytes: found.len(),
                digest,
            });
            if is_records {
                locked.push(file);
            }
        }
        let mut header = header(digests.len() as u64, 0);
        archive
            .append_data(&mut header, top.join(DIGESTS), digests.as_slice())
            .and_then(|()| archive.finish())
            .map_err(cannot_write)?;
        Ok(sealed)
    }

    /// A file, locked, and whether it is of JSON, as records and journals are.
    fn open(&self, path: &Path) -> Result<(File, bool), Fatal> {
        let whole = self.folder.join(path);
        let cannot_read = |source| Fatal::cannot_read(&whole, source);
        let mut file = File::open(&whole).map_err(cannot_read)?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Fatal::Usage(format!(
                    "{} is in use by a run. Seal the campaign when that run is finished",
                    whole.display()
                )));
            }
            Err(TryLockError::Error(source)) => return Err(cannot_read(source)),
        }
        let mut first = [0];
        let read = file.read(&mut first).map_err(cannot_read)?;
        io::Seek::rewind(&mut file).map_err(cannot_read)?;
        Ok((file, read == 1 && first == *b"{"))
    }
}

/// The header of a private file.
fn header(bytes: u64, modified: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(modified).unwrap_or_default());
    header.set_entry_type(tar::EntryType::Regular);
    header
}

/// Computes the digest of what is read.
struct Digested<R> {
    from: R,
    bytes: u64,
    hash: Sha256,
}

impl<R: Read> Digested<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            bytes: 0,
            hash: Sha256::new(),
        }
    }

    fn digest(&self) -> String {
        let digest = self.hash.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("print")).unwrap();
        fs::write(folder.path().join("print/letters-0001.pdf"), "%PDF").unwrap();
        fs::write(folder.path().join("l.journal"), "{}\n").unwrap();
        folder
    }

    fn read(folder: &Path) -> Result<Vec<u8>, String> {
        let tree = Tree::read(&folder.canonicalize().unwrap()).map_err(|e| e.to_string())?;
        let mut bytes = Vec::new();
        tree.write(&mut bytes).map_err(|e| e.to_string())?;
        Ok(bytes)
    }

    #[test]
    fn all_files_are_in_the_archive_and_their_digests_behind_them() {
        let folder = campaign();
        let bytes = read(folder.path()).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut files = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry
                .path()
                .unwrap()
                .components()
                .skip(1)
                .collect::<PathBuf>();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            assert_eq!(entry.header().mode().unwrap(), 0o600);
            files.push((path.display().to_string(), content));
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["l.journal", "print/letters-0001.pdf", "SHA256SUMS"]);
        assert_eq!(files[1].1, "%PDF");
        let digest: String = Sha256::digest("%PDF")
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert!(
            files[2]
                .1
                .contains(&format!("{digest}  print/letters-0001.pdf\n"))
        );
    }

    #[test]
    fn a_link_is_refused_and_so_is_a_journal_in_use_and_an_empty_folder() {
        let folder = campaign();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("print/link")).unwrap();
        let refused = read(folder.path()).unwrap_err();
        assert!(
            refused.contains("1 links or special files: print/link"),
            "{refused}"
        );
        fs::remove_file(folder.path().join("print/link")).unwrap();

        let journal = File::open(folder.path().join("l.journal")).unwrap();
        journal.try_lock().unwrap();
        let refused = read(folder.path()).unwrap_err();
        assert!(
            refused.contains("l.journal is in use by a run"),
            "{refused}"
        );
        drop(journal);
        assert!(read(folder.path()).is_ok());

        let empty = tempfile::tempdir().unwrap();
        assert!(read(empty.path()).unwrap_err().contains("no file"));
    }

    #[test]
    fn a_file_that_was_changed_after_it_was_sealed_is_noticed() {
        let folder = campaign();
        let tree = Tree::read(&folder.path().canonicalize().unwrap()).unwrap();
        let sealed = tree.write(&mut io::sink()).unwrap();
        let path = folder.path().join("l.journal");
        assert!(sealed[0].is_still_at(&path).unwrap());
        fs::write(&path, "[]\n").unwrap();
        assert!(!sealed[0].is_still_at(&path).unwrap());
    }
}
