//! Who gets a reminder, and what makes a record ready for it.

use jiff::{ToSpan as _, civil::Date};
use pkb_core::{
    Reason, Record, Verdict,
    clock::uk_date,
    record::{EarlierInvitation, Unknown},
};

use crate::exclusions::Interval;

/// When patients are reminded.
pub struct Reminders {
    /// So many days after the last invitation.
    pub after: Interval,
    /// So often.
    pub most: u8,
    /// The day on which days are counted.
    pub today: Date,
}

impl Reminders {
    /// What speaks against a reminder today, of a patient who was invited and has not registered.
    pub fn objection(&self, record: &Record) -> Option<Verdict> {
        // The first invitation reminds of nothing.
        let reminders = record.invitations().count().saturating_sub(1);
        if reminders >= usize::from(self.most) {
            return Some(Reason::Reminded.into());
        }
        let Some(last) = last_invitation(record) else {
            let words = "the record does not say when the patient was invited";
            return Some(Verdict::with_detail(Reason::NotDue, words));
        };
        let due = last
            .checked_add(i64::from(self.after.days()).days())
            .unwrap_or(Date::MAX);
        (self.today < due).then(|| {
            let words = format!("invited on {last}, due on {due}");
            Verdict::with_detail(Reason::NotDue, words)
        })
    }

    /// The rules and their settings, one a line, for people.
    pub fn explain(&self) -> String {
        format!(
            "A reminder gets who, besides,\n\
             \x20 - was invited {} ago or earlier; else not_due\n\
             \x20 - has had fewer than {} reminders; else reminded\n",
            self.after, self.most
        )
    }
}

/// Makes room for another invitation: the last one becomes an earlier one, and its codes go. Returns whether
/// there was one.
pub fn make_ready(record: &mut Record) -> bool {
    if record.deliveries.is_empty() {
        return false;
    }
    record.earlier.push(EarlierInvitation {
        deliveries: std::mem::take(&mut record.deliveries),
        unknown: Unknown::new(),
    });
    record.invitation = None;
    record.purged = None;
    true
}

/// The day of a patient's last invitation: that of the letter, or that on which GOV.UK Notify was given letter or
/// text, if that was later.
fn last_invitation(record: &Record) -> Option<Date> {
    let deliveries = record.invitations().flatten();
    let days = deliveries.flat_map(|delivery| {
        let sent = delivery.dispatches.iter().map(|sent| uk_date(sent.at));
        delivery.date.into_iter().chain(sent)
    });
    days.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},"deliveries":[{"channel":"letter","file":"letters-0001.pdf","date":"2026-11-22","pages":[1,1],"sequence":1},{"channel":"sms","file":"sms-0001.csv","date":"2026-11-22"SENT}]}"#;
    const TEXTED: &str = r#","dispatches":[{"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":"r","status":"delivered","at":"2026-11-24T23:30:00Z"}]"#;

    fn record(sent: &str) -> Record {
        serde_json::from_str(&RECORD.replace("SENT", sent)).unwrap()
    }

    fn objection(record: &Record, today: &str, most: u8) -> Option<Reason> {
        let reminders = Reminders {
            after: "28d".parse().unwrap(),
            most,
            today: today.parse().unwrap(),
        };
        reminders.objection(record).map(|verdict| verdict.reason)
    }

    #[test]
    fn a_reminder_is_due_so_many_days_after_the_last_invitation_and_not_a_day_before() {
        let letter = record("");
        assert_eq!(objection(&letter, "2026-12-19", 1), Some(Reason::NotDue));
        assert_eq!(objection(&letter, "2026-12-20", 1), None);
        let texted = record(TEXTED);
        assert_eq!(objection(&texted, "2026-12-21", 1), Some(Reason::NotDue));
        assert_eq!(objection(&texted, "2026-12-22", 1), None);
        let mut undated = record("");
        for delivery in &mut undated.deliveries {
            delivery.date = None;
        }
        assert_eq!(objection(&undated, "2027-12-22", 1), Some(Reason::NotDue));
    }

    #[test]
    fn a_patient_is_reminded_as_often_as_is_set() {
        let mut twice = record("");
        assert!(make_ready(&mut twice));
        assert!(!make_ready(&mut twice), "it is ready");
        assert_eq!(objection(&twice, "2026-12-20", 1), None);
        twice.deliveries = record("").deliveries;
        assert_eq!(objection(&twice, "2026-12-20", 1), Some(Reason::Reminded));
        assert_eq!(objection(&twice, "2026-12-20", 2), None);
    }

    #[test]
    fn what_was_sent_is_kept_with_its_texts_and_without_its_codes() {
        let mut texted = record(TEXTED);
        assert!(make_ready(&mut texted));
        assert!(texted.deliveries.is_empty() && texted.invitation.is_none());
        assert_eq!(texted.earlier.len(), 1);
        let [_, text] = texted.earlier[0].deliveries.as_slice() else {
            unreachable!()
        };
        assert_eq!(text.dispatches[0].status.as_str(), "delivered");
    }
}
