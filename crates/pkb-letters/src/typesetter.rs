//! From values to a PDF: the Typst world, the layout of many letters at once, and the export.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use serde::Serialize;
use thiserror::Error;
use typst::diag::{FileError, FileResult, PackageError, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{DiagSpan, FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::fonts::Fonts;
use crate::letter_fields::LetterFields;
use crate::organisation::Organisation;
use crate::page_check;
use crate::qr::{self, SquareCode};
use crate::template::Template;

/// The frame around a template. Its name and those of the data are constant: Typst remembers every name it ever met.
const MAIN_FILE: &str = "/letters.typ";
const DATA_FILE: &str = "/data.json";
const SQUARE_CODES_FILE: &str = "/square-codes.bin";
const MAIN_TEXT: &str = include_str!("../assets/letters.typ");

/// Layout nests deeply: 600 letters overflow the usual 2 MiB. Only the part that is used takes memory.
const STACK_BYTES: usize = 256 << 20;

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
    /// The pages do not start with their letters, one after the other.
    #[error("the pages and the letters do not match")]
    PagesMixed,
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

    /// The same error, about a letter that stands `offset` further on.
    fn shifted(mut self, offset: usize) -> Self {
        if let Self::Letter { index, .. }
        | Self::LinkTooLong { index }
        | Self::MissingGlyph { index }
        | Self::CodeBroken { index }
        | Self::OutsideArea { index } = &mut self
        {
            *index += offset;
        }
        self
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
    pool: rayon::ThreadPool,
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
            place: "letter.typ".into(),
            message: message.into(),
        };
        let mut typesetter = Self {
            stationery: Stationery::of(template)
                .ok_or_else(|| template_error("a file has a name that cannot be used"))?,
            organisation: template.organisation().clone(),
            fonts: template.fonts().clone(),
            pool: rayon::ThreadPoolBuilder::new()
                .num_threads(threads.max(1))
                .stack_size(STACK_BYTES)
                .build()?,
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
        let result = self.pool.install(|| self.typeset_here(letters));
        comemo::evict(0);
        result
    }

    fn typeset_here(&self, letters: &[LetterFields]) -> Result<TypesetLetters, TypesetError> {
        let desk = self.desk(letters)?;
        let document = match typst::compile::<PagedDocument>(&desk).output {
            Ok(document) => document,
            Err(errors) => return Err(self.blame(letters, place_of_first(&desk, &errors))),
        };
        let pages = page_check::page_ranges(document.pages(), letters, self.organisation.envelope)?;
        let pdf = typst_pdf::pdf(&document, &self.pdf_options()).map_err(|errors| {
            TypesetError::Export {
                place: place_of_first(&desk, &errors),
            }
        })?;
        Ok(TypesetLetters { pdf, pages })
    }

    /// Finds the letter that fails: halves the letters until one is left.
    fn blame(&self, letters: &[LetterFields], place: String) -> TypesetError {
        let (mut first, mut rest) = (0, letters);
        let mut place = place;
        while rest.len() > 1 {
            let (left, right) = rest.split_at(rest.len() / 2);
            let failure = self.desk(left).ok().and_then(|desk| {
                let errors = typst::compile::<PagedDocument>(&desk).output.err()?;
                Some(place_of_first(&desk, &errors))
            });
            if let Some(found) = failure {
                (rest, place) = (left, found);
            } else {
                (first, rest) = (first + left.len(), right);
            }
        }
        TypesetError::Letter { index: 0, place }.shifted(first)
    }

    /// The sample letter holds no patient's values, so here, and only here, Typst's own words are told.
    fn try_out(&self) -> Result<Vec<String>, TypesetError> {
        let sample = [LetterFields::sample()];
        let desk = self.desk(&sample)?;
        let result = self.pool.install(|| {
            let compiled = typst::compile::<PagedDocument>(&desk);
            let warnings = compiled
                .warnings
                .iter()
                .map(|warning| format!("{}: {}", place_of(&desk, warning.span), warning.message));
            let warnings = warnings.collect();
            let document = compiled
                .output
                .map_err(|errors| template_error(&desk, &errors))?;
            page_check::page_ranges(document.pages(), &sample, self.organisation.envelope)
                .map_err(|error| TypesetError::Template {
                    place: "letter.typ".into(),
                    message: format!("with the sample letter: {error}"),
                })?;
            typst_pdf::pdf(&document, &self.pdf_options())
                .map_err(|errors| template_error(&desk, &errors))?;
            Ok(warnings)
        });
        comemo::evict(0);
        result
    }

    fn desk(&self, letters: &[LetterFields]) -> Result<Desk<'_>, TypesetError> {
        let mut square_codes = Vec::new();
        let mut places = Vec::with_capacity(letters.len());
        for (index, letter) in letters.iter().enumerate() {
            let code = SquareCode::of(&letter.join_url)
                .map_err(|_| TypesetError::LinkTooLong { index })?;
            places.push(SquareCodePlace {
                start: square_codes.len(),
                side: code.side(),
            });
            square_codes.extend_from_slice(code.luma());
        }
        let data = Data {
            organisation: &self.organisation,
            letters,
            square_codes: &places,
            square_code_alt: qr::ALT_TEXT,
        };
        let data = serde_json::to_vec(&data).map_err(|_| TypesetError::Data)?;
        Ok(Desk {
            stationery: &self.stationery,
            data: Bytes::new(data),
            square_codes: Bytes::new(square_codes),
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

/// What `letters.typ` reads.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    organisation: &'a Organisation,
    letters: &'a [LetterFields],
    square_codes: &'a [SquareCodePlace],
    square_code_alt: &'a str,
}

/// Where a square code lies in the one file of all square codes.
#[derive(Serialize)]
struct SquareCodePlace {
    start: usize,
    side: usize,
}

/// What all letters share: the library, the fonts and the files of the template.
struct Stationery {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    sources: HashMap<FileId, Source>,
    files: HashMap<FileId, Bytes>,
    main: FileId,
    data: FileId,
    square_codes: FileId,
}

impl Stationery {
    /// `None` when a file has a name that Typst cannot express.
    fn of(template: &Template) -> Option<Self> {
        let mut sources = HashMap::new();
        let mut files = HashMap::new();
        for (name, bytes) in template.files() {
            let id = file_id(&format!("/{name}"))?;
            if let (true, Ok(text)) = (name.ends_with(".typ"), bytes.as_str()) {
                sources.insert(id, Source::new(id, text.to_owned()));
            }
            files.insert(id, bytes.clone());
        }
        let main = file_id(MAIN_FILE)?;
        sources.insert(main, Source::new(main, MAIN_TEXT.to_owned()));
        let fonts = template.fonts().as_slice().to_vec();
        Some(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            sources,
            files,
            main,
            data: file_id(DATA_FILE)?,
            square_codes: file_id(SQUARE_CODES_FILE)?,
        })
    }
}

fn file_id(path: &str) -> Option<FileId> {
    Some(FileId::new(RootedPath::new(
        VirtualRoot::Project,
        VirtualPath::new(path).ok()?,
    )))
}

/// The world that Typst sees while it works on some letters: the files of the template and the data. No other file of
/// the machine, no package, no network, no clock.
struct Desk<'a> {
    stationery: &'a Stationery,
    data: Bytes,
    square_codes: Bytes,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.stationery.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.stationery.book
    }

    fn main(&self) -> FileId {
        self.stationery.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.stationery
            .sources
            .get(&id)
            .cloned()
            .ok_or_else(|| not_there(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.stationery.data {
            Ok(self.data.clone())
        } else if id == self.stationery.square_codes {
            Ok(self.square_codes.clone())
        } else {
            self.stationery
                .files
                .get(&id)
                .cloned()
                .ok_or_else(|| not_there(id))
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.stationery.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn not_there(id: FileId) -> FileError {
    match id.get().root() {
        VirtualRoot::Package(package) => {
            FileError::Package(PackageError::NotFound(package.clone()))
        }
        VirtualRoot::Project => FileError::NotFound(id.get().vpath().get_without_slash().into()),
    }
}

/// "letter.typ:12", or the template as a whole.
fn place_of(desk: &Desk<'_>, span: impl Into<DiagSpan>) -> String {
    let span = span.into();
    let Some(id) = span.id() else {
        return "the template".into();
    };
    let name = id.get().vpath().get_without_slash();
    let line = desk
        .range(span)
        .and_then(|range| desk.source(id).ok()?.lines().byte_to_line(range.start));
    line.map_or_else(|| name.to_owned(), |line| format!("{name}:{}", line + 1))
}

/// Where the first error is; if that is in the frame around the template, where the template is part of it.
fn place_of_first(desk: &Desk<'_>, errors: &[SourceDiagnostic]) -> String {
    let Some(error) = errors.first() else {
        return "the template".into();
    };
    let frame = |span: DiagSpan| span.id() == Some(desk.stationery.main) || span.id().is_none();
    let traced = error
        .trace
        .iter()
        .map(|step| DiagSpan::from(step.span))
        .find(|span| !frame(*span));
    let span = if frame(error.span) {
        traced.unwrap_or(error.span)
    } else {
        error.span
    };
    place_of(desk, span)
}

fn template_error(desk: &Desk<'_>, errors: &[SourceDiagnostic]) -> TypesetError {
    let message = errors.first().map_or_else(String::new, |error| {
        error
            .hints
            .iter()
            .fold(error.message.to_string(), |text, hint| {
                format!("{text} ({})", hint.v)
            })
    });
    TypesetError::Template {
        place: place_of_first(desk, errors),
        message,
    }
}
