//! A batch of letters, made until every letter in it is certain. A letter that cannot be made, or whose finished sheets
//! are doubtful, is its row's outcome, and the others are made without it.

use pkb_core::{Fatal, Verdict, stage::IntentLog};
use pkb_print_files::manifest::ManifestRow;

use super::{
    batch::{BatchError, BatchName, Doubt, Doubtful, Layout, LetterToMake, LettersToMake},
    batch_writer::BatchWriter,
    written_batch::WrittenBatch,
};
use pkb_typeset::typesetter::Typesetter;
use pkb_verify::{
    expected::{Expected, Owners},
    sheets::{self, Found, Slot},
};

/// A batch whose numbers are kept for it.
pub(super) struct NumberedBatch<'t> {
    pub typesetter: &'t Typesetter,
    /// With its letters entered; or why that could not be done, and it is not known which letter is at fault.
    pub writer: Result<BatchWriter<'t>, String>,
    pub naming: BatchName,
    pub with_camera: bool,
    /// Whether no letter of the campaign was numbered before.
    pub is_first: bool,
}

/// A batch of which each letter says what its record says.
#[must_use = "letters are not there before they have names"]
pub(super) struct CheckedBatch<'t> {
    written: WrittenBatch<'t>,
    left_out: Doubtful,
    /// How many letters were wanted.
    count: usize,
}

impl<'t> NumberedBatch<'t> {
    /// Writes the letters and reads them again, without those that are doubtful.
    ///
    /// # Errors
    /// Nothing can be made; or all letters of the first batch are doubtful, so that the template is at fault.
    pub fn checked(self, to_make: &dyn LettersToMake) -> Result<CheckedBatch<'t>, Fatal> {
        let Self {
            typesetter,
            writer,
            naming,
            with_camera,
            is_first,
        } = self;
        let count = to_make.count();
        let mut left_out = Doubtful::new();
        let mut writer = writer.map_err(BatchError::ByALetter);
        loop {
            let rest = Rest::of(to_make, &left_out);
            let read = writer
                .and_then(BatchWriter::written)
                .and_then(|mut written| {
                    let doubtful = written.read_again(&rest)?;
                    Ok((written, doubtful))
                });
            let doubtful = match read {
                Ok((written, doubtful)) if doubtful.is_empty() => {
                    return Ok(CheckedBatch {
                        written,
                        left_out,
                        count,
                    });
                }
                Ok((_, doubtful)) => doubtful,
                Err(BatchError::ByALetter(words)) => {
                    let found = alone(typesetter, &naming, &rest)?;
                    if found.is_empty() {
                        let words = format!("letters cannot be put into one file: {words}");
                        return Err(Fatal::Bug(words));
                    }
                    found
                }
                Err(BatchError::Stopped(fatal)) => return Err(fatal),
            };
            left_out.extend(rest.in_batch(doubtful));
            let sheets = words_of_sheets(&left_out);
            if is_first && count > 1 && sheets.len() == count {
                return Err(all_doubtful(&naming, &sheets));
            }
            let rest = Rest::of(to_make, &left_out);
            let layout = Layout::of(typesetter, &rest)?;
            let mut again = BatchWriter::new(typesetter, naming.clone(), with_camera);
            writer = again.enter(layout, &rest).map(|()| again);
        }
    }
}

/// Tries each letter alone: those that cannot be made, or are doubtful.
fn alone(
    typesetter: &Typesetter,
    naming: &BatchName,
    to_make: &Rest<'_>,
) -> Result<Doubtful, Fatal> {
    let mut doubtful = Doubtful::new();
    for place in 0..to_make.count() {
        let laid_out =
            typesetter.lay_out_made(&[place], to_make.count(), |place| to_make.letter(*place))?;
        for (wanted, letter) in laid_out {
            // What cannot be laid out is an outcome already.
            let Ok(letter) = letter else { continue };
            if let Some(words) = wrong_alone(typesetter, naming, to_make, (place, &wanted), letter)?
            {
                doubtful.insert(place, Doubt::Sheets(words));
            }
        }
    }
    Ok(doubtful)
}

fn wrong_alone(
    typesetter: &Typesetter,
    naming: &BatchName,
    to_make: &Rest<'_>,
    (place, wanted): (usize, &LetterToMake),
    letter: pkb_typeset::typesetter::LaidOut,
) -> Result<Option<String>, Fatal> {
    let slot = Slot {
        row: wanted.row,
        number: naming.form.is_numbered.then_some(naming.first),
        pages: (1, letter.page_count() as u64),
        qr_codes: sheets::QrReading::Pictures,
    };
    let pdf = match typesetter.bind_alone(letter, naming.first) {
        Ok(pdf) => pdf,
        Err(error) => return Ok(Some(error.to_string())),
    };
    if !naming.form.verify {
        return Ok(None);
    }
    let mut owners = Owners::default();
    if let Some(codes) = wanted.codes.clone() {
        owners.enter(codes, wanted.row);
    }
    let expected = |_| {
        to_make
            .expected(place)
            .map(std::borrow::Cow::Owned)
            .map(Some)
    };
    let found = sheets::compare(
        "letter",
        pdf.into(),
        &[slot],
        expected,
        &[],
        &owners,
        Found::default(),
    )?;
    Ok(found.failures.into_iter().next().map(|(_, words)| words))
}

/// What is wrong with the sheets of letters. It is not known of letters that are left out because of their codes.
fn words_of_sheets(left_out: &Doubtful) -> Vec<&str> {
    left_out
        .values()
        .filter_map(|doubt| match doubt {
            Doubt::Sheets(words) => Some(words.as_str()),
            Doubt::SharedCodes { .. } => None,
        })
        .collect()
}

/// The sheets of all letters are doubtful.
fn all_doubtful(naming: &BatchName, doubtful: &[&str]) -> Fatal {
    let words = doubtful.first().copied().unwrap_or_default();
    let text = format!(
        "all {} letters of {} are doubtful, so none was written: {words}",
        doubtful.len(),
        naming.form.name_of(&naming.batch)
    );
    // One and the same with all of them is the template's.
    match doubtful.iter().all(|other| *other == words) {
        true => Fatal::Usage(format!(
            "{text}. Every letter has this fault. What to do: correct the letter template, and run pkb-letters template \
             check on it"
        )),
        false => Fatal::Bug(text),
    }
}

/// The letters of a batch but for some.
struct Rest<'l> {
    to_make: &'l dyn LettersToMake,
    places: Vec<usize>,
}

impl<'l> Rest<'l> {
    fn of(to_make: &'l dyn LettersToMake, left_out: &Doubtful) -> Self {
        Self {
            to_make,
            places: (0..to_make.count())
                .filter(|place| !left_out.contains_key(place))
                .collect(),
        }
    }

    /// The place among all letters.
    fn place(&self, at: usize) -> usize {
        // There are none behind the last.
        self.places.get(at).copied().unwrap_or(usize::MAX)
    }

    fn in_batch(&self, doubtful: Doubtful) -> Doubtful {
        let doubtful = doubtful.into_iter();
        doubtful
            .map(|(at, doubt)| (self.place(at), doubt))
            .collect()
    }
}

impl LettersToMake for Rest<'_> {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn letter(&self, place: usize) -> Result<LetterToMake, Fatal> {
        self.to_make.letter(self.place(place))
    }

    fn expected(&self, place: usize) -> Result<Expected, Fatal> {
        self.to_make.expected(self.place(place))
    }
}

impl CheckedBatch<'_> {
    /// Names the files, and says what became of each letter.
    ///
    /// # Errors
    /// They cannot be named.
    pub fn name(self, intents: &IntentLog) -> Result<Vec<Result<ManifestRow, Verdict>>, Fatal> {
        let mut printed = self.written.name(intents)?.into_iter();
        let mut left_out = self.left_out;
        let result = |place| match left_out.remove(&place) {
            Some(doubt) => Ok(Err(Verdict::from(doubt))),
            None => printed
                .next()
                .ok_or_else(|| Fatal::Bug("a letter was lost".into())),
        };
        (0..self.count).map(result).collect()
    }
}

#[cfg(test)]
#[path = "numbered_batch_tests.rs"]
mod tests;
