//! Letters that are to be written, and why they cannot be.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::fitting::{Fitted, Misfit, Value};
use crate::template::words::{Word, Words};
use crate::template::{Template, Unstampable};

/// A PDF cannot be written.
#[derive(Debug, Error)]
pub enum StampError {
    /// The output cannot be written.
    #[error("failed to write the PDF")]
    Io(#[from] io::Error),
    /// A value that is known late does not fit. Those that are known early are checked by [`Template::fit`].
    #[error("a letter cannot be stamped: {0}")]
    Misfit(#[from] Misfit),
    /// Templates that cannot stand in one PDF.
    #[error("letters cannot be in one PDF: {0}")]
    Apart(Unstampable),
    /// A font cannot be divided.
    #[error("a font cannot be embedded")]
    Font,
    /// A PDF has at least one page.
    #[error("there are no letters")]
    Empty,
    /// More objects than PDF can number.
    #[error("too many letters for one PDF")]
    TooMany,
}

/// A letter to be written.
pub struct Letter {
    /// Its template.
    pub template: Arc<Template>,
    /// Its values, set.
    pub fitted: Fitted,
    /// Values that are known late: words by the names of their slots.
    pub late: Vec<(&'static str, String)>,
    /// Pictures that are known late.
    pub late_pictures: Vec<(&'static str, crate::Bitmap)>,
}

impl Letter {
    /// A letter that is as its template is, which has no slots.
    #[must_use]
    pub fn as_it_is(template: Arc<Template>) -> Self {
        Self {
            fitted: template.unfitted(),
            template,
            late: Vec::new(),
            late_pictures: Vec::new(),
        }
    }

    pub(super) fn late<'a>(&'a self, slot: &str) -> Option<Value<'a>> {
        let text = self
            .late
            .iter()
            .find(|(name, _)| *name == slot)
            .map(|(_, text)| Value::Text(text));
        let picture = || self.late_pictures.iter().find(|(name, _)| *name == slot);
        text.or_else(|| picture().map(|(_, picture)| Value::Picture(picture)))
    }

    /// Words of a tag or bookmark, which are known late or belong to the template.
    pub(super) fn words(&self, words: &Words) -> Result<String, Misfit> {
        let mut text = String::new();
        for word in words {
            text.push_str(match word {
                Word::Fixed(fixed) => fixed,
                Word::Slot(slot) => match self.late(slot) {
                    Some(Value::Text(value)) => value,
                    _ => return Err(Misfit::NoValue),
                },
            });
        }
        Ok(text)
    }
}
