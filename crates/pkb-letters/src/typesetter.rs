//! From values to a PDF: the Typst world, the layout of each letter, and the export of many as one file.
//!
//! Each letter is laid out as a document of its own, so that page numbers, counters and states start anew, and what
//! letters have in common is remembered from one to the next. One document of all letters is four times slower.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;
use thiserror::Error;
use typst::diag::SourceDiagnostic;
use typst::ecow::EcoVec;
use typst::foundations::{Bytes, Smart};
use typst::model::{Document as _, DocumentInfo};
use typst_layout::{Page, PagedDocument};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::desk::{Desk, Stationery};
use crate::fonts::Fonts;
use crate::joining;
use crate::letter_fields::LetterFields;
use crate::organisation::Organisation;
use crate::page_check::{self, Fault};
use crate::qr::{self, SquareCode};
use crate::template::{LETTER_FILE, Template};

/// Layout nests deeply: the usual 2 MiB can overflow. Only the part that is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// After so many letters, Typst forgets what it did not use since the last time but one. Never forgetting leaks
/// 0.7 MiB a letter; forgetting after each letter takes time, and one thread forgets what the other is about to use.
const LETTERS_A_SWEEP: usize = 16;
/// Sweeps that an unused result survives.
const SWEEPS_SURVIVED: usize = 1;

/// Letters could not be typeset. No message holds a value of a patient.
#[derive(Debug, Error)]
pub enum TypesetError {
    /// The template fails with the sample letter, so with every letter.
    #[error("the template fails at {place}: {message}")]
    Template {
        /// File and line.
        place: String,
        /// What Typst says.
        message: String,
    },
    /// The template fails with a letter although it works with the sample. What Typst says may hold the patient's
    /// values, so only the place is told.
    #[error("the template fails at {place} with this letter")]
    Letter {
        /// Index of the letter, from 0.
        index: usize,
        /// File and line.
        place: String,
    },
    /// A join link does not fit into a square code.
    #[error("the join link is too long for a square code")]
    LinkTooLong {
        /// Index of the letter, from 0.
        index: usize,
    },
    /// A character would be printed as an empty box.
    #[error("a character of this letter has no glyph in any font")]
    MissingGlyph {
        /// Index of the letter, from 0.
        index: usize,
    },
    /// A code is not on the page in one piece.
    #[error("a code of this letter is broken or not printed")]
    CodeBroken {
        /// Index of the letter, from 0.
        index: usize,
    },
    /// Something is printed where the envelope window, the barcode or the margin must stay clear.
    #[error("something in this letter is outside the areas that may be printed")]
    OutsideArea {
        /// Index of the letter, from 0.
        index: usize,
    },
    /// No letters were given; a PDF has at least one page.
    #[error("there are no letters to typeset")]
    NoLetters,
    /// The letters are laid out but cannot be a tagged PDF.
    #[error("the export of the letters to PDF/UA-1 fails at {place}")]
    Export {
        /// File and line.
        place: String,
    },
    /// The threads could not be started.
    #[error("failed to start the typesetting threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A bug in Typst. What its panic says may hold values: a program's panic hook should tell the place only.
    #[error("typesetting ended in a bug")]
    Panicked,
    /// The data could not be handed to the template.
    #[error("failed to prepare the letter data")]
    Data,
}

impl TypesetError {
    /// Index, from 0, of the letter that is to blame, where one is.
    #[must_use]
    pub const fn letter_index(&self) -> Option<usize> {
        match self {
            Self::Letter { index, .. }
            | Self::LinkTooLong { index }
            | Self::MissingGlyph { index }
            | Self::CodeBroken { index }
            | Self::OutsideArea { index } => Some(*index),
            _ => None,
        }
    }
}

/// A finished PDF of several letters.
pub struct TypesetLetters {
    /// The PDF, tagged (PDF/UA-1).
    pub pdf: Vec<u8>,
    /// First and last page of each letter, from 1, in the order of the letters.
    pub pages: Vec<(usize, usize)>,
}

/// Typesets letters with one template.
pub struct Typesetter {
    stationery: Stationery,
    organisation: Organisation,
    fonts: Fonts,
    /// One thread each: a letter is laid out by one thread.
    workers: Vec<rayon::ThreadPool>,
    /// All threads: the export compresses in parallel.
    exporter: rayon::ThreadPool,
    standards: PdfStandards,
    warnings: Vec<String>,
}

impl Typesetter {
    /// Prepares a template and tries it with a sample letter, using all processors.
    ///
    /// # Errors
    ///
    /// When the template fails: the message has file, line and reason.
    pub fn new(template: &Template) -> Result<Self, TypesetError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_threads(template, threads)
    }

    /// As [`Self::new`], with a number of threads. The PDF is the same with any number.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_threads(template: &Template, threads: usize) -> Result<Self, TypesetError> {
        let template_error = |message: &str| TypesetError::Template {
            place: LETTER_FILE.into(),
            message: message.into(),
        };
        let mut typesetter = Self {
            stationery: Stationery::of(template)
                .ok_or_else(|| template_error("a file has a name that cannot be used"))?,
            organisation: template.organisation().clone(),
            fonts: template.fonts().clone(),
            workers: (0..threads.max(1))
                .map(|_| pool(1))
                .collect::<Result<_, _>>()?,
            exporter: pool(threads.max(1))?,
            standards: PdfStandards::new(&[PdfStandard::Ua_1])
                .map_err(|_| template_error("PDF/UA-1 is not available"))?,
            warnings: Vec::new(),
        };
        typesetter.warnings = typesetter.try_out()?;
        Ok(typesetter)
    }

    /// What Typst warns of in the template, such as a font that is not there. One line each, with file and line.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The fonts of the template, to ask for [`Fonts::missing_glyphs`] before a letter is typeset.
    #[must_use]
    pub const fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    /// Typesets the letters into one PDF. Each letter starts on a new page, and its page numbers start at 1.
    ///
    /// # Errors
    ///
    /// When a letter cannot be printed as it should be: [`TypesetError::letter_index`] says which. Nothing is left out.
    pub fn typeset(&self, letters: &[LetterFields]) -> Result<TypesetLetters, TypesetError> {
        if letters.is_empty() {
            return Err(TypesetError::NoLetters);
        }
        let laid_out = self.lay_out_all(letters)?;
        let mut pages = Vec::with_capacity(letters.len());
        let mut ranges = Vec::with_capacity(letters.len());
        let mut info = None;
        for letter in laid_out {
            let first = pages.len() + 1;
            pages.extend(letter.pages);
            ranges.push((first, pages.len()));
            info.get_or_insert(letter.info);
        }
        let document = PagedDocument::new(pages.into_iter().collect(), info.unwrap_or_default());
        let pdf = self
            .exporter
            .install(|| typst_pdf::pdf(&document, &self.pdf_options()));
        comemo::evict(SWEEPS_SURVIVED);
        let place = |errors: EcoVec<SourceDiagnostic>| TypesetError::Export {
            place: self.stationery.place_of_first(&errors),
        };
        Ok(TypesetLetters {
            pdf: pdf.map_err(place)?,
            pages: ranges,
        })
    }

    /// Lays out all letters, in their order. Of several failures the first in this order is told, whatever the threads did.
    fn lay_out_all(&self, letters: &[LetterFields]) -> Result<Vec<LaidOut>, TypesetError> {
        let next = AtomicUsize::new(0);
        let has_failed = AtomicBool::new(false);
        let work = || {
            let mut done = Vec::new();
            while !has_failed.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(letter) = letters.get(index) else {
                    break;
                };
                let result = self.lay_out(letter, index);
                if index % LETTERS_A_SWEEP == LETTERS_A_SWEEP - 1 {
                    comemo::evict(SWEEPS_SURVIVED);
                }
                has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
                done.push((index, result));
            }
            done
        };
        let mut results = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .workers
                .iter()
                .map(|worker| scope.spawn(|| worker.install(work)))
                .collect();
            let mut results = Vec::with_capacity(letters.len());
            for thread in running {
                results.extend(thread.join().map_err(|_| TypesetError::Panicked)?);
            }
            Ok::<_, TypesetError>(results)
        })?;
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn lay_out(&self, letter: &LetterFields, index: usize) -> Result<LaidOut, TypesetError> {
        let desk = self.desk(letter, index)?;
        let document = typst::compile::<PagedDocument>(&desk)
            .output
            .map_err(|errors| TypesetError::Letter {
                index,
                place: self.stationery.place_of_first(&errors),
            })?;
        page_check::check(document.pages(), letter, self.organisation.envelope).map_err(
            |fault| match fault {
                Fault::MissingGlyph => TypesetError::MissingGlyph { index },
                Fault::CodeBroken => TypesetError::CodeBroken { index },
                Fault::OutsideArea => TypesetError::OutsideArea { index },
            },
        )?;
        Ok(LaidOut {
            pages: joining::pages_of(&document, index),
            info: document.info().clone(),
        })
    }

    /// The sample letter holds no patient's values, so here, and only here, Typst's own words are told.
    fn try_out(&self) -> Result<Vec<String>, TypesetError> {
        let letter = LetterFields::sample();
        let desk = self.desk(&letter, 0)?;
        let compiled = self.in_worker(|| typst::compile::<PagedDocument>(&desk));
        let document = compiled
            .output
            .map_err(|errors| self.stationery.template_error(&errors))?;
        // The code and area checks speak of the sample here, and the index says nothing.
        self.in_worker(|| self.lay_out(&letter, 0))
            .map_err(|error| TypesetError::Template {
                place: LETTER_FILE.into(),
                message: format!("{error} (the sample)"),
            })?;
        self.in_worker(|| typst_pdf::pdf(&document, &self.pdf_options()))
            .map_err(|errors| self.stationery.template_error(&errors))?;
        let warning = |warning: &SourceDiagnostic| {
            format!(
                "{}: {}",
                self.stationery.place_of(warning.span),
                warning.message
            )
        };
        Ok(compiled.warnings.iter().map(warning).collect())
    }

    /// Runs Typst where its stack is deep enough.
    fn in_worker<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.workers.first() {
            Some(worker) => worker.install(work),
            None => work(),
        }
    }

    fn desk<'a>(&'a self, letter: &LetterFields, index: usize) -> Result<Desk<'a>, TypesetError> {
        let code =
            SquareCode::of(&letter.join_url).map_err(|_| TypesetError::LinkTooLong { index })?;
        let data = Data {
            organisation: &self.organisation,
            letter,
            square_code_side: code.side(),
            square_code_alt: qr::ALT_TEXT,
        };
        let data = serde_json::to_vec(&data).map_err(|_| TypesetError::Data)?;
        Ok(Desk {
            stationery: &self.stationery,
            data: Bytes::new(data),
            square_code: Bytes::new(code.into_luma()),
        })
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

/// Typst shares work through rayon. A pool of one thread keeps it from mixing letters.
fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK_BYTES)
        .build()
}

/// A letter that passed the checks.
struct LaidOut {
    pages: Vec<Page>,
    info: DocumentInfo,
}

/// What `letters.typ` reads.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    organisation: &'a Organisation,
    letter: &'a LetterFields,
    square_code_side: usize,
    square_code_alt: &'a str,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::template::TemplateError;

    fn typesetter(threads: usize) -> Typesetter {
        Typesetter::with_threads(&Template::built_in().unwrap(), threads).unwrap()
    }

    /// A template folder with a `letter.typ` that the test changes.
    fn folder(change: impl FnOnce(String) -> String) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        Template::write_to(dir.path()).unwrap();
        let path = dir.path().join(LETTER_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(text)).unwrap();
        dir
    }

    fn open(dir: &Path) -> Result<Typesetter, TypesetError> {
        let template: Result<Template, TemplateError> = Template::open(dir);
        Typesetter::with_threads(&template.unwrap(), 1)
    }

    fn letters(count: u64) -> Vec<LetterFields> {
        (0..count)
            .map(|sequence| LetterFields {
                sequence,
                invitation_code: format!("Invite{sequence:04}"),
                ..LetterFields::sample()
            })
            .collect()
    }

    /// The text runs of a laid-out letter, one for each piece of a line.
    fn runs(typesetter: &Typesetter, letter: &LetterFields) -> Vec<String> {
        fn walk(frame: &typst::layout::Frame, runs: &mut Vec<String>) {
            for (_, item) in frame.items() {
                match item {
                    typst::layout::FrameItem::Group(group) => walk(&group.frame, runs),
                    typst::layout::FrameItem::Text(text) => runs.push(text.text.to_string()),
                    _ => {}
                }
            }
        }
        let mut runs = Vec::new();
        for page in typesetter.lay_out(letter, 0).unwrap().pages {
            walk(&page.frame, &mut runs);
        }
        runs
    }

    #[test]
    fn the_built_in_letter_fits_one_page_and_has_no_warnings() {
        let typesetter = typesetter(2);
        assert_eq!(typesetter.warnings(), [] as [&str; 0]);
        let typeset = typesetter.typeset(&letters(3)).unwrap();
        assert_eq!(typeset.pages, [(1, 1), (2, 2), (3, 3)]);
        assert!(typeset.pdf.starts_with(b"%PDF-"));
    }

    #[test]
    fn a_long_name_and_seven_lines_wrap_and_still_fit_the_window_and_the_page() {
        let mut letter = LetterFields {
            name: "Professor Wilhelmina Bartholomea Featherstonehaugh-Cholmondeley of Llanfairpwllgwyngyll".into(),
            ..LetterFields::sample()
        };
        letter
            .address
            .insert(0, "Flat 27b, The Old Infirmary Building".into());
        letter
            .address
            .insert(2, "St Bartholomew-in-the-Marsh".into());
        assert_eq!(typesetter(1).typeset(&[letter]).unwrap().pages, [(1, 1)]);
    }

    #[test]
    fn an_address_that_leaves_its_window_is_an_error_with_the_index_of_its_letter() {
        let mut letters = letters(3);
        letters[1].address = (0..14).map(|line| format!("Line {line}")).collect();
        let error = typesetter(2).typeset(&letters).err().unwrap();
        assert!(
            matches!(error, TypesetError::OutsideArea { index: 1 }),
            "{error:?}"
        );
    }

    #[test]
    fn markup_in_a_name_prints_as_it_is_written() {
        let name = "#panic(\"x\") *b* $1 <a> _i_ `c` @r = \\ // --";
        let letter = LetterFields {
            name: name.into(),
            ..LetterFields::sample()
        };
        let runs = runs(&typesetter(1), &letter);
        assert!(runs.iter().any(|run| run == name), "{runs:?}");
    }

    #[test]
    fn codes_are_in_one_piece_and_without_ligatures() {
        let letter = LetterFields {
            invitation_code: "fi0O1lI-fl".into(),
            access_code: "ffi/->==!=".into(),
            ..LetterFields::sample()
        };
        let runs = runs(&typesetter(1), &letter);
        assert!(
            runs.contains(&letter.invitation_code) && runs.contains(&letter.access_code),
            "{runs:?}"
        );
    }

    #[test]
    fn a_code_that_the_template_does_not_print_is_an_error() {
        let dir = folder(|text| text.replace("code(slot(\"access_code\"))", "[see below]"));
        let error = open(dir.path()).err().unwrap().to_string();
        assert!(
            error.contains("a code of this letter is broken or not printed"),
            "{error}"
        );
    }

    #[test]
    fn a_glyph_that_no_font_has_is_found_after_the_layout_too() {
        let mut letters = letters(2);
        letters[1].name = "王".into();
        let error = typesetter(2).typeset(&letters).err().unwrap();
        assert!(
            matches!(error, TypesetError::MissingGlyph { index: 1 }),
            "{error:?}"
        );
    }

    #[test]
    fn the_same_letters_are_the_same_bytes_again_and_with_one_or_two_threads() {
        let letters = letters(40);
        let two = typesetter(2);
        let first = two.typeset(&letters).unwrap().pdf;
        assert!(first == two.typeset(&letters).unwrap().pdf);
        assert!(first == typesetter(1).typeset(&letters).unwrap().pdf);
    }

    #[test]
    fn a_letter_of_two_pages_has_its_range_and_page_numbers_start_anew() {
        let dir = folder(|text| {
            text.replace(
                "#let letter(slot, organisation) = {",
                "#let letter(slot, organisation) = {\n  set page(numbering: \"1 / 1\", margin: (bottom: 24mm), footer-descent: 3mm)\n",
            )
            .replace(
                "      Yours sincerely,",
                "      #if slot(\"sequence\") == 1 [#v(80mm)]\n      Yours sincerely,",
            )
        });
        let typesetter = open(dir.path()).unwrap();
        let typeset = typesetter.typeset(&letters(3)).unwrap();
        assert_eq!(typeset.pages, [(1, 1), (2, 3), (4, 4)]);
        let letters = letters(2);
        assert!(runs(&typesetter, &letters[0]).contains(&"1 / 1".to_owned()));
        assert!(runs(&typesetter, &letters[1]).contains(&"2 / 2".to_owned()));
    }

    #[test]
    fn a_template_that_reads_a_file_outside_its_folder_fails() {
        for path in [
            "../secret",
            "/etc/passwd",
            "/../etc/passwd",
            "../../../../etc/passwd",
        ] {
            let dir = folder(|text| format!("#let x = read(\"{path}\")\n{text}"));
            std::fs::write(dir.path().parent().unwrap().join("secret"), "secret").ok();
            let error = open(dir.path()).err().unwrap().to_string();
            assert!(
                error.starts_with("the template fails at letter.typ:1: "),
                "{error}"
            );
        }
    }

    #[test]
    fn a_template_that_wants_a_package_fails_without_a_network() {
        let dir = folder(|text| format!("#import \"@preview/tiaoma:0.3.0\": qrcode\n{text}"));
        let error = open(dir.path()).err().unwrap().to_string();
        assert!(
            error.starts_with("the template fails at letter.typ:1: "),
            "{error}"
        );
    }

    #[test]
    fn a_template_that_fails_with_one_letter_names_line_and_index_but_no_values() {
        let dir = folder(|text| {
            text.replace(
                "#let letter(slot, organisation) = {",
                "#let letter(slot, organisation) = {\n  if slot(\"sequence\") == 2 { panic(slot(\"name\")) }",
            )
        });
        let text = std::fs::read_to_string(dir.path().join(LETTER_FILE)).unwrap();
        let line = text
            .lines()
            .position(|line| line.contains("panic("))
            .unwrap()
            + 1;
        let error = open(dir.path())
            .unwrap()
            .typeset(&letters(5))
            .err()
            .unwrap();
        assert_eq!(error.letter_index(), Some(2));
        assert_eq!(
            error.to_string(),
            format!("the template fails at letter.typ:{line} with this letter")
        );
        assert!(!format!("{error:?}").contains("Richards"));
    }

    #[test]
    fn no_letters_are_an_error_not_an_empty_file() {
        assert!(matches!(
            typesetter(1).typeset(&[]),
            Err(TypesetError::NoLetters)
        ));
    }
}
