//! Takes the instructions for coarse screens out of a font: half of what it takes in a file, and of no use on paper, nor
//! to viewers, which draw letters smoothly.

use write_fonts::FontBuilder;
use write_fonts::from_obj::ToOwnedTable as _;
use write_fonts::read::tables::glyf::Glyph as ReadGlyph;
use write_fonts::read::{FontRef, TableProvider as _};
use write_fonts::tables::glyf::{CompositeGlyph, GlyfLocaBuilder, Glyph, SimpleGlyph};
use write_fonts::tables::head::Head;
use write_fonts::types::{GlyphId, Tag};

/// Tables that a PDF needs besides outlines and head (ISO 32000-1, 9.9).
const KEPT: [&[u8; 4]; 3] = [b"hhea", b"hmtx", b"maxp"];

/// A TrueType font with the same glyphs without their instructions, and without tables that PDFs do not need. `None` if
/// it cannot be read.
pub(crate) fn unhinted(file: &[u8]) -> Option<Vec<u8>> {
    let font = FontRef::new(file).ok()?;
    let (glyf, loca) = (font.glyf().ok()?, font.loca(None).ok()?);
    let mut glyphs = GlyfLocaBuilder::new();
    for glyph in 0..font.maxp().ok()?.num_glyphs() {
        let glyph = match loca.get_glyf(GlyphId::from(glyph), &glyf).ok()? {
            None => Glyph::Empty,
            Some(ReadGlyph::Simple(own)) => {
                let own: SimpleGlyph = own.to_owned_table();
                Glyph::Simple(SimpleGlyph {
                    instructions: Vec::new(),
                    ..own
                })
            }
            Some(ReadGlyph::Composite(own)) => {
                let own: CompositeGlyph = own.to_owned_table();
                let parts = own.components().iter().cloned();
                Glyph::Composite(
                    CompositeGlyph::try_from_iter(parts.map(|part| (part, own.bbox))).ok()?,
                )
            }
        };
        glyphs.add_glyph(&glyph).ok()?;
    }
    let (glyf, loca, format) = glyphs.build();
    let mut head: Head = font.head().ok()?.to_owned_table();
    head.index_to_loc_format = format as i16;
    let mut builder = FontBuilder::new();
    builder.add_table(&glyf).ok()?.add_table(&loca).ok()?;
    builder.add_table(&head).ok()?;
    for tag in KEPT.map(Tag::new) {
        builder.add_raw(tag, font.table_data(tag)?.as_bytes());
    }
    Some(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustybuzz::ttf_parser::{self, GlyphId, OutlineBuilder};
    use std::fmt::Write as _;

    #[derive(Default)]
    struct Outline(String);

    impl OutlineBuilder for Outline {
        fn move_to(&mut self, x: f32, y: f32) {
            write!(self.0, "M {x} {y} ").unwrap();
        }
        fn line_to(&mut self, x: f32, y: f32) {
            write!(self.0, "L {x} {y} ").unwrap();
        }
        fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
            write!(self.0, "Q {x1} {y1} {x} {y} ").unwrap();
        }
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {
            panic!("TrueType has no such curves")
        }
        fn close(&mut self) {
            self.0.push('Z');
        }
    }

    #[test]
    fn all_glyphs_of_our_fonts_keep_their_outlines_and_widths() {
        for file in [
            include_bytes!("../../pkb-typeset/assets/fonts/Arimo-Regular.ttf").as_slice(),
            include_bytes!("../../pkb-typeset/assets/fonts/Arimo-Bold.ttf"),
            include_bytes!("../../pkb-typeset/assets/fonts/Cousine-Bold.ttf"),
        ] {
            let smaller = unhinted(file).unwrap();
            assert!(smaller.len() * 4 < file.len() * 3, "{}", smaller.len());
            let (before, after) = (
                ttf_parser::Face::parse(file, 0).unwrap(),
                ttf_parser::Face::parse(&smaller, 0).unwrap(),
            );
            assert_eq!(before.number_of_glyphs(), after.number_of_glyphs());
            assert_eq!(before.units_per_em(), after.units_per_em());
            for glyph in (0..before.number_of_glyphs()).map(GlyphId) {
                let look = |face: &ttf_parser::Face<'_>| {
                    let mut outline = Outline::default();
                    let bounds = face.outline_glyph(glyph, &mut outline);
                    (outline.0, bounds, face.glyph_hor_advance(glyph))
                };
                assert_eq!(look(&before), look(&after), "{glyph:?}");
            }
        }
    }

    #[test]
    fn what_is_no_font_is_none() {
        assert!(unhinted(b"not a font").is_none());
    }
}
