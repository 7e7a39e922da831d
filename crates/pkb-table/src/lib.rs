//! Tables as hospitals export them: CSV in several encodings and with several separators, packed by
//! gzip or not, and workbooks; all read as rows of text, with the row numbers that a spreadsheet
//! shows.
//!
//! A table is opened once and read as often as is wanted. What the columns mean is not known here.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod cell_text;
mod cell_type;
mod code_page;
mod column_letters;
mod csv_file;
mod detect;
mod doubt;
mod encoding;
mod end_mark;
mod how_read;
mod layout;
mod on_threads;
mod plausible;
mod quotes;
mod ranges;
mod row;
mod rows;
mod separator;
mod sheet_writer;
mod source;
mod swallowed;
#[cfg(test)]
mod tests;
mod text_layout;
mod workbook;

use std::path::Path;

use pkb_core::Fatal;

pub use self::{
    cell_type::CellType,
    column_letters::column_letters,
    encoding::{EncodingChoice, parse_encoding},
    how_read::HowRead,
    on_threads::fold,
    ranges::Ranges,
    row::{Oddity, Row, Texts},
    rows::Rows,
    separator::Separator,
    workbook::SheetOverview,
};
use self::{
    layout::Layout,
    source::Source,
    text_layout::layout_of_text,
    workbook::{Converted, Wanted},
};
pub use csv_file::CsvFile;

/// What the operator says about the file; what is not said is found out.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    /// The encoding of a text file.
    pub encoding: Option<EncodingChoice>,
    /// What stands between the cells of a text file.
    pub separator: Option<Separator>,
    /// A workbook's sheet, by name or by number from 1.
    pub sheet: Option<String>,
    /// Whether rows that a workbook does not show are left out.
    pub drops_hidden_rows: bool,
    /// The number of the row that is the header, as a spreadsheet counts.
    pub header_row: Option<u64>,
}

/// A table that was looked through once and can be read again and again.
pub struct Table {
    source: Source,
    layout: Layout,
    how_read: HowRead,
    sheets: Vec<SheetOverview>,
    hidden_rows: Ranges,
    hidden_columns: Ranges,
    covered_rows: Ranges,
    struck_rows: Ranges,
    comments: Vec<(u32, String)>,
}

impl Table {
    /// Opens a file, `-` for standard input, and finds out how it is to be read.
    ///
    /// # Errors
    /// The file cannot be read, an option does not fit it, or its encoding cannot be told.
    pub fn open(path: &Path, options: &TableOptions) -> Result<Self, Fatal> {
        Self::from_source(Source::open(path)?, options)
    }

    fn from_source(source: Source, options: &TableOptions) -> Result<Self, Fatal> {
        let gzip = source.is_gzip();
        let head = source.head()?;
        if let Some(what) = not_a_table(&head) {
            return Err(Fatal::Input(format!("{source} is {what}")));
        }
        if let Some(container) = workbook::Container::of(&head) {
            if options.encoding.is_some() || options.separator.is_some() {
                return Err(Fatal::Usage(format!(
                    "{source} is a workbook. Leave out --encoding and --separator, which are for text files"
                )));
            }
            let wanted = Wanted {
                sheet: options.sheet.as_deref(),
                drops_hidden: options.drops_hidden_rows,
            };
            let converted = workbook::convert(&source, container, &wanted)?;
            let mut table = Self::of_sheet(&source, converted);
            table.layout.header_row = options.header_row;
            return Ok(table);
        }
        if options.sheet.is_some() {
            return Err(Fatal::Usage(format!(
                "{source} is a text file. Leave out --sheet, which is for workbooks"
            )));
        }
        let detected = detect::encoding(&source, options.encoding)?;
        let layout = layout_of_text(
            &source,
            detected.encoding,
            options.separator,
            options.header_row,
        )?;
        let how_read = HowRead::Text {
            encoding: detected.encoding,
            certainty: detected.certainty,
            gzip,
            separator: layout.separator,
        };
        Ok(Self {
            source,
            layout,
            how_read,
            sheets: Vec::new(),
            hidden_rows: Ranges::default(),
            hidden_columns: Ranges::default(),
            covered_rows: Ranges::default(),
            struck_rows: Ranges::default(),
            comments: Vec::new(),
        })
    }

    fn of_sheet(source: &Source, sheet: Converted) -> Self {
        Self {
            source: source.replaced_by(sheet.spool),
            layout: Layout::of_sheet(sheet.width),
            how_read: sheet.how_read,
            sheets: sheet.sheets,
            hidden_rows: sheet.hidden_rows,
            hidden_columns: sheet.hidden_columns,
            covered_rows: sheet.covered_rows,
            struck_rows: sheet.struck_rows,
            comments: sheet.comments,
        }
    }

    /// The sheets of a workbook, as far as they were looked at: all, or the one that was asked for.
    pub fn sheets(&self) -> &[SheetOverview] {
        &self.sheets
    }

    /// Rows with anything in them that the workbook does not show, dropped or not.
    pub fn hidden_rows(&self) -> &Ranges {
        &self.hidden_rows
    }

    /// Columns that the workbook does not show.
    pub fn hidden_columns(&self) -> &Ranges {
        &self.hidden_columns
    }

    /// Rows of a workbook with values that a merged cell covers; they are read as empty.
    pub fn covered_rows(&self) -> &Ranges {
        &self.covered_rows
    }

    /// Rows of a workbook with text that is struck through.
    pub fn struck_rows(&self) -> &Ranges {
        &self.struck_rows
    }

    /// What comments on cells of a workbook say, each with the row that the spreadsheet shows.
    pub fn comments(&self) -> impl Iterator<Item = (u64, &str)> {
        let comments = self.comments.iter();
        comments.map(|(row, words)| (u64::from(*row) + 1, words.as_str()))
    }

    /// The file's name without its folder; `stdin` for standard input.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// How the file is read, for the summary.
    pub fn how_read(&self) -> &HowRead {
        &self.how_read
    }

    /// Whether the file at `path` is this one.
    pub fn is_at(&self, path: &Path) -> bool {
        self.source.is_at(path)
    }

    /// Whether the file has been written to since it was opened.
    pub fn is_changed(&self) -> bool {
        self.source.is_changed()
    }

    /// A command that looks at the file with one more option, to be pasted.
    pub fn command(&self, option: &str) -> String {
        self.source.command(option)
    }

    /// All rows from the beginning, those above the header too, separated in each way that is possible:
    /// for finding a header that is not where it is looked for.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn other_readings(&self) -> Result<Vec<Rows>, Fatal> {
        let separators: &[Separator] = match self.layout.sheet_width {
            Some(_) => &[self.layout.separator],
            None => &Separator::ALL,
        };
        let layouts = separators.iter().map(|separator| Layout {
            header_row: None,
            ..self.layout.separated_by(*separator)
        });
        layouts
            .map(|layout| Rows::new(self.source.clone(), &layout))
            .collect()
    }

    /// The rows from the header on. Each call reads on its own.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows(&self) -> Result<Rows, Fatal> {
        Rows::new(self.source.clone(), &self.layout)
    }
}

/// What a file is that begins like this, with what to do, if it is known not to be a table.
fn not_a_table(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"%PDF") {
        return Some(
            "a PDF, not a table. What to do: export the patients as CSV or XLSX from the patient system",
        );
    }
    head.starts_with(b"{\"schema\":\"pkb-").then_some(
        "a record stream, not a patient file. Give it to the next stage, such as pkb-resolve, or give pkb-upload the patient file",
    )
}
