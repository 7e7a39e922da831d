//! A batch of letters: the letters that are wanted, what its files are called, and what is known of it once it is made.

use std::{borrow::Borrow, collections::BTreeMap, path::PathBuf};

use pkb_core::{Fatal, Reason, Verdict};
use pkb_print_files::{manifest::ManifestRow, series::Series};
use pkb_typeset::{
    letter_fields::LetterFields,
    typesetter::{Engine, LaidOutLetter, TypesetError, Typesetter},
};
use pkb_verify::{
    expected::{Expected, Owners, ShortText, with_same_code},
    sheets::Slot,
};

/// How the files are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileForm {
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

impl FileForm {
    /// What a batch is called in its folder: its file, or the folder of its files.
    pub(super) fn name_of(&self, batch: &str) -> String {
        match self.separate {
            true => batch.to_owned(),
            false => format!("{batch}.pdf"),
        }
    }
}

/// A letter that is to be printed.
pub(super) struct LetterToMake {
    /// Its values.
    pub fields: LetterFields,
    /// Its codes, to be entered among those of others, if it has any.
    pub codes: Option<[ShortText; 2]>,
    /// Row of the patient file.
    pub row: u64,
    /// Its name for those who print and post it, for the manifest in a zip.
    pub reference: String,
    /// Postcode, likewise.
    pub postcode: String,
    /// Whether it goes to a member of staff, likewise.
    pub seed: bool,
}

/// The letters of a batch, by their places. They are made when they are needed, and again: there may be fifty thousand.
pub(super) trait LettersToMake: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    ///
    /// # Errors
    /// A bug.
    fn letter(&self, place: usize) -> Result<LetterToMake, Fatal>;

    /// What its sheets must say.
    ///
    /// # Errors
    /// A bug.
    fn expected(&self, place: usize) -> Result<Expected, Fatal>;
}

impl Borrow<LetterFields> for LetterToMake {
    fn borrow(&self) -> &LetterFields {
        &self.fields
    }
}

/// Whether the letters of a batch are laid out before they get their numbers.
pub(super) enum Layout {
    /// They are.
    LaidOut(Vec<LaidOutLetter<LetterToMake>>),
    /// They are laid out while they are written, since they are many.
    Later,
}

impl Layout {
    /// Lays out letters unless they are too many to be kept. Needs no numbers, so that it can be done while another batch is
    /// written.
    ///
    /// # Errors
    /// A bug.
    pub(super) fn of(typesetter: &Typesetter, to_make: &dyn LettersToMake) -> Result<Self, Fatal> {
        if typesetter.lays_out_ahead(to_make.count()) {
            return Ok(Self::Later);
        }
        let places: Vec<usize> = (0..to_make.count()).collect();
        typesetter
            .lay_out_made(&places, places.len(), |place| to_make.letter(*place))
            .map(Self::LaidOut)
    }
}

/// What a batch is called, and where it goes.
#[derive(Debug, Clone)]
pub(super) struct BatchName {
    pub folder: PathBuf,
    pub form: FileForm,
    pub batch: String,
    /// The engine of an earlier run that began its file.
    pub begun: Option<Engine>,
    /// Number of its first letter.
    pub first: u64,
    /// The last number that is kept for its letters: none that is left out has its own.
    pub last: u64,
}

/// Why a batch could not be made.
pub(super) enum BatchError {
    /// Nothing can be made.
    Stopped(Fatal),
    /// Something is wrong with one of its letters, and it is not known with which.
    ByALetter(String),
}

impl From<Fatal> for BatchError {
    fn from(fatal: Fatal) -> Self {
        Self::Stopped(fatal)
    }
}

impl From<TypesetError> for BatchError {
    fn from(error: TypesetError) -> Self {
        match error {
            TypesetError::Template { .. }
            | TypesetError::NoLetters
            | TypesetError::NotStampable { .. }
            | TypesetError::Write(_)
            | TypesetError::Threads(_) => Self::Stopped(error.into()),
            TypesetError::Export { .. }
            | TypesetError::Marks(_)
            | TypesetError::CannotStandTogether(_)
            | TypesetError::Stamp(_)
            | TypesetError::Panicked
            | TypesetError::Data => Self::ByALetter(error.to_string()),
        }
    }
}

/// The letters of a batch.
#[derive(Default)]
pub(super) struct PrintedLetters {
    /// What became of each letter.
    pub results: Vec<Result<(), Verdict>>,
    /// Those that are printed: their places in the batch, what the manifest says, and where they are.
    pub places: Vec<usize>,
    pub rows: Vec<ManifestRow>,
    pub slots: Vec<Slot>,
    /// Whose codes they have, and rows with a code that a different row also has, by that row.
    pub owners: Owners,
    pub with_same_code: Vec<(u64, u64)>,
}

/// What is wrong with finished letters, by their places in the batch.
pub(super) type Doubtful = BTreeMap<usize, Doubt>;

/// What is wrong with a finished letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is not certain that its sheets say what its record says.
    Sheets(String),
    /// Another row has one of its codes. Such a letter must not be sent in any way.
    SharedCodes { with: u64 },
}

impl From<Doubt> for Verdict {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Sheets(words) => Self::with_detail(
                Reason::DoubtfulPage,
                format!("a check of the finished letter found: {words}"),
            ),
            Doubt::SharedCodes { with } => {
                Self::with_detail(Reason::SharedCodes, with_same_code(with))
            }
        }
    }
}

/// The last part of a file's name.
pub(super) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
