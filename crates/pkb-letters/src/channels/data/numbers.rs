//! The names of data files, in the order of their batches. A name is never used for other rows: a company that collects files
//! takes a name once.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use pkb_core::{
    Fatal, Record,
    record::{Channel, Edition},
    stage::Recalled,
};
use pkb_print_files::{series::Series, stem};
use pkb_values::NationalId;

/// What names the files of one folder.
pub(super) struct FileNumbers {
    series: Series,
    edition: Edition,
    /// Files of which the journal has all rows.
    files: u64,
    /// Files that are in the folder.
    in_folder: BTreeSet<u64>,
    /// Files that were begun, of which the journal does not have all rows, by their numbers.
    unfinished: BTreeMap<u64, Unfinished>,
}

/// A file as the journal has it.
struct Unfinished {
    rows: u64,
    edition: String,
    patients: HashSet<NationalId>,
}

impl FileNumbers {
    /// Nothing is in the journal yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn new(folder: &Path, series: Series, edition: Edition) -> Result<Self, Fatal> {
        let mut numbers = Self {
            series,
            edition,
            files: 0,
            in_folder: BTreeSet::new(),
            unfinished: BTreeMap::new(),
        };
        let cannot_read = |source| Fatal::cannot_read(folder, source);
        for entry in folder.read_dir().map_err(cannot_read)? {
            let name = entry.map_err(cannot_read)?.file_name();
            let number = name.to_str().and_then(|name| numbers.number_of(name));
            numbers.in_folder.extend(number);
        }
        Ok(numbers)
    }

    /// Sees a line of the journal.
    ///
    /// # Errors
    /// It has lost lines, or is another shard's.
    pub(super) fn recall(&mut self, line: &Recalled) -> Result<(), Fatal> {
        match line {
            Recalled::Record(record) => self.recall_rows(record),
            Recalled::Intent(intent) => {
                let file = intent["file"].as_str().unwrap_or_default();
                let (Some(number), Some(rows)) = (self.number_of(file), intent["rows"].as_u64())
                else {
                    return Ok(());
                };
                self.series.check(file)?;
                let unfinished = Unfinished {
                    rows,
                    edition: intent["edition"].as_str().unwrap_or_default().to_owned(),
                    patients: HashSet::new(),
                };
                self.unfinished.insert(number, unfinished);
                Ok(())
            }
        }
    }

    fn recall_rows(&mut self, record: &Record) -> Result<(), Fatal> {
        let Some(patient) = &record.patient else {
            return Ok(());
        };
        let own = record.all_deliveries();
        for delivery in own.filter(|own| own.channel == Channel::Data) {
            let Some(number) = self.number_of(&delivery.file) else {
                continue;
            };
            let is_same =
                |(_, before): &(&u64, &Unfinished)| before.edition == delivery.edition.as_str();
            if let Some((earlier, before)) = self.unfinished.range(..number).find(is_same) {
                return Err(Fatal::Input(format!(
                    "{} comes here, and before it only {} of the {} rows of file {earlier}: lines have been lost",
                    delivery.file,
                    before.patients.len(),
                    before.rows
                )));
            }
            if let Some(unfinished) = self.unfinished.get_mut(&number) {
                unfinished.patients.insert(patient.national_id);
                if (unfinished.patients.len() as u64) < unfinished.rows {
                    continue;
                }
                self.unfinished.remove(&number);
            }
            self.files = self.files.max(number);
        }
        Ok(())
    }

    /// Whose rows are in files of which the journal does not have all rows: such a file is made again whole, under its name.
    pub(super) fn unfinished(&self) -> HashSet<NationalId> {
        // A reprint is made of rows that are in the journal.
        let own = self
            .unfinished
            .values()
            .filter(|own| self.edition != Edition::Reprint && own.edition == self.edition.as_str());
        own.flat_map(|file| file.patients.iter().copied()).collect()
    }

    /// The name of the next file, which ends with `extension`. One that an earlier run of this kind began comes first.
    pub(super) fn next(&mut self, extension: &str) -> String {
        let edition = self.edition.as_str();
        let mut begun = self.unfinished.iter();
        let begun = begun.find(|(_, file)| file.edition == edition);
        let number = match begun.map(|(number, _)| *number) {
            Some(number) => {
                self.unfinished.remove(&number);
                number
            }
            None => self.unused(),
        };
        self.files = self.files.max(number);
        format!("{}{number:04}.{extension}", self.prefix())
    }

    /// A number that no file has: what was begun by another kind of run may have been sent, and so may what the journal does not
    /// know.
    fn unused(&self) -> u64 {
        let is_used =
            |number: &u64| self.unfinished.contains_key(number) || self.in_folder.contains(number);
        let mut number = self.files + 1;
        while is_used(&number) {
            number += 1;
        }
        number
    }

    fn prefix(&self) -> String {
        self.series.of_spreadsheets(Channel::Data)
    }

    fn number_of(&self, file: &str) -> Option<u64> {
        stem(file).strip_prefix(&self.prefix())?.parse().ok()
    }
}
