//! How a text file is laid out, as far as nobody has said it.

use std::io::Read as _;

use pkb_core::Fatal;

use super::{
    encoding::EncodingChoice,
    layout::{self, Layout},
    row::Row,
    rows::Rows,
    separator::Separator,
    source::Source,
};

/// As much of the text as is looked at to find the separator.
const START: u64 = 64 << 10;
/// A text file's layout; the separator is found out if it is not given.
pub(super) fn layout_of_text(
    source: &Source,
    encoding: EncodingChoice,
    separator: Option<Separator>,
    header_row: Option<u64>,
) -> Result<Layout, Fatal> {
    let mut start = Vec::new();
    layout::text(source, encoding)?
        .take(START)
        .read_to_end(&mut start)
        .map_err(|error| source.unreadable(error))?;
    if is_page(&start) {
        return Err(Fatal::Input(format!(
            "{source} is an HTML or XML page, not a table. Open it in a spreadsheet program and save it as CSV UTF-8"
        )));
    }
    let hinted = Separator::hinted(&start);
    let layout = Layout {
        encoding,
        separator: separator.or(hinted).unwrap_or(Separator::Comma),
        hint: hinted.is_some(),
        sheet_width: None,
        header_row,
    };
    Ok(match (separator.or(hinted), header_row) {
        (Some(_), _) => layout,
        (None, None) => layout.separated_by(Separator::most_cells(&start)),
        (None, Some(_)) => with_most_cells(layout, source)?,
    })
}

/// With the separator that makes the most cells of the header.
fn with_most_cells(layout: Layout, source: &Source) -> Result<Layout, Fatal> {
    let mut best = (0, layout);
    for separator in Separator::ALL {
        let layout = layout.separated_by(separator);
        let mut row = Row::default();
        // Quotation marks that a wrong separator breaks are not a fault of the file.
        let _ = Rows::new(source.clone(), &layout)?.next_row(&mut row);
        if row.len() > best.0 {
            best = (row.len(), layout);
        }
    }
    Ok(best.1)
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
