//! How a request about many patients can fail.

use crate::{error::CallError, messaging::Elements, response_code::ResponseCode};

/// PKB refused a whole request, which may be for the sake of a single patient in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefusal {
    /// With a status: 400, 413 or 422.
    #[error("PKB answered {0}")]
    Status(u16),
    /// With a code that is about a patient.
    #[error("PKB says of a patient: {0}")]
    Code(ResponseCode),
}

impl From<RequestRefusal> for CallError {
    fn from(refusal: RequestRefusal) -> Self {
        match refusal {
            RequestRefusal::Status(status) => Self::Refused {
                status,
                elements: Elements::default(),
            },
            RequestRefusal::Code(code) => Self::Withheld(code),
        }
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
