//! The content of a page that all letters share: the sequences that are no fields.
//!
//! Lines of text are set again in the fonts that values are set in, if they come out the same: so a PDF of one letter has
//! one part of each font and not two, and letters that the typesetter laid out share the fonts of all others.

use std::collections::BTreeSet;

use super::content::{Kind, PageContent, Text};
use super::field::{Field, TextField, is_set_so};
use crate::fonts::Fonts;
use crate::glyphs::Glyphs;
use crate::shaper::{Features, Glyph, Shaper};
use crate::text_writer::{Look, TextWriter};

/// What all letters have on a page.
pub(super) struct SharedContent {
    pub bytes: Vec<u8>,
    /// What it is set in, of our fonts.
    pub glyphs: Glyphs,
}

/// A line that is set again.
struct Line {
    look: Look,
    place: (f64, f64),
    glyphs: Vec<Glyph>,
}

impl Line {
    /// `None` if it would not come out the same.
    fn of(text: &Text, fonts: &Fonts, shaper: &mut Shaper<'_>) -> Option<Self> {
        if text.is_reversed {
            return None;
        }
        let face = fonts.named(&text.font)?;
        let words = text.words();
        let is_latin = words.chars().any(char::is_alphabetic);
        let features = Features::EACH
            .into_iter()
            .find(|features| is_set_so(text, &words, face, *features, is_latin, fonts, shaper))?;
        Some(Self {
            look: text.look_in(face),
            place: (text.x, text.y),
            glyphs: shaper.line(face, &words, features, is_latin)?.to_vec(),
        })
    }
}

impl SharedContent {
    /// The content without the sequences that are fields (`taken`), and what these need below and before them.
    pub(super) fn of(
        content: &PageContent,
        taken: &BTreeSet<usize>,
        fields: &[Field],
        fonts: &Fonts,
        shaper: &mut Shaper<'_>,
    ) -> Self {
        let kept = content.sequences.iter().enumerate();
        let kept = kept.filter(|(at, _)| !taken.contains(at));
        let sequences: Vec<(&[u8], Option<Line>)> = kept
            .map(|(_, sequence)| {
                let line = match &sequence.kind {
                    Kind::Text(text) if content.is_plain => Line::of(text, fonts, shaper),
                    _ => None,
                };
                (sequence.bytes.as_slice(), line)
            })
            .collect();
        let (mut bytes, mut glyphs) = (Vec::new(), Glyphs::default());
        let mut writer: Option<TextWriter<'_>> = None;
        for (own, line) in &sequences {
            match line {
                Some(line) => {
                    let writer = writer.get_or_insert_with(|| {
                        bytes.extend_from_slice(b"q\n");
                        TextWriter::default()
                    });
                    let Some(font) = fonts.face(line.look.face) else {
                        continue;
                    };
                    writer.write(&line.look, line.place, &line.glyphs, font, &mut bytes);
                    let face = line.look.face;
                    line.glyphs
                        .iter()
                        .for_each(|glyph| glyphs.add(face, glyph.id));
                }
                None => {
                    // What stays as it is begins with nothing set, as it always did.
                    if writer.take().is_some() {
                        bytes.extend_from_slice(b"Q\n");
                    }
                    bytes.extend_from_slice(own);
                    bytes.push(b'\n');
                }
            }
        }
        if writer.is_some() {
            bytes.extend_from_slice(b"Q\n");
        }
        fields.iter().for_each(|field| field.ground(&mut bytes));
        // What each letter has of its own comes next, and begins with this line.
        if let Some(first) = first_line(fields) {
            TextWriter::default().select(&first.look, &mut bytes);
        }
        for field in fields {
            field
                .face()
                .into_iter()
                .for_each(|face| glyphs.add_font(face));
        }
        Self { bytes, glyphs }
    }
}

/// The line that a letter's own content begins with: what it is set with is set by the shared content.
pub(super) fn first_line(fields: &[Field]) -> Option<&TextField> {
    fields.iter().find_map(|field| match field {
        Field::Text(line, false) => Some(line),
        _ => None,
    })
}
