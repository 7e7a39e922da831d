//! How the bytes of a table become rows.

use std::io::Read;

use encoding_rs_io::DecodeReaderBytesBuilder;
use pkb_core::Fatal;

use super::{
    code_page::CodePageReader, encoding::EncodingChoice, end_mark::WithoutEndMark, row::Row,
    rows::Rows, separator::Separator, source::Source,
};

/// As much of the text as is looked at to find the separator.
const START: u64 = 64 << 10;
/// Bytes decoded together.
const BUFFER: usize = 64 << 10;

/// Text on its way to the rows.
pub(super) type Text = Box<dyn Read + Send>;

/// What must be known to read the rows.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) encoding: EncodingChoice,
    pub(super) separator: Separator,
    /// The first row names the separator and is no row of the table.
    pub(super) hint: bool,
    /// Columns of a workbook's sheet: its rows are as wide, its quotation marks are right.
    pub(super) sheet_width: Option<usize>,
    /// The row of the header; what is above that row is not part of the table.
    pub(super) header_row: Option<u64>,
}

impl Layout {
    /// A text file's layout; the separator is found out if it is not given.
    pub(super) fn of_text(
        source: &Source,
        encoding: EncodingChoice,
        separator: Option<Separator>,
        header_row: Option<u64>,
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
        let layout = Self {
            encoding,
            separator: separator.or(hinted).unwrap_or(Separator::Comma),
            hint: hinted.is_some(),
            sheet_width: None,
            header_row,
        };
        Ok(match (separator.or(hinted), header_row) {
            (Some(_), _) => layout,
            (None, None) => layout.separated_by(Separator::most_cells(&start)),
            (None, Some(_)) => layout.with_most_cells(source)?,
        })
    }

    pub(super) fn separated_by(self, separator: Separator) -> Self {
        Self { separator, ..self }
    }

    /// With the separator that makes the most cells of the header.
    fn with_most_cells(self, source: &Source) -> Result<Self, Fatal> {
        let mut best = (0, self);
        for separator in Separator::ALL {
            let layout = self.separated_by(separator);
            let mut row = Row::default();
            // Quotation marks that a wrong separator breaks are not a fault of the file.
            let _ = Rows::new(source.clone(), &layout)?.next_row(&mut row);
            if row.len() > best.0 {
                best = (row.len(), layout);
            }
        }
        Ok(best.1)
    }

    /// The layout of a sheet that was written out as text.
    pub(super) fn of_sheet(width: usize) -> Self {
        Self {
            encoding: EncodingChoice::UTF_8,
            separator: Separator::Comma,
            hint: false,
            sheet_width: Some(width),
            header_row: None,
        }
    }
}

/// A source's text in UTF-8, without a byte-order mark and without the Ctrl-Z at its end. Bytes of a
/// UTF-8 file come as they are; what is wrong in another encoding comes as U+FFFD.
pub(super) fn text(source: &Source, encoding: EncodingChoice) -> Result<Text, Fatal> {
    let bytes = source.reader();
    let text: Text = match encoding {
        EncodingChoice::Dos(page) => Box::new(CodePageReader::new(bytes, page)),
        EncodingChoice::Web(web) => {
            let mut decoder = DecodeReaderBytesBuilder::new();
            if encoding == EncodingChoice::UTF_8 {
                decoder.bom_sniffing(false).strip_bom(true);
            } else {
                decoder.encoding(Some(web));
            }
            let decoded = decoder.build_with_buffer(bytes, vec![0; BUFFER]);
            Box::new(decoded.map_err(|error| source.unreadable(error))?)
        }
    };
    Ok(Box::new(WithoutEndMark::new(text)))
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
