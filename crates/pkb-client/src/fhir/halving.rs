//! Finding the patients for whose sake PKB refuses a whole request.

use super::error::{BatchError, RequestRefusal};
use crate::error::CallError;
use pkb_core::Fatal;

/// So many patients refused by themselves, and none taken, are reason to doubt the request itself.
const SUSPICIOUS: usize = 8;

/// Asks `call` about `items`, at most `limit` together, and where it is refused, about each half, down to single items: one result for each item in their
/// order, `Err` for those only that are refused by themselves.
///
/// One guilty patient among 5,000 costs some 25 more requests. It is worth to keep patients of different identifier schemes in
/// different batches: PKB refuses a request with one scheme that it does not support.
///
/// If it is not the patients but every request of this kind that is refused, that would go on for twice as many requests as there
/// are patients. So once eight have been refused by themselves and nothing was ever taken, one patient from each part that is still
/// waiting is asked for by itself: parts double in size towards the end, so that a bad stretch at the beginning (as when the input
/// is sorted by scheme) is told from a bad kind of request. If one is taken, the search goes on; if none is, it ends. A batch
/// of eight or fewer has nothing left waiting to ask for, so its verdicts stay with the patients.
///
/// # Errors
/// Everything but a refusal, at once; [`Fatal::NotUnderstood`] or [`Fatal::Credentials`] if it is the request that is refused.
pub async fn halving<'a, I, T, F>(
    items: &'a [I],
    limit: usize,
    call: impl Fn(&'a [I]) -> F,
) -> Result<Vec<Result<T, RequestRefusal>>, CallError>
where
    F: Future<Output = Result<Vec<T>, BatchError>>,
{
    let mut results = Vec::with_capacity(items.len());
    let mut waiting: Vec<&[I]> = items.chunks(limit.max(1)).rev().collect();
    let mut is_any_taken = false;
    while let Some(batch) = waiting.pop() {
        match call(batch).await {
            Ok(answers) if answers.len() == batch.len() => {
                is_any_taken = true;
                results.extend(answers.into_iter().map(Ok));
            }
            Ok(_) => {
                let bug = "a batch has answers for a different number of patients".into();
                return Err(CallError::Fatal(Fatal::Bug(bug)));
            }
            Err(BatchError::Refused(_)) if batch.len() > 1 => {
                let (left, right) = batch.split_at(batch.len() / 2);
                waiting.extend([right, left]);
            }
            Err(BatchError::Refused(refusal)) => {
                results.push(Err(refusal));
                if !is_any_taken && results.len() >= SUSPICIOUS && !waiting.is_empty() {
                    is_any_taken = is_one_taken(&waiting, &call).await?;
                    if !is_any_taken {
                        return Err(CallError::Fatal(refused_alike(refusal)));
                    }
                }
            }
            Err(BatchError::Call(error)) => return Err(error),
        }
    }
    Ok(results)
}

/// Why a stage ends to which nobody is answered.
fn refused_alike(refusal: RequestRefusal) -> Fatal {
    match refusal {
        RequestRefusal::Status(status) => Fatal::NotUnderstood(format!(
            "PKB refused the request for all patients ({status}), also for one patient at a time. What to do: check the address of \
             PKB in your settings (pkb doctor). If the address is right, report this message"
        )),
        RequestRefusal::Code(code) => Fatal::Credentials(format!(
            "PKB refused every patient for the same reason: {code}. What to do: ask PKB whether the client in PKB_CLIENT_ID acts for the \
             organisation in PKB_ORG_ID, and whether that organisation may see these patients"
        )),
    }
}

/// Asks for the last item of each batch by itself, until one is taken. What is answered is asked for again in its turn.
async fn is_one_taken<'a, I, T, F>(
    batches: &[&'a [I]],
    call: impl Fn(&'a [I]) -> F,
) -> Result<bool, CallError>
where
    F: Future<Output = Result<Vec<T>, BatchError>>,
{
    for batch in batches {
        match call(&batch[batch.len().saturating_sub(1)..]).await {
            Ok(_) => return Ok(true),
            Err(BatchError::Refused(_)) => {}
            Err(BatchError::Call(error)) => return Err(error),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;
    use crate::response_code::ResponseCode;

    type Results = Result<Vec<Result<usize, RequestRefusal>>, CallError>;

    fn wait<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    }

    /// What comes of `count` items of which some are guilty, and how many calls that took.
    fn outcome(count: usize, is_guilty: impl Fn(usize) -> bool) -> (Results, usize) {
        let items: Vec<usize> = (0..count).collect();
        let calls = Cell::new(0);
        let call = |batch: &[usize]| {
            calls.set(calls.get() + 1);
            assert!(!batch.is_empty());
            let answer = if batch.iter().any(|item| is_guilty(*item)) {
                Err(BatchError::Refused(RequestRefusal::Status(422)))
            } else {
                Ok(batch.iter().map(|item| item * 2).collect())
            };
            std::future::ready(answer)
        };
        let results = wait(halving(&items, 5_000, call));
        (results, calls.get())
    }

    #[test]
    fn one_guilty_patient_among_five_thousand_costs_nobody_else_an_answer() {
        for guilty in [0, 2_499, 2_500, 4_999] {
            let (results, calls) = outcome(5_000, |item| item == guilty);
            for (item, result) in results.unwrap().into_iter().enumerate() {
                let expected = match item == guilty {
                    true => Err(RequestRefusal::Status(422)),
                    false => Ok(item * 2),
                };
                assert_eq!(result, expected);
            }
            assert!(calls <= 27, "{calls}");
        }
    }

    #[test]
    fn a_request_that_is_always_refused_ends_after_a_few_calls() {
        let (results, calls) = outcome(5_000, |_| true);
        let Err(CallError::Fatal(Fatal::NotUnderstood(message))) = results else {
            panic!("it did not end");
        };
        assert!(message.contains("422"));
        assert!(calls < 50, "{calls}");
    }

    #[test]
    fn eight_refused_patients_or_fewer_are_refused_one_by_one() {
        for count in 0..=8 {
            let (results, _) = outcome(count, |_| true);
            assert_eq!(
                results.unwrap().iter().filter(|it| it.is_err()).count(),
                count
            );
        }
        assert!(outcome(9, |_| true).0.is_err());
    }

    #[test]
    fn a_bad_stretch_at_the_beginning_is_not_taken_for_a_bad_kind_of_request() {
        for bad in [8, 9, 100, 2_000, 4_999] {
            let (results, _) = outcome(5_000, |item| item < bad);
            let results = results.unwrap();
            assert!(
                results
                    .iter()
                    .enumerate()
                    .all(|(item, it)| it.is_err() == (item < bad))
            );
        }
    }

    #[test]
    fn no_request_has_more_patients_than_pkb_takes() {
        let items: Vec<usize> = (0..23).collect();
        let sizes = std::cell::RefCell::new(Vec::new());
        let call = |batch: &[usize]| {
            sizes.borrow_mut().push(batch.len());
            std::future::ready(Ok(batch.to_vec()))
        };
        let results = wait(halving(&items, 10, call)).unwrap();
        let answered: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!((answered, sizes.into_inner()), (items, vec![10, 10, 3]));
    }

    #[test]
    fn a_word_about_every_patient_is_about_the_client() {
        let items = [0; 30];
        let call = |_: &[usize]| {
            let refusal = RequestRefusal::Code(ResponseCode::NoAssociation);
            std::future::ready(Err::<Vec<()>, _>(BatchError::Refused(refusal)))
        };
        match wait(halving(&items, 30, call)) {
            Err(CallError::Fatal(fatal @ Fatal::Credentials(_))) => {
                assert!(fatal.to_string().contains("NO_ASSOCIATION"), "{fatal}");
            }
            _ => panic!("it did not stop"),
        }
    }

    #[test]
    fn an_outage_is_passed_on_at_once() {
        let calls = Cell::new(0);
        let call = |_: &[u8]| {
            calls.set(calls.get() + 1);
            std::future::ready(Err::<Vec<()>, _>(BatchError::Call(CallError::Unanswered)))
        };
        let results = wait(halving(&[1; 9], 9, call));
        assert!(matches!(results, Err(CallError::Unanswered)));
        assert_eq!(calls.get(), 1);
    }

    proptest! {
        #[test]
        fn only_the_guilty_are_refused_and_all_others_are_answered_in_order(
            guilty in prop::collection::vec(prop::bool::weighted(0.3), 1..300),
        ) {
            match outcome(guilty.len(), |item| guilty[item]).0 {
                Ok(results) => {
                    prop_assert_eq!(results.len(), guilty.len());
                    for (item, result) in results.into_iter().enumerate() {
                        prop_assert_eq!(result.is_err(), guilty[item]);
                        prop_assert_eq!(result.unwrap_or(item * 2), item * 2);
                    }
                }
                Err(_) => prop_assert!(guilty[..8].iter().all(|it| *it)),
            }
        }
    }
}
