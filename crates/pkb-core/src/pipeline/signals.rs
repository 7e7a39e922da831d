//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Fatal;

/// Both signals.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on the signals do not end the program by themselves.
    pub fn listen() -> Result<Self, Fatal> {
        let listen =
            |kind| signal(kind).map_err(|source| Fatal::io("cannot listen for signals", source));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal.
    pub async fn next(&mut self) -> Fatal {
        let terminated = tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
        };
        Fatal::Interrupted { terminated }
    }
}
