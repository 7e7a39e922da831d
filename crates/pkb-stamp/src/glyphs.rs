//! Which glyphs of which fonts are used, as one bit each: millions are added.

use std::collections::{BTreeMap, BTreeSet};

/// Glyphs of several fonts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Glyphs(BTreeMap<usize, Vec<u64>>);

impl Glyphs {
    /// Notes that a font is there, with whatever glyphs.
    pub(crate) fn add_font(&mut self, font: usize) {
        self.0.entry(font).or_default();
    }

    pub(crate) fn add(&mut self, font: usize, glyph: u16) {
        let set = self.0.entry(font).or_default();
        let word = usize::from(glyph / 64);
        if set.len() <= word {
            set.resize(word + 1, 0);
        }
        if let Some(bits) = set.get_mut(word) {
            *bits |= 1 << (glyph % 64);
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (font, theirs) in &other.0 {
            let set = self.0.entry(*font).or_default();
            if set.len() < theirs.len() {
                set.resize(theirs.len(), 0);
            }
            let both = set.iter_mut().zip(theirs);
            both.for_each(|(own, bits)| *own |= bits);
        }
    }

    /// The fonts that are there.
    pub(crate) fn fonts(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    /// The fonts that are there, and the glyphs of each, in order.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, BTreeSet<u16>)> {
        let sets = self.0.iter();
        sets.map(|(font, set)| (*font, glyphs_of(set)))
    }
}

fn glyphs_of(set: &[u64]) -> BTreeSet<u16> {
    let words = (0_u32..).step_by(64).zip(set);
    let bits = words.flat_map(|(first, bits)| {
        (0..64).filter_map(move |at| (bits & 1 << at != 0).then_some(first + at))
    });
    bits.filter_map(|glyph| u16::try_from(glyph).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_come_out_in_order_and_once_and_fonts_without_any_too() {
        let mut glyphs = Glyphs::default();
        for glyph in [700, 3, 64, 63, 700] {
            glyphs.add(2, glyph);
        }
        let mut more = Glyphs::default();
        more.add(0, 65_535);
        more.add(2, 4);
        more.add_font(1);
        glyphs.add_all(&more);
        let each: Vec<_> = glyphs.each().collect();
        assert_eq!(
            each,
            [
                (0, BTreeSet::from([65_535])),
                (1, BTreeSet::new()),
                (2, BTreeSet::from([3, 4, 63, 64, 700])),
            ]
        );
    }
}
