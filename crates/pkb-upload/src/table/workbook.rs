//! Workbooks: one sheet is written out as CSV into a spool, once, and read from there.

use std::{
    fmt::{self, Display},
    io::BufReader,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{
    Data, Ods, OdsError, Range, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsx,
    XlsxError,
};
use pkb_core::Fatal;

use super::{
    cell_text,
    how_read::HowRead,
    layout::Layout,
    sheet_writer::{SheetWriter, WriteError},
    source::{Cursor, Source},
};

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

type Bytes = BufReader<Cursor>;

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
/// The workbook is damaged, protected or of another kind; there is no such sheet.
pub(super) fn convert(
    source: &Source,
    container: Container,
    wanted: Option<&str>,
) -> Result<(Source, Layout, HowRead), Fatal> {
    let bytes = source.seekable()?;
    // A damaged workbook may make its parser panic.
    let written = catch_unwind(AssertUnwindSafe(|| match container {
        Container::Zip => stream(bytes, wanted),
        Container::OpenDocument => whole::<Ods<Bytes>>(bytes, Format::Ods, wanted),
        Container::Ole if is_encrypted(source)? => Err(Trouble::Password),
        Container::Ole => whole::<Xls<Bytes>>(bytes, Format::Xls, wanted),
    }));
    let (sheet, how_read) = written
        .unwrap_or(Err(Trouble::Unreadable))
        .map_err(|trouble| trouble.of(source))?;
    let (spool, width) = sheet.finish()?;
    Ok((source.replaced_by(spool), Layout::of_sheet(width), how_read))
}

type Written = Result<(SheetWriter, HowRead), Trouble>;

/// XLSX: cell by cell, whatever the size of the sheet.
fn stream(bytes: Bytes, wanted: Option<&str>) -> Written {
    let mut book = Xlsx::new(bytes)?;
    let (name, how_read) = choose(book.sheets_metadata(), Format::Xlsx, wanted)?;
    let mut cells = book.worksheet_cells_reader(&name)?;
    let mut sheet = SheetWriter::new()?;
    while let Some(cell) = cells.next_cell()? {
        sheet.put(cell.get_position(), cell.get_value())?;
    }
    Ok((sheet, how_read))
}

/// XLS and ODS: the parser holds the whole workbook.
fn whole<B>(bytes: Bytes, format: Format, wanted: Option<&str>) -> Written
where
    B: Reader<Bytes>,
    Trouble: From<B::Error>,
{
    let mut book = B::new(bytes)?;
    let (name, how_read) = choose(book.sheets_metadata(), format, wanted)?;
    let range: Range<Data> = book.worksheet_range(&name)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut sheet = SheetWriter::new()?;
    for (row, cells) in (first_row..).zip(range.rows()) {
        for (column, cell) in (first_column..).zip(cells) {
            sheet.put((row, column), &cell_text::borrow(cell))?;
        }
    }
    Ok((sheet, how_read))
}

/// An encrypted XLSX is a compound file around the encrypted package.
fn is_encrypted(source: &Source) -> Result<bool, Trouble> {
    let opened = Xlsx::new(source.seekable()?);
    Ok(matches!(opened, Err(XlsxError::Password)))
}

fn choose(
    all: &[Sheet],
    format: Format,
    wanted: Option<&str>,
) -> Result<(String, HowRead), Trouble> {
    let sheets: Vec<_> = all
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .collect();
    let names = || sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let chosen = match wanted.map(str::trim) {
        None => sheets
            .iter()
            .find(|sheet| sheet.visible == SheetVisible::Visible)
            .or(sheets.first())
            .ok_or(Trouble::Unreadable)?,
        Some(wanted) => sheets
            .iter()
            .find(|sheet| sheet.name.trim() == wanted)
            .or_else(|| {
                let lower = wanted.to_lowercase();
                let mut all = sheets.iter();
                all.find(|sheet| sheet.name.trim().to_lowercase() == lower)
            })
            .or_else(|| {
                let number: usize = wanted.parse().ok()?;
                sheets.get(number.checked_sub(1)?)
            })
            .ok_or_else(|| Trouble::NoSuchSheet {
                wanted: wanted.to_owned(),
                sheets: names(),
            })?,
    };
    let how_read = HowRead::Sheet {
        name: chosen.name.clone(),
        format,
        sheets: names(),
    };
    Ok((chosen.name.clone(), how_read))
}

/// Why there is no table. What the parser says is not kept: it may hold values.
enum Trouble {
    Password,
    Unreadable,
    NoSuchSheet { wanted: String, sheets: Vec<String> },
    Other(Fatal),
}

impl Trouble {
    fn of(self, source: &Source) -> Fatal {
        match self {
            Self::Password => Fatal::Input(format!(
                "{source}: is protected by a password; save it without one, or as CSV UTF-8"
            )),
            Self::Unreadable => Fatal::Input(format!(
                "{source}: cannot be read as a workbook (XLSX, XLSM, XLS or ODS): it is damaged or of another kind; save it as CSV UTF-8, and if it is a ZIP archive, unpack it first"
            )),
            Self::NoSuchSheet { wanted, sheets } => Fatal::Usage(format!(
                "{source}: has no sheet \"{wanted}\"; its sheets are {}",
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

impl From<OdsError> for Trouble {
    fn from(error: OdsError) -> Self {
        match error {
            OdsError::Password => Self::Password,
            _ => Self::Unreadable,
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Misplaced => Self::Unreadable,
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
