//! Letters that are made again for some rows: a reprint has the same codes, a reissue new ones.
//!
//! The journal keeps every edition; the newest line of a patient is what a later run answers with.
//! A reissue is made once: new codes are new as long as no letter in the journal has them, so the same
//! command a second time finds its own letters there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use parking_lot::Mutex;
use pkb_core::{
    Fatal, Record,
    record::{Delivery, Edition, Invitation, Patient},
    rows::Rows,
};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use crate::letter_name::LetterName;

/// What a run makes again.
pub(crate) struct MadeAgain {
    edition: Edition,
    today: Option<Date>,
    rows: BTreeSet<u64>,
    /// Letters that are printed again, as a printer names them.
    letters: BTreeSet<LetterName>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// What each patient was sent last.
    patients: HashMap<NationalId, Vec<Delivery>>,
    /// Codes that patients have been sent, and whether a reissue sent them.
    codes: HashMap<Key, bool>,
    /// Letters that were asked for by their names, and their rows.
    named: BTreeMap<LetterName, u64>,
    /// Rows that were asked for and came.
    met: BTreeSet<u64>,
    /// Of these, the ones whose codes are not new.
    same_codes: BTreeSet<u64>,
}

impl MadeAgain {
    /// Rows to be printed again with the same codes, or rows to be sent new codes; not both. A run of
    /// first letters has neither.
    /// `today`: a row that was printed again on this day is not printed once more by the same command, but with
    /// `None`.
    pub(crate) fn new(
        reprint: Vec<u64>,
        letters: Vec<LetterName>,
        reissue: Vec<u64>,
        today: Option<Date>,
    ) -> Self {
        let is_reprint = !(reprint.is_empty() && letters.is_empty());
        let (edition, rows) = match (is_reprint, reissue.is_empty()) {
            (false, true) => (Edition::First, Vec::new()),
            (true, _) => (Edition::Reprint, reprint),
            (false, false) => (Edition::Reissue, reissue),
        };
        Self {
            edition,
            today,
            rows: rows.into_iter().collect(),
            letters: letters.into_iter().collect(),
            seen: Mutex::default(),
        }
    }

    /// The edition that the run makes.
    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    /// Whether this is a run of first letters.
    pub(crate) fn is_empty(&self) -> bool {
        self.edition == Edition::First
    }

    /// Sees a letter of the journal.
    pub(crate) fn recall(&self, record: &Record) {
        for delivery in record.all_deliveries() {
            if let Some(name) = self.letters.iter().find(|name| name.is_of(delivery)) {
                let mut seen = self.seen.lock();
                seen.named.insert(name.clone(), record.row.number);
            }
        }
        if self.edition != Edition::Reissue {
            return;
        }
        if let Some(patient) = record
            .patient
            .as_ref()
            .filter(|_| !record.deliveries.is_empty())
        {
            let mut seen = self.seen.lock();
            seen.patients
                .insert(patient.national_id, record.deliveries.clone());
            // Codes that have ended may have been taken out: they are none that are fetched now.
            if let Some(codes) = &record.invitation {
                let mut deliveries = record.deliveries.iter();
                *seen.codes.entry(key(patient, codes)).or_default() |=
                    deliveries.any(|own| own.edition == Edition::Reissue);
            }
        }
    }

    /// Whether a record from the journal is to be printed again as it is.
    pub(crate) fn is_reprinted(&self, record: &Record) -> bool {
        if record.deliveries.is_empty() || !self.wants(record, Edition::Reprint) {
            return false;
        }
        let row = record.row.number;
        let is_first_time = self.seen.lock().met.insert(row);
        let reprint = record.deliveries.iter().find(|own| {
            own.edition == Edition::Reprint && self.today.is_some() && own.date == self.today
        });
        if let Some(reprint) = reprint.filter(|_| is_first_time) {
            tracing::warn!(
                "row {row} was already printed again today, in {}. To print it once more, add --again-today",
                reprint.file
            );
        }
        reprint.is_none()
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
        let mut seen = self.seen.lock();
        let row = record.row.number;
        let sent = seen.codes.get(&key(patient, codes)).copied();
        if sent == Some(false) && seen.same_codes.insert(row) {
            tracing::warn!(
                "row {row}: not reissued, because the patient already has a letter with these codes. First run: \
                 pkb-tokens --reissue {row}"
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
            .is_some_and(|patient| self.seen.lock().patients.contains_key(&patient.national_id));
        is_in_ledger && self.has_new_codes(record)
    }

    /// What a reissue takes the place of.
    pub(crate) fn replaced_by(&self, patient: &Patient) -> Vec<Delivery> {
        let seen = self.seen.lock();
        seen.patients
            .get(&patient.national_id)
            .cloned()
            .unwrap_or_default()
    }

    /// A record that was to be printed again has only a text message.
    pub(crate) fn has_no_letter(&self, record: &Record) {
        tracing::warn!(
            "row {}: not printed again, because the patient has a text message and no letter",
            record.row.number
        );
    }

    /// Says what was asked for and not done.
    ///
    /// # Errors
    /// A row was to be reissued whose codes are not new. All others have been made.
    pub(crate) fn finish(&self) -> Result<(), Fatal> {
        let seen = self.seen.lock();
        for name in &self.letters {
            if !seen.named.contains_key(name) {
                tracing::warn!(
                    "{name} was not printed again, because the journal has no such letter"
                );
            }
        }
        let missing: Rows = self.rows.difference(&seen.met).copied().collect();
        if missing.count() > 0 {
            tracing::warn!(
                "{missing}: no {} was made. Each of these rows is not in this stream, has no letter yet, or must not get \
                 one. What to do: look at the outcome of these records",
                self.edition.as_str()
            );
        }
        if seen.same_codes.is_empty() {
            return Ok(());
        }
        let rows: Rows = seen.same_codes.iter().copied().collect();
        Err(Fatal::Usage(format!(
            "{rows}: not reissued, because the codes are not new. What to do: run pkb-tokens --reissue for these rows, \
             then this command again (--reprint prints the same codes again)"
        )))
    }

    fn wants(&self, record: &Record, edition: Edition) -> bool {
        if record.seed {
            return false;
        }
        let row = record.row.number;
        let is_named = || self.seen.lock().named.values().any(|named| *named == row);
        self.edition == edition && (self.rows.contains(&row) || is_named())
    }
}

/// Lets new deliveries take the place of old ones; those that stay as they are.
pub(crate) fn take_place_of(old: Vec<Delivery>, drafts: &mut [Delivery]) -> Vec<Delivery> {
    let mut kept = Vec::new();
    for mut old in old {
        let is_reissue = drafts.iter().any(|new| new.edition == Edition::Reissue);
        let same = drafts.iter().position(|new| new.channel == old.channel);
        // New codes take the place of the old ones, by whichever channel they went.
        let Some(at) = same.or(is_reissue.then_some(0)) else {
            kept.push(old);
            continue;
        };
        let older = std::mem::take(&mut old.replaces);
        drafts[at].replaces.push(old);
        drafts[at].replaces.extend(older);
    }
    kept
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
    use pkb_core::record::Channel;

    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-05-01"},"invitation":{"code":"CODE","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},"deliveries":[{"channel":"letter","file":"letters-0001.pdf","pages":[1,1],"sequence":3EDITION}]}"#;

    fn record(code: &str, edition: &str) -> Record {
        let edition = match edition {
            "" => String::new(),
            name => format!(r#","edition":"{name}""#),
        };
        serde_json::from_str(&RECORD.replace("CODE", code).replace("EDITION", &edition)).unwrap()
    }

    #[test]
    fn codes_are_new_until_a_letter_has_them() {
        let again = MadeAgain::new(Vec::new(), Vec::new(), vec![7], None);
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
        let again = MadeAgain::new(Vec::new(), Vec::new(), vec![8], None);
        again.recall(&record("firstcode", ""));
        assert!(!again.is_reissued(&record("secondcode", "")));
        let again = MadeAgain::new(Vec::new(), Vec::new(), vec![7], None);
        assert!(!again.is_reissued(&record("secondcode", "")));
        let again = MadeAgain::new(vec![7], Vec::new(), Vec::new(), None);
        assert!(again.is_reprinted(&record("firstcode", "")));
        assert!(!again.has_new_codes(&record("secondcode", "")));
        assert!(MadeAgain::new(Vec::new(), Vec::new(), Vec::new(), None).is_empty());
    }

    #[test]
    fn a_letter_that_a_printer_names_is_printed_again_and_no_other() {
        let names = ["3", "7K3M9QX2ABCDEFGH1234"].map(|name| name.parse().unwrap());
        let again = MadeAgain::new(Vec::new(), names.into(), Vec::new(), None);
        assert!(!again.is_empty());
        again.recall(&record("firstcode", ""));
        assert!(again.is_reprinted(&record("firstcode", "")));
        let mut other = record("firstcode", "");
        other.row.number = 8;
        assert!(!again.is_reprinted(&other));
    }

    fn delivery(channel: Channel, file: &str, edition: Edition) -> Delivery {
        Delivery {
            edition,
            ..Delivery::new(channel, file.to_owned())
        }
    }

    fn files(deliveries: &[Delivery]) -> Vec<&str> {
        let files = deliveries.iter().map(|delivery| &*delivery.file);
        files.collect()
    }

    #[test]
    fn a_reprint_takes_the_place_of_its_letter_and_new_codes_of_everything() {
        use Channel::{Letter, Sms};
        let older = delivery(Letter, "older", Edition::First);
        let letter = Delivery {
            replaces: vec![older],
            ..delivery(Letter, "letter", Edition::Reprint)
        };
        let old = || vec![letter.clone(), delivery(Sms, "text", Edition::First)];

        let mut again = [delivery(Letter, "again", Edition::Reprint)];
        assert_eq!(files(&take_place_of(old(), &mut again)), ["text"]);
        assert_eq!(files(&again[0].replaces), ["letter", "older"]);

        let mut again = [delivery(Sms, "again", Edition::Reissue)];
        assert!(take_place_of(old(), &mut again).is_empty());
        assert_eq!(files(&again[0].replaces), ["letter", "older", "text"]);
        assert!(again[0].replaces.iter().all(|one| one.replaces.is_empty()));
    }
}
