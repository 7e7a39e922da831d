//! What is in the files of a package, counted from the records. The files may be encrypted, and need not be opened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan as _, civil::Date};
use pkb_core::{
    Fatal, Record,
    clock::last_whole_day,
    completeness::Completeness,
    record::{Channel, Delivery, GoesTo},
    rehearsal::Origins,
    spool,
};
use pkb_print_files::{formats::FormatRow, manifest::ManifestRow};
use serde::Serialize;

use super::job::Sides;

/// Which letters are packed.
#[derive(Clone, Copy)]
pub(super) struct Which {
    /// Those in other formats than print; without it, all others.
    pub(super) formats: bool,
    /// How letters are printed.
    pub(super) sides: Sides,
}

/// What the records say of all files.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) files: BTreeMap<String, FileContents>,
    pub(super) origins: Origins,
}

/// What is in a file.
#[derive(Default)]
pub(super) struct FileContents {
    pub(super) counts: Counts,
    /// Where each letter of a PDF is.
    pub(super) letters: Vec<ManifestRow>,
    /// A text, for the list of formats.
    pub(super) listed: Vec<FormatRow>,
    /// References of letters that must not be posted.
    pub(super) stop: BTreeSet<String>,
    /// The first day on which codes of one of them end.
    pub(super) first_end: Option<Date>,
}

/// How many letters there are.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Counts {
    pub(super) letters: u64,
    /// Sheets of paper, which are known of finished letters only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheets: Option<u64>,
    pub(super) by_language: BTreeMap<&'static str, u64>,
    pub(super) by_format: BTreeMap<&'static str, u64>,
    pub(super) by_design: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn count(&mut self, delivery: &Delivery, sides: Sides) {
        self.letters += 1;
        if let Some((first, last)) = delivery.pages {
            let pages = last.saturating_sub(first).saturating_add(1);
            *self.sheets.get_or_insert_default() += sides.sheets(pages);
        }
        let language = delivery.languages.unwrap_or_default().as_str();
        let format = delivery.format.unwrap_or_default().as_str();
        let design = delivery.design.unwrap_or_default().as_str();
        *self.by_language.entry(language).or_default() += 1;
        *self.by_format.entry(format).or_default() += 1;
        *self.by_design.entry(design).or_default() += 1;
    }

    /// Adds those of another file.
    pub(super) fn add(&mut self, other: &Self) {
        self.letters += other.letters;
        if let Some(sheets) = other.sheets {
            *self.sheets.get_or_insert_default() += sheets;
        }
        let lists = [
            (&mut self.by_language, &other.by_language),
            (&mut self.by_format, &other.by_format),
            (&mut self.by_design, &other.by_design),
        ];
        for (own, others) in lists {
            for (key, count) in others {
                *own.entry(key).or_default() += count;
            }
        }
    }
}

impl Contents {
    /// Reads the records that pkb-letters wrote.
    ///
    /// # Errors
    /// They are not whole, or cannot be read.
    pub(super) fn read(
        input: Box<dyn std::io::Read + Send>,
        which: Which,
        partial: bool,
    ) -> Result<Self, Fatal> {
        let mut contents = Self::default();
        let mut rows = Completeness::default();
        spool::read_all(input, |record, _| {
            contents.origins.note_record(&record)?;
            rows.note(&record.row);
            contents.see(&record, which);
            Ok(())
        })?;
        if !partial {
            let whole = rows.check();
            whole.map_err(|words| Fatal::Input(format!("{words}. What to do: give all records that pkb-letters wrote. To give a part of them: --partial")))?;
        }
        Ok(contents)
    }

    fn see(&mut self, record: &Record, which: Which) {
        // Codes that are no longer kept have ended.
        let end = record.codes_expire_at().and_then(last_whole_day);
        for (at, invitation) in record.invitations().enumerate() {
            let is_present = at == record.earlier.len();
            for delivery in invitation {
                let is_wanted = is_present && record.outcome.is_none();
                self.enter(record, delivery, is_wanted, end, which);
                for replaced in &delivery.replaces {
                    self.enter(record, replaced, false, end, which);
                }
            }
        }
    }

    fn enter(
        &mut self,
        record: &Record,
        delivery: &Delivery,
        is_wanted: bool,
        end: Option<Date>,
        which: Which,
    ) {
        let is_format = delivery.channel == Channel::Format;
        if delivery.channel.goes_to() != GoesTo::Address || is_format != which.formats {
            return;
        }
        let file = self.files.entry(delivery.file.clone()).or_default();
        file.counts.count(delivery, which.sides);
        file.letters.extend(ManifestRow::of(record, delivery));
        file.listed.extend(FormatRow::of(record, delivery));
        if is_wanted {
            file.first_end = file.first_end.into_iter().chain(end).min();
        } else if let Some(reference) = &delivery.reference {
            file.stop.insert(reference.as_str().to_owned());
        }
    }
}

/// The last day on which a letter may be posted: then it arrives, after so many working days at most, while its codes are valid for
/// so many more days. Bank holidays are not known here.
pub(super) fn last_day_of_posting(end: Date, days_left: u16, working_days: u8) -> Option<Date> {
    let mut day = end.checked_sub(i64::from(days_left).days()).ok()?;
    let mut left = working_days;
    while left > 0 {
        day = day.yesterday().ok()?;
        // ISO: Monday is 1.
        left -= u8::from(day.weekday().to_monday_one_offset() <= 5);
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn letters_are_posted_so_early_that_their_codes_are_valid_for_the_set_days_on_the_doormat() {
        // 14 days before Tuesday 29 December is Tuesday 15 December.
        let end = date(2026, 12, 29);
        for (days, day) in [(0, 15), (1, 14), (2, 11), (4, 9), (6, 7)] {
            let last = last_day_of_posting(end, 14, days);
            assert_eq!(last, Some(date(2026, 12, day)), "{days}");
        }
    }
}
