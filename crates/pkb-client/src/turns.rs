//! PKB wants one call after another ("Throughput and Threads", p.3364552801), of all that asks it together: the stages of a pipeline,
//! shards that make works on side by side, two campaigns. So all programs on this machine take turns.
//!
//! A turn is a name that one process alone can have: that of an abstract socket (unix(7)). It leaves no file behind, and ends with
//! its process, however that ends. Machines and containers do not see each other's names.

use std::{
    io,
    os::{linux::net::SocketAddrExt as _, unix::net},
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// How often to look whether a turn has ended.
const POLL: Duration = Duration::from_millis(3);
/// A wait of this length is worth a word: a batch of an upload may take minutes.
const LONG_WAIT: Duration = Duration::from_secs(300);
/// A name may have 107 bytes: there is room for a prefix and a number.
const MOST_BYTES: usize = 80;

/// The turns of one server.
pub(super) struct Turns {
    /// As many as there may be calls at a time, but for those that this process has.
    free: parking_lot::Mutex<Vec<net::SocketAddr>>,
    /// Only who has this one looks for a turn. So nobody who has just ended one gets the next before those who wait.
    queue: Option<net::SocketAddr>,
    own: Semaphore,
    own_queue: Mutex<()>,
}

/// The right to call until it is dropped.
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    name: Option<(net::SocketAddr, net::UnixListener)>,
    _own: Option<SemaphorePermit<'t>>,
}

impl Turns {
    /// At most `at_a_time` calls at `server`, its name and port.
    pub(super) fn new(server: &str, at_a_time: u16) -> Self {
        let at_a_time = at_a_time.max(1);
        let server = &server.as_bytes()[server.len().saturating_sub(MOST_BYTES)..];
        let name = |what: &str| {
            let name = [b"pkb/", server, b"/", what.as_bytes()].concat();
            net::SocketAddr::from_abstract_name(name).ok()
        };
        let names = (1..=at_a_time).rev();
        let names = names.filter_map(|number| name(&number.to_string()));
        Self {
            free: parking_lot::Mutex::new(names.collect()),
            queue: name("queue"),
            own: Semaphore::new(at_a_time.into()),
            own_queue: Mutex::default(),
        }
    }

    /// Waits for a turn, in the order in which this program asked for them.
    pub(super) async fn take(&self) -> Turn<'_> {
        // It is never closed.
        let own = self.own.acquire().await.ok();
        let _own_queue = self.own_queue.lock().await;
        let _queue = until_taken(|| self.queue.as_ref().map_or(Tried::Impossible, bound)).await;
        let name = until_taken(|| self.take_name()).await;
        Turn {
            turns: self,
            name,
            _own: own,
        }
    }

    /// Takes a name that nobody has.
    fn take_name(&self) -> Tried<(net::SocketAddr, net::UnixListener)> {
        let mut free = self.free.lock();
        for at in (0..free.len()).rev() {
            match bound(&free[at]) {
                Tried::Taken(listener) => return Tried::Taken((free.swap_remove(at), listener)),
                Tried::Busy => {}
                Tried::Impossible => return Tried::Impossible,
            }
        }
        match free.is_empty() {
            true => Tried::Impossible,
            false => Tried::Busy,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some((name, listener)) = self.name.take() {
            drop(listener);
            self.turns.free.lock().push(name);
        }
    }
}

/// What came of trying to take a name.
enum Tried<T> {
    Taken(T),
    /// Another process has it.
    Busy,
    /// No name can be had: then this process alone keeps order.
    Impossible,
}

fn bound(name: &net::SocketAddr) -> Tried<net::UnixListener> {
    match net::UnixListener::bind_addr(name) {
        Ok(listener) => Tried::Taken(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Tried::Busy,
        Err(_) => Tried::Impossible,
    }
}

/// Tries until something is taken, or nothing can be.
async fn until_taken<T>(take: impl Fn() -> Tried<T>) -> Option<T> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        match take() {
            Tried::Taken(taken) => return Some(taken),
            Tried::Impossible => return None,
            Tried::Busy => {}
        }
        if !is_told && began.elapsed() >= LONG_WAIT {
            is_told = true;
            tracing::warn!(
                "another program on this machine has been asking PKB for 5 minutes, and this program waits for its turn. \
                 If the other program hangs, end it"
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// Takes turns of all of `programs`, `count` times each; how many calls there were at a time, and in which order programs had them.
    async fn calls(programs: &[Turns], count: usize) -> (usize, Vec<usize>) {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let order = parking_lot::Mutex::new(Vec::new());
        let (now, most, order_of) = (&now, &most, &order);
        let call = |program: usize| async move {
            for _ in 0..count {
                let _turn = programs[program].take().await;
                order_of.lock().push(program);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(8)).await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        join_all((0..programs.len()).map(call)).await;
        (most.load(Ordering::SeqCst), order.into_inner())
    }

    fn of(server: &str, limits: &[u16]) -> Vec<Turns> {
        let server = format!("{server}-{}.invalid:443", std::process::id());
        let turns = limits.iter().map(|limit| Turns::new(&server, *limit));
        turns.collect()
    }

    #[tokio::test]
    async fn programs_that_ask_one_server_call_it_one_after_another_and_in_turn() {
        let (most, order) = calls(&of("one", &[1, 1, 1]), 12).await;
        assert_eq!(most, 1);
        // Nobody has to wait until another has done with all calls.
        let first_done = order.iter().rposition(|program| *program == order[0]);
        let last_begins = (0..3).filter_map(|it| order.iter().position(|program| *program == it));
        assert!(last_begins.max() < first_done, "{order:?}");
    }

    #[tokio::test]
    async fn as_many_calls_as_are_agreed_are_shared_by_all_programs() {
        let (most, _) = calls(&of("agreed", &[4, 4, 4, 4, 4, 4]), 6).await;
        assert!((2..=4).contains(&most), "{most}");
        let one_program = Turns::new("alone.invalid:443", 3);
        let held = [
            one_program.take().await,
            one_program.take().await,
            one_program.take().await,
        ];
        let fourth = tokio::time::timeout(Duration::from_millis(30), one_program.take());
        assert!(fourth.await.is_err());
        drop(held);
        let _free = one_program.take().await;
    }

    #[tokio::test]
    async fn another_server_has_turns_of_its_own() {
        let one = of("this", &[1]);
        let other = of("that", &[1]);
        let _held = one[0].take().await;
        let _other = other[0].take().await;
        let long = "x".repeat(300);
        let long = of(&long, &[1]);
        let _long = long[0].take().await;
    }
}
