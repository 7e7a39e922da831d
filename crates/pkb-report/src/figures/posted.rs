//! What became of letters, by the reports of those who print and post them.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::Date};
use pkb_core::{
    clock,
    record::{GoesTo, PrintStatus, ReturnReason},
};

use super::rows::RowSet;
use crate::fields::{Delivery, Fields};

/// The slowest post takes six working days after it was handed over, and the letter has to be opened.
const DAYS_TO_ARRIVE: i64 = 8;

/// Letters by what was reported of them.
#[derive(Debug)]
pub struct Posted {
    today: Date,
    /// Letters of this day or an earlier one of which nobody has said anything are missed.
    last_day_without_word: Date,
    /// Letters that a mail company prints.
    pub letters: u64,
    /// How far they are; `None`: no word.
    pub statuses: BTreeMap<Option<PrintStatus>, u64>,
    /// Why they came back.
    pub reasons: BTreeMap<ReturnReason, u64>,
    /// Patients whose letter came back.
    pub returned: RowSet,
    /// Patients whose letter was not produced.
    pub not_produced: RowSet,
    /// Patients whose letter was handed to the post more than once.
    pub twice: RowSet,
    /// Patients of whose letter there is no word for too long.
    pub no_word: RowSet,
    /// Patients whose letter is not in the post yet, and whose codes end before it can arrive.
    pub too_late: RowSet,
}

impl Posted {
    /// Nothing yet.
    #[must_use]
    pub fn new(today: Date, last_day_without_word: Date) -> Self {
        Self {
            today,
            last_day_without_word,
            letters: 0,
            statuses: BTreeMap::new(),
            reasons: BTreeMap::new(),
            returned: RowSet::default(),
            not_produced: RowSet::default(),
            twice: RowSet::default(),
            no_word: RowSet::default(),
            too_late: RowSet::default(),
        }
    }

    /// Counts the letters of a record.
    pub fn count(&mut self, fields: &Fields<'_>) {
        // What GOV.UK Notify was given has statuses of its own.
        let is_printed =
            |own: &&Delivery| own.channel.goes_to() == GoesTo::Address && own.dispatches.is_empty();
        for letter in fields.invitations().flatten().filter(is_printed) {
            self.letters += 1;
            *self.statuses.entry(letter.status).or_default() += 1;
            if let Some(reason) = letter.returned_because {
                *self.reasons.entry(reason).or_default() += 1;
            }
            match letter.status {
                Some(PrintStatus::Returned) => {
                    self.returned.insert(&fields.row);
                }
                Some(PrintStatus::Rejected | PrintStatus::Failed | PrintStatus::Cancelled) => {
                    self.not_produced.insert(&fields.row);
                }
                _ => {}
            }
            if letter.dispatched_at.len() > 1 {
                self.twice.insert(&fields.row);
            }
        }
        let last = fields.deliveries.iter().filter(is_printed);
        for letter in
            last.filter(|own| own.status.is_none_or(|status| status < PrintStatus::Failed))
        {
            if letter
                .date
                .is_some_and(|day| day <= self.last_day_without_word)
            {
                self.no_word.insert(&fields.row);
            }
            let codes = fields.invitation.as_ref().map(|codes| codes.expires_at);
            let arrives = self.today.saturating_add(DAYS_TO_ARRIVE.days());
            if codes
                .and_then(clock::last_whole_day)
                .is_some_and(|day| day < arrives)
            {
                self.too_late.insert(&fields.row);
            }
        }
    }

    /// Whether anybody has reported anything.
    #[must_use]
    pub fn has_reports(&self) -> bool {
        self.statuses.keys().any(Option::is_some)
    }
}
