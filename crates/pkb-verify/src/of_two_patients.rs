//! Letters and text messages with a PKB record or a code that a different patient of the stream also has. Neither may go
//! out: nobody can tell whose the codes are.

use std::collections::{BTreeMap, HashMap};

use pkb_core::{
    Record,
    owners::{Owners, PatientIdentifiers},
    record::Channel,
};
use pkb_values::NationalId;

use super::sheets::Slot;

/// What was seen of all records.
#[derive(Default)]
pub(super) struct OfTwoPatients {
    owners: Owners,
    /// The spreadsheets of the texts, and the data files.
    texts: HashMap<NationalId, String>,
    /// By row: the patient, and what is said.
    rows: BTreeMap<u64, (NationalId, String)>,
}

impl OfTwoPatients {
    /// Sees a record, also one that was stopped.
    pub(super) fn see(&mut self, record: &Record) {
        let Some(own) = PatientIdentifiers::of(record, self.owners.salt()) else {
            return;
        };
        let text = record.delivery(Channel::Sms);
        if let Some(text) = text.or_else(|| record.delivery(Channel::Data)) {
            self.texts.insert(own.patient, text.file.clone());
        }
        let Some(shared) = self.owners.come(&own) else {
            return;
        };
        let row = record.row.number;
        for other in &shared.others {
            let words = format!(
                "row {row} has {}. Remove this letter or text message",
                shared.what()
            );
            self.rows.insert(other.row(), (other.patient, words));
        }
        let detail = self.owners.detail(&shared, &record.row.file);
        self.rows.insert(
            row,
            (
                own.patient,
                format!("{detail}. Remove this letter or text message"),
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
                let place = format!("{name}, page {} (row {})", slot.pages.0, slot.row);
                fail(&place, words);
            }
        }
        for (row, (patient, words)) in &self.rows {
            if let Some(sheet) = self.texts.get(patient) {
                fail(&format!("{sheet} (row {row})"), words);
            }
        }
    }
}
