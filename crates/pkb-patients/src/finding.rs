//! What is found wrong or odd in a row.

use std::fmt;

use pkb_core::Reason;
use pkb_values::Problem;

use crate::{
    columns::{Columns, Field},
    not_a_patient::NotAPatient,
};
use pkb_table::CellType;

/// Something wrong or odd in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the row.
    pub place: FindingPlace,
    /// What it is.
    pub fault: Fault,
    /// What becomes of the row for it.
    pub severity: Severity,
}

/// Where in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingPlace {
    /// The row as a whole.
    Row,
    /// The cell, or the three cells, of a field.
    Field(Field),
    /// The cells of the address.
    Address,
    /// A cell of a column that has no field.
    Column(usize),
}

/// What is wrong or odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A value breaks a rule.
    Value(Problem),
    /// A value that is not understood, in a column that decides whether a patient may be written to.
    NotUnderstood {
        /// What is said of it.
        problem: Problem,
        /// The value, or its form if it may be of a person.
        shown: String,
    },
    /// The spreadsheet has made something else of a text.
    Typed(CellType),
    /// More or fewer cells than the header.
    Ragged {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header.
        header: usize,
    },
    /// Text follows the quotation mark that closes a cell.
    TextAfterQuote,
    /// Line breaks in cells of a text file.
    LineBreaks,
    /// Line breaks, and as many separators as a row has.
    LikeARow,
    /// The row is not a patient.
    NotAPatient(NotAPatient),
    /// The same number stands in other rows that say something else.
    Differing(OtherRows),
    /// The row says the same as an earlier one.
    Repeated(u32),
    /// The e-mail address stands in other patients' rows, too.
    SharedEmail(OtherRows),
    /// Name, date of birth and post code stand in other rows under other numbers.
    SamePerson(OtherRows),
    /// The same, and one of those rows says that the person has died.
    SamePersonDied(OtherRows),
}

/// What becomes of a row for a finding, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The row is not uploaded: the patient must not be invited.
    Excluded(Reason),
    /// The row is not uploaded.
    Rejected(Reason),
    /// The row is not uploaded because another one stands for it.
    Merged,
    /// The record is created, but no letter can go to the address.
    NoLetter,
    /// The cell is left out, the row is good without it.
    LeftOut,
    /// Somebody should look.
    Warning,
    /// Somebody may want to know.
    Note,
}

/// How a report groups what becomes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// Patients who must not be invited.
    Excluded,
    /// Rows that are not uploaded.
    Rejected,
    /// Rows for which another stands.
    Merged,
    /// Addresses to which no letter can go.
    NoLetter,
    /// Cells that are left out.
    LeftOut,
    /// To be looked at.
    Warning,
    /// To be known.
    Note,
}

impl Severity {
    /// The group in a report.
    pub fn heading(self) -> Heading {
        match self {
            Self::Excluded(_) => Heading::Excluded,
            Self::Rejected(_) => Heading::Rejected,
            Self::Merged => Heading::Merged,
            Self::NoLetter => Heading::NoLetter,
            Self::LeftOut => Heading::LeftOut,
            Self::Warning => Heading::Warning,
            Self::Note => Heading::Note,
        }
    }
}

impl Heading {
    /// The words over the group.
    pub fn title(self) -> &'static str {
        match self {
            Self::Excluded => "Excluded: these patients are not uploaded and not invited",
            Self::Rejected => "Rejected: these rows are not uploaded",
            Self::Merged => "Merged: the earlier row is used",
            Self::NoLetter => {
                "No letter: the record is created, but no letter can go to the address"
            }
            Self::LeftOut => "Left out: the row is uploaded without the cell",
            Self::Warning => "Warnings: uploaded as they are",
            Self::Note => "Notes",
        }
    }

    /// One word, for a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Rejected => "rejected",
            Self::Merged => "merged",
            Self::NoLetter => "no letter",
            Self::LeftOut => "left out",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl FindingPlace {
    /// For a sentence: `NHS number`, or `column C "Ward"`.
    pub fn name(self, columns: &Columns) -> String {
        match self {
            Self::Row => "the row".to_owned(),
            Self::Field(field) => field.name().to_owned(),
            Self::Address => "the address".to_owned(),
            Self::Column(at) => columns.label(at),
        }
    }

    /// What to do, with the header of the column.
    pub fn advice(self, advice: &str, columns: &Columns) -> String {
        match self {
            Self::Column(at) if advice.contains("HEADER") => columns.fill_in_header(at, advice),
            _ => advice.to_owned(),
        }
    }

    /// The cells that it speaks of.
    pub fn cells(self, columns: &Columns) -> Vec<usize> {
        match self {
            Self::Row => Vec::new(),
            Self::Column(at) => vec![at],
            Self::Address => crate::columns::ADDRESS
                .into_iter()
                .filter_map(|field| columns.place(field))
                .collect(),
            Self::Field(Field::DateOfBirth) if columns.place(Field::DateOfBirth).is_none() => {
                crate::columns::BIRTH_PARTS
                    .into_iter()
                    .filter_map(|part| columns.place(part))
                    .collect()
            }
            Self::Field(field) => columns
                .place(field)
                .into_iter()
                .chain(columns.further(field))
                .collect(),
        }
    }
}

impl Fault {
    /// A name for scripts: `check_digit`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Value(problem) | Self::NotUnderstood { problem, .. } => problem.code(),
            Self::Typed(CellType::Date) => "date_cell",
            Self::Typed(CellType::Time) => "time_cell",
            Self::Typed(CellType::Logical) => "logical_cell",
            Self::Typed(CellType::Number) => "number_cell",
            Self::Typed(CellType::Uncalculated) => "formula_without_result",
            Self::Ragged { cells, header } if cells < header => "short_row",
            Self::Ragged { .. } => "ragged_row",
            Self::TextAfterQuote => "text_after_quote",
            Self::LineBreaks => "line_breaks",
            Self::LikeARow => "like_a_row",
            Self::NotAPatient(NotAPatient::RepeatedHeader) => "repeated_header",
            Self::NotAPatient(NotAPatient::Total) => "total",
            Self::NotAPatient(NotAPatient::End) => "end_of_report",
            Self::NotAPatient(NotAPatient::Ruler) => "ruler",
            Self::Differing(_) => "duplicate_patient",
            Self::Repeated(_) => "repeated_row",
            Self::SharedEmail(_) => "shared_email",
            Self::SamePerson(_) => "same_person",
            Self::SamePersonDied(_) => "same_person_died",
        }
    }

    /// What all faults of the kind have in common, to follow the name of the place.
    pub fn words(&self) -> String {
        match self {
            Self::Value(problem) | Self::NotUnderstood { problem, .. } => problem.to_string(),
            Self::Typed(cell_type) => cell_type.words().to_owned(),
            Self::Ragged { cells, header } if cells < header => {
                "has fewer cells than the header".to_owned()
            }
            Self::Ragged { .. } => "has more cells than the header".to_owned(),
            Self::TextAfterQuote => "has a quotation mark inside a quoted cell".to_owned(),
            Self::LineBreaks => {
                "has line breaks in its cells: each cell is read as several lines".to_owned()
            }
            Self::LikeARow => "has line breaks and as many separators as a whole row".to_owned(),
            Self::NotAPatient(NotAPatient::RepeatedHeader) => "repeats the header".to_owned(),
            Self::NotAPatient(NotAPatient::Total) => "looks like a total, not a patient".to_owned(),
            Self::NotAPatient(NotAPatient::End) => {
                "looks like the end of a report, not a patient".to_owned()
            }
            Self::NotAPatient(NotAPatient::Ruler) => {
                "is a line of dashes, not a patient".to_owned()
            }
            Self::Differing(_) => "is also in other rows with different details".to_owned(),
            Self::Repeated(_) => "says the same as an earlier one".to_owned(),
            Self::SharedEmail(_) => "is also in the rows of other patients".to_owned(),
            Self::SamePerson(_) => {
                "has the name, date of birth and postcode of a row with a different number".to_owned()
            }
            Self::SamePersonDied(_) => {
                "has the name, date of birth and postcode of a person who has died, with a different number".to_owned()
            }
        }
    }

    /// The value that is not understood, as it may be shown.
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::NotUnderstood { shown, .. } => Some(shown),
            _ => None,
        }
    }

    /// What to do, in a few words. `HEADER` is that of the column, as a string in TOML: see [`FindingPlace::advice`].
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Value(problem) | Self::NotUnderstood { problem, .. } => problem.advice(),
            Self::Typed(CellType::Uncalculated) => {
                "open the workbook in a spreadsheet program, save it, and run the same command again"
            }
            Self::Typed(_) => {
                "format the column as Text, and type the cell again. Or export CSV from the patient system"
            }
            Self::Ragged { cells, header } if cells < header => {
                "export with all separators, also for empty cells at the end of a row. It is not known which cell is missing"
            }
            Self::Ragged { .. } => Reason::RaggedRow.advice(),
            Self::TextAfterQuote => {
                "write the mark inside the cell twice (\"\"), or remove it, and look at the row's other cells"
            }
            Self::LineBreaks => "nothing to do if these cells have several lines",
            Self::LikeARow => {
                "look at the cell: if a quotation mark runs on into the next row, close or remove the mark"
            }
            Self::NotAPatient(_) => Reason::NotAPatient.advice(),
            Self::Differing(_) => Reason::DuplicatePatient.advice(),
            Self::Repeated(_) => Reason::RepeatedRow.advice(),
            Self::SharedEmail(_) => {
                "nothing to do: PKB accepts an email address for one patient only, so none of these patients gets it"
            }
            Self::SamePerson(_) => {
                "find out whether it is one patient with two numbers, or twins, or chance"
            }
            Self::SamePersonDied(_) => {
                "find out whether it is the same patient. If so, correct this row or delete it"
            }
        }
    }
}

/// The words with the rows or figures of this case.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(problem) | Self::NotUnderstood { problem, .. } => problem.fmt(f),
            Self::Typed(_) => f.write_str(&self.words()),
            Self::TextAfterQuote | Self::LineBreaks | Self::LikeARow | Self::NotAPatient(_) => {
                f.write_str(&self.words())
            }
            Self::Ragged { cells, header } => write!(f, "has {cells} cells, the header {header}"),
            Self::Differing(others) => write!(f, "is also in {others} with different details"),
            Self::Repeated(first) => write!(f, "says the same as row {first}"),
            Self::SharedEmail(others) => write!(f, "is also in {others}"),
            Self::SamePerson(others) => write!(
                f,
                "has the name, date of birth and postcode of {others} with a different number"
            ),
            Self::SamePersonDied(others) => write!(
                f,
                "has the name, date of birth and postcode of {others}, and one of them says that the patient has died"
            ),
        }
    }
}

/// At most so many rows are named.
const NAMED: usize = 5;

/// Other rows in which a value stands: the first of them, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherRows {
    first: Vec<u32>,
    more: usize,
}

impl OtherRows {
    /// All of `rows` but `row`, which is one of them.
    pub fn of(rows: &[u32], row: u32) -> Self {
        let first: Vec<u32> = rows
            .iter()
            .copied()
            .filter(|other| *other != row)
            .take(NAMED)
            .collect();
        let more = rows.len().saturating_sub(1 + first.len());
        Self { first, more }
    }
}

/// `row 4`, `rows 4, 7 and 9`, `rows 4, 7, 9, 10, 12 and 3 more`.
impl fmt::Display for OtherRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> = self.first.iter().map(u32::to_string).collect();
        if self.more > 0 {
            names.push(format!("{} more", self.more));
        }
        match names.split_last() {
            None => f.write_str("no row"),
            Some((only, [])) => write!(f, "row {only}"),
            Some((last, others)) => write!(f, "rows {} and {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_as_people_do() {
        for (rows, words) in [
            (&[4, 9][..], "row 4"),
            (&[4, 7, 9], "rows 4 and 7"),
            (&[1, 2, 3, 4, 5, 6, 7, 9], "rows 1, 2, 3, 4, 5 and 2 more"),
        ] {
            assert_eq!(OtherRows::of(rows, 9).to_string(), words);
        }
    }
}
