//! What a spreadsheet makes of a cell, where that is something else than the text that was typed.

use calamine::DataRef;

/// A house or flat has a whole number below this.
const END_OF_HOUSE_NUMBERS: f64 = 100_000.0;

/// The type of a cell of a workbook, where it matters: text, and numbers as small and whole as those of
/// houses, have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// A date: the house 3-5 becomes the third of May.
    Date,
    /// A time of day or a duration.
    Time,
    /// TRUE or FALSE.
    Logical,
    /// A number with a fraction, below 0, or too large for a house: 2.10 becomes 2.1, 1E10 becomes 10000000000.
    Number,
    /// A formula whose result is not in the file.
    Uncalculated,
}

impl CellType {
    /// The type of a cell.
    pub(super) fn of(cell: &DataRef<'_>) -> Option<Self> {
        match cell {
            DataRef::DateTime(date) if date.is_datetime() && date.as_f64() >= 1.0 => {
                Some(Self::Date)
            }
            DataRef::DateTimeIso(_) => Some(Self::Date),
            DataRef::DateTime(_) | DataRef::DurationIso(_) => Some(Self::Time),
            DataRef::Bool(_) => Some(Self::Logical),
            DataRef::Int(number) => Self::of_number(*number as f64),
            DataRef::Float(number) => Self::of_number(*number),
            DataRef::String(_) | DataRef::SharedString(_) | DataRef::Error(_) | DataRef::Empty => {
                None
            }
        }
    }

    fn of_number(number: f64) -> Option<Self> {
        let is_plain = (0.0..END_OF_HOUSE_NUMBERS).contains(&number) && number.fract() == 0.0;
        (!is_plain).then_some(Self::Number)
    }

    /// What the cell is, to follow the name of its place.
    pub fn words(self) -> &'static str {
        match self {
            Self::Date => "is a date: a spreadsheet made it from text such as 3-5",
            Self::Time => "is a time: a spreadsheet made it from text such as 3:30",
            Self::Logical => "is a TRUE or FALSE cell, not text",
            Self::Number => {
                "is a number that no house or flat has: digits may be lost (such as 2.10 or 1E10)"
            }
            Self::Uncalculated => "is a formula without its result",
        }
    }

    /// The letter for the type in a spool.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Date => 'd',
            Self::Time => 't',
            Self::Logical => 'l',
            Self::Number => 'n',
            Self::Uncalculated => 'u',
        }
    }

    /// The type that a letter means.
    pub(super) fn of_letter(letter: u8) -> Option<Self> {
        match letter {
            b'd' => Some(Self::Date),
            b't' => Some(Self::Time),
            b'l' => Some(Self::Logical),
            b'n' => Some(Self::Number),
            b'u' => Some(Self::Uncalculated),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    #[test]
    fn what_was_typed_as_text_or_as_a_house_number_has_no_type() {
        for cell in [
            DataRef::SharedString("3-5"),
            DataRef::String("TRUE".into()),
            DataRef::Float(12.0),
            DataRef::Int(0),
            DataRef::Float(99_999.0),
            DataRef::Empty,
        ] {
            assert_eq!(CellType::of(&cell), None, "{cell:?}");
        }
    }

    #[test]
    fn what_a_spreadsheet_makes_of_a_cell_has_its_type_and_letter() {
        let date = |serial, kind| DataRef::DateTime(ExcelDateTime::new(serial, kind, false));
        for (cell, cell_type) in [
            (date(46145.0, ExcelDateTimeType::DateTime), CellType::Date),
            (date(0.5, ExcelDateTimeType::DateTime), CellType::Time),
            (date(1.5, ExcelDateTimeType::TimeDelta), CellType::Time),
            (DataRef::DateTimeIso("2026-05-03".into()), CellType::Date),
            (DataRef::DurationIso("PT12H".into()), CellType::Time),
            (DataRef::Bool(false), CellType::Logical),
            (DataRef::Float(2.1), CellType::Number),
            (DataRef::Float(1e10), CellType::Number),
            (DataRef::Int(-3), CellType::Number),
            (DataRef::Float(f64::NAN), CellType::Number),
        ] {
            assert_eq!(CellType::of(&cell), Some(cell_type), "{cell:?}");
            let letter = u8::try_from(cell_type.letter()).unwrap();
            assert_eq!(CellType::of_letter(letter), Some(cell_type));
        }
    }
}
