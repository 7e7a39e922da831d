//! Names and numbers the files of letters. A batch is laid out (`batch`), numbered here, written (`batch_writer`), read
//! again and named (`written_batch`); without the letters that are doubtful (`numbered_batch`).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use serde::Deserialize as _;

use pkb_core::{
    Fatal, Record,
    record::{Delivery, Edition},
    stage::Recalled,
};
use pkb_print_files::stem;
use pkb_values::NationalId;

use super::{
    batch::{BatchError, BatchName, FileForm, Layout, LettersToMake},
    batch_writer::BatchWriter,
    numbered_batch::NumberedBatch,
};
use pkb_typeset::typesetter::{Engine, Typesetter};

/// The first letter of a run, and later the first of a file, has its QR code read as a camera would after so many others.
const LETTERS_A_CAMERA: usize = 500;

/// What names and numbers the files and letters of one edition in one folder.
pub(super) struct LetterNumbers {
    folder: PathBuf,
    edition: Edition,
    form: FileForm,
    /// Letters of all editions, in this run and those before it.
    letters: u64,
    /// Number of the last file of this edition.
    files: u64,
    /// So many more letters before the QR code of one is read as a camera would.
    until_camera: usize,
    /// Files that earlier runs began, and with which engine; the last of them may be finished and not in the journal.
    begun: HashMap<String, Engine>,
    /// Batches of this edition of which the journal does not have all letters, by their numbers.
    unfinished: BTreeMap<u64, UnfinishedBatch>,
}

/// A batch as the journal has it.
#[derive(Default)]
struct UnfinishedBatch {
    /// How many letters it has.
    letters: u64,
    /// Whose are in the journal.
    patients: HashSet<NationalId>,
    /// The last number that is kept for it.
    last: u64,
}

impl LetterNumbers {
    /// Nothing is numbered yet.
    #[must_use]
    pub fn new(folder: PathBuf, edition: Edition, form: FileForm) -> Self {
        Self {
            folder,
            edition,
            form,
            letters: form.series.numbers().start() - 1,
            files: 0,
            until_camera: 0,
            begun: HashMap::new(),
            unfinished: BTreeMap::new(),
        }
    }

    /// Beginning of the names of its files.
    fn prefix(&self) -> String {
        self.form.series.of_letters(self.edition)
    }

    /// Counts what an earlier run made or began.
    ///
    /// # Errors
    /// It is another series; or a file that was made later is there, and letters of an earlier one are missing.
    pub fn recall(&mut self, line: &Recalled) -> Result<(), Fatal> {
        match line {
            Recalled::Record(record) => self.recall_letters(record)?,
            Recalled::Intent(intent) => {
                let Some(file) = intent["file"].as_str() else {
                    return Ok(());
                };
                self.form.series.check(file)?;
                // Before there was a choice, all was Typst's.
                let engine = Engine::deserialize(&intent["engine"]).unwrap_or(Engine::Typst);
                self.begun.insert(file.to_owned(), engine);
                // A reprint is made of letters that stand in the journal.
                let number = self
                    .number_of(stem(file))
                    .filter(|_| self.edition != Edition::Reprint);
                if let (Some(number), Some(letters)) = (number, intent["letters"].as_u64()) {
                    let batch = UnfinishedBatch {
                        letters,
                        last: intent["last"].as_u64().unwrap_or_default(),
                        ..UnfinishedBatch::default()
                    };
                    self.unfinished.insert(number, batch);
                }
            }
        }
        Ok(())
    }

    /// The number of a batch, if it is one of this edition.
    fn number_of(&self, batch: &str) -> Option<u64> {
        batch.strip_prefix(&self.prefix())?.parse().ok()
    }

    fn recall_letters(&mut self, record: &Record) -> Result<(), Fatal> {
        let Some(patient) = &record.patient else {
            return Ok(());
        };
        for Delivery { file, sequence, .. } in record.all_deliveries() {
            let Some(mut sequence) = *sequence else {
                continue;
            };
            if let Some(number) = self.number_of(stem(file)) {
                self.check_order(number, file)?;
                if let Some(unfinished) = self.unfinished.get_mut(&number) {
                    unfinished.patients.insert(patient.national_id);
                    unfinished.last = unfinished.last.max(sequence);
                    if (unfinished.patients.len() as u64) < unfinished.letters {
                        continue;
                    }
                    sequence = unfinished.last;
                    self.unfinished.remove(&number);
                }
                self.files = self.files.max(number);
            }
            self.letters = self.letters.max(sequence);
        }
        Ok(())
    }

    /// A run that was killed leaves its last files unfinished. The lines of a file are written before those of the next, so
    /// that one which lacks letters, and is not the last, has lost them since.
    fn check_order(&self, number: u64, file: &str) -> Result<(), Fatal> {
        match self.unfinished.range(..number).next() {
            None => Ok(()),
            Some((earlier, batch)) => Err(Fatal::Input(format!(
                "{file} comes here, and before it only {} of the {} letters of {}: lines have been lost",
                batch.patients.len(),
                batch.letters,
                self.form.name_of(&format!("{}{earlier:04}", self.prefix()))
            ))),
        }
    }

    /// Whose letters are in files of which the journal does not have all letters: a run can be killed between the name of
    /// a file and its lines, and a power cut can tear these. Such a file is made again whole, under its name and with its
    /// numbers.
    #[must_use]
    pub fn unfinished(&self) -> HashSet<NationalId> {
        let batches = self.unfinished.values();
        batches
            .flat_map(|batch| batch.patients.iter().copied())
            .collect()
    }

    /// Numbers the letters of the next batch, so far as they can be laid out.
    ///
    /// # Errors
    /// Nothing can be made.
    pub(super) fn number<'t>(
        &mut self,
        typesetter: &'t Typesetter,
        layout: Layout,
        to_make: &dyn LettersToMake,
    ) -> Result<NumberedBatch<'t>, Fatal> {
        let (mut naming, with_camera) = self.next();
        let is_first = naming.first == *self.form.series.numbers().start();
        let mut writer = BatchWriter::new(typesetter, naming.clone(), with_camera);
        let writer = match writer.enter(layout, to_make) {
            Ok(()) => Ok(writer),
            Err(BatchError::ByALetter(words)) => Err(words),
            Err(BatchError::Stopped(fatal)) => return Err(fatal),
        };
        // Which of them can be made is not known yet.
        let letters = writer
            .as_ref()
            .map_or(to_make.count(), BatchWriter::letters);
        self.advance(letters);
        naming.last = self.letters;
        Ok(NumberedBatch {
            typesetter,
            writer: writer.map(|mut writer| {
                writer.keep_until(naming.last);
                writer
            }),
            naming,
            with_camera,
            is_first,
        })
    }

    /// What the next batch is called, and whether the QR code of its first letter is read as a camera would.
    fn next(&self) -> (BatchName, bool) {
        let batch = format!("{}{:04}", self.prefix(), self.files + 1);
        let begun = self.begun.get(&self.form.name_of(&batch)).copied();
        let naming = BatchName {
            folder: self.folder.clone(),
            form: self.form,
            batch,
            begun,
            first: self.letters + 1,
            last: self.letters,
        };
        (naming, self.until_camera == 0)
    }

    /// The numbers of the next batch follow those of this one, which has so many letters.
    fn advance(&mut self, letters: usize) {
        if letters == 0 {
            return;
        }
        self.files += 1;
        self.letters += letters as u64;
        if self.until_camera == 0 {
            self.until_camera = LETTERS_A_CAMERA;
        }
        self.until_camera = self.until_camera.saturating_sub(letters);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pkb_core::{record::Design, stage::IntentLog};
    use pkb_values::{LetterFormat, LetterLanguages};

    use super::{super::batch::LetterToMake, *};
    use pkb_print_files::series::Series;
    use pkb_typeset::{letter_fields::LetterFields, template::Template};
    use pkb_verify::expected::Expected;

    /// One letter.
    struct One(Record);

    fn one() -> One {
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 7, "of": 9},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Mr", "first_name": "Read",
                "last_name": "Richards", "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"],
                "postcode": "NE1 1XC",
            },
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        });
        One(serde_json::from_value(record).unwrap())
    }

    impl LettersToMake for One {
        fn count(&self) -> usize {
            1
        }

        fn letter(&self, place: usize) -> Result<LetterToMake, Fatal> {
            Ok(LetterToMake {
                fields: LetterFields {
                    format: LetterFormat::Standard,
                    ..LetterFields::sample()
                },
                codes: self.expected(place)?.codes(),
                row: 7,
                reference: String::new(),
                postcode: "NE1 1XC".into(),
                seed: false,
            })
        }

        fn expected(&self, _: usize) -> Result<Expected, Fatal> {
            let languages = LetterLanguages::default();
            Ok(Expected::of(&self.0, languages, Design::Letter).unwrap())
        }
    }

    /// Prints one letter into a folder where `intent` was noted, if there is one.
    fn printed(
        folder: &Path,
        engine: Engine,
        intent: Option<serde_json::Value>,
    ) -> Result<Vec<u8>, Fatal> {
        let typesetter =
            Typesetter::with_threads(&Template::built_in().unwrap(), Design::Letter, 1).unwrap();
        let typesetter = typesetter.with_engine(engine).unwrap();
        let form = FileForm {
            separate: false,
            zip: false,
            verify: true,
            is_numbered: true,
            series: Series::new(None),
            engine,
        };
        let mut numbers = LetterNumbers::new(folder.to_owned(), Edition::First, form);
        intent
            .into_iter()
            .try_for_each(|intent| numbers.recall(&Recalled::Intent(intent)))?;
        let layout = Layout::of(&typesetter, &one())?;
        let numbered = numbers.number(&typesetter, layout, &one())?;
        numbered.checked(&one())?.name(&IntentLog::default())?;
        Ok(std::fs::read(folder.join("letters-0001.pdf")).unwrap())
    }

    /// The line of a letter.
    fn letter(file: &str, sequence: u64) -> Recalled {
        let patients = ["9990000018", "9990000026", "9990000034", "9990000042"];
        let One(mut record) = one();
        let number = patients[sequence as usize - 1];
        record.patient.as_mut().unwrap().national_id = NationalId {
            value: pkb_values::NhsNumber::parse(number).unwrap(),
            ..record.patient.as_ref().unwrap().national_id
        };
        let delivery = serde_json::json!({"channel": "letter", "file": file, "pages": [1, 1], "sequence": sequence});
        record.deliveries = vec![serde_json::from_value(delivery).unwrap()];
        Recalled::Record(Box::new(record))
    }

    #[test]
    fn a_file_that_lacks_letters_is_made_again_if_it_is_the_last_and_else_lines_were_lost() {
        let intent = |file: &str| {
            let intent = serde_json::json!({"file": file, "letters": 2, "last": 2});
            Recalled::Intent(intent)
        };
        let recall = |lines: &[Recalled]| {
            let form = FileForm {
                separate: false,
                zip: false,
                verify: true,
                is_numbered: true,
                series: Series::new(None),
                engine: Engine::Auto,
            };
            let mut numbers = LetterNumbers::new("print".into(), Edition::First, form);
            let recalled = lines.iter().try_for_each(|line| numbers.recall(line));
            recalled.map(|()| (numbers.unfinished().len(), numbers.files))
        };
        let (one, two) = ("letters-0001.pdf", "letters-0002.pdf");
        let of_both = || [intent(one), intent(two), letter(one, 1), letter(one, 2)];
        assert_eq!(recall(&of_both()).unwrap(), (0, 1));
        assert_eq!(recall(&of_both()[..3]).unwrap(), (1, 0));
        let [a, b, c, d] = of_both();
        assert_eq!(recall(&[a, b, c, d, letter(two, 3)]).unwrap(), (1, 1));
        // Begun again by the run after the one that was killed.
        let [a, b, c, d] = of_both();
        let again = [
            a,
            c,
            intent(one),
            b,
            letter(one, 1),
            d,
            letter(two, 3),
            letter(two, 4),
        ];
        assert_eq!(recall(&again).unwrap(), (0, 2));
        let [a, b, c, _] = of_both();
        let error = recall(&[a, b, c, letter(two, 3)]).unwrap_err();
        assert!(matches!(error, Fatal::Input(_)));
        assert_eq!(
            error.to_string(),
            "letters-0002.pdf comes here, and before it only 1 of the 2 letters of letters-0001.pdf: lines have been lost"
        );
    }

    #[test]
    fn a_file_that_was_begun_with_one_engine_is_not_finished_with_another() {
        let intent = |engine: Option<&str>| {
            let mut intent = serde_json::json!({ "file": "letters-0001.pdf", "letters": 1 });
            if let Some(engine) = engine {
                intent["engine"] = engine.into();
            }
            Some(intent)
        };
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let stamped = printed(folder, Engine::Stamp, None).unwrap();
        assert!(printed(folder, Engine::Stamp, intent(Some("stamp"))).unwrap() == stamped);
        for (engine, before) in [
            (Engine::Auto, Some("typst")),
            (Engine::Stamp, None),
            (Engine::Typst, Some("stamp")),
        ] {
            let error = printed(folder, engine, intent(before))
                .unwrap_err()
                .to_string();
            assert!(error.contains("was started with --engine"), "{error}");
            assert!(
                std::fs::read(folder.join("letters-0001.pdf")).unwrap() == stamped,
                "nothing was written"
            );
        }
        let typeset = printed(folder, Engine::Typst, intent(None)).unwrap();
        assert!(typeset != stamped);
    }
}
