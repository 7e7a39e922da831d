//! The rows of the patient file that can be compared.

use pkb_core::{Fatal, record::Patient};
use pkb_files::journal::Key;
use pkb_values::NationalId;

use super::{
    differences::Neighbour,
    values::{Hasher, Values},
};
use pkb_patients::PatientFile;

/// A row that is to be uploaded.
pub struct FileRow {
    /// Its number.
    pub number: u64,
    /// How it is known in the journal.
    pub key: Key,
    /// Which patient it is about.
    pub national_id: NationalId,
    /// What it says.
    pub values: Values,
}

/// All of them, in the order of the file.
pub struct FileRows(Vec<FileRow>);

impl FileRows {
    /// Reads the file once more. `key` is how a row is known in the journal.
    ///
    /// # Errors
    /// It cannot be read again, or has been changed.
    pub fn read(
        file: &PatientFile,
        key: impl Fn(&Patient) -> Key,
        hasher: &Hasher,
    ) -> Result<Self, Fatal> {
        let mut rows = Vec::with_capacity(usize::try_from(file.survey.good).unwrap_or_default());
        let mut reading = file.second_reading()?;
        while let Some(record) = file.next_record(&mut reading)? {
            if let (Some(patient), None) = (&record.patient, &record.outcome) {
                rows.push(FileRow {
                    number: record.row.number,
                    key: key(patient),
                    national_id: patient.national_id,
                    values: hasher.ours(patient),
                });
            }
        }
        Ok(Self(rows))
    }

    /// The rows.
    pub fn rows(&self) -> &[FileRow] {
        &self.0
    }

    /// The row at `place`, if there is one, for comparison with the row beside it. `places` are the rows that PKB was asked
    /// about, in their order, and `theirs` what it has of each; of any other row that is not known.
    pub fn neighbour<'a>(
        &'a self,
        place: Option<usize>,
        places: &[usize],
        theirs: &'a [Option<Values>],
    ) -> Neighbour<'a> {
        Neighbour {
            ours: place
                .and_then(|place| self.0.get(place))
                .map(|row| &row.values),
            theirs: place
                .and_then(|place| places.binary_search(&place).ok())
                .and_then(|at| theirs.get(at)?.as_ref()),
        }
    }

    /// Whether the dates of birth are sorted, up or down.
    pub fn dates_are_in_order(&self) -> bool {
        let dates = || self.0.iter().map(|row| row.values.born);
        dates().is_sorted() || dates().rev().is_sorted()
    }
}
