//! Which letter of which manifest is whose: records and manifests, paired.

use std::collections::{BTreeMap, HashMap, HashSet};

use pkb_core::{
    Fatal, Record, StageName,
    record::{Channel, Design},
    rehearsal::{FILE_PREFIX, Origin},
    spool::Place,
};
use pkb_print_files::{editions::edition_of, manifest::ManifestRow};
use pkb_values::LetterLanguages;

use crate::expected::ShortText;
use crate::manifests::Manifests;
use crate::report::Report;
use crate::sheets::{QrReading, Slot};

/// A letter in its file.
pub(crate) struct Entry {
    pub(crate) slot: Slot,
    pub(crate) sequence: u64,
    pub(crate) languages: LetterLanguages,
    pub(crate) design: Design,
    /// `None` if the record has none any more.
    pub(crate) codes: Option<[ShortText; 2]>,
    pub(crate) record: Place,
}

/// The letters of each file, by edition and name.
pub(crate) type Files = BTreeMap<(usize, String), Vec<Entry>>;

/// The letters that records have claimed so far.
pub(crate) struct Pairing<'a> {
    manifests: &'a [Manifests],
    pub(crate) files: Files,
    /// Sheets of letters that were replaced by those of another edition.
    pub(crate) spare: HashMap<String, Vec<(u64, u64)>>,
    /// Numbers of letters, for each edition.
    claimed: Vec<HashSet<u64>>,
    /// Rows whose letters were printed again.
    printed_again: HashSet<u64>,
}

impl<'a> Pairing<'a> {
    /// Nothing claimed.
    pub(crate) fn new(manifests: &'a [Manifests]) -> Self {
        Self {
            manifests,
            files: Files::new(),
            spare: HashMap::new(),
            claimed: manifests.iter().map(|_| HashSet::new()).collect(),
            printed_again: HashSet::new(),
        }
    }

    /// Pairs a letter of a record with its row of the manifest. `keep` keeps the record.
    ///
    /// # Errors
    /// The record cannot be kept.
    pub(crate) fn pair(
        &mut self,
        record: &Record,
        letter: LetterOf,
        keep: impl FnOnce() -> Result<Place, Fatal>,
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let LetterOf {
            edition,
            sequence,
            own,
            is_replaced,
        } = letter;
        let row = record.row.number;
        let place = format!("manifest, letter {sequence} (row {row})");
        let listed = self.manifests.get(edition).and_then(|manifests| {
            let row = manifests.row(sequence)?;
            Some((manifests, row))
        });
        let Some((manifests, listed)) = listed else {
            report.fail(&place, "the letter is not in the manifest");
            return Ok(());
        };
        let claimed = self.claimed.get_mut(edition);
        if !claimed.is_some_and(|claimed| claimed.insert(sequence)) {
            report.fail(&place, "two records have this letter");
        }
        if own.as_ref().is_some_and(|own| *own != listed) {
            report.fail(&place, "the manifest does not match the record");
        }
        let entry = own.unwrap_or(listed);
        if entry.file.starts_with(FILE_PREFIX) != is_rehearsal(record) {
            let words = "the record and the name of its file disagree, because only one of them is from a rehearsal: use the folder and the records of one run";
            report.fail(&place, words);
        }
        if !entry.is_possible() {
            report.fail(
                &place,
                "the manifest gives page numbers that no letter can have",
            );
            return Ok(());
        }
        if edition > 0 {
            self.printed_again.insert(row);
        }
        if is_replaced {
            self.add_spare(entry);
        } else {
            let letter = Entry::new(record, &entry, manifests, keep()?);
            let letters = self.files.entry((edition, entry.file)).or_default();
            letters.push(letter);
        }
        Ok(())
    }

    /// Says which letters of the manifests no record has.
    pub(crate) fn tell_unclaimed(&mut self, report: &mut Report) {
        let claimed = std::mem::take(&mut self.claimed);
        for (manifests, claimed) in self.manifests.iter().zip(&claimed) {
            let left = manifests.rows();
            for row in left.filter(|row| !claimed.contains(&row.sequence)) {
                if self.printed_again.contains(&row.row) {
                    self.add_spare(row);
                } else {
                    let place = format!("manifest, letter {}", row.sequence);
                    report.fail(&place, "no record has the letter");
                }
            }
        }
    }

    fn add_spare(&mut self, row: ManifestRow) {
        let pages = (row.first_page, row.last_page);
        self.spare.entry(row.file).or_default().push(pages);
    }
}

impl Entry {
    /// `row` says where the letter is.
    fn new(record: &Record, row: &ManifestRow, manifests: &Manifests, place: Place) -> Self {
        let home = manifests.home(&row.file);
        let design = match record.delivery(Channel::Letter) {
            Some(delivery) => delivery.design,
            None => home.map(|home| home.design),
        };
        let is_numbered = home.is_some_and(|home| home.is_numbered);
        Self {
            slot: Slot {
                row: row.row,
                number: is_numbered.then_some(row.sequence),
                pages: (row.first_page, row.last_page),
                qr_codes: QrReading::Pictures,
            },
            sequence: row.sequence,
            languages: row.language,
            design: design.unwrap_or_default(),
            codes: record.invitation.as_ref().map(|codes| {
                [codes.code.expose_code(), codes.token.expose_code()].map(ShortText::of)
            }),
            record: place,
        }
    }
}

/// Whether a record passed by the run that made these letters, and its own letter is of a run before: a
/// reminder is not for everybody in the stream.
pub(crate) fn is_of_another_run(record: &Record, manifests: &[Manifests]) -> bool {
    let is_passed_by = record
        .outcome
        .as_ref()
        .is_some_and(|outcome| outcome.stage == StageName::Recheck);
    let mut manifests = manifests.iter();
    is_passed_by && !manifests.any(|manifest| manifest.of_row(record.row.number).is_some())
}

/// A letter of a record.
pub(crate) struct LetterOf {
    /// Its place in `Edition::ALL`, which is the order of the manifests.
    edition: usize,
    sequence: u64,
    /// What the record says of it, if the record knows.
    own: Option<ManifestRow>,
    /// Whether another one has taken its place.
    is_replaced: bool,
}

/// A record's letters, the newest first. A record that has not been to pkb-letters does not know their place.
pub(crate) fn letters_of(record: &Record, manifests: &[Manifests]) -> Vec<LetterOf> {
    if record.deliveries.is_empty() {
        let mut editions = manifests.iter().enumerate().rev();
        let newest = editions.find_map(|(edition, manifests)| {
            Some(LetterOf {
                edition,
                sequence: manifests.of_row(record.row.number)?,
                own: None,
                is_replaced: false,
            })
        });
        return newest.into_iter().collect();
    }
    let present = record.deliveries.iter().map(|own| (own, false));
    let replaced = record.deliveries.iter().flat_map(|own| &own.replaces);
    let all = present.chain(replaced.map(|one| (one, true)));
    all.filter_map(|(delivery, is_replaced)| {
        // manifest.csv does not say who is a member of staff.
        let own = ManifestRow {
            seed: false,
            ..ManifestRow::of(record, delivery)?
        };
        Some(LetterOf {
            edition: edition_of(&own.file)? as usize,
            sequence: own.sequence,
            own: Some(own),
            is_replaced,
        })
    })
    .collect()
}

/// Whether a record is of a rehearsal.
fn is_rehearsal(record: &Record) -> bool {
    Origin::of(record) == Some(Origin::Rehearsal)
}
