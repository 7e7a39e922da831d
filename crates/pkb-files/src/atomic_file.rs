//! Files that are complete or absent under their final name, and readable by their owner only.

mod folder;
mod in_use;
pub mod leftovers;
mod temporary;

use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    io::{self, Read as _, Write},
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, OFlags};

use self::temporary::Temporary;
use crate::{Fatal, exposure};

pub use folder::AtomicFolder;
pub use in_use::InUse;
pub use temporary::remove_all_and_stop;

/// A file that gets its name when [`AtomicFile::finish`] is called: synced, renamed, and the folder synced. Until then it
/// has no name at all, where the file system knows that, or one beside its final place. Dropping it leaves nothing behind,
/// and what a run that was killed has left of it is removed when it is made again.
pub struct AtomicFile {
    file: io::BufWriter<File>,
    /// Where it will stand; no link.
    path: PathBuf,
    /// The name that it has until then, if it has one.
    temporary: Option<Temporary>,
}

impl AtomicFile {
    /// Starts a file that will stand at `path`, with mode 0600. If a link to a file stands there, that file is replaced.
    ///
    /// # Errors
    /// The folder is missing or cannot be written, or something else than a file stands at `path`: renaming would put a
    /// file in the place of a device, for the whole machine.
    pub fn create(path: &Path) -> Result<Self, Fatal> {
        let cannot_write = |source| Fatal::cannot_write(path, source);
        let place = behind_links(path)?;
        if place.metadata().is_ok_and(|known| !known.is_file()) {
            return Err(cannot_write(io::Error::other("not a regular file")));
        }
        leftovers::remove(&place);
        let (file, temporary) = match without_a_name(&place) {
            Some(file) => (file, None),
            None => with_a_name(&place, |path| {
                let mut new = OpenOptions::new();
                new.read(true).write(true).create_new(true).mode(0o600);
                new.open(path)
            })
            .map(|(temporary, file)| (file, Some(temporary)))
            .map_err(cannot_write)?,
        };
        // For as long as it is open. Where there are no locks, leftovers stay.
        let _ = file.try_lock();
        Ok(Self {
            file: io::BufWriter::with_capacity(128 << 10, file),
            path: place.into_owned(),
            temporary,
        })
    }

    /// The same at a place that somebody named: a file that stands there is replaced only if it is empty or begins with
    /// one of `beginnings`, as files of the kind that is about to be written do.
    ///
    /// # Errors
    /// As [`Self::create`]; and [`Fatal::Usage`] if another kind of file stands there.
    pub fn create_instead(path: &Path, what: &str, beginnings: &[&str]) -> Result<Self, Fatal> {
        let file = Self::create(path)?;
        let Ok(there) = File::open(&file.path) else {
            return match file.path.exists() {
                true => Err(not_replaced(path, what)),
                false => Ok(file),
            };
        };
        let longest = beginnings.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut beginning = Vec::new();
        there
            .take(longest as u64)
            .read_to_end(&mut beginning)
            .map_err(|source| Fatal::cannot_read(path, source))?;
        let is_like = |text: &&str| beginning.starts_with(text.as_bytes());
        match beginning.is_empty() || beginnings.iter().any(is_like) {
            true => Ok(file),
            false => Err(not_replaced(path, what)),
        }
    }

    /// The file as it is so far, to be read at places (where writing goes on is the same for both).
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn to_read(&mut self) -> Result<File, Fatal> {
        let written = self.file.flush();
        written
            .and_then(|()| self.file.get_ref().try_clone())
            .map_err(|source| Fatal::cannot_write(&self.path, source))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The disk is full or failed; then there is no file.
    pub fn finish(self) -> Result<(), Fatal> {
        let Self {
            file,
            path,
            temporary,
        } = self;
        let named = || {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            let temporary = match temporary {
                Some(temporary) => temporary,
                None => with_a_name(&path, |name| link(&file, name))?.0,
            };
            temporary.keep(|name| std::fs::rename(name, &path))?;
            sync_name(&path)
        };
        named().map_err(|source| Fatal::cannot_write(&path, source))
    }

    /// Writes a whole file at once at a place that somebody named.
    ///
    /// # Errors
    /// As [`Self::create_instead`] and [`Self::finish`].
    pub fn write_instead(
        path: &Path,
        content: &[u8],
        what: &str,
        beginnings: &[&str],
    ) -> Result<(), Fatal> {
        Self::create_instead(path, what, beginnings)?.finish_with(content)
    }

    /// Writes the rest of the file, and gives it its name.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_with(mut self, content: &[u8]) -> Result<(), Fatal> {
        self.write_all(content)
            .map_err(|source| Fatal::cannot_write(&self.path, source))?;
        self.finish()
    }

    /// Writes a whole file at once.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::finish`].
    pub fn write(path: &Path, content: &[u8]) -> Result<(), Fatal> {
        Self::create(path)?.finish_with(content)
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

/// Something stands there that this program did not make.
fn not_replaced(path: &Path, what: &str) -> Fatal {
    Fatal::Usage(format!(
        "{0}: this file is not {what}, so it is not replaced. Give a different name, or move the file first: mv {0} {0}.old",
        path.display()
    ))
}

/// The place that a path means: what a link there points to.
pub fn behind_links(path: &Path) -> Result<Cow<'_, Path>, Fatal> {
    let is_link = |known: std::fs::Metadata| known.file_type().is_symlink();
    if !path.symlink_metadata().is_ok_and(is_link) {
        return Ok(Cow::Borrowed(path));
    }
    path.canonicalize().map(Cow::Owned).map_err(|_| {
        let source = io::Error::other("it is a link to a file that does not exist");
        Fatal::cannot_write(path, source)
    })
}

/// A file in the folder of `path` that has no name, if there can be one.
fn without_a_name(path: &Path) -> Option<File> {
    // By which it gets its name.
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let mut new = OpenOptions::new();
    new.read(true).write(true).mode(0o600);
    new.custom_flags(OFlags::TMPFILE.bits().cast_signed());
    new.open(folder_of(path)).ok()
}

/// Names a file that has none.
fn link(file: &File, name: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, open, CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
}

/// Makes something under a name beside `path` that nothing else has.
fn with_a_name<T>(
    path: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(Temporary, T)> {
    loop {
        match Temporary::make(leftovers::name(path), &make) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
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
pub fn sync_name(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
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
    fn a_link_stays_and_the_file_that_it_points_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("far")).unwrap();
        std::fs::write(at("far/records"), "old").unwrap();
        std::os::unix::fs::symlink("far/records", at("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("broken")).unwrap();
        AtomicFile::write(&at("link"), b"new").unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(at("far/records")).unwrap(), b"new");
        let refused = AtomicFile::write(&at("broken"), b"new").unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("a link to a file that does not exist")
        );
        assert!(at("broken").symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn a_file_of_another_kind_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let create = || AtomicFile::create_instead(&path, "a table", &["row,", "\u{feff}row,"]);
        for ours in [None, Some(""), Some("row,column"), Some("\u{feff}row,x")] {
            let _ = ours.map(|text| std::fs::write(&path, text).unwrap());
            create().unwrap().finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"", "{ours:?}");
        }
        for other in ["ro", "rows", " row,", "\u{feff}", "NHS number,row,"] {
            std::fs::write(&path, other).unwrap();
            let refused = create().err().unwrap();
            assert_eq!(refused.exit_code(), crate::ExitCode::Usage, "{other}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_needs_a_name_at_once_leaves_nothing_behind_either() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let named = || {
            let made = with_a_name(&path, |name| {
                OpenOptions::new().write(true).create_new(true).open(name)
            });
            let (temporary, file) = made.unwrap();
            AtomicFile {
                file: io::BufWriter::new(file),
                path: path.clone(),
                temporary: Some(temporary),
            }
        };
        let mut file = named();
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        let mut file = named();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
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
