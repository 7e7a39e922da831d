//! A row on its way to PKB: what is sent of it, and whether.

use pkb_core::{
    Fatal, Verdict,
    record::{Compared, Patient},
};
use pkb_files::journal::Key;

use crate::{
    comparison::{Choice, ComparedRows, Known, StateAtPkb},
    pkb_file::{PkbFile, SentColumns},
};

/// A row of a batch.
pub struct UploadRow {
    /// How it is known in the journal.
    pub key: Key,
    /// The patient's line of the "Add many patients" file.
    pub line: Vec<u8>,
    /// The same with names and number only, if that may be sent instead.
    minimal: Option<Vec<u8>>,
    /// What is in the line besides names and number.
    sent: SentColumns,
    /// Whether PKB will write to the patient.
    pub emailed: bool,
    /// Whether any e-mail address is in the line, the patient's or a carer's.
    pub emails: bool,
    /// Where the patient stands at PKB, and what the line would change there, if PKB was asked.
    pub before: Option<StateAtPkb>,
}

/// What becomes of a row after the comparison.
pub enum Decision {
    /// It is uploaded.
    Upload(UploadRow),
    /// PKB has the patient, and nothing is uploaded.
    Skip(Compared),
    /// It must not be uploaded, or not yet.
    Stop(Verdict),
}

impl UploadRow {
    /// The row of `patient`; `is_compared` says whether PKB will be asked about it.
    pub fn of(patient: &Patient, pkb_file: &PkbFile, is_compared: bool) -> Self {
        Self {
            key: pkb_file.key(patient),
            line: pkb_file.patient_line(patient),
            minimal: is_compared.then(|| pkb_file.minimal_line(patient)),
            sent: pkb_file.sent(),
            emailed: pkb_file.invites_by_email(patient),
            emails: pkb_file.has_emails(patient),
            before: None,
        }
    }

    /// Decides by what was found out. Of patients whose record PKB does not show only names and number are sent: their dates
    /// of birth cannot be compared, so they must not be overwritten.
    ///
    /// # Errors
    /// The row was not compared.
    pub fn decide(mut self, rows: &ComparedRows, known: Known) -> Result<Decision, Fatal> {
        let standing = match rows.choose(self.key, known)? {
            Choice::Full(standing) => standing,
            Choice::Minimal(standing) => {
                let missing = || Fatal::Bug("a row has no short line".into());
                self.line = self.minimal.take().ok_or_else(missing)?;
                (self.emailed, self.emails) = (false, false);
                self.sent = SentColumns::NAMES;
                standing
            }
            Choice::Skip(compared) => return Ok(Decision::Skip(compared)),
            Choice::Stop(verdict) => return Ok(Decision::Stop(verdict)),
        };
        self.before = Some(standing.changed_by(self.sent));
        Ok(Decision::Upload(self))
    }
}
