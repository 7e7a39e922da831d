//! What only a look at all rows shows: patients, e-mail addresses, people and addresses that stand in
//! more than one. Kept are numbers and hashes, never rows: 64 bytes a row while the file is read (in
//! lists that are sorted at the end, which is several times as quick as hash tables of that size), and
//! afterwards only what repeats.

mod hasher;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
};

use pkb_core::{Reason, record::Household};
use pkb_values::NhsNumber;
use rayon::slice::ParallelSliceMut as _;

use crate::{
    columns::Field,
    finding::{Fault, Finding, FindingPlace, OtherRows, Severity},
    patient_row::CheckedRow,
};

use hasher::RowHasher;

/// What is known of all rows.
#[derive(Default)]
pub struct AcrossRows {
    hasher: RowHasher,
    /// Each row with a national id.
    numbers: Vec<NumberedRow>,
    /// The rows of each national id that has several, once all rows have been seen.
    same_number: BTreeMap<NineDigits, SameNumber>,
    emails: RowsByHash,
    people: RowsByHash,
    /// Hash of the person and row of those who have died.
    dead: BTreeSet<(u64, u32)>,
    addresses: RowsByHash,
    /// Where texts are put together, to be hashed.
    scratch: Vec<u8>,
}

struct NumberedRow {
    number: NineDigits,
    row: u32,
    /// Hash of all that the row says; `None` if something rejects it by itself.
    content: Option<NonZeroU64>,
}

/// A national id without its check digit, which follows from the others: it fits four bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NineDigits(u32);

impl From<NhsNumber> for NineDigits {
    fn from(number: NhsNumber) -> Self {
        Self(u32::try_from(number.to_u64() / 10).unwrap_or(u32::MAX))
    }
}

#[derive(Debug)]
struct SameNumber {
    rows: Vec<u32>,
    /// How many of them nothing rejects by itself.
    good: u32,
    /// Whether they say different things, or some are bad.
    differing: bool,
}

/// In which rows a hash was seen.
#[derive(Default)]
struct RowsByHash {
    seen: Vec<(u64, u32)>,
    /// The rows of each hash that was seen in several, once all rows have been seen.
    repeated: BTreeMap<u64, Vec<u32>>,
}

impl RowsByHash {
    fn settle(&mut self, without: &BTreeSet<u32>) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.retain(|(_, row)| !without.contains(row));
        seen.par_sort_unstable();
        let same_hash = seen.chunk_by(|(one, _), (other, _)| one == other);
        self.repeated = same_hash
            .filter(|rows| rows.len() > 1)
            .map(|rows| (rows[0].0, rows.iter().map(|(_, row)| *row).collect()))
            .collect();
    }

    fn others(&self, hash: u64, row: u32) -> Option<OtherRows> {
        let rows = self.repeated.get(&hash)?;
        Some(OtherRows::of(rows, row))
    }
}

impl AcrossRows {
    /// For other rows of the same file, to be [joined](Self::join) later.
    pub fn beside(&self) -> Self {
        Self {
            hasher: self.hasher.clone(),
            ..Self::default()
        }
    }

    /// Takes a row into account; rows come in any order.
    pub fn see(&mut self, row: u32, checked: &CheckedRow) {
        let Some(number) = checked.number else {
            return;
        };
        let patient = checked.patient.as_ref();
        self.numbers.push(NumberedRow {
            number: number.into(),
            row,
            content: patient.map(|patient| self.hasher.content(patient)),
        });
        let Some(patient) = patient else {
            return;
        };
        if let Some(email) = &patient.email {
            self.emails.seen.push((self.hasher.email(email), row));
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let person = self.hasher.person(patient, &mut scratch);
        self.people.seen.push((person, row));
        if patient.deceased {
            self.dead.insert((person, row));
        }
        if let Some(address) = self.hasher.address(patient, &mut scratch) {
            self.addresses.seen.push((address, row));
        }
        self.scratch = scratch;
    }

    /// Takes over what was seen of other rows.
    pub fn join(&mut self, mut other: Self) {
        self.numbers.append(&mut other.numbers);
        self.dead.append(&mut other.dead);
        for (own, others) in [
            (&mut self.emails, other.emails),
            (&mut self.people, other.people),
            (&mut self.addresses, other.addresses),
        ] {
            own.seen.extend(others.seen);
        }
    }

    /// To be called when all rows have been seen. Rows that are not uploaded share nothing with others.
    pub fn settle(&mut self) {
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.par_sort_unstable_by_key(|seen| (seen.number, seen.row));
        let mut not_uploaded = BTreeSet::new();
        for rows in numbers.chunk_by(|one, other| one.number == other.number) {
            let [first, .., _] = rows else {
                continue;
            };
            let same = SameNumber {
                rows: rows.iter().map(|seen| seen.row).collect(),
                good: rows
                    .iter()
                    .map(|seen| u32::from(seen.content.is_some()))
                    .sum(),
                differing: rows
                    .iter()
                    .any(|seen| seen.content.is_none() || seen.content != first.content),
            };
            let stopped = if same.differing { 0 } else { 1 };
            not_uploaded.extend(&same.rows[stopped..]);
            self.same_number.insert(first.number, same);
        }
        for sightings in [&mut self.emails, &mut self.people, &mut self.addresses] {
            sightings.settle(&not_uploaded);
        }
    }

    /// Addresses with more than one patient, and the patients there.
    pub fn households(&self) -> (u64, u64) {
        let patients = self
            .addresses
            .repeated
            .values()
            .map(|rows| rows.len() as u64);
        (self.addresses.repeated.len() as u64, patients.sum())
    }

    /// Good rows that are rejected because other rows of the same number differ, or other rows of the same person say that he or
    /// she has died.
    pub fn rejected(&self) -> u64 {
        let differing = self.same_number.values().filter(|same| same.differing);
        let differing: u64 = differing.map(|same| u64::from(same.good)).sum();
        differing + self.said_dead().count() as u64
    }

    /// Whether any row of a person says that he or she has died.
    fn is_dead(&self, person: u64) -> bool {
        let rows = self.dead.range((person, 0)..=(person, u32::MAX));
        rows.count() > 0
    }

    /// Rows that do not say that their patient has died, while another row of the same person does.
    fn said_dead(&self) -> impl Iterator<Item = u32> + '_ {
        let people = self.people.repeated.iter();
        let of_dead = people.filter(|(person, _)| self.is_dead(**person));
        of_dead.flat_map(|(person, rows)| {
            let rows = rows.iter().copied();
            rows.filter(|row| !self.dead.contains(&(*person, *row)))
        })
    }

    /// Good rows for which an earlier one stands.
    pub fn merged(&self) -> u64 {
        let identical = self.same_number.values().filter(|same| !same.differing);
        identical.map(|same| u64::from(same.good) - 1).sum()
    }

    /// What the other rows mean for this one, after all have been seen. Takes from the patient what
    /// may stand in one row only.
    pub fn judge(&self, row: u32, checked: &mut CheckedRow, findings: &mut Vec<Finding>) {
        let mut find = |field, fault, severity| {
            findings.push(Finding {
                place: field,
                fault,
                severity,
            });
        };
        let Some(number) = checked.number else {
            return;
        };
        if let Some(same) = self.same_number.get(&number.into()) {
            if same.differing {
                checked.patient = None;
                find(
                    FindingPlace::Field(Field::NationalId),
                    Fault::Differing(OtherRows::of(&same.rows, row)),
                    Severity::Rejected(Reason::DuplicatePatient),
                );
            } else if let Some(first) = same.rows.first().filter(|first| **first != row) {
                checked.patient = None;
                find(FindingPlace::Row, Fault::Repeated(*first), Severity::Merged);
            }
        }
        let Some(patient) = &mut checked.patient else {
            return;
        };
        if let Some(rows) = patient
            .email
            .as_ref()
            .and_then(|email| self.emails.others(self.hasher.email(email), row))
        {
            patient.email = None;
            find(
                FindingPlace::Field(Field::Email),
                Fault::SharedEmail(rows),
                Severity::LeftOut,
            );
        }
        let mut scratch = Vec::new();
        patient.household = self
            .hasher
            .address(patient, &mut scratch)
            .and_then(|hash| self.addresses.repeated.get(&hash))
            .map(|rows| Household {
                first_row: rows.first().copied().map_or(0, u64::from),
                patients: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            });
        let person = self.hasher.person(patient, &mut scratch);
        let is_dead = patient.deceased;
        if let Some(rows) = self.people.others(person, row) {
            if !is_dead && self.is_dead(person) {
                checked.patient = None;
                find(
                    FindingPlace::Row,
                    Fault::SamePersonDied(rows),
                    Severity::Rejected(Reason::UnclearFlag),
                );
            } else {
                find(
                    FindingPlace::Row,
                    Fault::SamePerson(rows),
                    Severity::Warning,
                );
            }
        }
    }

    /// All that [`AcrossRows::judge`] will find, as row and finding, in no order.
    pub fn findings(&self) -> impl Iterator<Item = (u32, Finding)> + '_ {
        let same_number = self.same_number.values().flat_map(|same| {
            let first = same.rows.first().copied().unwrap_or_default();
            same.rows
                .iter()
                .filter(move |row| same.differing || **row != first)
                .map(move |row| {
                    let (place, fault, severity) = if same.differing {
                        (
                            FindingPlace::Field(Field::NationalId),
                            Fault::Differing(OtherRows::default()),
                            Severity::Rejected(Reason::DuplicatePatient),
                        )
                    } else {
                        (FindingPlace::Row, Fault::Repeated(first), Severity::Merged)
                    };
                    (
                        *row,
                        Finding {
                            place,
                            fault,
                            severity,
                        },
                    )
                })
        });
        let emails = self.emails.repeated.values().flatten().map(|row| {
            let finding = Finding {
                place: FindingPlace::Field(Field::Email),
                fault: Fault::SharedEmail(OtherRows::default()),
                severity: Severity::LeftOut,
            };
            (*row, finding)
        });
        let said_dead: BTreeSet<u32> = self.said_dead().collect();
        let people = self.people.repeated.values().flatten().map(move |row| {
            let (fault, severity) = if said_dead.contains(row) {
                let died = Fault::SamePersonDied(OtherRows::default());
                (died, Severity::Rejected(Reason::UnclearFlag))
            } else {
                let same = Fault::SamePerson(OtherRows::default());
                (same, Severity::Warning)
            };
            let finding = Finding {
                place: FindingPlace::Row,
                fault,
                severity,
            };
            (*row, finding)
        });
        same_number.chain(emails).chain(people)
    }
}

#[cfg(test)]
mod tests {
    use pkb_core::record::Patient;

    use super::*;

    fn patient(number: &str, last_name: &str, email: &str) -> Patient {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"{number}"}},"first_name":"Read","last_name":"{last_name}","date_of_birth":"2000-09-15","email":"{email}"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn checked(patient: Patient) -> CheckedRow {
        CheckedRow {
            number: Some(patient.national_id.value),
            patient: Some(patient),
            excluded: false,
            normalised: Default::default(),
        }
    }

    /// The codes found for each row, and whether it is still good.
    fn judged(rows: &[Patient]) -> Vec<(Vec<&'static str>, bool)> {
        let mut across = AcrossRows::default();
        for (row, patient) in (2..).zip(rows) {
            across.see(row, &checked(patient.clone()));
        }
        across.settle();
        let mut summed: Vec<(u32, &str)> = across
            .findings()
            .map(|(row, finding)| (row, finding.fault.code()))
            .collect();
        summed.sort_unstable();
        let mut stopped = 0;
        let mut each = Vec::new();
        let judged = (2..)
            .zip(rows)
            .map(|(row, patient)| {
                let mut findings = Vec::new();
                let mut checked = checked(patient.clone());
                across.judge(row, &mut checked, &mut findings);
                stopped += u64::from(checked.patient.is_none());
                each.extend(findings.iter().map(|finding| (row, finding.fault.code())));
                let codes = findings.iter().map(|finding| finding.fault.code());
                (codes.collect(), checked.patient.is_some())
            })
            .collect();
        each.sort_unstable();
        assert_eq!(summed, each, "the sum and the rows say the same");
        assert_eq!(stopped, across.rejected() + across.merged());
        judged
    }

    const ONE: &str = "9990000018";
    const TWO: &str = "9990000026";

    #[test]
    fn a_row_that_says_the_same_again_is_merged_into_the_first() {
        let row = patient(ONE, "Lee", "a@example.org");
        assert_eq!(
            judged(&[row.clone(), row]),
            [(vec![], true), (vec!["repeated_row"], false)]
        );
    }

    #[test]
    fn rows_of_one_number_that_differ_are_all_rejected() {
        let rows = [
            patient(ONE, "Lee", "a@example.org"),
            patient(ONE, "Li", "a@example.org"),
        ];
        assert_eq!(
            judged(&rows),
            [
                (vec!["duplicate_patient"], false),
                (vec!["duplicate_patient"], false)
            ]
        );
    }

    #[test]
    fn an_email_of_two_patients_is_taken_from_both() {
        let rows = [
            patient(ONE, "Lee", "a@example.org"),
            patient(TWO, "Li", "A@example.org"),
        ];
        assert_eq!(
            judged(&rows),
            [(vec!["shared_email"], true), (vec!["shared_email"], true)]
        );
    }

    #[test]
    fn one_person_under_two_numbers_is_a_warning() {
        let rows = [
            patient(ONE, "LEE", "a@example.org"),
            patient(TWO, "Lee", "b@example.org"),
        ];
        assert_eq!(
            judged(&rows),
            [(vec!["same_person"], true), (vec!["same_person"], true)]
        );
    }

    #[test]
    fn a_person_who_has_died_under_one_number_is_not_invited_under_another() {
        let mut dead = patient(ONE, "LEE", "a@example.org");
        dead.deceased = true;
        let mut rows = vec![dead.clone(), patient(TWO, "Lee", "b@example.org")];
        let died = (vec!["same_person_died"], false);
        assert_eq!(judged(&rows), [(vec!["same_person"], true), died.clone()]);
        dead.national_id.value = NhsNumber::parse("9990000034").unwrap();
        rows.push(dead);
        let same = (vec!["same_person"], true);
        assert_eq!(judged(&rows)[1], died);
        rows[2].last_name = rows[1].last_name.clone();
        rows[1].deceased = true;
        assert_eq!(judged(&rows)[1].1, same.1);
    }

    #[test]
    fn addresses_are_the_same_if_their_words_are() {
        let words = |lines: &[&str]| {
            let mut words = Vec::new();
            for line in lines {
                hasher::push_words(&mut words, line);
            }
            String::from_utf8(words).unwrap()
        };
        let flat = words(&["Flat 1, 1 High St"]);
        assert_eq!(flat, " flat 1 1 high st");
        assert_eq!(flat, words(&["FLAT 1", "1, High   St."]));
        assert_eq!(words(&["St. John's Rd"]), words(&["St John\u{2019}s Rd"]));
        assert_ne!(flat, words(&["Flat 11 High St"]));
        assert_ne!(words(&["1-2 High St"]), words(&["12 High St"]));
        assert_eq!(
            words(&["\u{c5}SEV\u{c4}GEN"]),
            words(&["\u{e5}sev\u{e4}gen"])
        );
    }

    #[test]
    fn what_is_kept_of_a_row_is_as_small_as_is_said() {
        let sighting = size_of::<(u64, u32)>();
        assert_eq!(size_of::<NumberedRow>() + 3 * sighting, 64);
    }
}
