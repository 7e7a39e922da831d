//! What is to be done.

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
            h3 { "What is to be done" }
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
            p { "Nothing is to be done: every row is settled." }
        }
    }
}

/// All that there may be: how many ask for it, the section about it, and the words.
fn things(figures: &Figures) -> [(u64, &'static str, String); 7] {
    let Ending { over, soon } = ending(figures);
    let due = figures.uptake.due.len();
    let stopped = figures.stopped_since.len();
    let ended = |end| figures.ended(end);
    let rows = |count| counted(count, "row", "rows");
    let patients = |count| counted(count, "patient", "patients");
    [
        (
            stopped,
            "outcomes",
            format!(
                "Keep the letters and texts of {} from going out, if they have not gone: these patients were stopped after they were made.",
                patients(stopped)
            ),
        ),
        (
            over,
            "codes",
            format!(
                "Fetch new codes for {}: theirs have ended (pkb-tokens --reissue).",
                patients(over)
            ),
        ),
        (
            soon,
            "codes",
            format!(
                "Expect questions: the codes of {} end within {SOON_DAYS} days.",
                patients(soon)
            ),
        ),
        (
            ended(End::Failed),
            "outcomes",
            format!(
                "Run the stages again for {} that failed for now.",
                rows(ended(End::Failed))
            ),
        ),
        (
            ended(End::ToFix),
            "outcomes",
            format!(
                "Mend {} in the patient file, and run the campaign again.",
                rows(ended(End::ToFix))
            ),
        ),
        (
            ended(End::UnderWay),
            "steps",
            format!(
                "Run the next stage: {} still under way.",
                counted(ended(End::UnderWay), "row is", "rows are")
            ),
        ),
        (
            due,
            "uptake",
            format!(
                "Remind {} who were invited long ago and are not known to have registered.",
                patients(due)
            ),
        ),
    ]
}
