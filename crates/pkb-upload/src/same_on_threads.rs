//! Whatever the number of threads, a file has the same report, the same problems and the same records.

use std::path::Path;

use jiff::civil::date;
use pkb_patients::{FileReport, PatientFile, ReadingOptions};
use proptest::prelude::*;

use crate::problems_file;

const HEADER: &str =
    "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile,Email\n";

/// Rows that are good, bad, of several lines, or related to each other.
fn row() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec![
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000019",
        "",
    ]);
    let name = prop::sample::select(vec![
        "Ann",
        "ANN",
        "O'Brien",
        "Si\u{e2}n",
        "\"Ann\nMary\"",
        "NULL",
        "",
    ]);
    let born = prop::sample::select(vec!["21/04/1999", "1999-04-21", "1890-01-01", "99"]);
    let line = prop::sample::select(vec![
        "1 High St",
        "\"Flat 1,\n1 High St\"",
        "\"1, High St.\"",
        "-",
    ]);
    let mobile = prop::sample::select(vec!["07700 900123", "0191 496 0123", "x"]);
    let email = prop::sample::select(vec!["a@example.org", "A@example.org", "b@example.org", "a"]);
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n", ",\n"]);
    (number, name, born, line, mobile, email, end).prop_map(
        |(number, name, born, line, mobile, email, end)| {
            let cells =
                format!("{number},{name},Lee,{born},{line},Newcastle,NE1 1XC,{mobile},{email}");
            // With a cell too many, a row with line breaks would be refused with the whole file.
            let end = if cells.contains('\n') { "\n" } else { end };
            format!("{cells}{end}")
        },
    )
}

/// Everything that anybody is told about the file.
fn told(path: &Path, threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(|| {
        let file = match PatientFile::open(&ReadingOptions::of(path), date(2026, 11, 23)) {
            Ok(file) => file,
            Err(fatal) => return fatal.to_string(),
        };
        let mut told = FileReport(&file).to_string();
        let problems = path.with_file_name("problems.csv");
        problems_file::write(&file, &[], &problems, true).unwrap();
        told.push_str(&std::fs::read_to_string(problems).unwrap());
        for record in std::sync::Arc::new(file).records().unwrap() {
            told.push_str(&serde_json::to_string(&record.unwrap()).unwrap());
        }
        told
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn one_thread_and_several_say_the_same(rows in prop::collection::vec(row(), 0..40), open_quote: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("patients.csv");
        let end = if open_quote { "9990000018,\"Ann,Lee\n" } else { "" };
        std::fs::write(&path, format!("{HEADER}{}{end}", rows.concat())).unwrap();
        let by_one = told(&path, 1);
        for threads in [2, 3] {
            prop_assert_eq!(&told(&path, threads), &by_one);
        }
    }
}
