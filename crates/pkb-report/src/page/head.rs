//! The top of the page: what it is about, how the campaign stands in words, numbers and one bar, and
//! what to do next.

use maud::{Markup, html};

use super::{
    content::{Page, in_files},
    table::Comparison,
    to_do::to_do,
};
use crate::{
    figures::{
        Figures,
        before_upload::Before,
        funnel::{End, Step},
    },
    tables::{Cell, TableRow, end_words, kept_sentence},
    words::{counted, moment, number, share},
};

pub(super) fn masthead(page: &Page<'_>) -> Markup {
    html! {
        p .eyebrow { "Mass registration for Patients Know Best" }
        h1 { (page.title) }
        p .soft {
            @if !page.files.is_empty() { (in_files(page.files)) ", as it stood on " }
            (moment(page.figures.now)) " (UK time)"
        }
        @if page.figures.of_rehearsal > 0 {
            p .note {
                strong { "REHEARSAL" } ". " (counted(page.figures.of_rehearsal, "record is", "records are"))
                " from a rehearsal. Nothing on this page is about a campaign, and nothing of it may be sent to a patient."
            }
        }
        @if page.is_time_fixed {
            p .note { "The time of this report was set by hand (PKB_FIXED_TIME): it is a rehearsal." }
        }
    }
}

/// How ends look in bar and legend: the class names both the pattern and its colour. Patterns differ, so
/// that no colour alone tells them apart.
fn look(end: End) -> &'static str {
    match end {
        End::Invited => "invited",
        End::Excluded => "excluded",
        End::ToFix => "to-mend",
        End::Failed => "failed",
        End::UnderWay => "under-way",
    }
}

/// The patterns of bar and legend.
pub(super) fn patterns() -> Markup {
    html! {
        svg .defs width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern #p-invited width="8" height="8" patternUnits="userSpaceOnUse" {
                    rect .invited width="8" height="8" {}
                }
                pattern #p-excluded width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect .ground width="7" height="7" {}
                    rect .excluded width="2.5" height="7" {}
                }
                pattern #p-to-mend width="8" height="8" patternUnits="userSpaceOnUse" {
                    rect .to-mend width="8" height="8" {}
                    circle .ground cx="4" cy="4" r="1.7" {}
                }
                pattern #p-failed width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect .failed width="7" height="7" {}
                    rect .ground width="1.5" height="7" {}
                    rect .ground width="7" height="1.5" {}
                }
                pattern #p-under-way width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect .ground width="6" height="6" {}
                    circle .under-way cx="3" cy="3" r="1.3" {}
                }
                pattern #p-missing width="8" height="8" patternUnits="userSpaceOnUse" {
                    rect .ground width="8" height="8" {}
                }
            }
        }
    }
}

pub(super) fn summary(page: &Page<'_>) -> Markup {
    let figures = page.figures;
    html! {
        div {
                        (warnings(page))
            p .intro { (joined(page)) }
            p .intro { (in_words(page)) }
            @if figures.rows() > 0 {
                (bar(figures))
                (tiles(page))
            }
            @if let Some(sentence) = kept_sentence(page.figures) {
                p { (sentence) }
            }
            @if let Some(cost) = &page.cost { p { (cost) } }
            (to_do(page))
        }
    }
}

/// What the reader must know before believing a number.
fn warnings(page: &Page<'_>) -> Markup {
    let figures = page.figures;
    let not_compared = figures.before_upload.rows(Before::NotCompared);
    let other_files = page.earlier.iter().filter(|earlier| {
        let names = |files: &[crate::json::PatientFileFigures]| -> Vec<String> {
            files.iter().map(|file| file.file.clone()).collect()
        };
        names(&earlier.patient_files) != names(page.files)
    });
    html! {
        @if figures.records() == 0 {
            p .warning { strong { "No record came." } " The stream was empty: the program before this one may have failed." }
        } @else if figures.missing() > 0 {
            p .warning {
                strong { "The stream is not complete." } " "
                (number(figures.missing())) " of " (counted(figures.rows(), "patient is", "patients are"))
                " missing: nothing is known about them here."
            }
        }
        @if figures.unreadable.lines > 0 {
            p .warning {
                strong { (counted(figures.unreadable.lines, "line", "lines")) " could not be read." } " The first: "
                (figures.unreadable.first.as_deref().unwrap_or_default()) "."
            }
        }
        @if figures.repeated > 0 {
            p .warning {
                strong { (counted(figures.repeated, "record", "records")) " came more than once." }
                " Each row is counted once, as it came first."
            }
        }
        @if not_compared > 0 {
            p .warning {
                strong { (counted(not_compared, "patient was", "patients were")) " uploaded without a comparison with PKB." }
                " If PKB had a different date of birth, that date was overwritten. The check after the upload could not notice this."
            }
        }
        @for earlier in other_files {
            p .warning {
                strong { "The report of " (earlier.when(figures.now)) " is about other patient files." }
                " What has changed since says little."
            }
        }
    }
}

fn in_words(page: &Page<'_>) -> Markup {
    let figures = page.figures;
    let (rows, invited) = (figures.rows(), figures.ended(End::Invited));
    let others = [
        (End::Excluded, "must not be invited", "must not be invited"),
        (
            End::ToFix,
            "has a mistake in the patient file",
            "have mistakes in the patient file",
        ),
        (End::Failed, "failed for now", "failed for now"),
        (End::UnderWay, "is still under way", "are still under way"),
    ];
    let others: Vec<String> = others
        .into_iter()
        .filter(|(end, _, _)| figures.ended(*end) > 0)
        .map(|(end, one, many)| counted(figures.ended(end), one, many))
        .collect();
    let may = figures.reached(Step::MayBeInvited);
    html! {
        @if rows == 0 {
            "There is nothing to report."
        } @else {
            strong { (number(invited)) } " of the " (counted(may, "patient who may be invited has", "patients who may be invited have"))
            " been invited (" (share(invited, may)) "). "
            "Of the " (counted(rows, "patient", "patients")) " in " (in_files(page.files))
            @if others.is_empty() { ", all may be invited." } @else { ", " (crate::words::list(&others)) "." }
        }
    }
}

/// What a board asks first.
fn joined(page: &Page<'_>) -> Markup {
    let uptake = page.figures.uptake.all;
    html! {
        @if page.figures.uptake.asked_last.is_some() {
            strong { (number(uptake.registered)) } " of " (counted(uptake.invited, "invited patient", "invited patients"))
            @if uptake.registered == 1 { " has joined" } @else { " have joined" }
            " (" (share(uptake.registered, uptake.invited)) ")."
            @if uptake.asked < uptake.invited { " PKB was asked about " (number(uptake.asked)) " of them." }
        } @else {
            "How many have joined: " strong { "not asked yet" } "."
        }
    }
}

/// What became of all patients, as one bar; the tiles after it are its legend and its table.
fn bar(figures: &Figures) -> Markup {
    let rows = figures.rows();
    let mut parts: Vec<(&str, &str, u64)> = End::ALL
        .map(|end| (look(end), end_words(end), figures.ended(end)))
        .into();
    parts.push(("missing", "Not in this stream", figures.missing()));
    parts.retain(|(_, _, count)| *count > 0);
    let words: Vec<String> = parts
        .iter()
        .map(|(_, words, count)| format!("{}: {}", words, share(*count, rows)))
        .collect();
    let percent = |count: u64| 100.0 * count as f64 / rows as f64;
    let mut start = 0.0;
    let places = parts.iter().map(|(look, _, count)| {
        let at = start;
        start += percent(*count);
        (*look, at, percent(*count))
    });
    html! {
        svg .stack role="img" aria-labelledby="stack-title stack-text" {
            title #stack-title { "What became of the patients" }
            desc #stack-text { (words.join(", ")) }
            @for (look, at, width) in places {
                rect x={ (format!("{at:.3}")) "%" } width={ (format!("{width:.3}")) "%" } height="100%"
                    fill={ "url(#p-" (look) ")" } {}
            }
        }
    }
}

fn tiles(page: &Page<'_>) -> Markup {
    let comparison = Comparison::new(page.earlier, page.figures.now);
    let is_shown = |row: &&TableRow| {
        let always = ["rows", "invited", "excluded", "to_mend", "failed"];
        always.contains(&row.key.as_str()) || !matches!(row.cells[1], Cell::Count(0))
    };
    html! {
        dl .tiles {
            @for row in page.headline.rows.iter().filter(is_shown) {
                div {
                    dt {
                        @if row.key != "rows" { (swatch(&row.key)) }
                        @if let Cell::Text(words) = &row.cells[0] { (words) }
                    }
                    @if let (Cell::Count(count), Cell::Share(part, whole)) = (&row.cells[1], &row.cells[2]) {
                        dd .figure { (number(*count)) }
                        @if row.key != "rows" { dd .soft { (share(*part, *whole)) } }
                    }
                    @for (changed, since) in comparison.changes(page.headline, row) {
                        dd .change { (changed) " " (since) }
                    }
                }
            }
        }
    }
}

fn swatch(key: &str) -> Markup {
    html! {
        svg .swatch aria-hidden="true" width="14" height="14" {
            rect width="14" height="14" fill={ "url(#p-" (key.replace('_', "-")) ")" } {}
        }
    }
}
