//! Where and how a mark stands in a cell.

use serde::Deserialize;

use super::parts::CellPart;

/// `how` in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    #[default]
    Anywhere,
    Beside,
    Capitals,
    OneCase,
    Marked,
    Alone,
    Last,
    Behind,
    Dated,
    Glued,
    GluedBehind,
}

/// The beginnings of the names of months.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl How {
    /// Whether the mark of so many words that begins at place `at` of all words stands so.
    pub(super) fn fits(self, all: &[CellPart], at: usize, words: usize) -> bool {
        let end = at + words;
        let Some(found) = all.get(at..end) else {
            return false;
        };
        let is_alone = words == all.len();
        let each = |is: fn(&CellPart) -> bool| found.iter().all(is);
        match self {
            Self::Anywhere => true,
            Self::Beside => !is_alone,
            Self::Capitals => each(|part| part.is_capitals) || each(|part| part.is_marked),
            Self::OneCase => {
                let is_joined = all[at..].iter().take(words + 1).any(|part| part.is_joined);
                let one_case = each(|part| part.is_capitals) || each(|part| part.is_small);
                (!is_alone && one_case && !is_joined) || each(|part| part.is_marked)
            }
            Self::Marked => each(|part| part.is_marked),
            Self::Alone => is_alone,
            Self::Last => !is_alone && end == all.len(),
            Self::Behind => {
                let before = at.checked_sub(1).and_then(|before| all.get(before));
                end == all.len()
                    && before.is_some_and(|before| before.begins_capital)
                    && !found.iter().any(|part| part.is_joined)
            }
            Self::Dated => is_date(&all[end..]),
            // Not by whole words.
            Self::Glued | Self::GluedBehind => false,
        }
    }
}

/// Whether words begin with a year, or with at least two parts of a date: `2020`, `3 March`, `1/2/20`.
fn is_date(words: &[CellPart]) -> bool {
    let is_month = |part: &&CellPart| {
        let mut months = MONTHS.iter();
        part.word.len() >= 3 && months.any(|month| part.word.starts_with(month))
    };
    let is_part = |part: &&CellPart| part.is_number() || is_month(part);
    let date: Vec<&CellPart> = words.iter().take_while(is_part).take(3).collect();
    // A year, or a date whose full stops were left out.
    let is_year = |part: &CellPart| part.is_number() && (4..=8).contains(&part.word.len());
    let numbers = date.iter().filter(|part| part.is_number()).count();
    date.iter().any(|part| is_year(part)) || (date.len() > 1 && numbers > 0)
}
