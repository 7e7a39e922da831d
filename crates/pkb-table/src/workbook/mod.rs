//! Workbooks: one sheet is written out as CSV into a spool, once, and read from there. The others are
//! looked at, so that no patients are left behind unseen.

mod bounds;
mod comments;
mod merged;
mod ods;
mod ods_values;
mod package;
mod sheets;
mod xls;
mod xlsx;

use std::{
    fmt::{self, Display},
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{XlsError, XlsxError};
use cfb::CompoundFile;
use pkb_core::Fatal;
use zip::result::ZipError;

pub use self::sheets::SheetOverview;
pub(super) use self::sheets::{Converted, Wanted};
use super::{sheet_writer::WriteError, source::Source};
use crate::column_letters;

/// What a workbook is packed in, seen by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// ZIP: XLSX and XLSM.
    Zip,
    /// ZIP that begins as OpenDocument wants it.
    OpenDocument,
    /// Compound file: XLS, and what is encrypted.
    Ole,
}

/// The kind of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Excel since 2007, with macros or without.
    Xlsx,
    /// Excel before 2007.
    Xls,
    /// OpenDocument.
    Ods,
}

impl Container {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        const OLE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        if head.starts_with(&OLE) {
            Some(Self::Ole)
        } else if !head.starts_with(b"PK\x03\x04") {
            None
        } else if head.get(30..38) == Some(b"mimetype") {
            Some(Self::OpenDocument)
        } else {
            Some(Self::Zip)
        }
    }
}

/// Writes the wanted sheet, or else the first that is not hidden, into a spool.
///
/// # Errors
/// The workbook is damaged, protected, too large or of another kind; there is no such sheet.
pub(super) fn convert(
    source: &Source,
    container: Container,
    wanted: &Wanted<'_>,
) -> Result<Converted, Fatal> {
    // A damaged workbook may make its parser panic.
    let converted = catch_unwind(AssertUnwindSafe(|| match container {
        Container::Zip => xlsx::read(source, wanted),
        Container::OpenDocument => ods::read(source, wanted),
        Container::Ole if is_encrypted(source)? => Err(Trouble::Password),
        Container::Ole => xls::read(source, wanted),
    }));
    converted
        .unwrap_or(Err(Trouble::Unreadable))
        .map_err(|trouble| trouble.of(source))
}

/// An encrypted XLSX is a compound file around the encrypted package.
fn is_encrypted(source: &Source) -> Result<bool, Trouble> {
    let file = CompoundFile::open(source.seekable()?).map_err(|_| Trouble::Unreadable)?;
    Ok(file.is_stream("/EncryptedPackage"))
}

/// Why there is no table. What the parser says is not kept: it may hold values.
#[derive(Debug)]
enum Trouble {
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
    fn of(self, source: &Source) -> Fatal {
        match self {
            Self::Password => Fatal::Input(format!(
                "{source}: is protected by a password. Save it without a password, or as CSV UTF-8"
            )),
            Self::Unreadable => Fatal::Input(format!(
                "{source}: cannot be read as a workbook (XLSX, XLSM, XLS or ODS): it is damaged or not a workbook. Save it \
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
                "{source}: row {}, column {}: this cell is there twice, out of order or beyond the last cell of a \
                 spreadsheet. Open the workbook in a spreadsheet program and save it again, or save it as CSV UTF-8",
                row.saturating_add(1),
                column_letters(column as usize)
            )),
            Self::NoSuchSheet { wanted, sheets } => Fatal::Usage(format!(
                "{source}: has no sheet \"{wanted}\". Its sheets are {}. Give one of them with --sheet",
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

impl Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xlsx => "XLSX",
            Self::Xls => "XLS",
            Self::Ods => "ODS",
        })
    }
}
