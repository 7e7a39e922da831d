//! Whose turn it is to have the line of progress, where the programs of a pipeline share a terminal: those that work, one after
//! another. Where nobody works the last one has it, and says what is waited for.

use std::{
    fs::File,
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

/// After so long a program that works lets another one show its line...
const LONGEST: Duration = Duration::from_secs(2);
/// ...and for so long it does not ask for the line again: others ask five times a second.
const REST: Duration = Duration::from_millis(500);
/// If for so long nobody else had the line, nobody works.
const NOBODY: Duration = Duration::from_secs(1);

/// Turns at the line of a terminal. They go by a lock on the terminal, which ends with the program that holds it.
pub(super) struct Turns {
    /// `None`: a terminal that cannot be locked. The line is always this program's.
    terminal: Option<File>,
    /// Whether this is the last program of the pipeline.
    is_last: bool,
    holds: bool,
    /// When it was given or taken.
    since: Instant,
    /// When somebody else had it last.
    seen: Instant,
}

impl Turns {
    /// Turns at the terminal that standard error is.
    pub(super) fn at_terminal(is_last: bool, now: Instant) -> Self {
        let link = format!("/proc/self/fd/{}", std::io::stderr().as_raw_fd());
        let path = std::fs::read_link(link);
        Self::at(path.and_then(File::open).ok(), is_last, now)
    }

    fn at(terminal: Option<File>, is_last: bool, now: Instant) -> Self {
        Self {
            terminal,
            is_last,
            holds: false,
            since: now.checked_sub(REST).unwrap_or(now),
            seen: now,
        }
    }

    /// Whether the line is this program's now. `is_idle`: it waits for the program before it.
    pub(super) fn is_mine(&mut self, is_idle: bool, now: Instant) -> bool {
        let Some(terminal) = &self.terminal else {
            return true;
        };
        let passed = now.saturating_duration_since(self.since);
        if self.holds {
            if is_idle || passed >= LONGEST {
                let _ = terminal.unlock();
                (self.holds, self.since) = (false, now);
            }
            // What is drawn stays until somebody else draws.
            return self.holds;
        }
        if (is_idle && !self.is_last) || (!is_idle && passed < REST) {
            return false;
        }
        if terminal.try_lock().is_err() {
            self.seen = now;
            return false;
        }
        if !is_idle {
            (self.holds, self.since) = (true, now);
            return true;
        }
        let _ = terminal.unlock();
        now.saturating_duration_since(self.seen) >= NOBODY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What two programs show in each fifth of a second: `1`, `2`, nothing, or both at once (`!`).
    fn shown(is_idle: [fn(u32) -> bool; 2], ticks: u32) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terminal");
        File::create(&path).unwrap();
        let start = Instant::now();
        let mut turns =
            [false, true].map(|is_last| Turns::at(File::open(&path).ok(), is_last, start));
        let tick = |tick| {
            let now = start + tick * Duration::from_millis(200);
            let [one, two] = &mut turns;
            let mine = [
                one.is_mine(is_idle[0](tick), now),
                two.is_mine(is_idle[1](tick), now),
            ];
            match mine {
                [true, true] => '!',
                [true, false] => '1',
                [false, true] => '2',
                [false, false] => ' ',
            }
        };
        (0..ticks).map(tick).collect()
    }

    #[test]
    fn programs_that_work_show_their_lines_in_turn() {
        let text = shown([|_| false, |_| false], 60);
        assert!(!text.contains('!'), "{text}");
        assert!(
            text.contains("11111111") && text.contains("22222222"),
            "{text}"
        );
        assert!(
            text.matches("12").count() + text.matches("1 2").count() >= 2,
            "{text}"
        );
    }

    #[test]
    fn the_one_that_waits_shows_nothing_while_the_other_works() {
        let text = shown([|_| false, |_| true], 60);
        assert!(
            !text.contains(['2', '!']) && text.matches('1').count() > 40,
            "{text}"
        );
    }

    #[test]
    fn where_nobody_works_the_line_says_what_is_waited_for() {
        let text = shown([|tick| tick > 10, |_| true], 60);
        assert!(!text.contains('!') && text.ends_with("2222"), "{text}");
    }

    #[test]
    fn a_terminal_that_cannot_be_locked_is_this_programs() {
        let mut turns = Turns::at(None, false, Instant::now());
        assert!(turns.is_mine(true, Instant::now()));
    }
}
