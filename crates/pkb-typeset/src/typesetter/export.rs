//! Letters as PDFs, with the marks and page numbers that they have when they have got their numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use typst::diag::SourceDiagnostic;
use typst::ecow::EcoVec;
use typst::foundations::Smart;
use typst_layout::{Page, PagedDocument};
use typst_pdf::PdfOptions;

use super::layout::{Body, LaidOut, TypesetLetter};
use super::overlay::{self, Below};
use super::{TypesetError, Typesetter, joining};

/// Letters that get their marks together.
const LETTERS_AN_OVERLAY: usize = 16;

/// A finished PDF of several letters.
pub struct TypesetLetters {
    /// The PDF, tagged (PDF/UA-1).
    pub pdf: Vec<u8>,
    /// First and last page of each letter, from 1, in the order of the letters.
    pub pages: Vec<(u64, u64)>,
}

/// A letter with its number.
pub(super) type Numbered<'a> = (u64, &'a TypesetLetter);

impl Typesetter {
    /// Makes one PDF of letters that are numbered from `first` on. Each letter starts on a new page.
    ///
    /// # Errors
    ///
    /// When the PDF cannot be made.
    pub fn bind(&self, letters: Vec<LaidOut>, first: u64) -> Result<TypesetLetters, TypesetError> {
        let mut binding = self.binding(Vec::new(), first);
        let pages = binding.add(letters)?;
        Ok(TypesetLetters {
            pdf: binding.finish()?,
            pages,
        })
    }

    /// Makes a PDF of one letter, to see whether that can be done, also for a file in which others are stamped.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn bind_alone(&self, letter: LaidOut, number: u64) -> Result<Vec<u8>, TypesetError> {
        let made = catch_unwind(AssertUnwindSafe(|| {
            let is_stamped = letter.is_stamped();
            let pdf = self.bind(vec![letter], number)?.pdf;
            if let Some(stamping) = self.stamping.as_ref().filter(|_| !is_stamped) {
                pkb_stamp::Template::fixed(pdf.clone(), &stamping.fonts)
                    .map_err(|reason| TypesetError::CannotStandTogether(reason.to_string()))?;
            }
            Ok(pdf)
        }));
        made.unwrap_or(Err(TypesetError::Panicked))
    }

    /// One PDF of letters that Typst laid out, by Typst.
    pub(super) fn typeset_together(
        &self,
        letters: Vec<LaidOut>,
        first: u64,
    ) -> Result<Vec<u8>, TypesetError> {
        let sheets: Vec<TypesetLetter> = letters.into_iter().filter_map(LaidOut::typeset).collect();
        let last_of_file = first + sheets.len().saturating_sub(1) as u64;
        let numbered: Vec<Numbered<'_>> = (first..).zip(&sheets).collect();
        let overlays = self.overlays(&numbered, last_of_file)?;
        let mut pages = Vec::with_capacity(sheets.len());
        let mut info = None;
        for (at, (letter, overlay)) in sheets.into_iter().zip(overlays).enumerate() {
            info.get_or_insert_with(|| letter.info.clone());
            pages.extend(joined(letter.pages, &overlay, at, first + at as u64));
        }
        let document = PagedDocument::new(pages.into_iter().collect(), info.unwrap_or_default());
        self.exporter.install(|| self.export(&document))
    }

    /// Makes a PDF of each letter. They are numbered from `first` on.
    ///
    /// # Errors
    ///
    /// When a PDF cannot be made.
    pub fn bind_each(
        &self,
        letters: Vec<LaidOut>,
        first: u64,
    ) -> Result<Vec<Vec<u8>>, TypesetError> {
        let last_of_file = first + letters.len().saturating_sub(1) as u64;
        let (mut typeset, mut stamped, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for (number, letter) in (first..).zip(letters) {
            order.push(letter.is_stamped());
            match letter.0 {
                Body::Typeset(sheets) => typeset.push((number, sheets)),
                Body::Stamped(letter) => stamped.push((number, letter)),
            }
        }
        let numbered: Vec<Numbered<'_>> =
            typeset.iter().map(|(number, own)| (*number, own)).collect();
        let mut alone = self.typeset_alone(&numbered, last_of_file)?.into_iter();
        let mut stamped = self.stamp_each(stamped, last_of_file)?.into_iter();
        let next = |is_stamped: &bool| {
            if *is_stamped {
                stamped.next()
            } else {
                alone.next()
            }
        };
        let pdfs: Option<Vec<_>> = order.iter().map(next).collect();
        pdfs.ok_or(TypesetError::NoLetters)
    }

    /// A PDF of each of some letters that Typst laid out, by Typst.
    pub(super) fn typeset_alone(
        &self,
        numbered: &[Numbered<'_>],
        last_of_file: u64,
    ) -> Result<Vec<Vec<u8>>, TypesetError> {
        let overlays = self.overlays(numbered, last_of_file)?;
        let numbered: Vec<_> = numbered.iter().zip(overlays).collect();
        let bound = self.workers.map(&numbered, |((number, letter), overlay)| {
            let pages = joined(letter.pages.clone(), overlay, 0, *number);
            let document = PagedDocument::new(pages.into_iter().collect(), letter.info.clone());
            let pdf = self.workers.run(|| self.export(&document));
            self.sweeps.after_work();
            pdf
        })?;
        bound.into_iter().collect()
    }

    /// What is laid over each letter: a page for each of its pages, or none at all.
    fn overlays(
        &self,
        letters: &[Numbered<'_>],
        last_of_file: u64,
    ) -> Result<Vec<Vec<Page>>, TypesetError> {
        let below: Vec<Below<'_>> = letters
            .iter()
            .map(|(number, sheets)| sheets.below(*number, last_of_file))
            .collect();
        let groups: Vec<&[Below<'_>]> = below.chunks(LETTERS_AN_OVERLAY).collect();
        let documents = self.workers.map(&groups, |group| {
            let overlay = self.workers.run(|| self.overlay(group));
            self.sweeps.after_work();
            overlay
        })?;
        let mut overlays = Vec::with_capacity(letters.len());
        for (group, document) in groups.iter().zip(documents) {
            let document = document?;
            let mut pages = document.iter().flat_map(PagedDocument::pages).cloned();
            let own = |letter: &Below<'_>| pages.by_ref().take(letter.pages.len()).collect();
            overlays.extend(group.iter().map(own));
        }
        Ok(overlays)
    }

    /// What is laid over some letters, one after the other; `None` if that is nothing.
    pub(super) fn overlay(
        &self,
        letters: &[Below<'_>],
    ) -> Result<Option<PagedDocument>, TypesetError> {
        overlay::overlay_of(letters, self.watermark, &self.settings, &self.world)
    }

    pub(super) fn export(&self, document: &PagedDocument) -> Result<Vec<u8>, TypesetError> {
        typst_pdf::pdf(document, &self.pdf_options()).map_err(|errors: EcoVec<SourceDiagnostic>| {
            TypesetError::Export {
                place: self.world.place_of_first(&errors),
            }
        })
    }

    /// No time stamp: the same letters are the same bytes.
    pub(super) fn pdf_options(&self) -> PdfOptions {
        PdfOptions {
            ident: Smart::Auto,
            creator: Smart::Custom(Some("pkb-letters".into())),
            timestamp: None,
            page_ranges: None,
            standards: self.standards.clone(),
            tagged: true,
            pretty: false,
        }
    }
}

/// The pages of a letter among others, with what is laid over them.
pub(super) fn joined(mut pages: Vec<Page>, overlay: &[Page], at: usize, number: u64) -> Vec<Page> {
    joining::make_own(&mut pages, at, &format!("{number:06}"));
    joining::lay_over(&mut pages, overlay, at);
    pages
}

/// Those letters that Typst laid out.
pub(super) fn typeset_among(numbered: &[(u64, LaidOut)]) -> Vec<Numbered<'_>> {
    numbered
        .iter()
        .filter_map(|(number, letter)| match &letter.0 {
            Body::Typeset(sheets) => Some((*number, sheets)),
            Body::Stamped(_) => None,
        })
        .collect()
}
