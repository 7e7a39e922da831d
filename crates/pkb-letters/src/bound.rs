//! A batch of letters that is written and has no name yet: it is read again, and then named.

use std::{borrow::Cow, path::Path};

use pkb_core::{
    Fatal, Verdict,
    atomic_file::{AtomicFile, AtomicFolder},
    stage::IntentLog,
};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use crate::{
    manifest::ManifestRow,
    press::Orders,
    print_job::Naming,
    typeset::Typesetter,
    verify::{
        expected::Owners,
        objects::Bytes,
        sheets::{self, Found, Slot},
    },
    zipping,
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
    /// Whose codes they have, and rows that have the code of another.
    pub owners: Owners,
    pub also_anothers: Vec<u64>,
}

impl Bound<'_> {
    /// Reads the letters with other code than wrote them, if that is wanted. What is wrong stops the campaign before any of
    /// them has a name.
    ///
    /// # Errors
    /// A finished letter is not what it should be, or cannot be read.
    pub fn read_again(&mut self, orders: &dyn Orders) -> Result<(), Fatal> {
        let (Some(written), true) = (&mut self.written, self.naming.form.verify) else {
            return Ok(());
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
        let mut failures = Vec::new();
        let name = self.naming.form.name_of(&self.naming.batch);
        for row in also_anothers {
            failures.push((name.clone(), sheets::also_anothers(*row)));
        }
        let found = match written {
            Written::Together(_) => {
                let pdf = written.open(&name)?;
                let compare =
                    || sheets::compare(&name, pdf, slots, expected, &[], owners, Found::default());
                vec![self.typesetter.on_all_threads(compare)?]
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
                };
                letters.map(compare).collect::<Result<Vec<_>, Fatal>>()
            })?,
        };
        failures.extend(found.into_iter().flat_map(|found| found.failures));
        match failures.is_empty() {
            true => Ok(()),
            false => Err(unlike_records(&failures, rows.len())),
        }
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
                "file": self.naming.form.name_of(&self.naming.batch), "letters": self.printed.rows.len(), "engine": self.naming.form.engine
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

/// Finished letters do not say what their records say.
fn unlike_records(failures: &[(String, String)], letters: usize) -> Fatal {
    let (place, words) = failures.first().cloned().unwrap_or_default();
    let text = format!(
        "finished letters do not say what their records say, so none of this file was written: {place}: {words} \
         ({} failures)",
        failures.len()
    );
    // One and the same with all of them is the template's; with some, something has been mixed up.
    let alike = failures.iter().filter(|(_, other)| *other == words).count();
    if letters > 1 && alike == letters {
        Fatal::Usage(format!(
            "{text}. It is so with every letter: look at the template"
        ))
    } else {
        Fatal::Bug(text)
    }
}

/// The last part of a file's name.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
