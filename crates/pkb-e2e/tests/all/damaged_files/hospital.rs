//! A small hospital: its patients, and which of them PKB has already.

use std::collections::BTreeSet;

use jiff::civil::date;
use pkb_e2e::hostile_pkb::Random;
use pkb_sandbox::World;
use pkb_synthetic::generate::{self, SyntheticPatient};

use super::written::Form;

pub const NUMBER: usize = 0;
pub const FIRST_NAME: usize = 2;
pub const LAST_NAME: usize = 3;
pub const BORN: usize = 4;
pub const STREET: usize = 5;
pub const POSTCODE: usize = 9;
pub const MOBILE: usize = 10;

/// A row of the patient file, a cell for each of [`generate::COLUMNS`].
pub type Row = Vec<String>;

/// Names with a letter that encodings do not agree about.
const WITH_MARKS: [&str; 12] = [
    "Siân",
    "Zoë",
    "José",
    "Françoise",
    "Áine",
    "Søren",
    "Müller",
    "Ŵyn",
    "Muñoz",
    "O’Brien",
    "Großmann",
    "JOSÉ",
];
/// Most patients of a hospital.
const MOST: u64 = 40;

/// The patients as they are.
pub struct Hospital {
    pub rows: Vec<Row>,
    /// Numbers of the patients whom PKB has, as they are.
    pub known: BTreeSet<String>,
}

impl Hospital {
    /// Patients whose values can be written in the form of the file. Some have the family of the row above.
    pub fn new(seed: u64, random: &mut Random, form: &Form) -> Self {
        let size = 8 + random.below(MOST - 7) as usize;
        let mut rows: Vec<Row> = generate::patients(4000, seed)
            .filter(|patient| {
                patient.date_of_birth < date(2000, 1, 1) && !patient.address[0].is_empty()
            })
            .map(|patient| row(&patient))
            .filter(|row| form.has_all_of(&row.concat()))
            .take(size)
            .collect();
        for row in &mut rows {
            for column in [FIRST_NAME, LAST_NAME] {
                let name = WITH_MARKS[random.below(WITH_MARKS.len() as u64) as usize];
                if random.below(4) == 0 && form.has_all_of(name) {
                    row[column] = name.to_owned();
                }
            }
        }
        if random.below(2) == 0 {
            rows.sort_by(|one, other| one[LAST_NAME].cmp(&other[LAST_NAME]));
        }
        for at in 1..size {
            if random.below(4) == 0 {
                let (above, below) = rows.split_at_mut(at);
                below[0][STREET..=POSTCODE].clone_from_slice(&above[at - 1][STREET..=POSTCODE]);
                below[0][LAST_NAME] = above[at - 1][LAST_NAME].clone();
            }
        }
        // None, all, half or a fifth.
        let (part, of) = [(0, 1), (1, 1), (1, 2), (1, 2), (1, 5)][random.below(5) as usize];
        let known = rows.iter().filter(|_| random.below(of) < part);
        Self {
            known: known.map(|row| row[NUMBER].clone()).collect(),
            rows,
        }
    }

    /// The patient with this number.
    pub fn patient(&self, number: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row[NUMBER] == number)
    }

    /// PKB before the upload.
    pub fn world(&self) -> World {
        let mut file = csv::Writer::from_writer(Vec::new());
        generate::write_header(&mut file).unwrap();
        for row in self
            .rows
            .iter()
            .filter(|row| self.known.contains(&row[NUMBER]))
        {
            file.write_record(row).unwrap();
        }
        World::of_patient_file(&file.into_inner().unwrap()).unwrap()
    }
}

fn row(patient: &SyntheticPatient) -> Row {
    let mut file = csv::Writer::from_writer(Vec::new());
    generate::write_row(&mut file, patient).unwrap();
    let line = file.into_inner().unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&line[..]);
    let record = reader.records().next().unwrap().unwrap();
    record.iter().map(str::to_owned).collect()
}
