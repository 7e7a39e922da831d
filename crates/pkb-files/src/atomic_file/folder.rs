//! Folders of many files that are complete or absent under their final name.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use parking_lot::Mutex;

use super::temporary::Temporary;
use crate::Fatal;

/// Files that are brought to the disk at the same time: the disk takes as long for eight as for one.
const WRITERS: usize = 8;
/// Files that may wait for a writer.
const WAITING: usize = 64;

/// A folder that gets its name when [`AtomicFolder::finish`] is called, with all that was written into it on the disk.
/// Until then it stands beside its place as `.NAME.unfinished`; what a run that was killed has left of that is removed
/// when it is made again.
pub struct AtomicFolder {
    path: PathBuf,
    /// Nothing after it has its name.
    unfinished: Option<Temporary>,
    /// Nothing after it was dropped.
    queue: Option<mpsc::SyncSender<(String, Vec<u8>)>>,
    writers: Vec<JoinHandle<Result<(), Fatal>>>,
}

impl AtomicFolder {
    /// Begins a folder that will stand at `path`, with mode 0700. One that is there already stays until this one is
    /// finished.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path) -> Result<Self, Fatal> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = path.with_file_name(format!(".{name}.unfinished"));
        let (unfinished, ()) = Temporary::make(unfinished, |path| {
            remove(path)?;
            super::create_private_folder(path)
        })?;
        let (queue, files) = mpsc::sync_channel(WAITING);
        let files = Arc::new(Mutex::new(files));
        let writers = (0..WRITERS).map(|_| {
            let (files, folder) = (Arc::clone(&files), unfinished.path().to_owned());
            std::thread::spawn(move || write_all(&files, &folder))
        });
        Ok(Self {
            path: path.to_owned(),
            writers: writers.collect(),
            unfinished: Some(unfinished),
            queue: Some(queue),
        })
    }

    /// Writes a file of this name (no path), with mode 0600. It is not there yet when this returns.
    ///
    /// # Errors
    /// Files cannot be written; which and why is said here or by one of the next calls.
    pub fn write(&mut self, name: &str, content: Vec<u8>) -> Result<(), Fatal> {
        let file = (name.to_owned(), content);
        match self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.send(file).is_ok())
        {
            true => Ok(()),
            false => self.written().and_then(|()| {
                Err(Fatal::Bug(
                    "a file came after the last of its folder".into(),
                ))
            }),
        }
    }

    /// Waits until all files are on the disk. Nothing more can be written.
    ///
    /// # Errors
    /// One could not be written.
    pub fn written(&mut self) -> Result<(), Fatal> {
        self.queue = None;
        let mut result = Ok(());
        for writer in self.writers.drain(..) {
            let ended = writer.join();
            let ended =
                ended.unwrap_or_else(|_| Err(Fatal::Bug("a writer ended unexpectedly".into())));
            result = result.and(ended);
        }
        result
    }

    /// Opens a file after [`Self::written`].
    ///
    /// # Errors
    /// It is not there.
    pub fn open(&self, name: &str) -> Result<File, Fatal> {
        let folder = self
            .unfinished
            .as_ref()
            .map_or(&*self.path, |unfinished| unfinished.path());
        let path = folder.join(name);
        File::open(&path).map_err(|source| Fatal::cannot_read(&path, source))
    }

    /// Gives the folder its name, in place of one that has it.
    ///
    /// # Errors
    /// The disk is full or failed; then there is no folder.
    pub fn finish(mut self) -> Result<(), Fatal> {
        self.written()?;
        let path = self.path.clone();
        let cannot = |source| Fatal::cannot_write(&path, source);
        if let Some(unfinished) = self.unfinished.take() {
            let folder = File::open(unfinished.path());
            folder
                .and_then(|folder| folder.sync_all())
                .map_err(cannot)?;
            let mut removed = Ok(());
            let renamed = unfinished.keep(|unfinished| {
                removed = remove(&path);
                fs::rename(unfinished, &path)
            });
            removed.and(renamed.map_err(cannot))?;
        }
        super::sync_name(&path).map_err(cannot)
    }
}

impl Drop for AtomicFolder {
    fn drop(&mut self) {
        // What went wrong has been said, or it is being dropped for another reason.
        let _ = self.written();
    }
}

/// Writes files until no more come.
fn write_all(files: &Mutex<mpsc::Receiver<(String, Vec<u8>)>>, folder: &Path) -> Result<(), Fatal> {
    let next = || {
        let files = files.lock();
        files.recv().ok()
    };
    while let Some((name, content)) = next() {
        let path = folder.join(name);
        write(&path, &content).map_err(|source| Fatal::cannot_write(&path, source))?;
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = OpenOptions::new();
    let mut file = new.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn remove(folder: &Path) -> Result<(), Fatal> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fatal::cannot_write(folder, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The names and contents of the files in a folder, by name.
    fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    }

    #[test]
    fn a_folder_is_absent_until_it_is_finished_and_then_complete() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("letters");
        let expected: Vec<(String, Vec<u8>)> = (0..300_u16)
            .map(|number| (format!("{number:04}"), vec![7; usize::from(number)]))
            .collect();
        for _ in 0..2 {
            let mut folder = AtomicFolder::create(&path).unwrap();
            for (name, content) in &expected {
                folder.write(name, content.clone()).unwrap();
            }
            folder.written().unwrap();
            assert_eq!(folder.open("0007").unwrap().metadata().unwrap().len(), 7);
            folder.finish().unwrap();
            assert!(files_in(&path) == expected);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_folder_that_is_not_finished_leaves_the_old_one_and_nothing_else() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("letters");
        let mut folder = AtomicFolder::create(&path).unwrap();
        folder.write("old", b"old".to_vec()).unwrap();
        folder.finish().unwrap();
        let mut folder = AtomicFolder::create(&path).unwrap();
        folder.write("new", b"new".to_vec()).unwrap();
        drop(folder);
        assert_eq!(files_in(&path), [("old".into(), b"old".to_vec())]);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_the_folder_is_not_there() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("letters");
        let mut folder = AtomicFolder::create(&path).unwrap();
        folder.write("a", Vec::new()).unwrap();
        folder.write("a", Vec::new()).unwrap();
        let error = folder.finish().unwrap_err().to_string();
        assert!(error.contains(".letters.unfinished/a"), "{error}");
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }
}
