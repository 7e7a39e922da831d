//! Records that have to be seen in another order than they came in: kept in a temporary file without a name, so that
//! memory holds a few bytes a record, and nothing is left behind however the program ends.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    os::unix::fs::FileExt as _,
};

use crate::{
    Fatal, Record,
    ndjson::{NdjsonError, NdjsonReader},
};

/// Where a record is in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    offset: u64,
    bytes: u32,
}

/// A spool that is being filled.
pub struct Spool {
    file: BufWriter<File>,
    end: u64,
}

impl Spool {
    /// An empty spool in the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// It cannot be made there.
    pub fn create() -> Result<Self, Fatal> {
        Ok(Self {
            file: BufWriter::new(tempfile::tempfile().map_err(cannot_spool)?),
            end: 0,
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, raw: &[u8]) -> Result<Place, Fatal> {
        self.file.write_all(raw).map_err(cannot_spool)?;
        let place = Place {
            offset: self.end,
            bytes: u32::try_from(raw.len())
                .map_err(|_| Fatal::Bug("a record is longer than a record can be".into()))?,
        };
        self.end += u64::from(place.bytes);
        Ok(place)
    }

    /// The spool, for reading.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<SpooledRecords, Fatal> {
        let file = self
            .file
            .into_inner()
            .map_err(|error| cannot_spool(error.into_error()))?;
        Ok(SpooledRecords { file })
    }
}

/// A spool that is being read.
pub struct SpooledRecords {
    file: File,
}

impl SpooledRecords {
    /// The line at a place.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn line(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut line = vec![0; place.bytes as usize];
        self.file.read_exact_at(&mut line, place.offset)?;
        Ok(line)
    }

    /// The record at a place.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn record(&self, place: Place) -> Result<Record, Fatal> {
        let line = self.line(place).map_err(cannot_spool)?;
        serde_json::from_slice(&line)
            .map_err(|_| Fatal::Bug("a record in a temporary file is damaged".into()))
    }

    /// The lines at these places, in this order, as a stream.
    #[must_use]
    pub fn stream(self, places: Vec<Place>) -> impl Read + Send {
        Stream {
            records: self,
            places: places.into_iter(),
            line: io::Cursor::default(),
        }
    }
}

struct Stream {
    records: SpooledRecords,
    places: std::vec::IntoIter<Place>,
    line: io::Cursor<Vec<u8>>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.line.read(buffer)? {
                0 => {}
                n => return Ok(n),
            }
            let Some(place) = self.places.next() else {
                return Ok(0);
            };
            let mut line = self.records.line(place)?;
            line.push(b'\n');
            self.line = io::Cursor::new(line);
        }
    }
}

/// Reads all records of a stream.
///
/// # Errors
/// What `each` says, and what is wrong with the input.
pub fn read_all(
    input: Box<dyn Read + Send>,
    mut each: impl FnMut(Record, &[u8]) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let mut reader = NdjsonReader::new(input);
    let failed = |error: NdjsonError| match error {
        NdjsonError::Read(source) => Fatal::io("cannot read the records", source),
        error => Fatal::Input(error.to_string()),
    };
    while let Some(line) = reader.read().map_err(failed)? {
        each(*line.record, &line.raw)?;
    }
    Ok(())
}

fn cannot_spool(source: io::Error) -> Fatal {
    let folder = std::env::temp_dir();
    Fatal::io(
        format!(
            "cannot use a temporary file in {}. To use a different folder: TMPDIR=DIR",
            folder.display()
        ),
        source,
    )
}
