//! Whether a request may be sent again.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::StatusCode;

use crate::retry;

/// What may happen to a request that was sent and not answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Repeat<'r> {
    /// Asking twice is the same as asking once.
    Safe,
    /// It may have been carried out: do not send it again, unless the answer says that it was not.
    Never,
    /// The same, and no status of an answer says so: what counts is whether this says that the body was on its way as a whole.
    Incomplete(&'r AtomicBool),
}

impl Repeat<'_> {
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Safe)
    }

    /// Whether a request may have been carried out that was answered with a status that says "not now".
    pub(super) fn may_be_done(self, status: StatusCode) -> bool {
        match self {
            Self::Safe => false,
            Self::Never => !retry::was_not_carried_out(status),
            Self::Incomplete(is_whole) => is_whole.load(Ordering::SeqCst),
        }
    }
}
