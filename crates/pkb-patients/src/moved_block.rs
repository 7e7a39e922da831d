//! Columns whose values are all one row off, as the first and the last row of a file show. If some columns moved down by a row,
//! the first row lacks them, and their last values are alone in a row below the others.

use pkb_core::{Fatal, rows::listed};

use crate::columns::Columns;
use pkb_table::{Row, Table};

/// As many columns are looked at.
const COLUMNS: usize = 128;
/// Fewer rows show nothing.
const FEWEST_ROWS: u64 = 3;
/// Fewer rows do not show that a column is filled everywhere.
const FEWEST_FULL: u64 = 5;

/// Which cells of a file are filled: in its first and last row, and how often in all.
#[derive(Debug, Default)]
pub struct FilledCells {
    rows: u64,
    filled: Vec<u32>,
    first: Option<Edge>,
    last: Option<Edge>,
}

/// The first or the last row.
#[derive(Debug, Clone, Copy)]
struct Edge {
    number: u64,
    /// A bit for each cell that is filled.
    cells: u128,
}

impl FilledCells {
    /// Takes a row into account; rows come in any order.
    pub fn see(&mut self, row: &Row) {
        let mut cells = 0_u128;
        for (at, cell) in row.cells_raw().take(COLUMNS).enumerate() {
            if !cell.trim_ascii_start().is_empty() {
                cells |= 1 << at;
                if self.filled.len() <= at {
                    self.filled.resize(at + 1, 0);
                }
                self.filled[at] += 1;
            }
        }
        self.rows += 1;
        self.see_edge(Edge {
            number: row.number,
            cells,
        });
    }

    fn see_edge(&mut self, edge: Edge) {
        if self.first.is_none_or(|first| edge.number < first.number) {
            self.first = Some(edge);
        }
        if self.last.is_none_or(|last| edge.number > last.number) {
            self.last = Some(edge);
        }
    }

    /// Takes over what was seen of other rows.
    pub fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        if self.filled.len() < other.filled.len() {
            self.filled.resize(other.filled.len(), 0);
        }
        for (own, others) in self.filled.iter_mut().zip(&other.filled) {
            *own += others;
        }
        for edge in [other.first, other.last].into_iter().flatten() {
            self.see_edge(edge);
        }
    }

    /// Stops if columns seem to be one row off.
    ///
    /// # Errors
    /// They do; the message has the columns and the row.
    pub fn check(&self, table: &Table, columns: &Columns) -> Result<(), Fatal> {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return Ok(());
        };
        if self.rows < FEWEST_ROWS {
            return Ok(());
        }
        let file = table.name();
        let advice = format!(
            "What to do: put the cells back into their rows, or export the file again. Do not delete the row alone. Then run: {}",
            table.command("").trim_end()
        );
        if first.cells & last.cells == 0 && self.are_often_filled(first.cells | last.cells) {
            let is_down = last.cells.count_ones() <= first.cells.count_ones();
            let (block, alone, lacking, way) = if is_down {
                (last.cells, last.number, first.number, "down")
            } else {
                (first.cells, first.number, last.number, "up")
            };
            let (labels, have) = labels(columns, block);
            return Err(Fatal::Refused(format!(
                "{file}: row {alone} has nothing but {labels}, and row {lacking} lacks just that. It looks as if {have} \
                 moved {way} by a row, so that each patient has what belongs to somebody else. {advice}"
            )));
        }
        let decides = columns.deciding().iter().map(|column| column.at);
        let mut lacked = decides.filter_map(|at| {
            let is_full_but_once = at < COLUMNS
                && self.rows >= FEWEST_FULL
                && self.filled.get(at).map(|filled| u64::from(*filled)) == Some(self.rows - 1);
            let lacks = |edge: &&Edge| is_full_but_once && edge.cells & (1 << at) == 0;
            Some((at, [first, last].iter().find(lacks)?.number))
        });
        match lacked.next() {
            None => Ok(()),
            Some((at, row)) => Err(Fatal::Refused(format!(
                "{file}: {} is filled in every row but row {row}. The column may have moved by a row, so that patients have \
                 each other's values. If it did, put the cells back into their rows, or export the file again. If not, fill \
                 the empty cell. Then run: {}",
                columns.label(at),
                table.command("").trim_end()
            ))),
        }
    }

    /// Whether each of these columns is filled in a quarter of the rows: what stands below a table is not.
    fn are_often_filled(&self, cells: u128) -> bool {
        cells != 0
            && (0..COLUMNS)
                .filter(|at| cells & (1 << at) != 0)
                .all(|at| u64::from(self.filled[at]) * 4 >= self.rows)
    }
}

/// The columns of a block, and the same with a verb's subject.
fn labels(columns: &Columns, block: u128) -> (String, &'static str) {
    let at = (0..COLUMNS).filter(|at| block & (1 << at) != 0);
    let labels: Vec<String> = at.map(|at| columns.label(at)).collect();
    let subject = if labels.len() == 1 {
        "this column"
    } else {
        "these columns"
    };
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    (listed(&labels), subject)
}
