//! A pause of all calls.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The moment before which no request is sent.
#[derive(Default)]
pub(super) struct SharedPause(Mutex<Option<Instant>>);

impl SharedPause {
    /// Lets no call begin for so long.
    pub(super) fn extend(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut not_before = self.0.lock();
        *not_before = Some(not_before.map_or(until, |before| before.max(until)));
    }

    /// The end of the pause, if it is not over.
    pub(super) fn until(&self) -> Option<Instant> {
        self.0.lock().filter(|until| *until > Instant::now())
    }
}
