//! How long calls take, so that a stage can say how long all of them will.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Calls after which it is known how long one takes.
pub const FIRST_CALLS: u32 = 20;

/// What is told: how long one call took on average, with the pause before the next.
type Told = Box<dyn Fn(Duration) + Send + Sync>;

/// Counts the calls to PKB, and tells once how long they take.
#[derive(Default)]
pub struct CallWatch {
    calls: AtomicU64,
    first_ended: OnceLock<Instant>,
    tell: OnceLock<Told>,
}

impl CallWatch {
    /// Has `tell` told how long a call takes, once that is known. What was set first stays.
    pub fn tell_after_first_calls(&self, tell: impl Fn(Duration) + Send + Sync + 'static) {
        // An error means that it was set.
        let _ = self.tell.set(Box::new(tell));
    }

    /// A call has ended.
    pub(crate) fn called(&self) {
        let since = self.first_ended.get_or_init(Instant::now);
        // The first one marks the beginning: with it an access token may have been fetched.
        let after_first = self.calls.fetch_add(1, Ordering::Relaxed);
        if after_first == u64::from(FIRST_CALLS)
            && let Some(tell) = self.tell.get()
        {
            tell(since.elapsed() / FIRST_CALLS);
        }
    }
}

impl fmt::Debug for CallWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallWatch")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[test]
    fn how_long_a_call_takes_is_told_once_after_twenty_more_than_the_first() {
        let watch = CallWatch::default();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        watch.tell_after_first_calls(move |each| heard.lock().push(each));
        for _ in 0..20 {
            watch.called();
        }
        assert!(told.lock().is_empty());
        std::thread::sleep(Duration::from_millis(40));
        for _ in 0..30 {
            watch.called();
        }
        let told = told.lock();
        assert!(
            told.len() == 1 && told[0] >= Duration::from_millis(2),
            "{told:?}"
        );
    }
}
