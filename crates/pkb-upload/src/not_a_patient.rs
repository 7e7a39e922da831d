//! Rows of a report that are not patients: totals, headers that are repeated on each page, and what
//! programs write below a table. They are rejected whatever they are called; this says what they are.

use pkb_values::folded_header;

use crate::columns::Columns;
use pkb_table::Row;

/// What a row is that is not a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAPatient {
    /// The header once more.
    RepeatedHeader,
    /// A number of records.
    Total,
    /// The end of a report.
    End,
    /// Dashes, as under a header.
    Ruler,
}

/// Headers that must be known, and as many cells that must be those of the header.
const HEADERS: usize = 2;

/// Words that begin a total.
const TOTALS: [&str; 9] = [
    "total",
    "totals",
    "subtotal",
    "sub total",
    "grand total",
    "count",
    "row count",
    "record count",
    "sum",
];
/// What is counted.
const COUNTED: [&str; 6] = ["row", "rows", "record", "records", "patient", "patients"];
/// What ends.
const ENDED: [&str; 8] = [
    "report", "file", "data", "list", "extract", "export", "records", "document",
];

/// What a row is that has no national id, or a wrong one.
pub fn look(row: &Row, columns: &Columns) -> Option<NotAPatient> {
    let cells: Vec<(usize, &str)> = (0..row.len())
        .filter_map(|at| Some((at, row.cell(at).ok()?.trim())))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    if is_header(&cells, columns) {
        return Some(NotAPatient::RepeatedHeader);
    }
    let is_ruled =
        |text: &str| text.len() > 1 && text.bytes().all(|byte| b"-=_*+ ".contains(&byte));
    if cells.iter().all(|(_, text)| is_ruled(text)) {
        return Some(NotAPatient::Ruler);
    }
    // A patient fills more cells than these.
    if cells.len() * 2 > columns.len() {
        return None;
    }
    cells.iter().find_map(|(_, text)| {
        let words = words(text);
        if is_total(&words) {
            Some(NotAPatient::Total)
        } else {
            is_end(&words).then_some(NotAPatient::End)
        }
    })
}

fn is_header(cells: &[(usize, &str)], columns: &Columns) -> bool {
    let is_same = |(at, text): &&(usize, &str)| {
        columns.field(*at).is_some() && folded_header(text) == folded_header(columns.header(*at))
    };
    let same = cells.iter().filter(is_same).count();
    same >= HEADERS && same * 2 > cells.len()
}

/// Words and numbers without what stands around them, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// `Total records: 20`, `Number of patients 20`, `Records: 20`, `(20 rows affected)`.
fn is_total(words: &[String]) -> bool {
    let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_counted = |word: &String| COUNTED.contains(&word.as_str());
    let begins = |with: &str| {
        let with: Vec<&str> = with.split(' ').collect();
        words.len() >= with.len() && words.iter().zip(&with).all(|(word, with)| word == with)
    };
    TOTALS.into_iter().any(begins)
        || begins("number of")
        || begins("no of")
        || match words {
            [first, second, ..] => {
                is_number(first) && is_counted(second) || is_counted(first) && is_number(second)
            }
            _ => false,
        }
}

/// `*** End of report ***`.
fn is_end(words: &[String]) -> bool {
    let is_ended = |word: &String| ENDED.contains(&word.as_str());
    match words {
        [end, of, what, ..] => end == "end" && of == "of" && is_ended(what),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(text: &str) -> bool {
        is_total(&words(text))
    }

    #[test]
    fn totals_are_known_by_their_words() {
        for text in [
            "Total records: 20",
            "TOTAL",
            "Grand total:",
            "Sub-total",
            "Count: 20",
            "Number of patients: 20",
            "(20 rows affected)",
            "20 rows selected.",
            "Records: 20",
            "1 row",
        ] {
            assert!(total(text), "{text}");
        }
        for text in [
            "Anna Archer",
            "20 Mill Lane",
            "Totally Wicked",
            "Countess Road",
            "9990000026",
            "",
        ] {
            assert!(!total(text), "{text}");
        }
        assert!(is_end(&words("*** End of Report ***")));
        assert!(!is_end(&words("End of the Lane")));
    }
}
