//! Which glyphs of which fonts are used, as one bit each: millions are added.

use std::collections::BTreeMap;

/// Glyphs of one font.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GlyphSet(Vec<u64>);

impl GlyphSet {
    pub(crate) fn add(&mut self, glyph: u16) {
        let word = usize::from(glyph / 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (glyph % 64);
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let both = self.0.iter_mut().zip(&other.0);
        both.for_each(|(own, bits)| *own |= bits);
    }

    /// Whether another has all of these.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let theirs = other.0.iter().chain(std::iter::repeat(&0));
        self.0
            .iter()
            .zip(theirs)
            .all(|(own, bits)| own & !bits == 0)
    }

    pub(crate) fn has(&self, glyph: u16) -> bool {
        let word = self.0.get(usize::from(glyph / 64));
        word.is_some_and(|bits| bits & 1 << (glyph % 64) != 0)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u16> {
        // Fonts have no more than 65,536 glyphs.
        let words = (0_u16..1024).zip(&self.0);
        words.flat_map(|(word, bits)| {
            (0..64).filter_map(move |at| (bits & 1 << at != 0).then_some(word * 64 + at))
        })
    }
}

impl FromIterator<u16> for GlyphSet {
    fn from_iter<I: IntoIterator<Item = u16>>(glyphs: I) -> Self {
        let mut set = Self::default();
        glyphs.into_iter().for_each(|glyph| set.add(glyph));
        set
    }
}

/// Glyphs of several fonts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Glyphs(BTreeMap<usize, GlyphSet>);

impl Glyphs {
    /// Notes that a font is there, with whatever glyphs.
    pub(crate) fn add_font(&mut self, font: usize) {
        self.0.entry(font).or_default();
    }

    pub(crate) fn add(&mut self, font: usize, glyph: u16) {
        self.0.entry(font).or_default().add(glyph);
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (font, theirs) in &other.0 {
            self.0.entry(*font).or_default().add_all(theirs);
        }
    }

    /// The fonts that are there.
    pub(crate) fn fonts(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    /// The fonts that are there, and the glyphs of each.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, &GlyphSet)> {
        self.0.iter().map(|(font, set)| (*font, set))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn fonts_without_any_glyph_are_there_too() {
        let mut glyphs = Glyphs::default();
        glyphs.add(2, 700);
        let mut more = Glyphs::default();
        more.add(0, 65_535);
        more.add(2, 4);
        more.add_font(1);
        glyphs.add_all(&more);
        let each: Vec<(usize, Vec<u16>)> = glyphs
            .each()
            .map(|(font, set)| (font, set.iter().collect()))
            .collect();
        assert_eq!(each, [(0, vec![65_535]), (1, vec![]), (2, vec![4, 700])]);
    }

    proptest! {
        #[test]
        fn a_set_of_glyphs_is_a_set(
            one in proptest::collection::btree_set(prop_oneof![0_u16..200, any::<u16>()], 0..40),
            other in proptest::collection::btree_set(0_u16..200, 0..40),
            more in proptest::collection::btree_set(any::<u16>(), 0..3),
        ) {
            let set = |glyphs: &BTreeSet<u16>| glyphs.iter().copied().collect::<GlyphSet>();
            prop_assert!(set(&one).iter().eq(one.iter().copied()));
            prop_assert!(set(&one).iter().rev().eq(one.iter().rev().copied()));
            let mut both = set(&one);
            both.add_all(&set(&other));
            prop_assert!(both.iter().eq((&one | &other).into_iter()));
            prop_assert!(set(&one).is_within(&both) && set(&other).is_within(&both));
            for (few, many) in [(&one, &other), (&other, &one), (&more, &one)] {
                prop_assert_eq!(set(few).is_within(&set(many)), few.is_subset(many));
            }
            for glyph in more {
                prop_assert_eq!(both.has(glyph), one.contains(&glyph) || other.contains(&glyph));
            }
        }
    }
}
