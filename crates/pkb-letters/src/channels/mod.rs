//! The channels by which patients are invited: a folder for each, which knows who can be reached by it, what its files are,
//! and how they are made. The stage goes over [`all`] and knows no single one.

pub mod letter;
pub mod sms;

use std::{collections::HashSet, future::Future, path::Path, pin::Pin, sync::Arc};

use pkb_core::{
    Fatal, Reason, Record, Verdict,
    pipeline::Records,
    print_files::series::Series,
    record::{Channel, Delivery, Edition, Invitation, Patient},
    stage::{IntentLog, Recalled},
};
use pkb_typeset::typesetter::Typesetter;
use pkb_values::NationalId;

use crate::args::LettersArgs;
use letter::rules::LetterRules;

/// What makers are made of.
pub(crate) struct Setup<'a> {
    pub args: &'a LettersArgs,
    /// Where the files go.
    pub folder: &'a Path,
    pub series: Series,
    pub edition: Edition,
    pub rules: Arc<LetterRules>,
    pub typesetter: Arc<Typesetter>,
}

/// What makes the deliveries of each channel: the list of channels.
///
/// # Errors
/// One of them cannot begin.
pub(crate) fn all(setup: &Setup<'_>) -> Result<Vec<Arc<dyn DeliveryMaker>>, Fatal> {
    Ok(vec![
        Arc::new(letter::LetterMaker::new(setup)?),
        Arc::new(sms::SmsMaker::new(setup)?),
    ])
}

/// Somebody who is to be invited.
#[derive(Clone, Copy)]
pub(crate) struct Invitee<'a> {
    pub record: &'a Record,
    pub patient: &'a Patient,
    pub codes: &'a Invitation,
}

impl<'a> Invitee<'a> {
    /// The patient of a record; `None` without codes.
    pub(crate) fn of(record: &'a Record) -> Option<Self> {
        Some(Self {
            record,
            patient: record.patient.as_ref()?,
            codes: record.invitation.as_ref()?,
        })
    }
}

/// Deliveries that are made together.
pub(crate) struct DeliveryBatch<'a> {
    /// Its number in this run, from 1.
    pub number: u64,
    /// The records of the batch, some of which get no delivery by this channel.
    pub records: Records,
    /// The deliveries, with the places of their records.
    pub drafts: Vec<(usize, Delivery)>,
    /// Where to note an act that must not be repeated.
    pub intents: &'a IntentLog,
}

/// What became of the deliveries of a batch, in their order.
pub(crate) type Made<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Result<Delivery, Verdict>>, Fatal>> + Send + 'a>>;

/// What makes the deliveries of one channel.
pub(crate) trait DeliveryMaker: Send + Sync + 'static {
    /// Which channel.
    fn channel(&self) -> Channel;

    /// Sees a line of the journal.
    ///
    /// # Errors
    /// What makes the journal unusable.
    fn recall(&self, _line: &Recalled) -> Result<(), Fatal> {
        Ok(())
    }

    /// Whose deliveries have to be made again, because the journal has a part of their file only.
    fn unfinished(&self) -> HashSet<NationalId> {
        HashSet::new()
    }

    /// What an invitee would get by this channel, as far as it is known before it is made.
    ///
    /// # Errors
    /// Why it cannot reach the invitee.
    fn draft(&self, to: &Invitee<'_>) -> Result<Delivery, Verdict>;

    /// Whether a delivery can be made once more with the same codes.
    fn can_reprint(&self) -> bool {
        false
    }

    /// Gives a draft its place in a file. Called in input order.
    fn assign(&self, _to: &Invitee<'_>, _draft: &mut Delivery) {}

    /// Sees a delivery of the journal, which is not made again. Called in input order.
    fn answered(&self, _to: &Invitee<'_>, _delivery: &Delivery) {}

    /// Makes the deliveries of a batch. Called for every batch, also if it has none.
    fn make<'a>(&'a self, batch: DeliveryBatch<'a>) -> Made<'a> {
        let made = batch.drafts.into_iter().map(|(_, draft)| Ok(draft));
        let made = Ok(made.collect());
        Box::pin(std::future::ready(made))
    }

    /// No further batch is made: one has failed.
    fn stop(&self) {}

    /// Enters what was made for a record into the files that accompany the deliveries. Called in output order.
    ///
    /// # Errors
    /// They cannot be written.
    fn enter(&self, record: &Record) -> Result<(), Fatal>;

    /// Finishes these files.
    ///
    /// # Errors
    /// They cannot be written.
    fn finish(&self) -> Result<(), Fatal>;
}

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
