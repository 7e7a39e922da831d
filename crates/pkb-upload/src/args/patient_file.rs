//! Which file, and how it is to be read.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pkb_cli::args::one_of;
use pkb_core::Fatal;
use pkb_values::{DateOrder, NationalIdType};

use crate::columns::Mapping;
use pkb_table::{EncodingChoice, Separator, TableOptions, parse_encoding};

/// Orders of dates, as help lists them.
const ORDERS: [(&str, &str, DateOrder); 2] = [
    (
        "day-first",
        "`21/04/1999`, as in the United Kingdom",
        DateOrder::DayFirst,
    ),
    (
        "month-first",
        "`04/21/1999`, as in the United States",
        DateOrder::MonthFirst,
    ),
];

/// A patient file and how it is to be read.
#[derive(Debug, Args)]
pub struct PatientFileArgs {
    /// Patient file; "-" is standard input
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,

    /// Sheet of a workbook, by name or number
    ///
    /// Without this option the first sheet is read. The run stops if a different sheet has patients.
    #[arg(long, value_name = "SHEET", help_heading = "Reading the file")]
    pub sheet: Option<String>,

    /// What to do with hidden rows of a workbook
    ///
    /// Without this option the run stops if there are any, such as rows that a filter hides.
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        help_heading = "Reading the file"
    )]
    pub hidden_rows: Option<Hidden>,

    /// What to do with hidden columns of a workbook
    ///
    /// Without this option the run stops if there are any that would be used. Columns that decide who must not be written
    /// to are always used.
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        help_heading = "Reading the file"
    )]
    pub hidden_columns: Option<Hidden>,

    /// Row of the header, as a spreadsheet counts rows [default: the first row that is not empty]
    #[arg(
        long,
        value_name = "ROW",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Reading the file"
    )]
    header_row: Option<u64>,

    /// Encoding of a text file, such as utf-8, windows-1252 or cp850 [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parse_encoding, help_heading = "Reading the file")]
    encoding: Option<EncodingChoice>,

    /// What separates the cells of a text file [default: detected]
    #[arg(
        long,
        value_enum,
        value_name = "SEPARATOR",
        help_heading = "Reading the file"
    )]
    separator: Option<Separator>,

    /// Names of the columns whose headers are not understood, as TOML (see the README)
    #[arg(long, value_name = "FILE", help_heading = "Reading the file")]
    map: Option<PathBuf>,

    /// Words of your organisation in names and addresses, such as marks of death, as TOML (see the README)
    #[arg(long, value_name = "FILE", help_heading = "Reading the file")]
    pub words: Option<PathBuf>,

    /// Accept a file without a column for the street: nobody gets a letter
    #[arg(long, help_heading = "Reading the file")]
    no_street: bool,

    /// What the national numbers are, if no column says so [default: what their header says]
    #[arg(
        long,
        value_enum,
        value_name = "TYPE",
        help_heading = "Reading the file"
    )]
    pub number_type: Option<NumberType>,

    /// What comes first in dates such as 03/04/1999 [default: the day, unless dates contradict it]
    #[arg(
        long,
        value_parser = one_of(&ORDERS),
        value_name = "ORDER",
        help_heading = "Reading the file"
    )]
    pub dates: Option<DateOrder>,

    /// Keep columns that this program has no use for, in the records
    #[arg(long, help_heading = "Reading the file")]
    pub keep_extra: bool,
}

/// What becomes of rows or columns that a workbook does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hidden {
    /// Read them like all others
    Keep,
    /// Leave them out
    Drop,
}

/// A scheme of national numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NumberType {
    /// NHS number: England, Wales, Isle of Man
    Nhs,
    /// Community Health Index number: Scotland
    Chi,
    /// Health and Care number: Northern Ireland
    Hc,
}

impl From<NumberType> for NationalIdType {
    fn from(number_type: NumberType) -> Self {
        match number_type {
            NumberType::Nhs => Self::NhsNumber,
            NumberType::Chi => Self::ChiNumber,
            NumberType::Hc => Self::HcNumber,
        }
    }
}

impl PatientFileArgs {
    /// The file.
    ///
    /// # Errors
    /// None was named.
    pub fn path(&self) -> Result<&Path, Fatal> {
        self.file
            .as_deref()
            .ok_or_else(|| Fatal::Usage("name the patient file".into()))
    }

    /// How its bytes are to be read.
    pub fn table_options(&self) -> TableOptions {
        TableOptions {
            encoding: self.encoding,
            separator: self.separator,
            sheet: self.sheet.clone(),
            drops_hidden_rows: self.hidden_rows == Some(Hidden::Drop),
            header_row: self.header_row,
        }
    }

    /// The operator's own mapping of columns.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn mapping(&self) -> Result<Mapping, Fatal> {
        let mapping = self.map.as_deref().map(Mapping::read).transpose()?;
        Ok(Mapping {
            no_street: self.no_street,
            ..mapping.unwrap_or_default()
        })
    }
}
