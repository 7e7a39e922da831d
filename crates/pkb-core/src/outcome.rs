//! Why a record went no further. The set of reasons is closed: scripts may rely on it, and the
//! README lists it.

use serde::{Deserialize, Serialize};

use crate::StageName;

/// What an outcome asks of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The row is bad: mend the patient file.
    Rejected,
    /// The patient must not be invited.
    Excluded,
    /// May work later: rerun the stage over its own output.
    Failed,
}

impl Kind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Excluded => "excluded",
            Self::Failed => "failed",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $kind:ident, $advice:literal;)+) => {
        /// Why a record went no further. A reason has one kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)+
        }

        impl Reason {
            /// All reasons, in the order of the stages.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            /// What the reason asks of the operator.
            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// What to do about it, in a few words.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

reasons! {
    /// The row has more or fewer cells than the header.
    RaggedRow = "ragged_row", Rejected, "correct the row: a comma in a value needs quotes around the value, and each cell a header";
    /// The row is not a patient: a total, a repeated header, or the end of a report.
    NotAPatient = "not_a_patient", Rejected, "delete the row: it is not a patient";
    /// The row's bytes are not UTF-8.
    NotUtf8 = "not_utf8", Rejected, "give --encoding, or export the file as UTF-8";
    /// No national id.
    MissingNationalId = "missing_national_id", Rejected, "fill in the NHS number";
    /// The national id is not ten digits with a right check digit.
    BadNationalId = "bad_national_id", Rejected, "correct the NHS number";
    /// First or last name is missing.
    MissingName = "missing_name", Rejected, "fill in first and last name";
    /// A name or title that cannot be one.
    BadName = "bad_name", Rejected, "correct the name";
    /// No date of birth: PKB would not let the patient register.
    MissingDateOfBirth = "missing_date_of_birth", Rejected, "fill in the date of birth";
    /// Not a possible date of birth.
    BadDateOfBirth = "bad_date_of_birth", Rejected, "correct the date of birth";
    /// An address line that cannot be one.
    BadAddress = "bad_address", Rejected, "correct the address";
    /// A word in a name or address says that the patient has died.
    MarkedDeceased = "marked_deceased", Excluded, "look up the patient. If the patient is alive, delete the word from the name or address";
    /// A word in a name or address says that the record is not to be used.
    MarkedDoNotUse = "marked_do_not_use", Excluded, "find the patient's correct record, and upload that record";
    /// A word in a name or address says that the patient is not to be written to.
    MarkedDoNotContact = "marked_do_not_contact", Excluded, "look up the patient. If the patient may be written to, delete the word";
    /// A column that decides whether the patient may be written to says something that is not understood.
    UnclearFlag = "unclear_flag", Rejected, "correct the cell, or say in a mapping file what its value means (--map, [values])";
    /// The patient file says that the record is sensitive.
    Sensitive = "sensitive", Excluded, "nothing: patients with a sensitive record are not written to";
    /// The patient file says that the patient is not to be contacted.
    DoNotContact = "do_not_contact", Excluded, "nothing: your file says so";
    /// The patient file says that the patient was removed from a practice's list, and may have moved.
    Removed = "removed", Excluded, "find the current address, and correct the record";
    /// The same national id stands in more than one row.
    DuplicatePatient = "duplicate_patient", Rejected, "keep one row for each patient";
    /// The row says the same as an earlier one.
    RepeatedRow = "repeated_row", Excluded, "nothing: the earlier row stands for it";
    /// PKB's importer refused the row.
    RefusedByImport = "refused_by_import", Rejected, "read PKB's report on the upload and correct the row";
    /// PKB has no record for the number.
    NotFound = "not_found", Excluded, "check that the upload has been processed";
    /// PKB does not let us see this patient.
    NoAccess = "no_access", Excluded, "ask PKB for access, if your organisation should have it";
    /// PKB knows a date of death.
    Deceased = "deceased", Excluded, "bring your own records up to date";
    /// PKB's date of birth is not ours: one of the records is somebody else's.
    IdentityMismatch = "identity_mismatch", Excluded, "find out whose record it is before anything is sent";
    /// PKB has no date of birth, which the join page asks for.
    NoDateOfBirth = "no_date_of_birth", Excluded, "complete the patient's record at PKB";
    /// PKB has one record for this patient and for a different patient of the campaign.
    SharedRecord = "shared_record", Failed, "ask PKB whose record it is, and correct the wrong number. Then run the same command again";
    /// Too young to be invited.
    UnderAge = "under_age", Excluded, "nothing: the record is created, a letter is for later";
    /// PKB's last name for the number is another one.
    NameDiffers = "name_differs", Excluded, "find out whose record it is; a change of name is let through by --allow-name-differs";
    /// The patient has registered already.
    Registered = "registered", Excluded, "nothing: the patient uses PKB already";
    /// PKB has sent an invitation of its own by e-mail.
    InvitedByEmail = "invited_by_email", Excluded, "nothing: PKB invites the patient by e-mail (--also-emailed for a letter, too)";
    /// On one of the organisation's lists.
    ExcludedByList = "excluded_by_list", Excluded, "nothing: your list says so";
    /// At an address where nobody is to be invited.
    ExcludedAddress = "excluded_address", Excluded, "nothing: your list of addresses says so";
    /// An earlier campaign invited the patient a short time ago.
    InvitedRecently = "invited_recently", Excluded, "nothing: the patient has an invitation (--not-again-within)";
    /// The patient's codes and contact details were erased when somebody asked for it.
    Erased = "erased", Excluded, "nothing: the patient's data were erased (pkb purge)";
    /// The last invitation is too short a time ago for a reminder.
    NotDue = "not_due", Excluded, "nothing: a reminder is for later (--due-reminder)";
    /// The patient has had as many reminders as there are to be.
    Reminded = "reminded", Excluded, "nothing: the patient has had as many reminders as --most-reminders allows";
    /// PKB answered a batch without a word about this patient.
    OmittedByPkb = "omitted_by_pkb", Failed, "run the stage again; if it stays so, ask PKB";
    /// What PKB said of the patient is too old to print a letter on it.
    AnswerTooOld = "answer_too_old", Failed, "run pkb-resolve over this stream: it asks PKB again";
    /// The record has no PKB id, which PKB's REST interface needs.
    NoPkbId = "no_pkb_id", Failed, "run pkb-resolve --api rest over this stream, or this stage with --api fhir";
    /// No address that a letter could go to.
    Unmailable = "unmailable", Rejected, "complete the address, or invite by text message (--channel)";
    /// No mobile number, and the campaign is by text message alone.
    NoMobile = "no_mobile", Rejected, "complete the mobile number, or invite by letter";
    /// A name or address in a script that the template's fonts do not have.
    MissingGlyph = "missing_glyph", Failed, "add a font for the script to the template's fonts folder and run again";
    /// The letter does not fit the template.
    DoesNotFit = "does_not_fit", Failed, "make room in the template and run again";
    /// The finished letter was read again, and it is not certain that it says what its record says.
    DoubtfulPage = "doubtful_page", Failed, "read the detail: correct the name or address, or send this letter by hand";
    /// The codes end too soon to be printed.
    CodesExpiring = "codes_expiring", Failed, "run pkb-tokens over this stream: it fetches new codes";
    /// A code that a different patient also has.
    SharedCodes = "shared_codes", Failed, "run pkb-tokens on this stream again, to fetch new codes. Tell PKB";
    /// The same patient was already given a letter in this run.
    AlreadyInvited = "already_invited", Excluded, "nothing: the patient gets one letter";
    /// Notify takes no such number or letter.
    RefusedByNotify = "refused_by_notify", Rejected, "read the detail: correct the mobile number, or the letter";
    /// The letter's file is not one that Notify prints.
    NotPostable = "not_postable", Failed, "make the letters with pkb-letters --separate, within Notify's limits, and run again";
    /// It was about to be sent in an earlier run, so long ago that Notify can no longer say whether it was.
    PerhapsSent = "perhaps_sent", Failed, "look in Notify's own reports; if it was not sent, run again with --resend ROW";
    /// A text message went to an earlier number of the patient, which has been corrected since.
    TextedBefore = "texted_before", Failed, "find out who has the earlier number. To text the new number, run the same command again with --resend ROW";
    /// PKB could not be reached, or was busy, for longer than we waited.
    Unavailable = "unavailable", Failed, "run the stage again later";
    /// A request was sent and no answer came: it may have been carried out.
    Unanswered = "unanswered", Failed, "check with PKB whether it was carried out before running again";
    /// PKB refused the request for this patient as malformed.
    RefusedByPkb = "refused_by_pkb", Failed, "report it: PKB and this program disagree about the interface";
    /// PKB answered something that this program does not understand.
    NotUnderstood = "not_understood", Failed, "check base URL and proxy; if they are right, report it";
}

impl Reason {
    /// Whether waiting may help: the difference between exit codes 75 and 65.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Unanswered | Self::CodesExpiring | Self::AnswerTooOld
        )
    }

    /// Whether it may be otherwise soon: an upload is processed, a permission given, a record
    /// completed or put right, a day comes. The next run asks again.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::NoAccess
                | Self::NoDateOfBirth
                | Self::IdentityMismatch
                | Self::NameDiffers
                | Self::NotDue
                | Self::Reminded
        )
    }
}

/// A reason with words for this record; becomes an [`Outcome`] when the pipeline adds the stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// What else would have stopped it.
    pub also: Vec<Reason>,
    /// More for the operator; never a value of the patient.
    pub detail: Option<String>,
}

impl Verdict {
    /// A reason with more words. `detail` must not repeat any value of the patient.
    pub fn with_detail(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            also: Vec::new(),
            detail: Some(detail.into()),
        }
    }

    /// All that speaks against a record, the most serious first; `None` if nothing does.
    pub fn of_all(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut verdicts = verdicts.into_iter();
        let mut worst = verdicts.next()?;
        let mut details: Vec<String> = worst.detail.take().into_iter().collect();
        for verdict in verdicts {
            if verdict.reason != worst.reason && !worst.also.contains(&verdict.reason) {
                worst.also.push(verdict.reason);
            }
            details.extend(verdict.detail);
        }
        worst.detail = (!details.is_empty()).then(|| details.join("; "));
        Some(worst)
    }

    /// The outcome that `stage` writes into the record.
    pub fn at(self, stage: StageName) -> Outcome {
        Outcome {
            stage,
            kind: self.reason.kind(),
            reason: self.reason,
            also: self.also,
            detail: self.detail,
        }
    }
}

impl From<Reason> for Verdict {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            also: Vec::new(),
            detail: None,
        }
    }
}

/// Where and why a record stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The stage that stopped it.
    pub stage: StageName,
    /// What it asks of the operator.
    pub kind: Kind,
    /// Why: the most serious of all reasons.
    pub reason: Reason,
    /// What else would have stopped it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Reason>,
    /// More words; never a value of the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Outcome {
    /// Whether a rerun would find the same: then a journal answers it.
    pub fn is_for_good(&self) -> bool {
        self.kind != Kind::Failed && !self.reason.may_pass()
    }

    /// Whether nothing is ever to be asked or made again for the patient.
    pub fn is_erased(&self) -> bool {
        self.reason == Reason::Erased
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_written_as_it_is_named() {
        for reason in Reason::ALL {
            let json = serde_json::to_string(reason).unwrap();
            assert_eq!(json, format!("\"{}\"", reason.as_str()));
        }
    }

    #[test]
    fn only_failures_are_worth_waiting_for() {
        for reason in Reason::ALL.iter().filter(|reason| reason.is_transient()) {
            assert_eq!(reason.kind(), Kind::Failed);
        }
    }
}
