//! Two runs that write to the same place: the second is refused, whichever journals they have.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::temporary::Temporary;
use crate::Fatal;

/// Times that a file is made again because another run that ended has just removed it.
const ATTEMPTS: usize = 100;

/// A place that no other run writes to for as long as this is there. It is marked by an empty file with a lock on it, which goes
/// when this is dropped; what a run that was killed leaves of it is nobody's, since its lock is gone.
#[derive(Debug)]
pub struct InUse {
    /// Goes first, while the lock is held: whoever has opened it meanwhile sees that it is gone. Nothing if a file of
    /// somebody else's has the name of the mark: it serves, and stays.
    _mark: Option<Temporary>,
    /// Locked. Nothing where the file system has no locks.
    _file: Option<File>,
}

impl InUse {
    /// Takes a folder, which must be there.
    ///
    /// # Errors
    /// [`Fatal::TryLater`]: another run writes into it. [`Fatal::Io`]: nothing can be written there.
    pub fn folder(path: &Path) -> Result<Self, Fatal> {
        Self::take(path.join(".in-use"), path, "into it")
    }

    /// Takes the name of a file, which need not be there.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub fn file(path: &Path) -> Result<Self, Fatal> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::take(path.with_file_name(format!(".{name}.in-use")), path, "it")
    }

    fn take(mark: PathBuf, path: &Path, what: &str) -> Result<Self, Fatal> {
        let cannot_write = |source| Fatal::cannot_write(path, source);
        for _ in 0..ATTEMPTS {
            let mut new = OpenOptions::new();
            let new = new.write(true).create(true).truncate(false).mode(0o600);
            let file = new.open(&mark).map_err(cannot_write)?;
            let is_empty = file.metadata().is_ok_and(|known| known.len() == 0);
            let ours = |file| {
                let made = is_empty.then(|| Temporary::make(mark.clone(), |_| Ok(())));
                let made = made.transpose().map_err(cannot_write)?;
                Ok(Self {
                    _mark: made.map(|(mark, ())| mark),
                    _file: file,
                })
            };
            match file.try_lock() {
                Ok(()) if !is_at(&file, &mark) => continue,
                Ok(()) => return ours(Some(file)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Fatal::TryLater(format!(
                        "{}: a different run is writing {what}. Wait until that run is finished, or stop it. Then run the \
                         same command again",
                        path.display()
                    )));
                }
                // A journal there would be refused; without one there is nothing to be had.
                Err(TryLockError::Error(_)) => return ours(None),
            }
        }
        Err(cannot_write(io::Error::other(
            "other runs begin and end there all the time",
        )))
    }
}

/// Whether a file has not been removed since it was opened.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitCode;

    #[test]
    fn a_place_is_taken_by_one_run_at_a_time_and_nothing_is_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.ndjson");
        type Take = fn(&Path) -> Result<InUse, Fatal>;
        for (take, path) in [
            (InUse::folder as Take, folder.path()),
            (InUse::file, &*file),
        ] {
            // What a run that was killed left of it.
            let there = take(path).unwrap();
            let mark = folder
                .path()
                .read_dir()
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path();
            drop(there);
            fs::write(&mark, "").unwrap();
            let first = take(path).unwrap();
            let second = take(path).unwrap_err();
            assert_eq!(second.exit_code(), ExitCode::TryLater);
            let words = second.to_string();
            assert!(words.contains("a different run is writing"), "{words}");
            drop(first);
            take(path).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
            // Somebody's own file of the name stays.
            fs::write(&mark, "theirs").unwrap();
            drop(take(path).unwrap());
            assert_eq!(fs::read_to_string(&mark).unwrap(), "theirs");
            fs::remove_file(&mark).unwrap();
        }
        let missing = InUse::folder(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.exit_code(), ExitCode::Io);
    }

    #[test]
    fn of_many_that_begin_and_end_at_the_same_time_one_is_there_at_a_time() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (there, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_in_use) = InUse::folder(folder.path()) {
                            assert_eq!(there.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            there.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
