//! Why a record went no further. The set of reasons is closed: scripts may rely on it, and the
//! guide lists it (`pkb help outcomes`).

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
    RaggedRow = "ragged_row", Rejected, "give the row as many cells as the header has. A value with a comma needs quotes around it";
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
    /// No gender, which PKB needs with `pkb-upload --via messaging`.
    MissingGender = "missing_gender", Rejected, "fill in the gender, or upload the row with --via csv";
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
    Sensitive = "sensitive", Excluded, "nothing to do: patients with a sensitive record are not written to";
    /// The patient file says that the patient is not to be contacted.
    DoNotContact = "do_not_contact", Excluded, "nothing to do: your file says so";
    /// The patient file says that the patient was removed from a practice's list, and may have moved.
    Removed = "removed", Excluded, "find the current address, and correct the record";
    /// The patient file does not say that the NHS number is verified, and only such rows are wanted.
    NumberUnverified = "number_unverified", Excluded, "trace the NHS number, and correct its status. Without --verified-only the row is uploaded";
    /// The NHS number has been replaced by another one.
    Superseded = "superseded", Excluded, "correct the NHS number in your patient system: the file for its owner has the new one (pkb trace apply --findings)";
    /// The NHS number has been withdrawn.
    InvalidNumber = "invalid_number", Excluded, "look up the patient by hand: the NHS number is withdrawn";
    /// The trace found several people.
    SeveralMatches = "several_matches", Excluded, "look up the patient by hand, and complete the record";
    /// The trace did not find the patient.
    NotTraced = "not_traced", Excluded, "check the NHS number and the date of birth, and trace the patient again";
    /// The patient was asked about, and the response has no answer that can be trusted.
    NoTraceAnswer = "no_trace_answer", Failed, "apply all response files of the trace, or trace the patient again";
    /// The answer of the trace is too old to write to the patient.
    TraceTooOld = "trace_too_old", Failed, "trace the patients again (pkb trace request), and apply the new response";
    /// The same national id stands in more than one row.
    DuplicatePatient = "duplicate_patient", Rejected, "keep one row for each patient";
    /// The row says the same as an earlier one.
    RepeatedRow = "repeated_row", Excluded, "nothing to do: the earlier row is used";
    /// PKB did not take the row.
    RefusedByImport = "refused_by_import", Rejected, "read the detail, or PKB's report on the upload, and correct the row";
    /// PKB has no record for the number.
    NotFound = "not_found", Excluded, "check that the upload has been processed";
    /// PKB does not let us see this patient.
    NoAccess = "no_access", Excluded, "ask PKB for access, if your organisation is entitled to it";
    /// PKB knows a date of death.
    Deceased = "deceased", Excluded, "bring your own records up to date";
    /// PKB's date of birth is not ours: one of the records is somebody else's.
    IdentityMismatch = "identity_mismatch", Excluded, "find out whose record this is before anything is sent";
    /// PKB has no date of birth, which the join page asks for.
    NoDateOfBirth = "no_date_of_birth", Excluded, "complete the patient's record at PKB";
    /// PKB has one record for this patient and for a different patient of the campaign.
    SharedRecord = "shared_record", Failed, "ask PKB whose record this is, and correct the wrong number. Then run the same command again";
    /// Too young to be invited.
    UnderAge = "under_age", Excluded, "nothing to do: the patient has a record at PKB, and is too young for an invitation now";
    /// PKB's last name for the number is another one.
    NameDiffers = "name_differs", Excluded, "find out whose record this is. If names have changed, use --allow-name-differs";
    /// The patient has registered already.
    Registered = "registered", Excluded, "nothing to do: the patient uses PKB already";
    /// PKB has sent an invitation of its own by e-mail.
    InvitedByEmail = "invited_by_email", Excluded, "nothing to do: PKB invites the patient by email. With --also-emailed the patient also gets a letter";
    /// On one of the organisation's lists.
    ExcludedByList = "excluded_by_list", Excluded, "nothing to do: your list says so";
    /// At an address where nobody is to be invited.
    ExcludedAddress = "excluded_address", Excluded, "nothing to do: your list of addresses says so";
    /// An earlier campaign invited the patient a short time ago.
    InvitedRecently = "invited_recently", Excluded, "nothing to do: the patient has an invitation already (--not-again-within)";
    /// The patient's codes and contact details were erased when somebody asked for it.
    Erased = "erased", Excluded, "nothing to do: the patient's data were erased (pkb purge)";
    /// The last invitation is too short a time ago for a reminder.
    NotDue = "not_due", Excluded, "nothing to do: the letter is for a later day (--due-reminder, --per-day)";
    /// The patient has had as many reminders as there are to be.
    Reminded = "reminded", Excluded, "nothing to do: the patient has had as many reminders as --most-reminders allows";
    /// PKB answered a batch without a word about this patient.
    OmittedByPkb = "omitted_by_pkb", Failed, "run the same command again. If PKB answers the same, ask PKB";
    /// What PKB said of the patient is too old to print a letter on it.
    AnswerTooOld = "answer_too_old", Failed, "run pkb-resolve on this stream, to ask PKB again";
    /// The record has no PKB id, which PKB's REST interface needs.
    NoPkbId = "no_pkb_id", Failed, "run pkb-resolve --api rest on this stream, or this stage with --api fhir";
    /// No address that a letter could go to.
    Unmailable = "unmailable", Rejected, "complete the address, or invite by text message (--channel)";
    /// No mobile number, and the campaign is by text message alone.
    NoMobile = "no_mobile", Rejected, "complete the mobile number, or invite by letter";
    /// A name or address in a script that the template's fonts do not have.
    MissingGlyph = "missing_glyph", Failed, "add a font for the script to the template's fonts folder, and run the same command again";
    /// The letter does not fit the template.
    DoesNotFit = "does_not_fit", Failed, "make room in the letter template, and run the same command again";
    /// A value cannot be written in the form that the mail company reads: its characters, its line ends, or its separator.
    NotInEncoding = "not_in_encoding", Rejected, "correct the name or address, or choose a profile that can hold it (--data-profile)";
    /// The finished letter was read again, and it is not certain that it says what its record says.
    DoubtfulPage = "doubtful_page", Failed, "read the detail: correct the name or address, or send this letter by hand";
    /// The codes end too soon to be printed.
    CodesExpiring = "codes_expiring", Failed, "run pkb-tokens on this stream, to fetch new codes";
    /// A code that a different patient also has.
    SharedCodes = "shared_codes", Failed, "run pkb-tokens on this stream again, to fetch new codes. Tell PKB";
    /// The same patient was already given a letter in this run.
    AlreadyInvited = "already_invited", Excluded, "nothing to do: the patient gets one letter";
    /// Notify takes no such number or letter.
    RefusedByNotify = "refused_by_notify", Rejected, "read the detail: correct the mobile number, or the letter";
    /// The letter's file is not one that Notify prints.
    NotPostable = "not_postable", Failed, "make the letters with pkb-letters --separate, or the rows without --encrypt-to, within Notify's limits. Then run the same command again";
    /// It was about to be sent in an earlier run, so long ago that Notify can no longer say whether it was.
    PerhapsSent = "perhaps_sent", Failed, "look in Notify's own reports. If it was not sent, run the same command again with --resend ROW";
    /// A text message went to an earlier number of the patient, which has been corrected since.
    TextedBefore = "texted_before", Failed, "find out who has the earlier number. To text the new number, run the same command again with --resend ROW";
    /// A letter came back because the addressee is said to have died.
    ReportedDeceased = "reported_deceased", Excluded, "look up the patient. Nothing more is sent unless the patient is alive";
    /// The last letter came back from the address that the patient file still has.
    Returned = "returned", Excluded, "trace the patient, and correct the address in your patient system";
    /// The newer patient file has no row for the patient.
    NotInNewerFile = "not_in_newer_file", Excluded, "find out why the newer patient file has no row for the patient";
    /// PKB could not be reached, or was busy, for longer than we waited.
    Unavailable = "unavailable", Failed, "run the same command again later";
    /// A request was sent and no answer came: it may have been carried out.
    Unanswered = "unanswered", Failed, "ask PKB whether the request was carried out, before you run the command again";
    /// PKB refused the request for this patient as malformed.
    RefusedByPkb = "refused_by_pkb", Failed, "report this: PKB does not accept the requests of this program";
    /// PKB answered something that this program does not understand.
    NotUnderstood = "not_understood", Failed, "check the address of PKB and the proxies (pkb doctor). If they are right, report this";
}

impl Reason {
    /// Whether waiting may help: the difference between exit codes 75 and 65.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::Unanswered
                | Self::CodesExpiring
                | Self::AnswerTooOld
                | Self::TraceTooOld
                | Self::NoTraceAnswer
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
                | Self::Superseded
                | Self::InvalidNumber
                | Self::SeveralMatches
                | Self::NotTraced
                | Self::Returned
                | Self::NotInNewerFile
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
