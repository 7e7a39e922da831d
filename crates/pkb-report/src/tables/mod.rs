//! Tables of the figures. A table is the one form from which the page, the CSV files, the JSON and the
//! comparison with an earlier report are made.

mod campaign;
mod codes;
mod letters;
mod people;
mod table;
mod time_line;

use crate::{args::ReportArgs, figures::Figures};

pub use campaign::{end_words, headline};
pub use codes::{Ending, SOON_DAYS, ending};
pub use table::{Cell, Column, ColumnKind, NamedRows, Section, Table, TableRow};

/// The whole report, as sections with tables.
#[must_use]
pub fn sections(figures: &Figures, args: &ReportArgs) -> Vec<Section> {
    let sections = [
        campaign::how_far(figures),
        campaign::outcomes(figures),
        codes::section(figures),
        people::uptake(figures, args),
        letters::section(figures),
        letters::notify(figures),
        people::addresses(figures, args),
        time_line::section(figures),
    ];
    sections.into_iter().flatten().collect()
}
