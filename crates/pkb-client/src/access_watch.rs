//! Whether PKB shows this client nearly nobody: that is about the client, and not about the patients. For questions after the upload:
//! before it, patients may all have records of other organisations.

use parking_lot::Mutex;
use pkb_core::{Fatal, Kind, Reason, Verdict};

/// Fewer patients than this prove nothing.
const ENOUGH: u64 = 20;
/// This many of 100 are nearly all.
const NEARLY_ALL_PERCENT: u64 = 95;

/// How many patients PKB has answered about, and how many of them it does not let us see.
#[derive(Debug, Default)]
pub struct AccessWatch(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    answered: u64,
    no_access: u64,
}

impl AccessWatch {
    /// Counts answers about patients, in their order. Failures say nothing about access.
    ///
    /// # Errors
    /// At least 20 patients were asked for in this run, and 95 of 100 of them we may not see.
    pub fn note<'a, T: 'a>(
        &self,
        answers: impl IntoIterator<Item = &'a Result<T, Verdict>>,
    ) -> Result<(), Fatal> {
        let mut counts = self.0.lock();
        for answer in answers {
            match answer {
                Err(verdict) if verdict.reason.kind() == Kind::Failed => continue,
                Err(verdict) if verdict.reason == Reason::NoAccess => counts.no_access += 1,
                _ => {}
            }
            counts.answered += 1;
        }
        let Counts {
            answered,
            no_access,
        } = *counts;
        if answered < ENOUGH || no_access * 100 < answered * NEARLY_ALL_PERCENT {
            return Ok(());
        }
        Err(Fatal::Credentials(format!(
            "PKB lets this client see nearly nobody: no access to {no_access} of {answered} patients. What to do: ask PKB \
             whether the client in PKB_CLIENT_ID acts for the organisation that uploaded these patients. Ask also whether \
             this client may read their records and make codes. Then run the same command again"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(batches: &[&[Reason]]) -> Vec<bool> {
        let watch = AccessWatch::default();
        let note = |batch: &&[Reason]| {
            let answers: Vec<Result<(), Verdict>> = batch
                .iter()
                .map(|reason| match reason {
                    // Stands for an answer.
                    Reason::AlreadyInvited => Ok(()),
                    reason => Err((*reason).into()),
                })
                .collect();
            watch.note(&answers).is_err()
        };
        batches.iter().map(note).collect()
    }

    #[test]
    fn the_twentieth_patient_without_access_stops_and_the_nineteenth_does_not() {
        let no = &[Reason::NoAccess][..];
        let stopped = watch(&[no; 20]);
        assert_eq!(stopped.iter().position(|stops| *stops), Some(19));
        assert_eq!(watch(&[&[Reason::NoAccess; 19]]), [false]);
    }

    #[test]
    fn one_in_twenty_who_can_be_seen_still_stops_and_two_do_not() {
        let seen = Reason::AlreadyInvited;
        let mixed = |seen_ones| {
            let mut all = [Reason::NoAccess; 20];
            all[..seen_ones].fill(seen);
            watch(&[&all])
        };
        assert_eq!([mixed(1), mixed(2)], [[true], [false]]);
    }

    #[test]
    fn failures_say_nothing_and_patients_that_pkb_does_not_have_count_as_seen() {
        assert_eq!(
            watch(&[&[Reason::Unavailable; 50], &[Reason::NotFound; 50]]),
            [false, false]
        );
        assert_eq!(
            watch(&[&[Reason::NotFound; 2], &[Reason::NoAccess; 20]]),
            [false, false]
        );
    }
}
