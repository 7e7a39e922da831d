//! What was made: letters by their form and their files, text messages, and how far GOV.UK Notify is.

use std::collections::BTreeMap;

use pkb_core::record::{Channel, Design, DispatchStatus, Edition};
use pkb_values::{LetterFormat, LetterLanguages};

use crate::fields::{Delivery, channels};

/// One file of letters, or one folder of letters that are a file each.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LetterFile {
    /// Letters in it.
    pub letters: u64,
    /// Pages in it.
    pub pages: u64,
    /// Sheets of paper, if both sides are printed and each letter begins a sheet.
    pub duplex_sheets: u64,
}

/// Letters and texts.
#[derive(Debug, Default)]
pub struct DeliveryFigures {
    /// Patients, by the channels of their invitation.
    pub channels: BTreeMap<Vec<Channel>, u64>,
    /// Letters by language.
    pub languages: BTreeMap<LetterLanguages, u64>,
    /// Letters by format.
    pub formats: BTreeMap<LetterFormat, u64>,
    /// Letters by design.
    pub designs: BTreeMap<Design, u64>,
    /// Letters and texts by edition.
    pub editions: BTreeMap<Edition, u64>,
    /// Letters by file, or by folder.
    pub files: BTreeMap<String, LetterFile>,
    /// Patients by spreadsheet.
    pub spreadsheets: BTreeMap<String, u64>,
    /// What Notify was given, by channel and status.
    pub dispatches: BTreeMap<(Channel, DispatchStatus), u64>,
}

impl DeliveryFigures {
    /// Counts what was made for a record.
    pub fn count(&mut self, deliveries: &[Delivery]) {
        *self.channels.entry(channels(deliveries)).or_default() += 1;
        for delivery in deliveries {
            *self.editions.entry(delivery.edition).or_default() += 1;
            for sent in &delivery.dispatches {
                let key = (delivery.channel, sent.status.clone());
                *self.dispatches.entry(key).or_default() += 1;
            }
            match delivery.pages {
                Some(pages) => self.count_letter(delivery, pages),
                None if delivery.channel == Channel::Format => self.count_form(delivery),
                None => add(&mut self.spreadsheets, &delivery.file),
            }
        }
    }

    /// Counts the design, the language and the format of a letter.
    fn count_form(&mut self, delivery: &Delivery) {
        let design = delivery.design.unwrap_or_default();
        *self.designs.entry(design).or_default() += 1;
        if let Some(languages) = delivery.languages {
            *self.languages.entry(languages).or_default() += 1;
        }
        if let Some(format) = delivery.format {
            *self.formats.entry(format).or_default() += 1;
        }
    }

    fn count_letter(&mut self, delivery: &Delivery, (first, last): (u64, u64)) {
        self.count_form(delivery);
        // Letters that are a file each are in folders: letters-0001/….pdf.
        let name = delivery.file.split('/').next().unwrap_or_default();
        if !self.files.contains_key(name) {
            self.files.insert(name.to_owned(), LetterFile::default());
        }
        if let Some(file) = self.files.get_mut(name) {
            let pages = (last + 1).saturating_sub(first);
            file.letters += 1;
            file.pages += pages;
            file.duplex_sheets += pages.div_ceil(2);
        }
    }

    /// Patients for whom something was made.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.channels.values().sum()
    }

    /// Text messages: those that GOV.UK Notify was given, or else one for each patient who is to have some.
    #[must_use]
    pub fn texts(&self) -> u64 {
        let given = self.dispatches.iter();
        let given = given.filter(|((channel, _), _)| *channel == Channel::Sms);
        let given: u64 = given.map(|(_, count)| count).sum();
        let patients = self.channels.iter();
        let patients = patients.filter(|(channels, _)| channels.contains(&Channel::Sms));
        given.max(patients.map(|(_, count)| count).sum())
    }

    /// All files of letters together.
    #[must_use]
    pub fn letters(&self) -> LetterFile {
        self.files
            .values()
            .fold(LetterFile::default(), |sum, file| LetterFile {
                letters: sum.letters + file.letters,
                pages: sum.pages + file.pages,
                duplex_sheets: sum.duplex_sheets + file.duplex_sheets,
            })
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
