//! A PKB that wants one call after another, and refuses every other.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The ledger's name for a call that came while another one was in hand.
pub(crate) const OFFENCE: &str = "at_the_same_time";

/// How many calls are in hand, where that is looked at.
pub(crate) struct CallsInHand {
    is_strict: bool,
    count: AtomicUsize,
}

/// A call in hand, until it is dropped.
pub(crate) struct CallInHand<'c>(&'c AtomicUsize);

impl CallsInHand {
    pub(crate) fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            count: AtomicUsize::new(0),
        }
    }

    /// Takes a call in hand. `None` if there is one already, and that is one too many. Notify and the join page are not PKB's interface.
    pub(crate) fn take(&self, endpoint: &str) -> Option<CallInHand<'_>> {
        let is_pkbs = !endpoint.starts_with("notify") && !endpoint.starts_with("join");
        let in_hand = CallInHand(&self.count);
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        (before == 0 || !self.is_strict || !is_pkbs).then_some(in_hand)
    }
}

impl Drop for CallInHand<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
