//! What must be true on the day something is sent, however long ago it was prepared.

use jiff::Timestamp;
use pkb_core::{Clock, Reason, Record, Verdict};

use crate::args::FreshnessArgs;

/// Until when PKB's answers and codes serve.
pub(crate) struct Freshness {
    oldest_answer: Timestamp,
    /// When codes must still be valid.
    still_valid_at: Timestamp,
}

impl Freshness {
    pub(crate) fn new(args: &FreshnessArgs, clock: Clock) -> Self {
        Self {
            oldest_answer: clock.ago(args.max_age_of_answer),
            // Whole days count, and the one in which codes expire does not.
            still_valid_at: clock.start_of_day_in(args.min_days_left.saturating_add(1)),
        }
    }

    /// Somebody may have died since PKB was asked, and codes do not wait.
    pub(crate) fn check(&self, record: &Record) -> Result<(), Verdict> {
        match (&record.pkb, &record.invitation) {
            (Some(pkb), _) if pkb.checked_at < self.oldest_answer => {
                Err(Reason::AnswerTooOld.into())
            }
            (_, Some(codes)) if codes.expires_at < self.still_valid_at => {
                Err(Reason::CodesExpiring.into())
            }
            _ => record.without_codes().map_or(Ok(()), Err),
        }
    }
}
