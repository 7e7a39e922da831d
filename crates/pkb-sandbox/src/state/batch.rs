//! What the sandbox knows of many patients at once. No HTTP in here.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::State;
use super::records::{Invitation, Record};
use crate::national_id::NationalId;

/// Who is younger is not invited.
const INVITED_FROM_YEARS: i64 = 16;

/// What `$status-query` says of a patient.
pub(crate) enum PatientStatus {
    NotFound,
    NoAccess {
        deceased: bool,
        registered: bool,
    },
    Found {
        deceased: bool,
        registered: bool,
        date_of_birth: Option<Date>,
        /// What is written in its place.
        date_of_birth_text: Option<String>,
    },
}

impl State {
    /// The moment by which codes are made.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The day in the United Kingdom.
    pub(super) fn today(&self) -> Date {
        self.now().to_zoned(london()).date()
    }

    /// The world says that no request with this patient in it is carried out.
    pub(crate) fn refuses_batch(&self, number: &str) -> bool {
        self.world
            .get(number)
            .is_some_and(|patient| patient.refuses_batch)
    }

    /// The status of each patient, in the order asked.
    pub(crate) fn statuses(&self, asked: &[NationalId]) -> Vec<PatientStatus> {
        let memory = self.memory();
        let record = |id| memory.find(id).map(|index| &memory.records[index]);
        asked
            .iter()
            .map(|id| record(id).map_or(PatientStatus::NotFound, Record::status))
            .collect()
    }

    /// New codes for each patient who may be invited, in the order asked; earlier ones stay as they are.
    pub(crate) fn invite_all(&self, asked: &[NationalId]) -> Vec<Option<Invitation>> {
        let today = self.today();
        let mut memory = self.memory();
        asked
            .iter()
            .map(|id| {
                let index = memory.find(id)?;
                let may_be_invited = memory.records[index].may_be_invited(today);
                may_be_invited.then(|| self.issue(&mut memory, index))
            })
            .collect()
    }
}

impl Record {
    fn status(&self) -> PatientStatus {
        let (deceased, registered) = (self.world.deceased.is_some(), self.registered);
        if self.world.no_access {
            PatientStatus::NoAccess {
                deceased,
                registered,
            }
        } else {
            PatientStatus::Found {
                deceased,
                registered,
                date_of_birth: self.date_of_birth,
                date_of_birth_text: self.world.date_of_birth_text.clone(),
            }
        }
    }

    fn may_be_invited(&self, today: Date) -> bool {
        let may_see = !self.world.no_access && !self.world.no_access_tokens;
        let old_enough = self
            .date_of_birth
            .is_some_and(|born| born.saturating_add(INVITED_FROM_YEARS.years()) <= today);
        may_see && self.world.deceased.is_none() && !self.registered && old_enough
    }
}

fn london() -> TimeZone {
    // The time zone data is compiled in; UTC is at most an hour away.
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
