//! The pages that letters are stamped into: one for each variant, made when its first letter comes.

use std::sync::Arc;

use jiff::civil::Date;
use pkb_stamp::{Template, Unstampable};
use pkb_values::{LetterFormat, LetterLanguages};

use super::Stamping;
use crate::letter_fields::LetterFields;
use crate::typesetter::Typesetter;

/// Address lines that a variant is made for at most; more go to Typst.
pub(super) const MAX_LINES: usize = 8;

/// Address lines of the variant that shows which characters come out right: as many as most letters have, and as the
/// sample that each template is tried with.
pub(super) const SHOWN_LINES: usize = 4;

/// What a letter has in common with others that the same page serves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub languages: LetterLanguages,
    pub format: LetterFormat,
    pub lines: usize,
    pub letter_date: Date,
    pub join_address: String,
    /// Whether its values may have Arabic words.
    pub with_arabic: bool,
}

/// The page of a variant, or why there is none.
pub(super) type Read = Result<Arc<Template>, Unstampable>;

impl Typesetter {
    /// The page for a letter, made if it is the first of its kind.
    pub(super) fn variant_of(&self, letter: &LetterFields) -> Option<Read> {
        let (stamping, variant) = (self.stamping.as_ref()?, self.variant(letter)?);
        if let Some(known) = stamping.place_of(&variant).get() {
            return Some(known.clone());
        }
        Some(self.made(&variant, stamping))
    }

    /// Makes a variant unless it is made; if another thread is at it, waits for that one. A variant needs another for its
    /// making, but never itself through that.
    fn made(&self, variant: &Variant, stamping: &Stamping) -> Read {
        let place = stamping.place_of(variant);
        let read = place.get_or_init(|| {
            let like = self.like(variant);
            let like = like.map(|like| self.made(&like, stamping)).transpose()?;
            let read = self.read_variant(variant, like.as_deref(), stamping);
            // What Typst remembers of its probes is of no use to letters.
            comemo::evict(0);
            read
        });
        read.clone()
    }

    /// The variant that shows what this one need not show again: which characters come out right does not depend on the
    /// number of lines.
    fn like(&self, variant: &Variant) -> Option<Variant> {
        let lines = match variant.with_arabic {
            true => variant.lines,
            false if self.design.has_address() => SHOWN_LINES,
            false => 0,
        };
        let like = Variant {
            lines,
            with_arabic: false,
            ..variant.clone()
        };
        (like != *variant).then_some(like)
    }

    /// What the page of a letter is made for; `None` if no page is.
    pub(super) fn variant(&self, letter: &LetterFields) -> Option<Variant> {
        let lines = if self.design.has_address() {
            letter.address.len()
        } else {
            0
        };
        (lines <= MAX_LINES).then(|| Variant {
            languages: letter.languages,
            format: letter.format,
            lines,
            letter_date: letter.letter_date,
            join_address: letter.join_address.clone(),
            with_arabic: has_arabic(letter),
        })
    }
}

/// Whether a letter has values with Arabic letters.
pub(in crate::typesetter) fn has_arabic(letter: &LetterFields) -> bool {
    let is_arabic = |text: &String| text.chars().any(|own| matches!(own, '\u{600}'..='\u{6FF}'));
    [&letter.name, &letter.first_name, &letter.last_name]
        .into_iter()
        .chain(&letter.address)
        .any(is_arabic)
}
