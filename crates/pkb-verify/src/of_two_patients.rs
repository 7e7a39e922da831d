//! Letters and text messages with a PKB record or a code that a different patient of the stream also has. Neither may go
//! out: nobody can tell whose the codes are.

use std::collections::BTreeMap;

use pkb_core::{
    Record,
    owners::{Belongings, Owners},
    print_files::{
        made_for::{MadeFor, Place},
        sheet_of,
    },
};
use pkb_values::NationalId;

use super::sheets::Slot;

/// What was seen of all records.
#[derive(Default)]
pub(super) struct OfTwoPatients {
    owners: Owners,
    /// Where the texts are.
    texts: MadeFor,
    /// By row: the patient, and what is said.
    rows: BTreeMap<u64, (NationalId, String)>,
}

impl OfTwoPatients {
    /// Sees a record, also one that was stopped.
    pub(super) fn see(&mut self, record: &Record) {
        let Some(own) = Belongings::of(record, self.owners.salt()) else {
            return;
        };
        if let Some(delivery) = &record.delivery
            && sheet_of(delivery).is_some()
        {
            self.texts.note(own.patient, Place::of(delivery));
        }
        let Some(shared) = self.owners.come(&own) else {
            return;
        };
        let row = record.row.number;
        for other in &shared.others {
            let words = format!(
                "row {row} has {}: remove this letter or text message",
                shared.what()
            );
            self.rows.insert(other.row(), (other.patient, words));
        }
        let detail = self.owners.detail(&shared, &record.row.file);
        self.rows.insert(
            row,
            (
                own.patient,
                format!("{detail}: remove this letter or text message"),
            ),
        );
    }

    /// Says so of each letter and text. `letters` are all there are, with their files.
    pub(super) fn tell<'a>(
        &self,
        letters: impl Iterator<Item = (&'a String, Slot)>,
        mut fail: impl FnMut(&str, &str),
    ) {
        if self.rows.is_empty() {
            return;
        }
        for (name, slot) in letters {
            if let Some((_, words)) = self.rows.get(&slot.row) {
                let place = format!("{name}, sheet {} (row {})", slot.pages.0, slot.row);
                fail(&place, words);
            }
        }
        for (row, (patient, words)) in &self.rows {
            if let Some(sheet) = self.texts.of(*patient).and_then(|place| place.texts) {
                fail(&format!("{sheet} (row {row})"), words);
            }
        }
    }
}
