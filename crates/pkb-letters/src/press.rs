//! Makes the files of letters: numbers the letters, typesets them, and writes each file once.

use std::{collections::HashSet, path::PathBuf};

use pkb_core::{
    Fatal, Reason, Verdict,
    atomic_file::AtomicFile,
    record::Delivery,
    stage::{IntentLog, Recalled},
};

use crate::{
    letter_fields::LetterFields,
    typesetter::{TypesetError, Typesetter},
};

/// Beginning of the name of a file of letters.
pub(crate) const LETTERS: &str = "letters-";
/// Beginning of the name of a file of letters that are printed again.
const REPRINT: &str = "reprint-";

/// Whether letters are printed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edition {
    /// Into `letters-0001.pdf` and so on.
    First,
    /// Into `reprint-0001.pdf` and so on.
    Reprint,
}

impl Edition {
    fn prefix(self) -> &'static str {
        match self {
            Self::First => LETTERS,
            Self::Reprint => REPRINT,
        }
    }
}

/// A letter in a finished file.
pub(crate) struct PrintedLetter {
    /// Name of the file.
    pub(crate) file: String,
    /// First and last page, from 1.
    pub(crate) pages: (u64, u64),
    /// Number of the letter in the campaign, from 1.
    pub(crate) sequence: u64,
}

/// What makes the files of one edition in one folder.
pub(crate) struct Press {
    typesetter: Typesetter,
    folder: PathBuf,
    edition: Edition,
    /// Letters of all editions, in this run and those before it.
    letters: u64,
    /// Number of the last file of this edition.
    files: u64,
    /// Files that earlier runs began; the last of them may be finished and not in the journal.
    begun: HashSet<String>,
}

impl Press {
    /// A press that has made nothing yet.
    pub(crate) fn new(typesetter: Typesetter, folder: PathBuf, edition: Edition) -> Self {
        Self {
            typesetter,
            folder,
            edition,
            letters: 0,
            files: 0,
            begun: HashSet::new(),
        }
    }

    /// Counts what an earlier run made or began.
    pub(crate) fn recall(&mut self, line: &Recalled) {
        let record = match line {
            Recalled::Record(record) => record,
            Recalled::Intent(intent) => {
                self.begun
                    .extend(intent["file"].as_str().map(str::to_owned));
                return;
            }
        };
        if let Some(Delivery {
            file,
            sequence: Some(sequence),
            ..
        }) = &record.delivery
        {
            self.letters = self.letters.max(*sequence);
            let number = file
                .strip_prefix(self.edition.prefix())
                .and_then(|rest| rest.strip_suffix(".pdf"));
            self.files = self.files.max(
                number
                    .and_then(|number| number.parse().ok())
                    .unwrap_or_default(),
            );
        }
    }

    /// Makes one file of the letters that can be printed, and says what became of each.
    ///
    /// # Errors
    /// The template fails with every letter, or the file cannot be written.
    pub(crate) fn print(
        &mut self,
        letters: Vec<LetterFields>,
        intents: &IntentLog,
    ) -> Result<Vec<Result<PrintedLetter, Verdict>>, Fatal> {
        let mut results: Vec<Option<Verdict>> = letters.iter().map(|_| None).collect();
        let (mut places, mut letters): (Vec<usize>, Vec<LetterFields>) =
            letters.into_iter().enumerate().unzip();
        let typeset = loop {
            if letters.is_empty() {
                break None;
            }
            for (sequence, letter) in (self.letters + 1..).zip(&mut letters) {
                letter.sequence = sequence;
            }
            match self.typesetter.typeset(&letters) {
                Ok(typeset) => break Some(typeset),
                // The others are numbered again without it.
                Err(error) => {
                    let (at, verdict) = blame(error)?;
                    letters.remove(at);
                    results[places.remove(at)] = Some(verdict);
                }
            }
        };
        let mut printed = Vec::new();
        if let Some(typeset) = typeset {
            if typeset.pages.len() != letters.len() {
                return Err(Fatal::Bug(
                    "a file has another number of letters than patients".into(),
                ));
            }
            let file = self.write_next(&typeset.pdf, intents)?;
            for (letter, (first, last)) in letters.iter().zip(typeset.pages) {
                let pages = (first as u64, last as u64);
                printed.push(PrintedLetter {
                    file: file.clone(),
                    pages,
                    sequence: letter.sequence,
                });
            }
            self.letters += letters.len() as u64;
        }
        let mut printed = printed.into_iter();
        results
            .into_iter()
            .map(|verdict| match verdict {
                Some(verdict) => Ok(Err(verdict)),
                None => printed
                    .next()
                    .map(Ok)
                    .ok_or_else(|| Fatal::Bug("a letter was lost".into())),
            })
            .collect()
    }

    /// Writes the next file. One that stands there already is made again only if an earlier run of
    /// this journal began it.
    fn write_next(&mut self, pdf: &[u8], intents: &IntentLog) -> Result<String, Fatal> {
        let name = format!("{}{:04}.pdf", self.edition.prefix(), self.files + 1);
        let path = self.folder.join(&name);
        if path.exists() && !self.begun.contains(&name) {
            return Err(Fatal::Usage(format!(
                "{} has {name} in it, which is not in this journal: choose a new folder, or give the journal of the run that made it",
                self.folder.display()
            )));
        }
        intents.note(serde_json::json!({ "file": name }))?;
        AtomicFile::write(&path, pdf)?;
        self.files += 1;
        Ok(name)
    }
}

/// Which letter of a file an error is about, and what that means for the patient.
fn blame(error: TypesetError) -> Result<(usize, Verdict), Fatal> {
    let Some(at) = error.letter_index() else {
        return Err(Fatal::Usage(error.to_string()));
    };
    let reason = match error {
        TypesetError::MissingGlyph { .. } => Reason::MissingGlyph,
        _ => Reason::DoesNotFit,
    };
    Ok((at, Verdict::with_detail(reason, error.to_string())))
}
