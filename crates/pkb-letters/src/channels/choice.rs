//! Who is invited by which of the channels.

use pkb_core::{
    Reason, Record, StageName, Verdict,
    invitation_plan::InvitationPlan,
    record::{Channel, Delivery},
};

/// By which channels patients are invited.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// By all of these that reach the patient.
    All(Vec<Channel>),
    /// By the first that reaches the patient, of those that the plan has left.
    Plan(InvitationPlan),
}

impl Choice {
    /// Whether the patient's next channel is one that another program makes, such as pkb-notify nhs send.
    pub(crate) fn is_left_to_another(&self, record: &Record) -> bool {
        let Self::Plan(plan) = self else {
            return false;
        };
        let mut left = plan.channels_left(record);
        left.next()
            .is_some_and(|channel| channel.made_by() != StageName::Letters)
    }

    /// What `draft` says of each channel that is due and reaches the patient, in the order of [`Channel::ALL`].
    ///
    /// # Errors
    /// None does, or something is wrong with one that would.
    pub(crate) fn drafts(
        &self,
        record: &Record,
        draft: impl Fn(Channel) -> Result<Delivery, Verdict>,
    ) -> Result<Vec<Delivery>, Verdict> {
        let channels: Vec<Channel> = match self {
            Self::All(channels) => channels.clone(),
            Self::Plan(plan) => plan.channels_left(record).collect(),
        };
        let (mut drafts, mut out_of_reach) = (Vec::new(), Vec::new());
        for channel in channels {
            match draft(channel) {
                Ok(draft) => drafts.push(draft),
                Err(verdict) if matches!(verdict.reason, Reason::Unmailable | Reason::NoMobile) => {
                    out_of_reach.push((channel, verdict));
                }
                Err(verdict) => return Err(verdict),
            }
            if matches!(self, Self::Plan(_)) && !drafts.is_empty() {
                break;
            }
        }
        drafts.sort_by_key(|draft| draft.channel);
        let why = out_of_reach.into_iter().min_by_key(|(channel, _)| *channel);
        match why {
            Some((_, verdict)) if drafts.is_empty() => Err(verdict),
            _ => Ok(drafts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Letter, Sms};

    fn record() -> Record {
        let row = serde_json::json!({"file": "a.csv", "number": 7, "of": 9});
        let record = serde_json::json!({"schema": "pkb-record/1", "row": row});
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_channel_of_another_program_is_left_to_it() {
        for (plan, is_left) in [("nhs_notify 7d letter", true), ("sms 72h letter", false)] {
            let choice = Choice::Plan(plan.parse().unwrap());
            assert_eq!(choice.is_left_to_another(&record()), is_left, "{plan}");
        }
    }

    #[test]
    fn each_choice_reaches_those_whom_it_can() {
        // What is made for: whole address and mobile, address alone, mobile alone, neither.
        let unmailable = || Err(Reason::Unmailable);
        let table = [
            (
                Choice::All(vec![Letter]),
                [
                    Ok(vec![Letter]),
                    Ok(vec![Letter]),
                    unmailable(),
                    unmailable(),
                ],
            ),
            (
                Choice::All(vec![Sms]),
                [
                    Ok(vec![Sms]),
                    Err(Reason::NoMobile),
                    Ok(vec![Sms]),
                    Err(Reason::NoMobile),
                ],
            ),
            (
                Choice::All(vec![Letter, Sms]),
                [
                    Ok(vec![Letter, Sms]),
                    Ok(vec![Letter]),
                    Ok(vec![Sms]),
                    unmailable(),
                ],
            ),
            (
                Choice::Plan("sms 72h letter".parse().unwrap()),
                [Ok(vec![Sms]), Ok(vec![Letter]), Ok(vec![Sms]), unmailable()],
            ),
        ];
        for (choice, expected) in table {
            let patients = [(true, true), (true, false), (false, true), (false, false)];
            for ((has_address, has_mobile), expected) in patients.into_iter().zip(expected) {
                let drafts = choice.drafts(&record(), |channel| match channel {
                    Letter if !has_address => Err(Reason::Unmailable.into()),
                    Sms if !has_mobile => Err(Reason::NoMobile.into()),
                    reached => Ok(Delivery::new(reached, String::new())),
                });
                let channels = drafts
                    .map(|drafts| drafts.iter().map(|draft| draft.channel).collect())
                    .map_err(|verdict| verdict.reason);
                assert_eq!(channels, expected, "{choice:?}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_letter_is_told_although_a_text_would_reach_the_patient() {
        let choice = Choice::All(vec![Letter, Sms]);
        let drafts = choice.drafts(&record(), |channel| match channel {
            Letter => Err(Reason::MissingGlyph.into()),
            other => Ok(Delivery::new(other, String::new())),
        });
        assert_eq!(drafts.unwrap_err().reason, Reason::MissingGlyph);
    }
}
