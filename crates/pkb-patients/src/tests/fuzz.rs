//! Fuzz targets of the path from a file's bytes to records; `scripts/fuzz` runs them for a minute each.

use std::time::{Duration, Instant};

use pkb_core::Fatal;
use proptest::{prelude::*, test_runner::TestRunner};

use super::open;

/// What files are made of.
const PARTS: [&[u8]; 36] = [
    b"NHS number,First name,Last name,Date of birth\n",
    b"NHS No;Forename;Surname;DOB;Postcode;Mobile\r\n",
    b"NHS No,Forename,Surname,DOB,Full address,House no,Dec'd,Consent,Reason for removal\n",
    b"9990000034,Ann,Lee,21/04/1999,\"1, High St; Leeds\",2,N,Y,\n",
    b"01/01/1900",
    b"Y",
    b"sep=;\r\n",
    b"5760678914",
    b"9990000018",
    b"9990000026,Ann,Lee,21/04/1999\n",
    b"9990000018;Ann;Lee;1999-04-21;NE1 1XC;07700 900123\r\n",
    b",",
    b";",
    b"\t",
    b"|",
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"a",
    b"21/04/1999",
    b"9.99E+09",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x00",
    b"\xe9",
    b"\xc3\xa9",
    b"\x81",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"O'Brien",
    b"#N/A",
];

/// Whatever the bytes are, the file is refused with words, or each row becomes a record. For
/// PKB_FUZZ_SECONDS, or one round of cases.
fn fuzz(content: impl Fn(&[u8]) -> Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patients");
    let seconds = std::env::var("PKB_FUZZ_SECONDS").ok();
    let seconds = seconds.map_or(0, |seconds| seconds.parse().expect("a number"));
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let files = proptest::collection::vec(any::<u8>(), 0..60);
        TestRunner::default()
            .run(&files, |bytes| {
                std::fs::write(&path, content(&bytes)).unwrap();
                match open(&path) {
                    Err(fatal) => prop_assert!(!matches!(fatal, Fatal::Bug(_)), "{}", fatal),
                    Ok(file) => {
                        let (rows, good) = (file.survey.rows, file.survey.good);
                        let records: Result<Vec<_>, Fatal> =
                            std::sync::Arc::new(file).records().unwrap().collect();
                        let records = records.unwrap();
                        prop_assert_eq!(records.len() as u64, rows);
                        let uploaded = records.iter().filter(|record| record.patient.is_some());
                        prop_assert_eq!(uploaded.count() as u64, good);
                    }
                }
                Ok(())
            })
            .unwrap();
        if Instant::now() >= end {
            break;
        }
    }
}

#[test]
fn files_of_any_bytes() {
    fuzz(|bytes| bytes.to_vec());
}

#[test]
fn files_that_are_nearly_patient_files() {
    fuzz(|bytes| {
        bytes
            .iter()
            .flat_map(|byte| PARTS[usize::from(*byte) % PARTS.len()])
            .copied()
            .collect()
    });
}
