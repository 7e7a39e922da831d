//! The sandbox's own clock. Tokens and codes expire by it, so a test can live through thirty days in no time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// A clock: the system's, or one that stands still until it is moved. Clones of a fixed clock move together.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<Timestamp>>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that shows `now` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn fixed(now: Timestamp) -> Self {
        Self(Some(Arc::new(Mutex::new(now))))
    }

    /// The moment that this clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(fixed) => *fixed.lock(),
            None => Timestamp::now(),
        }
    }

    /// Moves a fixed clock forward; the system's clock is left alone.
    pub fn advance(&self, by: SignedDuration) {
        if let Some(fixed) = &self.0 {
            let mut now = fixed.lock();
            *now = later(*now, by);
        }
    }
}

/// `by` after `from`, or the end of time.
pub(crate) fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}
