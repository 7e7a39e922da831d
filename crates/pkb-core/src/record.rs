//! The record: one JSON object a line, with a section for each stage that has spoken.
//!
//! Fields that this version does not know are kept, at every level, and written out again; a line
//! that a stage does not change leaves as the same bytes (see [`crate::pipeline`]).

pub mod bounds;
mod dispatch;
mod purged;
#[cfg(test)]
mod schema;
mod unknown;

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::outcome::{Outcome, Reason, StageName};
use pkb_values::{
    AccessCode, AddressLine, DateOfBirth, Email, InvitationCode, Language, LetterFormat,
    LetterLanguages, LocalId, NationalId, NhsNumberStatus, PersonName, Phone, PkbId, Postcode,
    UkMobile,
};

pub use dispatch::{Dispatch, DispatchStatus, NotificationId};
pub use purged::{CodesStand, Purged};
pub use unknown::Unknown;

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
    /// Who it is; absent when the row could not be read as a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<Patient>,
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
    /// What pkb-letters made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// The text messages that pkb-letters sms send gave to GOV.UK Notify, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Dispatch>,
    /// The letter that pkb-letters post gave to GOV.UK Notify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<Dispatch>,
    /// Whether the patient has registered since (pkb-resolve --recheck).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptake: Option<Uptake>,
    /// Invitations before the present one, the first first: what a reminder reminds of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Delivery>,
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
            patient: None,
            upload: None,
            pkb: None,
            invitation: None,
            purged: None,
            delivery: None,
            texts: Vec::new(),
            posted: None,
            uptake: None,
            earlier: Vec::new(),
            outcome: None,
            unknown: Unknown::new(),
        }
    }
}

impl Record {
    /// As [`KeyFields::is_settled_by`].
    pub fn is_settled_by(&self, stage: StageName) -> bool {
        KeyFields::of(self).is_settled_by(stage)
    }

    /// Removes what `stage` wrote; what PKB said of a registration stays until it says something else.
    pub fn clear(&mut self, stage: StageName) {
        match stage {
            StageName::Upload => self.upload = None,
            StageName::Resolve => self.pkb = None,
            StageName::Tokens => {
                self.invitation = None;
                self.purged = None;
            }
            StageName::Letters => self.delivery = None,
            StageName::Sms => self.texts.clear(),
            StageName::Post => self.posted = None,
            // A fact about the patient, which stands whatever else is done again.
            StageName::Recheck => {}
        }
    }

    /// Takes away what `stage` and those after it wrote, and the outcome.
    pub fn clear_from(&mut self, stage: StageName) {
        for each in StageName::ALL {
            if each >= stage {
                self.clear(each);
            }
        }
        self.outcome = None;
    }

    /// Takes over what `stage` wrote into `settled`, an earlier form of this record.
    pub fn take_over(&mut self, stage: StageName, settled: Self) {
        self.rehearsal |= settled.rehearsal;
        match stage {
            StageName::Upload => self.upload = settled.upload,
            StageName::Resolve => self.pkb = settled.pkb,
            StageName::Tokens => {
                self.invitation = settled.invitation;
                self.purged = settled.purged;
            }
            StageName::Letters => {
                // The codes on the letter are those that count, not new ones from another run of
                // pkb-tokens.
                self.invitation = settled.invitation;
                self.purged = settled.purged;
                self.delivery = settled.delivery;
            }
            StageName::Sms => self.texts = settled.texts,
            StageName::Post => self.posted = settled.posted,
            StageName::Recheck => {
                self.uptake = settled.uptake;
                self.pkb = settled.pkb;
            }
        }
        self.outcome = settled.outcome;
    }
}

/// The few fields of a record that the key of a journal may be made of, and how far the record is;
/// read from a line several times as fast as the whole record.
#[derive(Debug, Deserialize)]
pub struct KeyFields<'a> {
    #[serde(rename = "schema")]
    _schema: Schema,
    /// Where it came from.
    #[serde(borrow)]
    pub row: KeyRow<'a>,
    /// Whether anything in it is from a rehearsal.
    #[serde(default)]
    pub rehearsal: bool,
    /// Who it is about.
    pub patient: Option<KeyPatient>,
    /// PKB's answer.
    pub pkb: Option<KeyPkb>,
    /// The codes.
    pub invitation: Option<KeyInvitation>,
    /// Whether the patient has registered since.
    pub uptake: Option<KeyUptake>,
    /// The upload.
    pub upload: Option<KeyUpload>,
    purged: Option<IgnoredAny>,
    delivery: Option<IgnoredAny>,
    texts: Option<IgnoredAny>,
    posted: Option<IgnoredAny>,
    /// Why it went no further.
    pub outcome: Option<Outcome>,
}

/// The fields of [`Row`].
#[derive(Debug, Deserialize)]
pub struct KeyRow<'a> {
    /// Name of the patient file.
    #[serde(borrow)]
    pub file: Cow<'a, str>,
    /// Line number, the header being 1.
    #[serde(deserialize_with = "bounds::row")]
    pub number: u64,
    /// How many data rows the file has.
    #[serde(deserialize_with = "bounds::row")]
    pub of: u64,
}

/// The fields of [`Upload`] that matter to whether an answer still serves, and whether PKB was asked.
#[derive(Debug, Deserialize)]
pub struct KeyUpload {
    /// How far the batch is.
    state: UploadState,
    /// Whether PKB had the patient.
    compared: Option<Compared>,
    /// Whether PKB invites the patient itself.
    #[serde(default)]
    pub emailed: bool,
}

/// The fields of [`Patient`] that matter to keys.
#[derive(Debug, Deserialize)]
pub struct KeyPatient {
    /// The national id.
    pub national_id: NationalId,
    /// Date of birth.
    pub date_of_birth: DateOfBirth,
    /// Last name.
    pub last_name: PersonName,
    /// Whether the hospital's file says that the patient has died.
    #[serde(default)]
    pub deceased: bool,
}

/// The fields of [`PkbAnswer`] that matter to keys and to whether an answer still serves.
#[derive(Debug, Deserialize)]
pub struct KeyPkb {
    /// PKB's id.
    pub id: Option<PkbId>,
    /// Whether the patient has registered.
    pub registered: Option<bool>,
    /// Whether PKB's last name is another one.
    #[serde(default)]
    pub name_differs: bool,
    /// When PKB was asked.
    pub checked_at: Timestamp,
}

/// The fields of [`Invitation`] that decide whether it is still usable, and which patient it belongs to.
#[derive(Debug, Deserialize)]
pub struct KeyInvitation {
    /// Invitation code.
    pub code: InvitationCode,
    /// Access code.
    pub token: AccessCode,
    /// When the codes end.
    pub expires_at: Timestamp,
    /// When they were fetched instead of earlier ones.
    pub reissued_at: Option<Timestamp>,
}

/// The fields of [`Uptake`] that matter to whether an answer still serves.
#[derive(Debug, Deserialize)]
pub struct KeyUptake {
    /// Whether the patient has registered.
    pub registered: bool,
    /// When PKB was asked.
    pub checked_at: Timestamp,
}

impl<'a> KeyFields<'a> {
    /// The fields of a whole record.
    pub fn of(record: &'a Record) -> Self {
        let is_there = |section: bool| section.then_some(IgnoredAny);
        Self {
            _schema: record.schema,
            row: KeyRow {
                file: Cow::Borrowed(&record.row.file),
                number: record.row.number,
                of: record.row.of,
            },
            rehearsal: record.rehearsal,
            patient: record.patient.as_ref().map(|patient| KeyPatient {
                national_id: patient.national_id,
                date_of_birth: patient.date_of_birth,
                last_name: patient.last_name.clone(),
                deceased: patient.deceased,
            }),
            pkb: record.pkb.as_ref().map(|pkb| KeyPkb {
                id: pkb.id.clone(),
                registered: pkb.registered,
                name_differs: pkb.name_differs,
                checked_at: pkb.checked_at,
            }),
            invitation: record.invitation.as_ref().map(|codes| KeyInvitation {
                code: codes.code.clone(),
                token: codes.token.clone(),
                expires_at: codes.expires_at,
                reissued_at: codes.reissued_at,
            }),
            uptake: record.uptake.as_ref().map(|uptake| KeyUptake {
                registered: uptake.registered,
                checked_at: uptake.checked_at,
            }),
            upload: record.upload.as_ref().map(|upload| KeyUpload {
                state: upload.state,
                compared: upload.compared,
                emailed: upload.emailed,
            }),
            purged: is_there(record.purged.is_some()),
            delivery: is_there(record.delivery.is_some()),
            texts: is_there(!record.texts.is_empty()),
            posted: is_there(record.posted.is_some()),
            outcome: record.outcome.clone(),
        }
    }

    /// Whether its codes have ended and were taken out.
    pub fn is_purged(&self) -> bool {
        self.purged.is_some()
    }

    /// All reasons why the record was stopped.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        let outcome = self.outcome.iter();
        outcome.flat_map(|outcome| outcome.also.iter().copied().chain([outcome.reason]))
    }

    /// Whether `stage` has settled the record for good: did its work on it, or stopped it for a
    /// reason that a rerun would find again.
    pub fn is_settled_by(&self, stage: StageName) -> bool {
        match &self.outcome {
            Some(outcome) => outcome.stage == stage && outcome.is_for_good(),
            None => match stage {
                StageName::Upload => self.upload.is_some(),
                StageName::Resolve => self.pkb.is_some(),
                StageName::Tokens => self.invitation.is_some() || self.purged.is_some(),
                StageName::Letters => self.delivery.is_some(),
                StageName::Sms => self.texts.is_some(),
                StageName::Post => self.posted.is_some(),
                StageName::Recheck => self.uptake.is_some(),
            },
        }
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

/// Who a record is about, as the hospital's file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Patient {
    /// The national id.
    pub national_id: NationalId,
    /// Title, if the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<PersonName>,
    /// First name or names.
    pub first_name: PersonName,
    /// Last name.
    pub last_name: PersonName,
    /// Date of birth.
    pub date_of_birth: DateOfBirth,
    /// Address lines without name and post code; none if the file has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<AddressLine>,
    /// Which line of the address is the town, from 0, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub town_line: Option<u8>,
    /// Which line of the address is the county, from 0, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county_line: Option<u8>,
    /// Post code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_code: Option<Postcode>,
    /// Why no letter can go to this address, if the file has more than the lines and the postcode tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_letter: Option<NoLetter>,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<UkMobile>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Preferred language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// How large the print of letters must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LetterFormat>,
    /// Identifier in the organisation's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<LocalId>,
    /// Identifier in the team's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<LocalId>,
    /// Home telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_phone: Option<Phone>,
    /// Telephone at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_phone: Option<Phone>,
    /// Another telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_phone: Option<Phone>,
    /// Carers, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carers: Vec<Carer>,
    /// Whether the hospital's file says that the patient has died.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deceased: bool,
    /// Why the patient was removed from a practice's list, by the NHS's code, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_reason: Option<String>,
    /// How far the NHS number was traced, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number_status: Option<NhsNumberStatus>,
    /// Who else is at the same address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<Household>,
    /// Columns of the file that this program has no use for (`--keep-extra`), by their headers.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What pkb-upload knows of an address to which no letter can go. The patient's record is created all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoLetter {
    /// The postcode was left out: it is not one of the United Kingdom.
    PostCode,
    /// A line was left out, or was empty where the street should be.
    Address,
    /// A word says that the patient has left, or has no fixed or no known address.
    Abode,
}

impl Patient {
    /// Title, first and last name, as a letter addresses the patient.
    pub fn expose_full_name(&self) -> String {
        let title = self.title.iter().map(PersonName::expose_name);
        title
            .chain([self.first_name.expose_name(), self.last_name.expose_name()])
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Several patients at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Household {
    /// Row of the first of them in the patient file: the same for all of a household.
    #[serde(deserialize_with = "bounds::row")]
    pub first_row: u64,
    /// How many they are.
    pub patients: u32,
}

/// Somebody who cares for a patient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Carer {
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<PersonName>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<PersonName>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
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

impl KeyUpload {
    /// As [`Upload::has_answer`].
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
    /// PKB had the patient already, and nothing was uploaded (`--known skip`).
    Known,
}

impl UploadState {
    fn has_answer(self) -> bool {
        matches!(self, Self::Sent | Self::Known)
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

/// How the invitation goes to the patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Delivery {
    /// By which way.
    pub channel: Channel,
    /// The file it is in: a PDF for a letter, a sheet for a text message alone.
    pub file: String,
    /// The day that the letter bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// First and last page in that file, from 1; absent for a text message.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounds::some_pages"
    )]
    pub pages: Option<(u64, u64)>,
    /// Number of the letter in the campaign, from 1, as printed on it; absent for a text message.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounds::some_sequence"
    )]
    pub sequence: Option<u64>,
    /// In which languages the letter is; absent for a text message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<LetterLanguages>,
    /// How large its print is; absent for a text message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LetterFormat>,
    /// Which of the template's designs it is; absent for the usual letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<Design>,
    /// The SMS sheet with the patient's number, when there is a text message beside the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_file: Option<String>,
    /// Whether it is the patient's first invitation of the campaign.
    #[serde(default, skip_serializing_if = "Edition::is_first")]
    pub edition: Edition,
    /// The letter that this one was printed instead of, if it was printed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Box<Delivery>>,
    /// Of an earlier invitation, the text messages that went through GOV.UK Notify; those of the present one
    /// stand in the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Dispatch>,
    /// Of an earlier invitation, the letter that went through GOV.UK Notify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<Dispatch>,
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

/// Whether an invitation is the patient's first of a campaign.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// It is.
    #[default]
    First,
    /// An earlier letter again, with the same codes.
    Reprint,
    /// Another letter, with new codes.
    Reissue,
}

impl Edition {
    /// All of them, the first first.
    pub const ALL: [Self; 3] = [Self::First, Self::Reprint, Self::Reissue];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Reprint => "reprint",
            Self::Reissue => "reissue",
        }
    }

    fn is_first(&self) -> bool {
        *self == Self::First
    }
}

impl Delivery {
    /// This one, the one that it replaces, and so on.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |delivery| delivery.replaces.as_deref())
    }
}

/// What a letter is for, and so which of the template's designs it has.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Design {
    /// A letter on its own
    #[default]
    Letter,
    /// A sheet that goes into the envelope of another letter; it bears no address
    Insert,
    /// A letter to somebody who was invited before and has not registered
    Reminder,
}

impl Design {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Letter, Self::Insert, Self::Reminder];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Insert => "insert",
            Self::Reminder => "reminder",
        }
    }

    /// Whether it bears the patient's address.
    #[must_use]
    pub fn has_address(self) -> bool {
        self != Self::Insert
    }
}

/// A way to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A posted letter.
    Letter,
    /// A text message.
    Sms,
    /// Both, with the same codes.
    Both,
}
