//! Who is invited by which of the channels.

use pkb_core::{
    Reason, Verdict,
    record::{Channel, Delivery},
};

/// By which channels patients are invited.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// These, the preferred first.
    pub channels: Vec<Channel>,
    /// Only by the first of them that reaches the patient.
    pub only_first: bool,
}

impl Choice {
    /// What `draft` says of each chosen channel that reaches a patient, in the order of [`Channel::ALL`].
    ///
    /// # Errors
    /// None does, or something is wrong with one that would.
    pub(crate) fn drafts(
        &self,
        draft: impl Fn(Channel) -> Result<Delivery, Verdict>,
    ) -> Result<Vec<Delivery>, Verdict> {
        let (mut drafts, mut out_of_reach) = (Vec::new(), Vec::new());
        for channel in &self.channels {
            match draft(*channel) {
                Ok(draft) => drafts.push(draft),
                Err(verdict) if matches!(verdict.reason, Reason::Unmailable | Reason::NoMobile) => {
                    out_of_reach.push((*channel, verdict));
                }
                Err(verdict) => return Err(verdict),
            }
            if self.only_first && !drafts.is_empty() {
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

    #[test]
    fn each_choice_reaches_those_whom_it_can() {
        // What is made for: whole address and mobile, address alone, mobile alone, neither.
        let unmailable = || Err(Reason::Unmailable);
        let table = [
            (
                vec![Letter],
                false,
                [
                    Ok(vec![Letter]),
                    Ok(vec![Letter]),
                    unmailable(),
                    unmailable(),
                ],
            ),
            (
                vec![Sms],
                false,
                [
                    Ok(vec![Sms]),
                    Err(Reason::NoMobile),
                    Ok(vec![Sms]),
                    Err(Reason::NoMobile),
                ],
            ),
            (
                vec![Letter, Sms],
                false,
                [
                    Ok(vec![Letter, Sms]),
                    Ok(vec![Letter]),
                    Ok(vec![Sms]),
                    unmailable(),
                ],
            ),
            (
                vec![Sms, Letter],
                true,
                [Ok(vec![Sms]), Ok(vec![Letter]), Ok(vec![Sms]), unmailable()],
            ),
        ];
        for (channels, only_first, expected) in table {
            let choice = Choice {
                channels,
                only_first,
            };
            let patients = [(true, true), (true, false), (false, true), (false, false)];
            for ((has_address, has_mobile), expected) in patients.into_iter().zip(expected) {
                let drafts = choice.drafts(|channel| match channel {
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
        let choice = Choice {
            channels: vec![Letter, Sms],
            only_first: false,
        };
        let drafts = choice.drafts(|channel| match channel {
            Letter => Err(Reason::MissingGlyph.into()),
            Sms => Ok(Delivery::new(Sms, String::new())),
        });
        assert_eq!(drafts.unwrap_err().reason, Reason::MissingGlyph);
    }
}
