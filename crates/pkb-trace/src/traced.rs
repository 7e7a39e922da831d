//! A trace that has been answered, and what it does to a record.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use pkb_core::{
    Clock, Fatal, Record, StageName, Verdict,
    record::{Trace, TraceResult, Unknown},
    rows::FirstFew,
};

use pkb_patients::Amendment;

use crate::{
    addresses::use_address,
    decision::Decision,
    findings::Finding,
    key::{Key, is_asked_about},
    profile::Profile,
    response::Answers,
};

/// What is to be applied.
#[derive(Debug, Clone)]
pub struct TraceFiles {
    /// The files that the register returned.
    pub responses: Vec<PathBuf>,
    /// The key of the request's references; none for a list.
    pub key: Option<PathBuf>,
    /// Name or path of the layout.
    pub profile: String,
    /// When the register answered; by default when the oldest file was written.
    pub answered: Option<Timestamp>,
    /// Answers that are older are refused.
    pub max_age: std::time::Duration,
    /// Whether records get the register's address.
    pub use_address: bool,
}

/// The answers of a trace, ready to be applied.
pub struct Traced {
    answers: Answers,
    use_address: bool,
}

/// What was done to a record.
#[derive(Default)]
pub struct Applied {
    /// What the trace says; `None` if it says nothing of the patient.
    pub result: Option<TraceResult>,
    /// Whether the record is another one now.
    pub is_changed: bool,
    /// What the owner of the patient file should correct.
    pub finding: Option<Finding>,
    /// A row of the response that was not understood.
    pub fault: Option<String>,
}

impl Traced {
    /// Reads the responses.
    ///
    /// # Errors
    /// A file cannot be read or is not understood, or the answers are too old.
    pub fn read(files: &TraceFiles, clock: &Clock) -> Result<Self, Fatal> {
        let key = files.key.as_deref().map(Key::read).transpose()?;
        let profile = Profile::find(&files.profile)?;
        let answers = Answers::read(&files.responses, profile, key, files.answered)?;
        let age = clock.now().duration_since(answers.at());
        let max_age = SignedDuration::try_from(files.max_age).unwrap_or(SignedDuration::MAX);
        if age > max_age {
            return Err(Fatal::Refused(format!(
                "the answers of the trace are {} days old, more than --max-age-of-trace allows. Somebody may have died \
                 since. Trace the patients again: pkb trace request",
                age.as_hours() / 24
            )));
        }
        Ok(Self {
            answers,
            use_address: files.use_address,
        })
    }

    /// When the register answered.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.answers.at()
    }

    /// How many answers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// What is wrong with the rows of the responses, once it has been applied to all records.
    ///
    /// # Errors
    /// No answer is about anybody.
    pub fn faults(&self, is_partial: bool) -> Result<FirstFew, Fatal> {
        self.answers.faults(is_partial)
    }

    /// Writes into a record what the trace says of its patient.
    ///
    /// # Errors
    /// A response file cannot be read again, or has a code that nobody knows.
    pub fn apply(&self, record: &mut Record) -> Result<Applied, Fatal> {
        let about_everybody = self.answers.is_about_everybody();
        let Some(patient) = &record.patient else {
            return Ok(Applied::default());
        };
        if about_everybody && !is_asked_about(record) {
            return Ok(Applied::default());
        }
        let found = self.answers.about(patient)?;
        let decision = match &found {
            Some(found) => Decision::of(&found.answers, patient),
            None if about_everybody => Decision::no_answer(),
            None => return Ok(Applied::default()),
        };
        let result = decision.result();
        let answer = found.as_ref().and_then(|found| found.answers.first());
        let finding = answer.and_then(|answer| Finding::of(record, result, answer));
        let before = (record.trace.clone(), record.outcome.clone());
        let address_used = self.use_address
            && result == TraceResult::NewerAddress
            && answer
                .zip(record.patient.as_mut())
                .is_some_and(|(answer, patient)| use_address(answer, patient));
        record.trace = Some(Trace {
            result,
            at: self.answers.at(),
            file: found.as_ref().map(|found| found.file.to_owned()),
            address_used,
            unknown: record
                .trace
                .take()
                .map_or_else(Unknown::new, |trace| trace.unknown),
        });
        settle(
            record,
            verdict(&decision, found.as_ref().map(|found| found.file)),
        );
        Ok(Applied {
            result: Some(result),
            is_changed: address_used || (&record.trace, &record.outcome) != (&before.0, &before.1),
            finding,
            fault: decision.fault,
        })
    }
}

impl Amendment for Traced {
    fn amend(&self, record: &mut Record) -> Result<(), Fatal> {
        self.apply(record).map(|_| ())
    }
}

/// Why the patient is not written to, with the source.
fn verdict(decision: &Decision, file: Option<&str>) -> Option<Verdict> {
    let verdicts = decision.results.iter().filter_map(|(result, detail)| {
        let reason = result.reason()?;
        let words = match (file, detail) {
            (Some(file), Some(detail)) => format!("{detail} ({file})"),
            (Some(file), None) => format!("by {file}"),
            (None, detail) => detail.unwrap_or_default().to_owned(),
        };
        Some(Verdict::with_detail(reason, words))
    });
    Verdict::of_all(verdicts)
}

/// A newer response may lift what an earlier one said. What another stage has stopped for good stays so; anything that may pass gives
/// way to what the register says.
fn settle(record: &mut Record, verdict: Option<Verdict>) {
    let earlier = record
        .outcome
        .take()
        .filter(|outcome| outcome.stage != StageName::Trace);
    record.outcome = match (earlier, verdict) {
        (earlier, None) => earlier,
        (None, Some(verdict)) => Some(verdict.at(StageName::Trace)),
        (Some(mut earlier), Some(verdict)) if earlier.is_for_good() => {
            for reason in verdict.also.iter().copied().chain([verdict.reason]) {
                if reason != earlier.reason && !earlier.also.contains(&reason) {
                    earlier.also.push(reason);
                }
            }
            Some(earlier)
        }
        (Some(earlier), Some(mut verdict)) => {
            if earlier.reason != verdict.reason && !verdict.also.contains(&earlier.reason) {
                verdict.also.push(earlier.reason);
            }
            Some(verdict.at(StageName::Trace))
        }
    };
}
