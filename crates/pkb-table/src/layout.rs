//! How the bytes of a table become rows.

use std::io::Read;

use encoding_rs_io::DecodeReaderBytesBuilder;
use pkb_core::Fatal;

use super::{
    code_page::CodePageReader, encoding::EncodingChoice, end_mark::WithoutEndMark,
    separator::Separator, source::Source,
};

/// Bytes decoded together.
const BUFFER: usize = 64 << 10;

/// Text on its way to the rows.
pub(super) type TextReader = Box<dyn Read + Send>;

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
    pub(super) fn separated_by(self, separator: Separator) -> Self {
        Self { separator, ..self }
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
pub(super) fn text(source: &Source, encoding: EncodingChoice) -> Result<TextReader, Fatal> {
    let bytes = source.reader();
    let text: TextReader = match encoding {
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
