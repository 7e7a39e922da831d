//! Sets a line of text in one font, as the typesetter does: the same shaping, the same kerning, the same ligatures.
//!
//! Only what is certain is set: every glyph in the font, none moved off its line, and each with the one meaning that the
//! font gives it, so that the text can be copied from the PDF. Everything else is left to the typesetter. Lines with Arabic
//! words are cut into runs first (`runs`).

use std::cell::OnceCell;
use std::collections::HashMap;

use rustybuzz::{
    BufferFlags, Direction, Feature, Script, ShapePlan, UnicodeBuffer, script, ttf_parser::Tag,
};

use crate::fonts::{Face, Fonts};
use crate::line_cache::LineCache;

/// Which features of a font are switched off. A PDF does not say, so the template reader tries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Features {
    pub kerning: bool,
    pub ligatures: bool,
}

impl Features {
    /// What text has if nobody says otherwise.
    pub(crate) const ALL: Self = Self {
        kerning: true,
        ligatures: true,
    };
    /// All that are tried, the likeliest first.
    pub(crate) const EACH: [Self; 4] = [
        Self::ALL,
        Self {
            kerning: true,
            ligatures: false,
        },
        Self {
            kerning: false,
            ligatures: true,
        },
        Self {
            kerning: false,
            ligatures: false,
        },
    ];

    fn list(self) -> Vec<Feature> {
        let off = |tag: &[u8; 4]| Feature::new(Tag::from_bytes(tag), 0, ..);
        let kerning = (!self.kerning).then(|| off(b"kern"));
        let ligatures = (!self.ligatures).then(|| [off(b"liga"), off(b"clig")]);
        kerning
            .into_iter()
            .chain(ligatures.into_iter().flatten())
            .collect()
    }
}

/// A glyph of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub id: u16,
    /// From this glyph to the next, in units of the font: its width and the kerning behind it.
    pub advance: i32,
    /// Where its text begins, in bytes of the line.
    pub start: u32,
}

/// Sets lines. One thread's: it keeps what it can use again.
pub struct Shaper<'f> {
    /// A font is read when the first line is set in it.
    faces: Vec<(&'f Face, OnceCell<Option<rustybuzz::Face<'f>>>)>,
    plans: HashMap<(usize, Features, bool, Script), ShapePlan>,
    buffer: Option<UnicodeBuffer>,
    glyphs: Vec<Glyph>,
    cache: LineCache,
}

impl<'f> Shaper<'f> {
    /// A shaper with these fonts.
    #[must_use]
    pub fn new(fonts: &'f Fonts) -> Self {
        Self::of(fonts.faces().iter())
    }

    pub(crate) fn of(faces: impl Iterator<Item = &'f Face>) -> Self {
        Self {
            faces: faces.map(|face| (face, OnceCell::new())).collect(),
            plans: HashMap::new(),
            buffer: None,
            glyphs: Vec::new(),
            cache: LineCache::default(),
        }
    }

    /// A font.
    pub(crate) fn face(&self, at: usize) -> Option<&'f Face> {
        self.faces.get(at).map(|(face, _)| *face)
    }

    /// The glyphs of a line, whatever they mean. `is_latin`: the line is part of Latin text even if it has no letters.
    /// `None` if a glyph is missing or off the line.
    pub(crate) fn raw(
        &mut self,
        face: usize,
        text: &str,
        features: Features,
        is_latin: bool,
    ) -> Option<Vec<Glyph>> {
        let is_whole = self.shape(face, text, features, Direction::LeftToRight, is_latin)
            && self.glyphs.iter().all(|glyph| glyph.id != 0);
        is_whole.then(|| self.glyphs.clone())
    }

    /// The glyphs of a text that runs from right to left, from left to right, whatever they mean; 0 are those that are
    /// missing. `None` if one is off the line.
    pub(crate) fn right_to_left(
        &mut self,
        face: usize,
        text: &str,
        features: Features,
    ) -> Option<Vec<Glyph>> {
        self.shape(face, text, features, Direction::RightToLeft, false)
            .then(|| self.glyphs.clone())
    }

    /// As [`Self::raw`], but each glyph has its one meaning.
    pub(crate) fn line(
        &mut self,
        face: usize,
        text: &str,
        features: Features,
        is_latin: bool,
    ) -> Option<&[Glyph]> {
        let how = (face, features, is_latin);
        if self.cache.get(how, text).is_some() {
            // Asked twice, for the sake of the borrow checker; it is still much quicker than to set it.
            return self.cache.get(how, text);
        }
        if !self.shape(face, text, features, Direction::LeftToRight, is_latin) {
            return None;
        }
        let (font, _) = self.faces.get(face)?;
        let ends = self
            .glyphs
            .iter()
            .skip(1)
            .map(|glyph| glyph.start)
            .chain([u32::try_from(text.len()).ok()?]);
        let mut glyphs = self.glyphs.iter().zip(ends);
        if !glyphs.all(|(glyph, end)| font.means(glyph, text, end)) {
            return None;
        }
        self.cache.keep(how, text, &self.glyphs);
        Some(&self.glyphs)
    }

    /// Whether there are glyphs, and none is off the line.
    fn shape(
        &mut self,
        face: usize,
        text: &str,
        features: Features,
        direction: Direction,
        is_latin: bool,
    ) -> bool {
        self.glyphs.clear();
        let Some((whole, read)) = self.faces.get(face) else {
            return false;
        };
        let Some(font) = read.get_or_init(|| whole.parsed()) else {
            return false;
        };
        let mut buffer = self.buffer.take().unwrap_or_default();
        buffer.push_str(text);
        buffer.set_direction(direction);
        if is_latin {
            buffer.set_script(script::LATIN);
        }
        buffer.guess_segment_properties();
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let script = buffer.script();
        let plan = self
            .plans
            .entry((face, features, direction == Direction::RightToLeft, script))
            .or_insert_with(|| {
                ShapePlan::new(font, direction, Some(script), None, &features.list())
            });
        let shaped = rustybuzz::shape_with_plan(font, plan, buffer);
        let mut is_flat = true;
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            is_flat &= position.x_offset == 0 && position.y_offset == 0;
            self.glyphs.push(Glyph {
                id: u16::try_from(info.glyph_id).unwrap_or_default(),
                advance: position.x_advance,
                start: info.cluster,
            });
        }
        self.buffer = Some(shaped.clear());
        is_flat && !self.glyphs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::tests::fonts;

    #[test]
    fn welsh_and_polish_names_are_set_and_kerned() {
        let fonts = fonts();
        let mut shaper = Shaper::new(&fonts);
        for name in [
            "Siân Ŵyn Llŷr",
            "Łukasz Żółć",
            "O’Brien-Smith",
            "27b The Mews",
        ] {
            let glyphs = shaper.line(0, name, Features::ALL, true).unwrap();
            assert_eq!(glyphs.len(), name.chars().count(), "{name}");
        }
        let natural = fonts.face(0).unwrap();
        let is_kerned = |glyph: &&Glyph| glyph.advance != natural.advance(glyph.id);
        let with = |shaper: &mut Shaper<'_>, features| {
            shaper
                .line(0, "AVAWA", features, true)
                .unwrap()
                .iter()
                .filter(is_kerned)
                .count()
        };
        assert!(with(&mut shaper, Features::ALL) > 0);
        assert_eq!(
            with(
                &mut shaper,
                Features {
                    kerning: false,
                    ligatures: true
                }
            ),
            0
        );
    }

    #[test]
    fn what_has_no_glyph_or_another_meaning_is_not_set() {
        let fonts = fonts();
        let mut shaper = Shaper::new(&fonts);
        for text in [
            "王",
            "a\u{A0}b",
            "e\u{301}",
            "e\u{323}\u{301}",
            "",
            "a\u{AD}b",
        ] {
            assert!(
                shaper.line(0, text, Features::ALL, true).is_none(),
                "{text:?}"
            );
        }
    }
}
