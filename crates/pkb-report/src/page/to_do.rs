//! What to do next.

use maud::{Markup, html};

use super::content::Page;
use crate::{
    figures::{Figures, funnel::End},
    tables::{Ending, SOON_DAYS, ending},
    words::counted,
};

/// What asks for somebody to do something, the most pressing first.
pub(super) fn to_do(page: &Page<'_>) -> Markup {
    let figures = page.figures;
    let things: Vec<_> = things(figures)
        .into_iter()
        .filter(|(count, _, _)| *count > 0)
        .collect();
    html! {
        @if !things.is_empty() {
            h3 { "What to do next" }
            ul .to-do {
                @for (_, section, words) in things {
                    li {
                        (words) " "
                        @for to in page.sections.iter().filter(|to| to.id == section) {
                            a href={ "#" (to.id) } { (to.title) }
                        }
                    }
                }
            }
        } @else if figures.records() > 0 {
            p { "Nothing to do." }
        }
    }
}

/// All that there may be: how many ask for it, the section about it, and the words.
fn things(figures: &Figures) -> [(u64, &'static str, String); 11] {
    let Ending { over, soon } = ending(figures);
    let due = figures.uptake.due.len();
    let stopped = figures.stopped_since.len();
    let ended = |end| figures.ended(end);
    let (no_word, returned) = (figures.posted.no_word.len(), figures.posted.returned.len());
    let too_late = figures.posted.too_late.len();
    let patients = |count| counted(count, "patient", "patients");
    [
        (
            stopped,
            "outcomes",
            format!(
                "Keep back the letters and text messages of {}: these patients were stopped after they were made.",
                patients(stopped)
            ),
        ),
        (
            no_word,
            "posted",
            format!(
                "Ask the mail company about the letters of {}: nobody has said that they were dispatched.",
                patients(no_word)
            ),
        ),
        (
            too_late,
            "posted",
            format!(
                "Fetch new codes for {}: their codes expire before the letters can arrive.",
                patients(too_late)
            ),
        ),
        (
            returned,
            "posted",
            format!("Trace {} whose letters came back.", patients(returned)),
        ),
        (
            over,
            "codes",
            format!(
                "Fetch new codes for {}: their codes have expired.",
                patients(over)
            ),
        ),
        (
            soon,
            "codes",
            format!(
                "Expect questions: the codes of {} expire within {SOON_DAYS} days.",
                patients(soon)
            ),
        ),
        (
            ended(End::Failed),
            "outcomes",
            format!(
                "Run the same stages again for {} that failed for now.",
                patients(ended(End::Failed))
            ),
        ),
        (
            ended(End::ToFix),
            "outcomes",
            format!(
                "Correct {} in the patient file, and run the campaign again.",
                patients(ended(End::ToFix))
            ),
        ),
        (
            ended(End::UnderWay),
            "steps",
            format!(
                "Run the next stage: {} still under way.",
                counted(ended(End::UnderWay), "patient is", "patients are")
            ),
        ),
        (
            if figures.uptake.asked_last.is_none() {
                figures.uptake.all.invited
            } else {
                0
            },
            "reminders",
            "Ask PKB who has joined.".to_owned(),
        ),
        (
            due,
            "reminders",
            format!(
                "Remind {} who were invited long ago and are not known to have joined.",
                patients(due)
            ),
        ),
    ]
}
