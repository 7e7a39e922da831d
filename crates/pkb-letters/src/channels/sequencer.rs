//! What batches do one after the other, in their order.

use std::time::Duration;

use pkb_core::Fatal;
use tokio::{sync::watch, task::block_in_place};

/// How long a batch that cannot be printed waits, so that the first error is reported first.
const WAIT_FOR_THE_FIRST_ERROR: Duration = Duration::from_millis(200);

/// Which batch is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The batch with this number.
    Batch(u64),
    /// None: one has failed.
    Stopped,
}

/// What batches do one after the other.
#[derive(Debug)]
pub(crate) struct Sequencer(watch::Sender<Next>);

impl Default for Sequencer {
    /// The first batch is next.
    fn default() -> Self {
        Self(watch::Sender::new(Next::Batch(1)))
    }
}

impl Sequencer {
    /// Waits until all batches before this one have acted, and acts, which may compute for seconds. If it fails, no batch after it
    /// acts.
    ///
    /// # Errors
    /// What `act` says; or one before it has failed.
    pub(crate) async fn run<T>(
        &self,
        batch: u64,
        act: impl FnOnce() -> Result<T, Fatal>,
    ) -> Result<T, Fatal> {
        let is_ready = |next: &Next| matches!(next, Next::Stopped) || *next == Next::Batch(batch);
        let mut next = self.0.subscribe();
        let next = next.wait_for(is_ready).await.map(|next| *next);
        if next.ok() != Some(Next::Batch(batch)) {
            // The operator must read first why the other batch failed.
            tokio::time::sleep(WAIT_FOR_THE_FIRST_ERROR).await;
            return Err(Fatal::Usage(
                "the batch before it could not be printed".into(),
            ));
        }
        let done = block_in_place(act);
        match done {
            Ok(_) => self.0.send_replace(Next::Batch(batch + 1)),
            Err(_) => self.0.send_replace(Next::Stopped),
        };
        done
    }

    /// No batch acts any more.
    pub(crate) fn stop(&self) {
        self.0.send_replace(Next::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn batches_act_in_their_order_and_none_does_after_one_that_failed() {
        let (batches, acted) = (Sequencer::default(), Mutex::new(Vec::new()));
        let act = |batch: u64| {
            batches.run(batch, {
                let acted = &acted;
                move || {
                    acted.lock().push(batch);
                    match batch {
                        3 => Err(Fatal::Bug("the third".into())),
                        other => Ok(other),
                    }
                }
            })
        };
        let (fourth, second, third, first) = tokio::join!(act(4), act(2), act(3), act(1));
        assert_eq!(*acted.lock(), [1, 2, 3]);
        assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
        assert!(third.unwrap_err().to_string().contains("the third"));
        assert!(fourth.unwrap_err().to_string().contains("before it"));
    }
}
