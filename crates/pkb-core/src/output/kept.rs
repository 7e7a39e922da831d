//! What stands where an output is to be written. A record stream is replaced only by one that has all its patients, and
//! nothing else is replaced at all: `--output patients.csv` would cost the patient file.

use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher as _, RandomState},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    Fatal,
    ndjson::{NdjsonError, NdjsonReader},
    record::Schema,
    rows::Rows,
};
use pkb_values::NationalId;

/// Bytes of a first line that are looked at.
const FIRST_LINE: u64 = 1 << 20;

/// A record stream that stands where another is to be written.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    /// The stream as it was when the run began. Nothing if there was none, or it is to be replaced whatever it has.
    stream: Option<File>,
}

impl Kept {
    /// What stands at `path`, where the program is about to write records; `replace`: a stream there may go.
    ///
    /// # Errors
    /// [`Fatal::Usage`]: what stands there is no record stream, or it is a journal. Nothing has been changed.
    pub fn at(path: &Path, replace: bool) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(path, source);
        let none = Self {
            path: path.to_owned(),
            stream: None,
        };
        if !path.metadata().is_ok_and(|known| known.is_file()) {
            return Ok(none);
        }
        let file = File::open(path).map_err(cannot_read)?;
        let mut first = Vec::new();
        BufReader::new(&file)
            .take(FIRST_LINE)
            .read_until(b'\n', &mut first)
            .map_err(cannot_read)?;
        if first.trim_ascii().is_empty() {
            return Ok(none);
        }
        match serde_json::from_slice(&first) {
            Ok(Line { check: None, .. }) if replace => Ok(none),
            Ok(Line { check: None, .. }) => Ok(Self {
                stream: Some(file),
                ..none
            }),
            Ok(Line { check: Some(_), .. }) => Err(not_replaced(path, "is a journal")),
            Err(_) => Err(not_replaced(path, "is not a record stream")),
        }
    }

    /// Checks that `new` has all that it is to replace.
    ///
    /// # Errors
    /// [`Fatal::Input`]: it lacks patients. The old file is to be kept.
    pub fn check(self, new: File) -> Result<(), Fatal> {
        let Some(old) = self.stream else {
            return Ok(());
        };
        let hasher = RandomState::new();
        let hash = |id: &NationalId| hasher.hash_one(id.key_bytes());
        let mut there = HashSet::new();
        let mut is_empty = true;
        let cannot_read = |source| Fatal::cannot_read(&self.path, source);
        for_each(new, |seen| {
            is_empty = false;
            there.extend(seen.patient.map(|patient| hash(&patient.national_id)));
        })
        .map_err(cannot_read)?;
        let mut lost = Rows::default();
        for_each(old, |seen| {
            let is_there = |patient: &Who| there.contains(&hash(&patient.national_id));
            if is_empty || !seen.patient.as_ref().is_none_or(is_there) {
                lost.add(seen.row.number);
            }
        })
        .map_err(cannot_read)?;
        match lost.count() {
            0 => Ok(()),
            _ => Err(self::lost(&self.path, &lost)),
        }
    }
}

fn not_replaced(path: &Path, what: &str) -> Fatal {
    let path = path.display();
    Fatal::Usage(format!(
        "{path}: this file {what}, so it is not replaced by records. Give a different name: --output FILE"
    ))
}

fn lost(path: &Path, rows: &Rows) -> Fatal {
    let are = if rows.count() == 1 { "is" } else { "are" };
    Fatal::Input(format!(
        "{}: {rows} of this file {are} not in the new records, so the old file is kept. What to do: run the same command \
         again with \
         the whole input, or give a different name (--output FILE). To delete the old records: --replace",
        path.display(),
    ))
}

/// As much of a line as tells what it is.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "schema")]
    _schema: Schema,
    /// Lines of journals have it.
    check: Option<serde::de::IgnoredAny>,
}

/// As much of a record as tells whose it is.
#[derive(Deserialize)]
struct Seen {
    row: RowNumber,
    patient: Option<Who>,
}

#[derive(Deserialize)]
struct RowNumber {
    number: u64,
}

#[derive(Deserialize)]
struct Who {
    national_id: NationalId,
}

/// Sees each record; lines that are none hold nobody.
fn for_each(mut file: File, mut see: impl FnMut(Seen)) -> std::io::Result<()> {
    std::io::Seek::rewind(&mut file)?;
    let mut reader = NdjsonReader::new(file);
    loop {
        match reader.read_fields::<Seen>() {
            Ok(Some(seen)) => see(seen),
            Ok(None) => return Ok(()),
            Err(NdjsonError::Read(source)) => return Err(source),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::ExitCode;

    fn stream(rows: &[(u64, Option<&str>)]) -> String {
        let mut text = String::new();
        for (number, patient) in rows {
            let _ = write!(
                text,
                r#"{{"schema":"pkb-record/1","row":{{"file":"p.csv","number":{number},"of":9}}"#
            );
            if let Some(value) = patient {
                let _ = write!(
                    text,
                    r#","patient":{{"national_id":{{"type":"NHS_NUMBER","value":"{value}"}}}}"#
                );
            }
            text.push_str("}\n");
        }
        text
    }

    const A: Option<&str> = Some("9990000018");
    const B: Option<&str> = Some("9990000026");
    const C: Option<&str> = Some("9990000034");

    fn replaced(old: &str, new: &str, replace: bool) -> Result<(), Fatal> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("old"), old).unwrap();
        std::fs::write(at("new"), new).unwrap();
        Kept::at(&at("old"), replace)?.check(File::open(at("new")).unwrap())
    }

    #[test]
    fn a_stream_is_replaced_by_one_with_all_its_patients_whatever_their_rows_are() {
        let old = stream(&[(2, A), (3, None), (4, B)]);
        for new in [
            stream(&[(2, A), (3, None), (4, B)]),
            stream(&[(4, B), (2, A)]),
            stream(&[(2, B), (3, A), (4, C)]),
        ] {
            replaced(&old, &new, false).unwrap();
        }
        replaced("", "", false).unwrap();
        replaced("\n", &old, false).unwrap();
    }

    #[test]
    fn a_stream_is_not_replaced_by_one_that_lacks_a_patient_unless_that_is_asked_for() {
        let old = stream(&[(2, A), (3, B), (4, None)]);
        for (new, words) in [
            (String::new(), "rows 2, 3, 4 of this file are not"),
            (stream(&[(2, A)]), "row 3 of this file is not"),
            (stream(&[(2, C), (3, B)]), "row 2 of this file is not"),
        ] {
            let refused = replaced(&old, &new, false).unwrap_err();
            assert_eq!(refused.exit_code(), ExitCode::Input);
            assert!(refused.to_string().contains(words), "{refused}");
            replaced(&old, &new, true).unwrap();
        }
    }

    #[test]
    fn what_is_no_record_stream_is_never_replaced_by_records() {
        let journal = stream(&[(2, A)]).replace("}\n", ",\"check\":\"00000000-00000000\"}\n");
        for old in [
            "NHS number,First name\n9990000018,Ann\n",
            "%PDF-1.7\n",
            "{}\n",
            r#"{"schema":"pkb-summary/1"}"#,
            &journal,
            r#"{"schema":"pkb-intent/1","stage":"letters","check":"0"}"#,
        ] {
            for replace in [false, true] {
                let refused = replaced(old, &stream(&[(2, A)]), replace).unwrap_err();
                assert_eq!(refused.exit_code(), ExitCode::Usage, "{old}");
            }
        }
    }
}
