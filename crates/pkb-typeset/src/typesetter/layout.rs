//! Letters laid out, each as a document of its own: by the stamp engine where that is possible, else by Typst.

use std::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pkb_stamp::Shaper;
use typst::ecow::eco_format;
use typst::layout::{Axes, Frame};
use typst::model::{Document as _, DocumentInfo};
use typst_layout::{Page, PagedDocument};

use super::overlay::Below;
use super::stamping::{Stamped, Stamping};
use super::{LetterFault, TypesetError, Typesetter, clusters, page_check, watch};
use crate::letter_fields::LetterFields;

/// Pages of a letter at most: what GOV.UK Notify prints.
const MAX_PAGES: usize = 10;

/// Letters that one thread lays out one after the other, at most.
const LETTERS_A_BLOCK: usize = 50;
/// Blocks for each thread, at least: none has nothing to do for long while another works on the last.
const BLOCKS_A_THREAD: usize = 4;
/// Letters of a file from which on they are laid out while those before them are bound: fewer are kept.
const MANY: usize = 400;

/// A letter, and its pages or what is wrong with it.
pub type LaidOutLetter<L> = (L, Result<LaidOut, LetterFault>);

/// A letter that passed the checks and has no number yet.
pub struct LaidOut(pub(super) Body);

/// Who laid a letter out.
pub(super) enum Body {
    /// Typst.
    Typeset(TypesetLetter),
    /// The stamp engine, into a page that Typst laid out.
    Stamped(Stamped),
}

impl LaidOut {
    /// How many pages it has, an empty last one for two-sided print included.
    #[must_use]
    pub fn page_count(&self) -> usize {
        match &self.0 {
            Body::Typeset(sheets) => sheets.pages.len(),
            Body::Stamped(stamped) => stamped.page_count(),
        }
    }

    pub(super) fn typeset(self) -> Option<TypesetLetter> {
        match self.0 {
            Body::Typeset(sheets) => Some(sheets),
            Body::Stamped(_) => None,
        }
    }

    /// Whether the stamp engine made it.
    #[must_use]
    pub fn is_stamped(&self) -> bool {
        matches!(self.0, Body::Stamped(_))
    }
}

/// A letter that Typst laid out.
pub(super) struct TypesetLetter {
    pub pages: Vec<Page>,
    pub info: DocumentInfo,
    pub points: u8,
}

impl TypesetLetter {
    /// The letter as what is laid over it needs it.
    pub(super) fn below(&self, number: u64, last_of_file: u64) -> Below<'_> {
        Below {
            pages: &self.pages,
            number,
            last_of_file,
            points: self.points,
        }
    }
}

impl Typesetter {
    /// Lays out the letters of a file, in their order, each by itself.
    ///
    /// # Errors
    ///
    /// A bug in the typesetter. What is wrong with one letter is its own fault.
    pub fn lay_out(
        &self,
        letters: &[impl Borrow<LetterFields> + Sync],
    ) -> Result<Vec<Result<LaidOut, LetterFault>>, TypesetError> {
        let as_it_is = |letter| Ok::<&LetterFields, TypesetError>(Borrow::borrow(letter));
        let laid_out = self.lay_out_made(letters, letters.len(), as_it_is)?;
        Ok(laid_out.into_iter().map(|(_, letter)| letter).collect())
    }

    /// Makes and lays out some of the letters of a file, in the order of their `places`. Whether they are stamped depends
    /// on how many the file has.
    ///
    /// # Errors
    ///
    /// As [`Self::lay_out`], or what `make` says.
    pub fn lay_out_made<
        'p,
        P: Sync,
        L: Borrow<LetterFields> + Send,
        E: From<TypesetError> + Send,
    >(
        &self,
        places: &'p [P],
        letters_of_file: usize,
        make: impl Fn(&'p P) -> Result<L, E> + Sync,
    ) -> Result<Vec<LaidOutLetter<L>>, E> {
        let mut all = Vec::with_capacity(places.len());
        self.lay_out_in_order(places, letters_of_file, make, |letters| {
            all.extend(letters);
            Ok(())
        })?;
        Ok(all)
    }

    /// Whether so many letters are laid out while others are bound: few can be kept, and Typst's take longer to lay out
    /// than to bind.
    #[must_use]
    pub fn lays_out_ahead(&self, count: usize) -> bool {
        count > MANY && self.stamps(count)
    }

    /// As [`Self::lay_out_made`]; `take` gets a few letters at a time, in their order, while others are laid out.
    ///
    /// # Errors
    ///
    /// As [`Self::lay_out_made`], or what `take` says.
    pub fn lay_out_in_order<
        'p,
        P: Sync,
        L: Borrow<LetterFields> + Send,
        E: From<TypesetError> + Send,
    >(
        &self,
        places: &'p [P],
        letters_of_file: usize,
        make: impl Fn(&'p P) -> Result<L, E> + Sync,
        mut take: impl FnMut(Vec<LaidOutLetter<L>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let stamping = self.stamping.as_ref();
        let shapers = stamping
            .filter(|_| self.stamps(letters_of_file))
            .map(Stamping::shapers);
        let lay_out = |places: &'p [P], mut shaper: Option<&mut Shaper<'_>>| {
            let lay_out = |place| {
                let letter = make(place)?;
                let shaper = shaper.as_deref_mut();
                let stamped = shaper.and_then(|shaper| self.try_stamping(letter.borrow(), shaper));
                let laid_out = match stamped {
                    Some(stamped) => Ok(LaidOut(Body::Stamped(stamped))),
                    None => self.typeset(letter.borrow()),
                };
                Ok((letter, laid_out))
            };
            places.iter().map(lay_out).collect::<Result<Vec<_>, E>>()
        };
        let work = |places| match &shapers {
            Some(shapers) => shapers.with(|shaper| lay_out(places, Some(shaper))),
            None => lay_out(places, None),
        };
        let block = places.len() / (BLOCKS_A_THREAD * self.workers.count());
        let blocks = places.chunks(block.clamp(1, LETTERS_A_BLOCK));
        self.workers
            .in_order(blocks, work, |letters| take(letters?))
    }

    /// A letter by the stamp engine, if it can make it. A bug that one patient's name shows does not stop other letters:
    /// Typst lays that letter out.
    fn try_stamping(&self, letter: &LetterFields, shaper: &mut Shaper<'_>) -> Option<Stamped> {
        let stamped = || self.stamped(letter, shaper);
        catch_unwind(AssertUnwindSafe(stamped)).ok().flatten()
    }

    /// A letter by Typst.
    fn typeset(&self, letter: &LetterFields) -> Result<LaidOut, LetterFault> {
        let sheets = self.workers.run(|| self.lay_out_one(letter));
        self.sweeps.after_work();
        sheets
            .map(|sheets| LaidOut(Body::Typeset(sheets)))
            .map_err(Failure::into_fault)
    }

    /// A letter by Typst. To be called in a worker.
    pub(super) fn lay_out_one(&self, letter: &LetterFields) -> Result<TypesetLetter, Failure> {
        let world = self.world_of(letter)?;
        let _watched = watch::Watched::begin();
        // A bug in Typst that one patient's name brings out is that letter's fault, and no other's.
        let compiled = catch_unwind(AssertUnwindSafe(|| typst::compile::<PagedDocument>(&world)));
        let document = compiled
            .map_err(|_| LetterFault::Panicked)?
            .output
            .map_err(|errors| LetterFault::Template {
                place: self.world.place_of_first(&errors),
            })?;
        let mut pages = document.pages().to_vec();
        if pages.len() > MAX_PAGES {
            return Err(LetterFault::TooManyPages { pages: pages.len() }.into());
        }
        for page in &mut pages {
            clusters::join(&mut page.frame);
        }
        page_check::check(&pages, letter, &self.settings.geometry, self.design)?;
        if self.settings.marks.duplex && pages.len() % 2 == 1 {
            pages.extend(pages.last().map(empty_page_after));
        }
        let mut info = document.info().clone();
        if self.watermark.is_rehearsal {
            // What lies across the pages is not read out.
            let title = info.title.unwrap_or_default();
            info.title = Some(eco_format!("REHEARSAL: {title}"));
        }
        Ok(TypesetLetter {
            pages,
            info,
            points: letter.format.points(),
        })
    }

    /// The characters of a letter that would be empty boxes.
    #[must_use]
    pub fn missing_characters(&self, letter: &LetterFields) -> Vec<char> {
        self.pages_of(letter, true)
            .map(|pages| page_check::missing_characters(&pages))
            .unwrap_or_default()
    }

    /// The words of a letter, run by run; empty if it cannot be laid out.
    #[must_use]
    pub fn text_of(&self, letter: &LetterFields) -> String {
        self.pages_of(letter, true)
            .map(|pages| page_check::texts(&pages).join("\n"))
            .unwrap_or_default()
    }

    /// The characters of a letter in their order, and the font of each; empty if it cannot be laid out.
    #[must_use]
    pub fn fonts_of(&self, letter: &LetterFields) -> Vec<(char, String)> {
        self.pages_of(letter, true)
            .map(|pages| page_check::fonts(&pages))
            .unwrap_or_default()
    }

    /// The pages of a letter, without any check.
    pub(super) fn pages_of(
        &self,
        letter: &LetterFields,
        on_paper: bool,
    ) -> Result<Vec<Page>, Failure> {
        let world = self.world_for(letter, on_paper)?;
        let document = self.workers.run(|| typst::compile::<PagedDocument>(&world));
        let document = document.output.map_err(|errors| LetterFault::Template {
            place: self.world.place_of_first(&errors),
        })?;
        Ok(document.pages().to_vec())
    }
}

/// The back of a last sheet.
fn empty_page_after(page: &Page) -> Page {
    Page {
        frame: Frame::hard(Axes::new(page.frame.width(), page.frame.height())),
        number: page.number + 1,
        ..page.clone()
    }
}

/// Why a letter is not laid out.
pub(super) enum Failure {
    Letter(LetterFault),
    Data,
}

impl Failure {
    pub(super) fn into_fault(self) -> LetterFault {
        match self {
            Self::Letter(fault) => fault,
            // A bug of ours that the samples did not show; as bad as a template that fails.
            Self::Data => LetterFault::Template {
                place: "the letter data".into(),
            },
        }
    }
}

impl From<LetterFault> for Failure {
    fn from(fault: LetterFault) -> Self {
        Self::Letter(fault)
    }
}
