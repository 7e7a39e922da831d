//! Whether a letter that is being laid out comes to an end. Typst cannot be interrupted, so a loop without end, for what is in
//! one patient's name or address, would keep the whole campaign: then the program ends, with all letters that have a file.

use std::{
    fs,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use pkb_cli::progress::tell;
use pkb_core::ExitCode;

/// A letter takes milliseconds, and some seconds on the slowest machine.
const TIME: Duration = Duration::from_secs(300);
/// More than this process ever has: files of 1,000 letters that Typst laid out, three at a time, are 1.5 GiB.
const MEMORY: u64 = 8 << 30;
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of a page, in which the system counts.
const PAGE: u64 = 4096;

/// When each of the letters was begun that are being laid out.
static BEGUN: LazyLock<Mutex<Vec<Option<Instant>>>> = LazyLock::new(|| {
    // It ends with the program.
    thread::spawn(watch);
    Mutex::default()
});

fn begun() -> MutexGuard<'static, Vec<Option<Instant>>> {
    BEGUN.lock()
}

/// A letter is being laid out for as long as this is there.
pub(super) struct Watched(usize);

impl Watched {
    pub(super) fn begin() -> Self {
        let mut begun = begun();
        let free = begun.iter().position(Option::is_none);
        let at = free.unwrap_or(begun.len());
        if free.is_none() {
            begun.push(None);
        }
        begun[at] = Some(Instant::now());
        Self(at)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        begun()[self.0] = None;
    }
}

fn watch() {
    loop {
        thread::sleep(LOOK);
        let first = begun().iter().flatten().min().copied();
        let Some(first) = first else { continue };
        if let Some(what) = excess(first.elapsed(), memory().unwrap_or_default()) {
            stop(what);
        }
    }
}

/// What is too much, if anything is.
fn excess(time: Duration, memory: u64) -> Option<&'static str> {
    if time > TIME {
        Some("takes longer than 5 minutes")
    } else if memory > MEMORY {
        Some("needs more than 8 GiB of memory")
    } else {
        None
    }
}

/// Memory that this process has.
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}

/// No thread can be stopped from outside; what is on the disk is as after any other end.
#[expect(
    clippy::exit,
    reason = "a letter that is being laid out cannot be stopped in any other way"
)]
fn stop(what: &str) {
    tell(format!(
        "pkb-letters: stopped (exit code 2): a letter {what} to lay out. The template may have a loop that has no end for \
         some name or address. Letters that have a file stay. What to do: run pkb-letters template check on the template, \
         and look for loops in it. \
         Then run the same command again"
    ));
    std::process::exit(ExitCode::Usage.code().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_minutes_and_gibibytes_and_then_no_more() {
        assert_eq!(excess(Duration::from_secs(299), 7 << 30), None);
        assert!(
            excess(Duration::from_secs(301), 0)
                .unwrap()
                .contains("minutes")
        );
        assert!(excess(Duration::ZERO, 9 << 30).unwrap().contains("memory"));
        let used = memory().unwrap();
        assert!((1 << 20..1 << 40).contains(&used), "{used}");
    }

    #[test]
    fn what_is_being_laid_out_is_known_until_it_is_done() {
        let one = Watched::begin();
        let other = Watched::begin();
        assert_ne!(one.0, other.0);
        let (first, second) = (one.0, other.0);
        drop(one);
        assert!(begun()[second].is_some());
        drop(other);
        let _ = first;
    }
}
