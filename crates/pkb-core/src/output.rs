//! Writes blocks of lines on a thread of its own, so that a slow reader does not hold up calls to
//! PKB. Flushed whenever nothing more is waiting, so that pipes stay live.

use std::{
    io::{self, Write},
    path::Path,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    Fatal,
    atomic_file::{AtomicFile, InUse},
};

/// Blocks that may wait for a slow reader before the pipeline waits too.
const WAITING_BLOCKS: usize = 64;
/// How often to look whether the last block is written.
const POLL: Duration = Duration::from_millis(2);

/// Where the records go.
pub enum Target {
    /// As they are settled.
    Stream(Box<dyn Write + Send>),
    /// Into a file that is complete or absent, and that no other run is writing.
    File(AtomicFile, InUse),
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

    /// A file, or a device or pipe that stands there.
    ///
    /// # Errors
    /// It cannot be written there, or another run is writing it.
    pub fn file(path: &Path) -> Result<Self, Fatal> {
        let is_stream = |known: &std::fs::Metadata| !known.is_file() && !known.is_dir();
        if path.metadata().is_ok_and(|known| is_stream(&known)) {
            let stream = std::fs::File::options().write(true).open(path);
            let stream = stream.map_err(|source| Fatal::cannot_write(path, source))?;
            return Ok(Self::Stream(Box::new(stream)));
        }
        let in_use = InUse::file(path)?;
        AtomicFile::create(path).map(|file| Self::File(file, in_use))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Stream(stream) => stream,
            Self::File(file, _) => file,
        }
    }
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
            Target::File(file, _in_use) if complete => file.finish(),
            Target::File(..) | Target::Stream(_) => Ok(()),
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
        let output = Output::start(Target::file(&path).unwrap());
        assert!(output.write(&mut b"{}\n".to_vec()).await.is_ok());
        output.finish(true, None).await.unwrap();
        assert_eq!(reader.join().unwrap(), "{}\n");
        assert!(path.metadata().unwrap().file_type().is_fifo());
    }
}
