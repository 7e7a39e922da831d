//! Who gets a reminder, and what makes a record ready for it.

use jiff::{ToSpan as _, civil::Date};
use pkb_core::{
    Reason, Record, Verdict,
    clock::uk_date,
    record::{AddressMark, EarlierInvitation, PrintStatus, ReturnReason, Unknown},
    rows::counted,
    text_message::english_date,
};

/// When patients are reminded.
pub struct Reminders {
    /// So many days after the last invitation.
    pub after: u16,
    /// So often.
    pub most: u8,
    /// The day on which days are counted.
    pub today: Date,
}

impl Reminders {
    /// What speaks against a reminder today, of a patient who was invited and has not registered.
    pub fn objection(&self, record: &Record) -> Option<Verdict> {
        if record.reminders() >= usize::from(self.most) {
            return Some(Reason::Reminded.into());
        }
        if let Some(verdict) = came_back(record) {
            return Some(verdict);
        }
        let Some(last) = last_invitation(record) else {
            let words = "the record does not say when the patient was invited";
            return Some(Verdict::with_detail(Reason::NotDue, words));
        };
        let due = last
            .checked_add(i64::from(self.after).days())
            .unwrap_or(Date::MAX);
        (self.today < due).then(|| {
            let words = format!(
                "invited on {}, and the reminder is due on {}",
                english_date(last),
                english_date(due)
            );
            Verdict::with_detail(Reason::NotDue, words)
        })
    }

    /// The rules and their settings, one a line, for people.
    pub fn explain(&self) -> String {
        format!(
            "A patient who may be invited gets a reminder if\n\
             \x20 - the last invitation was {} ago or earlier. Otherwise: not_due\n\
             \x20 - there were fewer than {}. Otherwise: reminded\n",
            counted(self.after.into(), "day", "days"),
            counted(self.most.into(), "reminder", "reminders")
        )
    }
}

/// Whether the last letter came back from the address that the record still has.
fn came_back(record: &Record) -> Option<Verdict> {
    let last = record.invitations().next_back()?;
    let letter = last
        .iter()
        .find(|own| own.status == Some(PrintStatus::Returned))?;
    let patient = record.patient.as_ref()?;
    let has_moved = letter
        .reference
        .as_ref()
        .zip(letter.sent_to.as_ref())
        .is_some_and(|(reference, sent_to)| AddressMark::of(reference, patient) != *sent_to);
    if has_moved {
        return None;
    }
    let reason = letter
        .returned_because
        .unwrap_or(ReturnReason::NoReasonGiven);
    let words = format!(
        "the last letter came back: {}, {}",
        reason.code(),
        reason.words()
    );
    Some(Verdict::with_detail(Reason::Returned, words))
}

/// Makes room for another invitation: the last one becomes an earlier one, and its codes go. Returns whether
/// there was one.
pub fn make_ready(record: &mut Record) -> bool {
    if record.deliveries.is_empty() {
        return false;
    }
    record.earlier.push(EarlierInvitation {
        deliveries: std::mem::take(&mut record.deliveries),
        continued: false,
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
            after: 28,
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
