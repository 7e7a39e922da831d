//! Lines that were set lately: dates, towns and first names come again and again, and to set a line takes longer than to
//! write it.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use crate::shaper::{Features, Glyph};

/// Lines that are kept: more than a day of letters has of towns, few enough to stay near the processor.
const KEPT: usize = 512;

/// How a line is set.
pub(crate) type How = (usize, Features, bool);

/// A line that was set, or none yet.
#[derive(Default)]
struct Line {
    how: Option<How>,
    text: String,
    glyphs: Vec<Glyph>,
}

/// The line that was set last at each of some places; which place a line has, its text says.
#[derive(Default)]
pub(crate) struct LineCache {
    lines: Vec<Line>,
    hasher: FixedState,
}

impl LineCache {
    fn place(&self, how: How, text: &str) -> usize {
        // The remainder is below KEPT.
        (self.hasher.hash_one((how, text)) % KEPT as u64) as usize
    }

    /// The glyphs of a line, if they are known.
    pub(crate) fn get(&self, how: How, text: &str) -> Option<&[Glyph]> {
        let line = self.lines.get(self.place(how, text))?;
        (line.how == Some(how) && line.text == text).then_some(&line.glyphs)
    }

    /// Keeps a line in the place of another.
    pub(crate) fn keep(&mut self, how: How, text: &str, glyphs: &[Glyph]) {
        let place = self.place(how, text);
        if self.lines.is_empty() {
            self.lines.resize_with(KEPT, Line::default);
        }
        // What the other had room for is used again.
        if let Some(line) = self.lines.get_mut(place) {
            line.how = Some(how);
            line.text.clear();
            line.text.push_str(text);
            line.glyphs.clear();
            line.glyphs.extend_from_slice(glyphs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_as_it_was_set_and_in_no_other_way() {
        let mut cache = LineCache::default();
        let glyph = |id| Glyph {
            id,
            advance: 500,
            start: 0,
        };
        let how = |face, kerning, is_latin| {
            let features = Features {
                kerning,
                ligatures: true,
            };
            (face, features, is_latin)
        };
        let plain = how(0, true, true);
        assert_eq!(cache.get(plain, "Byker"), None);
        cache.keep(plain, "Byker", &[glyph(7)]);
        assert_eq!(cache.get(plain, "Byker"), Some(&[glyph(7)][..]));
        for other in [how(1, true, true), how(0, false, true), how(0, true, false)] {
            assert_eq!(cache.get(other, "Byker"), None);
        }
        // Many more than are kept: each is what was kept last, or is not there.
        let lines = 0..5_000_u16;
        for line in lines.clone() {
            cache.keep(plain, &line.to_string(), &[glyph(line), glyph(1)]);
            let own = cache.get(plain, &line.to_string()).unwrap();
            assert_eq!(own, [glyph(line), glyph(1)]);
        }
        let found = lines.filter(|line| {
            let own = cache.get(plain, &line.to_string());
            own.is_some_and(|own| own == [glyph(*line), glyph(1)])
        });
        assert!((1..=KEPT).contains(&found.count()));
    }
}
