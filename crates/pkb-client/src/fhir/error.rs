//! How a request about many patients can fail.

use crate::error::CallError;

/// PKB refused a whole request (400, 413 or 422), which may be for the sake of a single patient in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PKB answered {status}")]
pub struct RequestRefusal {
    /// HTTP status.
    pub status: u16,
}

impl From<RequestRefusal> for CallError {
    fn from(RequestRefusal { status }: RequestRefusal) -> Self {
        Self::Refused { status }
    }
}

/// Why a request about many patients brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Refused as a whole: asking for fewer may help, see `halving`.
    #[error(transparent)]
    Refused(#[from] RequestRefusal),
    /// Anything else, which concerns all patients of the request alike.
    #[error(transparent)]
    Call(#[from] CallError),
}
