//! Work on blocks by as many threads as there are cores, with the results in the order of the blocks.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use parking_lot::Mutex;

use crate::Fatal;

/// Threads at most: more would wait for the one that takes the results.
const MAX_THREADS: usize = 8;

/// Does `work` on each of the blocks that `next` gives, and hands the results to `take` in the order of the blocks,
/// on the thread that calls. Ends when `next` has no more or `take` breaks off; then it waits for what has begun.
/// A few blocks and results wait at most, whatever is slowest.
///
/// `take` is told if a `work` broke off: then there is no result of that block, and it must not be passed over.
pub fn in_order<B: Send, R: Send>(
    next: impl FnMut() -> Option<B> + Send,
    work: impl Fn(B) -> R + Sync,
    take: impl FnMut(Result<R, Fatal>) -> ControlFlow<()>,
) {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS));
    in_order_on(threads, next, work, take);
}

/// As [`in_order`], with a number of threads.
pub fn in_order_on<B: Send, R: Send>(
    threads: usize,
    mut next: impl FnMut() -> Option<B> + Send,
    work: impl Fn(B) -> R + Sync,
    mut take: impl FnMut(Result<R, Fatal>) -> ControlFlow<()>,
) {
    // Each block goes to whoever is free, and a place for its result goes to the one who takes it.
    let (blocks, waiting) = mpsc::sync_channel(threads);
    let (places, results) = mpsc::sync_channel(2 * threads);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(block) = next() {
                let (place, result) = mpsc::sync_channel(1);
                if places.send(result).is_err() || blocks.send((block, place)).is_err() {
                    return;
                }
            }
        });
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let block = waiting.lock().recv();
                    let Ok((block, place)) = block else { return };
                    let result = catch_unwind(AssertUnwindSafe(|| work(block)));
                    // Nobody may be there any more who takes it.
                    let _ =
                        place.send(result.map_err(|_| {
                            Fatal::Bug("the work on a block ended unexpectedly".into())
                        }));
                }
            });
        }
        for result in results {
            let Ok(result) = result.recv() else { return };
            if take(result).is_break() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(count: u64, until: u64, bad: u64) -> Vec<Option<u64>> {
        let (mut numbers, mut taken) = (0..count, Vec::new());
        let work = |number: u64| {
            // Later ones are ready sooner.
            thread::sleep(std::time::Duration::from_micros(
                count.saturating_sub(number) * 20,
            ));
            assert_ne!(number, bad, "broken on purpose");
            number * number
        };
        in_order(
            || numbers.next(),
            work,
            |result| {
                taken.push(result.ok());
                match taken.len() as u64 == until {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        );
        taken
    }

    #[test]
    fn results_come_in_the_order_of_the_blocks() {
        let expected: Vec<_> = (0..50).map(|number| Some(number * number)).collect();
        assert_eq!(squares(50, 99, 99), expected);
        assert_eq!(squares(0, 1, 1), []);
    }

    #[test]
    fn it_ends_when_nobody_wants_more() {
        assert_eq!(squares(1000, 3, 9999).len(), 3);
    }

    #[test]
    fn a_block_whose_work_broke_off_is_not_passed_over() {
        assert_eq!(squares(4, 99, 2), [Some(0), Some(1), None, Some(9)]);
    }
}
