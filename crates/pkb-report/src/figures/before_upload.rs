//! What the comparison with PKB found before the upload, or that there was none.

use pkb_core::{
    Reason, StageName,
    record::{Compared, UploadState},
};

use crate::fields::Fields;

/// What a row was before its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Before {
    /// PKB had no record.
    New,
    /// PKB had a record that agreed.
    Known,
    /// PKB had a record and did not show it.
    NoAccess,
    /// PKB had a different date of birth or name, so nothing was uploaded.
    Different,
    /// PKB was not asked, so a date of birth may have been overwritten.
    NotCompared,
}

impl Before {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Known,
        Self::NoAccess,
        Self::Different,
        Self::NotCompared,
    ];

    /// The name in CSV and JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::NoAccess => "no_access",
            Self::Different => "different",
            Self::NotCompared => "not_compared",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "New: PKB had no record",
            Self::Known => "Known to PKB, with the same date of birth",
            Self::NoAccess => "Known to PKB, which did not show the record",
            Self::Different => "Different at PKB, so not uploaded",
            Self::NotCompared => "Uploaded without a comparison (--no-compare)",
        }
    }

    /// What `fields` says; `None` of a row that was not uploaded.
    fn of(fields: &Fields<'_>) -> Option<Self> {
        if let Some(outcome) = &fields.outcome
            && (outcome.stage, outcome.reason) == (StageName::Upload, Reason::IdentityMismatch)
        {
            return Some(Self::Different);
        }
        let upload = fields.upload.as_ref()?;
        match (upload.compared, upload.state) {
            (Some(Compared::New), _) => Some(Self::New),
            (Some(Compared::Known), _) => Some(Self::Known),
            (Some(Compared::NoAccess), _) => Some(Self::NoAccess),
            (None, UploadState::Checked) => None,
            (None, _) => Some(Self::NotCompared),
        }
    }
}

/// Rows by what they were before their upload.
#[derive(Debug, Default)]
pub struct BeforeUpload([u64; Before::ALL.len()]);

impl BeforeUpload {
    /// Counts a record.
    pub fn count(&mut self, fields: &Fields<'_>) {
        if let Some(before) = Before::of(fields) {
            self.0[before as usize] += 1;
        }
    }

    /// How many rows were this.
    #[must_use]
    pub fn rows(&self, before: Before) -> u64 {
        self.0[before as usize]
    }

    /// All rows that were uploaded, or would have been.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}
