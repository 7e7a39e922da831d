//! How the bytes of a table become rows.

use std::io::Read;

use encoding_rs_io::DecodeReaderBytesBuilder;
use pkb_core::Fatal;

use super::{encoding::EncodingChoice, separator::Separator, source::Source};

/// As much of the text as is looked at to find the separator.
const START: u64 = 64 << 10;
/// Bytes decoded together.
const BUFFER: usize = 64 << 10;

/// What must be known to read the rows.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) encoding: EncodingChoice,
    pub(super) separator: Separator,
    /// The first row names the separator and is no row of the table.
    pub(super) hint: bool,
    /// Columns of a workbook's sheet: its rows are as wide, its quotation marks are right.
    pub(super) sheet_width: Option<usize>,
}

impl Layout {
    /// A text file's layout; the separator is found out if it is not given.
    pub(super) fn of_text(
        source: &Source,
        encoding: EncodingChoice,
        separator: Option<Separator>,
    ) -> Result<Self, Fatal> {
        let mut start = Vec::new();
        text(source, encoding)?
            .take(START)
            .read_to_end(&mut start)
            .map_err(|error| source.unreadable(error))?;
        if is_page(&start) {
            return Err(Fatal::Input(format!(
                "{source}: is an HTML or XML page, not a table; open it in a spreadsheet program and save it as CSV UTF-8"
            )));
        }
        let hinted = Separator::hinted(&start);
        Ok(Self {
            encoding,
            separator: separator
                .or(hinted)
                .unwrap_or_else(|| Separator::most_cells(&start)),
            hint: hinted.is_some(),
            sheet_width: None,
        })
    }

    /// The layout of a sheet that was written out as text.
    pub(super) fn of_sheet(width: usize) -> Self {
        Self {
            encoding: EncodingChoice::UTF_8,
            separator: Separator::Comma,
            hint: false,
            sheet_width: Some(width),
        }
    }
}

/// A source's text in UTF-8, without a byte-order mark. Bytes of a UTF-8 file come as they are;
/// what is wrong in another encoding comes as U+FFFD.
pub(super) fn text(
    source: &Source,
    encoding: EncodingChoice,
) -> Result<impl Read + Send + use<>, Fatal> {
    let mut decoder = DecodeReaderBytesBuilder::new();
    if encoding == EncodingChoice::UTF_8 {
        decoder.bom_sniffing(false).strip_bom(true);
    } else {
        decoder.encoding(Some(encoding.get()));
    }
    decoder
        .build_with_buffer(source.reader(), vec![0; BUFFER])
        .map_err(|error| source.unreadable(error))
}

/// Some systems export a page and name it .xls.
fn is_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    ["<html", "<table", "<!doctype", "<?xml"].iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(tag.as_bytes()))
    })
}
