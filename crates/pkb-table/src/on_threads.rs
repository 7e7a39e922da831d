//! Work on rows by as many threads as there are cores. Each thread takes its turn at the reader, which
//! keeps it only as long as a block of rows is read, and works on its block while others read theirs.

use parking_lot::Mutex;
use pkb_core::Fatal;

use super::{row::Row, rows::Rows};

/// Rows that a thread takes at a time: many, so that reading in turns costs nothing, and few enough to
/// stay in a core's own cache. In tests there are several blocks in the smallest table.
const BLOCK_ROWS: usize = if cfg!(test) { 3 } else { 256 };

/// Works on all rows that are left. Each thread begins with what `begin` makes; what they have come to is
/// returned in no order. Which of them gets which rows is chance: nothing may depend on it.
///
/// # Errors
/// The first error of the reader, as if one thread had read all rows.
pub fn fold<T: Send>(
    rows: &mut Rows,
    begin: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, &Row) + Sync,
) -> Result<Vec<T>, Fatal> {
    let reader = Mutex::new(BlockReader {
        rows,
        at_end: false,
    });
    rayon::broadcast(|_| {
        let mut made = begin();
        let mut block = RowBlock::default();
        loop {
            // A thread that broke off while it read ends the program; there is nothing to be mended.
            let mut turn = reader.lock();
            turn.read(&mut block)?;
            drop(turn);
            if block.rows().is_empty() {
                return Ok(made);
            }
            for row in block.rows() {
                work(&mut made, row);
            }
        }
    })
    .into_iter()
    .collect()
}

/// Rows that were read together. Their memory is used again and again.
#[derive(Default)]
struct RowBlock {
    rows: Vec<Row>,
    filled: usize,
}

impl RowBlock {
    fn rows(&self) -> &[Row] {
        &self.rows[..self.filled]
    }
}

struct BlockReader<'a> {
    rows: &'a mut Rows,
    /// Nothing more is to be had, also after an error.
    at_end: bool,
}

impl BlockReader<'_> {
    /// Reads as many rows as are left and a block has room for.
    fn read(&mut self, block: &mut RowBlock) -> Result<(), Fatal> {
        block.rows.resize_with(BLOCK_ROWS, Row::default);
        block.filled = 0;
        for row in &mut block.rows {
            if self.at_end {
                break;
            }
            let read = self.rows.next_row(row);
            self.at_end = !matches!(read, Ok(true));
            block.filled += usize::from(read?);
        }
        Ok(())
    }
}
