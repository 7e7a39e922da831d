//! What a panic says: where it was, and nothing of its message, which may hold a value.

use std::panic::PanicHookInfo;

use crate::progress::{close_screen, tell};
use pkb_core::ExitCode;
use pkb_files::atomic_file;

/// How the messages begin of std and of tokio when the system gives no more threads.
const NO_THREAD: [&str; 2] = ["failed to spawn thread", "OS can't spawn worker thread"];

/// From now on a panic is told as a bug. That there is no memory for another thread is none, and ends the program at once,
/// whichever thread it was: nobody could tell what lacks then.
pub(super) fn tell_of_them(program: &str) {
    let program = program.to_owned();
    std::panic::set_hook(Box::new(move |info| {
        if has_no_thread(info) {
            atomic_file::remove_all_and_stop();
            close_screen();
            tell(format!(
                "{program}: cannot start a thread, because the limit on memory or processes is too low (ulimit -v, ulimit \
                 -u). No \
                 file is half written. What to do: raise the limit, then run the same command again"
            ));
            #[allow(
                clippy::exit,
                reason = "threads cannot be waited for that cannot be started"
            )]
            std::process::exit(ExitCode::Io.code().into());
        }
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        tell(format!("this is a bug{place}. Report this line"));
    }));
}

fn has_no_thread(info: &PanicHookInfo<'_>) -> bool {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.is_some_and(|text| NO_THREAD.iter().any(|words| text.starts_with(words)))
}
