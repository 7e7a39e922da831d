//! What the operator sees of a stage that works: one live line in a pipeline, drawn by the stages that work in turn; where there
//! is no terminal a plain line a minute of the last stage, which alone has an output that is not a pipe; and a word of
//! each other stage when it waits for long.
//!
//! * `screen`: the terminal, as messages and several programs share it. `turn`: whose line it has.
//! * `line`, `pace`: what is said. `calls`: how many calls to PKB there will be, and how long they take.
//! * Here: who says it, and when.

mod calls;
mod line;
mod pace;
mod screen;
mod turn;

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use self::{line::ProgressWords, pace::Pace, turn::Turns};
use crate::args::{ProgressArgs, When};
use pkb_core::figures::in_words;
use pkb_core::monitor::{Monitor, Snapshot, Wait, Why};

pub(crate) use calls::seconds;
pub use calls::{Asking, CallsNote};
pub(crate) use screen::is_pipe;
pub use screen::{Stderr, close_screen, tell};

/// How often the live line is drawn anew: often enough to be alive, and to mend soon what others wrote.
const TICK: Duration = Duration::from_millis(200);
/// How often a stage without a live line looks whether there is something to say.
const LOOK: Duration = Duration::from_secs(1);
/// A wait of this length is told by a stage that has no live line...
const LONG_WAIT: Duration = Duration::from_secs(10);
/// ...and again so much later.
const TELL_AGAIN: Duration = Duration::from_secs(600);

/// What a program works on.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// Name of the program.
    pub program: &'static str,
    /// What is counted, in the plural.
    pub unit: &'static str,
    /// Whether no other stage comes after it, which would tell a log of the progress of all.
    pub is_last: bool,
    /// Whether its results themselves are shown on the terminal.
    pub results_on_screen: bool,
}

/// What is shown of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgressKind {
    Live,
    Lines,
    /// Long waits only.
    Waits,
}

impl ProgressKind {
    /// `None`: nothing at all.
    fn choose(args: &ProgressArgs, task: &Task, terminal: bool) -> Option<Self> {
        let is_mine = match args.when {
            When::Always => true,
            When::Never => false,
            When::Auto if terminal => !task.results_on_screen,
            When::Auto => task.is_last,
        };
        match (args.quiet, is_mine, terminal) {
            (true, _, _) => None,
            (_, true, true) => Some(Self::Live),
            (_, true, false) => Some(Self::Lines),
            (_, false, _) => Some(Self::Waits),
        }
    }
}

/// Shows progress until it is dropped, and takes the live line off the screen then.
#[must_use]
pub struct Progress(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Shows what `args.monitor` notes of `task`.
    pub fn start(args: &ProgressArgs, task: Task) -> Self {
        Self(
            ProgressKind::choose(args, &task, screen::is_terminal()).map(|form| {
                let (stop, stopped) = mpsc::channel();
                let monitor = Arc::clone(&args.monitor);
                let teller = ProgressReporter::start(task, form, args.interval, Instant::now());
                (
                    stop,
                    std::thread::spawn(move || watch(&monitor, teller, &stopped)),
                )
            }),
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // It does not panic; if it did, the line of progress would not be worth a word.
            let _ = thread.join();
        }
    }
}

/// A thread of its own: it is alive while nothing else moves.
fn watch(monitor: &Monitor, mut teller: ProgressReporter, stopped: &mpsc::Receiver<()>) {
    let pause = match teller.form {
        ProgressKind::Live => TICK,
        ProgressKind::Lines | ProgressKind::Waits => LOOK.min(teller.interval),
    };
    let colours = screen::has_colours();
    let is_live = teller.form == ProgressKind::Live;
    let mut bar = is_live.then(|| {
        (
            screen::bar(),
            Turns::at_terminal(teller.task.is_last, Instant::now()),
        )
    });
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let now = Instant::now();
        let snapshot = monitor.snapshot(now);
        if let Some(message) = teller.message(&snapshot, now) {
            tell(message);
        }
        let Some((bar, turns)) = &mut bar else {
            continue;
        };
        let is_idle = (snapshot.wait.as_ref())
            .is_some_and(|wait| wait.why == Why::NoInput && wait.length(now) >= LOOK);
        if turns.is_mine(is_idle, now) {
            let words = teller.words(&snapshot, now);
            bar.set_message(words.in_line(screen::columns(), colours));
        }
    }
    if let Some((bar, _)) = bar {
        bar.finish_and_clear();
    }
}

/// Decides what is worth a line, and when.
struct ProgressReporter {
    task: Task,
    form: ProgressKind,
    interval: Duration,
    pace: Pace,
    next_line: Instant,
    /// The wait that was told and lasts.
    told: Option<Wait>,
    /// What was told last, and when.
    told_last: Option<(Why, Instant)>,
}

impl ProgressReporter {
    fn start(task: Task, form: ProgressKind, interval: Duration, now: Instant) -> Self {
        Self {
            task,
            form,
            interval,
            pace: Pace::start(now),
            next_line: now + interval,
            told: None,
            told_last: None,
        }
    }

    fn words(&self, snapshot: &Snapshot, now: Instant) -> ProgressWords {
        ProgressWords::of(self.task.program, self.task.unit, snapshot, &self.pace, now)
    }

    /// What is to be said at `now`, if anything is.
    fn message(&mut self, snapshot: &Snapshot, now: Instant) -> Option<String> {
        self.pace.note(now, snapshot.done);
        match self.form {
            ProgressKind::Live if self.task.is_last => None,
            ProgressKind::Lines if now >= self.next_line => {
                self.next_line = now + self.interval;
                Some(self.words(snapshot, now).in_full())
            }
            ProgressKind::Live | ProgressKind::Lines | ProgressKind::Waits => {
                self.wait_message(snapshot.wait.as_ref(), now)
            }
        }
    }

    /// A long wait is told when it is one, now and then while it lasts or comes again, and when it is over.
    fn wait_message(&mut self, wait: Option<&Wait>, now: Instant) -> Option<String> {
        let program = self.task.program;
        let Some(wait) = wait.filter(|wait| wait.why != Why::NoInput) else {
            let told = self.told.take()?;
            let lasted = in_words(now.saturating_duration_since(told.since));
            return Some(format!("{program}: continues after {lasted}"));
        };
        let was_told = self.told_last.as_ref().is_some_and(|(why, at)| {
            why.is_like(&wait.why) && now.saturating_duration_since(*at) < TELL_AGAIN
        });
        let is_long = match wait.why {
            // Whoever has pressed Ctrl-C wants to know at once why the prompt does not come.
            Why::Stopping => wait.length(now) >= LOOK,
            _ => wait.length(now) >= LONG_WAIT,
        };
        if was_told || !is_long {
            return None;
        }
        self.told = Some(wait.clone());
        self.told_last = Some((wait.why.clone(), now));
        Some(format!("{program}: {}", wait.words(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: Task = Task {
        program: "pkb-resolve",
        unit: "rows",
        is_last: false,
        results_on_screen: false,
    };

    fn args(when: When, quiet: bool) -> ProgressArgs {
        ProgressArgs {
            when,
            quiet,
            ..ProgressArgs::default()
        }
    }

    #[test]
    fn a_terminal_has_a_live_line_and_a_log_has_lines_of_the_last_stage() {
        use ProgressKind::{Lines, Live, Waits};
        let last = Task {
            is_last: true,
            ..TASK
        };
        let on_screen = Task {
            results_on_screen: true,
            ..last
        };
        for (when, quiet, task, terminal, form) in [
            (When::Auto, false, last, true, Some(Live)),
            (When::Auto, false, last, false, Some(Lines)),
            (When::Auto, false, TASK, true, Some(Live)),
            (When::Auto, false, TASK, false, Some(Waits)),
            (When::Auto, false, on_screen, true, Some(Waits)),
            (When::Auto, false, on_screen, false, Some(Lines)),
            (When::Always, false, TASK, true, Some(Live)),
            (When::Always, false, TASK, false, Some(Lines)),
            (When::Never, false, last, true, Some(Waits)),
            (When::Auto, true, last, true, None),
            (When::Always, true, last, false, None),
        ] {
            let chosen = ProgressKind::choose(&args(when, quiet), &task, terminal);
            assert_eq!(chosen, form, "{when:?} {quiet} {task:?} {terminal}");
        }
    }

    /// What is said at each second, with a wait from one second to another.
    fn said(form: ProgressKind, seconds: u64, waits: &[(u64, u64, Why)]) -> Vec<(u64, String)> {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut teller = ProgressReporter::start(TASK, form, Duration::from_secs(60), start);
        let mut said = Vec::new();
        for second in 0..seconds {
            let wait = waits
                .iter()
                .find(|(from, to, _)| (*from..*to).contains(&second));
            let snapshot = Snapshot {
                done: second * 10,
                total: 100_000,
                wait: wait.map(|(from, to, why)| Wait {
                    why: why.clone(),
                    since: at(*from),
                    until: Some(at(*to)),
                }),
                ..Snapshot::default()
            };
            said.extend(
                teller
                    .message(&snapshot, at(second))
                    .map(|text| (second, text)),
            );
        }
        said
    }

    #[test]
    fn a_log_gets_a_line_a_minute_and_none_in_the_first() {
        assert_eq!(said(ProgressKind::Lines, 60, &[]), []);
        let said = said(ProgressKind::Lines, 200, &[]);
        let seconds: Vec<u64> = said.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [60, 120, 180]);
        assert_eq!(
            said[0].1,
            "pkb-resolve: 600 of 100,000 rows (0%), 10/s, 2 h 45 min left"
        );
    }

    #[test]
    fn a_stage_without_a_line_tells_long_waits_once_and_when_they_are_over() {
        let waits = [
            (5, 8, Why::AskedBy("PKB")),
            (20, 50, Why::AskedBy("PKB")),
            (60, 100, Why::NoInput),
            // The same again soon: nothing new.
            (105, 115, Why::AskedBy("PKB")),
        ];
        assert_eq!(
            said(ProgressKind::Waits, 120, &waits),
            [
                (20, "pkb-resolve: waiting 30 s, asked by PKB".to_owned()),
                (50, "pkb-resolve: continues after 30 s".to_owned()),
            ]
        );
    }

    #[test]
    fn a_wait_of_hours_is_told_every_ten_minutes() {
        let waits = [(0, 3000, Why::Processing("batch-0001.csv".into()))];
        let seconds: Vec<u64> = said(ProgressKind::Waits, 2000, &waits)
            .iter()
            .map(|(second, _)| *second)
            .collect();
        assert_eq!(seconds, [0, 600, 1200, 1800]);
    }
}
