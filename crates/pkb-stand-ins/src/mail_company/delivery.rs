//! A folder of letters, as a stranger reads it: by the names of the manifest's columns, and nothing is believed that can be checked.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::MailError;

/// A reference has letters and digits only, and at most this many: some companies print it as a barcode.
const LONGEST_REFERENCE: usize = 20;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) reference: String,
    pub(super) pages: u64,
    /// Row of the spreadsheet that it was made from.
    pub(super) row: String,
    pub(super) standing: Standing,
}

/// Whether a letter can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    /// It cannot, for this reason.
    Refused(&'static str),
    /// The customer has stopped it.
    Stopped,
}

impl Letter {
    /// Printed on both sides.
    pub(super) fn sheets(&self) -> u64 {
        self.pages.div_ceil(2)
    }
}

/// What `manifest.json` says about a file, and in all. Everything else in it is of no use to a mail company.
#[derive(Debug, Deserialize)]
struct Digests {
    files: Vec<FileDigest>,
    counts: Counts,
}

#[derive(Debug, Deserialize)]
struct FileDigest {
    file: String,
    letters: u64,
    pages: u64,
    bytes: u64,
    sha256: String,
}

#[derive(Debug, Deserialize)]
struct Counts {
    letters: u64,
    pages: u64,
}

/// Letters and pages of a file, counted from the rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    letters: u64,
    pages: u64,
}

/// The letters of a delivery in the order of its manifest, once everything was checked.
pub(super) fn read(folder: &Path) -> Result<Vec<Letter>, MailError> {
    let prefix = prefix_in(folder);
    let path = folder.join(format!("{prefix}manifest.csv"));
    let manifest = fs::read(&path).map_err(|source| MailError::Unreadable { path, source })?;
    let (letters, files) = rows(&manifest)?;
    for file in files.keys() {
        is_pdf(&folder.join(file))?;
    }
    let path = folder.join(format!("{prefix}manifest.json"));
    match fs::read(&path) {
        Ok(json) => check(folder, &json, &files)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(MailError::Unreadable { path, source }),
    }
    Ok(letters)
}

pub(super) fn refused(what: impl Into<String>) -> MailError {
    MailError::Delivery(what.into())
}

/// What the names of both manifests begin with: those of a rehearsal say so.
fn prefix_in(folder: &Path) -> &'static str {
    match folder.join("rehearsal-manifest.csv").exists() {
        true => "rehearsal-",
        false => "",
    }
}

/// The letters, and the files that they are in.
pub(super) fn rows(manifest: &[u8]) -> Result<(Vec<Letter>, BTreeMap<String, Sum>), MailError> {
    let mut reader = csv::Reader::from_reader(manifest);
    let header = reader.headers();
    let header = header
        .map_err(|_| refused("manifest.csv has no row of column names"))?
        .clone();
    let place = |name: &str| {
        let found = header.iter().position(|column| column == name);
        found.ok_or_else(|| refused(format!("manifest.csv has no column \"{name}\"")))
    };
    let [reference, file, first, last, row] =
        ["reference", "file", "first_page", "last_page", "row"].map(place);
    let (reference, file, first, last, row) = (reference?, file?, first?, last?, row?);
    let (mut letters, mut files) = (Vec::new(), BTreeMap::<String, Sum>::new());
    let mut references = HashSet::new();
    for (number, record) in (2..).zip(reader.records()) {
        let wrong = |what: &str| refused(format!("row {number} of manifest.csv {what}"));
        let record = record.map_err(|_| wrong("cannot be read"))?;
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let letter = Letter {
            reference: cell(reference).to_owned(),
            pages: pages(cell(first), cell(last)).ok_or_else(|| wrong("has no range of pages"))?,
            row: cell(row).to_owned(),
            standing: Standing::Sound,
        };
        if !is_reference(&letter.reference) {
            return Err(wrong("has no reference of up to 20 letters and digits"));
        }
        // A company that types references from a window does not tell a from A.
        if !references.insert(letter.reference.to_lowercase()) {
            return Err(wrong("has the reference of an earlier row"));
        }
        if !is_file_name(cell(file)) {
            return Err(wrong("has a file name that is not a plain name"));
        }
        let sum = files.entry(cell(file).to_owned()).or_default();
        sum.letters += 1;
        sum.pages += letter.pages;
        letters.push(letter);
    }
    if letters.is_empty() {
        return Err(refused("manifest.csv has no letters"));
    }
    Ok((letters, files))
}

fn pages(first: &str, last: &str) -> Option<u64> {
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && last >= first).then(|| last - first + 1)
}

pub(super) fn is_reference(text: &str) -> bool {
    (1..=LONGEST_REFERENCE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_file_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\']) && !text.starts_with('.')
}

fn is_pdf(path: &Path) -> Result<(), MailError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut start = [0; 5];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .map_err(|_| refused(format!("{name} is not in the folder, or has nothing in it")))?;
    if start == *b"%PDF-" {
        Ok(())
    } else {
        Err(refused(format!("{name} is not a PDF")))
    }
}

/// Whether files and counts are those of `manifest.json`.
fn check(folder: &Path, json: &[u8], files: &BTreeMap<String, Sum>) -> Result<(), MailError> {
    let digests: Digests = serde_json::from_slice(json)
        .map_err(|_| refused("manifest.json has no files with digests, or no counts"))?;
    for (name, sum) in files {
        let mut of_name = digests.files.iter().filter(|file| file.file == *name);
        let (Some(file), None) = (of_name.next(), of_name.next()) else {
            return Err(refused(format!("manifest.json does not name {name} once")));
        };
        let counts = Sum {
            letters: file.letters,
            pages: file.pages,
        };
        if counts != *sum {
            return Err(refused(format!(
                "the letters or pages of {name} in manifest.json do not match manifest.csv"
            )));
        }
        let path = folder.join(name);
        let digest = digest(&path).map_err(|source| MailError::Unreadable { path, source })?;
        if digest != (file.bytes, file.sha256.to_lowercase()) {
            return Err(refused(format!(
                "the length or SHA-256 of {name} does not match manifest.json"
            )));
        }
    }
    let counted = |count: fn(&Sum) -> u64| files.values().map(count).sum::<u64>();
    let is_whole = digests.files.len() == files.len()
        && digests.counts.letters == counted(|sum| sum.letters)
        && digests.counts.pages == counted(|sum| sum.pages);
    if is_whole {
        Ok(())
    } else {
        Err(refused(
            "the number of files, letters or pages in manifest.json does not match manifest.csv",
        ))
    }
}

/// Length and SHA-256 of a file.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut block = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        hash.update(&block[..read]);
        length += read as u64;
    }
    let digits = hash.finalize();
    let hex = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((length, hex))
}
