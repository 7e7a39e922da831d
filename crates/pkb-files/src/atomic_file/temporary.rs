//! Names that are on the disk only for as long as this run works: files that are not finished yet, and the marks of
//! [`super::InUse`]. They are noted here, so that a run that is ended by a signal removes them wherever it is.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use parking_lot::{Mutex, MutexGuard};

/// All that there are now. Nothing is made, renamed or removed without this lock.
static NAMES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn names() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    NAMES.lock()
}

/// A file or folder that is removed when this is dropped, unless it was given its final name.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// Makes it at `path` by `make`.
    ///
    /// # Errors
    /// What `make` says; then nothing is noted.
    pub(super) fn make<T, E>(
        path: PathBuf,
        make: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let mut names = names();
        let made = make(&path)?;
        names.insert(path.clone());
        Ok((Self(path), made))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its final name by `rename`.
    ///
    /// # Errors
    /// What `rename` says; then it is removed.
    pub(super) fn keep(self, rename: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let mut names = names();
        let renamed = rename(&self.0);
        if renamed.is_ok() {
            names.remove(&self.0);
        }
        drop(names);
        renamed
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut names = names();
        if names.remove(&self.0) {
            remove(&self.0);
        }
    }
}

/// Removes all that there is. From now on no thread can make, rename or remove anything of the kind: for the end of a
/// program whose threads are still at work.
pub fn remove_all_and_stop() {
    let mut names = names();
    for path in std::mem::take(&mut *names) {
        remove(&path);
    }
    std::mem::forget(names);
}

/// What cannot be removed stays: the next run removes it.
fn remove(path: &Path) {
    let is_folder = path
        .symlink_metadata()
        .is_ok_and(|known| known.file_type().is_dir());
    let _ = match is_folder {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
}
