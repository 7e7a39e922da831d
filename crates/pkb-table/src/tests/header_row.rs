//! Titles above the header.

use super::*;

fn with_header(text: &str, row: u64) -> Result<Vec<ReadRow>, Fatal> {
    let options = TableOptions {
        header_row: Some(row),
        ..Default::default()
    };
    all(open_with(text.as_bytes(), &options)?.rows()?)
}

#[test]
fn rows_above_the_header_are_not_rows_of_the_table() {
    let text = "Trust, North\n\nRun: 1, 2, 3, 4\na;b;c\nd;\"e\nf\";g\n";
    assert_eq!(
        shown(with_header(text, 4)),
        ["4: a|b|c", "5: d|e\nf|g"],
        "the separator is that of the header"
    );
    assert_eq!(shown(with_header("a,b\nc,d\n", 1)), ["1: a|b", "2: c|d"]);
}

#[test]
fn a_header_row_that_is_empty_or_not_there_is_named() {
    for (text, row) in [("a,b\n\nc,d\n", 2), ("a,b\n", 7), ("", 1)] {
        let error = with_header(text, row).unwrap_err();
        let words = format!("row {row} is empty or does not exist");
        assert!(error.to_string().contains(&words), "{error}");
    }
}
