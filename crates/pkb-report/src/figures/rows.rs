//! Sets of rows: compressed bitmaps, so that 400,000 rows take at most some tens of kilobytes.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use crate::fields::Row;

/// Rows of the patient files.
#[derive(Debug, Default, Clone)]
pub struct RowSet(BTreeMap<String, RoaringTreemap>);

impl RowSet {
    /// Adds a row; `false` if it is there already.
    pub fn insert(&mut self, row: &Row<'_>) -> bool {
        self.insert_number(&row.file, row.number)
    }

    /// Adds row `number` of `file`; `false` if it is there already.
    pub fn insert_number(&mut self, file: &str, number: u64) -> bool {
        if let Some(rows) = self.0.get_mut(file) {
            return rows.insert(number);
        }
        let rows = RoaringTreemap::from_iter([number]);
        self.0.insert(file.to_owned(), rows);
        true
    }

    /// Adds all rows of another set.
    pub fn add_all(&mut self, other: &Self) {
        for (file, rows) in &other.0 {
            *self.0.entry(file.clone()).or_default() |= rows;
        }
    }

    /// Removes all rows of another set.
    pub fn remove_all(&mut self, other: &Self) {
        for (file, rows) in &other.0 {
            if let Some(own) = self.0.get_mut(file) {
                *own -= rows;
            }
        }
        self.0.retain(|_, rows| !rows.is_empty());
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.values().map(RoaringTreemap::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All rows, by file and number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .flat_map(|(file, rows)| rows.iter().map(move |number| (file.as_str(), number)))
    }
}
