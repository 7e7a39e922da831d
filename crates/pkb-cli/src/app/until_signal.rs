//! Runs a program's work until it has ended or a signal ends it.
//!
//! The work has a thread of its own, and the main thread does nothing but wait: so a signal is heard whatever the work is
//! busy with. A stage hears it too and ends by itself, because calls may be under way. Everything else is ended where
//! it is. What it had begun to write has no name yet, or one that is removed here.

use std::{fs::File, future::Future, panic::AssertUnwindSafe, thread, time::Duration};

use tokio::{runtime, sync::oneshot, time::Instant};

use crate::progress::close_screen;
use pkb_core::{ExitCode, Fatal};
use pkb_files::{
    atomic_file,
    signals::{Attended, EndSignal, Signals},
};

type Ended = Result<ExitCode, Fatal>;

/// How much longer than a stage promises it may take before it is ended.
const MARGIN: Duration = Duration::from_secs(1);
/// Files that must be allowed to be open beside those that are.
const OPEN_FILES: usize = 12;
/// As large as the main thread's usually is, which the layout of letters has been tried with.
const STACK: usize = 8 << 20;

/// Runs `work` to its end.
///
/// # Errors
/// What stopped it.
pub(super) fn run<F: Future<Output = Ended>>(work: impl FnOnce() -> F + Send + 'static) -> Ended {
    let cannot_start = |source| Fatal::io("cannot start", source);
    // So few open files that not even the runtime could begin its work.
    let spare: Result<Vec<File>, _> = (0..OPEN_FILES).map(|_| File::open("/dev/null")).collect();
    drop(spare.map_err(cannot_start)?);
    let waiting = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot_start)?;
    // Before there is a thread that could be interrupted.
    let mut signals = {
        let _entered = waiting.enter();
        Signals::listen()?
    };
    let (sender, ended) = oneshot::channel();
    let body = move || {
        let worked = AssertUnwindSafe(|| {
            let runtime = runtime::Builder::new_multi_thread().enable_all().build();
            let runtime = runtime.map_err(cannot_start)?;
            let ended = runtime.block_on(work());
            // Threads that are still at work end with the program.
            runtime.shutdown_background();
            ended
        });
        let ended = std::panic::catch_unwind(worked)
            .unwrap_or_else(|_| Err(Fatal::Bug("the program ended unexpectedly".into())));
        // Nobody may be there any more who waits for it.
        drop(sender.send(ended));
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(body)
        .map_err(cannot_start)?;
    match waiting.block_on(wait(&mut signals, ended)) {
        Ok(ended) => ended,
        Err(signal) => {
            // Nothing is written any more, and nothing half written stays.
            atomic_file::remove_all_and_stop();
            close_screen();
            Err(Fatal::Interrupted(signal))
        }
    }
}

/// Waits for the end of the work; the signal if that ended the work.
async fn wait(
    signals: &mut Signals,
    mut ended: oneshot::Receiver<Ended>,
) -> Result<Ended, EndSignal> {
    let broken = |_| Err(Fatal::Bug("the work ended unexpectedly".into()));
    let signal = tokio::select! {
        biased;
        ended = &mut ended => return Ok(ended.unwrap_or_else(broken)),
        signal = signals.next() => signal,
    };
    let Some(grace) = Attended::grace() else {
        return Err(signal);
    };
    let mut deadline = Instant::now() + grace + MARGIN;
    loop {
        tokio::select! {
            biased;
            ended = &mut ended => return Ok(ended.unwrap_or_else(broken)),
            // Whoever sends a second one does not want to wait.
            _ = signals.next() => deadline = deadline.min(Instant::now() + MARGIN),
            () = tokio::time::sleep_until(deadline) => return Err(signal),
        }
    }
}
