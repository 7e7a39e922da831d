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
    /// All figures.
    pub figures: &'a Figures,
    /// How rows ended.
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
