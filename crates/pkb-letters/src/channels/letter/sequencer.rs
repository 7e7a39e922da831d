//! What batches do one after the other, in their order.

use std::time::Duration;

use pkb_core::Fatal;
use tokio::{sync::watch, task::block_in_place};

/// How long a batch that cannot be printed leaves the word to the one that failed before it.
const LET_THE_FIRST_SPEAK: Duration = Duration::from_millis(200);

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// That of the batch with this number.
    Of(u64),
    /// None's: one before it has failed.
    Stopped,
}

/// What batches do one after the other.
#[derive(Debug)]
pub(super) struct Sequencer(watch::Sender<Turn>);

impl Default for Sequencer {
    /// It is the first batch's turn.
    fn default() -> Self {
        Self(watch::Sender::new(Turn::Of(1)))
    }
}

impl Sequencer {
    /// Waits for a batch's turn and does what it does then, which may compute for seconds. After that it is the next one's
    /// turn, or nobody's if it failed.
    ///
    /// # Errors
    /// What `act` says; or one before it has failed.
    pub(super) async fn run<T>(
        &self,
        batch: u64,
        act: impl FnOnce() -> Result<T, Fatal>,
    ) -> Result<T, Fatal> {
        let is_ready = |turn: &Turn| matches!(turn, Turn::Stopped) || *turn == Turn::Of(batch);
        let mut turns = self.0.subscribe();
        let turn = turns.wait_for(is_ready).await.map(|turn| *turn);
        if turn.ok() != Some(Turn::Of(batch)) {
            // Why the other batch failed is what the operator must hear, and that first.
            tokio::time::sleep(LET_THE_FIRST_SPEAK).await;
            return Err(Fatal::Usage(
                "the batch before it could not be printed".into(),
            ));
        }
        let done = block_in_place(act);
        match done {
            Ok(_) => self.0.send_replace(Turn::Of(batch + 1)),
            Err(_) => self.0.send_replace(Turn::Stopped),
        };
        done
    }

    /// It is nobody's turn any more.
    pub(super) fn stop(&self) {
        self.0.send_replace(Turn::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn batches_act_in_their_order_and_none_does_after_one_that_failed() {
        let (batches, acted) = (Sequencer::default(), Mutex::new(Vec::new()));
        let act = |batch: u64| {
            batches.run(batch, {
                let acted = &acted;
                move || {
                    acted.lock().unwrap().push(batch);
                    match batch {
                        3 => Err(Fatal::Bug("the third".into())),
                        other => Ok(other),
                    }
                }
            })
        };
        let (fourth, second, third, first) = tokio::join!(act(4), act(2), act(3), act(1));
        assert_eq!(*acted.lock().unwrap(), [1, 2, 3]);
        assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
        assert!(third.unwrap_err().to_string().contains("the third"));
        assert!(fourth.unwrap_err().to_string().contains("before it"));
    }
}
