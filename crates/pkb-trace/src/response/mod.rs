//! Response files: where the answer to each question is, and what is wrong with the files.

mod file;
mod header;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use pkb_core::{Fatal, record::Patient, rows::FirstFew};
use pkb_files::exposure;

use self::file::ResponseFile;
use crate::{
    answer::Answer,
    key::{Key, Question},
    profile::Profile,
};

/// The answers of one trace.
pub struct Answers {
    profile: Profile,
    key: Option<Key>,
    files: Vec<ResponseFile>,
    /// Of each question the place of its first answer.
    index: HashMap<Question, u32>,
    places: Vec<Place>,
    /// What is wrong with rows of the files.
    faults: FirstFew,
    /// When the register answered, the oldest file.
    at: Timestamp,
}

/// Where an answer is.
struct Place {
    file: u16,
    /// Bytes before its row.
    offset: u64,
    length: u32,
    /// Its row in the file, as a spreadsheet shows it.
    row: u32,
    /// Another answer to the same question.
    next: Option<u32>,
    is_used: AtomicBool,
}

/// The answers to one question.
pub struct Found<'a> {
    /// All of them; more than one if the file has the question twice.
    pub answers: Vec<Answer>,
    /// The file that the first is in.
    pub file: &'a str,
}

impl Answers {
    /// Reads all files. The answers are as old as `answered` says, or as the oldest file.
    ///
    /// # Errors
    /// A file cannot be read or is not understood, or the register refused a request as a whole.
    pub fn read(
        paths: &[PathBuf],
        profile: Profile,
        key: Option<Key>,
        answered: Option<Timestamp>,
    ) -> Result<Self, Fatal> {
        if key.is_none() && !profile.is_list {
            return Err(Fatal::Usage(
                "the key file of the trace request is missing. What to do: add --key request.csv.key (pkb-upload: --trace-key). pkb trace request wrote it \
                 beside the request"
                    .into(),
            ));
        }
        let mut all = Self {
            profile,
            key,
            files: Vec::new(),
            index: HashMap::new(),
            places: Vec::new(),
            faults: FirstFew::default(),
            at: answered.unwrap_or(Timestamp::MAX),
        };
        for path in paths {
            exposure::warn_of_file(path);
            let mut file = ResponseFile::open(path, &all.profile)?;
            if answered.is_none() {
                all.at = all.at.min(file.changed_at()?);
            }
            let number = u16::try_from(all.files.len()).map_err(|_| {
                Fatal::Usage(
                    "there are too many response files. What to do: give fewer at a time".into(),
                )
            })?;
            all.index_file(number, &mut file)?;
            all.files.push(file);
        }
        Ok(all)
    }

    fn index_file(&mut self, number: u16, file: &mut ResponseFile) -> Result<(), Fatal> {
        let (places, index, faults) = (&mut self.places, &mut self.index, &mut self.faults);
        let is_list = self.profile.is_list;
        file.each_row(|name, row| {
            let question = match row.question(is_list) {
                Ok(question) => question,
                Err(words) => {
                    faults.add(format!("{name}, row {}: {words}", row.number));
                    return Ok(());
                }
            };
            let at = u32::try_from(places.len()).map_err(|_| {
                Fatal::Usage(
                    "these are too many answers. What to do: give fewer response files at a \
                    time"
                        .into(),
                )
            })?;
            let first = *index.entry(question).or_insert(at);
            if first != at {
                if !is_list {
                    faults.add(format!(
                        "{name}, row {}: an earlier row has an answer about the same patient",
                        row.number
                    ));
                }
                let mut last = first;
                while let Some(next) = places[last as usize].next {
                    last = next;
                }
                places[last as usize].next = Some(at);
            }
            places.push(Place {
                file: number,
                offset: row.offset,
                length: row.length,
                row: row.number,
                next: None,
                is_used: AtomicBool::new(false),
            });
            Ok(())
        })
    }

    /// The answers about a patient, if there are any.
    ///
    /// # Errors
    /// A file cannot be read again, or has a code that nobody knows.
    pub fn about(&self, patient: &Patient) -> Result<Option<Found<'_>>, Fatal> {
        let question = match &self.key {
            Some(key) => key.question(patient),
            None => Some(Question::of_number(patient.national_id.value.to_u64())),
        };
        let Some(first) = question.and_then(|question| self.index.get(&question)) else {
            return Ok(None);
        };
        let mut answers = Vec::with_capacity(1);
        let mut next = Some(*first);
        while let Some(place) = next.and_then(|at| self.places.get(at as usize)) {
            let file = &self.files[usize::from(place.file)];
            place.is_used.store(true, Ordering::Relaxed);
            answers.push(file.answer(place.offset, place.length, place.row, &self.profile)?);
            next = place.next;
        }
        let file = self
            .places
            .get(*first as usize)
            .map_or(0, |place| place.file);
        Ok(Some(Found {
            answers,
            file: self.files[usize::from(file)].name(),
        }))
    }

    /// Whether everybody was asked about, so that no answer means something.
    #[must_use]
    pub fn is_about_everybody(&self) -> bool {
        !self.profile.is_list
    }

    /// When the register answered.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How many answers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All that is wrong with the rows of the files, once everybody has been looked up: rows that are no answers, and answers about
    /// nobody.
    ///
    /// # Errors
    /// No answer is about anybody: the files are those of a different request.
    pub fn faults(&self, is_partial: bool) -> Result<FirstFew, Fatal> {
        let mut faults = self.faults.clone();
        let is_used = |place: &&Place| place.is_used.load(Ordering::Relaxed);
        if self.profile.is_list {
            return Ok(faults);
        }
        if !self.places.iter().any(|place| is_used(&place)) {
            return Err(Fatal::Input(
                "no answer is about a patient in this stream. Check that request, key and response belong together".into(),
            ));
        }
        if !is_partial {
            for place in self.places.iter().filter(|place| !is_used(place)) {
                let name = self.files[usize::from(place.file)].name();
                faults.add(format!(
                    "{name}, row {}: this reference is not of a request about a patient in this stream",
                    place.row
                ));
            }
        }
        Ok(faults)
    }
}
