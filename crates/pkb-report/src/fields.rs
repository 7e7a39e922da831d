//! The few fields of a record that the report looks at; read several times as fast as the whole
//! record. Whatever is not here cannot be on the page.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};
use pkb_core::{
    Kind, Reason, StageName,
    record::{
        Channel, Compared, Design, DispatchStatus, Edition, PrintStatus, ReturnReason, Schema,
        UploadState, bounds,
    },
    rehearsal::FILE_PREFIX,
};
use pkb_values::{LetterFormat, LetterLanguages, Postcode};
use serde::Deserialize;

/// A record, as far as the report looks at it.
#[derive(Debug, Deserialize)]
pub struct Fields<'a> {
    #[serde(rename = "schema")]
    _schema: Schema,
    /// Where it came from.
    #[serde(borrow)]
    pub row: Row<'a>,
    /// Whether anything in it is from a rehearsal.
    #[serde(default)]
    pub rehearsal: bool,
    /// Whether it is a member of staff, who is counted nowhere.
    #[serde(default)]
    pub seed: bool,
    /// Who it is about: nothing but where they live.
    pub patient: Option<Patient>,
    /// What a trace said.
    #[serde(borrow)]
    pub trace: Option<Trace<'a>>,
    /// What pkb-upload did.
    pub upload: Option<Upload>,
    /// That PKB has answered.
    pub pkb: Option<Answer>,
    /// That there are codes.
    pub invitation: Option<Codes>,
    /// How the invitation goes to the patient: one entry a channel.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
    /// Whether the patient has registered since.
    pub uptake: Option<Uptake>,
    /// Invitations before a reminder, the oldest first.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    /// Which of several letters the patient gets.
    #[serde(borrow)]
    pub variant: Option<Cow<'a, str>>,
    /// Why it went no further.
    pub outcome: Option<Outcome>,
}

impl Fields<'_> {
    /// The deliveries of each invitation, the oldest first.
    pub fn invitations(&self) -> impl DoubleEndedIterator<Item = &[Delivery]> {
        let earlier = self.earlier.iter().map(|earlier| &*earlier.deliveries);
        earlier.chain((!self.deliveries.is_empty()).then_some(&*self.deliveries))
    }

    /// The last invitation: what came before a reminder, while that is not made yet.
    #[must_use]
    pub fn last_invitation(&self) -> Option<&[Delivery]> {
        self.invitations().next_back()
    }

    /// Whether it is of a rehearsal, by its mark or by the name of its letter's file.
    #[must_use]
    pub fn is_of_rehearsal(&self) -> bool {
        let mut files = self.deliveries.iter().map(|delivery| &delivery.file);
        self.rehearsal || files.any(|file| file.starts_with(FILE_PREFIX))
    }

    /// Whether the invitation stands, whatever the outcome says: a recheck only says why no reminder follows. It does
    /// not stand for the dead.
    #[must_use]
    pub fn invitation_stands(&self) -> bool {
        self.last_invitation().is_some()
            && self.outcome.as_ref().is_none_or(|outcome| {
                outcome.stage == StageName::Recheck && outcome.reason != Reason::Deceased
            })
    }
}

/// A row of a patient file.
#[derive(Debug, Deserialize)]
pub struct Row<'a> {
    /// Name of the file.
    #[serde(borrow)]
    pub file: Cow<'a, str>,
    /// Line number as a spreadsheet shows it.
    #[serde(deserialize_with = "bounds::row")]
    pub number: u64,
    /// Data rows of the file.
    #[serde(deserialize_with = "bounds::row")]
    pub of: u64,
}

/// Where a patient lives.
#[derive(Debug, Deserialize)]
pub struct Patient {
    /// Only its area is looked at.
    pub postcode: Option<Postcode>,
    /// Who else is at the same address.
    pub household: Option<Household>,
}

/// Several patients at one address.
#[derive(Debug, Deserialize)]
pub struct Household {
    /// Row of the first of them: the same for all of a household.
    pub first_row: u64,
}

/// What a trace said.
#[derive(Debug, Deserialize)]
pub struct Trace<'a> {
    /// When the register answered.
    pub at: Timestamp,
    /// The response file.
    #[serde(borrow)]
    pub file: Option<Cow<'a, str>>,
}

/// What pkb-upload did.
#[derive(Debug, Deserialize)]
pub struct Upload {
    /// How far the batch is.
    pub state: UploadState,
    /// When.
    pub at: Timestamp,
    /// Whether PKB had the patient before; absent where it was not asked.
    pub compared: Option<Compared>,
}

/// That PKB has answered.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// When PKB was asked.
    pub checked_at: Timestamp,
}

/// That there are codes.
#[derive(Debug, Deserialize)]
pub struct Codes {
    /// When they end.
    pub expires_at: Timestamp,
}

/// An invitation before a reminder, or before the next channel of a plan.
#[derive(Debug, Deserialize)]
pub struct Earlier {
    /// One entry a channel.
    pub deliveries: Vec<Delivery>,
    /// Whether the next one is the same invitation, by the next channel of a plan.
    #[serde(default)]
    pub continued: bool,
}

/// What was made for a patient for one channel.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    /// By which channel.
    pub channel: Channel,
    /// The file it is in.
    pub file: String,
    /// The day that the letter bears.
    pub date: Option<Date>,
    /// First and last page in that file.
    #[serde(default, deserialize_with = "bounds::some_pages")]
    pub pages: Option<(u64, u64)>,
    /// In which languages the letter is.
    pub languages: Option<LetterLanguages>,
    /// How large its print is.
    pub format: Option<LetterFormat>,
    /// Which design it has; absent for the usual letter.
    pub design: Option<Design>,
    /// Whether it is the patient's first.
    #[serde(default)]
    pub edition: Edition,
    /// How far a mail company is with it.
    pub status: Option<PrintStatus>,
    /// Why it came back.
    pub returned_because: Option<ReturnReason>,
    /// When it was handed to the post, each time.
    #[serde(default)]
    pub dispatched_at: Vec<Timestamp>,
    /// What GOV.UK Notify was given of it.
    #[serde(default)]
    pub dispatches: Vec<Dispatch>,
}

/// The channels of an invitation.
pub fn channels(deliveries: &[Delivery]) -> Vec<Channel> {
    deliveries.iter().map(|delivery| delivery.channel).collect()
}

/// A text message or a letter that GOV.UK Notify was given.
#[derive(Debug, Deserialize)]
pub struct Dispatch {
    /// How far it is.
    pub status: DispatchStatus,
    /// When Notify was given it.
    pub at: Timestamp,
}

/// Whether the patient has registered since.
#[derive(Debug, Deserialize)]
pub struct Uptake {
    /// Whether the patient has.
    pub registered: bool,
    /// When PKB was asked last.
    pub checked_at: Timestamp,
    /// When PKB first said so.
    pub first_seen_at: Option<Timestamp>,
}

/// Why a record went no further; without its words for the row.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    /// The stage that stopped it.
    pub stage: StageName,
    /// What it asks of the operator.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// What else would have stopped it.
    #[serde(default)]
    pub also: Vec<Reason>,
}
