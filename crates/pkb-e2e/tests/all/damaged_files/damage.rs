//! What goes wrong with a file between the hospital's system and the program.

use pkb_e2e::hostile_pkb::Random;
use pkb_synthetic::generate::COLUMNS;

use super::hospital::Row;

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// None: the file is as it should be.
    None,
    /// Columns of some rows are a row too low, or too high.
    Moved(Moved),
    /// A cell has the value of the one above.
    CopiedDown { row: usize, column: usize },
    /// A cell comes twice, and what follows is one cell to the right.
    Doubled { row: usize, column: usize },
    /// The last cells of a row are missing.
    CellsLost { row: usize, from: usize },
    /// Rows are not shown by the workbook; what the operator says about them (`--hidden-rows`).
    Hidden {
        rows: Vec<usize>,
        said: Option<&'static str>,
    },
    /// Quotation marks at these places of the text, in millionths of it.
    Quotes(Vec<u64>),
    /// The line break behind a row is missing.
    Joined(usize),
    /// A line break at this place of the text.
    Broken(u64),
    /// The text ends here.
    Ends(u64),
}

/// Columns that were moved by a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub columns: Vec<usize>,
    down: bool,
    from: usize,
    to: usize,
    end: End,
}

/// What is in the cell that a moved column has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The value that has no row any more.
    Wrapped,
    /// What was there.
    Same,
    /// Nothing.
    Empty,
}

/// The kinds, as figures are counted.
pub const KINDS: u64 = 10;
const MILLION: u64 = 1_000_000;

impl Damage {
    /// A damage of the kind, to a file of `size` rows. Each column is the moved one in its turn.
    pub fn new(kind: u64, turn: u64, size: usize, random: &mut Random) -> Self {
        let columns = COLUMNS.len() as u64;
        let row = random.below(size as u64) as usize;
        let column = random.below(columns) as usize;
        let place = random.below(MILLION);
        match kind {
            0..=3 => Self::Moved(Moved::new(kind, turn, size, random)),
            4 => match random.below(4) {
                0 => Self::CopiedDown {
                    row: row.max(1),
                    column,
                },
                1 => Self::CellsLost {
                    row,
                    from: 1 + random.below(columns - 1) as usize,
                },
                _ => Self::Doubled { row, column },
            },
            5 => Self::Hidden {
                rows: (0..size)
                    .filter(|at| *at == row || random.below(4) == 0)
                    .collect(),
                said: [None, Some("drop"), Some("keep")][random.below(3) as usize],
            },
            6 | 7 => Self::Quotes(
                (0..=random.below(3))
                    .map(|_| random.below(MILLION))
                    .collect(),
            ),
            8 => match random.below(3) {
                0 => Self::Joined(row),
                1 => Self::Broken(place),
                _ => Self::Ends(place),
            },
            _ => Self::None,
        }
    }

    /// Whether it is done to lines of text, which workbooks do not have.
    pub fn is_of_text(&self) -> bool {
        matches!(
            self,
            Self::Quotes(_) | Self::Joined(_) | Self::Broken(_) | Self::Ends(_)
        )
    }

    /// The rows as they are written then.
    pub fn done_to(&self, rows: &[Row]) -> Vec<Row> {
        let mut rows = rows.to_vec();
        match self {
            Self::Moved(moved) => moved.done_to(&mut rows),
            Self::CopiedDown { row, column } => {
                rows[*row][*column] = rows[*row - 1][*column].clone()
            }
            Self::Doubled { row, column } => {
                let value = rows[*row][*column].clone();
                rows[*row].insert(*column, value);
            }
            Self::CellsLost { row, from } => rows[*row].truncate(*from),
            _ => {}
        }
        rows
    }

    /// The lines as one text. A line has its line end.
    pub fn done_to_text(&self, lines: &[String]) -> String {
        let text = lines.concat();
        // At the beginning of a character.
        let place = |millionths: u64| {
            let count = text.chars().count() as u64;
            let at = (millionths * (count + 1) / MILLION) as usize;
            text.char_indices()
                .nth(at)
                .map_or(text.len(), |(byte, _)| byte)
        };
        match self {
            Self::Quotes(marks) => {
                let mut places: Vec<usize> = marks.iter().map(|mark| place(*mark)).collect();
                places.sort_unstable();
                let mut marked = text.clone();
                for at in places.into_iter().rev() {
                    marked.insert(at, '"');
                }
                marked
            }
            Self::Joined(row) => {
                let mut lines = lines.to_vec();
                // The first line is the header.
                let line = &mut lines[row + 1];
                line.truncate(line.trim_end_matches(['\r', '\n']).len());
                lines.concat()
            }
            Self::Broken(at) => {
                let (before, after) = text.split_at(place(*at));
                format!("{before}\n{after}")
            }
            Self::Ends(at) => text[..place(*at)].to_owned(),
            _ => text,
        }
    }

    /// For figures.
    pub fn words(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Moved(moved) if moved.columns.len() == 1 => "one column moved",
            Self::Moved(_) => "columns moved together",
            Self::CopiedDown { .. } | Self::Doubled { .. } => "a cell doubled",
            Self::CellsLost { .. } | Self::Joined(_) | Self::Broken(_) | Self::Ends(_) => {
                "a row cut"
            }
            Self::Hidden { .. } => "rows hidden",
            Self::Quotes(_) => "stray quotes",
        }
    }
}

impl Moved {
    fn new(kind: u64, turn: u64, size: usize, random: &mut Random) -> Self {
        let all = COLUMNS.len() as u64;
        let columns: Vec<usize> = match kind {
            0 | 1 => vec![(turn % all) as usize],
            2 => {
                let sure = random.below(all);
                let is_in = |column: &u64| *column == sure || random.below(3) == 0;
                (0..all)
                    .filter(is_in)
                    .map(|column| column as usize)
                    .collect()
            }
            _ => (1..all as usize).collect(),
        };
        let (from, to) = if random.below(2) == 0 {
            (0, size)
        } else {
            let from = random.below(size as u64 - 1);
            (
                from as usize,
                (from + 2 + random.below(size as u64 - from - 1)) as usize,
            )
        };
        Self {
            columns,
            down: random.below(2) == 0,
            from,
            to,
            end: [End::Wrapped, End::Same, End::Empty][random.below(3) as usize],
        }
    }

    fn done_to(&self, rows: &mut [Row]) {
        for column in &self.columns {
            let mut values: Vec<String> = rows[self.from..self.to]
                .iter()
                .map(|row| row[*column].clone())
                .collect();
            let end = if self.down { 0 } else { values.len() - 1 };
            let was_there = values[end].clone();
            if self.down {
                values.rotate_right(1);
            } else {
                values.rotate_left(1);
            }
            match self.end {
                End::Wrapped => {}
                End::Same => values[end] = was_there,
                End::Empty => values[end].clear(),
            }
            for (row, value) in rows[self.from..self.to].iter_mut().zip(values) {
                row[*column] = value;
            }
        }
    }
}
