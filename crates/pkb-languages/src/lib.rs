//! The languages of letters. Each is a folder in `languages/` and its code in the list below: nothing else in this project
//! names a language, except that English is what letters are in where nothing else is known.
//!
//! * `language.toml`: its name and codes, how it writes dates and page numbers, and what the frame of a letter says in it.
//! * `letter.typ`, `insert.typ`, `reminder.typ`, `nhs-login.typ`: the words of each design, for the built-in letter template; `shared.typ`: what
//!   they say alike.
//! * `translation.toml`: what the organisation of that template says differently in it, and whether the words are approved.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

macro_rules! folders {
    ($($code:literal),+ $(,)?) => {
        [$(Folder {
            code: $code,
            language: include_str!(concat!("../languages/", $code, "/language.toml")),
            template_files: folders!(@ $code, "letter.typ", "insert.typ", "reminder.typ", "nhs-login.typ", "shared.typ", "translation.toml"),
        }),+]
    };
    (@ $code:literal, $($name:literal),+) => {
        &[$((
            concat!($code, "/", $name),
            include_bytes!(concat!("../languages/", $code, "/", $name)) as &[u8],
        )),+]
    };
}

/// All languages. English comes first; the order is that of help and reports.
const FOLDERS: [Folder; 8] = folders!["en", "cy", "pl", "ro", "pa", "ur", "bn", "ar"];

/// What is in the folder of a language.
struct Folder {
    code: &'static str,
    language: &'static str,
    template_files: &'static [(&'static str, &'static [u8])],
}

/// A language that letters can be in. Languages are ordered as in the list of them.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterLanguage {
    position: usize,
    /// Its code, which is also the name of its folder: `cy`.
    pub code: &'static str,
    /// The files of its folder in a letter template, by their paths: `cy/letter.typ`.
    pub template_files: &'static [(&'static str, &'static [u8])],
    words: Words,
}

/// `language.toml`.
#[derive(Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    name: String,
    own_name: String,
    #[serde(default)]
    font: Option<String>,
    codes: Vec<String>,
    /// None if dates have the number of the month.
    #[serde(default)]
    months: Vec<String>,
    date: String,
    page: String,
    #[serde(default)]
    right_to_left: bool,
    #[serde(default)]
    comes_with_english: bool,
    /// In hundredths of the letter size, because a language is compared with others.
    #[serde(default)]
    line_gap: Option<u8>,
    labels: Labels,
}

/// What the frame of a letter says in a language.
#[derive(Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Before a phone number.
    pub phone: String,
    /// Before the address of the privacy notice.
    pub privacy_notice: String,
    /// What a screen reader says in place of the logo, before the name of the organisation.
    pub logo: String,
    /// What a screen reader says in place of the QR code. It holds no code and no link.
    pub qr_code: String,
}

/// A test reads all folders.
static LANGUAGES: LazyLock<Vec<LetterLanguage>> = LazyLock::new(|| {
    let language = |(position, folder): (usize, &Folder)| LetterLanguage {
        position,
        code: folder.code,
        template_files: folder.template_files,
        words: toml::from_str(folder.language).unwrap_or_default(),
    };
    FOLDERS.iter().enumerate().map(language).collect()
});

impl LetterLanguage {
    /// All languages, English first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &LANGUAGES
    }

    /// What letters are in where nothing else is known.
    #[must_use]
    pub fn english() -> &'static Self {
        &LANGUAGES[0]
    }

    /// The language with a code of ISO 639, of two or three letters; `None` if letters cannot be in it.
    #[must_use]
    pub fn of_code(code: &str) -> Option<&'static Self> {
        let has_code = |language: &&Self| language.words.codes.iter().any(|own| own == code);
        Self::all().iter().find(has_code)
    }

    /// Its name in English.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.words.name
    }

    /// Its name in itself, by which is seen whether a font has its script.
    #[must_use]
    pub fn own_name(&self) -> &str {
        &self.words.own_name
    }

    /// A font that has its script, if those that are built in have not.
    #[must_use]
    pub fn font(&self) -> Option<&str> {
        self.words.font.as_deref()
    }

    /// Whether a patient who prefers it gets the letter in English, too: staff who are asked about it can then read it.
    #[must_use]
    pub fn comes_with_english(&self) -> bool {
        self.words.comes_with_english
    }

    /// From the base of a line to the top of the capitals of the next, as a part of the letter size, for a script whose letters
    /// need more than Latin ones.
    #[must_use]
    pub fn line_gap(&self) -> Option<f32> {
        let gap = self.words.line_gap?;
        Some(f32::from(gap) / 100.0)
    }

    /// Whether it is written in Latin letters.
    #[must_use]
    pub fn is_latin(&self) -> bool {
        // All of Latin Extended-A and what comes before it.
        self.own_name().chars().all(|letter| letter < '\u{180}')
    }

    /// Whether it is written from right to left.
    #[must_use]
    pub fn is_right_to_left(&self) -> bool {
        self.words.right_to_left
    }

    /// What the frame of a letter says.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.words.labels
    }

    /// A date as it writes it: "22 December 2026", "22 Rhagfyr 2026".
    #[must_use]
    pub fn date(&self, date: Date) -> String {
        let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
        let month = self.words.months.get(month).map_or("", String::as_str);
        let numbers = [
            ("{day}", date.day().to_string()),
            ("{month_number}", date.month().to_string()),
            ("{year}", date.year().to_string()),
        ];
        filled(&self.words.date, &numbers).replace("{month}", month)
    }

    /// The number of a page: "Page 1 of 2", "Tudalen 1 o 2".
    #[must_use]
    pub fn page(&self, page: usize, pages: usize) -> String {
        let numbers = [("{page}", page.to_string()), ("{pages}", pages.to_string())];
        filled(&self.words.page, &numbers)
    }
}

fn filled(form: &str, values: &[(&str, String)]) -> String {
    let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
    values.iter().fold(form.to_owned(), fill)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_folder_can_be_read_and_says_everything() {
        for (folder, language) in FOLDERS.iter().zip(LetterLanguage::all()) {
            let words: Words = toml::from_str(folder.language)
                .unwrap_or_else(|error| panic!("{}: {error}", folder.code));
            assert_eq!(words, language.words);
            assert!(words.codes.iter().any(|code| code == folder.code));
            let (month, months) = match words.months.is_empty() {
                true => ("{month_number}", 0),
                false => ("{month}", 12),
            };
            assert_eq!(words.months.len(), months, "{}", folder.code);
            assert!(!words.own_name.is_empty(), "{}", folder.code);
            for place in ["{day}", month, "{year}"] {
                assert!(words.date.contains(place), "{}: {place}", folder.code);
            }
            for place in ["{page}", "{pages}"] {
                assert!(words.page.contains(place), "{}: {place}", folder.code);
            }
        }
    }

    #[test]
    fn every_folder_is_in_the_list() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/languages")).unwrap();
        let mut folders: Vec<String> = folders
            .map(|folder| folder.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let mut listed: Vec<&str> = LetterLanguage::all()
            .iter()
            .map(|language| language.code)
            .collect();
        listed.sort_unstable();
        assert_eq!(folders, listed);
    }

    #[test]
    fn dates_and_pages_are_written_as_each_language_does() {
        let (en, cy) = (
            LetterLanguage::english(),
            LetterLanguage::of_code("cym").unwrap(),
        );
        assert_eq!(
            (en.code, en.name(), cy.code, cy.name()),
            ("en", "English", "cy", "Welsh")
        );
        assert_eq!(en.date(date(2026, 12, 2)), "2 December 2026");
        assert_eq!(cy.date(date(2026, 12, 2)), "2 Rhagfyr 2026");
        assert_eq!(cy.date(date(2027, 1, 31)), "31 Ionawr 2027");
        assert_eq!(cy.page(1, 2), "Tudalen 1 o 2");
        assert_eq!(en.page(2, 2), "Page 2 of 2");
        // What is written in one direction in all scripts, and in figures that all readers of English know.
        let ur = LetterLanguage::of_code("urd").unwrap();
        assert_eq!(ur.date(date(2026, 12, 2)), "2/12/2026");
        assert!(ur.is_right_to_left() && !cy.is_right_to_left());
        assert!(cy.is_latin() && !ur.is_latin());
        assert_eq!(LetterLanguage::of_code("tlh"), None);
    }
}
