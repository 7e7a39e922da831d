//! How a patient file is to be read, as far as the operator has said so.

use std::path::PathBuf;

use pkb_core::Fatal;
use pkb_table::TableOptions;
use pkb_values::{DateOrder, NationalIdType};

use crate::columns::Mapping;

/// A patient file and how to read it. What is absent is found out from the file, or stops the run.
#[derive(Debug, Clone, Default)]
pub struct ReadingOptions {
    /// The file; "-" is standard input.
    pub file: PathBuf,
    /// Encoding, separator, sheet and row of the header.
    pub table: TableOptions,
    /// What becomes of the hidden rows of a workbook.
    pub hidden_rows: Option<HiddenCells>,
    /// What becomes of the hidden columns of a workbook.
    pub hidden_columns: Option<HiddenCells>,
    /// The operator's file of column names.
    pub mapping: Option<PathBuf>,
    /// The organisation's own file of words in names and addresses.
    pub words: Option<PathBuf>,
    /// Whether a file without a column for the street is accepted.
    pub no_street: bool,
    /// What the national numbers are.
    pub number_type: Option<NationalIdType>,
    /// What comes first in dates.
    pub dates: Option<DateOrder>,
    /// Whether columns that nothing uses are kept in the records.
    pub keep_extra: bool,
    /// Whether rows are left out whose number is not said to be verified.
    pub verified_only: bool,
}

/// What becomes of rows or columns that a workbook does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenCells {
    /// They are read like all others.
    Keep,
    /// They are left out.
    Drop,
}

impl ReadingOptions {
    /// A file about which the operator has said nothing else.
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            ..Self::default()
        }
    }

    /// How the file's bytes are to be read.
    pub(crate) fn table_options(&self) -> TableOptions {
        TableOptions {
            drops_hidden_rows: self.hidden_rows == Some(HiddenCells::Drop),
            ..self.table.clone()
        }
    }

    /// The operator's own mapping of columns.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn mapping(&self) -> Result<Mapping, Fatal> {
        let mapping = self.mapping.as_deref().map(Mapping::read).transpose()?;
        Ok(Mapping {
            no_street: self.no_street,
            ..mapping.unwrap_or_default()
        })
    }
}
