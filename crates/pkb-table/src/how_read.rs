//! What was found out about a table, in words for the summary.

use std::fmt::{self, Display};

use pkb_core::rows::counted;

use super::{encoding::EncodingChoice, separator::Separator, workbook::format::Format};

/// How a table is read; shown, it is a phrase such as `CSV in UTF-8, separated by commas`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowRead {
    /// A text file.
    Text {
        /// How its characters are written.
        encoding: EncodingChoice,
        /// How sure the encoding is.
        certainty: Certainty,
        /// It is packed.
        gzip: bool,
        /// What stands between its cells.
        separator: Separator,
    },
    /// A sheet of a workbook.
    Sheet {
        /// The sheet that is read.
        name: String,
        /// The workbook's kind.
        format: Format,
        /// All sheets of the workbook.
        sheets: Vec<String>,
        /// Hidden rows that are left out.
        dropped_rows: u64,
    },
}

/// How sure an encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Asked for, marked, or without any contradiction.
    Certain,
    /// The most likely one.
    Detected,
    /// Some bytes contradict; their cells are undecodable.
    Mostly,
}

impl Display for HowRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text {
                encoding,
                certainty,
                gzip,
                separator,
            } => {
                let certainty = match certainty {
                    Certainty::Certain => "",
                    Certainty::Detected => " (detected)",
                    Certainty::Mostly => " (some bytes are not)",
                };
                let gzip = if *gzip { ", gzip" } else { "" };
                write!(
                    f,
                    "CSV in {encoding}{certainty}{gzip}, separated by {separator}"
                )
            }
            Self::Sheet {
                name,
                format,
                sheets,
                dropped_rows,
            } => {
                write!(f, "sheet \"{name}\" of an {format} workbook")?;
                if sheets.len() > 1 {
                    write!(f, " (sheets: {})", sheets.join(", "))?;
                }
                if *dropped_rows > 0 {
                    let rows = counted(*dropped_rows, "hidden row", "hidden rows");
                    write!(f, ", without {rows}")?;
                }
                Ok(())
            }
        }
    }
}
