//! Files with what others must not see.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use atomic_write_file::AtomicWriteFile;

/// A file that only its owner may read, and that has its name only once it is complete.
pub struct PrivateFile(BufWriter<AtomicWriteFile>);

impl PrivateFile {
    /// Opens a file that will have this name, with mode 0600. One of this name that is there stays until [`PrivateFile::finish`].
    ///
    /// # Errors
    /// The file cannot be made there. The message names it.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let mut options = AtomicWriteFile::options();
        // The mode of a file that is replaced would otherwise win.
        atomic_write_file::unix::OpenOptionsExt::preserve_mode(&mut options, false);
        options.mode(0o600);
        let file = options
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(BufWriter::with_capacity(1 << 16, file)))
    }

    /// Writes what is left and gives the file its name, in the place of an older one.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<()> {
        let file = self
            .0
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.commit()?;
        Ok(())
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
