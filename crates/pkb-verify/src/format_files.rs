//! Letters in other formats than print: each text compared with its record, and the list with all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal, Record,
    record::{Channel, Delivery},
    spool::{Place, SpooledRecords},
};
use pkb_print_files::formats::{self, FormatRow};

use crate::{
    data_rows::codes_of,
    expected::{Expected, Owners},
    report::Report,
};

/// A text, and the record that it is for.
struct Text {
    listed: FormatRow,
    delivery: Delivery,
    record: Place,
}

/// Which text is for which record.
#[derive(Default)]
pub(super) struct FormatFiles {
    texts: Vec<Text>,
    /// Texts that were replaced, or of which nothing is known any more.
    spare: BTreeSet<String>,
    owners: Owners,
}

impl FormatFiles {
    /// Enters what a record says of its text. Whether it has one.
    pub(super) fn enter(
        &mut self,
        record: &Record,
        place: impl FnOnce() -> Result<Place, Fatal>,
    ) -> Result<bool, Fatal> {
        let own = record.delivery(Channel::Format);
        for delivery in record.all_deliveries() {
            if delivery.channel == Channel::Format && Some(delivery) != own {
                self.spare.insert(delivery.file.clone());
            }
        }
        let Some((delivery, listed)) = own.and_then(|own| Some((own, FormatRow::of(record, own)?)))
        else {
            return Ok(false);
        };
        if let Some(codes) = codes_of(record) {
            self.owners.enter(codes, record.row.number);
        } else if delivery.design.unwrap_or_default().has_codes() {
            // These codes have expired and are no longer kept: nothing can be compared.
            self.spare.insert(delivery.file.clone());
            return Ok(true);
        }
        self.texts.push(Text {
            listed,
            delivery: delivery.clone(),
            record: place()?,
        });
        Ok(true)
    }

    /// Enters a record whose text is of a run before.
    pub(super) fn pass_by(&mut self, record: &Record) {
        let own = record.all_deliveries();
        let own = own.filter(|delivery| delivery.channel == Channel::Format);
        self.spare.extend(own.map(|delivery| delivery.file.clone()));
    }

    /// Compares all texts in some folders with their records.
    pub(super) fn check(
        self,
        folders: &[PathBuf],
        records: &SpooledRecords,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let mut listed = BTreeMap::new();
        let mut found = BTreeSet::new();
        for folder in folders {
            for name in ours_in(folder)? {
                match name.ends_with(".csv") {
                    true => read_list(folder, &name, &mut listed, report)?,
                    false => found.extend(texts_in(folder, &name)?),
                }
            }
        }
        for text in &self.texts {
            let file = &text.listed.file;
            if listed.remove(file.as_str()).as_ref() != Some(&text.listed) {
                report.fail(
                    file,
                    "the list of formats does not match the record. Make it again with pkb-letters",
                );
            }
            found.remove(file);
            let path = folders.iter().map(|folder| folder.join(file));
            let Some(content) = path
                .into_iter()
                .find_map(|path| fs::read_to_string(path).ok())
            else {
                report.fail(file, "the file is missing or cannot be read");
                continue;
            };
            report.formats += 1;
            let record = records.record(text.record)?;
            let languages = text.delivery.languages.unwrap_or_default();
            let design = text.delivery.design.unwrap_or_default();
            let place = format!("{file} (row {})", text.listed.row);
            match Expected::of(&record, languages, design) {
                None => report.fail(&place, "its record has no patient or no codes"),
                Some(expected) => {
                    for words in expected.failures_in_text(&content, &self.owners) {
                        report.fail(&place, &words);
                    }
                }
            }
        }
        let unknown = found.into_iter().chain(listed.into_keys());
        let unknown: BTreeSet<String> = unknown.filter(|file| !self.spare.contains(file)).collect();
        for file in unknown {
            report.fail(&file, "no record has this letter");
        }
        Ok(())
    }
}

fn ours_in(folder: &Path) -> Result<Vec<String>, Fatal> {
    names_in(folder).map(|mut names| {
        names.retain(|name| formats::is_ours(name));
        names
    })
}

fn names_in(folder: &Path) -> Result<Vec<String>, Fatal> {
    let cannot = |source| Fatal::cannot_read(folder, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        names.extend(name.into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// The texts in a folder of formats, by their names from the folder of the letters.
fn texts_in(folder: &Path, name: &str) -> Result<Vec<String>, Fatal> {
    let mut texts = Vec::new();
    let above = folder.join(name);
    for format in names_in(&above)? {
        let inside = above.join(&format);
        if inside.is_dir() {
            let files = names_in(&inside)?.into_iter();
            let files = files.filter(|file| !file.starts_with('.'));
            texts.extend(files.map(|file| format!("{name}/{format}/{file}")));
        }
    }
    Ok(texts)
}

fn read_list(
    folder: &Path,
    name: &str,
    listed: &mut BTreeMap<String, FormatRow>,
    report: &mut Report,
) -> Result<(), Fatal> {
    let path = folder.join(name);
    let content = fs::read(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
    for row in csv::Reader::from_reader(&content[..]).deserialize::<FormatRow>() {
        match row {
            Ok(row) => {
                listed.insert(row.file.clone(), row);
            }
            Err(_) => {
                report.fail(name, "the list cannot be read");
                break;
            }
        }
    }
    Ok(())
}
