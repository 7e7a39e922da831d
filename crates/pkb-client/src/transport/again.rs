//! What to do after an attempt that brought nothing.

use std::time::Duration;

use super::repeat::Repeat;
use crate::{error::CallError, http::plain_cause};

/// Whether to send the request again.
pub(super) enum RetryDecision {
    /// At once: it does not count.
    Now,
    /// After a pause, if any attempt is left.
    After {
        /// What happened.
        cause: String,
        /// The pause that the server asks for.
        pause: Option<Duration>,
    },
    /// That is the end of the call.
    Give(CallError),
}

impl RetryDecision {
    /// After an answer that was cut off.
    pub(super) fn after_broken_answer(repeat: Repeat<'_>) -> Self {
        match repeat {
            Repeat::Never | Repeat::Incomplete(_) => Self::Give(CallError::Unanswered),
            Repeat::Safe => Self::After {
                cause: "the answer was cut off".into(),
                pause: None,
            },
        }
    }

    /// After no answer at all.
    pub(super) fn after_error(error: &reqwest::Error, repeat: Repeat<'_>) -> Self {
        // A connection that was never made carried no request. Everything else may have: reqwest's
        // `is_request` does not mean "was not sent".
        if !error.is_connect() && !repeat.is_safe() {
            return Self::Give(CallError::Unanswered);
        }
        Self::After {
            cause: plain_cause(error).into(),
            pause: None,
        }
    }
}
