//! What the page is made of.

use maud::{Markup, html};

use crate::{
    figures::Figures,
    json::{PatientFileFigures, ReportFigures},
    tables::{Section, Table},
    words::counted,
};

/// What the page is made of.
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// What letters and text messages cost, in words, if that is known.
    pub cost: Option<String>,
    /// All figures.
    pub figures: &'a Figures,
    /// What became of the patients.
    pub headline: &'a Table,
    /// Everything else.
    pub sections: &'a [Section],
    /// The patient files.
    pub files: &'a [PatientFileFigures],
    /// Earlier reports.
    pub earlier: &'a [ReportFigures],
    /// Whether the time was fixed.
    pub is_time_fixed: bool,
}

/// `in patients.csv`, or how many files.
pub(super) fn in_files(files: &[PatientFileFigures]) -> Markup {
    html! {
        @match files {
            [one] => bdi { (one.file) },
            files => (counted(files.len() as u64, "patient file", "patient files")),
        }
    }
}
