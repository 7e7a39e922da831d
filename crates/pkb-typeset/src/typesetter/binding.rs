//! Letters bound into one PDF as they come.

use std::io::Write;

use pkb_stamp::{Document, Letter, Template};

use super::export::typeset_among;
use super::layout::{Body, LaidOut};
use super::{SWEEPS_SURVIVED, TypesetError, Typesetter};
use crate::template::marks::NumberMark;

/// A PDF of many letters that is being made. Each letter starts on a new page.
///
/// Stamped letters are written as they come, so that the memory holds none of them; Typst binds all at once.
pub struct Binding<'t, W: Write> {
    typesetter: &'t Typesetter,
    /// Number of the first letter that waits.
    next: u64,
    /// Last page so far.
    last_page: u64,
    /// Letters that are not written yet.
    waiting: Vec<LaidOut>,
    /// Where the PDF goes, before the stamp engine writes it.
    out: Option<W>,
    document: Option<Document<'t, W>>,
}

impl Typesetter {
    /// Whether the marks of a letter name the last of its file, so that none can be made before all are there.
    #[must_use]
    pub fn needs_last(&self) -> bool {
        self.settings.marks.number == NumberMark::OfFile
    }

    /// Begins one PDF of letters, which are numbered from `first` on.
    pub const fn binding<W: Write + Send>(&self, out: W, first: u64) -> Binding<'_, W> {
        Binding {
            typesetter: self,
            next: first,
            last_page: 0,
            waiting: Vec::new(),
            out: Some(out),
            document: None,
        }
    }
}

impl<W: Write + Send> Binding<'_, W> {
    /// Adds letters and says which are the first and last page of each, from 1.
    ///
    /// # Errors
    ///
    /// When the PDF cannot be made or written; it is of no use then.
    pub fn add(&mut self, letters: Vec<LaidOut>) -> Result<Vec<(u64, u64)>, TypesetError> {
        let mut pages = Vec::with_capacity(letters.len());
        for letter in &letters {
            let first = self.last_page + 1;
            self.last_page += letter.page_count() as u64;
            pages.push((first, self.last_page));
        }
        self.waiting.extend(letters);
        if self.is_stamped() && !self.typesetter.needs_last() {
            self.stamp()?;
        }
        Ok(pages)
    }

    /// Whether the stamp engine writes the file: as soon as it has made one of its letters. A template that cannot be
    /// stamped has none, and its letters may not be able to stand among stamped ones.
    fn is_stamped(&self) -> bool {
        self.document.is_some() || self.waiting.iter().any(LaidOut::is_stamped)
    }

    /// Writes what is left, and the end of the PDF.
    ///
    /// # Errors
    ///
    /// When the PDF cannot be made or written, or there are no letters.
    pub fn finish(mut self) -> Result<W, TypesetError> {
        if self.is_stamped() {
            self.stamp()?;
        }
        let exporter = &self.typesetter.exporter;
        let out = match (self.document, self.out) {
            (Some(document), _) => exporter.install(|| document.finish())?,
            (None, Some(mut out)) if !self.waiting.is_empty() => {
                let pdf = self.typesetter.typeset_together(self.waiting, self.next)?;
                out.write_all(&pdf)?;
                out
            }
            _ => return Err(TypesetError::NoLetters),
        };
        comemo::evict(SWEEPS_SURVIVED);
        Ok(out)
    }

    /// Writes the letters that wait among stamped ones; those that are not stamped stand there as Typst made them.
    fn stamp(&mut self) -> Result<(), TypesetError> {
        let typesetter = self.typesetter;
        let fonts = typesetter.stamping.as_ref().map(|stamping| &stamping.fonts);
        let fonts = fonts.ok_or(TypesetError::NoLetters)?;
        let mut document = match (self.document.take(), self.out.take()) {
            (Some(document), _) => document,
            (None, Some(out)) => Document::merged(out, fonts)?,
            (None, None) => return Err(TypesetError::NoLetters),
        };
        let numbered: Vec<(u64, LaidOut)> = (self.next..).zip(self.waiting.drain(..)).collect();
        self.next += numbered.len() as u64;
        // Of the file if marks need it: then all letters are here.
        let last = self.next - 1;
        let mut alone = typesetter
            .typeset_alone(&typeset_among(&numbered), last)?
            .into_iter();
        let document = typesetter.exporter.install(|| {
            for (number, letter) in numbered {
                let letter = match letter.0 {
                    Body::Stamped(stamped) => typesetter.letter(stamped, number, last)?,
                    Body::Typeset(_) => {
                        let pdf = alone.next().ok_or(TypesetError::NoLetters)?;
                        let template = Template::fixed(pdf, fonts);
                        Letter::as_it_is(template.map_err(|reason| {
                            TypesetError::CannotStandTogether(reason.to_string())
                        })?)
                    }
                };
                document.add(letter)?;
            }
            Ok::<_, TypesetError>(document)
        })?;
        self.document = Some(document);
        Ok(())
    }
}
