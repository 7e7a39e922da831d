//! Workbooks: one sheet is written out as CSV into a spool, once, and read from there. The others are
//! looked at, so that no patients are left behind unseen.

mod bounds;
mod comments;
pub(super) mod format;
mod merged;
mod ods;
mod ods_values;
mod package;
mod sheets;
mod trouble;
mod xls;
mod xlsx;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cfb::CompoundFile;
use pkb_core::Fatal;

pub use self::sheets::SheetOverview;
pub(super) use self::sheets::{Converted, Wanted};
use super::source::Source;
use trouble::Trouble;

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
