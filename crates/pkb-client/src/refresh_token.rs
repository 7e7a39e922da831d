//! The refresh token of a tethered-token client, in a file. Each token is good once and its use
//! brings the next, so the next is on the disk before anything else happens, and programs that
//! share the file (the stages of a pipeline) take turns.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pkb_core::Fatal;
use pkb_files::{
    atomic_file::AtomicFile,
    trusted_file::{self, Purpose},
};

/// How long to wait for another program's turn to end.
const TURN_TIMEOUT: Duration = Duration::from_secs(120);
/// How often to look whether it has ended.
const TURN_POLL: Duration = Duration::from_millis(50);

/// The file.
pub(super) struct RefreshTokenFile(PathBuf);

/// The file while it is ours alone.
pub(super) struct Held<'a> {
    path: &'a Path,
    /// The lock ends with it. A file of its own, since the token's is replaced at each turn.
    _lock: File,
}

impl RefreshTokenFile {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Waits for our turn.
    pub(super) async fn hold(&self) -> Result<Held<'_>, Fatal> {
        let mut name = self.0.clone().into_os_string();
        name.push(".lock");
        let path = PathBuf::from(name);
        let failed = |source| Fatal::cannot_write(&path, source);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let end = Instant::now() + TURN_TIMEOUT;
        loop {
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Held {
                        path: &self.0,
                        _lock: lock,
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    tokio::time::sleep(TURN_POLL).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Fatal::TryLater(format!(
                        "{} is in use by a different program. Wait until that program is finished, or stop it. Then run the \
                         same command again",
                        path.display()
                    )));
                }
            }
        }
    }
}

impl Held<'_> {
    /// The token.
    pub(super) fn read(&self) -> Result<String, Fatal> {
        pkb_files::exposure::warn_of_file(self.path);
        let text = trusted_file::read_to_string(self.path, Purpose::CREDENTIALS)
            .map_err(|unread| unread.or(|source| Fatal::cannot_read(self.path, source)))?;
        match text.trim() {
            "" => Err(Fatal::Usage(format!(
                "{} has no refresh token in it. What to do: ask a coordinator to make one in PKB's web interface, and put \
                 it into this file",
                self.path.display()
            ))),
            token => Ok(token.to_owned()),
        }
    }

    /// Stores the next token: complete and on the disk when this returns.
    pub(super) fn store(&self, token: &str) -> Result<(), Fatal> {
        AtomicFile::write(self.path, token.as_bytes())
    }
}
