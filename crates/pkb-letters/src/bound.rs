//! A batch of letters that is written and has no name yet: it is read again, and then named.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use pkb_core::{Fatal, Verdict, print_files::manifest::ManifestRow, stage::IntentLog};
use pkb_files::atomic_file::{AtomicFile, AtomicFolder};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use crate::{
    press::Orders,
    print_job::{Naming, Unmade},
    zipping,
};
use pkb_typeset::typesetter::Typesetter;
use pkb_verify::{
    expected::Owners,
    objects::Bytes,
    sheets::{self, Found, Slot},
};

/// A letter in a finished file.
pub struct PrintedLetter {
    /// Name of the file.
    pub file: String,
    /// First and last page, from 1.
    pub pages: (u64, u64),
    /// Number of the letter in the campaign, from 1.
    pub sequence: u64,
}

/// A batch that is written and has no name yet.
#[must_use = "letters are not there before they have names"]
pub(crate) struct Bound<'t> {
    pub typesetter: &'t Typesetter,
    pub naming: Naming,
    pub printed: Printed,
    /// `None` if no letter could be printed.
    pub written: Option<Written>,
}

/// What is written of a batch, before it has its name.
pub(crate) enum Written {
    Together(AtomicFile),
    Each(AtomicFolder),
}

impl Written {
    /// A file of the batch, to be read.
    fn open(&mut self, name: &str) -> Result<Bytes, Fatal> {
        let file = match self {
            Self::Together(file) => file.to_read()?,
            Self::Each(folder) => folder.open(file_name(name))?,
        };
        Bytes::of(file).map_err(|source| Fatal::cannot_read(Path::new(name), source))
    }
}

/// The letters of a batch.
#[derive(Default)]
pub(crate) struct Printed {
    /// What became of each letter.
    pub results: Vec<Result<(), Verdict>>,
    /// Those that are printed: their places in the batch, what the manifest says, and where they are.
    pub places: Vec<usize>,
    pub rows: Vec<ManifestRow>,
    pub slots: Vec<Slot>,
    /// Whose codes they have, and rows with a code that a different row also has.
    pub owners: Owners,
    pub also_anothers: Vec<u64>,
}

/// What is wrong with finished letters, by their places in the batch.
pub(crate) type Doubtful = BTreeMap<usize, String>;

impl Bound<'_> {
    /// Reads the letters with different code from the code that wrote them, if asked to, and says which are doubtful.
    ///
    /// # Errors
    /// The files cannot be read, or something is wrong and it is not known with which letter.
    pub fn read_again(&mut self, orders: &dyn Orders) -> Result<Doubtful, Unmade> {
        let (Some(written), true) = (&mut self.written, self.naming.form.verify) else {
            return Ok(Doubtful::new());
        };
        let Printed {
            places,
            rows,
            slots,
            owners,
            also_anothers,
            ..
        } = &self.printed;
        let expected = |at: usize| {
            let place = places.get(at).map(|place| orders.expected(*place));
            place.transpose().map(|expected| expected.map(Cow::Owned))
        };
        let name = self.naming.form.name_of(&self.naming.batch);
        let found = match written {
            Written::Together(_) => {
                let pdf = written.open(&name)?;
                let compare =
                    || sheets::compare(&name, pdf, slots, expected, &[], owners, Found::default());
                vec![(0, self.typesetter.on_all_threads(compare)?)]
            }
            Written::Each(folder) => self.typesetter.on_all_threads(|| {
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
            if also_anothers.contains(&slot.row)
                && let Some(place) = places.get(at)
            {
                doubtful.insert(
                    *place,
                    "a different row also has one of its codes".to_owned(),
                );
            }
        }
        for (first, found) in found {
            // What is wrong with a file and not with one of its letters.
            if let Some((place, words)) = found.failures.first()
                && found.of_letters.len() < found.failures.len()
            {
                return Err(Unmade::ByALetter(format!("{place}: {words}")));
            }
            for (at, words) in found.of_letters {
                if let Some(place) = places.get(first + at) {
                    doubtful.entry(*place).or_insert(words);
                }
            }
        }
        Ok(doubtful)
    }

    /// Names the files, and says what became of each letter.
    ///
    /// # Errors
    /// They cannot be named.
    pub fn name(
        mut self,
        intents: &IntentLog,
    ) -> Result<Vec<Result<PrintedLetter, Verdict>>, Fatal> {
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
                Written::Together(file) => file.finish()?,
                Written::Each(folder) => folder.finish()?,
            }
        }
        let mut rows = self.printed.rows.into_iter().map(|row| PrintedLetter {
            file: row.file,
            pages: (row.first_page, row.last_page),
            sequence: row.sequence,
        });
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

/// The last part of a file's name.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
