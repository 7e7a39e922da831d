//! Who has registered since the invitation, as far as PKB was asked, and who is due a reminder.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit, civil::Date};
use pkb_core::{clock::uk_date, record::Channel};

use super::rows::RowSet;
use crate::fields::{Earlier, Fields, channels};

/// Invited patients.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Invited.
    pub invited: u64,
    /// PKB was asked about them since.
    pub asked: u64,
    /// PKB said that they have registered.
    pub registered: u64,
}

/// Uptake.
#[derive(Debug)]
pub struct UptakeFigures {
    last_due_day: Date,
    /// All invited patients.
    pub all: Answers,
    /// By the channels of their invitation.
    pub channels: BTreeMap<Vec<Channel>, Answers>,
    /// By the variant of their letter, of those who have one.
    pub variants: BTreeMap<String, Answers>,
    /// Registered, by full weeks from the date of the first letter to when PKB first said so.
    pub weeks: BTreeMap<u64, u64>,
    /// Registered, where one of the two days is not known.
    pub week_unknown: u64,
    /// When PKB was asked last.
    pub asked_last: Option<Timestamp>,
    /// Due a reminder.
    pub due: RowSet,
    /// Due a reminder if they have not registered: PKB was not asked since.
    pub due_unasked: u64,
    /// Invited before: this is a reminder already.
    pub reminded: u64,
}

impl UptakeFigures {
    /// Nobody yet. Letters of `last_due_day` and before are due a reminder.
    #[must_use]
    pub fn new(last_due_day: Date) -> Self {
        Self {
            last_due_day,
            all: Answers::default(),
            channels: BTreeMap::new(),
            variants: BTreeMap::new(),
            weeks: BTreeMap::new(),
            week_unknown: 0,
            asked_last: None,
            due: RowSet::default(),
            due_unasked: 0,
            reminded: 0,
        }
    }

    /// Counts an invited patient.
    pub fn count(&mut self, fields: &Fields<'_>, registered: bool) {
        let Some(deliveries) = fields.last_invitation() else {
            return;
        };
        let asked = fields.uptake.is_some();
        let channel = self.channels.entry(channels(deliveries));
        let variant = fields.variant.as_deref();
        let variant = variant.map(|name| self.variants.entry(name.to_owned()).or_default());
        for answers in [&mut self.all, channel.or_default()]
            .into_iter()
            .chain(variant)
        {
            answers.invited += 1;
            answers.asked += u64::from(asked);
            answers.registered += u64::from(registered);
        }
        let has_ended = |earlier: &Earlier| !earlier.continued;
        let is_reminder = !fields.deliveries.is_empty() && fields.earlier.iter().any(has_ended);
        self.reminded += u64::from(is_reminder);
        if let Some(uptake) = &fields.uptake {
            self.asked_last = self.asked_last.max(Some(uptake.checked_at));
        }
        if registered {
            match weeks_since_the_first_letter(fields) {
                Some(weeks) => *self.weeks.entry(weeks).or_default() += 1,
                None => self.week_unknown += 1,
            }
        } else if fields.outcome.is_none()
            && let Some(day) = deliveries.iter().filter_map(|own| own.date).max()
            && day <= self.last_due_day
        {
            self.due.insert(&fields.row);
            self.due_unasked += u64::from(!asked);
        }
    }
}

/// Full weeks from the first invitation to when PKB first said that the patient has registered.
fn weeks_since_the_first_letter(fields: &Fields<'_>) -> Option<u64> {
    let seen = uk_date(fields.uptake.as_ref()?.first_seen_at?);
    let sent = fields.invitations().flatten().find_map(|own| own.date)?;
    let days = sent.until((Unit::Day, seen)).ok()?.get_days();
    u64::try_from(days / 7).ok()
}
