//! Rows that get new codes although they have good ones.
//!
//! A command that was killed is run again, and must not end in two letters with different codes: codes
//! that a reissue has fetched a short time ago are the answer to the same command.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use parking_lot::Mutex;
use pkb_core::Record;
use pkb_values::NationalId;

/// Which rows, and who of them has new codes already.
pub(crate) struct Reissue {
    rows: HashSet<u64>,
    /// A reissue that is younger is the same one.
    same_since: Timestamp,
    /// By patient: whether the codes of the newest line in the journal are of this reissue.
    seen: Mutex<HashMap<NationalId, bool>>,
}

impl Reissue {
    /// A reissue of `rows`; codes that were reissued after `same_since` are of the same one.
    pub(crate) fn new(rows: &[u64], same_since: Timestamp) -> Self {
        Self {
            rows: rows.iter().copied().collect(),
            same_since,
            seen: Mutex::default(),
        }
    }

    /// Sees a line of the journal, in their order.
    pub(crate) fn note(&self, record: &Record) {
        if self.rows.is_empty() {
            return;
        }
        if let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) {
            let is_recent = self.is_recent(codes.reissued_at);
            self.seen.lock().insert(patient.national_id, is_recent);
        }
    }

    /// Whether new codes are to be fetched for a record.
    pub(crate) fn wants(&self, record: &Record) -> bool {
        let Some(patient) = &record.patient else {
            return false;
        };
        let codes = record.invitation.as_ref();
        self.rows.contains(&record.row.number)
            && !self.is_recent(codes.and_then(|codes| codes.reissued_at))
            && !matches!(self.seen.lock().get(&patient.national_id), Some(true))
    }

    fn is_recent(&self, reissued_at: Option<Timestamp>) -> bool {
        reissued_at.is_some_and(|at| at >= self.same_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-05-01"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"REISSUED}}"#;

    fn record(reissued_at: &str) -> Record {
        let field = match reissued_at {
            "" => String::new(),
            at => format!(r#","reissued_at":"{at}""#),
        };
        serde_json::from_str(&RECORD.replace("REISSUED", &field)).unwrap()
    }

    #[test]
    fn codes_are_fetched_anew_once_for_a_command_that_is_run_twice() {
        let reissue = Reissue::new(&[7], "2026-11-22T09:00:00Z".parse().unwrap());
        assert!(reissue.wants(&record("")));
        reissue.note(&record(""));
        assert!(reissue.wants(&record("")));
        reissue.note(&record("2026-11-22T10:00:00Z"));
        assert!(!reissue.wants(&record("")));
        assert!(!reissue.wants(&record("2026-11-22T10:00:00Z")));
    }

    #[test]
    fn a_reissue_of_long_ago_is_another_one() {
        let reissue = Reissue::new(&[7], "2026-11-22T09:00:00Z".parse().unwrap());
        reissue.note(&record("2026-11-21T10:00:00Z"));
        assert!(reissue.wants(&record("2026-11-21T10:00:00Z")));
        let other = Reissue::new(&[8], "2026-11-22T09:00:00Z".parse().unwrap());
        assert!(!other.wants(&record("")));
    }
}
