//! Files that are complete or absent under their final name, and readable by their owner only.

mod folder;
mod in_use;
pub mod leftovers;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use atomic_write_file::AtomicWriteFile;

use crate::{Fatal, exposure};

pub use folder::AtomicFolder;
pub use in_use::InUse;

/// A file that gets its name when [`AtomicFile::finish`] is called: written beside its final place,
/// then synced, renamed, and the folder synced. Dropping it leaves nothing behind, and what a run that was killed has
/// left of it is removed when it is made again.
pub struct AtomicFile {
    file: io::BufWriter<AtomicWriteFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts a file that will stand at `path`, with mode 0600.
    ///
    /// # Errors
    /// The folder is missing or cannot be written, or something else than a file stands at `path`: renaming would put a
    /// file in the place of a device, for the whole machine.
    pub fn create(path: &Path) -> Result<Self, Fatal> {
        use std::os::unix::fs::OpenOptionsExt as _;

        use atomic_write_file::unix::OpenOptionsExt as _;
        if path.metadata().is_ok_and(|known| !known.is_file()) {
            let source = io::Error::other("not a regular file");
            return Err(Fatal::cannot_write(path, source));
        }
        leftovers::remove(path);
        let file = AtomicWriteFile::options()
            .preserve_mode(false)
            .mode(0o600)
            .read(true)
            .open(path)
            .map_err(|source| Fatal::cannot_write(path, source))?;
        // For as long as it is open. Where there are no locks, leftovers stay.
        let _ = file.as_file().try_lock();
        Ok(Self {
            file: io::BufWriter::with_capacity(128 << 10, file),
            path: path.to_owned(),
        })
    }

    /// The file as it is so far, to be read at places (where writing goes on is the same for both).
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn to_read(&mut self) -> Result<File, Fatal> {
        let written = self.file.flush();
        written
            .and_then(|()| self.file.get_ref().as_file().try_clone())
            .map_err(|source| Fatal::cannot_write(&self.path, source))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The disk is full or failed; then there is no file.
    pub fn finish(self) -> Result<(), Fatal> {
        let Self { file, path } = self;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(AtomicWriteFile::commit)
            .map_err(|source| Fatal::cannot_write(&path, source))
    }

    /// Writes a whole file at once.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::finish`].
    pub fn write(path: &Path, content: &[u8]) -> Result<(), Fatal> {
        let mut file = Self::create(path)?;
        file.write_all(content)
            .map_err(|source| Fatal::cannot_write(path, source))?;
        file.finish()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Seek for AtomicFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Makes a folder (and those above it) that only its owner can look into, if it is not there yet. Warns if it
/// is there, and others can.
///
/// # Errors
/// It cannot be made, or something else has the name.
pub fn create_private_folder(path: &Path) -> Result<(), Fatal> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| {
            Fatal::io(format!("cannot make the folder {}", path.display()), source)
        })?;
    exposure::warn_of_folder(path);
    Ok(())
}

/// Makes the name of a file or folder survive a power cut.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

    #[test]
    fn what_is_no_file_is_never_replaced_by_one() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        for path in [&path, folder.path()] {
            let error = AtomicFile::create(path).err().unwrap().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
        assert!(path.metadata().unwrap().file_type().is_socket());
    }

    #[test]
    fn a_file_is_absent_until_it_is_finished_and_then_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_was_written_can_be_read_before_the_file_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        let read = |file: &mut AtomicFile, at: u64| {
            let mut three = [0; 3];
            let reader = file.to_read().unwrap();
            reader.read_exact_at(&mut three, at).unwrap();
            three
        };
        assert_eq!(&read(&mut file, 0), b"one");
        file.write_all(b" two").unwrap();
        assert_eq!(&read(&mut file, 4), b"two");
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one two");
    }

    #[test]
    fn an_unfinished_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("a.csv")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn the_message_names_the_file_and_the_cause() {
        let error = AtomicFile::write(Path::new("/nowhere/a.csv"), b"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write /nowhere/a.csv: no such file or directory"
        );
    }
}
