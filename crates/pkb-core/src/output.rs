//! Writes blocks of lines on a thread of its own, so that a slow reader does not hold up calls to
//! PKB. Flushed whenever nothing more is waiting, so that pipes stay live.

mod kept;

use std::{
    io::{self, Write},
    path::Path,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::Fatal;
use pkb_files::atomic_file::{self, AtomicFile, InUse};

pub use kept::Kept;

/// Blocks that may wait for a slow reader before the pipeline waits too.
const WAITING_BLOCKS: usize = 64;
/// How often to look whether the last block is written.
const POLL: Duration = Duration::from_millis(2);

/// Where the records go.
pub enum Target {
    /// As they are settled.
    Stream(Box<dyn Write + Send>),
    /// Into a file that is complete or absent, and that no other run is writing.
    File(NewFile),
}

/// A file of records that replaces none that has more.
pub struct NewFile {
    file: AtomicFile,
    kept: Kept,
    _in_use: InUse,
}

impl NewFile {
    /// Begins the file that will stand at `path`. With `replace`, it replaces a stream there, whatever that has.
    ///
    /// # Errors
    /// It cannot be written there, what stands there is no record stream, or another run is writing it.
    pub fn create(path: &Path, replace: bool) -> Result<Self, Fatal> {
        let path = &*atomic_file::behind_links(path)?;
        let kept = Kept::at(path, replace)?;
        let in_use = InUse::file(path)?;
        Ok(Self {
            file: AtomicFile::create(path)?,
            kept,
            _in_use: in_use,
        })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// It cannot be written; or it lacks records that the file has which it would replace. Then that file is as it was.
    pub fn finish(mut self) -> Result<(), Fatal> {
        self.kept.check(self.file.to_read()?)?;
        self.file.finish()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Target {
    /// Standard output.
    pub fn stdout() -> Self {
        // Blocks come whole from the pipeline; `Stdout`'s own line buffering would cut them up.
        match std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned() {
            Ok(fd) => Self::Stream(Box::new(std::fs::File::from(fd))),
            Err(_) => Self::Stream(Box::new(io::stdout())),
        }
    }

    /// A file, or a device or pipe that stands there. With `replace`, a record stream that stands there is replaced
    /// whatever it has.
    ///
    /// # Errors
    /// As [`NewFile::create`].
    pub fn file(path: &Path, replace: bool) -> Result<Self, Fatal> {
        if is_standard_output(path) {
            return Ok(Self::stdout());
        }
        if is_stream(path) {
            let stream = std::fs::File::options().write(true).open(path);
            let stream = stream.map_err(|source| Fatal::cannot_write(path, source))?;
            return Ok(Self::Stream(Box::new(stream)));
        }
        NewFile::create(path, replace).map(Self::File)
    }

    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Stream(stream) => stream,
            Self::File(file) => file,
        }
    }
}

/// Whether what is written there goes on at once and leaves no file: a pipe, a device, or standard output.
pub fn is_stream(path: &Path) -> bool {
    let is_stream = |known: &std::fs::Metadata| !known.is_file() && !known.is_dir();
    is_standard_output(path) || path.metadata().is_ok_and(|known| is_stream(&known))
}

fn is_standard_output(path: &Path) -> bool {
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path == Path::new(name))
}

pub(crate) struct Output {
    blocks: mpsc::Sender<Vec<u8>>,
    writer: JoinHandle<Result<Target, Fatal>>,
}

/// The reader of our output has gone, or the disk is full: [`Output::finish`] says which.
pub(crate) struct OutputFailed;

impl Output {
    /// Starts the thread.
    pub(crate) fn start(mut target: Target) -> Self {
        let (blocks, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING_BLOCKS);
        let writer = std::thread::spawn(move || {
            let failed = |source| Fatal::io("cannot write the output", source);
            while let Some(block) = waiting.blocking_recv() {
                target.writer().write_all(&block).map_err(failed)?;
                if waiting.is_empty() {
                    target.writer().flush().map_err(failed)?;
                }
            }
            Ok(target)
        });
        Self { blocks, writer }
    }

    /// Hands over the whole lines in `block` and leaves it empty. If this is given up while it waits
    /// for a slow reader, the block is still there.
    pub(crate) async fn write(&self, block: &mut Vec<u8>) -> Result<(), OutputFailed> {
        let place = self.blocks.reserve().await.map_err(|_| OutputFailed)?;
        // A few lines, as they come while calls are waited for, are copied: memory for a whole block each
        // time would cost more than the lines.
        if block.len() < block.capacity() / 16 {
            place.send(block.as_slice().into());
            block.clear();
        } else {
            let next = Vec::with_capacity(block.capacity());
            place.send(std::mem::replace(block, next));
        }
        Ok(())
    }

    /// Completes when the writer has stopped early.
    pub(crate) async fn failed(&self) {
        self.blocks.closed().await;
    }

    /// Waits until all is written, at most for `patience` if that is given (a reader that has stopped
    /// reading would keep us for ever). A file gets its name only if the run was `complete`.
    pub(crate) async fn finish(
        self,
        complete: bool,
        patience: Option<Duration>,
    ) -> Result<(), Fatal> {
        drop(self.blocks);
        let end = patience.map(|patience| Instant::now() + patience);
        while !self.writer.is_finished() {
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        let target = self
            .writer
            .join()
            .unwrap_or_else(|_| Err(Fatal::Bug("the writer thread stopped".into())))?;
        match target {
            Target::File(file) if complete => tokio::task::block_in_place(|| file.finish()),
            Target::File(_) | Target::Stream(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileTypeExt as _;

    use super::*;

    #[tokio::test]
    async fn a_pipe_with_a_name_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || std::fs::read_to_string(path).unwrap()
        });
        let output = Output::start(Target::file(&path, false).unwrap());
        assert!(output.write(&mut b"{}\n".to_vec()).await.is_ok());
        output.finish(true, None).await.unwrap();
        assert_eq!(reader.join().unwrap(), "{}\n");
        assert!(path.metadata().unwrap().file_type().is_fifo());
    }
}
