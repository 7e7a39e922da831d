//! The fonts that values are set in: what each glyph means, how wide it is, and how a part of a font is put into a PDF.
//!
//! In our PDFs a character code is the number of the glyph in the *whole* font, and a map leads from there to the glyph
//! in the part that is embedded. So pages can be written before it is known which glyphs the part will have.

mod arabic;
pub(crate) mod common;
mod embedded;

use pdf_writer::{Rect, types::FontFlags, writers::FontDescriptor};
use rustybuzz::ttf_parser::{self, GlyphId, Tag};

use crate::{
    glyphs::GlyphSet,
    shaper::{Features, Glyph, Shaper},
};

pub(crate) use embedded::{Deflate, EmbeddedFont, FontObject, OBJECTS_A_FONT};

/// Letters that fonts join into one glyph.
const LIGATURES: [&str; 5] = ["ff", "fi", "fl", "ffi", "ffl"];
/// The fonts that may be used, in any order.
#[derive(Default)]
pub struct Fonts {
    faces: Vec<Face>,
}

impl Fonts {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a font of a .ttf or .otf file (or one of a collection). Returns whether values can be set in it: only
    /// TrueType outlines can, without variations, and without rules of its own for English or Welsh.
    pub fn add(&mut self, file: impl AsRef<[u8]>, index: u32) -> bool {
        let face = Face::of(file.as_ref(), index);
        let is_usable = face.is_some();
        self.faces.extend(face);
        is_usable
    }

    pub(crate) fn faces(&self) -> &[Face] {
        &self.faces
    }

    pub(crate) fn face(&self, at: usize) -> Option<&Face> {
        self.faces.get(at)
    }

    /// The font with a PostScript name; `None` also if several have it.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        let mut found = (0..).zip(&self.faces).filter(|(_, face)| face.name == name);
        let (at, _) = found.next()?;
        found.next().is_none().then_some(at)
    }
}

/// One font.
pub(crate) struct Face {
    data: Vec<u8>,
    index: u32,
    name: String,
    pub(crate) units_per_em: f64,
    /// Width of each glyph, in units of the font.
    advances: Vec<u16>,
    /// What each glyph means. A character that is drawn with the glyph of another is not among these.
    meanings: Vec<Option<Box<str>>>,
    /// Whether it has Arabic letters.
    pub(crate) is_arabic: bool,
    description: Description,
}

impl Face {
    fn of(data: &[u8], index: u32) -> Option<Self> {
        let parsed = ttf_parser::Face::parse(data, index).ok()?;
        let has_rules_of_its_own = [parsed.tables().gsub, parsed.tables().gpos]
            .into_iter()
            .flatten()
            .any(|table| {
                let mut languages = table
                    .scripts
                    .into_iter()
                    .flat_map(|script| script.languages);
                languages.any(|language| {
                    [Tag::from_bytes(b"ENG "), Tag::from_bytes(b"WEL ")].contains(&language.tag)
                })
            });
        if parsed.is_variable() || parsed.tables().glyf.is_none() || has_rules_of_its_own {
            return None;
        }
        let mut face = Self {
            data: data.to_vec(),
            index,
            name: postscript_name(&parsed)?,
            units_per_em: parsed.units_per_em().into(),
            advances: (0..parsed.number_of_glyphs())
                .map(|glyph| parsed.glyph_hor_advance(GlyphId(glyph)).unwrap_or_default())
                .collect(),
            meanings: meanings(&parsed),
            is_arabic: parsed.glyph_index('\u{628}').is_some(),
            description: Description::of(&parsed),
        };
        for (glyph, text) in face.ligatures() {
            if let Some(meaning) = face.meanings.get_mut(usize::from(glyph)) {
                *meaning = Some(text.into());
            }
        }
        for meaning in face.meanings.iter_mut().flatten() {
            if let Some(letters) = arabic::meaning_of_form(meaning) {
                *meaning = letters.into();
            }
        }
        for (glyph, text) in arabic::forms(&face) {
            if let Some(meaning) = face.meanings.get_mut(usize::from(glyph))
                && meaning.is_none()
            {
                *meaning = Some(text.into());
            }
        }
        Some(face)
    }

    fn ligatures(&self) -> Vec<(u16, &'static str)> {
        let mut shaper = Shaper::of(std::iter::once(self));
        let mut glyph_of = |text| match shaper.raw(0, text, Features::ALL, true).as_deref() {
            Some([only]) => Some((only.id, text)),
            _ => None,
        };
        LIGATURES.into_iter().filter_map(&mut glyph_of).collect()
    }

    /// The shaper's view of the font.
    pub(crate) fn parsed(&self) -> Option<rustybuzz::Face<'_>> {
        rustybuzz::Face::from_slice(&self.data, self.index)
    }

    /// Width of a glyph, in units of the font.
    pub(crate) fn advance(&self, glyph: u16) -> i32 {
        self.advances
            .get(usize::from(glyph))
            .copied()
            .unwrap_or_default()
            .into()
    }

    /// The name that PDFs call it by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a glyph means.
    pub(crate) fn meaning(&self, glyph: u16) -> Option<&str> {
        self.meanings.get(usize::from(glyph))?.as_deref()
    }

    /// Whether a glyph, of a text in which the next part begins at `end`, means just what stands there.
    pub(crate) fn means(&self, glyph: &Glyph, text: &str, end: u32) -> bool {
        let own = text.get(glyph.start as usize..end as usize);
        own.is_some_and(|own| self.meaning(glyph.id) == Some(own))
    }

    /// Says what a PDF says about the font as a whole.
    fn describe<'d, 'b>(
        &self,
        descriptor: &'d mut FontDescriptor<'b>,
    ) -> &'d mut FontDescriptor<'b> {
        let Description {
            flags,
            bounds,
            italic_angle,
            ascent,
            descent,
            cap_height,
            stem_v,
        } = &self.description;
        descriptor
            .flags(FontFlags::from_bits_truncate(flags.bits()))
            .bbox(*bounds)
            .italic_angle(*italic_angle)
            .ascent(*ascent)
            .descent(*descent)
            .cap_height(*cap_height)
            .stem_v(*stem_v)
    }

    /// The part of the font with these glyphs. `None` if the font cannot be divided.
    pub(crate) fn embedded(&self, glyphs: &GlyphSet, deflate: Deflate) -> Option<EmbeddedFont> {
        EmbeddedFont::of(self, glyphs, deflate)
    }

    /// The glyphs of some characters, and of those that they are joined into.
    pub(crate) fn glyphs_of(&self, characters: &str) -> GlyphSet {
        let Ok(parsed) = ttf_parser::Face::parse(&self.data, self.index) else {
            return GlyphSet::default();
        };
        let own = characters.chars();
        let own = own.filter_map(|character| Some(parsed.glyph_index(character)?.0));
        let joined = self.ligatures().into_iter();
        let joined = joined.filter(|(_, text)| text.chars().all(|one| characters.contains(one)));
        own.chain(joined.map(|(glyph, _)| glyph)).collect()
    }
}

/// What a PDF says about a font as a whole, in thousandths of the letter size.
struct Description {
    flags: FontFlags,
    bounds: Rect,
    italic_angle: f32,
    ascent: f32,
    descent: f32,
    cap_height: f32,
    stem_v: f32,
}

impl Description {
    fn of(face: &ttf_parser::Face<'_>) -> Self {
        let scale = 1_000.0 / f32::from(face.units_per_em());
        let scaled = |length: i16| f32::from(length) * scale;
        let bounds = face.global_bounding_box();
        // The codes are ours. Viewers look at the width of letters when they need a substitute.
        let mut flags = FontFlags::SYMBOLIC;
        flags.set(FontFlags::FIXED_PITCH, face.is_monospaced());
        Self {
            flags,
            bounds: Rect::new(
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
            ),
            italic_angle: face.italic_angle(),
            ascent: scaled(face.ascender()),
            descent: scaled(face.descender()),
            cap_height: scaled(face.capital_height().unwrap_or(face.ascender())),
            stem_v: 10.0 + 0.244 * (f32::from(face.weight().to_number()) - 50.0),
        }
    }
}

/// The name that PDFs call the font by.
fn postscript_name(face: &ttf_parser::Face<'_>) -> Option<String> {
    let mut names = face
        .names()
        .into_iter()
        .filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
    let name = names.find_map(|name| name.to_string())?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_plain)).then_some(name)
}

/// For each glyph the first character, in the order of Unicode, that it is drawn for.
fn meanings(face: &ttf_parser::Face<'_>) -> Vec<Option<Box<str>>> {
    let mut first: Vec<Option<char>> = vec![None; face.number_of_glyphs().into()];
    let tables = face.tables().cmap.into_iter().flat_map(|map| map.subtables);
    for table in tables.filter(|table| table.is_unicode()) {
        table.codepoints(|point| {
            let (Some(glyph), Some(character)) = (table.glyph_index(point), char::from_u32(point))
            else {
                return;
            };
            if let Some(meaning) = first.get_mut(usize::from(glyph.0)) {
                *meaning = Some(meaning.map_or(character, |known| known.min(character)));
            }
        });
    }
    first
        .into_iter()
        .map(|character| Some(character?.to_string().into()))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The fonts of pkb-letters, which are in the repository.
    pub(crate) fn fonts() -> Fonts {
        let mut fonts = Fonts::new();
        for file in [
            include_bytes!("../../../pkb-typeset/assets/fonts/Arimo-Regular.ttf").as_slice(),
            include_bytes!("../../../pkb-typeset/assets/fonts/Arimo-Bold.ttf"),
            include_bytes!("../../../pkb-typeset/assets/fonts/Cousine-Bold.ttf"),
        ] {
            assert!(fonts.add(file, 0));
        }
        fonts
    }

    /// The one with Arabic letters.
    pub(crate) fn arabic() -> &'static [u8] {
        include_bytes!("../../../pkb-typeset/assets/fonts/NotoSansArabic-Regular.ttf")
    }

    #[test]
    fn a_font_is_found_by_the_name_that_a_pdf_calls_it_by() {
        let fonts = fonts();
        assert_eq!(fonts.named("Arimo-Bold"), Some(1));
        assert_eq!(fonts.named("Times"), None);
    }

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(!Fonts::new().add(b"not a font", 0));
    }

    #[test]
    fn a_glyph_means_the_first_character_that_it_is_drawn_for() {
        let fonts = fonts();
        let face = fonts.face(0).unwrap();
        let parsed = face.parsed().unwrap();
        let glyph = |character| parsed.glyph_index(character).unwrap().0;
        assert_eq!(face.meaning(glyph('ŵ')), Some("ŵ"));
        assert_eq!(face.meaning(glyph('\u{A0}')), Some(" "));
        assert_eq!(face.meaning(60_000), None);
    }
}
