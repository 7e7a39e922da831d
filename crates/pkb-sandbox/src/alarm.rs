//! Waits that end when they should. tokio's clock counts whole milliseconds and rounds up more than once: a latency of 5 ms
//! becomes 6.5, and whoever measures a client against the sandbox measures that. The system wakes a thread of its own within
//! a tenth of a millisecond; one of them serves all who wait.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

/// Wakes tasks at their time. Its thread ends when it is dropped.
pub(crate) struct Alarm(Arc<Shared>);

#[derive(Default)]
struct Shared {
    sleepers: Mutex<Sleepers>,
    /// Somebody is to be woken before all others, or there is nobody any more to wake anybody for.
    changed: Condvar,
}

/// Who waits, by the time at which they are to be woken.
#[derive(Default)]
struct Sleepers {
    /// Each with a number of its own: several may have the same time.
    due: BTreeMap<(Instant, u64), oneshot::Sender<()>>,
    /// How many there have been.
    count: u64,
    is_over: bool,
}

impl Alarm {
    /// Begins to wake.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        thread::Builder::new()
            .name("alarm".into())
            .spawn(move || own.ring())?;
        Ok(Self(shared))
    }

    /// Waits until a moment.
    pub(crate) async fn wait_until(&self, moment: Instant) {
        if moment <= Instant::now() {
            return;
        }
        let (woken, is_first) = self.0.sleepers().add(moment);
        if is_first {
            self.0.changed.notify_one();
        }
        // An error is the end of the sandbox.
        let _ = woken.await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.sleepers().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock()
    }

    /// Wakes those whose time has come, until it is over.
    fn ring(&self) {
        let mut sleepers = self.sleepers();
        while !sleepers.is_over {
            let now = Instant::now();
            match sleepers.wake(now) {
                Some(next) => {
                    self.changed.wait_until(&mut sleepers, next);
                }
                None => self.changed.wait(&mut sleepers),
            }
        }
    }
}

impl Sleepers {
    /// What the sleeper waits for, and whether nobody is to be woken before.
    fn add(&mut self, moment: Instant) -> (oneshot::Receiver<()>, bool) {
        let (wake, woken) = oneshot::channel();
        let first = self.due.keys().next();
        let is_first = first.is_none_or(|(first, _)| moment < *first);
        self.due.insert((moment, self.count), wake);
        self.count += 1;
        (woken, is_first)
    }

    /// Wakes those who are due; when the next one is.
    fn wake(&mut self, now: Instant) -> Option<Instant> {
        while let Some(next) = self.due.first_entry() {
            let (moment, _) = *next.key();
            if moment > now {
                return Some(moment);
            }
            // Whoever has gone needs no waking.
            let _ = next.remove().send(());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[test]
    fn sleepers_are_woken_in_the_order_of_their_time_and_never_before_it() {
        let mut sleepers = Sleepers::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut woken: Vec<_> = [30, 10, 20, 10]
            .map(|ms| sleepers.add(at(ms)))
            .into_iter()
            .collect();
        assert_eq!(
            woken.iter().map(|(_, first)| *first).collect::<Vec<_>>(),
            [true, true, false, false]
        );
        let mut awake = |sleepers: &mut Sleepers, ms, next: Option<u64>| {
            assert_eq!(sleepers.wake(at(ms)), next.map(at));
            woken
                .iter_mut()
                .map(|(woken, _)| woken.try_recv().is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(awake(&mut sleepers, 9, Some(10)), [false; 4]);
        assert_eq!(
            awake(&mut sleepers, 10, Some(20)),
            [false, true, false, true]
        );
        assert_eq!(awake(&mut sleepers, 40, None), [true, false, true, false]);
        // Nothing is left of those who are awake.
        let (mut again, is_first) = sleepers.add(at(50));
        assert!(is_first && sleepers.due.len() == 1);
        assert_eq!(sleepers.wake(at(50)), None);
        assert!(again.try_recv().is_ok());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_after_the_time_and_not_before() {
        let alarm = Alarm::start().unwrap();
        let started = Instant::now();
        let wait = |us| {
            let alarm = &alarm;
            async move {
                alarm.wait_until(started + Duration::from_micros(us)).await;
                assert!(started.elapsed() >= Duration::from_micros(us));
                us
            }
        };
        let waits = [3_000, 0, 1_500, 3_000, 200].map(wait);
        assert_eq!(
            futures_util::future::join_all(waits).await,
            [3_000, 0, 1_500, 3_000, 200]
        );
        // One that comes earlier than all who wait is not kept waiting with them.
        let later = alarm.wait_until(started + Duration::from_secs(600));
        let sooner = alarm.wait_until(Instant::now() + Duration::from_millis(1));
        tokio::select! {
            biased;
            () = later => panic!("the one that is due in ten minutes"),
            () = sooner => {}
        }
    }
}
