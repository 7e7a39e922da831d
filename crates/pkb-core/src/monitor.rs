//! What happens while a stage works. The library notes it here and knows no terminal; whoever shows it
//! (progress, the summary, a test) looks whenever it wants to. There are counts and names of
//! servers in it, and no value of a patient.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::rehearsal::Origins;
use parking_lot::{Mutex, MutexGuard};

/// Waits that are shorter are not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(1);

/// Why nothing moves, the most telling first: of several the first is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody has stopped the stage, and calls under way may end.
    Stopping,
    /// The time of day has not come, such as 17:00.
    TimeOfDay(String),
    /// PKB works through the batch of this name.
    Processing(String),
    /// A server asked for a pause.
    AskedBy(&'static str),
    /// Nothing but failures: the last of them, such as `PKB answered 503`.
    Outage(String),
    /// The batch of this name was not answered, and so many of its patients are at PKB.
    Arriving {
        /// Its name.
        batch: String,
        /// How many.
        there: u64,
    },
    /// An access token is fetched.
    AccessToken,
    /// PKB is asked which patients it has: so many are still to be asked for.
    Comparing(u64),
    /// So many patients are not at PKB yet.
    Absent(u64),
    /// So many records are under way at GOV.UK Notify or NHS Notify.
    UnderWay(u64),
    /// So many answers of GOV.UK Notify were lost: it is asked a little later what became of them.
    LostAnswers(u64),
    /// A call failed and is made again: why it failed.
    Retry(String),
    /// No record comes in.
    NoInput,
}

impl Why {
    /// Whether both are of the same kind.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Something that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// For what.
    pub why: Why,
    /// Since when.
    pub since: Instant,
    /// Until when, where that is known.
    pub until: Option<Instant>,
}

impl Wait {
    /// Several of the same kind are one.
    fn join(&mut self, other: Self) {
        if let (Why::Absent(all), Why::Absent(more))
        | (Why::UnderWay(all), Why::UnderWay(more))
        | (Why::LostAnswers(all), Why::LostAnswers(more)) = (&mut self.why, other.why)
        {
            *all += more;
        }
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
    }

    /// How long it lasts, as far as that is known at `now`.
    pub fn length(&self, now: Instant) -> Duration {
        let end = self.until.map_or(now, |until| until.max(now));
        end.saturating_duration_since(self.since)
    }
}

/// How far a stage is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Rows that are done.
    pub done: u64,
    /// Rows that there are, as far as is known.
    pub total: u64,
    /// Rows that this run has saved in its journal.
    pub saved: u64,
    /// Calls that were made again.
    pub retries: u64,
    /// Answers about a patient that did not say which.
    pub unnamed_answers: u64,
    /// How long something was waited for, each moment counted once.
    pub waited: Duration,
    /// What is waited for now.
    pub wait: Option<Wait>,
    /// What the operator should know when the run has ended, a sentence each.
    pub notes: Vec<String>,
}

/// The notes; shared by all that work for one stage.
#[derive(Debug, Default)]
pub struct Monitor {
    notes: Mutex<Notes>,
    origins: Origins,
}

#[derive(Debug, Default)]
struct Notes {
    done: u64,
    total: u64,
    saved: u64,
    retries: u64,
    unnamed_answers: u64,
    /// By number, from which a [`Waiting`] knows its own.
    waits: BTreeMap<u64, Wait>,
    waits_begun: u64,
    outage: Option<(Instant, String)>,
    no_input_since: Option<Instant>,
    stopping_since: Option<Instant>,
    remarks: Vec<String>,
    /// Waits that have ended, and since when there is one now.
    waited: Duration,
    waiting_since: Option<Instant>,
}

impl Monitor {
    /// What tells whether the run is a rehearsal.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// One more row is in the journal.
    pub fn saved(&self) {
        self.notes.lock().saved += 1;
    }

    /// So many rows are done, of so many that are known of.
    pub fn rows(&self, done: u64, total: u64) {
        let mut notes = self.notes();
        (notes.done, notes.total) = (done, total);
    }

    /// A call is made again.
    pub fn retried(&self) {
        self.notes().retries += 1;
    }

    /// An answer about a patient did not say which patient it is about.
    pub fn unnamed_answer(&self) {
        self.notes().unnamed_answers += 1;
    }

    /// Something that the summary should say: a sentence without its full stop, and without a value of a patient.
    pub fn note(&self, sentence: String) {
        self.notes().remarks.push(sentence);
    }

    /// Something is waited for as long as the answer lives, about until `until` if that is known.
    pub fn wait(&self, why: Why, until: Option<Instant>) -> Waiting<'_> {
        let mut notes = self.notes();
        let now = Instant::now();
        notes.waits_begun += 1;
        let number = notes.waits_begun;
        let wait = Wait {
            why,
            since: now,
            until,
        };
        notes.waits.insert(number, wait);
        notes.waiting_since.get_or_insert(now);
        Waiting {
            monitor: self,
            number,
        }
    }

    /// How many things are waited for now. What is waited for can be stopped; a call is none of them.
    pub(crate) fn waits(&self) -> usize {
        self.notes().waits.len()
    }

    /// Since `since` there were nothing but failures; `cause` is the last.
    pub fn outage(&self, since: Instant, cause: &str) {
        self.notes().outage = Some((since, cause.to_owned()));
    }

    /// A proper answer came.
    pub fn answered(&self) {
        self.notes().outage = None;
    }

    /// Nothing is there to be worked on since `since`; `None` if there is.
    pub fn no_input(&self, since: Option<Instant>) {
        self.notes().no_input_since = since;
    }

    /// Whether somebody has stopped the stage: work that only waits may end.
    pub fn is_stopping(&self) -> bool {
        self.notes().stopping_since.is_some()
    }

    /// Somebody has stopped the stage.
    pub(crate) fn stopping(&self) {
        let mut notes = self.notes();
        notes.stopping_since.get_or_insert_with(Instant::now);
    }

    /// How far the stage is at `now`.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let notes = self.notes();
        let waiting = notes
            .waiting_since
            .map(|since| now.saturating_duration_since(since));
        Snapshot {
            done: notes.done,
            total: notes.total,
            saved: notes.saved,
            retries: notes.retries,
            unnamed_answers: notes.unnamed_answers,
            waited: notes.waited + waiting.unwrap_or_default(),
            wait: notes.most_telling(now),
            notes: notes.remarks.clone(),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock()
    }
}

impl Notes {
    fn most_telling(&self, now: Instant) -> Option<Wait> {
        let plain = |why, since: &Instant| Wait {
            why,
            since: *since,
            until: None,
        };
        let outage = self.outage.as_ref();
        let others = [
            self.stopping_since
                .as_ref()
                .map(|since| plain(Why::Stopping, since)),
            outage.map(|(since, cause)| plain(Why::Outage(cause.clone()), since)),
            self.no_input_since
                .as_ref()
                .map(|since| plain(Why::NoInput, since)),
        ];
        let mut shown: Option<Wait> = None;
        let waits = self
            .waits
            .values()
            .cloned()
            .chain(others.into_iter().flatten());
        for wait in
            waits.filter(|wait| wait.why == Why::Stopping || wait.length(now) >= WORTH_A_WORD)
        {
            match &mut shown {
                Some(first) if first.why.is_like(&wait.why) => first.join(wait),
                Some(first) if first.why < wait.why => {}
                _ => shown = Some(wait),
            }
        }
        shown
    }
}

/// Something is waited for until this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Waiting<'m> {
    monitor: &'m Monitor,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut notes = self.monitor.notes();
        notes.waits.remove(&self.number);
        if notes.waits.is_empty()
            && let Some(since) = notes.waiting_since.take()
        {
            notes.waited += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_seconds(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    fn shown(monitor: &Monitor, now: Instant) -> Option<Why> {
        monitor.snapshot(now).wait.map(|wait| wait.why)
    }

    #[test]
    fn of_several_waits_the_most_telling_is_shown_and_nothing_after_the_last() {
        let monitor = Monitor::default();
        let retry = monitor.wait(Why::Retry("PKB answered 503".into()), Some(in_seconds(9)));
        let asked = monitor.wait(Why::AskedBy("PKB"), Some(in_seconds(30)));
        let now = Instant::now();
        assert_eq!(shown(&monitor, now), Some(Why::AskedBy("PKB")));
        drop(asked);
        assert_eq!(
            shown(&monitor, now),
            Some(Why::Retry("PKB answered 503".into()))
        );
        drop(retry);
        assert_eq!(shown(&monitor, now), None);
    }

    #[test]
    fn waits_of_a_kind_are_one_that_ends_with_the_last() {
        let monitor = Monitor::default();
        let (early, late) = (in_seconds(5), in_seconds(50));
        let _first = monitor.wait(Why::Absent(3), Some(late));
        let _second = monitor.wait(Why::Absent(4), Some(early));
        let wait = monitor.snapshot(Instant::now()).wait.unwrap();
        assert_eq!((wait.why, wait.until), (Why::Absent(7), Some(late)));
    }

    #[test]
    fn a_short_wait_is_not_worth_a_word_before_it_has_become_a_long_one() {
        let monitor = Monitor::default();
        let _token = monitor.wait(Why::AccessToken, None);
        let soon = Instant::now() + Duration::from_millis(300);
        let _retry = monitor.wait(Why::Retry("no connection".into()), Some(soon));
        assert_eq!(shown(&monitor, Instant::now()), None);
        assert_eq!(shown(&monitor, in_seconds(2)), Some(Why::AccessToken));
    }

    #[test]
    fn nothing_but_failures_is_an_outage_until_an_answer_comes() {
        let monitor = Monitor::default();
        monitor.outage(Instant::now(), "no connection");
        monitor.outage(Instant::now(), "PKB answered 503");
        let outage = Some(Why::Outage("PKB answered 503".into()));
        assert_eq!(shown(&monitor, in_seconds(3)), outage);
        monitor.answered();
        assert_eq!(shown(&monitor, in_seconds(3)), None);
    }

    #[test]
    fn time_in_which_several_wait_counts_once() {
        let monitor = Monitor::default();
        let waits: Vec<Waiting> = (0..20)
            .map(|_| monitor.wait(Why::AccessToken, None))
            .collect();
        let later = in_seconds(10);
        let waited = monitor.snapshot(later).waited;
        assert!(waited >= Duration::from_secs(9) && waited <= Duration::from_secs(11));
        drop(waits);
        assert!(
            monitor.snapshot(later).waited < Duration::from_secs(9),
            "it has ended"
        );
    }
}
