//! The journal of a stage: a file of settled records, so that a stage that was stopped can be run
//! again by the same command and answers from the file what it has already done.
//!
//! Each line is a JSON object in the form of the stage's output with a checksum behind it ([`check`]),
//! so any earlier output of the stage serves as its journal. Whoever reads a line sees it without. Lines are only ever appended. What a line means, and the order of act,
//! journal and output, is the caller's: a record is handed on when [`Journal::sync`] has returned,
//! not before. Everything here blocks for as long as the disk takes.
//!
//! Measured: `kill -9` tears even an append of a single line, at page boundaries. So healing the
//! end of the file is part of opening it.

pub mod check;
mod index;
mod key;
mod lookup;
mod scan;
pub mod storage;
#[cfg(test)]
mod tests;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use self::check::{ADDED_BYTES, Chain};
pub use self::index::Span;
use self::index::{Index, MAX_FILE_BYTES};
pub use self::key::Key;
pub use self::lookup::{Fetched, Lookup};
pub use self::scan::damaged;
use crate::{Fatal, atomic_file::sync_name, lines::MAX_LINE_BYTES};

/// Bytes of appended lines that are held back at most.
const PENDING_BYTES: usize = 128 << 10;
/// Appended lines after which a sync is due.
pub const MAX_UNSYNCED_LINES: usize = 256;
/// Time after which a sync is due.
pub const MAX_UNSYNCED_WAIT: Duration = Duration::from_millis(100);

/// An open journal. Nobody else can open the file until it is dropped.
///
/// Dropping it writes what was appended and does not sync; after an error it writes nothing.
pub struct Journal {
    file: Arc<File>,
    path: Arc<Path>,
    /// Shared with every [`Lookup`].
    index: Arc<Index>,
    /// Bytes cut off when the file was opened.
    cut_bytes: u64,
    /// Bytes of the file. Lines in `pending` begin here.
    written: u64,
    /// All lines, also those in `pending`.
    chain: Chain,
    /// Appended lines, with line ends, that are not in the file yet.
    pending: Vec<u8>,
    /// Lines appended since the last sync, and when the first of them was.
    unsynced: usize,
    unsynced_since: Option<Instant>,
    /// A write failed: what is in the file behind `written` is not known.
    broken: bool,
}

impl Journal {
    /// Opens the journal at `path`, or makes it with mode 0600, and locks it.
    ///
    /// `read` is given each line once, without its line end, and where it begins; lines are read by several threads
    /// and in no order. `visit` is given what `read` made of them, in file order, and says by which key the line is found
    /// later, rather than an earlier line with the same key. Either returns an error for what is not a whole line of this stage. The error's text gets into the
    /// message and must not repeat the line.
    ///
    /// The rest of a write that was broken off (all after the last whole line) is cut off;
    /// [`Self::cut_bytes`] tells how much. A last line that lacks only its line end gets it. When
    /// this returns, all that can be looked up is on the disk.
    ///
    /// # Errors
    /// * [`Fatal::TryLater`]: another run is using the file. [`Fatal::Usage`]: its file system cannot lock.
    /// * [`Fatal::Input`]: a line is damaged, lost, doubled or another journal's, `read` or `visit` refused one
    ///   that is a whole JSON object, or the file was never a journal. The file is as it was.
    /// * [`Fatal::Io`]: the file cannot be made, read, written or locked, or is not a regular file.
    pub fn open<T: Send>(
        path: &Path,
        read: impl Fn(&[u8], u64) -> Result<T, Fatal> + Sync,
        visit: impl FnMut(T) -> Result<Option<Key>, Fatal>,
    ) -> Result<Self, Fatal> {
        let cannot_write = |source| Fatal::cannot_write(path, source);
        // Asked before opening: that alone can wait (a pipe) or do things (a device).
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(Fatal::io(
                format!("cannot use {} as a journal", path.display()),
                io::Error::other("not a regular file"),
            ));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(cannot_write)?;
        lock(&file, path)?;
        let found_bytes = file.metadata().map_err(cannot_write)?.len();
        let scan = scan::scan(&file, found_bytes, path, read, visit)?;
        let written = heal(&file, &scan, found_bytes).map_err(cannot_write)?;
        if found_bytes == 0 {
            sync_name(path).map_err(cannot_write)?;
        } else {
            // A run that was killed may have left lines that are still on their way to the disk.
            // They are about to be handed on, which is for synced lines only.
            file.sync_data().map_err(cannot_write)?;
        }
        Ok(Self {
            file: Arc::new(file),
            path: path.into(),
            index: Arc::new(scan.index),
            chain: scan.chain,
            cut_bytes: found_bytes.saturating_sub(scan.good_bytes),
            written,
            pending: Vec::new(),
            unsynced: 0,
            unsynced_since: None,
            broken: false,
        })
    }

    /// How many bytes of a write that was broken off were cut away by [`Self::open`].
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// The lines that there were when it was opened, for all threads.
    pub fn lookup(&self) -> Lookup {
        Lookup {
            index: Arc::clone(&self.index),
            file: Arc::clone(&self.file),
            path: Arc::clone(&self.path),
        }
    }

    /// Appends `line`, a whole JSON object without line end. It is on the disk after the next sync, and can be looked up
    /// when the journal is opened again; `now` is when the wait for the sync begins.
    ///
    /// # Errors
    /// * [`Fatal::Input`]: the line is, with its check, longer than [`MAX_LINE_BYTES`]; nothing was appended.
    /// * [`Fatal::Io`]: the file cannot be written. The journal takes nothing more; lines that were
    ///   synced are intact, and the next [`Self::open`] heals the rest.
    /// * [`Fatal::Bug`]: the line is not a JSON object on one line.
    pub fn append(&mut self, line: &[u8], now: Instant) -> Result<(), Fatal> {
        self.check_not_broken()?;
        if line.len() + ADDED_BYTES > MAX_LINE_BYTES {
            return Err(Fatal::Input(format!(
                "{}: a record of more than 1 MiB cannot be kept",
                self.path.display()
            )));
        }
        let offset = self.written + self.pending.len() as u64;
        if offset + MAX_LINE_BYTES as u64 >= MAX_FILE_BYTES {
            return Err(scan::too_large(&self.path));
        }
        self.chain.append(&mut self.pending, line)?;
        self.pending.push(b'\n');
        self.unsynced += 1;
        self.unsynced_since.get_or_insert(now);
        if self.pending.len() >= PENDING_BYTES {
            self.write_pending()?;
        }
        Ok(())
    }

    /// Puts all that was appended on the disk. Does nothing if it is there.
    ///
    /// # Errors
    /// [`Fatal::Io`] as with [`Self::append`]: lines since the last sync may be lost.
    pub fn sync(&mut self) -> Result<(), Fatal> {
        self.check_not_broken()?;
        if self.unsynced == 0 {
            return Ok(());
        }
        self.write_pending()?;
        if let Err(source) = self.file.sync_data() {
            // Trying again would prove nothing: the system may have dropped what it could not write.
            self.broken = true;
            return Err(Fatal::cannot_write(&self.path, source));
        }
        self.unsynced = 0;
        self.unsynced_since = None;
        Ok(())
    }

    /// When the next sync is due (a time that has passed if enough lines are waiting); `None` if
    /// everything is synced.
    pub fn sync_due(&self) -> Option<Instant> {
        let since = self.unsynced_since?;
        if self.unsynced >= MAX_UNSYNCED_LINES {
            Some(since)
        } else {
            Some(since + MAX_UNSYNCED_WAIT)
        }
    }

    fn check_not_broken(&self) -> Result<(), Fatal> {
        if self.broken {
            let earlier = io::Error::other("an earlier write failed");
            return Err(Fatal::cannot_write(&self.path, earlier));
        }
        Ok(())
    }

    /// Hands the appended lines to the operating system.
    fn write_pending(&mut self) -> Result<(), Fatal> {
        if let Err(source) = self.file.write_all_at(&self.pending, self.written) {
            self.broken = true;
            // For tidiness: if this fails too, opening will heal it.
            let _ = self.file.set_len(self.written);
            return Err(Fatal::cannot_write(&self.path, source));
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.broken {
            // Nobody has been promised these lines; if it fails, their work is done again.
            let _ = self.write_pending();
        }
        // Threads that look lines up may have the file open for a moment yet.
        let _ = self.file.unlock();
    }
}

/// Reads the journal at `path` and changes nothing: it takes no lock, and what a run that is writing
/// appends meanwhile is not seen. `visit` is given each line as by [`Journal::open`]. Returns whether the
/// last line was torn, and so left out.
///
/// # Errors
/// * [`Fatal::Input`]: there is no such file, a line is damaged, lost, doubled or another journal's,
///   `visit` refused one, or the file was never a journal.
/// * [`Fatal::Io`]: the file cannot be read, or is not a regular file.
pub fn read(path: &Path, mut visit: impl FnMut(&[u8]) -> Result<(), Fatal>) -> Result<bool, Fatal> {
    let cannot_read = |source| Fatal::cannot_read(path, source);
    if !path.metadata().map_err(cannot_read)?.is_file() {
        return Err(cannot_read(io::Error::other("not a regular file")));
    }
    let file = File::open(path).map_err(cannot_read)?;
    let bytes = file.metadata().map_err(cannot_read)?.len();
    // `visit` says which JSON object it does not know, and not what was never a journal.
    let read = |line: &[u8], _| match scan::is_whole(line) {
        true => Ok(line.to_vec()),
        false => Err(Fatal::Input("not a JSON object".into())),
    };
    let scan = scan::scan(&file, bytes, path, read, |line| visit(&line).map(|()| None))?;
    Ok(scan.good_bytes < bytes)
}

/// Locks the whole file until it is closed, without waiting.
fn lock(file: &File, path: &Path) -> Result<(), Fatal> {
    file.try_lock().map_err(|error| cannot_lock(path, error))
}

/// "No locks available": on NFS version 3 the lock service of client or server does not answer (nfs(5)).
const ENOLCK: i32 = 37;

fn cannot_lock(path: &Path, error: TryLockError) -> Fatal {
    let source = match error {
        TryLockError::WouldBlock => {
            // A machine that died keeps its lock on a file server for a while.
            return Fatal::TryLater(format!(
                "{} is in use by a different run. Wait until that run is finished, or stop it. Then run the same command again",
                path.display()
            ));
        }
        TryLockError::Error(source) => source,
    };
    let has_no_locks =
        source.kind() == io::ErrorKind::Unsupported || source.raw_os_error() == Some(ENOLCK);
    if has_no_locks {
        return Fatal::Usage(format!(
            "{} is on a file system without locks, so a second run could print letters twice. What to do: put the journal \
             on a \
             different file system, or switch on locks there",
            path.display()
        ));
    }
    Fatal::io(format!("cannot lock {}", path.display()), source)
}

/// Makes the file end with its last whole line. Returns the bytes that it has then.
fn heal(file: &File, scan: &scan::Scan, found_bytes: u64) -> io::Result<u64> {
    if scan.lacks_line_end {
        file.write_all_at(b"\n", scan.good_bytes)?;
        return Ok(scan.good_bytes + 1);
    }
    if scan.good_bytes < found_bytes {
        file.set_len(scan.good_bytes)?;
    }
    Ok(scan.good_bytes)
}

/// Fills `buffer` from `offset` on.
fn read_at(file: &File, path: &Path, buffer: &mut [u8], offset: u64) -> Result<(), Fatal> {
    file.read_exact_at(buffer, offset)
        .map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Fatal::io(
                format!("cannot read {}", path.display()),
                io::Error::other("a different program shortened it"),
            ),
            _ => Fatal::cannot_read(path, source),
        })
}
