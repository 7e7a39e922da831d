//! How long codes must be valid when they are given to somebody.

use jiff::civil::Date;
use pkb_core::{Reason, Verdict, clock::last_whole_day, record::Invitation, rows::counted};

/// How long codes must be valid.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// The day on which they are given: that of the letter.
    pub today: Date,
    /// So many days from then.
    pub min_days_left: u16,
}

impl Expiry {
    /// The last whole day on which codes are valid, if enough days are left until then.
    ///
    /// # Errors
    /// [`Reason::CodesExpiring`], with words.
    pub fn last_day(&self, codes: &Invitation) -> Result<Date, Verdict> {
        let last_day = last_whole_day(codes.expires_at).ok_or(Reason::CodesExpiring)?;
        let span = self.today.until(last_day);
        let days_left = span.map_or(0, |span| span.get_days());
        if days_left < i32::from(self.min_days_left) {
            let left = u64::try_from(days_left).unwrap_or_default();
            let words = format!(
                "the codes are valid for {}",
                counted(left, "more day", "more days")
            );
            return Err(Verdict::with_detail(Reason::CodesExpiring, words));
        }
        Ok(last_day)
    }
}
