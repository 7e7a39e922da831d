//! Tables of the figures. A table is the one form from which the page, the CSV files, the JSON and the
//! comparison with an earlier report are made.

mod campaign;
mod codes;
mod kept;
mod letters;
mod people;
mod posted;
mod table;
mod time_line;

use crate::{args::ReportArgs, figures::Figures};

pub use campaign::{end_words, headline};
pub use codes::{Ending, SOON_DAYS, ending};
pub use kept::sentence as kept_sentence;
pub use table::{Cell, Column, ColumnKind, NamedRows, Reader, Section, Table, TableRow};

/// The whole report, as sections with tables.
#[must_use]
pub fn sections(figures: &Figures, args: &ReportArgs) -> Vec<Section> {
    let sections = [
        // For the board.
        campaign::how_far(figures),
        people::uptake(figures, args),
        kept::section(figures),
        // For the operator.
        campaign::outcomes(figures),
        campaign::files(figures),
        codes::section(figures),
        people::reminders(figures, args),
        letters::section(figures),
        posted::section(figures),
        letters::notify(figures),
        people::addresses(figures, args),
        time_line::section(figures),
    ];
    sections.into_iter().flatten().collect()
}
