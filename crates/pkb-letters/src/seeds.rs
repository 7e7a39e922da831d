//! Seeds: members of staff who get a letter as patients do, so that somebody sees what comes through a letter box, and when.
//!
//! Their records come before those of the patients and go through the same hands. No code of theirs works, nothing is asked about them,
//! and no count of a campaign has them.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use pkb_core::{
    Clock, Fatal, Record,
    record::{Invitation, Patient, Row, Unknown},
};
use pkb_files::exposure;
use pkb_values::NhsNumber;
use serde::Deserialize;
use serde_json::json;

/// Rows of seeds have numbers that no patient file reaches.
const FIRST_ROW: u64 = 90_000_001;
/// Seeds at most: they are a handful of staff.
const MOST: usize = 100;

/// A line of the file: name and address. Columns of other names are refused, because they would be ignored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedRow {
    #[serde(default)]
    title: String,
    first_name: String,
    last_name: String,
    #[serde(default)]
    address_1: String,
    #[serde(default)]
    address_2: String,
    #[serde(default)]
    address_3: String,
    #[serde(default)]
    address_4: String,
    #[serde(default)]
    address_5: String,
    postcode: String,
}

/// The records of a file of seeds, as lines before `input`.
///
/// # Errors
/// The file cannot be read, or a row of it is no name and address.
pub(crate) fn before(
    input: Box<dyn Read + Send>,
    path: &Path,
    clock: &Clock,
    is_rehearsal: bool,
) -> Result<Box<dyn Read + Send>, Fatal> {
    exposure::warn_of_file(path);
    let mut lines = Vec::new();
    for record in read(path, clock, is_rehearsal)? {
        serde_json::to_writer(&mut lines, &record)
            .map_err(|_| Fatal::Bug("a record cannot be written".into()))?;
        lines.push(b'\n');
    }
    Ok(Box::new(Cursor::new(lines).chain(input)))
}

fn read(path: &Path, clock: &Clock, is_rehearsal: bool) -> Result<Vec<Record>, Fatal> {
    let cannot_read = |source| Fatal::cannot_read(path, source);
    let text = std::fs::read(path).map_err(cannot_read)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let rows: Vec<Result<SeedRow, csv::Error>> = reader.deserialize().take(MOST + 1).collect();
    let refused = |words: String| Fatal::Usage(format!("--seeds {}: {words}", path.display()));
    if rows.is_empty() || rows.len() > MOST {
        return Err(refused(format!(
            "the file has {}. What to do: list from 1 to {MOST} members of staff",
            if rows.is_empty() {
                "no row"
            } else {
                "the file has too many rows"
            }
        )));
    }
    let of = rows.len() as u64;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let seed = Seed {
        file: &file,
        of,
        clock,
        is_rehearsal,
    };
    let mut records = Vec::with_capacity(rows.len());
    for (at, row) in (0..).zip(rows) {
        let row = row.ok().and_then(|row| seed.record(at, &row));
        records.push(row.ok_or_else(|| {
            refused(format!(
                "row {} is not a name and an address. What to do: use the columns first_name, last_name, address_1 to address_5, postcode \
                 and perhaps title, and fill in the names, two lines of the address and the postcode",
                at + 2
            ))
        })?);
    }
    Ok(records)
}

/// What all seeds have in common.
struct Seed<'a> {
    file: &'a str,
    of: u64,
    clock: &'a Clock,
    is_rehearsal: bool,
}

impl Seed<'_> {
    /// The record of a row; `None` if its values are no name and no address.
    fn record(&self, at: u64, row: &SeedRow) -> Option<Record> {
        let address = [
            &row.address_1,
            &row.address_2,
            &row.address_3,
            &row.address_4,
            &row.address_5,
        ];
        let address: Vec<&String> = address
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        let mut patient = json!({
            "national_id": {"type": "NHS_NUMBER", "value": number(at)?},
            "first_name": row.first_name, "last_name": row.last_name, "date_of_birth": "1970-01-01",
            "address": address, "postcode": row.postcode,
        });
        if !row.title.is_empty() {
            patient["title"] = row.title.as_str().into();
        }
        let patient: Patient = serde_json::from_value(patient).ok()?;
        let prefix = if self.is_rehearsal { "TRY" } else { "" };
        let invitation: Invitation = serde_json::from_value(json!({
            "code": format!("{prefix}SEED{:04}A", at + 1), "token": format!("{prefix}SEED{:04}B", at + 1),
            "expires_at": self.clock.start_of_day_in(29),
        }))
        .ok()?;
        let mut record = Record::new(Row {
            file: self.file.to_owned(),
            number: FIRST_ROW + at,
            of: self.of,
            unknown: Unknown::new(),
        });
        record.seed = true;
        record.rehearsal = self.is_rehearsal;
        record.patient = Some(patient);
        record.invitation = Some(invitation);
        Some(record)
    }
}

/// A number of the range that no patient has.
fn number(at: u64) -> Option<String> {
    let first = 999_800_000 + at * 10;
    // One in eleven has no check digit.
    let mut all =
        (first..first + 10).flat_map(|nine| (0..10).map(move |check| format!("{nine}{check}")));
    all.find(|digits| NhsNumber::parse(digits).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}First_name,last_name,address_1,address_2,postcode\n";

    fn records(text: &str) -> Result<Vec<Record>, Fatal> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staff.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, &Clock::System, true)
    }

    #[test]
    fn each_member_of_staff_is_a_record_with_codes_that_are_nobodys() {
        let file = FILE.replace("First_name", "first_name");
        let text = format!(
            "{file}Ann,Example,1 Main Street,Byker,NE1 1XC\nBob,Example,2 Main Street,Byker,NE1 1XC\n"
        );
        let records = records(&text).unwrap();
        assert_eq!(records.len(), 2);
        let codes = |record: &Record| {
            record
                .invitation
                .as_ref()
                .unwrap()
                .code
                .expose_code()
                .to_owned()
        };
        assert_eq!(
            [codes(&records[0]), codes(&records[1])],
            ["TRYSEED0001A", "TRYSEED0002A"]
        );
        assert!(records.iter().all(|record| record.seed && record.rehearsal));
        let ids = records
            .iter()
            .map(|record| record.patient.as_ref().unwrap().national_id);
        assert_eq!(ids.collect::<std::collections::HashSet<_>>().len(), 2);
    }

    #[test]
    fn what_is_no_file_of_seeds_is_refused_with_its_columns_and_no_value() {
        let file = FILE.replace("First_name", "first_name");
        for text in [
            String::new(),
            file.clone(),
            format!("{FILE}Ann,Example,1 Main Street,Byker,NE1 1XC\n"),
            format!("{file}Ann,Example,1 Main Street,Byker,Canary\n"),
            format!("{file},Example,1 Main Street,Byker,NE1 1XC\n"),
        ] {
            let error = records(&text).unwrap_err().to_string();
            assert!(error.contains("What to do"), "{error}");
            assert!(
                !error.contains("Canary") && !error.contains("Main Street"),
                "{error}"
            );
        }
    }
}
