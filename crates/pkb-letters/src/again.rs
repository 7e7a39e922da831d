//! Letters that are made again for some rows: a reprint has the same codes, a reissue new ones.
//!
//! The journal keeps every edition; the newest line of a patient is what a later run answers with.
//! A reissue is made once: new codes are new as long as no letter in the journal has them, so the same
//! command a second time finds its own letters there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::civil::Date;
use pkb_core::{
    Fatal, Record,
    record::{Delivery, Edition, Invitation, Patient},
    rows::Rows,
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

/// What a run makes again.
pub(crate) struct Again {
    edition: Edition,
    today: Option<Date>,
    rows: BTreeSet<u64>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The newest letter or text message of each patient.
    patients: HashMap<NationalId, Delivery>,
    /// Codes that patients have been sent, and whether a reissue sent them.
    codes: HashMap<Key, bool>,
    /// Rows that were asked for and came.
    met: BTreeSet<u64>,
    /// Of these, the ones whose codes are not new.
    same_codes: BTreeSet<u64>,
}

impl Again {
    /// Rows to be printed again with the same codes, or rows to be sent new codes; not both. A run of
    /// first letters has neither.
    /// `today`: a row that was printed again on this day is not printed once more by the same command, but with
    /// `None`.
    pub(crate) fn new(reprint: Vec<u64>, reissue: Vec<u64>, today: Option<Date>) -> Self {
        let (edition, rows) = match (reprint.is_empty(), reissue.is_empty()) {
            (true, true) => (Edition::First, Vec::new()),
            (false, _) => (Edition::Reprint, reprint),
            (true, false) => (Edition::Reissue, reissue),
        };
        Self {
            edition,
            today,
            rows: rows.into_iter().collect(),
            seen: Mutex::default(),
        }
    }

    /// The edition that the run makes.
    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    /// Whether this is a run of first letters.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sees a letter of the journal.
    pub(crate) fn recall(&self, record: &Record) {
        if self.edition != Edition::Reissue {
            return;
        }
        if let (Some(patient), Some(delivery)) = (&record.patient, &record.delivery) {
            let mut seen = self.seen();
            seen.patients.insert(patient.national_id, delivery.clone());
            // Codes that have ended may have been taken out: they are none that are fetched now.
            if let Some(codes) = &record.invitation {
                *seen.codes.entry(key(patient, codes)).or_default() |=
                    delivery.edition == Edition::Reissue;
            }
        }
    }

    /// Whether a record from the journal is to be printed again as it is.
    pub(crate) fn is_reprinted(&self, record: &Record) -> bool {
        let Some(delivery) = &record.delivery else {
            return false;
        };
        if !self.wants(record, Edition::Reprint) {
            return false;
        }
        let row = record.row.number;
        let is_first_time = self.seen().met.insert(row);
        let is_done = delivery.edition == Edition::Reprint
            && self.today.is_some()
            && delivery.date == self.today;
        if is_done && is_first_time {
            tracing::warn!(
                "row {row}: was printed again today, in {}: --again-today prints it once more",
                delivery.file
            );
        }
        !is_done
    }

    /// Whether a record of the stream is to be sent codes that the patient has not been sent yet. One
    /// whose codes are not new is kept in mind for [`Self::finish`].
    pub(crate) fn has_new_codes(&self, record: &Record) -> bool {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return false;
        };
        if !self.wants(record, Edition::Reissue) {
            return false;
        }
        let mut seen = self.seen();
        let row = record.row.number;
        let sent = seen.codes.get(&key(patient, codes)).copied();
        if sent == Some(false) && seen.same_codes.insert(row) {
            tracing::warn!(
                "row {row}: not reissued: its codes are those of a letter that it has: run pkb-tokens --reissue {row} first"
            );
        }
        seen.met.insert(row);
        sent.is_none()
    }

    /// As [`Self::has_new_codes`], for a patient who may not have any letter yet.
    pub(crate) fn is_reissued(&self, record: &Record) -> bool {
        let is_in_ledger = record
            .patient
            .as_ref()
            .is_some_and(|patient| self.seen().patients.contains_key(&patient.national_id));
        is_in_ledger && self.has_new_codes(record)
    }

    /// What a reissue takes the place of.
    pub(crate) fn replaced_by(&self, patient: &Patient) -> Option<Delivery> {
        self.seen().patients.get(&patient.national_id).cloned()
    }

    /// A record that was to be printed again has only a text message.
    pub(crate) fn has_no_letter(&self, record: &Record) {
        tracing::warn!(
            "row {}: not printed again: it has a text message and no letter",
            record.row.number
        );
    }

    /// Says what was asked for and not done.
    ///
    /// # Errors
    /// A row was to be reissued whose codes are not new. All others have been made.
    pub(crate) fn finish(&self) -> Result<(), Fatal> {
        let seen = self.seen();
        let missing: Rows = self.rows.difference(&seen.met).copied().collect();
        if missing.count() > 0 {
            tracing::warn!(
                "{missing}: no {} was made: not in this stream, without a letter so far, or stopped",
                self.edition.as_str()
            );
        }
        if seen.same_codes.is_empty() {
            return Ok(());
        }
        let rows: Rows = seen.same_codes.iter().copied().collect();
        Err(Fatal::Usage(format!(
            "{rows}: not reissued, because their codes are not new: run pkb-tokens --reissue for them, \
             then this command again (--reprint prints the same codes again)"
        )))
    }

    fn wants(&self, record: &Record, edition: Edition) -> bool {
        self.edition == edition && self.rows.contains(&record.row.number)
    }

    /// What a panic left behind is as good as before: each change is made in one step.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A patient with a pair of codes.
fn key(patient: &Patient, codes: &Invitation) -> Key {
    Key::of(&[
        &patient.national_id.key_bytes(),
        codes.code.expose_code().as_bytes(),
        codes.token.expose_code().as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-05-01"},"invitation":{"code":"CODE","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},"delivery":{"channel":"letter","file":"letters-0001.pdf","pages":[1,1],"sequence":3EDITION}}"#;

    fn record(code: &str, edition: &str) -> Record {
        let edition = match edition {
            "" => String::new(),
            name => format!(r#","edition":"{name}""#),
        };
        serde_json::from_str(&RECORD.replace("CODE", code).replace("EDITION", &edition)).unwrap()
    }

    #[test]
    fn codes_are_new_until_a_letter_has_them() {
        let again = Again::new(Vec::new(), vec![7], None);
        again.recall(&record("firstcode", ""));
        assert!(again.is_reissued(&record("secondcode", "")));
        assert!(again.finish().is_ok());
        again.recall(&record("secondcode", "reissue"));
        assert!(!again.is_reissued(&record("secondcode", "")));
        assert!(again.finish().is_ok(), "the command was run twice");
        again.recall(&record("secondcode", "reprint"));
        assert!(!again.has_new_codes(&record("secondcode", "")));
        assert!(again.finish().is_ok());
        assert!(!again.has_new_codes(&record("firstcode", "")));
        assert!(
            again
                .finish()
                .unwrap_err()
                .to_string()
                .starts_with("row 7: not reissued")
        );
    }

    #[test]
    fn only_rows_that_were_asked_for_and_have_a_letter_are_made_again() {
        let again = Again::new(Vec::new(), vec![8], None);
        again.recall(&record("firstcode", ""));
        assert!(!again.is_reissued(&record("secondcode", "")));
        let again = Again::new(Vec::new(), vec![7], None);
        assert!(!again.is_reissued(&record("secondcode", "")));
        let again = Again::new(vec![7], Vec::new(), None);
        assert!(again.is_reprinted(&record("firstcode", "")));
        assert!(!again.has_new_codes(&record("secondcode", "")));
        assert!(Again::new(Vec::new(), Vec::new(), None).is_empty());
    }
}
