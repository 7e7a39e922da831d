//! What follows for a patient who was invited and has not registered: a reminder, or the next channel of a plan.

use jiff::Timestamp;
use pkb_core::{
    Reason, Record, Verdict,
    invitation_plan::{InvitationPlan, NextStep},
};

use crate::reminders::{Reminders, make_ready};

/// By which rules somebody is written to again.
pub enum FollowUp {
    /// Reminders, with new codes.
    Reminders(Reminders),
    /// The same invitation by the next channel.
    Plan(PlanRules),
}

/// When the next channel of a plan is due.
pub struct PlanRules {
    /// The channels.
    pub plan: InvitationPlan,
    /// The moment at which it is asked.
    pub now: Timestamp,
    /// Codes that are valid until then are sent again. Others are fetched anew.
    pub still_valid_at: Timestamp,
}

/// What becomes of a record.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// It is made ready for what follows.
    Due,
    /// It passes as it is.
    Wait,
    /// It is stopped.
    Stop(Verdict),
}

impl FollowUp {
    /// What becomes of the record of a patient who has registered. A reminder has no further use for it, and says so; nor has a plan
    /// for a record that an earlier run has made ready, from which a letter would be made.
    pub fn registered(&self, record: &Record) -> Decision {
        match self {
            Self::Plan(_) if !record.deliveries.is_empty() => Decision::Wait,
            Self::Plan(_) | Self::Reminders(_) => Decision::Stop(Reason::Registered.into()),
        }
    }

    /// What becomes of the record of a patient who has not registered.
    pub fn decide(&self, record: &Record) -> Decision {
        match self {
            Self::Reminders(rules) => {
                let objection = rules.objection(record);
                objection.map_or(Decision::Due, Decision::Stop)
            }
            Self::Plan(rules) if record.deliveries.is_empty() => match record.earlier.last() {
                // An earlier run has made it ready.
                Some(last) if last.continued && rules.is_left(record) => Decision::Due,
                _ => Decision::Wait,
            },
            Self::Plan(rules) => match rules.plan.next_step(record, rules.now) {
                NextStep::Due => Decision::Due,
                NextStep::From(_) | NextStep::Nothing => Decision::Wait,
            },
        }
    }

    /// Makes a record ready for what follows. Returns whether it was not ready before.
    pub fn make_ready(&self, record: &mut Record) -> bool {
        let Self::Plan(rules) = self else {
            return make_ready(record);
        };
        let codes = record.invitation.take();
        let is_changed = make_ready(record);
        if let Some(last) = record.earlier.last_mut().filter(|_| is_changed) {
            last.continued = true;
        }
        record.invitation = codes.filter(|codes| codes.expires_at >= rules.still_valid_at);
        is_changed
    }

    /// What is due, as the last line of a run calls it.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Reminders(_) => "a reminder",
            Self::Plan(_) => "the next channel of the plan",
        }
    }

    /// The rules and their settings, one a line, for people.
    pub fn explain(&self) -> String {
        match self {
            Self::Reminders(rules) => rules.explain(),
            Self::Plan(rules) => format!(
                "The plan is: {}. The next channel is due for patients whose invitation failed, or who did not register in time.\n",
                rules.plan
            ),
        }
    }
}

impl PlanRules {
    fn is_left(&self, record: &Record) -> bool {
        self.plan.channels_left(record).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(expires_at: &str) -> Record {
        let sent = json!([{"reference": "a", "status": "permanent-failure", "at": "2026-11-22T09:00:00Z"}]);
        let record = json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 7, "of": 9},
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": expires_at},
            "deliveries": [{"channel": "sms", "file": "sms-0001.csv", "dispatches": sent}],
        });
        serde_json::from_value(record).unwrap()
    }

    fn follow_up() -> FollowUp {
        FollowUp::Plan(PlanRules {
            plan: "sms 72h letter".parse().unwrap(),
            now: "2026-11-22T10:00:00Z".parse().unwrap(),
            still_valid_at: "2026-12-06T00:00:00Z".parse().unwrap(),
        })
    }

    #[test]
    fn codes_that_are_valid_for_long_enough_are_sent_again_and_others_are_not() {
        for (expires_at, are_kept) in [
            ("2026-12-06T00:00:00Z", true),
            ("2026-12-05T23:59:59Z", false),
        ] {
            let mut own = record(expires_at);
            assert_eq!(follow_up().decide(&own), Decision::Due);
            assert!(follow_up().make_ready(&mut own));
            assert_eq!(own.invitation.is_some(), are_kept, "{expires_at}");
            assert!(own.deliveries.is_empty() && own.earlier[0].continued);
            assert_eq!(own.reminders(), 0);
            // The same command again, before the letter was made.
            assert_eq!(follow_up().decide(&own), Decision::Due);
            assert!(!follow_up().make_ready(&mut own));
            assert_eq!(own.invitation.is_some(), are_kept, "{expires_at}");
        }
    }

    #[test]
    fn who_has_registered_since_the_record_was_made_ready_gets_no_letter() {
        let mut own = record("2026-12-22T00:00:00Z");
        assert_eq!(follow_up().registered(&own), Decision::Wait);
        assert!(follow_up().make_ready(&mut own));
        let stopped = Decision::Stop(Reason::Registered.into());
        assert_eq!(follow_up().registered(&own), stopped);
    }

    #[test]
    fn what_follows_the_last_channel_is_nothing() {
        let mut own = record("2026-12-22T00:00:00Z");
        assert!(follow_up().make_ready(&mut own));
        own.deliveries =
            serde_json::from_value(json!([{"channel": "letter", "file": "letters-0001.pdf"}]))
                .unwrap();
        assert_eq!(follow_up().decide(&own), Decision::Wait);
        assert_eq!(own.reminders(), 0, "it is the same invitation");
    }

    #[test]
    fn a_record_without_an_invitation_is_left_as_it_is() {
        let mut own = record("2026-12-22T00:00:00Z");
        own.deliveries.clear();
        assert_eq!(follow_up().decide(&own), Decision::Wait);
    }
}
