//! Parts of a stream into the whole, in the order of the rows.
//!
//! The parts are read twice. The first time it is proven that they are the whole: every row of the patient file, each
//! once. Then they are read side by side, so that memory holds a line of each, and a bit a row. A part in another
//! order (`pkb-letters --sort postcode`) is read by an index of some bytes a row.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs::File,
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal,
    completeness::{Completeness, Gap},
    ndjson::{Line, NdjsonError, NdjsonReader},
    output::NewFile,
    record::Row,
    rows::Rows,
};
use pkb_files::shown;

/// Parts that are the whole.
#[derive(Debug)]
pub struct Whole {
    parts: Vec<Part>,
    /// The place of each file, by the numbers that were given to them as they were met.
    ranks: Vec<usize>,
    names: BTreeMap<String, usize>,
    rows: u64,
}

/// A part that has been read once.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// Files in the order in which they came.
    files: Vec<usize>,
    is_in_order: bool,
}

/// Place of a record in the whole: its file and its row.
type Place = (usize, u64);

/// Reads the parts and proves that they are the whole. `is_partial`: rows are missing on purpose, and only that none
/// came twice is proven.
///
/// # Errors
/// [`Fatal::Input`] with all that is wrong: rows that are missing or came twice, lines that are no records, parts of
/// different files.
pub fn prove(paths: &[PathBuf], is_partial: bool) -> Result<Whole, Fatal> {
    let mut proof = Proof::default();
    let mut parts = Vec::with_capacity(paths.len());
    for path in paths {
        parts.push(proof.read(path)?);
    }
    let ranks = proof.order_of_files(&parts);
    if !is_partial && !proof.is_broken_off {
        proof.find_gaps();
    }
    if !proof.faults.is_empty() {
        return Err(Fatal::Input(format!(
            "the shards are not complete:\n  {}",
            proof.faults.join("\n  ")
        )));
    }
    Ok(Whole {
        parts,
        ranks,
        names: proof.names,
        rows: proof.rows,
    })
}

impl Whole {
    /// How many records there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes all records into a file at `path`, in the order of their rows: files as they follow each other in the
    /// parts, and the rows of each by their numbers. Lines are copied as they are; `see` is shown each before.
    ///
    /// # Errors
    /// A part cannot be read again or was changed meanwhile, the file cannot be written, it lacks records of one that
    /// stands there (unless it is to `replace` that), or what `see` says. Then all is as it was.
    pub fn write(
        &self,
        path: &Path,
        replace: bool,
        mut see: impl FnMut(&[u8]) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let mut output = NewFile::create(path, replace)?;
        let mut readers = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            readers.push(self.open(part)?);
        }
        let mut next = BinaryHeap::new();
        let mut take = |at: usize, next: &mut BinaryHeap<_>| -> Result<(), Fatal> {
            if let Some(reader) = readers.get_mut(at)
                && let Some((place, raw)) = reader.next(self)?
            {
                next.push(Reverse((place, at, raw)));
            }
            Ok(())
        };
        for at in 0..self.parts.len() {
            take(at, &mut next)?;
        }
        let (mut last, mut rows) = (None, 0);
        while let Some(Reverse((place, at, mut raw))) = next.pop() {
            if last.is_some_and(|last| last >= place) {
                return Err(changed(&self.parts[at].path));
            }
            see(&raw)?;
            raw.push(b'\n');
            output
                .write_all(&raw)
                .map_err(|source| Fatal::cannot_write(path, source))?;
            last = Some(place);
            rows += 1;
            take(at, &mut next)?;
        }
        if rows != self.rows {
            return Err(Fatal::Input(
                "the parts were changed while they were merged".into(),
            ));
        }
        output.finish()
    }

    fn open(&self, part: &Part) -> Result<PartReader, Fatal> {
        let file = open(&part.path)?;
        if part.is_in_order {
            return Ok(PartReader::AsItIs(
                part.path.clone(),
                NdjsonReader::new(file),
            ));
        }
        let mut index = Vec::new();
        let mut reader = NdjsonReader::new(file);
        while let Some(line) = reader.read().map_err(|error| cannot(&part.path, error))? {
            let place = self.place(&line.record.row, &part.path)?;
            index.push((place, reader.offset(), line.raw.len()));
        }
        index.sort_unstable();
        Ok(PartReader::Indexed(
            part.path.clone(),
            open(&part.path)?,
            index.into_iter(),
        ))
    }

    fn place(&self, row: &Row, path: &Path) -> Result<Place, Fatal> {
        let file = self.names.get(&row.file);
        let rank = file.and_then(|file| self.ranks.get(*file));
        rank.map(|rank| (*rank, row.number))
            .ok_or_else(|| changed(path))
    }
}

/// Reads a part in the order of its rows.
enum PartReader {
    AsItIs(PathBuf, NdjsonReader<File>),
    Indexed(PathBuf, File, std::vec::IntoIter<(Place, u64, usize)>),
}

impl PartReader {
    fn next(&mut self, whole: &Whole) -> Result<Option<(Place, Vec<u8>)>, Fatal> {
        match self {
            Self::AsItIs(path, reader) => {
                let line = reader.read().map_err(|error| cannot(path, error))?;
                let with_place = |line: Line| {
                    let place = whole.place(&line.record.row, path)?;
                    Ok((place, line.raw.into_vec()))
                };
                line.map(with_place).transpose()
            }
            Self::Indexed(path, file, index) => {
                let Some((place, offset, bytes)) = index.next() else {
                    return Ok(None);
                };
                let mut raw = vec![0; bytes];
                file.read_exact_at(&mut raw, offset)
                    .map_err(|source| Fatal::cannot_read(path, source))?;
                Ok(Some((place, raw)))
            }
        }
    }
}

/// What the first reading finds.
#[derive(Default)]
struct Proof {
    seen: Completeness,
    /// A number for each file, in the order in which they were met.
    names: BTreeMap<String, usize>,
    /// How many rows each file says it has.
    of: Vec<u64>,
    rows: u64,
    /// A part was not read to its end, so that it is not known what is missing.
    is_broken_off: bool,
    faults: Vec<String>,
}

impl Proof {
    fn read(&mut self, path: &Path) -> Result<Part, Fatal> {
        let mut reader = NdjsonReader::new(open(path)?);
        let mut part = Part {
            path: path.to_owned(),
            files: Vec::new(),
            is_in_order: true,
        };
        let mut last: Option<Place> = None;
        let mut repeated: BTreeMap<usize, Rows> = BTreeMap::new();
        let mut contradicts = false;
        loop {
            let row = match reader.read() {
                Ok(Some(line)) => line.record.row,
                Ok(None) => break,
                Err(NdjsonError::Read(source)) => return Err(Fatal::cannot_read(path, source)),
                Err(error) => {
                    self.faults.push(format!("{}: {error}", path.display()));
                    self.is_broken_off = true;
                    break;
                }
            };
            self.rows += 1;
            let file = self.number(&row);
            contradicts |= self.of.get(file) != Some(&row.of);
            if !self.seen.note(&row) {
                repeated.entry(file).or_default().add(row.number);
            }
            match last {
                Some((other, number)) if other == file => {
                    part.is_in_order &= number < row.number;
                }
                _ => {
                    part.is_in_order &= !part.files.contains(&file);
                    part.files.push(file);
                }
            }
            last = Some((file, row.number));
        }
        for (file, rows) in repeated {
            self.faults.push(format!(
                "{}: {rows} of {} came twice. Give each shard once",
                path.display(),
                self.name(file)
            ));
        }
        if contradicts {
            self.faults.push(format!(
                "{} is from a different patient file: its number of rows is different. Give the shards of one campaign",
                path.display()
            ));
        }
        Ok(part)
    }

    /// The number of a row's file.
    fn number(&mut self, row: &Row) -> usize {
        if let Some(number) = self.names.get(&row.file) {
            return *number;
        }
        let number = self.of.len();
        self.names.insert(row.file.clone(), number);
        self.of.push(row.of);
        number
    }

    fn name(&self, number: usize) -> Cow<'_, str> {
        let mut names = self.names.iter();
        names
            .find_map(|(name, other)| (*other == number).then_some(name.as_str()))
            .map(shown::in_line)
            .unwrap_or_default()
    }

    /// The place of each file: each after those that are before it in any part; if no part tells, as they were met.
    fn order_of_files(&mut self, parts: &[Part]) -> Vec<usize> {
        let count = self.of.len();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
        for part in parts.iter().filter(|part| part.is_in_order) {
            for pair in part.files.windows(2) {
                before[pair[1]].push(pair[0]);
            }
        }
        let mut ranks = vec![None; count];
        for rank in 0..count {
            let next = (0..count).find(|file| {
                ranks[*file].is_none() && before[*file].iter().all(|other| ranks[*other].is_some())
            });
            match next {
                Some(file) => ranks[file] = Some(rank),
                None => {
                    self.faults
                        .push("the shards have the patient files in different orders, so they do not belong together. Split the input again: pkb split".into());
                    break;
                }
            }
        }
        ranks.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn find_gaps(&mut self) {
        if self.rows == 0 {
            self.faults.push("the parts have no rows".into());
        }
        for gap in self.seen.gaps() {
            let Gap {
                file, of, numbers, ..
            } = gap;
            let missing = of - gap.seen;
            // Numbers of empty rows are not told from those of missing ones.
            let among = if numbers.count() > missing {
                "among "
            } else {
                ""
            };
            self.faults.push(format!(
                "{}: {missing} of {of} rows are missing: {among}{numbers}. Add the shard that has them",
                shown::in_line(&file)
            ));
        }
    }
}

fn open(path: &Path) -> Result<File, Fatal> {
    File::open(path).map_err(|source| Fatal::cannot_read(path, source))
}

fn cannot(path: &Path, error: NdjsonError) -> Fatal {
    match error {
        NdjsonError::Read(source) => Fatal::cannot_read(path, source),
        _ => changed(path),
    }
}

fn changed(path: &Path) -> Fatal {
    Fatal::Input(format!(
        "{} changed while it was being merged. What to do: wait until nothing writes to it, then run the same command again",
        path.display()
    ))
}
