//! A batch of letters that is written and has no name yet: it is read again, and then named.

use std::{borrow::Cow, path::Path};

use pkb_core::{Fatal, Verdict, stage::IntentLog};
use pkb_files::atomic_file::{AtomicFile, AtomicFolder};
use pkb_print_files::manifest::ManifestRow;
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use super::{
    batch::{BatchError, BatchName, Doubt, Doubtful, LettersToMake, PrintedLetters, file_name},
    zipping,
};
use pkb_typeset::typesetter::Typesetter;
use pkb_verify::{
    objects::Bytes,
    sheets::{self, Found, Slot},
};

/// A batch that is written and has no name yet.
#[must_use = "letters are not there before they have names"]
pub(crate) struct WrittenBatch<'t> {
    pub typesetter: &'t Typesetter,
    pub naming: BatchName,
    pub printed: PrintedLetters,
    /// `None` if no letter could be printed.
    pub written: Option<WrittenFiles>,
}

/// What is written of a batch, before it has its name.
pub(crate) enum WrittenFiles {
    Together(AtomicFile),
    Each(AtomicFolder),
}

impl WrittenFiles {
    /// A file of the batch, to be read.
    fn open(&mut self, name: &str) -> Result<Bytes, Fatal> {
        let file = match self {
            Self::Together(file) => file.to_read()?,
            Self::Each(folder) => folder.open(file_name(name))?,
        };
        Bytes::of(file).map_err(|source| Fatal::cannot_read(Path::new(name), source))
    }
}

impl WrittenBatch<'_> {
    /// Reads the letters with different code from the code that wrote them, if asked to, and says which are doubtful.
    ///
    /// # Errors
    /// The files cannot be read, or something is wrong and it is not known with which letter.
    pub fn read_again(&mut self, to_make: &dyn LettersToMake) -> Result<Doubtful, BatchError> {
        let (Some(written), true) = (&mut self.written, self.naming.form.verify) else {
            return Ok(Doubtful::new());
        };
        let PrintedLetters {
            places,
            rows,
            slots,
            owners,
            with_same_code,
            ..
        } = &self.printed;
        let expected = |at: usize| {
            let place = places.get(at).map(|place| to_make.expected(*place));
            place.transpose().map(|expected| expected.map(Cow::Owned))
        };
        let name = self.naming.form.name_of(&self.naming.batch);
        let found = match written {
            WrittenFiles::Together(_) => {
                let pdf = written.open(&name)?;
                let compare =
                    || sheets::compare(&name, pdf, slots, expected, &[], owners, Found::default());
                vec![(0, self.typesetter.on_all_threads(compare)?)]
            }
            WrittenFiles::Each(folder) => self.typesetter.on_all_threads(|| {
                let letters = rows.par_iter().zip(slots).enumerate();
                let compare = |(at, (row, slot)): (usize, (&ManifestRow, &Slot))| {
                    let pdf = Bytes::of(folder.open(file_name(&row.file))?)
                        .map_err(|source| Fatal::cannot_read(Path::new(&row.file), source))?;
                    let slot = std::slice::from_ref(slot);
                    let expected = |_| expected(at);
                    sheets::compare(
                        &row.file,
                        pdf,
                        slot,
                        expected,
                        &[],
                        owners,
                        Found::default(),
                    )
                    .map(|found| (at, found))
                };
                letters.map(compare).collect::<Result<Vec<_>, Fatal>>()
            })?,
        };
        let mut doubtful = Doubtful::new();
        for (at, slot) in slots.iter().enumerate() {
            let shared = with_same_code.iter().find(|(row, _)| *row == slot.row);
            if let (Some((_, with)), Some(place)) = (shared, places.get(at)) {
                doubtful.insert(*place, Doubt::SharedCodes { with: *with });
            }
        }
        for (first, found) in found {
            // What is wrong with a file and not with one of its letters.
            if let Some((place, words)) = found.failures.first()
                && found.of_letters.len() < found.failures.len()
            {
                return Err(BatchError::ByALetter(format!("{place}: {words}")));
            }
            for (at, words) in found.of_letters {
                if let Some(place) = places.get(first + at) {
                    doubtful.entry(*place).or_insert(Doubt::Sheets(words));
                }
            }
        }
        Ok(doubtful)
    }

    /// Names the files, and says what became of each letter.
    ///
    /// # Errors
    /// They cannot be named.
    pub fn name(mut self, intents: &IntentLog) -> Result<Vec<Result<ManifestRow, Verdict>>, Fatal> {
        if let Some(mut written) = self.written.take() {
            intents.note(serde_json::json!({
                "file": self.naming.form.name_of(&self.naming.batch), "letters": self.printed.rows.len(),
                "last": self.naming.last, "engine": self.naming.form.engine
            }))?;
            if self.naming.form.zip {
                let path = self
                    .naming
                    .folder
                    .join(format!("{}.zip", self.naming.batch));
                zipping::write(&path, &self.printed.rows, |name| written.open(name))?;
            }
            match written {
                WrittenFiles::Together(file) => file.finish()?,
                WrittenFiles::Each(folder) => folder.finish()?,
            }
        }
        let mut rows = self.printed.rows.into_iter();
        let result = |result| match result {
            Err(verdict) => Ok(Err(verdict)),
            Ok(()) => rows
                .next()
                .map(Ok)
                .ok_or_else(|| Fatal::Bug("a letter was lost".into())),
        };
        self.printed.results.into_iter().map(result).collect()
    }
}
