//! Which fields hold text that is printed, and which cells are none.

use pkb_core::Reason;

use crate::columns::{ADDRESS, Field};
use pkb_table::CellType;

/// What is printed on a letter.
pub fn printed_fields() -> impl Iterator<Item = Field> {
    let others = [
        Field::Title,
        Field::FirstName,
        Field::LastName,
        Field::Postcode,
    ];
    others.into_iter().chain(ADDRESS)
}

/// Why a row is rejected whose cell of a field is no text, if it is rejected: what is printed.
pub fn printed(field: Field) -> Option<Reason> {
    match field {
        Field::Title | Field::FirstName | Field::LastName => Some(Reason::BadName),
        _ if field == Field::Postcode || ADDRESS.contains(&field) => Some(Reason::BadAddress),
        _ => None,
    }
}

/// Whether a field holds text, and a cell of it is none. Numbers are good where digits are what is wanted.
pub fn is_no_text(field: Field, cell_type: CellType) -> bool {
    match field {
        // Dates, numbers and flags, which are parsed from what the cell is.
        Field::NationalId
        | Field::NumberType
        | Field::DateOfBirth
        | Field::BirthDay
        | Field::BirthMonth
        | Field::BirthYear => false,
        field if field.decides_who_is_written_to() => false,
        // Numbers are what they mostly hold.
        Field::HouseNumber | Field::Flat | Field::Building => cell_type != CellType::Number,
        _ => cell_type != CellType::Number || printed(field).is_some(),
    }
}
