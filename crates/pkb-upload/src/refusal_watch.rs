//! Whether PKB takes nobody's message: that is about the settings or the client, and not about the patients.

use parking_lot::Mutex;
use pkb_core::{Fatal, Reason, Verdict};

/// Fewer refusals than this prove nothing.
const ENOUGH: u64 = 20;

/// How many messages PKB has refused before it took one.
#[derive(Default)]
pub struct RefusalWatch(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    any_taken: bool,
    refused: u64,
}

impl RefusalWatch {
    /// PKB has taken a message, now or in an earlier run.
    pub fn taken(&self) {
        self.0.lock().any_taken = true;
    }

    /// PKB has not taken a message. Failures say nothing.
    ///
    /// # Errors
    /// It has refused 20 messages, and taken none.
    pub fn not_taken(&self, verdict: &Verdict) -> Result<(), Fatal> {
        let is_no_access = verdict.reason == Reason::NoAccess;
        let mut counts = self.0.lock();
        if counts.any_taken || !(is_no_access || verdict.reason == Reason::RefusedByImport) {
            return Ok(());
        }
        counts.refused += 1;
        if counts.refused < ENOUGH {
            return Ok(());
        }
        let what = verdict.detail.as_deref().unwrap_or("no access");
        let what = format!(
            "PKB took none of the first {ENOUGH} messages (the last: {what}). What to do: check PKB_ORG_ID and --team-alias, and ask PKB \
             whether this client may create records by messages. Then run the same command again"
        );
        Err(match is_no_access {
            true => Fatal::Credentials(what),
            false => Fatal::Refused(what),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many refusals the stage stops.
    fn stops_after(watch: &RefusalWatch, reason: Reason) -> Option<usize> {
        let mut refusals = (1..=100).map(|_| watch.not_taken(&reason.into()));
        refusals.position(|noted| noted.is_err())
    }

    #[test]
    fn the_twentieth_refusal_stops_unless_pkb_has_taken_a_message() {
        for reason in [Reason::RefusedByImport, Reason::NoAccess] {
            assert_eq!(stops_after(&RefusalWatch::default(), reason), Some(19));
        }
        assert_eq!(
            stops_after(&RefusalWatch::default(), Reason::Unavailable),
            None
        );
        let watch = RefusalWatch::default();
        watch.taken();
        assert_eq!(stops_after(&watch, Reason::RefusedByImport), None);
    }
}
