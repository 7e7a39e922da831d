//! Parts of fonts that most letters of a template can do with. To divide a font takes longer than all the rest of a letter:
//! so a PDF of one letter gets a part that was made before, with a few more glyphs than it needs.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{EmbeddedFont, Face};
use crate::deflate::deflated_thoroughly;
use crate::glyphs::{GlyphSet, Glyphs};

/// Characters that most values consist of, besides those of the words that all letters have; the first of these that has
/// all is taken. Dates and plain names, codes, names and addresses, names with the accents of Wales and its neighbours, those
/// of Europe from Portugal to Poland and Turkey.
const COMMON: [&str; 5] = [
    " 0123456789ADFGHIJMNORSTabcdefghiklmnoprstuvwyC",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    " !\"#&'()*+,-./0123456789:;ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    " !\"#&'()*+,-./0123456789:;ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\
     ’–ÀÁÂÄÈÉÊËÌÍÎÏÒÓÔÖÙÚÛÜàáâäèéêëìíîïòóôöùúûüÿŴŵŶŷçñß",
    " !\"#&'()*+,-./0123456789:;ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\
     ’–ÁÃÅÆÇÉÍÓÕÖØÚÜÝàáâãäåæçéêëíîñóôõöøúüýßĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽžȘșȚț",
];

/// The parts of the fonts of a template.
#[derive(Debug, Default)]
pub(crate) struct CommonParts(BTreeMap<usize, OfFont>);

/// The glyphs of a part, and the part; `None` if the font cannot be divided so.
type Part = Option<(GlyphSet, EmbeddedFont)>;

/// The parts of a font.
#[derive(Debug)]
struct OfFont {
    /// What all letters have.
    shared: GlyphSet,
    parts: [OnceLock<Part>; COMMON.len()],
}

impl CommonParts {
    /// None yet; each is made when the first letter needs it. `shared` is what the words of the pages are set in.
    pub(crate) fn of<'g>(shared: impl Iterator<Item = &'g Glyphs>) -> Self {
        let mut all = Glyphs::default();
        shared.for_each(|glyphs| all.add_all(glyphs));
        let fonts = all.each().map(|(font, shared)| {
            let (shared, parts) = (shared.clone(), Default::default());
            (font, OfFont { shared, parts })
        });
        Self(fonts.collect())
    }

    /// A part of a font (its place, and the font) that has all these glyphs, if there is one.
    pub(crate) fn with(&self, at: usize, face: &Face, glyphs: &GlyphSet) -> Option<&EmbeddedFont> {
        let own = self.0.get(&at)?;
        let mut parts = own
            .parts
            .iter()
            .zip(COMMON)
            .filter_map(|(part, characters)| {
                let make = || {
                    let mut all = own.shared.clone();
                    all.add_all(&face.glyphs_of(characters));
                    let embedded = face.embedded(&all, deflated_thoroughly)?;
                    Some((all, embedded))
                };
                part.get_or_init(make).as_ref()
            });
        parts
            .find(|(known, _)| glyphs.is_within(known))
            .map(|(_, embedded)| embedded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::tests::fonts;

    #[test]
    fn a_part_is_found_for_usual_names_and_none_for_another_script() {
        let fonts = fonts();
        let face = fonts.face(0).unwrap();
        let mut shared = Glyphs::default();
        face.glyphs_of("§")
            .iter()
            .for_each(|glyph| shared.add(0, glyph));
        let parts = CommonParts::of([&shared].into_iter());
        let length = |text: &str| {
            let part = parts.with(0, face, &face.glyphs_of(text))?;
            Some(part.length())
        };
        let (date, name, accents) = (length("2 May"), length("§ Zoë’s"), length("Siân"));
        assert!(
            date < name && date < accents && name == accents,
            "{date:?} {name:?}"
        );
        assert_eq!(length("Щ"), None);
        assert!(parts.with(1, face, &GlyphSet::default()).is_none());
    }
}
