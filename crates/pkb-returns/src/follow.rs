//! What a report does to a delivery. The same report twice changes nothing.

use pkb_core::record::{Delivery, PrintStatus, ReturnReason};

use crate::event::{Event, Letter};
use crate::reports::{At, Reports};

/// What is odd about the reports of a letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Odd {
    /// It went back a step, or on from an end.
    StepBack { from: PrintStatus, to: PrintStatus },
    /// It came back and was never handed to the post.
    NeverDispatched,
    /// It has more or fewer sheets than its pages need.
    Sheets,
    /// It was handed to the post more than once.
    DispatchedAgain,
}

impl Odd {
    /// What is wrong, for the operator.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::StepBack { from, to } => format!(
                "the letter was {} before, and is {} now",
                from.as_str(),
                to.as_str()
            ),
            Self::NeverDispatched => {
                "the letter came back, and no report says that it was dispatched".into()
            }
            Self::Sheets => {
                "the letter has a different number of sheets than its pages need".into()
            }
            Self::DispatchedAgain => {
                "the letter was dispatched more than once: the patient may have two".into()
            }
        }
    }
}

/// How a report can name a delivery.
fn names_of(delivery: &Delivery) -> impl Iterator<Item = Letter> + '_ {
    let reference = delivery.reference.iter().map(Letter::of_reference);
    let sequence = delivery
        .sequence
        .iter()
        .map(|number| Letter::Sequence(*number));
    let ids = delivery
        .dispatches
        .iter()
        .filter_map(|sent| sent.id.as_ref());
    reference
        .chain(sequence)
        .chain(ids.map(Letter::of_notification))
}

/// Notes in a delivery what the reports say of it. Returns whether that has changed it, and hands `see` all that is odd.
pub fn follow(
    delivery: &mut Delivery,
    reports: &Reports,
    mut see: impl FnMut(Odd, At<'_>),
) -> bool {
    let mut events: Vec<(Event, At<'_>)> = names_of(delivery)
        .flat_map(|name| reports.of(&name))
        .collect();
    if events.is_empty() {
        return false;
    }
    let before = delivery.clone();
    events.sort_by_key(|(event, at)| (event.at, event.status, at.row));
    let (was_at, was_dispatched) = (delivery.status_at, !delivery.dispatched_at.is_empty());
    for (event, at) in &events {
        note_dispatch(delivery, *event, *at, &mut see);
        // What is older than the last report is known, or was left out then.
        let is_older = was_at.is_some_and(|was| event.at <= was);
        match delivery.status {
            Some(status) if status == event.status => {
                if delivery.returned_because.is_none() {
                    delivery.returned_because = event.reason;
                }
            }
            Some(_) if is_older => {}
            Some(status) if !status.can_become(event.status) => {
                let to = event.status;
                see(Odd::StepBack { from: status, to }, *at);
            }
            _ => advance(delivery, *event),
        }
        if event.sheets.is_some_and(|sheets| !fits(delivery, sheets)) {
            see(Odd::Sheets, *at);
        }
    }
    let came_back = events
        .iter()
        .find(|(event, _)| event.status == PrintStatus::Returned);
    if let Some((_, at)) = came_back
        && delivery.dispatched_at.is_empty()
        && delivery.dispatches.is_empty()
        && !was_dispatched
    {
        see(Odd::NeverDispatched, *at);
    }
    *delivery != before
}

fn note_dispatch(
    delivery: &mut Delivery,
    event: Event,
    at: At<'_>,
    see: &mut impl FnMut(Odd, At<'_>),
) {
    if event.status != PrintStatus::Dispatched {
        return;
    }
    if !delivery.dispatched_at.contains(&event.at) {
        delivery.dispatched_at.push(event.at);
        delivery.dispatched_at.sort_unstable();
    }
    if delivery.dispatched_at.first() != Some(&event.at) {
        see(Odd::DispatchedAgain, at);
    }
}

fn advance(delivery: &mut Delivery, event: Event) {
    delivery.status = Some(event.status);
    delivery.status_at = Some(event.at);
    if event.status == PrintStatus::Returned {
        delivery.returned_because = event.reason.or(Some(ReturnReason::NoReasonGiven));
    }
}

/// Whether so many sheets can have the letter's pages, printed on one side or on both.
fn fits(delivery: &Delivery, sheets: u32) -> bool {
    let Some((first, last)) = delivery.pages else {
        return true;
    };
    let pages = (last + 1).saturating_sub(first);
    u64::from(sheets) == pages || u64::from(sheets) == pages.div_ceil(2)
}
