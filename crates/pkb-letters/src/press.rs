//! Names and numbers the files of letters. A batch is laid out ([`Galley`]), numbered here, written (`print_job`), read
//! again and named (`bound`); without the letters that are doubtful (`numbered_batch`).

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use serde::Deserialize as _;

use pkb_core::{
    Fatal, Record,
    print_files::{series::Series, stem},
    record::{Delivery, Edition},
    stage::Recalled,
};
use pkb_values::NationalId;

use crate::{
    numbered_batch::NumberedBatch,
    print_job::{Naming, PrintJob, Unmade},
};
use pkb_typeset::{
    letter_fields::LetterFields,
    typesetter::{Engine, LaidOutLetter, Typesetter},
};
use pkb_verify::expected::{Expected, ShortText};

/// The first letter of a run, and later the first of a file, has its square code read as a camera would after so many others.
const LETTERS_A_CAMERA: usize = 500;

/// How the files are made.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// One PDF a letter, in a folder for each batch, rather than one a batch.
    pub separate: bool,
    /// A zip beside each batch, with its letters and their manifest.
    pub zip: bool,
    /// Whether finished letters are read again before they are written.
    pub verify: bool,
    /// Whether sheets bear their numbers.
    pub is_numbered: bool,
    /// Whose names and numbers the letters have.
    pub series: Series,
    /// What makes the letters.
    pub engine: Engine,
}

impl Form {
    /// What a batch is called in its folder: its file, or the folder of its files.
    pub(crate) fn name_of(&self, batch: &str) -> String {
        match self.separate {
            true => batch.to_owned(),
            false => format!("{batch}.pdf"),
        }
    }
}

/// A letter that is to be printed.
pub struct Order {
    /// Its values.
    pub fields: LetterFields,
    /// Its codes, to be entered among those of others.
    pub codes: [ShortText; 2],
    /// Row of the patient file.
    pub row: u64,
    /// Post code, for the manifest in a zip.
    pub post_code: String,
}

/// The letters of a batch, by their places. They are made when they are needed, and again: there may be fifty thousand.
pub trait Orders: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    ///
    /// # Errors
    /// A bug.
    fn order(&self, place: usize) -> Result<Order, Fatal>;

    /// What its sheets must say.
    ///
    /// # Errors
    /// A bug.
    fn expected(&self, place: usize) -> Result<Expected, Fatal>;
}

impl Borrow<LetterFields> for Order {
    fn borrow(&self) -> &LetterFields {
        &self.fields
    }
}

/// The letters of a batch on their way to the press.
pub enum Galley {
    /// They are laid out.
    LaidOut(Vec<LaidOutLetter<Order>>),
    /// They are laid out while they are bound, since they are many.
    Later,
}

impl Galley {
    /// Lays out letters unless they are too many to be kept. Needs no press, so that it can be done while another batch is
    /// bound.
    ///
    /// # Errors
    /// A bug.
    pub fn of(typesetter: &Typesetter, orders: &dyn Orders) -> Result<Self, Fatal> {
        if typesetter.lays_out_ahead(orders.count()) {
            return Ok(Self::Later);
        }
        let places: Vec<usize> = (0..orders.count()).collect();
        typesetter
            .lay_out_made(&places, places.len(), |place| orders.order(*place))
            .map(Self::LaidOut)
    }
}

/// What names and numbers the files and letters of one edition in one folder.
pub struct Press {
    folder: PathBuf,
    edition: Edition,
    form: Form,
    /// Letters of all editions, in this run and those before it.
    letters: u64,
    /// Number of the last file of this edition.
    files: u64,
    /// So many more letters before the square code of one is read as a camera would.
    until_camera: usize,
    /// Files that earlier runs began, and with which engine; the last of them may be finished and not in the journal.
    begun: HashMap<String, Engine>,
    /// Batches of this edition of which the journal does not have all letters, by their numbers.
    unfinished: BTreeMap<u64, Batch>,
}

/// A batch as the journal has it.
#[derive(Default)]
struct Batch {
    /// How many letters it has.
    letters: u64,
    /// Whose are in the journal.
    patients: HashSet<NationalId>,
    /// The last number that is kept for it.
    last: u64,
}

impl Press {
    /// A press that has made nothing yet.
    #[must_use]
    pub fn new(folder: PathBuf, edition: Edition, form: Form) -> Self {
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
            Recalled::Record(record) => {
                let delivery = record.delivery.as_ref();
                delivery.map_or(Ok(()), |delivery| self.form.series.check_delivery(delivery))?;
                self.recall_letters(record)?;
            }
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
                    let batch = Batch {
                        letters,
                        last: intent["last"].as_u64().unwrap_or_default(),
                        ..Batch::default()
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
        let deliveries = record.delivery.iter().flat_map(Delivery::chain);
        for Delivery { file, sequence, .. } in deliveries {
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
    pub(crate) fn number<'t>(
        &mut self,
        typesetter: &'t Typesetter,
        galley: Galley,
        orders: &dyn Orders,
    ) -> Result<NumberedBatch<'t>, Fatal> {
        let (mut naming, with_camera) = self.next();
        let is_first = naming.first == *self.form.series.numbers().start();
        let mut job = PrintJob::new(typesetter, naming.clone(), with_camera);
        let job = match job.enter(galley, orders) {
            Ok(()) => Ok(job),
            Err(Unmade::ByALetter(words)) => Err(words),
            Err(Unmade::Stopped(fatal)) => return Err(fatal),
        };
        // Which of them can be made is not known yet.
        let letters = job.as_ref().map_or(orders.count(), PrintJob::letters);
        self.advance(letters);
        naming.last = self.letters;
        Ok(NumberedBatch {
            typesetter,
            job: job.map(|mut job| {
                job.keep_until(naming.last);
                job
            }),
            naming,
            with_camera,
            is_first,
        })
    }

    /// What the next batch is called, and whether the square code of its first letter is read as a camera would.
    fn next(&self) -> (Naming, bool) {
        let batch = format!("{}{:04}", self.prefix(), self.files + 1);
        let begun = self.begun.get(&self.form.name_of(&batch)).copied();
        let naming = Naming {
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

    use super::*;
    use pkb_typeset::template::Template;

    /// One letter.
    struct One(Record);

    fn one() -> One {
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 7, "of": 9},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Mr", "first_name": "Read",
                "last_name": "Richards", "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"],
                "post_code": "NE1 1XC",
            },
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        });
        One(serde_json::from_value(record).unwrap())
    }

    impl Orders for One {
        fn count(&self) -> usize {
            1
        }

        fn order(&self, place: usize) -> Result<Order, Fatal> {
            Ok(Order {
                fields: LetterFields {
                    format: LetterFormat::Standard,
                    ..LetterFields::sample()
                },
                codes: self.expected(place)?.codes(),
                row: 7,
                post_code: "NE1 1XC".into(),
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
        let form = Form {
            separate: false,
            zip: false,
            verify: true,
            is_numbered: true,
            series: Series::new(None),
            engine,
        };
        let mut press = Press::new(folder.to_owned(), Edition::First, form);
        intent
            .into_iter()
            .try_for_each(|intent| press.recall(&Recalled::Intent(intent)))?;
        let galley = Galley::of(&typesetter, &one())?;
        let numbered = press.number(&typesetter, galley, &one())?;
        numbered.vouched_for(&one())?.name(&IntentLog::default())?;
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
        record.delivery = Some(serde_json::from_value(delivery).unwrap());
        Recalled::Record(Box::new(record))
    }

    #[test]
    fn a_file_that_lacks_letters_is_made_again_if_it_is_the_last_and_else_lines_were_lost() {
        let intent = |file: &str| {
            let intent = serde_json::json!({"file": file, "letters": 2, "last": 2});
            Recalled::Intent(intent)
        };
        let recall = |lines: &[Recalled]| {
            let form = Form {
                separate: false,
                zip: false,
                verify: true,
                is_numbered: true,
                series: Series::new(None),
                engine: Engine::Auto,
            };
            let mut press = Press::new("print".into(), Edition::First, form);
            let recalled = lines.iter().try_for_each(|line| press.recall(line));
            recalled.map(|()| (press.unfinished().len(), press.files))
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
            assert!(error.contains("was begun with --engine"), "{error}");
            assert!(
                std::fs::read(folder.join("letters-0001.pdf")).unwrap() == stamped,
                "nothing was written"
            );
        }
        let typeset = printed(folder, Engine::Typst, intent(None)).unwrap();
        assert!(typeset != stamped);
    }
}
