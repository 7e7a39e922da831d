//! What the NHS's register of patients said about a patient, in a file that it returned.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Unknown;
use crate::Reason;

/// What a trace said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trace {
    /// What it means for the patient.
    pub result: TraceResult,
    /// When the register answered.
    pub at: Timestamp,
    /// The response file; absent if none has an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether the address of the record is the one that the register has (`--use-traced-address`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub address_used: bool,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What the answer of a trace means for a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TraceResult {
    /// The record must not be found by anybody: nothing else of the answer is kept.
    Sensitive,
    /// The patient has died.
    Deceased,
    /// The NHS number has been withdrawn.
    InvalidNumber,
    /// The NHS number has been replaced by another one.
    Superseded,
    /// Several people fit.
    SeveralMatches,
    /// Somebody was found, and it is not certain that it is this patient.
    IdentityMismatch,
    /// Nobody was found.
    NotTraced,
    /// The patient was asked about, and there is no answer that can be trusted.
    NoAnswer,
    /// The same patient, at a different address.
    NewerAddress,
    /// The same patient, at the same address.
    Verified,
}

impl TraceResult {
    /// All of them, the most serious first.
    pub const ALL: [Self; 10] = [
        Self::Sensitive,
        Self::Deceased,
        Self::InvalidNumber,
        Self::Superseded,
        Self::SeveralMatches,
        Self::IdentityMismatch,
        Self::NotTraced,
        Self::NoAnswer,
        Self::NewerAddress,
        Self::Verified,
    ];

    /// Why the patient is not written to; `None` if nothing speaks against it.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        Some(match self {
            Self::Sensitive => Reason::Sensitive,
            Self::Deceased => Reason::Deceased,
            Self::InvalidNumber => Reason::InvalidNumber,
            Self::Superseded => Reason::Superseded,
            Self::SeveralMatches => Reason::SeveralMatches,
            Self::IdentityMismatch => Reason::IdentityMismatch,
            Self::NotTraced => Reason::NotTraced,
            Self::NoAnswer => Reason::NoTraceAnswer,
            Self::NewerAddress | Self::Verified => return None,
        })
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sensitive => "sensitive",
            Self::Deceased => "deceased",
            Self::InvalidNumber => "invalid_number",
            Self::Superseded => "superseded",
            Self::SeveralMatches => "several_matches",
            Self::IdentityMismatch => "identity_mismatch",
            Self::NotTraced => "not_traced",
            Self::NoAnswer => "no_answer",
            Self::NewerAddress => "newer_address",
            Self::Verified => "verified",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_written_as_it_is_named_and_two_let_a_patient_be_written_to() {
        for result in TraceResult::ALL {
            assert_eq!(serde_json::to_value(result).unwrap(), result.as_str());
        }
        let allowed: Vec<_> = TraceResult::ALL
            .into_iter()
            .filter(|result| result.reason().is_none())
            .collect();
        assert_eq!(allowed, [TraceResult::NewerAddress, TraceResult::Verified]);
    }
}
