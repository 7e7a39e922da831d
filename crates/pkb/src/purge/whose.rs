//! Whose codes go: those that have ended, or those of single patients.

use std::collections::{BTreeMap, BTreeSet};

use pkb_cli::progress::tell;
use pkb_core::{
    ExitCode, Fatal, Record,
    rows::{counted, listed},
};
use pkb_values::NhsNumber;

use super::{Locked, PurgeArgs};
use crate::ledger;

/// Whose codes go.
pub(super) enum Whose {
    /// Everybody's that have ended.
    Ended,
    /// All of these patients.
    These(Patients),
}

/// Patients who are to be erased.
pub(super) struct Patients {
    numbers: BTreeSet<NhsNumber>,
    /// Questions that nobody answers to: rows, or lines of the file of numbers.
    unknown: Vec<u64>,
    /// What these are.
    questions: &'static str,
}

impl Whose {
    /// As the arguments say; rows are looked up in `files`.
    ///
    /// # Errors
    /// A file cannot be read, or a row is one of several patient files.
    pub(super) fn read(args: &PurgeArgs, files: &[Locked]) -> Result<Self, Fatal> {
        if let Some(path) = &args.national_ids {
            let asked = ledger::read_numbers(path)?;
            let mut patients = Patients {
                numbers: asked.numbers.keys().copied().collect(),
                unknown: asked.others,
                questions: "line",
            };
            let mut known = BTreeSet::new();
            for file in files {
                file.read(|record| known.extend(number_of(&record)))?;
            }
            let missing = asked
                .numbers
                .iter()
                .filter(|(number, _)| !known.contains(number));
            patients
                .unknown
                .extend(missing.flat_map(|(_, lines)| lines));
            patients.unknown.sort_unstable();
            return Ok(Self::These(patients));
        }
        if args.row.is_empty() {
            return Ok(Self::Ended);
        }
        let mut found: BTreeMap<u64, BTreeSet<NhsNumber>> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for file in files {
            file.read(|record| {
                if args.row.contains(&record.row.number) {
                    names.insert(record.row.file.clone());
                    found
                        .entry(record.row.number)
                        .or_default()
                        .extend(number_of(&record));
                }
            })?;
        }
        if names.len() > 1 {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            return Err(Fatal::Usage(format!(
                "these rows are rows of several patient files: {}. Nothing was changed. What to do: ask by number (--national-ids FILE)",
                listed(&names)
            )));
        }
        let is_known = |row: &&u64| found.get(row).is_some_and(|numbers| !numbers.is_empty());
        Ok(Self::These(Patients {
            unknown: args
                .row
                .iter()
                .filter(|row| !is_known(row))
                .copied()
                .collect(),
            numbers: found.into_values().flatten().collect(),
            questions: "row",
        }))
    }

    /// Whether a record is of one of the patients who are to be erased.
    pub(super) fn is(&self, record: &Record) -> bool {
        match self {
            Self::Ended => false,
            Self::These(patients) => {
                number_of(record).is_some_and(|number| patients.numbers.contains(&number))
            }
        }
    }

    /// Says who is in no file, and what is not done here. How the program ends.
    pub(super) fn told(&self) -> ExitCode {
        let Self::These(patients) = self else {
            return ExitCode::Done;
        };
        if !patients.numbers.is_empty() {
            tell(
                "pkb purge: not done here: the patient file still has the patient, and PKB has the codes until they expire. What to do: \
                 delete the row from the patient file when no run needs it any more, and put the number on your list for --exclude",
            );
        }
        if patients.unknown.is_empty() {
            return ExitCode::Done;
        }
        let numbers: Vec<String> = patients.unknown.iter().map(u64::to_string).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        tell(format!(
            "pkb purge: {}: {} {}. What to do: check the numbers, and give all records, journals and folders of the campaign",
            counted(
                numbers.len() as u64,
                "patient is in none of these files",
                "patients are in none of these files"
            ),
            match (patients.questions, numbers.len()) {
                (question, 1) => question.to_owned(),
                (question, _) => format!("{question}s"),
            },
            listed(&numbers)
        ));
        ExitCode::SomeRowsRejected
    }
}

fn number_of(record: &Record) -> Option<NhsNumber> {
    record
        .patient
        .as_ref()
        .map(|patient| patient.national_id.value)
}
