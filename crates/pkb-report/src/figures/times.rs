//! When things happened: by hour while they are counted, by hour, day or week when they are shown.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use pkb_core::{clock::uk_date, record::UploadState};

use crate::fields::Fields;

/// What has a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The row was sent to PKB, or written for it.
    Uploaded,
    /// PKB was asked about the patient.
    Asked,
    /// A letter bears this date. Only the day is known.
    Dated,
    /// Notify was given a text.
    Texted,
    /// Notify was given a letter.
    Posted,
    /// PKB first said that the patient has registered.
    Registered,
}

impl Event {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Uploaded,
        Self::Asked,
        Self::Dated,
        Self::Texted,
        Self::Posted,
        Self::Registered,
    ];

    /// The name in CSV and JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Asked => "asked",
            Self::Dated => "letters_dated",
            Self::Texted => "texts_given",
            Self::Posted => "letters_given",
            Self::Registered => "registered",
        }
    }

    /// What the page calls it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Uploaded => "Rows uploaded to PKB",
            Self::Asked => "Patients found at PKB",
            Self::Dated => "Letters, by their date",
            Self::Texted => "Texts given to GOV.UK Notify",
            Self::Posted => "Letters given to GOV.UK Notify",
            Self::Registered => "Patients seen as registered",
        }
    }
}

const SECONDS_AN_HOUR: i64 = 3600;

/// Events by time.
#[derive(Debug, Default)]
pub struct Times {
    hours: [BTreeMap<i64, u64>; Event::ALL.len()],
    days: BTreeMap<Date, u64>,
}

impl Times {
    /// Counts the events of a record.
    pub fn count(&mut self, fields: &Fields<'_>) {
        if let Some(upload) = &fields.upload
            && upload.state != UploadState::Known
        {
            self.add(Event::Uploaded, upload.at);
        }
        if let Some(answer) = &fields.pkb {
            self.add(Event::Asked, answer.checked_at);
        }
        let letters = fields.invitations().filter(|d| d.has_letter());
        for day in letters.filter_map(|letter| letter.date) {
            *self.days.entry(day).or_default() += 1;
        }
        let earlier = &fields.earlier;
        for text in earlier.iter().flat_map(|d| &d.texts).chain(&fields.texts) {
            self.add(Event::Texted, text.at);
        }
        let posted = earlier.iter().filter_map(|d| d.posted.as_ref());
        for posted in posted.chain(&fields.posted) {
            self.add(Event::Posted, posted.at);
        }
        if let Some(seen) = fields.uptake.as_ref().and_then(|u| u.first_seen_at) {
            self.add(Event::Registered, seen);
        }
    }

    fn add(&mut self, event: Event, at: Timestamp) {
        let hour = at.as_second().div_euclid(SECONDS_AN_HOUR);
        *self.hours[event as usize].entry(hour).or_default() += 1;
    }

    /// Events by the day in the United Kingdom on which they happened.
    #[must_use]
    pub fn by_day(&self, event: Event) -> BTreeMap<Date, u64> {
        if event == Event::Dated {
            return self.days.clone();
        }
        let mut days = BTreeMap::new();
        for (start, count) in self.by_hour(event) {
            *days.entry(uk_date(start)).or_default() += count;
        }
        days
    }

    /// Events by the hour that begins then. Letters have only a day.
    pub fn by_hour(&self, event: Event) -> impl Iterator<Item = (Timestamp, u64)> {
        self.hours[event as usize]
            .iter()
            .filter_map(|(hour, count)| {
                let start = Timestamp::from_second(hour * SECONDS_AN_HOUR).ok()?;
                Some((start, *count))
            })
    }
}
