//! The manifest: which sheet belongs to which row, and a digest of each file. It goes with the letters to the people who
//! print and post them, so it holds no name and no code. `manifest.csv` is for people and mail-merge programs,
//! `manifest.json` says the same, and counts and digests besides.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal, Record,
    atomic_file::AtomicFile,
    record::{Delivery, Design, Edition},
    value::{LetterFormat, LetterLanguages, Postcode},
};
use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::editions::manifest_prefix;

/// The version of `manifest.json`.
pub const SCHEMA: &str = "pkb-manifest/1";

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    /// Its number, as printed on it.
    pub sequence: u64,
    /// The file it is in.
    pub file: String,
    /// Its first page in that file, from 1.
    pub first_page: u64,
    /// Its last page.
    pub last_page: u64,
    /// Row of the patient file.
    pub row: u64,
    /// Post code; empty for an address abroad.
    pub post_code: String,
    /// Languages, in their order.
    pub language: LetterLanguages,
    /// Size of print.
    pub format: LetterFormat,
}

impl ManifestRow {
    /// A letter of a record; `None` for a delivery without one.
    pub fn of(record: &Record, delivery: &Delivery) -> Option<Self> {
        let ((first_page, last_page), sequence) = (delivery.pages?, delivery.sequence?);
        let patient = record.patient.as_ref();
        let post_code = patient.and_then(|patient| patient.post_code.as_ref());
        Some(Self {
            sequence,
            file: delivery.file.clone(),
            first_page,
            last_page,
            row: record.row.number,
            post_code: post_code
                .map(Postcode::expose_postcode)
                .unwrap_or_default()
                .to_owned(),
            language: delivery.languages.unwrap_or_default(),
            format: delivery.format.unwrap_or_default(),
        })
    }

    /// Whether its pages can be those of a letter.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.first_page > 0
            && self.last_page >= self.first_page
            && self.last_page - self.first_page < 100
    }

    /// How many pages.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.last_page
            .saturating_sub(self.first_page)
            .saturating_add(1)
    }
}

/// A file of letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name in the folder.
    pub file: String,
    /// How many letters.
    pub letters: u64,
    /// How many pages.
    pub pages: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestJson {
    /// [`SCHEMA`].
    pub schema: String,
    /// All letters.
    pub letters: Vec<ManifestRow>,
    /// All files.
    pub files: Vec<ManifestFile>,
    /// Which design.
    pub design: Design,
    /// Whether the running number is printed on each sheet.
    pub is_numbered: bool,
    /// Whether the letters are those of a rehearsal, which nobody must post.
    #[serde(default)]
    pub rehearsal: bool,
    /// How many.
    pub counts: Counts,
}

/// How many there are of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Letters.
    pub letters: u64,
    /// Pages.
    pub pages: u64,
    /// Letters by languages.
    pub by_language: BTreeMap<LetterLanguages, u64>,
    /// Letters by size of print.
    pub by_format: BTreeMap<LetterFormat, u64>,
    /// Letters by number of pages.
    pub by_page_count: BTreeMap<u64, u64>,
}

/// Names of the two files of an edition.
#[must_use]
pub fn file_names(prefix: &str) -> [String; 2] {
    ["csv", "json"].map(|extension| format!("{prefix}manifest.{extension}"))
}

/// Whether the manifests in a folder are those of a rehearsal, and no others.
#[must_use]
pub fn is_rehearsal(folder: &Path) -> bool {
    let has = |is_rehearsal| {
        let names = file_names(&manifest_prefix(Edition::First, is_rehearsal));
        names.iter().any(|name| folder.join(name).exists())
    };
    has(true) && !has(false)
}

/// What a manifest says of all its letters.
#[derive(Debug, Clone, Copy)]
pub struct OfAll {
    /// Which design.
    pub design: Design,
    /// Whether the running number is printed on each sheet.
    pub is_numbered: bool,
    /// Whether they are those of a rehearsal.
    pub is_rehearsal: bool,
}

/// A manifest that is being written.
pub struct Manifest {
    folder: PathBuf,
    csv: csv::Writer<AtomicFile>,
    json: AtomicFile,
    of_all: OfAll,
    files: Vec<ManifestFile>,
    /// Where each file is in `files`: letters of one file need not follow each other.
    places: HashMap<String, usize>,
    counts: Counts,
}

impl Manifest {
    /// Starts the manifest of the letters in `folder`. `prefix` is empty for letters that are printed for the first time.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn create(folder: &Path, prefix: &str, of_all: OfAll) -> Result<Self, Fatal> {
        let [csv, json] = file_names(prefix).map(|name| AtomicFile::create(&folder.join(name)));
        let csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(csv?);
        let mut manifest = Self {
            folder: folder.to_owned(),
            csv,
            json: json?,
            of_all,
            files: Vec::new(),
            places: HashMap::new(),
            counts: Counts::default(),
        };
        manifest.csv.write_record(COLUMNS).map_err(|_| full())?;
        let head = format!("{{\"schema\":\"{SCHEMA}\",\"letters\":[");
        manifest.json(head.as_bytes())?;
        Ok(manifest)
    }

    /// Adds a letter.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, row: &ManifestRow) -> Result<(), Fatal> {
        self.csv.write_record(cells(row)).map_err(|_| full())?;
        let mut line = serde_json::to_vec(row).map_err(|_| full())?;
        line.insert(0, b'\n');
        if self.counts.letters > 0 {
            line.insert(0, b',');
        }
        self.json(&line)?;
        self.count(row);
        Ok(())
    }

    fn count(&mut self, row: &ManifestRow) {
        let pages = row.page_count();
        self.counts.letters += 1;
        self.counts.pages += pages;
        *self.counts.by_language.entry(row.language).or_default() += 1;
        *self.counts.by_format.entry(row.format).or_default() += 1;
        *self.counts.by_page_count.entry(pages).or_default() += 1;
        let next = self.places.len();
        let place = *self.places.entry(row.file.clone()).or_insert(next);
        match self.files.get_mut(place) {
            Some(file) => {
                file.letters += 1;
                file.pages += pages;
            }
            None => self.files.push(ManifestFile {
                file: row.file.clone(),
                letters: 1,
                pages,
                bytes: 0,
                sha256: String::new(),
            }),
        }
    }

    /// Digests the files as they are on the disk, and gives both manifests their names.
    ///
    /// # Errors
    /// A file of letters cannot be read, or the disk is full.
    pub fn finish(mut self) -> Result<(), Fatal> {
        let folder = &self.folder;
        self.files.par_iter_mut().try_for_each(|file| {
            let path = folder.join(&file.file);
            (file.bytes, file.sha256) =
                digest(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
            Ok::<_, Fatal>(())
        })?;
        let rest = serde_json::json!({
            "files": self.files,
            "design": self.of_all.design,
            "is_numbered": self.of_all.is_numbered,
            "rehearsal": self.of_all.is_rehearsal,
            "counts": self.counts,
        });
        let rest = serde_json::to_string_pretty(&rest).map_err(|_| full())?;
        self.json(b"\n],")?;
        self.json(rest.trim_start_matches('{').as_bytes())?;
        self.json(b"\n")?;
        self.json.finish()?;
        let csv = self.csv.into_inner().map_err(|_| full())?;
        csv.finish()
    }

    fn json(&mut self, bytes: &[u8]) -> Result<(), Fatal> {
        let failed = |source| Fatal::cannot_write(Path::new("manifest.json"), source);
        self.json.write_all(bytes).map_err(failed)
    }
}

const COLUMNS: [&str; 8] = [
    "sequence",
    "file",
    "first_page",
    "last_page",
    "row",
    "post_code",
    "language",
    "format",
];

fn cells(row: &ManifestRow) -> [String; 8] {
    [
        row.sequence.to_string(),
        row.file.clone(),
        row.first_page.to_string(),
        row.last_page.to_string(),
        row.row.to_string(),
        row.post_code.clone(),
        row.language.as_str().to_owned(),
        row.format.as_str().to_owned(),
    ]
}

/// Some rows as a CSV file of their own, for a part of the letters.
#[must_use]
pub fn csv_of(rows: &[ManifestRow]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let _ = writer.write_record(cells(row));
    }
    writer.into_inner().unwrap_or_default()
}

/// Length and SHA-256 of a file.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        match file.read(&mut block)? {
            0 => break,
            n => {
                hasher.update(block.get(..n).unwrap_or_default());
                bytes += n as u64;
            }
        }
    }
    Ok((bytes, hexadecimal(&hasher.finalize())))
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn full() -> Fatal {
    Fatal::cannot_write(
        Path::new("manifest.csv"),
        io::Error::other("the manifest cannot be written"),
    )
}
