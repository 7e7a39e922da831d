//! Letters by the stamp engine (`pkb-stamp`): Typst lays out a page once with placeholder values, and each letter is that
//! page with its own values. About twenty times quicker than laying out each letter.
//!
//! A page for each *variant*: languages, print, number of address lines, date. It is made when its first letter comes, and
//! what it can hold is tried with it (see [`pkb_stamp::template`]): the widest values that move nothing else, and all
//! characters that values may have. A letter that a variant cannot hold, for whatever reason, is laid out by Typst as it
//! always was, and stands in the same file at its place. Which letters these are depends on the template and the letter
//! only, so that the same letters are the same bytes.

mod placeholders;
mod reading;
mod variants;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;
use parking_lot::Mutex;
use pkb_stamp::{Bitmap, Document, Fitted, Fonts, Letter, LetterWriter, Shaper, Template, Value};
use pkb_values::LetterLanguages;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use super::overlay::barcode_of;
use super::qr::QrSymbol;
use super::world::TemplateWorld;
use super::{TypesetError, Typesetter, samples};
use crate::{
    letter_fields::LetterFields,
    template::{marks::Barcode, words_file},
};
#[cfg(test)]
pub(super) use variants::has_arabic;
use variants::{MAX_LINES, Read, Variant};

/// What makes the letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Stamping if the template and the letter allow it. Typst for all others, and for files of a few letters
    #[default]
    Auto,
    /// Stamping in all files. A template that cannot be stamped is an error
    Stamp,
    /// Typst lays out each letter
    Typst,
}

impl Engine {
    /// As on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Stamp => "stamp",
            Self::Typst => "typst",
        }
    }
}

/// Slots whose values are known when letters are bound.
const LATE: [&str; 3] = ["number", "last_number", "barcode"];
/// Letters of a file from which on [`Engine::Auto`] stamps: for fewer, Typst is done before a page is prepared.
const WORTH_STAMPING: usize = 20;
/// Bytes of a file of one letter: room for most.
const A_FILE: usize = 28 << 10;

/// The variants of a design, as they come.
pub(super) struct Stamping {
    pub(super) fonts: Fonts,
    variants: Mutex<HashMap<Variant, Arc<OnceLock<Read>>>>,
    /// Fewer letters than these are not stamped.
    pub(super) at_least: usize,
}

impl Stamping {
    pub(super) fn new(world: &TemplateWorld, engine: Engine) -> Self {
        let mut fonts = Fonts::new();
        for font in world.fonts() {
            fonts.add(font.data(), font.index());
        }
        Self {
            fonts,
            variants: Mutex::default(),
            at_least: if engine == Engine::Stamp {
                0
            } else {
                WORTH_STAMPING
            },
        }
    }

    /// Those who set values.
    pub(super) fn shapers(&self) -> Shapers<'_> {
        Shapers {
            fonts: &self.fonts,
            idle: Mutex::default(),
        }
    }

    /// Where the page of a variant is, or will be.
    fn place_of(&self, variant: &Variant) -> Arc<OnceLock<Read>> {
        let mut variants = self.variants.lock();
        if let Some(known) = variants.get(variant) {
            return known.clone();
        }
        variants.entry(variant.clone()).or_default().clone()
    }
}

/// What threads set values with: each has one for a while, which knows what others have set with it.
pub(super) struct Shapers<'f> {
    fonts: &'f Fonts,
    idle: Mutex<Vec<Shaper<'f>>>,
}

impl<'f> Shapers<'f> {
    /// Lends one to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Shaper<'f>) -> T) -> T {
        let idle = self.idle.lock().pop();
        let mut shaper = idle.unwrap_or_else(|| Shaper::new(self.fonts));
        let done = work(&mut shaper);
        self.idle.lock().push(shaper);
        done
    }
}

/// A letter that fits a variant.
pub(super) struct Stamped {
    template: Arc<Template>,
    fitted: Fitted,
}

impl Stamped {
    pub(super) fn page_count(&self) -> usize {
        self.template.page_count()
    }
}

impl Typesetter {
    /// A letter by the stamp engine; `None` if Typst must lay it out.
    pub(super) fn stamped(
        &self,
        letter: &LetterFields,
        shaper: &mut Shaper<'_>,
    ) -> Option<Stamped> {
        let template = self.variant_of(letter)?.ok()?;
        let square = QrSymbol::of(&letter.join_url).ok()?.bitmap()?;
        let dates = dates(letter);
        let value = |slot: &str| -> Option<Value<'_>> {
            Some(match slot {
                "name" => Value::Text(&letter.name),
                "first_name" => Value::Text(&letter.first_name),
                "last_name" => Value::Text(&letter.last_name),
                "invitation_code" => Value::Text(&letter.invitation_code),
                "access_code" => Value::Text(&letter.access_code),
                "qr_code" => Value::Picture(&square),
                other => match other.strip_prefix("address.") {
                    Some(line) => Value::Text(letter.address.get(line.parse::<usize>().ok()?)?),
                    None => Value::Text(
                        dates
                            .iter()
                            .find(|(slot, _)| slot == other)
                            .map(|(_, date)| date)?,
                    ),
                },
            })
        };
        let fitted = template.fit(shaper, &value).ok()?;
        Some(Stamped { template, fitted })
    }

    /// Whether letters like this one can be stamped: tries values of usual length.
    ///
    /// # Errors
    ///
    /// Why not, in words that follow "because".
    pub fn is_stampable(&self, letter: &LetterFields) -> Result<(), String> {
        match self.stamping.as_ref().zip(self.variant(letter)) {
            Some((stamping, variant)) => self
                .try_usual(&variant, stamping)
                .map_err(|reason| reason.to_string()),
            None => Err(format!("it has more than {MAX_LINES} lines of address")),
        }
    }

    /// [`Engine::Stamp`] is for those who want to know. Scripts other than Latin are laid out by Typst in any case.
    pub(super) fn must_be_stampable(&self) -> Result<(), TypesetError> {
        let languages = self.languages.iter().copied();
        let is_latin = |own: &LetterLanguages| own.languages().iter().all(|one| one.is_latin());
        let letters = samples(languages.filter(is_latin));
        let tried = self
            .workers
            .map(&letters, |letter| self.is_stampable(letter))?;
        for (letter, tried) in letters.iter().zip(tried) {
            tried.map_err(|reason| TypesetError::NotStampable {
                place: words_file(self.design, letter.languages.first()),
                what: format!(
                    "{}, {} print",
                    letter.languages.as_str(),
                    letter.format.as_str()
                ),
                reason,
            })?;
        }
        Ok(())
    }

    fn barcode(&self, number: u64) -> Result<Option<Bitmap>, TypesetError> {
        let barcode = barcode_of(&self.settings.marks, number)?;
        Ok(barcode.and_then(|(size, luma)| Bitmap::from_luma(size.columns, &luma)))
    }

    pub(super) fn letter(
        &self,
        stamped: Stamped,
        number: u64,
        last_of_file: u64,
    ) -> Result<Letter, TypesetError> {
        let barcode = if self.settings.marks.barcode == Barcode::None {
            None
        } else {
            self.barcode(number)?
        };
        Ok(Letter {
            template: stamped.template,
            fitted: stamped.fitted,
            late: vec![
                ("number", format!("{number:06}")),
                ("last_number", format!("{last_of_file:06}")),
            ],
            late_pictures: barcode
                .map(|picture| ("barcode", picture))
                .into_iter()
                .collect(),
        })
    }

    /// A PDF of each of the letters that are stamped.
    pub(super) fn stamp_each(
        &self,
        numbered: Vec<(u64, Stamped)>,
        last_of_file: u64,
    ) -> Result<Vec<Vec<u8>>, TypesetError> {
        let Some(stamping) = &self.stamping else {
            return Ok(Vec::new());
        };
        self.exporter.install(|| {
            numbered
                .into_par_iter()
                .map_init(
                    || LetterWriter::new(&stamping.fonts),
                    |writer, (number, stamped)| {
                        let letter = self.letter(stamped, number, last_of_file)?;
                        Ok(Document::of_one(
                            Vec::with_capacity(A_FILE),
                            writer,
                            letter,
                        )?)
                    },
                )
                .collect()
        })
    }
}

/// The last day of the codes in each language of the letter, with its slot.
fn dates(letter: &LetterFields) -> Vec<(String, String)> {
    let languages = letter.languages.languages().iter();
    languages
        .map(|language| {
            let slot = format!("expires_on.{}", language.code);
            (slot, language.date(letter.last_day))
        })
        .collect()
}
