//! Which file, and how it is to be read.

use std::path::PathBuf;

use crate::{HiddenCells, ReadingOptions};
use clap::Args;
use pkb_cli::args::one_of;
use pkb_core::Fatal;
use pkb_table::{EncodingChoice, Separator, TableOptions, parse_encoding};
use pkb_values::{DateOrder, NationalIdType};

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

/// What becomes of hidden rows or columns, as help lists it.
const HIDDEN: [(&str, &str, HiddenCells); 2] = [
    ("keep", "Read them like all others", HiddenCells::Keep),
    ("drop", "Leave them out", HiddenCells::Drop),
];

/// Schemes of national numbers, as help lists them.
const NUMBER_TYPES: [(&str, &str, NationalIdType); 3] = [
    (
        "nhs",
        "NHS number: England, Wales, Isle of Man",
        NationalIdType::NhsNumber,
    ),
    (
        "chi",
        "Community Health Index number: Scotland",
        NationalIdType::ChiNumber,
    ),
    (
        "hc",
        "Health and Care number: Northern Ireland",
        NationalIdType::HcNumber,
    ),
];

/// A patient file and how it is to be read.
#[derive(Debug, Args)]
pub struct PatientFileArgs {
    /// Patient file ("-" is standard input)
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,

    /// Sheet of a workbook, by name or number
    ///
    /// Without this option the first sheet is read. The run stops if a different sheet has patients.
    #[arg(long, value_name = "SHEET", help_heading = "Reading the file")]
    sheet: Option<String>,

    /// What to do with hidden rows of a workbook
    ///
    /// Without this option the run stops if there are any, such as rows that a filter hides.
    #[arg(
        long,
        value_parser = one_of(&HIDDEN),
        value_name = "WHAT",
        help_heading = "Reading the file"
    )]
    hidden_rows: Option<HiddenCells>,

    /// What to do with hidden columns of a workbook
    ///
    /// Without this option the run stops if there are any that would be used. Columns that decide who must not be written
    /// to are always used.
    #[arg(
        long,
        value_parser = one_of(&HIDDEN),
        value_name = "WHAT",
        help_heading = "Reading the file"
    )]
    hidden_columns: Option<HiddenCells>,

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

    /// Meaning of columns whose headers are not understood, as TOML
    ///
    /// See: pkb help patient-file
    #[arg(long, value_name = "FILE", help_heading = "Reading the file")]
    map: Option<PathBuf>,

    /// Words of your organisation in names and addresses, as TOML
    ///
    /// For example its marks of death. See: pkb help patient-file
    #[arg(long, value_name = "FILE", help_heading = "Reading the file")]
    words: Option<PathBuf>,

    /// Accept a file without a column for the street. Nobody gets a letter
    #[arg(long, help_heading = "Reading the file")]
    no_street: bool,

    /// What the national numbers are, if no column says so
    ///
    /// Without this option the header decides.
    #[arg(
        long,
        value_parser = one_of(&NUMBER_TYPES),
        value_name = "TYPE",
        help_heading = "Reading the file"
    )]
    number_type: Option<NationalIdType>,

    /// What comes first in dates such as 03/04/1999 [default: the day, unless dates contradict it]
    #[arg(
        long,
        value_parser = one_of(&ORDERS),
        value_name = "ORDER",
        help_heading = "Reading the file"
    )]
    dates: Option<DateOrder>,

    /// Keep columns in the records that this program does not use
    #[arg(long, help_heading = "Reading the file")]
    keep_extra: bool,

    /// Leave out rows whose NHS number status is missing or not 01
    ///
    /// 01 means verified. PKB keeps patients with other statuses waiting until somebody has looked, and it never
    /// merges records.
    #[arg(long, help_heading = "Reading the file")]
    verified_only: bool,
}

impl PatientFileArgs {
    /// The file, and how to read it.
    ///
    /// # Errors
    /// No file was named.
    pub fn options(&self) -> Result<ReadingOptions, Fatal> {
        let file = self.file.clone();
        Ok(ReadingOptions {
            file: file.ok_or_else(|| Fatal::Usage("name the patient file".into()))?,
            table: TableOptions {
                encoding: self.encoding,
                separator: self.separator,
                sheet: self.sheet.clone(),
                header_row: self.header_row,
                ..TableOptions::default()
            },
            hidden_rows: self.hidden_rows,
            hidden_columns: self.hidden_columns,
            mapping: self.map.clone(),
            words: self.words.clone(),
            no_street: self.no_street,
            number_type: self.number_type,
            dates: self.dates,
            keep_extra: self.keep_extra,
            verified_only: self.verified_only,
        })
    }
}
