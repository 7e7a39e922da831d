use proptest::prelude::*;

use super::*;

const XLS: &[u8] = include_bytes!("../../../pkb-upload/tests/data/patients.xls");
const ODS: &[u8] = include_bytes!("../../../pkb-upload/tests/data/patients.ods");

#[test]
fn a_gzip_file_that_was_cut_off_or_changed_is_refused_with_advice() {
    let content: String = (0..3000).map(|row| format!("{row},Ann\n")).collect();
    let whole = gzip(content.as_bytes());
    for length in [2, 5, 11, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let words = error(&whole[..length]);
        assert!(
            words.contains("the gzip data is damaged or ends early"),
            "{length}: {words}"
        );
    }
    let mut changed = whole;
    let at = changed.len() - 6;
    changed[at] ^= 1;
    assert!(error(changed).contains("Copy or export the file again"));
}

#[test]
fn members_of_a_gzip_file_are_one_table() {
    let packed = [gzip(b"a,b\n"), gzip(b"c,d\n")].concat();
    assert_eq!(shown(read(packed)), ["1: a|b", "2: c|d"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        magic in prop::sample::select(vec![
            &b""[..],
            b"\x1f\x8b\x08\x00",
            b"PK\x03\x04",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            b"\xff\xfe",
            b"\xfe\xff",
            b"\xef\xbb\xbf",
            b"sep=;\n",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = read([magic, &bytes].concat());
    }

    #[test]
    fn damaged_workbooks_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        for whole in [ODS, XLS] {
            let mut bytes = whole.to_vec();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let _ = read(bytes);
        }
    }

    #[test]
    fn a_workbook_that_was_cut_off_is_refused_unless_all_of_it_is_there(
        at in any::<prop::sample::Index>(),
    ) {
        let patients = TableOptions {
            sheet: Some("Patients".into()),
            ..Default::default()
        };
        for whole in [ODS, XLS] {
            let kept = 8 + at.index(whole.len() - 8);
            let read = |bytes| open_with(bytes, &patients).and_then(|table| all(table.rows()?));
            if let Ok(rows) = read(&whole[..kept]) {
                prop_assert_eq!(rows, read(whole).unwrap());
            }
        }
    }
}
