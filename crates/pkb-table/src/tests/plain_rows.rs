//! Rows that are taken over as they stand are what csv-core makes of them, wherever the buffer ends.

use proptest::prelude::*;

use super::*;

/// What rows are made of, those with quotation marks and all kinds of line ends among them. No byte-order
/// mark: csv-core takes one only from a first piece that has all of it.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&[u8]> = vec![
        b"a",
        b"b c",
        b"7",
        b",",
        b",",
        b",",
        b";",
        b"\t",
        b" ",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"\"",
        b"\"x,\ny\"",
        b"\xc3\xa9",
        b"\xff",
        b"\xef\xbf\xbd",
        b"\0",
    ];
    let part = prop::sample::select(parts);
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// All rows, or those before the error and its words.
fn rows(table: &Table, buffer: usize) -> (Vec<ReadRow>, Option<String>) {
    let mut rows = Rows::with_buffer(buffer, table.source.clone(), &table.layout).unwrap();
    let mut row = Row::default();
    let mut read = Vec::new();
    loop {
        match rows.next_row(&mut row) {
            Ok(true) => {
                let text = |at| row.cell(at).ok().map(str::to_owned);
                read.push((row.number, (0..row.len()).map(text).collect()));
            }
            Ok(false) => return (read, None),
            Err(error) => return (read, Some(error.to_string())),
        }
    }
}

proptest! {
    #[test]
    fn plain_rows_are_what_csv_core_makes_of_them(bytes in text(), buffer in 2..80_usize) {
        let utf_8 = TableOptions {
            encoding: Some(encoding_rs::UTF_8.into()),
            ..Default::default()
        };
        let table = open_with(&bytes, &utf_8).unwrap();
        // No row is in a buffer of one byte as a whole: csv-core gets them all.
        let by_csv_core = rows(&table, 1);
        prop_assert_eq!(&rows(&table, buffer), &by_csv_core);
        prop_assert_eq!(rows(&table, 1 << 16), by_csv_core);
    }
}
