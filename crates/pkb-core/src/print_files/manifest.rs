//! The manifest: which sheet belongs to which row, and a digest of each file. It goes with the letters to the people who
//! print and post them, so it holds no name and no code. `manifest.csv` is for people and mail-merge programs,
//! `manifest.json` says the same, and counts and digests besides.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::editions::manifest_prefix;
use crate::{
    Record,
    record::{Delivery, Design, Edition},
};
use pkb_values::{LetterFormat, LetterLanguages, Postcode};

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
