//! Rows of which the same is said: the first few have a line each, and all others one line together. Hundreds of equal lines would
//! push what is different off the screen.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Rows that have a line of their own.
const OWN_LINES: usize = 5;
/// Ranges of rows that are named.
const NAMED: usize = 8;

/// What was said of rows, and of which.
static SAID: Mutex<BTreeMap<String, Vec<u64>>> = Mutex::new(BTreeMap::new());

/// Whether a line is to be written now. If not, it is kept for [`take`].
pub(super) fn is_for_now(line: &str) -> bool {
    let Some((row, words)) = row_of(line) else {
        return true;
    };
    let mut said = SAID.lock();
    let rows = said.entry(words.to_owned()).or_default();
    rows.push(row);
    rows.len() <= OWN_LINES
}

/// A line for all rows of which the same is said, without those that had one.
pub(super) fn take() -> Vec<String> {
    let said = std::mem::take(&mut *SAID.lock());
    let more = said.into_iter().filter(|(_, rows)| rows.len() > OWN_LINES);
    more.map(|(words, rows)| together(&words, rows)).collect()
}

/// `row 17: rejected: …` as its number and words.
fn row_of(line: &str) -> Option<(u64, &str)> {
    let (row, words) = line.strip_prefix("row ")?.split_once(": ")?;
    Some((row.parse().ok()?, words))
}

fn together(words: &str, mut rows: Vec<u64>) -> String {
    let mut rows = rows.split_off(OWN_LINES);
    rows.sort_unstable();
    rows.dedup();
    let count = rows.len() as u64;
    let ranges = ranges(&rows);
    let named = ranges[..ranges.len().min(NAMED)].join(", ");
    let more = if ranges.len() > NAMED { " …" } else { "" };
    let rows = pkb_core::rows::counted(count, "more row", "more rows");
    format!("{rows} ({named}{more}): {words}")
}

/// `5-9` and `12` of sorted numbers.
fn ranges(rows: &[u64]) -> Vec<String> {
    rows.chunk_by(|one, next| one + 1 == *next)
        .map(|range| match range {
            [first, .., last] => format!("{first}-{last}"),
            [only] => only.to_string(),
            [] => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_have_lines_and_the_others_one_together() {
        let line = |row: u64| {
            format!("row {row}: failed: not_separate: the file also has letters to others")
        };
        let now = (2..20)
            .chain([30])
            .filter(|row| is_for_now(&line(*row)))
            .count();
        assert_eq!(now, OWN_LINES);
        assert!(is_for_now("row 40: failed: something else"));
        assert!(is_for_now("the template has no Welsh"));
        let together = take();
        assert_eq!(
            together,
            ["14 more rows (7-19, 30): failed: not_separate: the file also has letters to others"]
        );
        assert!(take().is_empty());
    }

    #[test]
    fn of_many_ranges_the_first_are_named() {
        let rows = (0..40).map(|row| row * 2).collect();
        let line = together("x", rows);
        assert!(
            line.ends_with("24 …): x") && line.starts_with("35 more rows (10, 12, "),
            "{line}"
        );
    }
}
