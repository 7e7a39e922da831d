//! From values to a PDF: the Typst world, the layout of each letter, and the export of many as one file.
//!
//! Each letter is laid out as a document of its own, so that page numbers, counters and states start anew, and what
//! letters have in common is remembered from one to the next. One document of all letters is four times slower. Marks
//! and page numbers are laid over the letter when it has got its number.

mod ahead;
mod binding;
mod clusters;
mod desk;
mod error;
mod joining;
mod overlay;
mod page_check;
pub mod qr;
mod stamping;
mod watch;

use std::borrow::Borrow;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use pkb_core::{
    record::Design,
    value::{LetterFormat, LetterLanguages},
};
use pkb_languages::Language;
use serde::Serialize;
use typst::diag::SourceDiagnostic;
use typst::ecow::{EcoVec, eco_format};
use typst::foundations::Smart;
use typst::layout::{Axes, Frame};
use typst::model::{Document as _, DocumentInfo};
use typst_layout::{Page, PagedDocument};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::{
    letter_fields::LetterFields,
    template::{Template, settings::Settings, words_file},
};
pub use ahead::LaidOutLetter;
pub use binding::Binding;
use desk::{Desk, Stationery};
pub use error::{LetterFault, TypesetError};
use overlay::{Across, Below};
use qr::SquareCode;
pub use stamping::Engine;
use stamping::{LentShaper, Shapers, Stamped, Stamping};

/// Layout nests deeply: the usual 2 MiB can overflow. Only the part that is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// After so many letters, Typst forgets what it did not use since the last time but one. Never forgetting leaks
/// 0.7 MiB a letter; forgetting after each letter takes time, and one thread forgets what the other is about to use.
const LETTERS_A_SWEEP: usize = 16;
/// Sweeps that an unused result survives.
const SWEEPS_SURVIVED: usize = 1;

/// Letters that get their marks together.
const LETTERS_AN_OVERLAY: usize = 16;

/// Pages of a letter at most: what GOV.UK Notify prints.
const MAX_PAGES: usize = 10;

/// A finished PDF of several letters.
pub struct TypesetLetters {
    /// The PDF, tagged (PDF/UA-1).
    pub pdf: Vec<u8>,
    /// First and last page of each letter, from 1, in the order of the letters.
    pub pages: Vec<(u64, u64)>,
}

/// A letter that passed the checks and has no number yet.
pub struct LaidOut(Body);

/// Who laid a letter out.
enum Body {
    /// Typst.
    Typeset(Sheets),
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

    fn typeset(self) -> Option<Sheets> {
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
struct Sheets {
    pages: Vec<Page>,
    info: DocumentInfo,
    points: u8,
}

/// A letter with its number.
type Numbered<'a> = (u64, &'a Sheets);

/// Typesets letters with one design of one template.
pub struct Typesetter {
    stationery: Stationery,
    settings: Settings,
    design: Design,
    /// What is printed across each page.
    across: Across,
    /// One thread each: a letter is laid out by one thread.
    workers: Vec<rayon::ThreadPool>,
    /// All threads: the export compresses in parallel.
    exporter: rayon::ThreadPool,
    standards: PdfStandards,
    warnings: Vec<String>,
    /// What letters are stamped with; `None` if Typst lays out all of them.
    stamping: Option<Stamping>,
    sweeps: Sweeps,
}

/// Makes Typst forget, now and then.
#[derive(Default)]
struct Sweeps(AtomicUsize);

impl Sweeps {
    /// To be called after Typst has done something for a letter.
    fn after_work(&self) {
        if self.0.fetch_add(1, Ordering::Relaxed) % LETTERS_A_SWEEP == LETTERS_A_SWEEP - 1 {
            comemo::evict(SWEEPS_SURVIVED);
        }
    }
}

impl Typesetter {
    /// Prepares a design of a template and tries it with sample letters, using all processors.
    ///
    /// # Errors
    ///
    /// When the template fails: the message has file, line and reason.
    pub fn new(template: &Template, design: Design) -> Result<Self, TypesetError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_threads(template, design, threads)
    }

    /// As [`Self::new`], with a number of threads. The PDF is the same with any number.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_threads(
        template: &Template,
        design: Design,
        threads: usize,
    ) -> Result<Self, TypesetError> {
        let mut typesetter = Self::on_threads(template, design, threads)?;
        let samples = samples(|languages| template.has(design, languages));
        if samples.is_empty() {
            return Err(TypesetError::Template {
                place: words_file(design, Language::english()),
                message: "the template has no such file".into(),
            });
        }
        let tried = typesetter.in_parallel(&samples, |letter| typesetter.tried(letter))?;
        let warnings: Vec<Vec<String>> = tried.into_iter().collect::<Result<_, _>>()?;
        let mut warnings = warnings.concat();
        warnings.sort();
        warnings.dedup();
        typesetter.warnings = warnings;
        Ok(typesetter)
    }

    /// Prepares a design without trying it; see [`Self::try_out`].
    ///
    /// # Errors
    ///
    /// A file has a name that cannot be used.
    pub fn untried(template: &Template, design: Design) -> Result<Self, TypesetError> {
        Self::on_threads(template, design, 1)
    }

    fn on_threads(
        template: &Template,
        design: Design,
        threads: usize,
    ) -> Result<Self, TypesetError> {
        let template_error = |message: &str| TypesetError::Template {
            place: words_file(design, Language::english()),
            message: message.into(),
        };
        Ok(Self {
            stationery: Stationery::of(template)
                .ok_or_else(|| template_error("a file has a name that cannot be used"))?,
            settings: template.settings().clone(),
            design,
            across: Across::default(),
            workers: (0..threads.max(1))
                .map(|_| pool(1))
                .collect::<Result<_, _>>()?,
            exporter: pool(threads.max(1))?,
            standards: PdfStandards::new(&[PdfStandard::Ua_1])
                .map_err(|_| template_error("PDF/UA-1 is not available"))?,
            warnings: Vec::new(),
            stamping: None,
            sweeps: Sweeps::default(),
        })
    }

    /// The same, with PROOF across each page. Proofs are not stamped.
    #[must_use]
    pub fn for_proofs(mut self) -> Self {
        self.across.is_proof = true;
        self.stamping = None;
        self
    }

    /// The same, with REHEARSAL across each page, if it is one. To be called before [`Self::with_engine`].
    #[must_use]
    pub fn in_rehearsal(mut self, is_rehearsal: bool) -> Self {
        self.across.is_rehearsal = is_rehearsal;
        self.stamping = None;
        self
    }

    /// Whether REHEARSAL stands across each page.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.across.is_rehearsal
    }

    /// The same, with an engine. [`Engine::Typst`] is what a typesetter has at first.
    ///
    /// # Errors
    ///
    /// [`Engine::Stamp`] was asked for, and the template cannot be stamped: the message says why.
    pub fn with_engine(mut self, engine: Engine) -> Result<Self, TypesetError> {
        self.stamping = match engine {
            Engine::Typst => None,
            Engine::Auto | Engine::Stamp => Some(Stamping::new(
                &self.stationery,
                engine,
                self.workers.len().max(1),
            )?),
        };
        if engine == Engine::Stamp {
            self.must_be_stampable()?;
        }
        Ok(self)
    }

    /// What Typst warns of in the template, such as a font that is not there. One line each, with file and line.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether letters are stamped in a file that has so many.
    #[must_use]
    pub fn stamps(&self, letters_of_file: usize) -> bool {
        let stamping = self.stamping.as_ref();
        stamping.is_some_and(|stamping| letters_of_file >= stamping.at_least)
    }

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
        self.lay_out_with(self.shapers(letters_of_file).as_ref(), places, make)
    }

    /// What letters of a file are stamped with, if they are.
    fn shapers(&self, letters_of_file: usize) -> Option<Shapers<'_>> {
        let stamping = self.stamping.as_ref();
        stamping
            .filter(|_| self.stamps(letters_of_file))
            .map(Stamping::shapers)
    }

    /// As [`Self::lay_out_made`], with what others have been stamped with.
    fn lay_out_with<'p, P: Sync, L: Borrow<LetterFields> + Send, E: From<TypesetError> + Send>(
        &self,
        shapers: Option<&Shapers<'_>>,
        places: &'p [P],
        make: impl Fn(&'p P) -> Result<L, E> + Sync,
    ) -> Result<Vec<LaidOutLetter<L>>, E> {
        let lend = || shapers.map(Shapers::lend);
        let laid_out = self.in_parallel_with(places, lend, |shaper, place| {
            let letter = make(place)?;
            let stamped = shaper
                .as_mut()
                .and_then(LentShaper::get)
                .and_then(|shaper| {
                    // A bug that one patient's name shows does not stop other letters: Typst lays that letter out.
                    let stamped = || self.stamped(letter.borrow(), shaper);
                    catch_unwind(AssertUnwindSafe(stamped)).ok().flatten()
                });
            let laid_out = match stamped {
                Some(stamped) => Ok(LaidOut(Body::Stamped(stamped))),
                None => {
                    let sheets = self.lay_out_one(letter.borrow());
                    self.sweeps.after_work();
                    sheets
                        .map(|sheets| LaidOut(Body::Typeset(sheets)))
                        .map_err(Failure::into_fault)
                }
            };
            Ok((letter, laid_out))
        })?;
        laid_out.into_iter().collect()
    }

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
    fn typeset_together(&self, letters: Vec<LaidOut>, first: u64) -> Result<Vec<u8>, TypesetError> {
        let sheets: Vec<Sheets> = letters.into_iter().filter_map(LaidOut::typeset).collect();
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
    fn typeset_alone(
        &self,
        numbered: &[Numbered<'_>],
        last_of_file: u64,
    ) -> Result<Vec<Vec<u8>>, TypesetError> {
        let overlays = self.overlays(numbered, last_of_file)?;
        let numbered: Vec<_> = numbered.iter().zip(overlays).collect();
        let bound = self.in_parallel(&numbered, |((number, letter), overlay)| {
            let pages = joined(letter.pages.clone(), overlay, 0, *number);
            let document = PagedDocument::new(pages.into_iter().collect(), letter.info.clone());
            let pdf = self.export(&document);
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
            .map(|letter| below(*letter, last_of_file))
            .collect();
        let groups: Vec<&[Below<'_>]> = below.chunks(LETTERS_AN_OVERLAY).collect();
        let documents = self.in_parallel(&groups, |group| {
            let overlay = self.overlay(group);
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
    fn overlay(&self, letters: &[Below<'_>]) -> Result<Option<PagedDocument>, TypesetError> {
        overlay::overlay_of(letters, self.across, &self.settings, &self.stationery)
    }

    fn export(&self, document: &PagedDocument) -> Result<Vec<u8>, TypesetError> {
        typst_pdf::pdf(document, &self.pdf_options()).map_err(|errors: EcoVec<SourceDiagnostic>| {
            TypesetError::Export {
                place: self.stationery.place_of_first(&errors),
            }
        })
    }

    /// Does the same with all items, on all workers; the results are in the order of the items, whatever the threads did.
    fn in_parallel<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Result<Vec<R>, TypesetError> {
        self.in_parallel_with(items, || (), |(), item| work(item))
    }

    /// As [`Self::in_parallel`], with something that each thread makes once and keeps.
    fn in_parallel_with<'i, T: Sync, R: Send, S>(
        &self,
        items: &'i [T],
        prepare: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &'i T) -> R + Sync,
    ) -> Result<Vec<R>, TypesetError> {
        let next = AtomicUsize::new(0);
        let run = || {
            let mut own = prepare();
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else {
                    return done;
                };
                done.push((index, work(&mut own, item)));
            }
        };
        let mut results = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .workers
                .iter()
                .map(|worker| scope.spawn(|| worker.install(run)))
                .collect();
            let mut results = Vec::with_capacity(items.len());
            for thread in running {
                results.extend(thread.join().map_err(|_| TypesetError::Panicked)?);
            }
            Ok::<_, TypesetError>(results)
        })?;
        results.sort_unstable_by_key(|(index, _)| *index);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    fn lay_out_one(&self, letter: &LetterFields) -> Result<Sheets, Failure> {
        let desk = self.desk(letter)?;
        let _watched = watch::Watched::begin();
        // A bug in Typst that one patient's name brings out is that letter's fault, and no other's.
        let compiled = catch_unwind(AssertUnwindSafe(|| typst::compile::<PagedDocument>(&desk)));
        let document = compiled
            .map_err(|_| LetterFault::Panicked)?
            .output
            .map_err(|errors| LetterFault::Template {
                place: self.stationery.place_of_first(&errors),
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
        if self.across.is_rehearsal {
            // What lies across the pages is not read out.
            let title = info.title.unwrap_or_default();
            info.title = Some(eco_format!("REHEARSAL: {title}"));
        }
        Ok(Sheets {
            pages,
            info,
            points: letter.format.points(),
        })
    }

    /// The characters of a letter that would be empty boxes.
    #[must_use]
    pub fn missing_characters(&self, letter: &LetterFields) -> Vec<char> {
        self.pages_of(letter)
            .map(|pages| page_check::missing_characters(&pages))
            .unwrap_or_default()
    }

    /// The words of a letter, run by run; empty if it cannot be laid out.
    #[must_use]
    pub fn text_of(&self, letter: &LetterFields) -> String {
        self.pages_of(letter)
            .map(|pages| page_check::texts(&pages).join("\n"))
            .unwrap_or_default()
    }

    fn pages_of(&self, letter: &LetterFields) -> Option<Vec<Page>> {
        let desk = self.desk(letter).ok()?;
        let document = self.in_worker(|| typst::compile::<PagedDocument>(&desk));
        Some(document.output.ok()?.pages().to_vec())
    }

    /// Tries a letter that is to nobody, and says what Typst warns of. It holds no patient's values, so here, and only
    /// here, Typst's own words are told.
    ///
    /// # Errors
    ///
    /// What is wrong with the template: the message has file, line and reason.
    pub fn try_out(&self, letter: &LetterFields) -> Result<Vec<String>, TypesetError> {
        self.in_worker(|| self.tried(letter))
    }

    /// [`Self::try_out`], in a worker.
    fn tried(&self, letter: &LetterFields) -> Result<Vec<String>, TypesetError> {
        let failed = |message: String| TypesetError::Template {
            place: words_file(self.design, letter.languages.first()),
            message: format!(
                "{message} (the sample: {}, {} print)",
                letter.languages.as_str(),
                letter.format.as_str()
            ),
        };
        let desk = self.desk(letter).map_err(|_| TypesetError::Data)?;
        let compiled = typst::compile::<PagedDocument>(&desk);
        compiled
            .output
            .map_err(|errors| self.stationery.template_error(&errors))?;
        let laid_out = self.lay_out_one(letter).map_err(|failure| match failure {
            Failure::Letter(fault) => failed(fault.to_string()),
            Failure::Data => TypesetError::Data,
        })?;
        let pages = laid_out.pages.iter().cloned().collect();
        let document = PagedDocument::new(pages, laid_out.info.clone());
        typst_pdf::pdf(&document, &self.pdf_options())
            .map_err(|errors| self.stationery.template_error(&errors))?;
        self.overlay(&[below((1, &laid_out), 1)])?;
        let warning = |warning: &SourceDiagnostic| {
            format!(
                "{}: {}",
                self.stationery.place_of(warning.span),
                warning.message
            )
        };
        Ok(compiled.warnings.iter().map(warning).collect())
    }

    /// Does something else on the threads that export.
    pub fn on_all_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.exporter.install(work)
    }

    /// Runs Typst where its stack is deep enough.
    fn in_worker<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.workers.first() {
            Some(worker) => worker.install(work),
            None => work(),
        }
    }

    fn desk(&self, letter: &LetterFields) -> Result<Desk<'_>, Failure> {
        let code = SquareCode::of(&letter.join_url).map_err(|_| LetterFault::LinkTooLong)?;
        let part = |language: &&'static Language| Part {
            file: format!("/{}", words_file(self.design, language)),
            language: language.code,
            square_code_alt: &language.labels().qr_code,
            fields: OwnFields {
                language: language.code,
                expires_on: language.date(letter.last_day),
                letter_date: language.date(letter.letter_date),
            },
        };
        let data = Data {
            points: letter.format.points(),
            has_address: self.design.has_address(),
            square_code_side: code.side(),
            fields: Fields {
                name: &letter.name,
                first_name: &letter.first_name,
                last_name: &letter.last_name,
                address: &letter.address,
                invitation_code: &letter.invitation_code,
                access_code: &letter.access_code,
                join_address: &letter.join_address,
                format: letter.format.as_str(),
            },
            parts: letter.languages.languages().iter().map(part).collect(),
        };
        let data = serde_json::to_vec(&data).map_err(|_| Failure::Data)?;
        Ok(self.stationery.letter_desk(data, code.luma()))
    }

    /// No time stamp: the same letters are the same bytes.
    fn pdf_options(&self) -> PdfOptions {
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

/// A letter to nobody for each of some languages and each print.
fn samples(has: impl Fn(LetterLanguages) -> bool) -> Vec<LetterFields> {
    let languages = LetterLanguages::all().filter(|own| has(*own));
    let in_each_print = |languages| {
        LetterFormat::ALL.map(|format| LetterFields {
            languages,
            format,
            ..LetterFields::sample()
        })
    };
    languages.flat_map(in_each_print).collect()
}

/// A letter as what is laid over it needs it.
fn below<'a>((number, letter): Numbered<'a>, last_of_file: u64) -> Below<'a> {
    Below {
        pages: &letter.pages,
        number,
        last_of_file,
        points: letter.points,
    }
}

/// Typst shares work through rayon. A pool of one thread keeps it from mixing letters.
fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK_BYTES)
        .build()
}

/// The pages of a letter among others, with what is laid over them.
fn joined(mut pages: Vec<Page>, overlay: &[Page], at: usize, number: u64) -> Vec<Page> {
    joining::make_own(&mut pages, at, &format!("{number:06}"));
    joining::lay_over(&mut pages, overlay, at);
    pages
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
enum Failure {
    Letter(LetterFault),
    Data,
}

impl Failure {
    fn into_fault(self) -> LetterFault {
        match self {
            Self::Letter(fault) => fault,
            // A bug of ours that the samples did not show; as bad as a template that fails.
            Self::Data => LetterFault::Template {
                place: "the letter data".into(),
            },
        }
    }
}

/// Those letters that Typst laid out.
fn typeset_among(numbered: &[(u64, LaidOut)]) -> Vec<Numbered<'_>> {
    numbered
        .iter()
        .filter_map(|(number, letter)| match &letter.0 {
            Body::Typeset(sheets) => Some((*number, sheets)),
            Body::Stamped(_) => None,
        })
        .collect()
}

impl From<LetterFault> for Failure {
    fn from(fault: LetterFault) -> Self {
        Self::Letter(fault)
    }
}

/// What `letters.typ` reads.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    points: u8,
    has_address: bool,
    square_code_side: usize,
    fields: Fields<'a>,
    parts: Vec<Part>,
}

/// `slot("…")` of all languages.
#[derive(Serialize)]
struct Fields<'a> {
    name: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    address: &'a [String],
    invitation_code: &'a str,
    access_code: &'a str,
    join_address: &'a str,
    format: &'static str,
}

/// One language of a letter.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Part {
    file: String,
    language: &'static str,
    square_code_alt: &'static str,
    fields: OwnFields,
}

/// `slot("…")` of one language.
#[derive(Serialize)]
struct OwnFields {
    language: &'static str,
    expires_on: String,
    letter_date: String,
}

#[cfg(test)]
mod rehearsal_tests;
#[cfg(test)]
mod stamping_tests;
#[cfg(test)]
mod tests;
