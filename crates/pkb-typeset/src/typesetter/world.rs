//! The world that Typst sees: the files of the template and the data of one letter.

use std::collections::{BTreeMap, HashMap};

use pkb_languages::{Labels, LetterLanguage};
use serde::Serialize;
use typst::diag::{FileError, FileResult, PackageError, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{DiagSpan, DiagSpanKind, FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use super::TypesetError;
use crate::template::{Template, geometry::Geometry, marks::Marks, organisation::Organisation};

/// Files that are not the template's. Their names are constant: Typst remembers every name it ever met.
const LETTER_MAIN: &str = "/pkb-letters.typ";
const OVERLAY_MAIN: &str = "/pkb-overlay.typ";
const SETTINGS_MODULE: &str = "/pkb-settings.typ";
const SETTINGS_DATA: &str = "/pkb-settings.json";
const LETTER_DATA: &str = "/data.json";
const QR_CODE: &str = "/qr-code.bin";
const OVERLAY_DATA: &str = "/overlay.json";
const BARCODE: &str = "/barcode.bin";

/// What the templates may import from [`SETTINGS_MODULE`]. A module is evaluated once, not once a letter.
const SETTINGS_TEXT: &str = "#let settings = json(\"/pkb-settings.json\")
#let geometry = settings.geometry
#let marks = settings.marks
#let senders = settings.senders
";

/// What all letters share: the library, the fonts and the files of the template.
pub(super) struct TemplateWorld {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    sources: HashMap<FileId, Source>,
    files: HashMap<FileId, Bytes>,
    letter: [FileId; 3],
    overlay: [FileId; 3],
}

/// `settings.geometry` and so on, as Typst reads them.
#[derive(Serialize)]
struct SettingsData<'a> {
    geometry: &'a Geometry,
    marks: &'a Marks,
    senders: BTreeMap<&'static str, Sender>,
}

/// Who sends letters, in one language.
#[derive(Serialize)]
struct Sender {
    #[serde(flatten)]
    organisation: Organisation,
    labels: &'static Labels,
}

impl TemplateWorld {
    /// `None` when a file has a name that Typst cannot express.
    pub(super) fn of(template: &Template) -> Option<Self> {
        let settings = template.settings();
        let mut sources = HashMap::new();
        let mut files = HashMap::new();
        for (name, bytes) in template.files() {
            let id = file_id(&format!("/{name}"))?;
            if let (true, Ok(text)) = (name.ends_with(".typ"), bytes.as_str()) {
                sources.insert(id, Source::new(id, text.to_owned()));
            }
            files.insert(id, bytes.clone());
        }
        for (name, text) in [
            (LETTER_MAIN, include_str!("../../assets/letters.typ")),
            (OVERLAY_MAIN, include_str!("../../assets/overlay.typ")),
            (SETTINGS_MODULE, SETTINGS_TEXT),
        ] {
            let id = file_id(name)?;
            sources.insert(id, Source::new(id, text.to_owned()));
        }
        let data = SettingsData {
            geometry: &settings.geometry,
            marks: &settings.marks,
            senders: LetterLanguage::all()
                .iter()
                .map(|language| {
                    let sender = Sender {
                        organisation: template.organisation_in(language),
                        labels: language.labels(),
                    };
                    (language.code, sender)
                })
                .collect(),
        };
        let data = serde_json::to_vec(&data).ok()?;
        files.insert(file_id(SETTINGS_DATA)?, Bytes::new(data));
        let fonts = template.fonts().as_slice().to_vec();
        let ids = |[main, data, picture]: [&str; 3]| {
            Some([file_id(main)?, file_id(data)?, file_id(picture)?])
        };
        Some(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            sources,
            files,
            letter: ids([LETTER_MAIN, LETTER_DATA, QR_CODE])?,
            overlay: ids([OVERLAY_MAIN, OVERLAY_DATA, BARCODE])?,
        })
    }

    /// The fonts, in the order in which they are tried.
    pub(super) fn fonts(&self) -> &[Font] {
        &self.fonts
    }

    /// Whether any font has a character.
    pub(super) fn has_glyph(&self, character: char) -> bool {
        let covers = |font: &Font| font.info().coverage.contains(character.into());
        self.fonts.iter().any(covers)
    }

    /// What Typst sees while it lays out a letter: its data and its QR code.
    pub(super) fn for_letter(&self, data: Vec<u8>, qr_code: Vec<u8>) -> LetterWorld<'_> {
        self.with(self.letter, data, qr_code)
    }

    /// What Typst sees while it lays out what is laid over letters: its data and its barcode.
    pub(super) fn for_overlay(&self, data: Vec<u8>, barcode: Vec<u8>) -> LetterWorld<'_> {
        self.with(self.overlay, data, barcode)
    }

    fn with(
        &self,
        [main, data_id, picture_id]: [FileId; 3],
        data: Vec<u8>,
        picture: Vec<u8>,
    ) -> LetterWorld<'_> {
        LetterWorld {
            shared: self,
            main,
            own: [
                (data_id, Bytes::new(data)),
                (picture_id, Bytes::new(picture)),
            ],
        }
    }

    /// "en/letter.typ:12", or the template as a whole.
    pub(super) fn place_of(&self, span: impl Into<DiagSpan>) -> String {
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
    pub(super) fn place_of_first(&self, errors: &[SourceDiagnostic]) -> String {
        let Some(error) = errors.first() else {
            return "the template".into();
        };
        let is_frame = |span: DiagSpan| span.id().is_none_or(|id| id == self.letter[0]);
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

    pub(super) fn template_error(&self, errors: &[SourceDiagnostic]) -> TypesetError {
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

/// The world that Typst sees while it works on a letter: the files of the template and the data. No other file of the
/// machine, no package, no network, no clock.
pub(super) struct LetterWorld<'a> {
    shared: &'a TemplateWorld,
    main: FileId,
    own: [(FileId, Bytes); 2],
}

impl World for LetterWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.shared.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.shared.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.shared
            .sources
            .get(&id)
            .cloned()
            .ok_or_else(|| not_there(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let own = self.own.iter().find(|(own, _)| *own == id);
        own.map(|(_, bytes)| bytes)
            .or_else(|| self.shared.files.get(&id))
            .cloned()
            .ok_or_else(|| not_there(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.shared.fonts.get(index).cloned()
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
