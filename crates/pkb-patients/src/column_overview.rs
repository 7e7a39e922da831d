//! What each column of a patient file is taken for, with masked samples of its values.

use std::fmt;

use pkb_core::Fatal;
use pkb_table::{Row, Rows, Table};

use crate::{
    columns::{Columns, mask},
    header_row,
    options::ReadingOptions,
    patient_file::read_header,
    workbook_check,
};

/// Values shown of each column.
const SAMPLES: usize = 3;
/// Rows that are looked at for them.
const ROWS_FOR_SAMPLES: usize = 1000;

/// The columns of a file, whether or not its header is good enough to read patients.
pub struct ColumnOverview {
    how_read: String,
    /// Label, field and samples of each column.
    columns: Vec<[String; 3]>,
    /// Why the file cannot be read as patients with this header.
    pub refusal: Option<Fatal>,
}

impl ColumnOverview {
    /// Looks at the header and the first rows.
    ///
    /// # Errors
    /// The file cannot be read, or it is not clear on which sheet the patients are.
    pub fn read(options: &ReadingOptions) -> Result<Self, Fatal> {
        let mapping = options.mapping()?;
        let table = Table::open(&options.file, &options.table_options())?;
        workbook_check::one_sheet_has_patients(&table, options.table.sheet.as_deref(), &mapping)?;
        let mut rows = table.rows()?;
        let mut row = Row::default();
        let (number, mut header) = read_header(&table, &mut rows, &mut row)?;
        workbook_check::drop_hidden_columns(&table, &mut header, options.hidden_columns, &mapping);
        let columns = Columns::recognise(&header, &mapping);
        let samples = samples(&mut rows, header.len())?;
        // A first row that is not a header is a patient.
        let is_header = columns.is_surely_a_header();
        let columns = samples.into_iter().enumerate().map(|(at, samples)| {
            let label = if is_header {
                columns.label(at)
            } else {
                format!("column {}", pkb_table::column_letters(at))
            };
            let field = match (columns.field(at), columns.concern(at)) {
                (Some(field), _) => field.name().to_owned(),
                (None, Some(concern)) if is_header => format!("- (about {})", concern.words()),
                (None, _) => "-".to_owned(),
            };
            [label, field, samples.join(" | ")]
        });
        Ok(Self {
            how_read: format!("{}: {}", table.name(), table.how_read()),
            columns: columns.collect(),
            refusal: header_row::columns(&table, number, &header, &mapping).err(),
        })
    }
}

/// The first values of each column, masked.
fn samples(rows: &mut Rows, columns: usize) -> Result<Vec<Vec<String>>, Fatal> {
    let mut samples: Vec<Vec<String>> = vec![Vec::new(); columns];
    let mut row = Row::default();
    for _ in 0..ROWS_FOR_SAMPLES {
        if !rows.next_row(&mut row)? {
            break;
        }
        for (at, samples) in samples.iter_mut().enumerate() {
            let value = row.cell(at).unwrap_or("(no text)").trim();
            if samples.len() < SAMPLES && !value.is_empty() {
                samples.push(mask(value));
            }
        }
    }
    Ok(samples)
}

impl fmt::Display for ColumnOverview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cell: usize| {
            let widths = self.columns.iter().map(|line| line[cell].chars().count());
            widths.max().unwrap_or(0)
        };
        let (labels, fields) = (width(0), width(1));
        writeln!(f, "{}\n", self.how_read)?;
        for [label, field, samples] in &self.columns {
            let line = format!("  {label:labels$}  {field:fields$}  {samples}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
