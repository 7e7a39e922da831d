//! Comma-separated values (RFC 4180), read by different code from the code that writes them.

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// Between cells.
    pub(super) separator: char,
    /// Whether a cell can be in quotes. If not, a quotation mark is a character like others.
    pub(super) has_quotes: bool,
}

/// The rows of a file of cells between commas.
pub(super) fn rows(text: &str) -> Option<Vec<Vec<String>>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let dialect = Dialect {
        separator: ',',
        has_quotes: true,
    };
    rows_of(text, dialect)
}

/// The rows of a file. `None` if it is not of the form that GOV.UK Notify and spreadsheet programs agree on: quotes around a
/// whole cell or none, and as many cells in each row as in the first.
pub(super) fn rows_of(text: &str, dialect: Dialect) -> Option<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Vec::new();
        loop {
            let (cell, behind) = cell(rest, dialect)?;
            row.push(cell);
            if let Some(next) = behind.strip_prefix(dialect.separator) {
                rest = next;
                continue;
            }
            let line_end = behind.strip_prefix("\r\n");
            rest = line_end
                .or_else(|| behind.strip_prefix('\n'))
                .unwrap_or(behind);
            break;
        }
        rows.push(row);
    }
    let width = rows.first().map_or(0, Vec::len);
    rows.iter().all(|row| row.len() == width).then_some(rows)
}

/// The cell that comes next, and what is behind it: a separator, the end of a line, or nothing.
fn cell(text: &str, dialect: Dialect) -> Option<(String, &str)> {
    let Dialect {
        separator,
        has_quotes,
    } = dialect;
    let Some(quoted) = text.strip_prefix('"').filter(|_| has_quotes) else {
        let end = text.find([separator, '\n', '\r']).unwrap_or(text.len());
        let (cell, behind) = text.split_at(end);
        let is_end = behind.is_empty() || !behind.starts_with('\r') || behind.starts_with("\r\n");
        return (is_end && !(has_quotes && cell.contains('"'))).then(|| (cell.to_owned(), behind));
    };
    let (mut cell, mut rest) = (String::new(), quoted);
    loop {
        let (part, behind) = rest.split_once('"')?;
        cell.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => {
                let is_end = behind.is_empty()
                    || behind.starts_with([separator, '\n'])
                    || behind.starts_with("\r\n");
                return is_end.then_some((cell, behind));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_another_program_writes_is_read(
            cells in prop::collection::vec(prop::collection::vec("[a-zé\", \r\n]{0,6}", 3), 1..6),
        ) {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(rows(&text), Some(cells));
        }

        #[test]
        fn any_text_ends(text in "[a\", \r\n]{0,30}") {
            let _ = rows(&text);
        }
    }

    #[test]
    fn a_quote_that_does_not_close_and_a_row_that_is_too_long_are_refused() {
        for text in [
            "a,b\n\"c,d\n",
            "a,b\nc,d,e\n",
            "a,b\nc,d\"e\"\n",
            "a,b\n\"c\"d,e\n",
            "a\rb",
        ] {
            assert_eq!(rows(text), None, "{text:?}");
        }
        assert_eq!(rows(""), Some(vec![]));
    }
}
