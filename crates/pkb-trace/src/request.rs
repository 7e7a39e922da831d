//! Requests: one question about each patient, in the layout of a profile.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use pkb_core::{
    Fatal, Record,
    record::Patient,
    transform::{Seen, Stream, transform},
};
use pkb_patients::PatientFile;
use pkb_table::CsvFile;
use pkb_values::{Gender, PersonName, Postcode};

use crate::{
    key::{Key, Question, is_asked_about},
    profile::{Profile, RequestValue},
};

/// What a request was made of.
#[derive(Debug, Default)]
pub struct Asked {
    /// Patients who are asked about.
    pub patients: u64,
    /// Rows of patients who are in it already.
    pub repeated: u64,
    /// Rows without a patient, or with a number that the register does not know.
    pub left_out: u64,
    /// The files.
    pub files: Vec<PathBuf>,
}

/// Longest name that is sent (class `FieldConstraints` of NHS England's tracing code).
const LONGEST_NAME: usize = 40;

/// The files of a request that is being written.
pub struct RequestFiles<'a> {
    out: &'a Path,
    profile: &'a Profile,
    key: &'a Key,
    rows_a_file: Option<u32>,
    seen: HashSet<Question>,
    file: Option<CsvFile>,
    rows: u32,
    asked: Asked,
}

/// The cells of a question.
pub type Cells = Vec<String>;

impl<'a> RequestFiles<'a> {
    /// A request at `out`, or in numbered files of so many rows beside that name.
    #[must_use]
    pub fn new(
        out: &'a Path,
        profile: &'a Profile,
        key: &'a Key,
        rows_a_file: Option<u32>,
    ) -> Self {
        Self {
            out,
            profile,
            key,
            rows_a_file,
            seen: HashSet::new(),
            file: None,
            rows: 0,
            asked: Asked::default(),
        }
    }

    /// Asks about all patients of a patient file.
    ///
    /// # Errors
    /// It cannot be read again, or the request cannot be written.
    pub fn ask_about_file(mut self, file: Arc<PatientFile>) -> Result<Asked, Fatal> {
        for record in file.records()? {
            let question = self.question(&record?);
            self.add(question)?;
        }
        self.finish()
    }

    /// Asks about all patients of a stream.
    ///
    /// # Errors
    /// It cannot be read, or the request cannot be written.
    pub fn ask_about_stream(mut self, stream: Stream) -> Result<Asked, Fatal> {
        let (profile, key) = (self.profile, self.key);
        let change = |record: &mut Record| {
            Ok(Seen {
                is_changed: false,
                note: question(profile, key, record),
            })
        };
        transform(stream, change, |_, question| self.add(question))?;
        self.finish()
    }

    fn question(&self, record: &Record) -> Option<(Question, Cells)> {
        question(self.profile, self.key, record)
    }

    fn add(&mut self, question: Option<(Question, Cells)>) -> Result<(), Fatal> {
        let Some((question, cells)) = question else {
            self.asked.left_out += 1;
            return Ok(());
        };
        if !self.seen.insert(question) {
            self.asked.repeated += 1;
            return Ok(());
        }
        if self.rows_a_file.is_some_and(|most| self.rows >= most) {
            self.end_file()?;
        }
        if self.file.is_none() {
            self.begin_file()?;
        }
        if let Some(file) = &mut self.file {
            file.add(&cells)?;
        }
        self.rows += 1;
        self.asked.patients += 1;
        Ok(())
    }

    fn begin_file(&mut self) -> Result<(), Fatal> {
        let path = match self.rows_a_file {
            None => self.out.to_owned(),
            Some(_) => numbered(self.out, self.asked.files.len() + 1),
        };
        let headers: Vec<&str> = self
            .profile
            .request
            .iter()
            .map(|column| &*column.header)
            .collect();
        self.file = Some(CsvFile::create(&path, "a request for a trace", &headers)?);
        self.asked.files.push(path);
        self.rows = 0;
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Fatal> {
        self.file.take().map_or(Ok(()), CsvFile::finish)
    }

    fn finish(mut self) -> Result<Asked, Fatal> {
        if self.asked.patients == 0 {
            return Err(Fatal::Input(
                "there is nobody to ask about, because no row has a patient with an NHS number. To see what is wrong with \
                 the rows: pkb-upload check FILE".into(),
            ));
        }
        self.end_file()?;
        Ok(self.asked)
    }
}

/// `request-0001.csv` for `request.csv`.
fn numbered(out: &Path, number: usize) -> PathBuf {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out
        .extension()
        .map_or_else(String::new, |own| format!(".{}", own.to_string_lossy()));
    out.with_file_name(format!("{stem}-{number:04}{extension}"))
}

fn question(profile: &Profile, key: &Key, record: &Record) -> Option<(Question, Cells)> {
    let patient = record.patient.as_ref().filter(|_| is_asked_about(record))?;
    let reference = key.reference(patient);
    let question = Question::parse(&reference)?;
    let cells = profile.request.iter().map(|column| match column.value {
        None => String::new(),
        Some(RequestValue::Reference) => reference.clone(),
        Some(value) => cell(value, patient),
    });
    Some((question, cells.collect()))
}

fn cell(value: RequestValue, patient: &Patient) -> String {
    match value {
        RequestValue::Reference => String::new(),
        RequestValue::NhsNumber => patient.national_id.value.expose_digits().to_owned(),
        RequestValue::FamilyName => name(&patient.last_name),
        // The first name only.
        RequestValue::GivenName => {
            let names = name(&patient.first_name);
            names
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        }
        RequestValue::Gender => match patient.gender {
            Some(Gender::Male) => "1",
            Some(Gender::Female) => "2",
            Some(Gender::Other) => "9",
            Some(Gender::Unknown) | None => "0",
        }
        .to_owned(),
        RequestValue::DateOfBirth => patient.date_of_birth.expose_iso().replace('-', ""),
        RequestValue::Postcode => patient
            .postcode
            .as_ref()
            .map_or_else(String::new, |own| Postcode::expose_postcode(own).to_owned()),
    }
}

/// A name as the register takes it; empty if it cannot.
fn name(name: &PersonName) -> String {
    let name = name.expose_name();
    match name.is_ascii() && name.len() <= LONGEST_NAME {
        true => name.to_owned(),
        false => String::new(),
    }
}
