//! How a call can fail.

use crate::response_code::ResponseCode;
use pkb_core::{Fatal, Reason, Verdict};

use crate::messaging::Elements;

/// Why a call did not bring what it was meant to. No variant holds a URL, a body or a value.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// PKB does not know it (404).
    #[error("PKB has no record of this patient or upload")]
    NotFound,
    /// PKB does not let us see it (401 with a fresh token, or 403).
    #[error("PKB refused this client (HTTP 401 or 403)")]
    NoAccess,
    /// PKB does not let us see it, and says why.
    #[error("{0}")]
    Withheld(ResponseCode),
    /// PKB refused the request as malformed.
    #[error("PKB answered {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What of the request the answer speaks of.
        elements: Elements,
    },
    /// PKB does not take what a row says of its patient; why, in our words.
    #[error("{0}")]
    RowRefused(String),
    /// GOV.UK Notify does not take this number or this letter; why, in our words.
    #[error("{0}")]
    RefusedByNotify(&'static str),
    /// Not reached, or busy, for as long as we tried.
    #[error("{cause} ({})", tried(*.attempts))]
    Unavailable {
        /// What happened at the last attempt.
        cause: String,
        /// Calls that were made.
        attempts: u32,
    },
    /// Sent, and no answer came.
    #[error("the request was sent and no answer came")]
    Unanswered,
    /// An answer that makes no sense.
    #[error("{0}")]
    NotUnderstood(&'static str),
    /// Nothing that concerns one patient: the stage has to stop.
    #[error("{0}")]
    Fatal(Fatal),
}

fn tried(attempts: u32) -> String {
    match attempts {
        1 => "tried once".into(),
        _ => format!("tried {attempts} times"),
    }
}

impl CallError {
    /// The verdict on the record that the call was about; `Err` if it is not about the record.
    ///
    /// # Errors
    /// The stage has to stop.
    pub fn into_verdict(self) -> Result<Verdict, Fatal> {
        let reason = match &self {
            Self::NotFound => return Ok(Reason::NotFound.into()),
            Self::NoAccess => return Ok(Reason::NoAccess.into()),
            Self::Withheld(_) => Reason::NoAccess,
            Self::Refused { .. } => Reason::RefusedByPkb,
            Self::RowRefused(_) => Reason::RefusedByImport,
            Self::RefusedByNotify(_) => Reason::RefusedByNotify,
            Self::Unavailable { .. } => Reason::Unavailable,
            Self::Unanswered => Reason::Unanswered,
            Self::NotUnderstood(_) => Reason::NotUnderstood,
            Self::Fatal(_) => {
                return match self {
                    Self::Fatal(fatal) => Err(fatal),
                    _ => Err(Fatal::Bug("an error changed while it was looked at".into())),
                };
            }
        };
        Ok(Verdict::with_detail(reason, self.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_is_not_counted_in_the_plural() {
        let words = |attempts| {
            let cause = "no connection".into();
            CallError::Unavailable { cause, attempts }.to_string()
        };
        assert_eq!(words(1), "no connection (tried once)");
        assert_eq!(words(2), "no connection (tried 2 times)");
    }
}
