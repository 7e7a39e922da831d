//! Signals that end a program. Whichever comes, the program leaves the same behind: what was settled is in the journal,
//! no file is half written, and the exit code says which signal it was (128 and its number).
//!
//! A stage hears them itself ([`Signals`]), so that calls under way can end ([`Attended`]). Everything else is simply
//! ended where it is (`app`): reading a file, layout of letters, `verify`.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::Duration,
};

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Fatal;

/// A signal that ends a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum EndSignal {
    /// SIGHUP: the terminal was closed, or its connection was lost.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGQUIT: Ctrl-\.
    Quit,
    /// SIGTERM: somebody, or the machine that shuts down, asks the program to end.
    Terminate,
    /// SIGXCPU: the limit of processor time (`ulimit -t`).
    CpuTime,
}

/// SIGXCPU, on all machines that Rust's tokio knows but MIPS.
const SIGXCPU: i32 = 24;
/// SIGXFSZ: a file would be larger than the limit (`ulimit -f`).
const SIGXFSZ: i32 = 25;

impl EndSignal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Hangup,
        Self::Interrupt,
        Self::Quit,
        Self::Terminate,
        Self::CpuTime,
    ];

    fn kind(self) -> SignalKind {
        match self {
            Self::Hangup => SignalKind::hangup(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::Quit => SignalKind::quit(),
            Self::Terminate => SignalKind::terminate(),
            Self::CpuTime => SignalKind::from_raw(SIGXCPU),
        }
    }

    /// What fits after "stopped by ".
    pub fn words(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP: its terminal was closed",
            Self::Interrupt => "Ctrl-C",
            Self::Quit => "SIGQUIT (Ctrl-\\)",
            Self::Terminate => "SIGTERM",
            Self::CpuTime => {
                "the limit of processor time (SIGXCPU): raise it with ulimit -t before the next run"
            }
        }
    }
}

/// From now on these signals do not end the program by themselves.
pub struct Signals {
    ends: Vec<(EndSignal, Signal)>,
    /// Not waited for: while somebody listens, a write that goes beyond the limit fails like one to a full disk.
    _file_size: Signal,
}

impl Signals {
    /// Listens. A program that is to survive its terminal (`nohup`) does.
    pub fn listen() -> Result<Self, Fatal> {
        let listen =
            |kind| signal(kind).map_err(|source| Fatal::io("cannot listen for signals", source));
        let heard = EndSignal::ALL
            .into_iter()
            .filter(|end| *end != EndSignal::Hangup || !hangups_are_ignored());
        let ends = heard.map(|end| Ok((end, listen(end.kind())?)));
        Ok(Self {
            ends: ends.collect::<Result<_, Fatal>>()?,
            _file_size: listen(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    /// Waits for a signal.
    pub async fn next(&mut self) -> EndSignal {
        poll_fn(|context| {
            let heard = self
                .ends
                .iter_mut()
                .find_map(|(end, signal)| signal.poll_recv(context).is_ready().then_some(*end));
            heard.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Whether whoever started the program wants it to go on when its terminal is closed.
fn hangups_are_ignored() -> bool {
    // Asked once: our own handler takes the signal's place.
    static IGNORED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The first bit is that of signal 1, SIGHUP.
        ignored.is_some_and(|mask| mask & 1 == 1)
    })
}

/// Milliseconds that a stage takes to end at most once it has heard a signal; 0 where nobody hears them.
static ATTENDED: AtomicU64 = AtomicU64::new(0);

/// For as long as this is there a stage hears signals and ends by itself.
#[must_use]
pub struct Attended(());

impl Attended {
    /// A stage that ends within `grace` begins.
    pub fn begin(grace: Duration) -> Self {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        ATTENDED.store(grace, Ordering::Relaxed);
        Self(())
    }

    /// The stage has heard a signal, and what follows is its end.
    pub fn has_heard(self) {
        std::mem::forget(self);
    }

    /// How long a stage that hears signals takes to end; `None` if there is none.
    pub fn grace() -> Option<Duration> {
        let grace = ATTENDED.load(Ordering::Relaxed);
        (grace > 0).then(|| Duration::from_millis(grace))
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        ATTENDED.store(0, Ordering::Relaxed);
    }
}
