//! The threads that Typst works on.
//!
//! Typst shares work through rayon. A pool of one thread for each letter that is being laid out keeps it from mixing
//! letters, and has a stack that is deep enough.

use std::ops::ControlFlow;

use parking_lot::{Condvar, Mutex};
use pkb_files::in_order::in_order_on;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::TypesetError;

/// Layout nests deeply: the usual 2 MiB can overflow. Only the part that is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// A rayon pool in which Typst can work.
pub(super) fn pool(threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK_BYTES)
        .build()
}

/// Pools of one thread each.
pub(super) struct Workers {
    pools: Vec<ThreadPool>,
    /// Positions of the pools that have nothing to do.
    idle: Mutex<Vec<usize>>,
    freed: Condvar,
}

/// A pool that is given back when this is dropped.
struct Borrowed<'w> {
    workers: &'w Workers,
    position: usize,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.workers.idle.lock().push(self.position);
        self.workers.freed.notify_one();
    }
}

impl Workers {
    pub(super) fn new(count: usize) -> Result<Self, ThreadPoolBuildError> {
        let pools = (0..count.max(1)).map(|_| pool(1));
        let pools: Vec<ThreadPool> = pools.collect::<Result<_, _>>()?;
        Ok(Self {
            idle: Mutex::new((0..pools.len()).collect()),
            pools,
            freed: Condvar::new(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.pools.len()
    }

    /// Does something with Typst, as soon as a worker has nothing else to do. What is done must not wait for a worker in its
    /// turn.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let borrowed = self.borrow();
        match self.pools.get(borrowed.position) {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn borrow(&self) -> Borrowed<'_> {
        let mut idle = self.idle.lock();
        loop {
            if let Some(position) = idle.pop() {
                return Borrowed {
                    workers: self,
                    position,
                };
            }
            self.freed.wait(&mut idle);
        }
    }

    /// Does the same with all items, on as many threads as there are workers, and hands the results to `take` in the order
    /// of the items. The threads are not workers: what needs Typst is [`Self::run`].
    ///
    /// # Errors
    /// What `take` says, or a bug in `work`.
    pub(super) fn in_order<I: Send, R: Send, E: From<TypesetError>>(
        &self,
        items: impl IntoIterator<Item = I, IntoIter: Send>,
        work: impl Fn(I) -> R + Sync,
        mut take: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut items = items.into_iter();
        let mut ended = Ok(());
        in_order_on(
            self.count(),
            || items.next(),
            work,
            |result| {
                ended = match result {
                    Ok(result) => take(result),
                    Err(_) => Err(TypesetError::Panicked.into()),
                };
                match ended {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            },
        );
        ended
    }

    /// As [`Self::in_order`], with all results at once.
    ///
    /// # Errors
    /// A bug in `work`.
    pub(super) fn map<I: Send, R: Send>(
        &self,
        items: impl IntoIterator<Item = I, IntoIter: Send>,
        work: impl Fn(I) -> R + Sync,
    ) -> Result<Vec<R>, TypesetError> {
        let mut results = Vec::new();
        self.in_order(items, work, |result| {
            results.push(result);
            Ok::<_, TypesetError>(())
        })?;
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_with_fewer_workers_than_threads_that_ask() {
        let workers = Workers::new(2).unwrap();
        let outer = workers.map(0..40_u64, |outer| {
            let inner = workers.map(0..5, |inner| workers.run(|| outer * 10 + inner));
            inner.unwrap().into_iter().sum::<u64>()
        });
        let expected: Vec<u64> = (0..40).map(|outer| outer * 50 + 10).collect();
        assert_eq!(outer.unwrap(), expected);
    }

    #[test]
    fn work_that_ends_in_a_bug_is_told_and_its_worker_goes_on() {
        let workers = Workers::new(1).unwrap();
        let broken = workers.map(0..3, |item| workers.run(|| assert_ne!(item, 1)));
        assert!(matches!(broken, Err(TypesetError::Panicked)));
        assert_eq!(workers.run(|| 7), 7);
    }
}
