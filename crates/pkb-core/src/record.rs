//! The record: one JSON object a line, with a section for each stage that has spoken.
//!
//! Fields that this version does not know are kept, at every level, and written out again; a line
//! that a stage does not change leaves as the same bytes (see [`crate::pipeline`]).

pub mod bounds;
mod channel;
mod delivery;
mod dispatch;
mod patient;
mod print_status;
mod purged;
mod reference;
#[cfg(test)]
mod schema;
mod trace;
mod unknown;
mod variant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    StageName,
    outcome::{Outcome, Reason},
};
use pkb_values::{AccessCode, InvitationCode, PkbId};

pub use channel::{Channel, GoesTo};
pub(crate) use delivery::keep_dispatches;
pub use delivery::{Delivery, Design, EarlierInvitation, Edition};
pub use dispatch::{Dispatch, DispatchChannel, DispatchStatus, FailureCode, NotificationId};
pub use patient::{Carer, Household, NoLetter, Patient};
pub use print_status::{PrintStatus, ReturnReason};
pub use purged::{CodesStand, Purged};
pub use reference::{AddressMark, Reference, opaque_name};
pub use trace::{Trace, TraceResult};
pub use unknown::Unknown;
pub use variant::Variant;

/// The version of the record: reading any other is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Schema {
    /// The only version so far.
    #[default]
    #[serde(rename = "pkb-record/1")]
    V1,
}

impl Schema {
    /// The version as it stands in a record.
    pub const NAME: &str = "pkb-record/1";
}

/// One patient of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// Version of this form.
    pub schema: Schema,
    /// Where in the patient file it came from.
    pub row: Row,
    /// Whether anything in it is from a rehearsal (see [`crate::rehearsal`]). Nothing of such a record may be sent. No stage
    /// takes this out again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Whether it is no patient but a member of staff, who gets a letter and is counted nowhere (pkb-letters --seeds).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seed: bool,
    /// Who it is; absent when the row could not be read as a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<Patient>,
    /// What the trace said (pkb trace apply).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// What pkb-upload did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// What pkb-resolve learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkb: Option<PkbAnswer>,
    /// What pkb-tokens fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// That there were codes, which have ended (pkb purge).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged: Option<Purged>,
    /// What pkb-letters made: one entry a channel, in the order of [`Channel::ALL`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
    /// Whether the patient has registered since (pkb-resolve --recheck).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptake: Option<Uptake>,
    /// Invitations before the present one, the oldest first: what a reminder reminds of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierInvitation>,
    /// Which of several letters the patient gets, so that their uptake can be compared (pkb split --variants).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// Why it went no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Record {
    /// A record about which nothing is known but its row.
    pub fn new(row: Row) -> Self {
        Self {
            schema: Schema::V1,
            row,
            rehearsal: false,
            seed: false,
            patient: None,
            trace: None,
            upload: None,
            pkb: None,
            invitation: None,
            purged: None,
            deliveries: Vec::new(),
            uptake: None,
            earlier: Vec::new(),
            variant: None,
            outcome: None,
            unknown: Unknown::new(),
        }
    }
}

impl Record {
    /// Whether `stage` has settled the record for good: did its work on it, or stopped it for a reason that a rerun would
    /// find again.
    #[must_use]
    pub fn is_settled_by(&self, stage: StageName) -> bool {
        match &self.outcome {
            Some(outcome) => outcome.stage == stage && outcome.is_for_good(),
            None => stage.has_written(self),
        }
    }

    /// Removes what `stage` wrote; what PKB said of a registration stays until it says something else.
    pub fn clear(&mut self, stage: StageName) {
        if !stage.follows_up() {
            stage.clear(self);
        }
    }

    /// Removes what `stage` and those after it wrote, and the outcome.
    pub fn clear_from(&mut self, stage: StageName) {
        for each in StageName::ALL {
            if *each >= stage {
                self.clear(*each);
            }
        }
        self.outcome = None;
    }

    /// Takes over what `stage` wrote into `settled`, an earlier form of this record.
    pub fn take_over(&mut self, stage: StageName, mut settled: Self) {
        self.rehearsal |= settled.rehearsal;
        self.outcome = settled.outcome.take();
        stage.take_over(self, settled);
    }

    /// All reasons why the record was stopped.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        let outcome = self.outcome.iter();
        outcome.flat_map(|outcome| outcome.also.iter().copied().chain([outcome.reason]))
    }
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// Name of the patient file, without its folder.
    pub file: String,
    /// Line number as a spreadsheet shows it: the header is 1.
    #[serde(deserialize_with = "bounds::row")]
    pub number: u64,
    /// How many data rows the file has, so that a reader can tell the end from a pipe that broke.
    #[serde(deserialize_with = "bounds::row")]
    pub of: u64,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What happened to the row's upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Upload {
    /// File name of the batch that the row is in; absent where nothing was uploaded, because PKB had the patient already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// How far the batch is.
    pub state: UploadState,
    /// When.
    pub at: Timestamp,
    /// Whether PKB had the patient before the upload; absent where PKB was not asked (`--no-compare`, `--dry-run`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Whether the e-mail address went with it: PKB then invites the patient itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emailed: bool,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Upload {
    /// Whether PKB was asked anything for it.
    pub(crate) fn has_answer(&self) -> bool {
        self.state.has_answer() || self.compared.is_some()
    }
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum UploadState {
    /// The row was checked and nothing was written or sent (`--dry-run`).
    Checked,
    /// Written to a file for upload by hand in PKB's web interface (`--batches`).
    Prepared,
    /// Sent to PKB and accepted.
    Sent,
    /// The same, and PKB says that it created a record (`--via messaging`).
    Created,
    /// The same, and PKB says that it updated the record that it had (`--via messaging`).
    Updated,
    /// PKB had the patient already, and nothing was uploaded (`--known skip`).
    Known,
}

impl UploadState {
    fn has_answer(self) -> bool {
        !matches!(self, Self::Checked | Self::Prepared)
    }
}

/// Whether PKB had a patient before the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// It had not.
    New,
    /// It had, and what it told of the patient agreed with the patient file.
    Known,
    /// It had, and did not show us the record: only the mandatory columns were uploaded.
    NoAccess,
}

/// What PKB knows of the patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PkbAnswer {
    /// PKB's id; absent where PKB does not tell (FHIR).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PkbId>,
    /// Whether the patient has registered; absent where PKB does not tell (REST).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<bool>,
    /// Whether PKB's last name is another one, and was let through (`--allow-name-differs`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub name_differs: bool,
    /// Whether PKB was asked for the last name besides (FHIR); REST tells it with the id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub name_asked: bool,
    /// When PKB was asked.
    pub checked_at: Timestamp,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The two codes with which the patient registers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Invitation {
    /// Invitation code (`t1` in the join link).
    pub code: InvitationCode,
    /// Access code (`t2` in the join link); PKB calls it token.
    pub token: AccessCode,
    /// When both end.
    pub expires_at: Timestamp,
    /// When they were fetched instead of earlier ones that were good (`pkb-tokens --reissue`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reissued_at: Option<Timestamp>,
    /// Whether these codes replaced codes that a different patient also has: nothing with the replaced codes may be sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead_of_shared: bool,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What PKB said, after the invitation, of whether the patient has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Uptake {
    /// Whether the patient has registered.
    pub registered: bool,
    /// When PKB was asked last.
    pub checked_at: Timestamp,
    /// When PKB first said so; it does not tell when the patient registered, only that it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen_at: Option<Timestamp>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}
