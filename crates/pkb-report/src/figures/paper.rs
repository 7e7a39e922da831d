//! What was made: letters by their form and their files, text messages, and how far GOV.UK Notify is.

use std::collections::BTreeMap;

use pkb_core::record::{Channel, Design, DispatchStatus, Edition};
use pkb_values::{LetterFormat, LetterLanguages};

use crate::fields::{Delivery, Fields};

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
pub struct Paper {
    /// Invited by a letter, a text, or both.
    pub channels: BTreeMap<&'static str, u64>,
    /// Letters by language.
    pub languages: BTreeMap<LetterLanguages, u64>,
    /// Letters by size of print.
    pub formats: BTreeMap<LetterFormat, u64>,
    /// Letters by design.
    pub designs: BTreeMap<Design, u64>,
    /// Letters and texts by edition.
    pub editions: BTreeMap<Edition, u64>,
    /// Letters by file, or by folder.
    pub files: BTreeMap<String, LetterFile>,
    /// Patients by SMS sheet.
    pub sms_sheets: BTreeMap<String, u64>,
    /// Texts that Notify was given, by status.
    pub texts: BTreeMap<DispatchStatus, u64>,
    /// Letters that Notify was given, by status.
    pub posted: BTreeMap<DispatchStatus, u64>,
}

/// The name of a way on the wire.
#[must_use]
pub fn channel_key(channel: Channel) -> &'static str {
    match channel {
        Channel::Letter => "letter",
        Channel::Sms => "sms",
        Channel::Both => "both",
    }
}

impl Paper {
    /// Counts what was made for a record.
    pub fn count(&mut self, delivery: &Delivery) {
        *self
            .channels
            .entry(channel_key(delivery.channel))
            .or_default() += 1;
        *self.editions.entry(delivery.edition).or_default() += 1;
        if let Some(sheet) = delivery.sms_sheet() {
            add(&mut self.sms_sheets, sheet);
        }
        if !delivery.has_letter() {
            return;
        }
        *self
            .designs
            .entry(delivery.design.unwrap_or_default())
            .or_default() += 1;
        if let Some(languages) = delivery.languages {
            *self.languages.entry(languages).or_default() += 1;
        }
        if let Some(format) = delivery.format {
            *self.formats.entry(format).or_default() += 1;
        }
        // Letters that are a file each are in folders: letters-0001/….pdf.
        let name = delivery.file.split('/').next().unwrap_or_default();
        if !self.files.contains_key(name) {
            self.files.insert(name.to_owned(), LetterFile::default());
        }
        if let Some(file) = self.files.get_mut(name) {
            let pages = delivery
                .pages
                .map_or(0, |(first, last)| (last + 1).saturating_sub(first));
            file.letters += 1;
            file.pages += pages;
            file.duplex_sheets += pages.div_ceil(2);
        }
    }

    /// Counts what Notify was given of a record.
    pub fn count_notify(&mut self, fields: &Fields<'_>) {
        for text in &fields.texts {
            *self.texts.entry(text.status.clone()).or_default() += 1;
        }
        if let Some(posted) = &fields.posted {
            *self.posted.entry(posted.status.clone()).or_default() += 1;
        }
    }

    /// Everything that was made, by a letter, a text or both.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.channels.values().sum()
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
