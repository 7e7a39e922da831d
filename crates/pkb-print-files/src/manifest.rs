//! The manifest: which sheet belongs to which row, and a digest of each file. It goes with the letters to the people who
//! print and post them, so it holds no name and no code. `manifest.csv` is for people and mail-merge programs,
//! `manifest.json` says the same, and counts and digests besides.

use std::{collections::BTreeMap, fs::File, io, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::editions::manifest_prefix;
use pkb_core::{
    Record,
    record::{Delivery, Design, Edition, Reference},
};
use pkb_values::{LetterFormat, LetterLanguages, Postcode};

/// The version of `manifest.json`.
pub const SCHEMA: &str = "pkb-manifest/1";

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ManifestRow {
    /// Name of the letter for those who print and post it, which comes back in their reports: 20 letters and digits.
    pub reference: String,
    /// The sheet number, as printed on each sheet of the letter.
    pub sequence: u64,
    /// The file that the letter is in.
    pub file: String,
    /// First page of the letter in that file, from 1.
    pub first_page: u64,
    /// Last page of the letter in that file.
    pub last_page: u64,
    /// Row of the patient file, as a spreadsheet counts: the header is 1.
    pub row: u64,
    /// Postcode. Empty for an address abroad.
    pub postcode: String,
    /// Languages, in their order: such as en, cy or cy+en.
    pub language: LetterLanguages,
    /// Size of print: standard (12 point) or large (16 point).
    pub format: LetterFormat,
    /// Whether it goes to a member of staff.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seed: bool,
}

impl ManifestRow {
    /// A letter of a record; `None` for a delivery without one.
    pub fn of(record: &Record, delivery: &Delivery) -> Option<Self> {
        let ((first_page, last_page), sequence) = (delivery.pages?, delivery.sequence?);
        let patient = record.patient.as_ref();
        let postcode = patient.and_then(|patient| patient.postcode.as_ref());
        Some(Self {
            reference: reference_of(delivery.reference.as_ref()),
            sequence,
            file: delivery.file.clone(),
            first_page,
            last_page,
            row: record.row.number,
            postcode: postcode
                .map(Postcode::expose_postcode)
                .unwrap_or_default()
                .to_owned(),
            language: delivery.languages.unwrap_or_default(),
            format: delivery.format.unwrap_or_default(),
            seed: record.seed,
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

/// A reference as the manifest has it.
#[must_use]
pub fn reference_of(reference: Option<&Reference>) -> String {
    reference.map_or_else(String::new, |own| own.as_str().to_owned())
}

/// A file of letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ManifestFile {
    /// The name of the file, in the folder of the letters.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ManifestJson {
    /// The version of this form: `pkb-manifest/1`.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    digest_of(File::open(path)?)
}

/// As [`digest`], of what is read.
///
/// # Errors
/// It cannot be read.
pub fn digest_of(mut file: impl io::Read) -> io::Result<(u64, String)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_is_checked_in_is_that_of_the_types() {
        let schema = schemars::schema_for!(ManifestJson);
        let checked =
            pkb_files::schema_file::check(env!("CARGO_MANIFEST_DIR"), "manifest.json", &schema);
        assert_eq!(checked, Ok(()));
    }
}
