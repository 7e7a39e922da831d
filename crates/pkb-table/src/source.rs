//! The bytes of a table: a file, or a spool that holds what can be read only once.

use std::{
    env,
    fmt::{self, Display},
    fs::{File, Metadata},
    io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;
use pkb_core::Fatal;
use pkb_files::exposure;

/// Bytes asked of the system at once.
const BUFFER: usize = 256 << 10;
/// What standard input is called.
const STDIN: &str = "stdin";
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Enough to tell the formats apart: a ZIP archive names its first file within it.
const HEAD: u64 = 64;

/// Bytes that can be read from the beginning, as often as is wanted and at the same time.
#[derive(Clone)]
pub(super) struct Source {
    file: Arc<File>,
    /// What messages call it: the path as it was given.
    shown: Arc<str>,
    name: Arc<str>,
    gzip: bool,
    /// What the file was like when it was opened.
    opened: FileState,
}

/// Length and time of the last write (seconds, nanoseconds).
type FileState = (u64, i64, i64);

fn state(metadata: &Metadata) -> FileState {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, Fatal> {
        if path.as_os_str() == "-" {
            return Self::spooled(STDIN, STDIN, io::stdin().lock());
        }
        let shown = path.display().to_string();
        let name = path
            .file_name()
            .map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        let cannot_read = |source| Fatal::cannot_read(path, source);
        let file = File::open(path).map_err(cannot_read)?;
        let kind = file.metadata().map_err(cannot_read)?.file_type();
        if kind.is_dir() {
            Err(Fatal::Input(format!("{shown} is a folder, not a file")))
        } else if kind.is_file() {
            exposure::warn_of_file(path);
            Self::new(file, &shown, &name)
        } else {
            // A pipe, such as that of a shell's <(...).
            Self::spooled(&shown, &name, file)
        }
    }

    /// Keeps what can be read only once.
    pub(super) fn spooled(shown: &str, name: &str, mut from: impl Read) -> Result<Self, Fatal> {
        let mut file = spool_file()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => file.write_all(&buffer[..read]).map_err(cannot_spool)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fatal::cannot_read(Path::new(shown), error)),
            }
        }
        Self::new(file, shown, name)
    }

    /// The same table in another form, which messages call by the same name.
    pub(super) fn replaced_by(&self, spool: Arc<File>) -> Self {
        let opened = spool.metadata().map_or(self.opened, |now| state(&now));
        Self {
            opened,
            file: spool,
            gzip: false,
            ..self.clone()
        }
    }

    fn new(file: File, shown: &str, name: &str) -> Result<Self, Fatal> {
        let opened = file
            .metadata()
            .map_err(|source| Fatal::cannot_read(Path::new(shown), source))?;
        let mut source = Self {
            opened: state(&opened),
            file: Arc::new(file),
            shown: shown.into(),
            name: name.into(),
            gzip: false,
        };
        source.gzip = source.head()?.starts_with(&GZIP);
        Ok(source)
    }

    /// Whether the file at `path` is this one.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let same =
            |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
        match (self.file.metadata(), path.metadata()) {
            (Ok(one), Ok(other)) => same(&one, &other),
            _ => false,
        }
    }

    /// Whether the file has been written to since it was opened.
    pub(super) fn is_changed(&self) -> bool {
        self.file.metadata().ok().map(|now| state(&now)) != Some(self.opened)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// The first bytes, unpacked.
    pub(super) fn head(&self) -> Result<Vec<u8>, Fatal> {
        let mut head = Vec::new();
        self.reader()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(|error| self.unreadable(error))?;
        Ok(head)
    }

    /// All bytes from the beginning, unpacked.
    pub(super) fn reader(&self) -> Box<dyn Read + Send> {
        if self.gzip {
            let packed = BufReader::with_capacity(BUFFER, self.cursor());
            Box::new(MultiGzDecoder::new(packed))
        } else {
            Box::new(self.cursor())
        }
    }

    /// A reader that can go to any place, as archives need; spools what is packed.
    pub(super) fn seekable(&self) -> Result<BufReader<Cursor>, Fatal> {
        if !self.gzip {
            return Ok(BufReader::new(self.cursor()));
        }
        let mut packed = BufReader::with_capacity(BUFFER, self.reader());
        let mut spool = spool_file()?;
        loop {
            let bytes = packed.fill_buf().map_err(|error| self.unreadable(error))?;
            if bytes.is_empty() {
                break;
            }
            spool.write_all(bytes).map_err(cannot_spool)?;
            let read = bytes.len();
            packed.consume(read);
        }
        Ok(BufReader::new(self.replaced_by(Arc::new(spool)).cursor()))
    }

    fn cursor(&self) -> Cursor {
        Cursor {
            file: Arc::clone(&self.file),
            at: 0,
        }
    }

    /// A command that looks at the file with one more option.
    pub(super) fn command(&self, option: &str) -> String {
        let path = if &*self.shown == STDIN {
            "-"
        } else {
            &*self.shown
        };
        let is_plain = |c: char| c.is_alphanumeric() || "./_-+=@%:,".contains(c);
        if path.chars().all(is_plain) {
            format!("pkb-upload check {path} {option}")
        } else {
            format!(
                "pkb-upload check '{}' {option}",
                path.replace('\'', "'\\''")
            )
        }
    }

    /// What a failed read of this source is to the operator.
    pub(super) fn unreadable(&self, error: io::Error) -> Fatal {
        // Errors of the system have a number, those of the unpacker have none.
        if self.gzip && error.raw_os_error().is_none() {
            Fatal::Input(format!(
                "{self}: the gzip data is damaged or ends early. Copy or export the file again"
            ))
        } else {
            Fatal::cannot_read(Path::new(&*self.shown), error)
        }
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A file for patients' data that must outlive one reading. It has no name from the first moment,
/// only this user may read it, and it vanishes with the process, however that ends.
pub(super) fn spool_file() -> Result<File, Fatal> {
    tempfile::tempfile().map_err(cannot_spool)
}

/// What a failed write to a spool is to the operator.
pub(super) fn cannot_spool(error: io::Error) -> Fatal {
    let folder = env::temp_dir();
    let what = format!(
        "cannot write a temporary file in {}. To use a different folder: TMPDIR=DIR",
        folder.display()
    );
    Fatal::io(what, error)
}

/// A place of its own in a shared file: two readers do not move each other.
pub(super) struct Cursor {
    file: Arc<File>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
