//! Writes the manifest, as CSV and as JSON, while the letters come; digests their files at the end.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal,
    record::{Design, Edition},
};
use pkb_files::atomic_file::AtomicFile;
use pkb_print_files::{
    editions::{edition_of, manifest_prefix},
    manifest::{Counts, ManifestFile, ManifestRow, SCHEMA, digest, file_names},
};
use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};

/// What a manifest says of all its letters.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfAll {
    /// Which design.
    pub design: Design,
    /// Whether the running number is printed on each sheet.
    pub is_numbered: bool,
    /// Whether they are those of a rehearsal.
    pub is_rehearsal: bool,
}

/// The manifests of a folder: one for each edition of which it has letters.
pub(super) struct Manifests {
    folder: PathBuf,
    of_all: OfAll,
    editions: BTreeMap<Edition, Manifest>,
}

impl Manifests {
    /// That of the first edition, which each folder has.
    ///
    /// # Errors
    /// It cannot be written there.
    pub(super) fn create(folder: &Path, of_all: OfAll) -> Result<Self, Fatal> {
        let mut manifests = Self {
            folder: folder.to_owned(),
            of_all,
            editions: BTreeMap::new(),
        };
        manifests.edition(Edition::First)?;
        Ok(manifests)
    }

    fn edition(&mut self, edition: Edition) -> Result<&mut Manifest, Fatal> {
        Ok(match self.editions.entry(edition) {
            Entry::Occupied(manifest) => manifest.into_mut(),
            Entry::Vacant(place) => {
                let prefix = manifest_prefix(edition, self.of_all.is_rehearsal);
                place.insert(Manifest::create(&self.folder, &prefix, self.of_all)?)
            }
        })
    }

    /// Adds a letter.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn add(&mut self, row: &ManifestRow) -> Result<(), Fatal> {
        match edition_of(&row.file) {
            Some(edition) => self.edition(edition)?.add(row),
            None => Ok(()),
        }
    }

    /// Digests the files as they are on the disk, and gives all manifests their names.
    ///
    /// # Errors
    /// A file of letters cannot be read, or the disk is full.
    pub(super) fn finish(self) -> Result<(), Fatal> {
        self.editions.into_values().try_for_each(Manifest::finish)
    }
}

/// A manifest that is being written.
struct Manifest {
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
    fn create(folder: &Path, prefix: &str, of_all: OfAll) -> Result<Self, Fatal> {
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
    fn add(&mut self, row: &ManifestRow) -> Result<(), Fatal> {
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
    fn finish(mut self) -> Result<(), Fatal> {
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

const COLUMNS: [&str; 9] = [
    "reference",
    "sequence",
    "file",
    "first_page",
    "last_page",
    "row",
    "postcode",
    "language",
    "format",
];

fn cells(row: &ManifestRow) -> [String; 9] {
    [
        row.reference.clone(),
        row.sequence.to_string(),
        row.file.clone(),
        row.first_page.to_string(),
        row.last_page.to_string(),
        row.row.to_string(),
        row.postcode.clone(),
        row.language.as_str().to_owned(),
        row.format.as_str().to_owned(),
    ]
}

/// Some rows as a CSV file of their own, for a part of the letters.
pub(super) fn csv_of(rows: &[ManifestRow]) -> Vec<u8> {
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

fn full() -> Fatal {
    Fatal::cannot_write(
        Path::new("manifest.csv"),
        io::Error::other("the manifest cannot be written"),
    )
}
