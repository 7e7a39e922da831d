//! What belongs to one patient alone: a record at PKB, an invitation code, an access code.
//!
//! PKB once in a while has two national numbers for one record, and a proxy or a server may give one patient's answer
//! to another. Neither shows in an answer by itself. It shows as soon as a second patient comes with the same id or
//! code, whichever file, run or interface it came from. A stage that notices keeps both from going on.
//!
//! Of ids and codes only salted hashes are kept, some 24 bytes each.

use std::hash::{BuildHasher as _, RandomState};

use foldhash::HashMap;

use crate::{Reason, Record, Verdict};
use pkb_values::{AccessCode, InvitationCode, NationalId, PkbId};

/// Which of a record's belongings are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    /// PKB's id of the record.
    pub id: bool,
    /// Invitation code and access code.
    pub codes: bool,
}

impl Kinds {
    /// Nothing.
    pub const NONE: Self = Self {
        id: false,
        codes: false,
    };
    /// PKB's id alone.
    pub const ID: Self = Self {
        id: true,
        codes: false,
    };
    /// The codes alone.
    pub const CODES: Self = Self {
        id: false,
        codes: true,
    };
    /// Everything.
    pub const ALL: Self = Self {
        id: true,
        codes: true,
    };

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            id: self.id || other.id,
            codes: self.codes || other.codes,
        }
    }

    /// Whether there is anything to look at.
    #[must_use]
    pub fn any(self) -> bool {
        self.id || self.codes
    }
}

/// Makes hashes of one run: no two runs have the same.
#[derive(Clone, Default)]
pub struct Salt(RandomState);

impl Salt {
    fn id(&self, id: &PkbId) -> u64 {
        // Zeros in front make no other number.
        self.0
            .hash_one(("id", id.expose_id().trim_start_matches('0')))
    }

    /// Both kinds alike: on paper nobody can tell which of the two a word is.
    fn codes(&self, code: &InvitationCode, token: &AccessCode) -> [u64; 2] {
        [code.expose_code(), token.expose_code()].map(|code| self.0.hash_one(("code", code)))
    }
}

/// Shows nothing: whoever knows the salt can try all ids.
impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// What one record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientIdentifiers {
    /// Whose they are.
    pub patient: NationalId,
    row: u64,
    file: Box<str>,
    id: Option<u64>,
    codes: Option<[u64; 2]>,
}

impl PatientIdentifiers {
    /// Those of a record; `None` if it has none, or no patient.
    #[must_use]
    pub fn of(record: &Record, salt: &Salt) -> Option<Self> {
        let patient = record.patient.as_ref()?.national_id;
        let id = record.pkb.as_ref().and_then(|pkb| pkb.id.as_ref());
        let codes = record.invitation.as_ref();
        (id.is_some() || codes.is_some()).then(|| Self {
            patient,
            row: record.row.number,
            file: record.row.file.as_str().into(),
            id: id.map(|id| salt.id(id)),
            codes: codes.map(|codes| salt.codes(&codes.code, &codes.token)),
        })
    }

    /// Only those of some kinds.
    #[must_use]
    pub fn only(mut self, kinds: Kinds) -> Option<Self> {
        self.id = self.id.filter(|_| kinds.id);
        self.codes = self.codes.filter(|_| kinds.codes);
        (self.id.is_some() || self.codes.is_some()).then_some(self)
    }
}

/// A patient who came with something, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub patient: NationalId,
    row: u32,
    /// Which of the files.
    file: u16,
}

impl Owner {
    /// The row of the patient file.
    #[must_use]
    pub fn row(&self) -> u64 {
        u64::from(self.row)
    }
}

/// What a patient has that a different patient also has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The reasons: the record, the codes, or both.
    pub reasons: Vec<Reason>,
    /// The others, in the order in which they came.
    pub others: Vec<Owner>,
    /// Whether this is new.
    pub is_new: bool,
}

impl Shared {
    /// In words: `the same PKB record`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.reasons.as_slice() {
            [Reason::SharedRecord, _, ..] => "the same PKB record and the same code",
            [Reason::SharedRecord] => "the same PKB record",
            _ => "the same code",
        }
    }
}

/// Who came with what.
#[derive(Debug, Default)]
pub struct Owners {
    salt: Salt,
    files: Vec<Box<str>>,
    first: HashMap<u64, Owner>,
    /// What several patients have, and all of them: two at least.
    shared: HashMap<u64, Vec<Owner>>,
    /// The record that each patient has now: PKB may have corrected it.
    records: HashMap<NationalId, u64>,
}

impl Owners {
    /// What hashes are made with.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// A patient comes with belongings. `None` if nobody else has any of them.
    ///
    /// A patient has one record at a time: of a patient who comes with another id, the one before is forgotten. Codes
    /// are never given back: the letter or text that has them may be anywhere.
    pub fn come(&mut self, own: &PatientIdentifiers) -> Option<Shared> {
        let owner = self.owner(own);
        if let Some(id) = own.id
            && let Some(before) = self.records.insert(own.patient, id)
            && before != id
        {
            self.give_back(before, own.patient);
        }
        let record = own.id.map(|id| (id, Reason::SharedRecord));
        let codes = own.codes.into_iter().flatten();
        let things = record
            .into_iter()
            .chain(codes.map(|code| (code, Reason::SharedCodes)));
        let mut shared = Shared {
            reasons: Vec::new(),
            others: Vec::new(),
            is_new: false,
        };
        for (thing, reason) in things {
            shared.is_new |= self.enter(thing, owner);
            self.look(thing, reason, owner.patient, &mut shared);
        }
        (!shared.reasons.is_empty()).then_some(shared)
    }

    /// The same for a patient for whom something was done in an earlier run: the record that it was done for counts, and not
    /// the one that PKB names now. Two different ones count as shared.
    pub fn come_again(&mut self, own: &PatientIdentifiers) -> Option<Shared> {
        let made_for = self.records.get(&own.patient).copied();
        let mut codes = own.clone();
        codes.id = None;
        let mut shared = self.come(&codes).unwrap_or(Shared {
            reasons: Vec::new(),
            others: Vec::new(),
            is_new: false,
        });
        if let Some(made_for) = made_for {
            self.look(made_for, Reason::SharedRecord, own.patient, &mut shared);
            let is_another = own.id.is_some_and(|now| now != made_for);
            if is_another && !shared.reasons.contains(&Reason::SharedRecord) {
                shared.reasons.push(Reason::SharedRecord);
            }
        }
        (!shared.reasons.is_empty()).then_some(shared)
    }

    /// What is shared now.
    #[must_use]
    pub fn known(&self) -> Known {
        Known {
            salt: self.salt.clone(),
            shared: self.shared.keys().copied().collect(),
        }
    }

    /// A row in a message to somebody who looks at `file`.
    #[must_use]
    pub fn name(&self, owner: Owner, file: &str) -> String {
        match self.files.get(usize::from(owner.file)) {
            Some(other) if **other != *file => format!("row {} of {other}", owner.row),
            _ => format!("row {}", owner.row),
        }
    }

    /// Why a record is stopped. `file` is its own.
    #[must_use]
    pub fn verdict(&self, shared: &Shared, file: &str) -> Verdict {
        let mut reasons = shared.reasons.iter().copied();
        let reason = reasons.next().unwrap_or(Reason::SharedRecord);
        Verdict {
            reason,
            also: reasons.collect(),
            detail: Some(self.detail(shared, file)),
        }
    }

    /// Who has what: `row 2 has the same PKB record`.
    #[must_use]
    pub fn detail(&self, shared: &Shared, file: &str) -> String {
        let what = shared.what();
        let mut rows: Vec<String> = shared
            .others
            .iter()
            .take(NAMED)
            .map(|other| self.name(*other, file))
            .collect();
        if shared.others.len() > NAMED {
            rows.push(format!("{} more", shared.others.len() - NAMED));
        }
        match rows.as_slice() {
            [] if shared.reasons.contains(&Reason::SharedRecord) => {
                "PKB names a different record from the one that the codes were made for".to_owned()
            }
            [] => "a different patient has the same code".to_owned(),
            [row] => format!("{row} has {what}"),
            [rows @ .., last] => format!("{} and {last} have {what}", rows.join(", ")),
        }
    }

    fn owner(&mut self, own: &PatientIdentifiers) -> Owner {
        // Nearly always it is the last one.
        let known = self.files.iter().rposition(|file| *file == own.file);
        let file = known.unwrap_or_else(|| {
            self.files.push(own.file.clone());
            self.files.len() - 1
        });
        Owner {
            patient: own.patient,
            row: u32::try_from(own.row).unwrap_or(u32::MAX),
            file: u16::try_from(file).unwrap_or(u16::MAX),
        }
    }

    /// Whether the patient is the first to share it, or one more.
    fn enter(&mut self, thing: u64, owner: Owner) -> bool {
        let is_owner = |other: &Owner| other.patient == owner.patient;
        if let Some(owners) = self.shared.get_mut(&thing) {
            let is_new = !owners.iter().any(is_owner);
            if is_new {
                owners.push(owner);
            }
            return is_new;
        }
        let first = *self.first.entry(thing).or_insert(owner);
        if is_owner(&first) {
            return false;
        }
        self.shared.insert(thing, vec![first, owner]);
        true
    }

    fn look(&self, thing: u64, reason: Reason, patient: NationalId, shared: &mut Shared) {
        let Some(owners) = self.shared.get(&thing) else {
            return;
        };
        if !shared.reasons.contains(&reason) {
            shared.reasons.push(reason);
        }
        for other in owners.iter().filter(|other| other.patient != patient) {
            if !shared.others.iter().any(|it| it.patient == other.patient) {
                shared.others.push(*other);
            }
        }
    }

    fn give_back(&mut self, thing: u64, patient: NationalId) {
        let Some(owners) = self.shared.get_mut(&thing) else {
            if self
                .first
                .get(&thing)
                .is_some_and(|it| it.patient == patient)
            {
                self.first.remove(&thing);
            }
            return;
        };
        owners.retain(|it| it.patient != patient);
        if let [only] = owners.as_slice() {
            self.first.insert(thing, *only);
            self.shared.remove(&thing);
        }
    }
}

/// So many rows are named in a detail.
const NAMED: usize = 5;

/// What was known to be shared at a moment.
#[derive(Debug, Clone)]
pub struct Known {
    salt: Salt,
    shared: foldhash::HashSet<u64>,
}

impl Known {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty()
    }

    /// Whether a record has any of it.
    #[must_use]
    pub fn concerns(&self, record: &Record) -> bool {
        !self.is_empty()
            && PatientIdentifiers::of(record, &self.salt).is_some_and(|own| {
                let codes = own.codes.into_iter().flatten();
                own.id
                    .into_iter()
                    .chain(codes)
                    .any(|thing| self.shared.contains(&thing))
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(patient: u64, row: u64, id: &str, codes: &str) -> Record {
        let mut record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": row, "of": 99},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": NUMBERS[patient as usize]}, "first_name": "Ann",
                "last_name": "Lee", "date_of_birth": "1990-05-01",
            },
        });
        if !id.is_empty() {
            record["pkb"] = serde_json::json!({"id": id, "checked_at": "2026-11-22T09:00:00Z"});
        }
        if let Some((code, token)) = codes.split_once(' ') {
            record["invitation"] = serde_json::json!({"code": format!("Code{code}"), "token": format!("Code{token}"), "expires_at": "2026-12-22T09:00:00Z"});
        }
        serde_json::from_value(record).unwrap()
    }

    const NUMBERS: [&str; 5] = [
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000042",
        "9990000050",
    ];

    fn come(owners: &mut Owners, record: &Record) -> Option<Shared> {
        let own = PatientIdentifiers::of(record, &owners.salt)?;
        owners.come(&own)
    }

    #[test]
    fn the_second_patient_with_a_record_or_a_code_is_told_of_the_first() {
        for (second, reason, detail) in [
            (
                record(1, 9, "0777", "C2 T2"),
                Reason::SharedRecord,
                "row 2 has the same PKB record",
            ),
            (
                record(1, 9, "778", "C1 T2"),
                Reason::SharedCodes,
                "row 2 has the same code",
            ),
            (
                record(1, 9, "778", "C2 T1"),
                Reason::SharedCodes,
                "row 2 has the same code",
            ),
            // On paper nobody sees which of the two it is.
            (
                record(1, 9, "778", "T1 C2"),
                Reason::SharedCodes,
                "row 2 has the same code",
            ),
            (
                record(1, 9, "777", "C1 T1"),
                Reason::SharedRecord,
                "row 2 has the same PKB record and the same code",
            ),
        ] {
            let mut owners = Owners::default();
            assert_eq!(come(&mut owners, &record(0, 2, "777", "C1 T1")), None);
            let shared = come(&mut owners, &second).unwrap();
            let verdict = owners.verdict(&shared, "a.csv");
            assert_eq!(verdict.reason, reason);
            assert_eq!(verdict.detail.as_deref(), Some(detail));
            assert!(shared.is_new);
            let other = owners.verdict(&shared, "b.csv").detail.unwrap();
            assert!(other.starts_with("row 2 of a.csv has"), "{other}");
            // Whoever of them comes again is stopped, and it is no news.
            assert!(come(&mut owners, &record(0, 3, "777", "C1 T1")).is_some_and(|it| !it.is_new));
            assert!(come(&mut owners, &second).is_some_and(|it| !it.is_new));
        }
    }

    #[test]
    fn the_same_patient_may_come_as_often_as_it_likes_with_old_and_new_codes() {
        let mut owners = Owners::default();
        for (id, codes) in [
            ("777", "C1 T1"),
            ("777", "C1 T1"),
            ("777", "C2 T2"),
            ("", "C1 T1"),
            ("778", ""),
        ] {
            assert_eq!(come(&mut owners, &record(0, 2, id, codes)), None);
        }
        // The record that it had is free again; its codes are not.
        assert_eq!(come(&mut owners, &record(1, 3, "777", "C3 T3")), None);
        assert!(come(&mut owners, &record(2, 4, "779", "C2 T4")).is_some());
    }

    #[test]
    fn a_record_that_pkb_has_corrected_is_no_longer_shared() {
        let mut owners = Owners::default();
        come(&mut owners, &record(0, 2, "777", ""));
        assert!(come(&mut owners, &record(1, 3, "777", "")).is_some());
        assert!(owners.known().concerns(&record(0, 2, "777", "")));
        assert_eq!(come(&mut owners, &record(0, 2, "778", "")), None);
        assert_eq!(come(&mut owners, &record(1, 3, "777", "")), None);
        assert!(owners.known().is_empty());
    }

    #[test]
    fn a_letter_counts_for_the_record_that_its_codes_were_made_for() {
        let mut owners = Owners::default();
        come(&mut owners, &record(0, 2, "777", "C1 T1"));
        let now = PatientIdentifiers::of(&record(0, 2, "778", "C1 T1"), &owners.salt).unwrap();
        let shared = owners.come_again(&now).unwrap();
        let detail = owners.verdict(&shared, "a.csv").detail.unwrap();
        assert!(detail.contains("PKB names a different record"), "{detail}");
        assert!(come(&mut owners, &record(1, 3, "777", "C3 T3")).is_some());
        let same = PatientIdentifiers::of(&record(0, 2, "", "C1 T1"), &owners.salt).unwrap();
        assert!(
            owners
                .come_again(&same)
                .is_some_and(|it| it.others.len() == 1)
        );
    }

    proptest! {
        /// Compared with a list of all that came.
        #[test]
        fn what_is_shared_is_what_two_patients_have(
            coming in proptest::collection::vec((0..5_u64, 0..4_usize, 0..6_usize, 0..6_usize), 1..60),
        ) {
            let mut owners = Owners::default();
            let mut ids: Vec<Option<usize>> = vec![None; 5];
            let mut codes: Vec<(u64, String)> = Vec::new();
            for (row, (patient, id, code, token)) in (2..).zip(coming) {
                let id_text = if id == 0 { String::new() } else { id.to_string() };
                let shared = come(&mut owners, &record(patient, row, &id_text, &format!("A{code} B{token}")));
                if id > 0 {
                    ids[patient as usize] = Some(id);
                }
                codes.extend([format!("A{code}"), format!("B{token}")].map(|text| (patient, text)));
                let other_has = |text: &str| codes.iter().any(|(other, it)| *other != patient && it == text);
                let same_record = id > 0
                    && (0..).zip(&ids).any(|(other, it)| other != patient && *it == Some(id));
                let same_codes = other_has(&format!("A{code}")) || other_has(&format!("B{token}"));
                let reasons = shared.map(|it| it.reasons).unwrap_or_default();
                prop_assert_eq!(reasons.contains(&Reason::SharedRecord), same_record);
                prop_assert_eq!(reasons.contains(&Reason::SharedCodes), same_codes);
            }
        }
    }
}
