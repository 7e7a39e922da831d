//! When things happened: by hour while they are counted, by hour, day or week when they are shown.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use pkb_core::{
    clock::uk_date,
    record::{Channel, GoesTo, UploadState},
};

use crate::fields::Fields;

/// What has a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The row was sent to PKB, or written for it.
    Uploaded,
    /// PKB was asked about the patient.
    Asked,
    /// A letter bears this date. Only the day is known.
    Dated,
    /// Notify was given a letter or a text.
    Given(Channel),
    /// PKB first said that the patient has registered.
    Registered,
}

impl Event {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        let sent = (Channel::ALL.iter()).filter(|channel| channel.given().is_some());
        let given = sent.map(|channel| Self::Given(*channel));
        [Self::Uploaded, Self::Asked, Self::Dated]
            .into_iter()
            .chain(given)
            .chain([Self::Registered])
    }

    /// The name in CSV and JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Asked => "asked",
            Self::Dated => "letters_dated",
            Self::Given(channel) => channel.given().map_or(channel.as_str(), |[key, _]| key),
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
            Self::Given(channel) => channel.given().map_or(channel.as_str(), |[_, words]| words),
            Self::Registered => "Patients seen as registered",
        }
    }
}

const SECONDS_AN_HOUR: i64 = 3600;

/// Events by time.
#[derive(Debug, Default)]
pub struct Times {
    hours: BTreeMap<Event, BTreeMap<i64, u64>>,
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
        for delivery in fields.invitations().flatten() {
            if let Some(day) = delivery
                .date
                .filter(|_| delivery.channel.goes_to() == GoesTo::Address)
            {
                *self.days.entry(day).or_default() += 1;
            }
            for sent in &delivery.dispatches {
                self.add(Event::Given(delivery.channel), sent.at);
            }
        }
        if let Some(seen) = fields.uptake.as_ref().and_then(|u| u.first_seen_at) {
            self.add(Event::Registered, seen);
        }
    }

    fn add(&mut self, event: Event, at: Timestamp) {
        let hour = at.as_second().div_euclid(SECONDS_AN_HOUR);
        let hours = self.hours.entry(event).or_default();
        *hours.entry(hour).or_default() += 1;
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
        let hours = self.hours.get(&event).into_iter().flatten();
        hours.filter_map(|(hour, count)| {
            let start = Timestamp::from_second(hour * SECONDS_AN_HOUR).ok()?;
            Some((start, *count))
        })
    }
}
