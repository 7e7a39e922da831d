//! What is counted. A record is seen once; memory does not grow with the number of records: counters,
//! and compressed bitmaps where row numbers are kept.

pub mod areas;
pub mod before_upload;
pub mod funnel;
pub mod households;
pub mod outcomes;
pub mod paper;
pub mod posted;
pub mod rows;
pub mod sources;
pub mod times;
pub mod uptake;

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date};
use pkb_core::{Clock, clock, completeness::Completeness, ndjson::NdjsonError};

use crate::fields::Fields;
use areas::Areas;
use before_upload::BeforeUpload;
use funnel::{End, Funnel, Step};
use households::Households;
use outcomes::Outcomes;
use paper::DeliveryFigures;
use posted::Posted;
use rows::RowSet;
use sources::Sources;
use times::Times;
use uptake::UptakeFigures;

/// Lines that are no records.
#[derive(Debug, Default)]
pub struct Unreadable {
    /// How many.
    pub lines: u64,
    /// What is wrong with the first of them; names line and field, never a value.
    pub first: Option<String>,
}

impl Unreadable {
    /// One more.
    pub fn note(&mut self, error: &NdjsonError) {
        self.lines += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }
}

/// All figures of a campaign.
#[derive(Debug)]
pub struct Figures {
    /// The moment of the report.
    pub now: Timestamp,
    /// The day of the report in the United Kingdom.
    pub today: Date,
    /// Which rows came.
    pub completeness: Completeness,
    /// Records that came a second time, and were left out.
    pub repeated: u64,
    /// Records of a rehearsal.
    pub of_rehearsal: u64,
    /// Lines that are no records.
    pub unreadable: Unreadable,
    /// How far records got, and how they ended.
    pub funnel: Funnel,
    /// What PKB had before the upload.
    pub before_upload: BeforeUpload,
    /// Why records were stopped.
    pub outcomes: Outcomes,
    /// What was made: letters and text messages.
    pub paper: DeliveryFigures,
    /// What became of letters.
    pub posted: Posted,
    /// What the NHS's register said.
    pub sources: Sources,
    /// Letters and texts that exist for patients who were stopped afterwards.
    pub stopped_since: RowSet,
    /// How many codes that somebody may still use have which last day.
    pub last_days: BTreeMap<Date, u64>,
    /// Letters at one address.
    pub households: Households,
    /// Where invited patients live.
    pub areas: Areas,
    /// When things happened.
    pub times: Times,
    /// Who has registered since, and who has not.
    pub uptake: UptakeFigures,
}

impl Figures {
    /// No record yet. Patients are due a reminder `reminder_after` the date of their letter, and of a letter there should be word
    /// `no_word_after` it.
    #[must_use]
    pub fn new(clock: Clock, reminder_after: Duration, no_word_after: Duration) -> Self {
        Self {
            now: clock.now(),
            today: clock.today(),
            completeness: Completeness::default(),
            of_rehearsal: 0,
            repeated: 0,
            unreadable: Unreadable::default(),
            funnel: Funnel::default(),
            before_upload: BeforeUpload::default(),
            outcomes: Outcomes::default(),
            paper: DeliveryFigures::default(),
            posted: Posted::new(clock.today(), clock::uk_date(clock.ago(no_word_after))),
            sources: Sources::default(),
            stopped_since: RowSet::default(),
            last_days: BTreeMap::new(),
            households: Households::default(),
            areas: Areas::default(),
            times: Times::default(),
            uptake: UptakeFigures::new(clock::uk_date(clock.ago(reminder_after))),
        }
    }

    /// Counts a record. One whose row has been seen before is only counted as repeated, and that of a member of staff not at all.
    pub fn count(&mut self, fields: &Fields<'_>) {
        if fields.seed {
            return;
        }
        let row = &fields.row;
        if !self.completeness.note_number(&row.file, row.number, row.of) {
            self.repeated += 1;
            return;
        }
        self.of_rehearsal += u64::from(fields.is_of_rehearsal());
        let end = self.funnel.count(fields);
        self.before_upload.count(fields);
        self.times.count(fields);
        self.sources.count(fields);
        self.posted.count(fields);
        if let Some(outcome) = &fields.outcome {
            self.outcomes.count(row, outcome);
        }
        if !fields.deliveries.is_empty() {
            self.paper.count(&fields.deliveries);
            if end != End::Invited {
                self.stopped_since.insert(row);
            }
            if fields.deliveries.iter().any(|own| own.pages.is_some()) {
                let household = fields.patient.as_ref().and_then(|p| p.household.as_ref());
                self.households.count(row, household);
            }
        }
        if end == End::Invited {
            self.count_invited(fields);
        }
    }

    fn count_invited(&mut self, fields: &Fields<'_>) {
        let registered = fields.uptake.as_ref().is_some_and(|u| u.registered);
        let codes = fields.invitation.as_ref().filter(|_| !registered);
        if let Some(day) = codes.and_then(|codes| clock::last_whole_day(codes.expires_at)) {
            *self.last_days.entry(day).or_default() += 1;
        }
        let code = fields.patient.as_ref().and_then(|p| p.postcode.as_ref());
        self.areas
            .count(code.and_then(|code| code.area()), registered);
        self.uptake.count(fields, registered);
    }

    /// Rows of the patient files, whether they came or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.completeness.total().max(self.records())
    }

    /// Records that came, each row once.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.funnel.records()
    }

    /// Rows that did not come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.rows() - self.records()
    }

    /// Whether every row of the patient files came, and every line could be read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.completeness.check().is_ok() && self.unreadable.lines == 0
    }

    /// Records that ended in this way.
    #[must_use]
    pub fn ended(&self, end: End) -> u64 {
        self.funnel.ended(end)
    }

    /// Records that got at least so far.
    #[must_use]
    pub fn reached(&self, step: Step) -> u64 {
        self.funnel.reached(step)
    }
}
