//! A template: the folder of words, pictures and fonts that an organisation can edit.
//!
//! All files are read once, when the template is opened; Typst sees these and nothing else of the machine.
//!
//! * `example`: what of it is still the built-in example's.
//! * [`settings`]: `template.toml`; its parts are [`organisation`], [`geometry`] and [`marks`].
//! * The words: a folder for each language, with `letter.typ`, `insert.typ`, `reminder.typ`, `nhs-login.typ`, `shared.typ` (what
//!   these say alike) and `translation.toml`; what all languages share is in `common.typ`.

mod example;
pub mod geometry;
pub mod marks;
pub mod organisation;
pub mod settings;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pkb_core::Fatal;
use pkb_core::record::Design;
use pkb_files::nearest::nearest_path;
use pkb_files::trusted_file::{self, Purpose, Unread};
use pkb_languages::LetterLanguage;
use pkb_values::LetterLanguages;
use thiserror::Error;
use typst::foundations::Bytes;

use crate::fonts::Fonts;
use organisation::{Organisation, Translation};
use settings::{Settings, SettingsError};

/// File name of the settings.
pub const SETTINGS_FILE: &str = "template.toml";
/// Folder, inside the template, of further fonts.
const FONTS_FOLDER: &str = "fonts/";

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../assets/template/", $name)) as &[u8])),+]
    };
}

/// What all languages share.
const SHARED: [(&str, &[u8]); 4] =
    built_in!["template.toml", "common.typ", "logo.svg", "signature.svg"];

/// The files of the built-in template.
fn built_in_files() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let languages = LetterLanguage::all().iter();
    let in_folders = languages.flat_map(|language| language.template_files.iter().copied());
    SHARED.into_iter().chain(in_folders)
}

/// The file with the words of a design in a language: `cy/letter.typ`.
#[must_use]
pub fn words_file(design: Design, language: &LetterLanguage) -> String {
    format!("{}/{}.typ", language.code, design.as_str())
}

/// The file with what a template says differently in a language.
#[must_use]
pub fn translation_file(language: &LetterLanguage) -> String {
    format!("{}/translation.toml", language.code)
}

/// The template folder cannot be used, or cannot be written.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// A file or folder could not be read or written.
    #[error("{}", no_access(path, source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that every template needs is not there.
    #[error("the template has no {name}")]
    FileMissing {
        /// The name inside the folder.
        name: String,
    },
    /// Somebody else could have changed a file.
    #[error("{0}")]
    Doubtful(Fatal),
    /// A symbolic link points out of the template folder.
    #[error("{} is a link to a place outside the template folder", path.display())]
    LinkOutside {
        /// The link.
        path: PathBuf,
    },
    /// A file name that is not UTF-8 cannot be reached from a template.
    #[error("{} is not a UTF-8 file name", path.display())]
    NameNotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// A text file is not UTF-8.
    #[error("{name} is not UTF-8 text")]
    NotUtf8 {
        /// The name inside the folder.
        name: String,
    },
    /// A file in `fonts/` holds no font.
    #[error("{name} is not a font")]
    NotAFont {
        /// The name inside the folder.
        name: String,
    },
    /// `template.toml` or the `translation.toml` of a language cannot be used.
    #[error("{file}: {error}")]
    Settings {
        /// The name inside the folder.
        file: String,
        /// What is wrong.
        error: SettingsError,
    },
    /// A template is only written where it cannot overwrite anything.
    #[error("{} is not an empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}

fn no_access(path: &Path, source: &io::Error) -> String {
    let shown = path.display();
    if source.kind() != io::ErrorKind::NotFound {
        return format!("failed to access {shown} ({})", source.kind());
    }
    match nearest_path(path) {
        Some(near) => format!(
            "{shown}: no such template. Did you mean {}?",
            near.display()
        ),
        None => format!("{shown}: no such template. To make one: pkb-letters template new FOLDER"),
    }
}

/// A template, read and checked.
#[derive(Debug, Clone)]
pub struct Template {
    settings: Settings,
    translations: BTreeMap<&'static str, Translation>,
    files: BTreeMap<String, Bytes>,
    fonts: Fonts,
    /// The languages whose script the fonts have: asked for with each patient.
    printable: Vec<&'static LetterLanguage>,
}

impl Template {
    /// Reads a template folder. Files whose names start with a dot are left out.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is missing, a link leads out of the folder, `template.toml` is wrong, or
    /// something in `fonts/` is not a font.
    pub fn open(dir: &Path) -> Result<Self, TemplateError> {
        let root = dir.canonicalize().map_err(|source| TemplateError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let mut files = BTreeMap::new();
        read_folder(&root, &root, "", &mut files)?;
        Self::from_files(files)
    }

    /// The built-in template: an invented organisation, and words of our own.
    ///
    /// # Errors
    ///
    /// None in a program that passed its tests.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::from_files(
            built_in_files()
                .map(|(name, bytes)| (name.to_owned(), Bytes::new(bytes)))
                .collect(),
        )
    }

    /// Writes the built-in template into a new or empty folder, as a starting point.
    ///
    /// # Errors
    ///
    /// When the folder has something in it, or cannot be written.
    pub fn write_to(dir: &Path) -> Result<(), TemplateError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| TemplateError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        if std::fs::read_dir(dir).map_err(io(dir))?.next().is_some() {
            return Err(TemplateError::NotEmpty {
                path: dir.to_owned(),
            });
        }
        for (name, bytes) in built_in_files() {
            let path = dir.join(name);
            let folder = path.parent().unwrap_or(dir);
            std::fs::create_dir_all(folder).map_err(io(folder))?;
            std::fs::write(&path, bytes).map_err(io(&path))?;
        }
        Ok(())
    }

    /// What `template.toml` says.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the template can have letters of a design in these languages: it has their words, and fonts for them.
    #[must_use]
    pub fn has(&self, design: Design, languages: LetterLanguages) -> bool {
        let has = |language: &&LetterLanguage| {
            self.has_words(design, language) && self.has_fonts(language)
        };
        languages.languages().iter().all(has)
    }

    /// All languages in which the template can have letters of a design.
    pub fn languages(&self, design: Design) -> impl Iterator<Item = LetterLanguages> {
        LetterLanguages::all().filter(move |languages| self.has(design, *languages))
    }

    /// Whether the template has the words of a design in a language.
    #[must_use]
    pub fn has_words(&self, design: Design, language: &LetterLanguage) -> bool {
        self.files.contains_key(&words_file(design, language))
    }

    /// Whether the fonts of the template have the script of a language. Fonts of large scripts are not built in.
    #[must_use]
    pub fn has_fonts(&self, language: &LetterLanguage) -> bool {
        self.printable.contains(&language)
    }

    /// Who sends the letters, as those in a language say it.
    #[must_use]
    pub fn organisation_in(&self, language: &LetterLanguage) -> Organisation {
        let organisation = &self.settings.organisation;
        match self.translations.get(language.code) {
            Some(translation) => organisation.translated(&translation.organisation),
            None => organisation.clone(),
        }
    }

    /// Whether the words in a language are drafts that nobody has approved yet.
    #[must_use]
    pub fn is_draft_in(&self, language: &LetterLanguage) -> bool {
        let translation = self.translations.get(language.code);
        !translation.is_some_and(|translation| translation.is_approved)
    }

    /// The built-in fonts and those of the template.
    #[must_use]
    pub const fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    /// The files by their path inside the folder, with `/` between the parts.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Bytes> {
        &self.files
    }

    fn from_files(files: BTreeMap<String, Bytes>) -> Result<Self, TemplateError> {
        let missing = |name: &str| TemplateError::FileMissing {
            name: name.to_owned(),
        };
        let text = |name: &str| {
            let bytes = files.get(name).ok_or_else(|| missing(name))?;
            bytes.as_str().map_err(|_| TemplateError::NotUtf8 {
                name: name.to_owned(),
            })
        };
        let settings = Settings::parse(text(SETTINGS_FILE)?).map_err(in_file(SETTINGS_FILE))?;
        let mut translations = BTreeMap::new();
        for language in LetterLanguage::all() {
            let file = translation_file(language);
            if files.contains_key(&file) {
                let translation = Translation::parse(text(&file)?, &settings.organisation);
                translations.insert(language.code, translation.map_err(in_file(&file))?);
            }
        }
        let organisation = &settings.organisation;
        for name in [&organisation.logo, &organisation.signature] {
            if !files.contains_key(name) {
                return Err(missing(name));
            }
        }
        let mut fonts = Fonts::built_in();
        for (name, bytes) in &files {
            if is_font(name) && fonts.add(bytes.clone()) == 0 {
                return Err(TemplateError::NotAFont { name: name.clone() });
            }
        }
        let printable = LetterLanguage::all()
            .iter()
            .filter(|language| fonts.can_print(language.own_name()))
            .collect();
        Ok(Self {
            settings,
            translations,
            files,
            fonts,
            printable,
        })
    }
}

fn in_file(file: &str) -> impl Fn(SettingsError) -> TemplateError {
    move |error| TemplateError::Settings {
        file: file.to_owned(),
        error,
    }
}

fn is_font(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    name.starts_with(FONTS_FOLDER)
        && ["ttf", "otf", "ttc", "otc"]
            .iter()
            .any(|wanted| extension.eq_ignore_ascii_case(wanted))
}

/// Reads a folder and those in it. A link is followed only to a place inside `root` (a mounted Kubernetes volume is made of such links).
fn read_folder(
    root: &Path,
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Bytes>,
) -> Result<(), TemplateError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Io { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let entry = entry.map_err(io(folder))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(TemplateError::NameNotUtf8 { path });
        };
        if name.starts_with('.') {
            continue;
        }
        let real = path.canonicalize().map_err(io(&path))?;
        if !real.starts_with(root) || root.starts_with(&real) {
            return Err(TemplateError::LinkOutside { path });
        }
        if real.is_dir() {
            read_folder(root, &real, &format!("{prefix}{name}/"), files)?;
        } else {
            let bytes =
                trusted_file::read(&real, Purpose::WORDS).map_err(|unread| match unread {
                    Unread::Io(source) => io(&path)(source),
                    Unread::Doubtful(fatal) => TemplateError::Doubtful(fatal),
                })?;
            files.insert(format!("{prefix}{name}"), Bytes::new(bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_template_opens_as_the_built_in_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        Template::write_to(&folder).unwrap();
        assert_eq!(
            Template::open(&folder).unwrap().files(),
            Template::built_in().unwrap().files()
        );
    }

    #[test]
    fn a_template_is_not_written_into_a_folder_that_has_something_in_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.txt"), "mine").unwrap();
        assert!(matches!(
            Template::write_to(dir.path()),
            Err(TemplateError::NotEmpty { .. })
        ));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn settings_with_an_unknown_key_fail_and_name_it() {
        let dir = tempfile::tempdir().unwrap();
        Template::write_to(dir.path()).unwrap();
        let path = dir.path().join(SETTINGS_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("colour = \"red\"\n{text}")).unwrap();
        let error = Template::open(dir.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("template.toml: line 1: ") && error.contains("`colour`"),
            "{error}"
        );
    }

    #[test]
    fn a_logo_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        Template::write_to(dir.path()).unwrap();
        std::fs::remove_file(dir.path().join("logo.svg")).unwrap();
        assert_eq!(
            Template::open(dir.path()).unwrap_err().to_string(),
            "the template has no logo.svg"
        );
    }

    #[test]
    fn a_font_folder_with_something_that_is_no_font_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Template::write_to(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("fonts")).unwrap();
        std::fs::write(dir.path().join("fonts/Fake.ttf"), "words").unwrap();
        assert_eq!(
            Template::open(dir.path()).unwrap_err().to_string(),
            "fonts/Fake.ttf is not a font"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_inside_the_folder_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("template");
        Template::write_to(&folder).unwrap();
        std::os::unix::fs::symlink(folder.join("logo.svg"), folder.join("same.svg")).unwrap();
        assert!(
            Template::open(&folder)
                .unwrap()
                .files()
                .contains_key("same.svg")
        );
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), folder.join("out.svg")).unwrap();
        assert!(matches!(
            Template::open(&folder),
            Err(TemplateError::LinkOutside { .. })
        ));
    }
}
