//! The page: one file of HTML with its styles and pictures in it, and no script. Every text goes through
//! maud, which escapes it. Charts alone are put in as they are: they are made of our own words.

mod content;
mod head;
mod table;
mod to_do;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use content::Page;

use crate::{
    tables::{Reader, Section},
    words::{day, moment},
};

/// Nothing may be fetched from anywhere, whatever is in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
#[must_use]
pub fn page(page: &Page<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { @if page.figures.of_rehearsal > 0 { "REHEARSAL: " } (page.title) ", " (day(page.figures.today)) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                (head::patterns())
                header { (head::masthead(page)) }
                (contents(page.sections))
                main #content {
                    section .part aria-labelledby="board" {
                        h2 #board { "Summary" }
                        (head::summary(page))
                        (part(Reader::Board, page))
                    }
                    section .part aria-labelledby="operator" {
                        h2 #operator { "For the operator" }
                        p .lead { "Reasons, row numbers and files. A row number is that of a spreadsheet, where the header is row 1." }
                        (part(Reader::Operator, page))
                        (about(page))
                    }
                }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    let of = |reader| {
        sections
            .iter()
            .filter(move |section| section.reader == reader)
    };
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#board" { "Summary" } }
                @for section in of(Reader::Board) {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
            }
            ul {
                li { a href="#operator" { "For the operator" } }
                @for section in of(Reader::Operator) {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
                li { a href="#about" { "About this report" } }
            }
        }
    }
}

fn part(reader: Reader, page: &Page<'_>) -> Markup {
    let sections = page
        .sections
        .iter()
        .filter(|section| section.reader == reader);
    html! {
        @for section in sections { (self::section(section, page)) }
    }
}

fn section(section: &Section, page: &Page<'_>) -> Markup {
    let comparison = table::Comparison::new(page.earlier, page.figures.now);
    let shown = section
        .tables
        .iter()
        .filter(|table| !table.is_of_one_kind());
    let (narrow, wide): (Vec<_>, Vec<_>) = shown.partition(|table| table.narrow);
    html! {
        section aria-labelledby=(section.id) {
            h3 id=(section.id) { (section.title) }
            @for words in &section.lead { p .lead { (words) } }
            @if !narrow.is_empty() {
                div .side-by-side {
                    @for each in narrow { (table::table(each, &comparison)) }
                }
            }
            @for each in wide { (table::table(each, &comparison)) }
        }
    }
}

fn about(page: &Page<'_>) -> Markup {
    html! {
        section aria-labelledby="about" {
            h3 #about { "About this report" }
            p { "Every patient of the patient file is counted once, by what became of them. “Invited” means that there is a letter or a "
                "text message, and that nothing has stopped it since. “Not to be invited”, “To correct in the patient file” and “Failed "
                "for now” mean that the patient was stopped, for the reasons given. “Still under way” means that the next stage has not "
                "run. Shares are of all patients in the file, unless the heading says something else." }
            p { "Who has joined is what PKB said when it was last asked. PKB does not say when a patient joined, only that they have." }
            p { "Tables in which all are of one kind are left out here. They are in the files that --csv and --json write." }
            p { "The report holds no name, no number of a patient, no date of birth, no address and no code. Row numbers are those of "
                "the patient file in a spreadsheet, where the header is row 1." }
            p .soft { "Made by pkb report " (env!("CARGO_PKG_VERSION")) " on " (moment(page.figures.now)) ", UK time." }
        }
    }
}
