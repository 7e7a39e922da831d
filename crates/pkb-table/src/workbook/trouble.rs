//! Why a workbook is not read.

use calamine::{XlsError, XlsxError};
use pkb_core::Fatal;
use zip::result::ZipError;

use crate::{column_letters, sheet_writer::WriteError, source::Source};

/// Why there is no table. What the parser says is not kept: it may hold values.
#[derive(Debug)]
pub(super) enum Trouble {
    Password,
    Unreadable,
    /// What of it is larger than in any patient file.
    TooLarge(&'static str),
    /// A cell that is longer than a spreadsheet's can be: row and column from 0.
    LongCell(u32, u32),
    /// A cell in a place where there can be none, or where another is.
    Misplaced(u32, u32),
    NoSuchSheet {
        wanted: String,
        sheets: Vec<String>,
    },
    Other(Fatal),
}

impl Trouble {
    pub(super) fn of(self, source: &Source) -> Fatal {
        match self {
            Self::Password => Fatal::Input(format!(
                "{source} is protected by a password. Save it without a password, or as CSV UTF-8"
            )),
            Self::Unreadable => Fatal::Input(format!(
                "{source} cannot be read as a workbook (XLSX, XLSM, XLS or ODS), because it is damaged or not a workbook. \
                 Save it \
                 as CSV UTF-8. If it is a ZIP archive, unpack it first"
            )),
            Self::TooLarge(what) => Fatal::Refused(format!(
                "{source}: {what} is larger than any patient file needs. Copy the patients' rows into a new workbook, or save them as CSV UTF-8"
            )),
            Self::LongCell(row, column) => Fatal::Refused(format!(
                "{source}: row {}, column {}: the cell is longer than a spreadsheet allows. Correct it, or save the sheet as CSV UTF-8",
                row.saturating_add(1),
                column_letters(column as usize)
            )),
            Self::Misplaced(row, column) => Fatal::Refused(format!(
                "{source}: row {}, column {}: this cell comes twice, is out of order, or is beyond the last cell of a \
                 spreadsheet. Open the workbook in a spreadsheet program and save it again, or save it as CSV UTF-8",
                row.saturating_add(1),
                column_letters(column as usize)
            )),
            Self::NoSuchSheet { wanted, sheets } => Fatal::Usage(format!(
                "{source} has no sheet \"{wanted}\". Its sheets are {}. Give one of them with --sheet",
                sheets.join(", ")
            )),
            Self::Other(fatal) => fatal,
        }
    }
}

impl From<XlsxError> for Trouble {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::Password => Self::Password,
            _ => Self::Unreadable,
        }
    }
}

impl From<XlsError> for Trouble {
    fn from(error: XlsError) -> Self {
        match error {
            XlsError::Password => Self::Password,
            _ => Self::Unreadable,
        }
    }
}

impl From<ZipError> for Trouble {
    fn from(_: ZipError) -> Self {
        Self::Unreadable
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Misplaced(row, column) => Self::Misplaced(row, column),
            WriteError::LongCell(row, column) => Self::LongCell(row, column),
            WriteError::LargeSheet => Self::TooLarge("a sheet"),
            WriteError::Spool(fatal) => Self::Other(fatal),
        }
    }
}

impl From<Fatal> for Trouble {
    fn from(fatal: Fatal) -> Self {
        Self::Other(fatal)
    }
}
