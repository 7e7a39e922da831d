//! What the stage knows of a channel: [`DeliveryMaker`].

use std::{collections::HashSet, future::Future, path::Path, pin::Pin, sync::Arc};

use pkb_core::{
    Fatal, Record, Verdict,
    pipeline::Records,
    record::{Channel, Delivery, Edition, Invitation, Patient},
    stage::{IntentLog, Recalled},
};
use pkb_print_files::series::Series;
use pkb_typeset::typesetter::Typesetter;
use pkb_values::NationalId;

use super::letter::rules::LetterRules;
use crate::args::LettersArgs;

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

/// Somebody who is to be invited.
#[derive(Clone, Copy)]
pub(crate) struct Invitee<'a> {
    pub record: &'a Record,
    pub patient: &'a Patient,
    /// `None` if there are none.
    pub codes: Option<&'a Invitation>,
}

impl<'a> Invitee<'a> {
    /// The patient of a record.
    pub(crate) fn of(record: &'a Record) -> Option<Self> {
        Some(Self {
            record,
            patient: record.patient.as_ref()?,
            codes: record.invitation.as_ref(),
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

    /// Rows of a batch, if the channel has a number of its own.
    fn rows_per_file(&self) -> Option<u32> {
        None
    }

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
