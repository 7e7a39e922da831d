//! The world that Typst sees: the files of the template and the data of one letter.

use std::collections::HashMap;

use typst::diag::{FileError, FileResult, PackageError, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{DiagSpan, DiagSpanKind, FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use crate::template::Template;
use crate::typesetter::TypesetError;

/// The frame around a template. Its name and those of the data are constant: Typst remembers every name it ever met.
const MAIN_FILE: &str = "/pkb-letters.typ";
const DATA_FILE: &str = "/data.json";
const SQUARE_CODE_FILE: &str = "/square-code.bin";
const MAIN_TEXT: &str = include_str!("../assets/letters.typ");

/// What all letters share: the library, the fonts and the files of the template.
pub(crate) struct Stationery {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    sources: HashMap<FileId, Source>,
    files: HashMap<FileId, Bytes>,
    main: FileId,
    data: FileId,
    square_code: FileId,
}

impl Stationery {
    /// `None` when a file has a name that Typst cannot express.
    pub(crate) fn of(template: &Template) -> Option<Self> {
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
            square_code: file_id(SQUARE_CODE_FILE)?,
        })
    }

    /// "letter.typ:12", or the template as a whole.
    pub(crate) fn place_of(&self, span: impl Into<DiagSpan>) -> String {
        let span = span.into();
        let Some(id) = span.id() else {
            return "the template".into();
        };
        let name = id.get().vpath().get_without_slash();
        let line = self.sources.get(&id).and_then(|source| {
            let start = match span.get() {
                DiagSpanKind::Detached => return None,
                DiagSpanKind::Number { num, sub_range, .. } => source.range(num, sub_range)?.start,
                DiagSpanKind::Range { range, .. } => range.start,
            };
            source.lines().byte_to_line(start)
        });
        line.map_or_else(|| name.to_owned(), |line| format!("{name}:{}", line + 1))
    }

    /// Where the first error is; if that is in the frame around the template, where the template is part of it.
    pub(crate) fn place_of_first(&self, errors: &[SourceDiagnostic]) -> String {
        let Some(error) = errors.first() else {
            return "the template".into();
        };
        let is_frame = |span: DiagSpan| span.id().is_none_or(|id| id == self.main);
        let traced = error
            .trace
            .iter()
            .map(|step| DiagSpan::from(step.span))
            .find(|span| !is_frame(*span));
        self.place_of(if is_frame(error.span) {
            traced.unwrap_or(error.span)
        } else {
            error.span
        })
    }

    pub(crate) fn template_error(&self, errors: &[SourceDiagnostic]) -> TypesetError {
        let message = errors.first().map_or_else(String::new, |error| {
            error
                .hints
                .iter()
                .fold(error.message.to_string(), |text, hint| {
                    format!("{text} ({})", hint.v)
                })
        });
        TypesetError::Template {
            place: self.place_of_first(errors),
            message,
        }
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
pub(crate) struct Desk<'a> {
    pub(crate) stationery: &'a Stationery,
    pub(crate) data: Bytes,
    pub(crate) square_code: Bytes,
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
        } else if id == self.stationery.square_code {
            Ok(self.square_code.clone())
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
