//! A newer patient file, before reminders: who has died or must not be written to since, and who has moved.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use pkb_core::{
    Fatal, Kind, Reason, Verdict,
    record::{NoLetter, Patient},
};
use pkb_patients::{PatientFile, ReadingOptions};
use pkb_values::{AddressLine, DateOfBirth, NhsNumber, Postcode, UkMobile};

/// What a newer patient file says of each patient.
pub struct NewerFile {
    name: String,
    rows: HashMap<NhsNumber, NewerRow>,
}

/// What it says of one.
struct NewerRow {
    number: u64,
    says: Says,
}

enum Says {
    /// The row is one of a patient.
    Patient(Box<Details>),
    /// The patient must not be written to, or the row is not understood.
    Objection(Verdict),
}

/// What may have changed.
struct Details {
    date_of_birth: DateOfBirth,
    deceased: bool,
    address: Vec<AddressLine>,
    town_line: Option<u8>,
    county_line: Option<u8>,
    postcode: Option<Postcode>,
    no_letter: Option<NoLetter>,
    mobile: Option<UkMobile>,
}

impl NewerFile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read or understood: all that is wrong with its header.
    pub fn read(path: &Path, mapping: Option<PathBuf>, today: Date) -> Result<Self, Fatal> {
        let options = ReadingOptions {
            mapping,
            ..ReadingOptions::of(path)
        };
        let file = PatientFile::open(&options, today)?;
        let mut reading = file.second_reading()?;
        let mut rows = HashMap::new();
        while let Some(judged) = reading.next_row(&file)? {
            let Some(number) = judged.number else {
                continue;
            };
            let verdict = file.verdict(&judged);
            // The row that it repeats stands for it.
            if verdict
                .as_ref()
                .is_some_and(|verdict| verdict.reason == Reason::RepeatedRow)
            {
                continue;
            }
            let says = match (judged.patient, verdict) {
                (Some(patient), None) => Says::Patient(Box::new(Details::of(patient))),
                (_, Some(verdict)) => Says::Objection(verdict),
                (None, None) => continue,
            };
            let row = NewerRow {
                number: judged.row.number,
                says,
            };
            match rows.entry(number) {
                Entry::Vacant(place) => {
                    place.insert(row);
                }
                // Of two rows that which speaks against writing counts.
                Entry::Occupied(mut place) => {
                    if row.is_exclusion() {
                        place.insert(row);
                    }
                }
            }
        }
        Ok(Self {
            name: file.table.name().to_owned(),
            rows,
        })
    }

    /// Why the patient is not reminded.
    pub fn objection(&self, patient: &Patient) -> Option<Verdict> {
        let Some(row) = self.rows.get(&patient.national_id.value) else {
            return Some(Verdict::with_detail(
                Reason::NotInNewerFile,
                self.name.clone(),
            ));
        };
        let place = format!("{}, row {}", self.name, row.number);
        match &row.says {
            Says::Objection(verdict) => Some(Verdict {
                detail: Some(match &verdict.detail {
                    Some(detail) => format!("{place}: {detail}"),
                    None => place,
                }),
                ..verdict.clone()
            }),
            Says::Patient(details) if details.deceased => {
                Some(Verdict::with_detail(Reason::Deceased, place))
            }
            Says::Patient(details) if details.date_of_birth != patient.date_of_birth => {
                Some(Verdict::with_detail(
                    Reason::IdentityMismatch,
                    format!("{place}: the date of birth is different"),
                ))
            }
            Says::Patient(_) => None,
        }
    }

    /// Takes over where the patient lives now, and the mobile number. Returns whether anything was different.
    pub fn correct(&self, patient: &mut Patient) -> bool {
        let row = self.rows.get(&patient.national_id.value);
        let Some(Says::Patient(details)) = row.map(|row| &row.says) else {
            return false;
        };
        let is_same = patient.address == details.address
            && patient.postcode == details.postcode
            && patient.no_letter == details.no_letter
            && patient.mobile == details.mobile;
        if !is_same {
            patient.address.clone_from(&details.address);
            patient.town_line = details.town_line;
            patient.county_line = details.county_line;
            patient.postcode.clone_from(&details.postcode);
            patient.no_letter = details.no_letter;
            patient.mobile.clone_from(&details.mobile);
        }
        !is_same
    }
}

impl NewerRow {
    fn is_exclusion(&self) -> bool {
        match &self.says {
            Says::Objection(verdict) => verdict.reason.kind() == Kind::Excluded,
            Says::Patient(details) => details.deceased,
        }
    }
}

impl Details {
    fn of(patient: Patient) -> Self {
        Self {
            date_of_birth: patient.date_of_birth,
            deceased: patient.deceased,
            address: patient.address,
            town_line: patient.town_line,
            county_line: patient.county_line,
            postcode: patient.postcode,
            no_letter: patient.no_letter,
            mobile: patient.mobile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Deceased,Do not contact\n";

    fn read(rows: &str) -> NewerFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("june.csv");
        std::fs::write(&path, format!("{HEADER}{rows}")).unwrap();
        NewerFile::read(&path, None, jiff::civil::date(2026, 6, 1)).unwrap()
    }

    fn patient(number: &str) -> Patient {
        let json = serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": number}, "first_name": "Ann", "last_name": "Lee",
            "date_of_birth": "1990-05-01", "address": ["1 Mill Lane", "Leeds"], "postcode": "LS1 1AA",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn whom_the_newer_file_calls_dead_or_does_not_have_gets_no_reminder_incident_31() {
        let newer = read(
            "9990000018,Ann,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,Y,N\n\
             9990000026,Bea,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,N,Y\n\
             9990000034,Cat,Lee,1991-05-01,1 Mill Lane,Leeds,LS1 1AA,N,N\n\
             9990000042,Dee,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,N,N\n\
             9990000069,Eve,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,2014-03-01,N\n\
             9990000077,Fay,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,R,N\n\
             9990000085,Gay,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,Dec'd 2014,N\n\
             9990000093,Hal,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,see notes,N\n",
        );
        for (number, reason, row) in [
            ("9990000018", Reason::Deceased, "june.csv, row 2"),
            ("9990000026", Reason::DoNotContact, "june.csv, row 3"),
            ("9990000034", Reason::IdentityMismatch, "june.csv, row 4"),
            ("9990000050", Reason::NotInNewerFile, "june.csv"),
            ("9990000069", Reason::Deceased, "june.csv, row 6"),
            ("9990000077", Reason::Deceased, "june.csv, row 7"),
            ("9990000085", Reason::Deceased, "june.csv, row 8"),
            // A word that may mean anything.
            ("9990000093", Reason::UnclearFlag, "june.csv, row 9"),
        ] {
            let verdict = newer.objection(&patient(number)).unwrap();
            assert_eq!(verdict.reason, reason, "{number}");
            assert!(verdict.detail.unwrap().starts_with(row), "{number}");
        }
        assert!(newer.objection(&patient("9990000042")).is_none());
    }

    #[test]
    fn a_new_address_is_taken_over_and_an_old_one_left() {
        let newer = read(
            "9990000018,Ann,Lee,1990-05-01,1 Mill Lane,Leeds,LS1 1AA,N,N\n\
             9990000026,Bea,Lee,1990-05-01,7 High Street,York,YO1 7AA,N,N\n",
        );
        let mut same = patient("9990000018");
        newer.correct(&mut same);
        assert_eq!(same.postcode, patient("9990000018").postcode);
        let mut moved = patient("9990000026");
        assert!(newer.correct(&mut moved));
        assert_eq!(moved.postcode.unwrap().expose_postcode(), "YO1 7AA");
        assert_eq!(moved.address.len(), 2);
    }
}
