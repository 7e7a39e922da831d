//! What the manifests say, of very many letters in little memory.

use std::{
    collections::HashMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

use pkb_core::{
    Fatal,
    record::{Design, Edition},
};
use pkb_print_files::{
    editions::manifest_prefix,
    manifest::{self, Counts, ManifestFile, ManifestRow},
};
use pkb_values::{LetterFormat, LetterLanguages};
use serde::Deserialize;

use crate::{expected::ShortText, report::Report};

/// Both manifests of an edition, of all folders.
#[derive(Default)]
pub struct Manifests {
    /// By number, once they are [sorted](Self::sort).
    rows: Vec<Row>,
    /// Rows of patient files and numbers, for records that do not know their letter.
    by_row: Vec<(u64, u64)>,
    files: Vec<ManifestFile>,
    /// Where each file is.
    homes: HashMap<Arc<str>, LetterFolder>,
}

/// A folder of letters, and what its manifest says of all of them.
#[derive(Clone)]
pub struct LetterFolder {
    folder: Arc<PathBuf>,
    /// Design of the letters.
    pub design: Design,
    /// Whether they bear their numbers.
    pub is_numbered: bool,
}

/// A [`ManifestRow`], smaller.
#[derive(Clone, PartialEq)]
struct Row {
    reference: Box<str>,
    sequence: u64,
    file: Arc<str>,
    first_page: u64,
    last_page: u64,
    row: u64,
    postcode: ShortText,
    language: LetterLanguages,
    format: LetterFormat,
}

impl Row {
    /// `names` has the name of each file once.
    fn of(row: &ManifestRow, names: &mut Names) -> Self {
        Self {
            reference: row.reference.as_str().into(),
            sequence: row.sequence,
            file: names.of(&row.file),
            first_page: row.first_page,
            last_page: row.last_page,
            row: row.row,
            postcode: ShortText::of(&row.postcode),
            language: row.language,
            format: row.format,
        }
    }

    fn whole(&self) -> ManifestRow {
        ManifestRow {
            reference: self.reference.to_string(),
            sequence: self.sequence,
            file: self.file.to_string(),
            first_page: self.first_page,
            last_page: self.last_page,
            row: self.row,
            postcode: self.postcode.to_text(),
            language: self.language,
            format: self.format,
            // The CSV does not say it, and the pages are the same.
            seed: false,
        }
    }
}

/// Letters of one file follow each other, mostly: the last name serves the next row, too.
#[derive(Default)]
struct Names {
    last: Option<Arc<str>>,
}

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        match &self.last {
            Some(last) if **last == *name => last.clone(),
            _ => self.last.insert(name.into()).clone(),
        }
    }
}

/// `manifest.json`, with smaller rows.
#[derive(Deserialize)]
struct Json {
    schema: String,
    letters: Rows,
    files: Vec<ManifestFile>,
    design: Design,
    is_numbered: bool,
    #[serde(default)]
    rehearsal: bool,
    counts: Counts,
}

struct Rows(Vec<Row>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Rows;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("letters")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut letters: A,
            ) -> Result<Rows, A::Error> {
                let (mut rows, mut names) = (Vec::new(), Names::default());
                while let Some(row) = letters.next_element::<ManifestRow>()? {
                    rows.push(Row::of(&row, &mut names));
                }
                Ok(Rows(rows))
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}

impl Manifests {
    /// Those of an edition in some folders; only first letters must have some.
    pub(super) fn read(
        folders: &[PathBuf],
        edition: Edition,
        report: &mut Report,
    ) -> Result<Self, Fatal> {
        let mut manifests = Self::default();
        for folder in folders {
            manifests.add(folder, edition, manifest::is_rehearsal(folder), report)?;
        }
        manifests.sort(edition, report);
        Ok(manifests)
    }

    fn add(
        &mut self,
        dir: &Path,
        edition: Edition,
        is_rehearsal: bool,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let [csv_name, json_name] = manifest::file_names(&manifest_prefix(edition, is_rehearsal));
        if edition != Edition::First && !dir.join(&csv_name).exists() {
            return Ok(());
        }
        let open = |name: &str| {
            let path = dir.join(name);
            let file = File::open(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
            Ok::<_, Fatal>(BufReader::with_capacity(64 << 10, file))
        };
        let (csv, json) = (open(&csv_name)?, open(&json_name)?);
        let not_one = |name: &str| Fatal::Input(format!("{name} is not a manifest, or is damaged"));
        let json: Json = serde_json::from_reader(json).map_err(|_| not_one(&json_name))?;
        if json.schema != manifest::SCHEMA {
            return Err(not_one(&json_name));
        }
        let of_others = manifest_prefix(edition, !is_rehearsal);
        if json.rehearsal != is_rehearsal
            || manifest::file_names(&of_others)
                .iter()
                .any(|name| dir.join(name).exists())
        {
            report.fail(
                &json_name,
                "letters of a rehearsal and real ones are in one folder",
            );
        }
        let home = LetterFolder {
            folder: Arc::new(dir.to_owned()),
            design: json.design,
            is_numbered: json.is_numbered,
        };
        for file in &json.files {
            self.settle(&file.file, &home, report);
        }
        let mut names = Names::default();
        let mut count = 0;
        for (line, row) in (2..).zip(csv::Reader::from_reader(csv).deserialize()) {
            let row: ManifestRow = match row {
                Ok(row) => row,
                Err(_) => {
                    report.fail(&format!("{csv_name}, line {line}"), "the line is damaged");
                    continue;
                }
            };
            let row = Row::of(&row, &mut names);
            if json.letters.0.get(count) != Some(&row) {
                let place = format!("{csv_name}, letter {}", row.sequence);
                report.fail(&place, &format!("it does not match {json_name}"));
            }
            count += 1;
            self.by_row.push((row.row, row.sequence));
            if !self.homes.contains_key(&row.file) {
                self.homes.insert(row.file.clone(), home.clone());
            }
            self.rows.push(row);
        }
        if json.letters.0.len() != count || json.counts.letters != count as u64 {
            report.fail(
                &json_name,
                &format!("the number of letters is not the same as in {csv_name}"),
            );
        }
        self.files.extend(json.files);
        Ok(())
    }

    /// Notes where a file is.
    fn settle(&mut self, file: &str, home: &LetterFolder, report: &mut Report) {
        if self.homes.insert(file.into(), home.clone()).is_some() {
            report.fail(
                file,
                "two folders have letters of this name. Make the letters of each shard with its own --series",
            );
        }
    }

    /// Puts the rows in order; of several for one number or row the last counts.
    fn sort(&mut self, edition: Edition, report: &mut Report) {
        let [csv_name, _] = manifest::file_names(&manifest_prefix(edition, false));
        self.rows.sort_by_key(|row| row.sequence);
        for pair in self.rows.windows(2) {
            if let [one, other] = pair
                && one.sequence == other.sequence
            {
                let place = format!("{csv_name}, letter {}", one.sequence);
                report.fail(&place, "the letter is in the manifest twice");
            }
        }
        self.by_row.sort_by_key(|(row, _)| *row);
    }

    /// The letter with a number.
    #[must_use]
    pub fn row(&self, sequence: u64) -> Option<ManifestRow> {
        let after = self.rows.partition_point(|row| row.sequence <= sequence);
        let row = self.rows.get(after.checked_sub(1)?)?;
        (row.sequence == sequence).then(|| row.whole())
    }

    /// All letters, by their numbers.
    pub fn rows(&self) -> impl Iterator<Item = ManifestRow> {
        let groups = self
            .rows
            .chunk_by(|one, other| one.sequence == other.sequence);
        groups.filter_map(|rows| rows.last().map(Row::whole))
    }

    /// The number of the letter of a row of the patient file.
    #[must_use]
    pub fn of_row(&self, row: u64) -> Option<u64> {
        let after = self.by_row.partition_point(|(other, _)| *other <= row);
        let (found, sequence) = self.by_row.get(after.checked_sub(1)?)?;
        (*found == row).then_some(*sequence)
    }

    /// All files, with their digests.
    #[must_use]
    pub fn files(&self) -> &[ManifestFile] {
        &self.files
    }

    /// The names of the files in a folder.
    pub fn files_in(&self, dir: &Path) -> impl Iterator<Item = &str> {
        let files = self.homes.iter();
        files
            .filter(move |(_, home)| *home.folder == dir)
            .map(|(file, _)| &**file)
    }

    /// The folder of a file.
    #[must_use]
    pub fn home(&self, file: &str) -> Option<&LetterFolder> {
        self.homes.get(file)
    }

    /// The place of a file; where no manifest has it, it is looked for in `dir`.
    #[must_use]
    pub fn path(&self, file: &str, dir: &Path) -> PathBuf {
        let home = self.homes.get(file);
        home.map_or(dir, |home| &home.folder).join(file)
    }
}
