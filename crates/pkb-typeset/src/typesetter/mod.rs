//! From values to a PDF: the Typst world, the layout of each letter, and the export of many as one file.
//!
//! Each letter is laid out as a document of its own, so that page numbers, counters and states start anew, and what
//! letters have in common is remembered from one to the next. One document of all letters is four times slower. Marks
//! and page numbers are laid over the letter when it has got its number.

mod binding;
mod clusters;
mod error;
mod export;
mod joining;
mod layout;
mod letter_data;
mod overlay;
mod page_check;
mod plain_text;
pub mod qr;
mod stamping;
mod watch;
mod workers;
mod world;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use pkb_core::record::Design;
use pkb_languages::LetterLanguage;
use pkb_values::{LetterFormat, LetterLanguages};
use typst::diag::SourceDiagnostic;
use typst_layout::PagedDocument;
use typst_pdf::{PdfStandard, PdfStandards};

use crate::{
    letter_fields::LetterFields,
    template::{Template, settings::Settings, words_file},
};
pub use binding::Binding;
pub use error::{LetterFault, TypesetError};
pub use export::TypesetLetters;
use layout::Failure;
pub use layout::{LaidOut, LaidOutLetter};
use overlay::Watermark;
pub use stamping::Engine;
use stamping::Stamping;
use workers::{Workers, pool};
use world::TemplateWorld;

/// After so many letters, Typst forgets what it did not use since the last time but one. Never forgetting leaks
/// 0.7 MiB a letter; forgetting after each letter takes time, and one thread forgets what the other is about to use.
const LETTERS_A_SWEEP: usize = 16;
/// CacheEviction that an unused result survives.
const SWEEPS_SURVIVED: usize = 1;

/// Typesets letters with one design of one template.
pub struct Typesetter {
    world: TemplateWorld,
    settings: Settings,
    design: Design,
    /// In which its letters can be.
    languages: Vec<LetterLanguages>,
    /// What is printed across each page.
    watermark: Watermark,
    workers: Workers,
    /// All threads: the export compresses in parallel.
    exporter: rayon::ThreadPool,
    standards: PdfStandards,
    warnings: Vec<String>,
    /// What letters are stamped with; `None` if Typst lays out all of them.
    stamping: Option<Stamping>,
    sweeps: CacheEviction,
}

/// Makes Typst forget, now and then.
#[derive(Default)]
struct CacheEviction(AtomicUsize);

impl CacheEviction {
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
        let samples = samples(typesetter.languages.iter().copied());
        if samples.is_empty() {
            return Err(TypesetError::Template {
                place: words_file(design, LetterLanguage::english()),
                message: "the template has no such file".into(),
            });
        }
        let tried = typesetter
            .workers
            .map(&samples, |letter| typesetter.try_out(letter))?;
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
            place: words_file(design, LetterLanguage::english()),
            message: message.into(),
        };
        Ok(Self {
            world: TemplateWorld::of(template)
                .ok_or_else(|| template_error("a file has a name that cannot be used"))?,
            settings: template.settings().clone(),
            design,
            languages: template.languages(design).collect(),
            watermark: Watermark::default(),
            workers: Workers::new(threads)?,
            exporter: pool(threads.max(1))?,
            standards: PdfStandards::new(&[PdfStandard::Ua_1])
                .map_err(|_| template_error("PDF/UA-1 is not available"))?,
            warnings: Vec::new(),
            stamping: None,
            sweeps: CacheEviction::default(),
        })
    }

    /// The same, with PROOF across each page. Proofs are not stamped.
    #[must_use]
    pub fn for_proofs(mut self) -> Self {
        self.watermark.is_proof = true;
        self.stamping = None;
        self
    }

    /// The same, with REHEARSAL across each page, if it is one. To be called before [`Self::with_engine`].
    #[must_use]
    pub fn in_rehearsal(mut self, is_rehearsal: bool) -> Self {
        self.watermark.is_rehearsal = is_rehearsal;
        self.stamping = None;
        self
    }

    /// Whether REHEARSAL stands across each page.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.watermark.is_rehearsal
    }

    /// The same, with an engine. [`Engine::Typst`] is what a typesetter has at first.
    ///
    /// # Errors
    ///
    /// [`Engine::Stamp`] was asked for, and the template cannot be stamped: the message says why.
    pub fn with_engine(mut self, engine: Engine) -> Result<Self, TypesetError> {
        self.stamping = match engine {
            Engine::Typst => None,
            Engine::Auto | Engine::Stamp => Some(Stamping::new(&self.world, engine)),
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

    /// Tries a letter that is to nobody, and says what Typst warns of. It holds no patient's values, so here, and only
    /// here, Typst's own words are told.
    ///
    /// # Errors
    ///
    /// What is wrong with the template: the message has file, line and reason.
    pub fn try_out(&self, letter: &LetterFields) -> Result<Vec<String>, TypesetError> {
        self.workers.run(|| self.tried(letter))
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
        let world = self.world_of(letter).map_err(|_| TypesetError::Data)?;
        let compiled = typst::compile::<PagedDocument>(&world);
        compiled
            .output
            .map_err(|errors| self.world.template_error(&errors))?;
        let laid_out = self.lay_out_one(letter).map_err(|failure| match failure {
            Failure::Letter(fault) => failed(fault.to_string()),
            Failure::Data => TypesetError::Data,
        })?;
        let pages = laid_out.pages.iter().cloned().collect();
        let document = PagedDocument::new(pages, laid_out.info.clone());
        typst_pdf::pdf(&document, &self.pdf_options())
            .map_err(|errors| self.world.template_error(&errors))?;
        self.overlay(&[laid_out.below(1, 1)])?;
        let warning = |warning: &SourceDiagnostic| {
            format!("{}: {}", self.world.place_of(warning.span), warning.message)
        };
        Ok(compiled.warnings.iter().map(warning).collect())
    }

    /// Does something else on the threads that export.
    pub fn on_all_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.exporter.install(work)
    }
}

/// A letter to nobody for each of some languages and each print.
fn samples(languages: impl Iterator<Item = LetterLanguages>) -> Vec<LetterFields> {
    let in_each_print = |languages| {
        LetterFormat::PRINTED.map(|format| LetterFields {
            languages,
            format,
            ..LetterFields::sample()
        })
    };
    languages.flat_map(in_each_print).collect()
}

#[cfg(test)]
mod rehearsal_tests;
#[cfg(test)]
mod stamping_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod words_tests;
