//! How many calls to PKB a run makes, said before the first, and how long they take, said after some of them. PKB wants one call after
//! another, so that many patients can take hours.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::tell;
use crate::args::{PkbArgs, StreamArgs};
use pkb_client::call_watch::{CallWatch, FIRST_CALLS};
use pkb_core::{
    figures::{grouped, in_words},
    pipeline::Records,
    rows::counted,
};

/// How a stage asks PKB.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Name of the program.
    pub program: &'static str,
    /// Patients that one call is about.
    pub patients_a_call: usize,
    /// Where one call is about one patient: how many it would be about with `--api fhir`.
    pub with_fhir: Option<usize>,
}

/// Says once how many calls a run makes, and how long that takes.
#[derive(Debug)]
pub struct CallsNote {
    asking: Asking,
    watch: Arc<CallWatch>,
    is_quiet: bool,
    is_told: AtomicBool,
}

impl CallsNote {
    /// Nothing is said yet; with `is_quiet` nothing ever is.
    pub fn new(asking: Asking, watch: &Arc<CallWatch>, is_quiet: bool) -> Self {
        Self {
            asking,
            watch: Arc::clone(watch),
            is_quiet,
            is_told: AtomicBool::new(false),
        }
    }

    /// For a stage that reads a stream. How many patients a part of a stream has, nobody knows.
    pub fn of_stream(asking: Asking, pkb: &PkbArgs, stream: &StreamArgs) -> Self {
        let is_quiet = stream.progress.quiet || stream.partial;
        Self::new(asking, pkb.calls(), is_quiet)
    }

    /// The same as [`Self::tell`] for the patients of a stream of which one batch has these `records`.
    pub fn tell_of_stream(&self, records: &Records) {
        let first = records.get(0).ok();
        self.tell(first.map(|record| record.row.of));
    }

    /// PKB is about to be asked about `patients` at most, if that is known. A few calls are over before anybody has read about them.
    pub fn tell(&self, patients: Option<u64>) {
        if self.is_quiet || self.is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(patients) = patients else {
            return;
        };
        if self.asking.calls(patients) <= u64::from(FIRST_CALLS) {
            return;
        }
        tell(self.asking.before(patients));
        let asking = self.asking;
        let told = move |each| tell(asking.after(patients, each));
        self.watch.tell_after_first_calls(told);
    }
}

impl Asking {
    fn calls(self, patients: u64) -> u64 {
        patients.div_ceil(self.patients_a_call.max(1) as u64)
    }

    fn before(self, patients: u64) -> String {
        let calls = grouped(self.calls(patients));
        let (program, fhir) = (self.program, self.instead(patients));
        let each = match self.patients_a_call {
            1 => "one for each patient".to_owned(),
            many => format!("one for {}", counted(many as u64, "patient", "patients")),
        };
        format!("{program}: note: up to {calls} calls to PKB, {each}{fhir}")
    }

    /// `each` is how long a call takes.
    fn after(self, patients: u64, each: Duration) -> String {
        let calls = self.calls(patients);
        let all = in_words(each.saturating_mul(u32::try_from(calls).unwrap_or(u32::MAX)));
        let (program, fhir) = (self.program, self.instead(patients));
        let (patients, seconds) = (counted(patients, "patient", "patients"), seconds(each));
        let how = match self.patients_a_call {
            1 => "one by one".to_owned(),
            _ => format!("in {} calls", grouped(calls)),
        };
        format!(
            "{program}: note: asking PKB about {patients} {how} takes about {all} ({seconds} s for each call){fhir}"
        )
    }

    fn instead(self, patients: u64) -> String {
        self.with_fhir.map_or_else(String::new, |with_fhir| {
            match patients.div_ceil(with_fhir.max(1) as u64) {
                1 => ". With --api fhir it takes 1 call".to_owned(),
                calls => format!(". With --api fhir it takes {} calls", grouped(calls)),
            }
        })
    }
}

/// With one digit that says something.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 10.0 => format!("{seconds:.0}"),
        seconds if seconds >= 0.1 => format!("{seconds:.1}"),
        seconds if seconds >= 0.01 => format!("{seconds:.2}"),
        seconds => format!("{seconds:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Asking = Asking {
        program: "pkb-resolve",
        patients_a_call: 1,
        with_fhir: Some(5_000),
    };
    const FHIR: Asking = Asking {
        program: "pkb-tokens",
        patients_a_call: 500,
        with_fhir: None,
    };

    #[test]
    fn calls_are_said_before_they_are_made_and_how_long_they_take_after_the_first() {
        let each = Duration::from_millis(300);
        assert_eq!(
            [REST.before(50_000), REST.after(50_000, each)],
            [
                "pkb-resolve: note: up to 50,000 calls to PKB, one for each patient. With --api fhir it takes 10 calls",
                "pkb-resolve: note: asking PKB about 50,000 patients one by one takes about 4 h 10 min (0.3 s for each call). With --api fhir it takes 10 calls",
            ]
        );
        assert_eq!(
            [FHIR.before(50_000), FHIR.after(50_000, each * 10)],
            [
                "pkb-tokens: note: up to 100 calls to PKB, one for 500 patients",
                "pkb-tokens: note: asking PKB about 50,000 patients in 100 calls takes about 5 min (3.0 s for each call)",
            ]
        );
        assert!(
            REST.before(4_000)
                .ends_with(". With --api fhir it takes 1 call")
        );
    }

    #[test]
    fn a_short_time_keeps_a_digit() {
        let seconds = |ms| seconds(Duration::from_micros(ms * 1_000_u64));
        assert_eq!(
            [
                seconds(4),
                seconds(42),
                seconds(420),
                seconds(4_200),
                seconds(42_000)
            ],
            ["0.004", "0.04", "0.4", "4.2", "42"]
        );
    }
}
