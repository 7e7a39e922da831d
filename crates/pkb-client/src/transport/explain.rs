//! What a server means by an answer that is no success, where that is something of its own.

use std::time::Duration;

use reqwest::StatusCode;

use crate::error::CallError;

/// An answer that is no success, for [`Explain`].
pub(crate) struct Unsuccessful<'a> {
    pub(crate) status: StatusCode,
    /// How long the server asks to wait, capped.
    pub(crate) retry_after: Option<Duration>,
    /// How far our clock is from the server's, if it tells the time.
    pub(crate) clock_off_by: Option<Duration>,
    /// Empty if it broke off.
    pub(crate) body: &'a [u8],
}

/// What an answer that is no success means.
pub(crate) enum AnswerMeaning {
    /// That is the end of the call.
    Give(CallError),
    /// It is an answer, which the caller reads itself.
    Answer,
    /// All calls have to pause for so long; then this one is made again, for it was not carried out.
    Pause(Duration),
}

/// What a server means by an answer that is no success; `None` where the rules hold that are common to all.
pub(crate) type Explain = Box<dyn Fn(&Unsuccessful<'_>) -> Option<AnswerMeaning> + Send + Sync>;
