//! A batch of letters that is being written.

use pkb_core::{Fatal, Verdict};
use pkb_files::atomic_file::{AtomicFile, AtomicFolder};
use pkb_print_files::manifest::{ManifestRow, hexadecimal};
use sha2::{Digest as _, Sha256};

use super::{
    batch::{
        BatchError, BatchName, Layout, LetterToMake, LettersToMake, PrintedLetters, file_name,
    },
    written_batch::{WrittenBatch, WrittenFiles},
};
use pkb_typeset::typesetter::{Binding, LaidOut, LaidOutLetter, TypesetError, Typesetter};
use pkb_verify::sheets::{QrReading, Slot};

/// The letters of a batch that can be printed, on their way to the disk.
enum OpenFiles<'t> {
    /// Into one file, which has no name yet.
    Together(Box<Binding<'t, AtomicFile>>),
    /// Each into one, and what waits until it is known which the last is.
    Each(AtomicFolder, Vec<LaidOut>),
}

/// A batch that is being printed: its letters are entered, which gives them numbers, and written.
pub(super) struct BatchWriter<'t> {
    typesetter: &'t Typesetter,
    naming: BatchName,
    /// Whether the QR code of its first letter is to be read as a camera would.
    with_camera: bool,
    printed: PrintedLetters,
    /// Letters that have numbers and are not written.
    waiting: Vec<LaidOut>,
    /// `None` before the first letter is written.
    files: Option<OpenFiles<'t>>,
}

impl<'t> BatchWriter<'t> {
    /// A batch without letters.
    pub fn new(typesetter: &'t Typesetter, naming: BatchName, with_camera: bool) -> Self {
        Self {
            typesetter,
            naming,
            with_camera,
            printed: PrintedLetters::default(),
            waiting: Vec::new(),
            files: None,
        }
    }

    /// How many letters it has.
    pub fn letters(&self) -> usize {
        self.printed.rows.len()
    }

    /// Enters the letters of the batch that can be printed. Those that are laid out are kept; the others are laid out and
    /// written.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn enter(&mut self, layout: Layout, to_make: &dyn LettersToMake) -> Result<(), BatchError> {
        match layout {
            Layout::LaidOut(letters) => {
                self.waiting = self.numbered(letters)?;
                Ok(())
            }
            Layout::Later => {
                let typesetter = self.typesetter;
                let print = |letters| {
                    let good = self.numbered(letters)?;
                    self.write(good)
                };
                let letter = |place: &usize| to_make.letter(*place).map_err(BatchError::Stopped);
                let places: Vec<usize> = (0..to_make.count()).collect();
                typesetter.lay_out_in_order(&places, places.len(), letter, print)
            }
        }
    }

    /// That these are the last numbers of the batch.
    pub fn keep_until(&mut self, last: u64) {
        self.naming.last = last;
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn written(mut self) -> Result<WrittenBatch<'t>, BatchError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.write(waiting)?;
        let written = match self.files.take() {
            None => None,
            Some(OpenFiles::Together(binding)) => {
                let file = binding.finish().map_err(|error| self.failed(error))?;
                Some(WrittenFiles::Together(file))
            }
            Some(OpenFiles::Each(mut folder, waiting)) => {
                self.write_each(&mut folder, waiting)?;
                folder.written()?;
                Some(WrittenFiles::Each(folder))
            }
        };
        Ok(WrittenBatch {
            typesetter: self.typesetter,
            naming: self.naming,
            printed: self.printed,
            written,
        })
    }

    /// Enters those letters that can be printed, with their numbers, and hands them out.
    fn numbered(
        &mut self,
        letters: Vec<LaidOutLetter<LetterToMake>>,
    ) -> Result<Vec<LaidOut>, Fatal> {
        let Self {
            naming: BatchName {
                form, batch, first, ..
            },
            printed,
            ..
        } = self;
        let mut good = Vec::with_capacity(letters.len());
        for (wanted, letter) in letters {
            let letter = match letter {
                Ok(letter) => letter,
                Err(fault) => {
                    printed.results.push(Err(Verdict::from(fault)));
                    continue;
                }
            };
            let sequence = *first + printed.rows.len() as u64;
            if sequence > *form.series.numbers().end() {
                return Err(Fatal::Usage(
                    "a series has room for 999,999 letters. What to do: divide the campaign into more shards"
                        .into(),
                ));
            }
            let pages = (1, letter.page_count() as u64);
            printed.slots.push(Slot {
                row: wanted.row,
                number: form.is_numbered.then_some(sequence),
                pages,
                // The QR code of a few is read from the whole drawn page, which takes as long as forty letters; those
                // of the others from their pictures.
                qr_codes: match printed.rows.is_empty() && self.with_camera {
                    true => QrReading::Camera,
                    false => QrReading::Pictures,
                },
            });
            if let Some(codes) = wanted.codes
                && let Some(other) = printed.owners.enter(codes, wanted.row)
            {
                let both = [(other, wanted.row), (wanted.row, other)];
                printed.with_same_code.extend(both);
            }
            printed.places.push(printed.results.len());
            printed.rows.push(ManifestRow {
                reference: wanted.reference,
                sequence,
                file: format!("{batch}.pdf"),
                first_page: pages.0,
                last_page: pages.1,
                row: wanted.row,
                postcode: wanted.postcode,
                language: wanted.fields.languages,
                format: wanted.fields.format,
                seed: wanted.seed,
            });
            printed.results.push(Ok(()));
            good.push(letter);
        }
        Ok(good)
    }

    /// Writes letters, the last that were entered.
    fn write(&mut self, letters: Vec<LaidOut>) -> Result<(), BatchError> {
        if letters.is_empty() {
            return Ok(());
        }
        let first = self.letters() - letters.len();
        let mut files = match self.files.take() {
            Some(files) => files,
            None => self.begin()?,
        };
        match &mut files {
            OpenFiles::Each(folder, waiting) => {
                waiting.extend(letters);
                if !self.typesetter.needs_last() {
                    let letters = std::mem::take(waiting);
                    self.write_each(folder, letters)?;
                }
            }
            OpenFiles::Together(binding) => {
                let pages = binding.add(letters).map_err(|error| self.failed(error))?;
                let slots = self.printed.slots.iter_mut().skip(first);
                let rows = self.printed.rows.iter_mut().skip(first);
                for ((slot, row), pages) in slots.zip(rows).zip(pages) {
                    (row.first_page, row.last_page) = pages;
                    slot.pages = pages;
                }
            }
        }
        self.files = Some(files);
        Ok(())
    }

    /// Begins its file, if nothing is in its way.
    fn begin(&self) -> Result<OpenFiles<'t>, Fatal> {
        let BatchName {
            folder,
            form,
            batch,
            begun,
            ..
        } = &self.naming;
        let what = form.name_of(batch);
        let path = folder.join(&what);
        if let Some(engine) = begun.filter(|engine| *engine != form.engine) {
            return Err(Fatal::Usage(format!(
                "{what} was started with --engine {0}, and this run has --engine {1}. What to do: run the same command with --engine {0}",
                engine.as_str(),
                form.engine.as_str()
            )));
        }
        if path.exists() && begun.is_none() {
            return Err(Fatal::Usage(format!(
                "{} has {what}, which is not in this journal. What to do: choose a new folder, or give the journal of the \
                 run that made {what}",
                folder.display()
            )));
        }
        if form.separate {
            return Ok(OpenFiles::Each(AtomicFolder::create(&path)?, Vec::new()));
        }
        let file = AtomicFile::create(&path)?;
        let binding = self.typesetter.binding(file, self.naming.first);
        Ok(OpenFiles::Together(Box::new(binding)))
    }

    /// What could not be typeset, or not be written to its file.
    fn failed(&self, error: TypesetError) -> BatchError {
        match error {
            TypesetError::Write(source) => {
                let BatchName {
                    folder,
                    form,
                    batch,
                    ..
                } = &self.naming;
                Fatal::cannot_write(&folder.join(form.name_of(batch)), source).into()
            }
            other => other.into(),
        }
    }

    /// Each name has the number of the letter and the beginning of the PDF's own digest, so that it is like no other of
    /// any campaign, and says nothing about the patient. The letters are the last that were entered.
    fn write_each(
        &mut self,
        folder: &mut AtomicFolder,
        letters: Vec<LaidOut>,
    ) -> Result<(), BatchError> {
        let first = self.letters() - letters.len();
        let pdfs = self
            .typesetter
            .bind_each(letters, self.naming.first + first as u64)?;
        let rows = self.printed.rows.iter_mut().skip(first);
        for (row, pdf) in rows.zip(pdfs) {
            let mut id = hexadecimal(&Sha256::digest(&pdf));
            id.truncate(12);
            row.file = format!("{}/{:06}-{id}.pdf", self.naming.batch, row.sequence);
            folder.write(file_name(&row.file), pdf)?;
        }
        Ok(())
    }
}
