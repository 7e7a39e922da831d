//! The data files of a folder, and each row compared with its record. What is encrypted only the mail company can read.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal, Record,
    record::{Channel, Delivery, Edition, Reference},
    rehearsal::{FILE_PREFIX, Origin},
    rows::counted,
    spool::{Place, SpooledRecords},
};
use pkb_files::encryption;
use pkb_print_files::{
    data_profile::{self, DataProfile, Value},
    editions::plain_name,
};
use pkb_values::LetterLanguages;

use crate::{
    data_rows::{DataRows, codes_of},
    expected::{Owners, ShortText, with_same_code},
    report::Report,
};

/// A record with a row in a data file.
struct Row {
    row: u64,
    record: Place,
    delivery: Delivery,
    codes: [ShortText; 2],
}

/// Which row is in which file.
#[derive(Default)]
pub(super) struct DataFiles {
    rows: BTreeMap<String, Vec<Row>>,
    /// Records with codes that do not say where they went, by the reference that they would have.
    unplaced: HashMap<String, Row>,
    /// Rows of a file that were replaced by others, or of which nothing is known any more.
    spare: HashMap<String, usize>,
}

fn data(delivery: &&Delivery) -> bool {
    delivery.channel == Channel::Data
}

impl DataFiles {
    /// Enters what a record says of its row.
    pub(super) fn enter(
        &mut self,
        record: &Record,
        place: impl FnOnce() -> Result<Place, Fatal>,
    ) -> Result<(), Fatal> {
        let own = record.delivery(Channel::Data);
        let replaced = record.deliveries.iter().flat_map(|own| &own.replaces);
        let earlier = record.earlier.iter().flat_map(|one| &one.deliveries);
        for delivery in replaced.chain(earlier).filter(data) {
            *self.spare.entry(delivery.file.clone()).or_default() += 1;
        }
        let (Some(invitation), Some(codes)) = (&record.invitation, codes_of(record)) else {
            // These codes have expired and are no longer kept: nothing can be compared.
            if let Some(own) = own {
                *self.spare.entry(own.file.clone()).or_default() += 1;
            }
            return Ok(());
        };
        let is_unplaced = record.deliveries.is_empty() && record.outcome.is_none();
        let delivery = match own {
            Some(own) => own.clone(),
            None if is_unplaced => Delivery {
                reference: Some(Reference::of(invitation, Channel::Data, Edition::First, 0)),
                ..Delivery::new(Channel::Data, String::new())
            },
            None => return Ok(()),
        };
        let row = Row {
            row: record.row.number,
            record: place()?,
            delivery,
            codes,
        };
        match is_unplaced {
            true => {
                self.unplaced
                    .insert(reference(&row.delivery).to_owned(), row);
            }
            false => {
                let file = row.delivery.file.clone();
                self.rows.entry(file).or_default().push(row);
            }
        }
        Ok(())
    }

    /// Enters a record whose row is of a run before.
    pub(super) fn pass_by(&mut self, record: &Record) {
        for delivery in record.all_deliveries().filter(data) {
            *self.spare.entry(delivery.file.clone()).or_default() += 1;
        }
    }

    /// Compares all data files in some folders with their records. The rows of those records that did not say where they went.
    pub(super) fn check(
        mut self,
        folders: &[PathBuf],
        records: &SpooledRecords,
        report: &mut Report,
    ) -> Result<HashSet<u64>, Fatal> {
        let mut placed = HashSet::new();
        for folder in folders {
            let names = names_in(folder)?;
            if names.is_empty() {
                continue;
            }
            let profile = profile_of(folder)?;
            for name in names {
                let own = self.rows.remove(&name).unwrap_or_default();
                if encryption::plain_name(&name).is_some() {
                    self.count_encrypted(&name, &own, report);
                    continue;
                }
                report.data_files += 1;
                let bytes = fs::read(folder.join(&name)).unwrap_or_default();
                match DataRows::read(Cow::Borrowed(&profile), &bytes) {
                    Some(rows) => {
                        let file = File { name: &name, rows };
                        self.check_file(&file, own, records, report, &mut placed)?;
                    }
                    None => {
                        report.fail(
                            &name,
                            "the file is not a data file of the profile beside it, or is damaged",
                        );
                    }
                }
            }
        }
        for (name, rows) in &self.rows {
            for row in rows {
                let place = format!("{name} (row {})", row.row);
                report.fail(&place, "the data file is missing");
            }
        }
        Ok(placed)
    }

    fn count_encrypted(&self, name: &str, own: &[Row], report: &mut Report) {
        report.encrypted_files += 1;
        report.encrypted_rows += own.len() as u64;
        if own.is_empty() && !self.spare.contains_key(name) {
            report.fail(name, "no record has a row in this file");
        }
    }

    fn check_file(
        &mut self,
        file: &File<'_>,
        mut own: Vec<Row>,
        records: &SpooledRecords,
        report: &mut Report,
        placed: &mut HashSet<u64>,
    ) -> Result<(), Fatal> {
        let mut by_reference: HashMap<&str, Vec<usize>> = HashMap::new();
        for at in 0..file.rows.count() {
            let reference = file.rows.cell(at, Value::Reference).unwrap_or_default();
            by_reference.entry(reference).or_default().push(at);
            if let Some(row) = self.unplaced.remove(reference) {
                placed.insert(row.row);
                own.push(row);
            }
        }
        let mut owners = Owners::default();
        for row in &own {
            if let Some(other) = owners.enter(row.codes.clone(), row.row) {
                let place = format!("{} (row {})", file.name, row.row);
                report.fail(&place, &with_same_code(other));
            }
        }
        let mut claimed = 0;
        for row in own {
            report.data_rows += 1;
            let found = by_reference.remove(reference(&row.delivery));
            let found = found.unwrap_or_default();
            claimed += found.len();
            let places = found.iter().map(|at| format!(", letter {}", at + 1));
            let place = format!(
                "{}{} (row {})",
                file.name,
                places.collect::<String>(),
                row.row
            );
            match found.as_slice() {
                [] => report.fail(&place, "no letter of the file has its reference"),
                [at] => file.check_row(*at, &row, records, &owners, &place, report)?,
                _ => report.fail(&place, "several letters of the file have its reference"),
            }
        }
        let left = file.rows.count().saturating_sub(claimed);
        let spare = self.spare.remove(file.name).unwrap_or_default();
        if left > spare {
            let letters = counted((left - spare) as u64, "letter belongs", "letters belong");
            let words = format!("{letters} to nobody, because no record has the reference");
            report.fail(file.name, &words);
        }
        Ok(())
    }
}

/// A data file that was read.
struct File<'a> {
    name: &'a str,
    rows: DataRows<'a>,
}

impl File<'_> {
    fn check_row(
        &self,
        at: usize,
        row: &Row,
        records: &SpooledRecords,
        owners: &Owners,
        place: &str,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let record = records.record(row.record)?;
        let of_rehearsal = Origin::of(&record) == Some(Origin::Rehearsal);
        if self.name.starts_with(FILE_PREFIX) != of_rehearsal {
            let words = "the record and the name of its file disagree, because only one of them is from a rehearsal: use the folder and the records of one run";
            report.fail(place, words);
        }
        let mut delivery = row.delivery.clone();
        if delivery.file.is_empty() {
            self.complete(at, &mut delivery);
        }
        let failures = |delivery: &Delivery| self.rows.failures(at, &record, delivery, owners);
        let mut found = failures(&delivery);
        if delivery.languages.is_none() {
            // The file does not say it either: the date must be right in one of them.
            let mut others = LetterLanguages::all().map(|languages| {
                failures(&Delivery {
                    languages: Some(languages),
                    ..delivery.clone()
                })
            });
            found = others.find(Vec::is_empty).unwrap_or(found);
        }
        for words in found {
            report.fail(place, &words);
        }
        Ok(())
    }

    /// A record that has not been to pkb-letters does not know language, format and design: the file says them.
    fn complete(&self, at: usize, delivery: &mut Delivery) {
        let cell = |value| self.rows.cell(at, value).unwrap_or_default();
        let quoted = |value| serde_json::Value::from(cell(value));
        delivery.languages = serde_json::from_value(quoted(Value::Language)).ok();
        delivery.format = serde_json::from_value(quoted(Value::Format)).ok();
        delivery.design = serde_json::from_value(quoted(Value::Design)).ok();
    }
}

fn reference(delivery: &Delivery) -> &str {
    delivery.reference.as_ref().map_or("", Reference::as_str)
}

/// The data files of a folder, without the profile.
fn names_in(folder: &Path) -> Result<Vec<String>, Fatal> {
    let cannot = |source| Fatal::cannot_read(folder, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        names.extend(
            name.to_str()
                .filter(|name| is_data_file(name))
                .map(str::to_owned),
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// `data-0001.csv`, `data-03-0001.jsonl` of a shard, `data-0001.csv.gpg`.
fn is_data_file(name: &str) -> bool {
    let plain = plain_name(name).strip_prefix("data-");
    let number = plain.and_then(|rest| rest.split('.').next());
    number.is_some_and(|number| {
        let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        !number.is_empty() && number.bytes().all(is_number)
    })
}

/// The profile of the data files in a folder.
///
/// # Errors
/// There is none beside them, or it is wrong.
pub fn profile_of(folder: &Path) -> Result<DataProfile, Fatal> {
    let path = folder.join(data_profile::FILE_NAME);
    let text = fs::read_to_string(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
    DataProfile::parse(&text).map_err(|words| Fatal::Input(format!("{}: {words}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_file_is_told_from_the_profile_beside_it() {
        for name in [
            "data-0001.csv",
            "rehearsal-data-03-0001.jsonl",
            "data-0001.csv.gpg",
        ] {
            assert!(is_data_file(name), "{name}");
        }
        for name in [data_profile::FILE_NAME, "sms-0001.csv", "data-.csv"] {
            assert!(!is_data_file(name), "{name}");
        }
    }
}
