//! Codes that have ended, and are no longer kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, Unknown};
use crate::{Outcome, Reason, StageName, Verdict};

/// What is left of codes that were taken out of a record: it stands in the place of the invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Purged {
    /// When the codes ended.
    pub expires_at: Timestamp,
    /// When they were taken out.
    pub purged_at: Timestamp,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How the codes of a record stand when those that have ended are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesStand {
    /// It has none.
    None,
    /// They are good until then, and stay.
    Good(Timestamp),
    /// They had ended, and are out now.
    TakenOut,
    /// They were taken out before.
    OutBefore,
}

impl Record {
    /// Takes the codes out if they have ended by `now`.
    pub fn purge(&mut self, now: Timestamp) -> CodesStand {
        match self.invitation.take_if(|codes| codes.expires_at <= now) {
            Some(codes) => {
                self.purged = Some(Purged {
                    expires_at: codes.expires_at,
                    purged_at: now,
                    unknown: Unknown::new(),
                });
                CodesStand::TakenOut
            }
            None => match (&self.invitation, &self.purged) {
                (Some(codes), _) => CodesStand::Good(codes.expires_at),
                (None, Some(_)) => CodesStand::OutBefore,
                (None, None) => CodesStand::None,
            },
        }
    }

    /// Takes out what is kept of a patient who is to be forgotten, whether the codes have ended or not: the codes, and once PKB
    /// has been asked, the contact details. What a later run needs to know that there is nothing to be done stays: the row, the number, name
    /// and date of birth, and what was sent. `false` if that was done before.
    ///
    /// The outcome is that of the stage that wrote the record last, so that its journal answers with it.
    pub fn erase(&mut self, now: Timestamp) -> bool {
        if self.outcome.as_ref().is_some_and(Outcome::is_erased) {
            return false;
        }
        if let Some(codes) = self.invitation.take() {
            self.purged = Some(Purged {
                expires_at: codes.expires_at,
                purged_at: now,
                unknown: Unknown::new(),
            });
        }
        let last = StageName::last_in(self);
        let mut all = StageName::ALL.iter().copied();
        let first = || all.find(|stage| stage.reads_patient_file());
        let Some(stage) = last.or_else(first) else {
            return false;
        };
        // Keys of journals are made of what the upload sent.
        if let Some(patient) = self
            .patient
            .as_mut()
            .filter(|_| !stage.reads_patient_file())
        {
            *patient = patient.bare();
        }
        self.outcome = Some(Verdict::from(Reason::Erased).at(stage));
        true
    }

    /// When the codes of the record end or have ended.
    pub fn codes_expire_at(&self) -> Option<Timestamp> {
        let purged = self.purged.as_ref().map(|purged| purged.expires_at);
        self.invitation
            .as_ref()
            .map(|codes| codes.expires_at)
            .or(purged)
    }

    /// Why a stage that needs the codes cannot have them, if they were taken out.
    pub fn without_codes(&self) -> Option<Verdict> {
        self.purged.as_ref().map(|_| {
            let words = "the codes have expired, and pkb purge has deleted them";
            Verdict::with_detail(Reason::CodesExpiring, words)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(sections: &Value) -> Record {
        let mut record = json!({
            "schema": "pkb-record/1",
            "row": {"file": "a.csv", "number": 7, "of": 9},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Dr", "first_name": "Ann", "last_name": "Lee",
                "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Newcastle"], "postcode": "NE1 1XC",
                "mobile": "+447700900123", "language": "cy", "our_note": "x",
            },
        });
        let sections = sections.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(sections);
        serde_json::from_value(record).unwrap()
    }

    fn now() -> Timestamp {
        "2026-12-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_erased_record_answers_for_its_stage_and_has_neither_codes_nor_contact_details() {
        let pkb = json!({"id": "7", "checked_at": "2026-11-22T09:00:00Z"});
        let codes = json!({"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-22T09:00:00Z"});
        let deliveries =
            json!([{"channel": "letter", "file": "letters-0001.pdf", "date": "2026-11-22"}]);
        for (sections, stage) in [
            (json!({"pkb": pkb}), StageName::Resolve),
            (json!({"pkb": pkb, "invitation": codes}), StageName::Tokens),
            (
                json!({"pkb": pkb, "invitation": codes, "deliveries": deliveries}),
                StageName::Letters,
            ),
        ] {
            let mut record = record(&sections);
            assert!(record.is_settled_by(stage) && record.erase(now()));
            assert!(record.is_settled_by(stage), "{sections}");
            let text = serde_json::to_string(&record).unwrap();
            for gone in [
                "NKcYiAciBU",
                "KVPnrFYPay",
                "Main Street",
                "NE1",
                "7700900123",
                "our_note",
                "Dr",
            ] {
                assert!(!text.contains(gone), "{gone}: {text}");
            }
            for kept in [
                "9990000018",
                "Ann",
                "Lee",
                "1990-05-01",
                "\"reason\":\"erased\"",
            ] {
                assert!(text.contains(kept), "{kept}: {text}");
            }
            assert_eq!(
                text.contains("letters-0001.pdf"),
                stage == StageName::Letters
            );
            assert_eq!(
                record.codes_expire_at().is_some(),
                stage != StageName::Resolve
            );
            assert!(!record.erase(now()), "a second time nothing is left to do");
        }
    }

    #[test]
    fn what_the_upload_is_known_by_stays_and_the_record_goes_no_further() {
        let mut record = record(
            &json!({"upload": {"batch": "batch-0001.csv", "state": "sent", "at": "2026-11-22T09:00:00Z"}}),
        );
        let before = record.patient.clone();
        assert!(record.erase(now()));
        assert_eq!(record.patient, before);
        assert!(record.is_settled_by(StageName::Upload));
        assert!(record.outcome.unwrap().is_erased());
    }

    #[test]
    fn a_reason_to_try_again_is_no_reason_to_invite_whoever_was_erased() {
        let mut record = record(
            &json!({"outcome": {"stage": "letters", "kind": "failed", "reason": "codes_expiring"}}),
        );
        assert!(record.erase(now()));
        let outcome = record.outcome.unwrap();
        assert!(
            outcome.is_erased() && outcome.stage == StageName::Letters && outcome.is_for_good()
        );
    }
}
