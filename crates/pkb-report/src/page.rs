//! The page: one file of HTML with its styles and pictures in it, and no script. Every text goes through
//! maud, which escapes it. Charts alone are put in as they are: they are made of our own words.

mod content;
mod head;
mod table;
mod to_do;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use content::Page;

use crate::{
    tables::Section,
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
                title { @if page.figures.of_rehearsal > 0 { "REHEARSAL: " } "Campaign report, " (day(page.figures.today)) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                (head::patterns())
                header { (head::masthead(page)) }
                (contents(page.sections))
                main #content {
                    (head::summary(page))
                    @for section in page.sections { (self::section(section, page)) }
                    (about(page))
                }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for section in sections {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
                li { a href="#about" { "About this report" } }
            }
        }
    }
}

fn section(section: &Section, page: &Page<'_>) -> Markup {
    let comparison = table::Comparison::new(page.earlier, page.figures.now);
    let (narrow, wide): (Vec<_>, Vec<_>) = section.tables.iter().partition(|table| table.narrow);
    html! {
        section aria-labelledby=(section.id) {
            h2 id=(section.id) { (section.title) }
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
            h2 #about { "About this report" }
            p { "Every row of the patient file is counted once, by what became of it: “Invited” has a letter or a text and nothing "
                "that stopped it since; “Not to be invited”, “To be mended” and “Failed for now” were stopped, for the reasons given; "
                "“Still under way” waits for the next stage. Shares are of all rows, unless the heading says otherwise." }
            p { "Who has registered is what PKB said when it was asked last. PKB does not say when a patient registered, only that it "
                "was before." }
            p { "The report holds no name, no number of a patient, no date of birth, no address and no code. Row numbers are those of "
                "the patient file in a spreadsheet, where the header is row 1." }
            p .soft { "Made by pkb report " (env!("CARGO_PKG_VERSION")) " on " (moment(page.figures.now)) ", UK time." }
        }
    }
}
