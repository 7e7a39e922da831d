//! The sheets of a workbook: which of them is read, and what the others hold.

use std::{fs::File, sync::Arc};

use calamine::{DataRef, Sheet, SheetType, SheetVisible};

use super::{format::Format, trouble::Trouble};
use crate::{
    how_read::HowRead,
    ranges::Ranges,
    sheet_writer::{SheetWriter, WrittenSheet},
};

/// What the operator says about a workbook.
pub(crate) struct Wanted<'a> {
    /// The sheet, by name or number.
    pub(crate) sheet: Option<&'a str>,
    /// Rows that the spreadsheet does not show are left out.
    pub(crate) drops_hidden: bool,
}

/// A sheet as far as it was looked at.
#[derive(Debug)]
pub struct SheetOverview {
    /// Its name.
    pub name: String,
    /// Whether the spreadsheet does not show it.
    pub is_hidden: bool,
    /// Whether its rows are those of the table.
    pub is_read: bool,
    /// Rows with anything in them.
    pub rows: u64,
    /// The first of them, as patients' data.
    pub first_rows: Vec<Vec<String>>,
}

/// A sheet that was written into a spool, and what was seen of the others.
pub(crate) struct Converted {
    pub(crate) spool: Arc<File>,
    pub(crate) width: usize,
    pub(crate) how_read: HowRead,
    /// The sheets that were looked at: only the wanted one if there is one.
    pub(crate) sheets: Vec<SheetOverview>,
    /// Rows of the sheet with anything in them that the spreadsheet does not show.
    pub(crate) hidden_rows: Ranges,
    /// Columns of the sheet that the spreadsheet does not show.
    pub(crate) hidden_columns: Ranges,
    /// Rows of the sheet with values that a merged cell covers.
    pub(crate) covered_rows: Ranges,
    /// Rows of the sheet with text that is struck through.
    pub(crate) struck_rows: Ranges,
    /// Rows of the sheet, from 0, and what comments on their cells say.
    pub(crate) comments: Vec<(u32, String)>,
}

/// A sheet that is being read.
pub(super) struct OpenSheet {
    pub(super) writer: SheetWriter,
    pub(super) hidden_columns: Ranges,
    /// Rows with values that a merged cell covers.
    pub(super) covered_rows: Ranges,
    pub(super) struck_rows: Ranges,
    pub(super) comments: Vec<(u32, String)>,
}

impl OpenSheet {
    /// Takes a cell that another one covers: it is as if empty, but where it is not, that is told.
    pub(super) fn cover(&mut self, row: u32, cell: &DataRef<'_>) {
        if *cell != DataRef::Empty {
            self.covered_rows.add(row, row);
        }
    }
}

/// The sheets of a workbook, of which one is to be read.
pub(super) struct Choice {
    format: Format,
    sheets: Vec<ListedSheet>,
    /// Which of them is read.
    chosen: usize,
    /// Nobody asked for it: the others must be looked at.
    looks_at_all: bool,
}

struct ListedSheet {
    name: String,
    is_hidden: bool,
    /// Its place among all sheets, charts included.
    at: usize,
}

impl Wanted<'_> {
    /// The wanted sheet, or else the first that is not hidden.
    pub(super) fn choose(&self, all: &[Sheet], format: Format) -> Result<Choice, Trouble> {
        let sheets: Vec<ListedSheet> = all
            .iter()
            .enumerate()
            .filter(|(_, sheet)| sheet.typ == SheetType::WorkSheet)
            .map(|(at, sheet)| ListedSheet {
                name: sheet.name.clone(),
                is_hidden: sheet.visible != SheetVisible::Visible,
                at,
            })
            .collect();
        let place = |is: &dyn Fn(&ListedSheet) -> bool| sheets.iter().position(is);
        let chosen = match self.sheet.map(str::trim) {
            None => place(&|sheet| !sheet.is_hidden)
                .or((!sheets.is_empty()).then_some(0))
                .ok_or(Trouble::Unreadable)?,
            Some(wanted) => place(&|sheet| sheet.name.trim() == wanted)
                .or_else(|| {
                    let lower = wanted.to_lowercase();
                    place(&|sheet| sheet.name.trim().to_lowercase() == lower)
                })
                .or_else(|| {
                    let number: usize = wanted.parse().ok()?;
                    number.checked_sub(1).filter(|at| *at < sheets.len())
                })
                .ok_or_else(|| Trouble::NoSuchSheet {
                    wanted: wanted.to_owned(),
                    sheets: sheets.iter().map(|sheet| sheet.name.clone()).collect(),
                })?,
        };
        Ok(Choice {
            format,
            sheets,
            chosen,
            looks_at_all: self.sheet.is_none(),
        })
    }
}

impl Choice {
    /// The places of the sheets that are read, among all sheets of the workbook.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let is_read = |at: &usize| self.looks_at_all || *at == self.chosen;
        (0..self.sheets.len())
            .filter(is_read)
            .map(|at| self.sheets[at].at)
    }

    /// Reads the sheets, one after the other, by `fill`, which gets name and place of each.
    pub(super) fn read(
        self,
        wanted: &Wanted<'_>,
        mut fill: impl FnMut(&str, usize, &mut OpenSheet) -> Result<(), Trouble>,
    ) -> Result<Converted, Trouble> {
        let mut chosen = None;
        let mut overviews = Vec::new();
        for (at, listed) in self.sheets.iter().enumerate() {
            let is_chosen = at == self.chosen;
            if !is_chosen && !self.looks_at_all {
                continue;
            }
            let mut sheet = OpenSheet {
                writer: SheetWriter::new(wanted.drops_hidden)?,
                hidden_columns: Ranges::default(),
                covered_rows: Ranges::default(),
                struck_rows: Ranges::default(),
                comments: Vec::new(),
            };
            fill(&listed.name, listed.at, &mut sheet)?;
            let (spool, mut written) = sheet.writer.finish()?;
            overviews.push(SheetOverview {
                name: listed.name.clone(),
                is_hidden: listed.is_hidden,
                is_read: is_chosen,
                rows: written.rows,
                first_rows: std::mem::take(&mut written.first_rows),
            });
            if is_chosen {
                chosen = Some((
                    spool,
                    written,
                    sheet.hidden_columns,
                    sheet.covered_rows,
                    sheet.struck_rows,
                    sheet.comments,
                ));
            }
        }
        let (spool, written, hidden_columns, covered_rows, struck_rows, comments) =
            chosen.ok_or(Trouble::Unreadable)?;
        Ok(Converted {
            spool,
            width: written.width,
            how_read: self.how_read(&written, wanted.drops_hidden),
            sheets: overviews,
            hidden_rows: written.hidden_rows,
            hidden_columns,
            covered_rows,
            struck_rows,
            comments,
        })
    }

    fn how_read(&self, written: &WrittenSheet, drops_hidden: bool) -> HowRead {
        let label = |sheet: &ListedSheet| {
            let hidden = if sheet.is_hidden { " (hidden)" } else { "" };
            format!("{}{hidden}", sheet.name)
        };
        HowRead::Sheet {
            name: label(&self.sheets[self.chosen]),
            format: self.format,
            sheets: self.sheets.iter().map(label).collect(),
            dropped_rows: if drops_hidden {
                written.hidden_rows.count()
            } else {
                0
            },
        }
    }
}
