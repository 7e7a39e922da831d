//! A batch of letters, made until every letter in it is certain. A letter that cannot be made, or whose finished sheets
//! are doubtful, is its row's outcome, and the others are made without it.

use std::collections::BTreeMap;

use pkb_core::{Fatal, Reason, Verdict, print_files::manifest::ManifestRow, stage::IntentLog};

use super::{
    batch::{BatchError, BatchName, Doubtful, Layout, LetterToMake, LettersToMake},
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
            if is_first && count > 1 && left_out.len() == count {
                return Err(all_doubtful(&naming, &left_out));
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
                doubtful.insert(place, words);
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
        with_qr_codes: false,
    };
    let pdf = match typesetter.bind_alone(letter, naming.first) {
        Ok(pdf) => pdf,
        Err(error) => return Ok(Some(error.to_string())),
    };
    if !naming.form.verify {
        return Ok(None);
    }
    let mut owners = Owners::default();
    owners.enter(wanted.codes.clone(), wanted.row);
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

/// All letters are doubtful.
fn all_doubtful(naming: &BatchName, doubtful: &Doubtful) -> Fatal {
    let words = doubtful.values().next().map_or("", String::as_str);
    let text = format!(
        "all {} letters of {} are doubtful, so none was written: {words}",
        doubtful.len(),
        naming.form.name_of(&naming.batch)
    );
    // One and the same with all of them is the template's.
    match doubtful.values().all(|other| other == words) {
        true => Fatal::Usage(format!(
            "{text}. Every letter has this fault: correct the template, and run pkb-letters template check on it"
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
            .map(|(at, words)| (self.place(at), words))
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
        let mut left_out: BTreeMap<usize, String> = self.left_out;
        let result = |place| match left_out.remove(&place) {
            Some(words) => Ok(Err(Verdict::with_detail(
                Reason::DoubtfulPage,
                format!("its finished letter was read again: {words}"),
            ))),
            None => printed
                .next()
                .ok_or_else(|| Fatal::Bug("a letter was lost".into())),
        };
        (0..self.count).map(result).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pkb_core::{
        Record,
        print_files::series::Series,
        record::{Design, Edition},
    };
    use pkb_values::LetterLanguages;

    use super::super::{batch::FileForm, numbers::LetterNumbers};
    use super::*;
    use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Engine};

    /// Letters to patients in rows 2 and following; those of some rows are expected to say something else.
    struct Letters {
        count: usize,
        doubtful: Vec<usize>,
    }

    impl Letters {
        fn name(at: usize) -> String {
            format!("Richards{}", ["son", "on", "ley", "ton"][at % 4])
        }

        fn record(at: usize, name: &str) -> Record {
            let record = serde_json::json!({
                "schema": "pkb-record/1", "row": {"file": "a.csv", "number": at + 2, "of": 9},
                "patient": {
                    "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "first_name": "Read", "last_name": name,
                    "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"], "postcode": "NE1 1XC",
                },
                "invitation": {
                    "code": format!("Inv{at:05}lI"), "token": format!("Acc{at:05}0O"), "expires_at": "2026-12-23T09:00:00Z",
                },
            });
            serde_json::from_value(record).unwrap()
        }
    }

    impl LettersToMake for Letters {
        fn count(&self) -> usize {
            self.count
        }

        fn letter(&self, at: usize) -> Result<LetterToMake, Fatal> {
            let codes = [format!("Inv{at:05}lI"), format!("Acc{at:05}0O")];
            let [invitation_code, access_code] = codes.clone();
            Ok(LetterToMake {
                fields: LetterFields {
                    name: format!("Read {}", Self::name(at)),
                    join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
                    invitation_code,
                    access_code,
                    address: vec!["1 Main Street".into(), "BYKER".into(), "NE1 1XC".into()],
                    ..LetterFields::sample()
                },
                codes: codes
                    .each_ref()
                    .map(|code| pkb_verify::expected::ShortText::of(code)),
                row: at as u64 + 2,
                postcode: "NE1 1XC".into(),
            })
        }

        fn expected(&self, at: usize) -> Result<Expected, Fatal> {
            let name = match self.doubtful.contains(&at) {
                true => "Somebody".to_owned(),
                false => Self::name(at),
            };
            let record = Self::record(at, &name);
            Ok(Expected::of(&record, LetterLanguages::default(), Design::Letter).unwrap())
        }
    }

    fn form(separate: bool) -> FileForm {
        FileForm {
            separate,
            zip: false,
            verify: true,
            is_numbered: true,
            series: Series::new(None),
            engine: Engine::Typst,
        }
    }

    fn typesetter() -> Typesetter {
        let template = Template::built_in().unwrap();
        Typesetter::with_threads(&template, Design::Letter, 1).unwrap()
    }

    /// What becomes of letters in the first batches of a folder.
    fn printed(
        folder: &Path,
        separate: bool,
        batches: &[Letters],
    ) -> Result<Vec<Vec<Result<ManifestRow, Verdict>>>, Fatal> {
        let typesetter = typesetter();
        let mut numbers = LetterNumbers::new(folder.to_owned(), Edition::First, form(separate));
        let print = |letters: &Letters| {
            let layout = Layout::of(&typesetter, letters)?;
            let numbered = numbers.number(&typesetter, layout, letters)?;
            numbered.checked(letters)?.name(&IntentLog::default())
        };
        batches.iter().map(print).collect()
    }

    fn letters(count: usize, doubtful: &[usize]) -> Letters {
        Letters {
            count,
            doubtful: doubtful.to_vec(),
        }
    }

    #[test]
    fn a_doubtful_letter_is_its_rows_outcome_and_all_others_are_made() {
        for separate in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let batches = [letters(4, &[1]), letters(2, &[])];
            let printed = printed(folder.path(), separate, &batches).unwrap();
            let [first, second] = printed.as_slice() else {
                unreachable!()
            };
            let verdict = first[1].as_ref().err().unwrap();
            assert_eq!(verdict.reason, Reason::DoubtfulPage);
            let detail = verdict.detail.as_deref().unwrap();
            assert!(detail.ends_with("the name is not on it"), "{detail}");
            let numbers = |batch: &[Result<ManifestRow, Verdict>]| -> Vec<u64> {
                batch
                    .iter()
                    .flatten()
                    .map(|letter| letter.sequence)
                    .collect()
            };
            // The number that was kept for it is nobody's.
            assert_eq!(numbers(first), [1, 2, 3]);
            assert_eq!(numbers(second), [5, 6]);
            if !separate {
                let pdf = std::fs::read(folder.path().join("letters-0001.pdf")).unwrap();
                let pages = pkb_verify::page_reader::read_text_only(pdf).unwrap();
                assert_eq!(pages.len(), 3);
                assert!(
                    !pages
                        .iter()
                        .any(|page| page.text.contains(&Letters::name(1)))
                );
            }
        }
    }

    #[test]
    fn only_a_first_batch_that_is_doubtful_throughout_stops_the_campaign() {
        let folder = tempfile::tempdir().unwrap();
        let all = printed(folder.path(), false, &[letters(2, &[0, 1])]);
        let words = all.err().unwrap().to_string();
        assert!(words.contains("correct the template"), "{words}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);

        let later = [letters(2, &[]), letters(2, &[0, 1]), letters(1, &[])];
        let printed = printed(folder.path(), false, &later).unwrap();
        assert!(printed[1].iter().all(Result::is_err));
        assert_eq!(printed[2][0].as_ref().unwrap().sequence, 5);
        assert!(!folder.path().join("letters-0002.pdf").exists());
    }

    #[test]
    fn where_it_is_not_known_which_letter_is_at_fault_each_is_tried_alone() {
        let folder = tempfile::tempdir().unwrap();
        let typesetter = typesetter();
        let mut numbers = LetterNumbers::new(folder.path().to_owned(), Edition::First, form(false));
        let mut try_again = |letters: &Letters| {
            let layout = Layout::of(&typesetter, letters)?;
            let mut numbered = numbers.number(&typesetter, layout, letters)?;
            numbered.writer = Err("the export fails".into());
            numbered.checked(letters)
        };
        let checked = try_again(&letters(3, &[2])).ok().unwrap();
        let results = checked.name(&IntentLog::default()).unwrap();
        let is_made: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(is_made, [true, true, false]);
        let words = try_again(&letters(2, &[])).err().unwrap().to_string();
        assert!(words.contains("the export fails"), "{words}");
    }
}
