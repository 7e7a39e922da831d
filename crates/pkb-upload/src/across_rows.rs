//! What only a look at all rows shows: patients, e-mail addresses and people that stand in more than
//! one. Kept are numbers and hashes, never rows: about 90 bytes a row
//! while they are counted, and afterwards only what repeats.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, Hasher as _, RandomState},
};

use pkb_core::{
    Reason,
    record::{Household, Patient},
    value::{AddressLine, Email},
};
use rustc_hash::FxHashMap;

use crate::{
    columns::Field,
    finding::{Fault, Finding, Place, Severity},
    patient_row::CheckedRow,
};

/// What is known of all rows.
#[derive(Default)]
pub struct AcrossRows {
    /// Keyed anew in each run: nobody can make a file whose values collide.
    hasher: RandomState,
    /// The first row of each national id.
    first: FxHashMap<u64, FirstRow>,
    /// The rows of each national id that has several.
    same_number: BTreeMap<u64, SameNumber>,
    emails: Sightings,
    people: Sightings,
    /// First row and number of patients of each address.
    households: FxHashMap<u64, (u32, u32)>,
}

struct FirstRow {
    row: u32,
    /// Whether nothing rejects it by itself.
    good: bool,
    content: u64,
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
struct Sightings {
    first: FxHashMap<u64, u32>,
    repeated: BTreeMap<u64, Vec<u32>>,
}

impl Sightings {
    fn see(&mut self, hash: u64, row: u32) {
        let first = *self.first.entry(hash).or_insert(row);
        if first != row {
            self.repeated
                .entry(hash)
                .or_insert_with(|| vec![first])
                .push(row);
        }
    }

    fn others(&self, hash: u64, row: u32) -> Option<Vec<u32>> {
        self.repeated.get(&hash).map(|rows| others(rows, row))
    }
}

impl AcrossRows {
    /// Takes a row into account; rows come in their order.
    pub fn see(&mut self, row: u32, checked: &CheckedRow) {
        let Some(number) = checked.number else {
            return;
        };
        let content = checked
            .patient
            .as_ref()
            .map_or(0, |patient| self.content_hash(patient));
        let seen = FirstRow {
            row,
            good: checked.patient.is_some(),
            content,
        };
        if let Some(first) = self.first.get(&number.to_u64()) {
            let same = self
                .same_number
                .entry(number.to_u64())
                .or_insert_with(|| SameNumber {
                    rows: vec![first.row],
                    good: first.good.into(),
                    differing: !first.good,
                });
            same.rows.push(row);
            same.good += u32::from(seen.good);
            same.differing |= !seen.good || seen.content != first.content;
            return;
        }
        self.first.insert(number.to_u64(), seen);
        // Later rows of the same number are the same patient, or rejected.
        if let Some(patient) = &checked.patient {
            if let Some(email) = &patient.email {
                let hash = self.email_hash(email);
                self.emails.see(hash, row);
            }
            let hash = self.person_hash(patient);
            self.people.see(hash, row);
            if let Some(hash) = self.address_hash(patient) {
                self.households.entry(hash).or_insert((row, 0)).1 += 1;
            }
        }
    }

    /// To be called when all rows have been seen. Rows that are not uploaded share nothing with others.
    pub fn settle(&mut self) {
        let rejected: BTreeSet<u32> = self
            .same_number
            .values()
            .filter(|same| same.differing)
            .flat_map(|same| same.rows.iter().copied())
            .collect();
        for sightings in [&mut self.emails, &mut self.people] {
            sightings.first = FxHashMap::default();
            sightings.repeated.retain(|_, rows| {
                rows.retain(|row| !rejected.contains(row));
                rows.len() > 1
            });
        }
        self.first = FxHashMap::default();
        self.households.retain(|_, (_, patients)| *patients > 1);
        self.households.shrink_to_fit();
    }

    /// Addresses with more than one patient, and the patients there.
    pub fn households(&self) -> (u64, u64) {
        let patients = self
            .households
            .values()
            .map(|(_, patients)| u64::from(*patients));
        (self.households.len() as u64, patients.sum())
    }

    /// Good rows that are rejected because other rows of the same number differ.
    pub fn rejected(&self) -> u64 {
        let differing = self.same_number.values().filter(|same| same.differing);
        differing.map(|same| u64::from(same.good)).sum()
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
        if let Some(same) = self.same_number.get(&number.to_u64()) {
            if same.differing {
                checked.patient = None;
                find(
                    Place::Field(Field::NationalId),
                    Fault::Differing(others(&same.rows, row)),
                    Severity::Rejected(Reason::DuplicatePatient),
                );
            } else if let Some(first) = same.rows.first().filter(|first| **first != row) {
                checked.patient = None;
                find(Place::Row, Fault::Repeated(*first), Severity::Merged);
            }
        }
        let Some(patient) = &mut checked.patient else {
            return;
        };
        if let Some(rows) = patient
            .email
            .as_ref()
            .and_then(|email| self.emails.others(self.email_hash(email), row))
        {
            patient.email = None;
            find(
                Place::Field(Field::Email),
                Fault::SharedEmail(rows),
                Severity::LeftOut,
            );
        }
        patient.household = self
            .address_hash(patient)
            .and_then(|hash| self.households.get(&hash))
            .map(|(first_row, patients)| Household {
                first_row: u64::from(*first_row),
                patients: *patients,
            });
        if let Some(rows) = self.people.others(self.person_hash(patient), row) {
            find(Place::Row, Fault::SamePerson(rows), Severity::Warning);
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
                            Place::Field(Field::NationalId),
                            Fault::Differing(Vec::new()),
                            Severity::Rejected(Reason::DuplicatePatient),
                        )
                    } else {
                        (Place::Row, Fault::Repeated(first), Severity::Merged)
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
        let shared = |sightings: &Sightings, finding: Finding| {
            let rows: Vec<u32> = sightings.repeated.values().flatten().copied().collect();
            rows.into_iter().map(move |row| (row, finding.clone()))
        };
        let emails = shared(
            &self.emails,
            Finding {
                place: Place::Field(Field::Email),
                fault: Fault::SharedEmail(Vec::new()),
                severity: Severity::LeftOut,
            },
        );
        let people = shared(
            &self.people,
            Finding {
                place: Place::Row,
                fault: Fault::SamePerson(Vec::new()),
                severity: Severity::Warning,
            },
        );
        same_number.chain(emails).chain(people)
    }

    fn email_hash(&self, email: &Email) -> u64 {
        self.hasher.hash_one(email.expose_folded())
    }

    fn person_hash(&self, patient: &Patient) -> u64 {
        let folded = |name: &str| name.to_lowercase();
        self.hasher.hash_one((
            folded(patient.first_name.expose_name()),
            folded(patient.last_name.expose_name()),
            patient.date_of_birth,
            &patient.post_code,
        ))
    }

    /// Letters and digits of a whole address; `None` where a line or the post code is missing.
    fn address_hash(&self, patient: &Patient) -> Option<u64> {
        let post_code = patient
            .post_code
            .as_ref()
            .filter(|_| !patient.address.is_empty())?;
        let mut hasher = self.hasher.build_hasher();
        let lines = patient.address.iter().map(AddressLine::expose_line);
        for line in lines.chain([post_code.expose_postcode()]) {
            for byte in line.bytes().filter(u8::is_ascii_alphanumeric) {
                hasher.write_u8(byte.to_ascii_lowercase());
            }
            // Letters beyond ASCII as they are.
            for c in line
                .chars()
                .filter(|c| !c.is_ascii() && c.is_alphanumeric())
            {
                hasher.write_u32(c.into());
            }
        }
        Some(hasher.finish())
    }

    /// All that a row says of its patient.
    fn content_hash(&self, patient: &Patient) -> u64 {
        // A new field has to be looked at here.
        let Patient {
            national_id,
            title,
            first_name,
            last_name,
            date_of_birth,
            address,
            post_code,
            mobile,
            email,
            language,
            organisation_id,
            team_id,
            home_phone,
            work_phone,
            other_phone,
            carers,
            deceased,
            household: _,
            extra,
            unknown: _,
        } = patient;
        let extra = (!extra.is_empty())
            .then(|| serde_json::to_string(extra).ok())
            .flatten();
        self.hasher.hash_one((
            (national_id, title, first_name, last_name, date_of_birth),
            (address, post_code, mobile, email, language),
            (
                organisation_id,
                team_id,
                home_phone,
                work_phone,
                other_phone,
            ),
            (carers, deceased, extra),
        ))
    }
}

fn others(rows: &[u32], row: u32) -> Vec<u32> {
    rows.iter().copied().filter(|other| *other != row).collect()
}

#[cfg(test)]
mod tests {
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
}
