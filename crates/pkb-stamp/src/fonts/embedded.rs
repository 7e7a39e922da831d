//! Parts of fonts, as they are put into a PDF.

use sha2::{Digest as _, Sha256};

use super::Face;
use crate::{
    glyphs::GlyphSet,
    syntax::{integer, number, put},
    unhinted::unhinted,
};

/// Objects that a font takes in a PDF.
pub(crate) const OBJECTS_A_FONT: u32 = 6;

/// How the data of a part are compressed.
pub(crate) type Deflate = fn(&[u8]) -> Vec<u8>;

/// A part of a font, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedFont {
    /// With the tag that tells parts of one font from each other.
    name: String,
    descriptor: String,
    widths: Vec<u8>,
    file: Vec<u8>,
    file_length: usize,
    to_unicode: Vec<u8>,
    to_glyph: Vec<u8>,
}

impl EmbeddedFont {
    pub(super) fn of(face: &Face, glyphs: &GlyphSet, deflate: Deflate) -> Option<Self> {
        let mut numbers = subsetter::GlyphRemapper::new();
        for glyph in glyphs.iter() {
            numbers.remap(glyph);
        }
        let file = subsetter::subset(&face.data, face.index, &numbers).ok()?;
        let file = unhinted(&file).unwrap_or(file);
        let last = glyphs.iter().next_back().unwrap_or_default();
        let to_glyph: Vec<u8> = (0..=last)
            .flat_map(|glyph| {
                let own = glyphs.has(glyph).then(|| numbers.get(glyph)).flatten();
                own.unwrap_or(0).to_be_bytes()
            })
            .collect();
        Some(Self {
            name: format!("{}+{}", tag(&file), face.name),
            descriptor: face.descriptor.clone(),
            widths: widths(face, glyphs),
            file_length: file.len(),
            file: deflate(&file),
            to_unicode: deflate(&to_unicode(face, glyphs)?),
            to_glyph: deflate(&to_glyph),
        })
    }

    /// Bytes of the font's own file.
    #[cfg(test)]
    pub(crate) fn length(&self) -> usize {
        self.file.len()
    }

    /// The objects of the font: the first is the font itself. Streams are `(dictionary, data)`.
    pub(crate) fn objects(&self, first: u32) -> [FontObject<'_>; OBJECTS_A_FONT as usize] {
        let dictionary = |text: String| FontObject {
            dictionary: text.into_bytes(),
            data: None,
        };
        let stream = |text: String, data| FontObject {
            dictionary: text.into_bytes(),
            data: Some(data),
        };
        let name = &self.name;
        let mut descendant = format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
             /FontDescriptor {} 0 R/DW 0/CIDToGIDMap {} 0 R/W",
            first + 2,
            first + 5
        )
        .into_bytes();
        descendant.extend(&self.widths);
        descendant.extend(b">>");
        [
            dictionary(format!(
                "<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[{} 0 R]/ToUnicode {} 0 R>>",
                first + 1,
                first + 4
            )),
            FontObject { dictionary: descendant, data: None },
            dictionary(format!(
                "<</Type/FontDescriptor/FontName/{name}{}/FontFile2 {} 0 R>>",
                self.descriptor,
                first + 3
            )),
            stream(format!("/Length1 {}", self.file_length), &self.file),
            stream("/Type/CMap/CMapName/Custom/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>".into(), &self.to_unicode),
            stream(String::new(), &self.to_glyph),
        ]
    }
}

/// An object of a font: a dictionary, or the entries of a stream's dictionary and its deflated data.
pub(crate) struct FontObject<'a> {
    pub dictionary: Vec<u8>,
    pub data: Option<&'a [u8]>,
}

/// What the codes mean, for whoever copies the text or has it read aloud (ISO 32000-1, 9.10.3). Codes whose meanings follow
/// each other, as most do, are one range.
fn to_unicode(face: &Face, glyphs: &GlyphSet) -> Option<Vec<u8>> {
    /// PDF allows so many entries in a section.
    const A_SECTION: usize = 100;
    let mut ranges: Vec<(u16, u16, Vec<u16>)> = Vec::new();
    for glyph in glyphs.iter().filter(|glyph| *glyph != 0) {
        let meaning: Vec<u16> = face.meaning(glyph)?.encode_utf16().collect();
        match (ranges.last_mut(), meaning.as_slice()) {
            // The last byte alone may change within a range, of the code and of what it means.
            (Some((first, last, known)), [own])
                if *last + 1 == glyph
                    && glyph % 256 != 0
                    && own % 256 != 0
                    && known.len() == 1
                    && known.first().map(|known| known + (glyph - *first)) == Some(*own) =>
            {
                *last = glyph;
            }
            _ => ranges.push((glyph, glyph, meaning)),
        }
    }
    let mut out = Vec::new();
    out.extend_from_slice(
        b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n\
          /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>def\n\
          /CMapName/Custom def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n",
    );
    for section in ranges.chunks(A_SECTION) {
        put(&mut out, format_args!("{} beginbfrange\n", section.len()));
        for (first, last, meaning) in section {
            put(&mut out, format_args!("<{first:04X}> <{last:04X}> <"));
            for unit in meaning {
                put(&mut out, format_args!("{unit:04X}"));
            }
            out.extend_from_slice(b">\n");
        }
        out.extend_from_slice(b"endbfrange\n");
    }
    out.extend_from_slice(b"endcmap CMapName currentdict/CMap defineresource pop end end\n");
    Some(out)
}

/// `[3[278 556]7[500]]`: widths of runs of neighbours, in thousandths of the letter size.
fn widths(face: &Face, glyphs: &GlyphSet) -> Vec<u8> {
    let mut out = vec![b'['];
    let mut last = None;
    for glyph in glyphs.iter() {
        let is_next = last.is_some_and(|last: u16| last + 1 == glyph);
        if is_next {
            out.push(b' ');
        } else {
            if last.is_some() {
                out.push(b']');
            }
            integer(&mut out, glyph.into());
            out.push(b'[');
        }
        number(
            &mut out,
            f64::from(face.advance(glyph)) * 1_000.0 / face.units_per_em,
        );
        last = Some(glyph);
    }
    if last.is_some() {
        out.push(b']');
    }
    out.push(b']');
    out
}

/// Six capitals that depend on what is in the part.
fn tag(file: &[u8]) -> String {
    Sha256::digest(file)
        .iter()
        .take(6)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::tests::fonts;

    #[test]
    fn codes_whose_meanings_follow_each_other_are_one_range() {
        let fonts = fonts();
        let face = fonts.face(0).unwrap();
        let mut glyphs = face.glyphs_of("ABC Cfi");
        glyphs.add(0);
        let map = String::from_utf8(to_unicode(face, &glyphs).unwrap()).unwrap();
        let entries: Vec<&str> = map.lines().filter(|line| line.starts_with('<')).collect();
        assert_eq!(
            entries,
            [
                "<0003> <0003> <0020>",
                "<0024> <0026> <0041>",
                "<0049> <0049> <0066>",
                "<004C> <004C> <0069>",
            ]
        );
    }

    #[test]
    fn a_part_of_a_font_has_the_glyphs_that_were_asked_for_only() {
        use crate::deflate::deflated;
        let fonts = fonts();
        let face = fonts.face(0).unwrap();
        let parsed = face.parsed().unwrap();
        let glyphs: GlyphSet = "Siân"
            .chars()
            .map(|c| parsed.glyph_index(c).unwrap().0)
            .collect();
        let part = face.embedded(&glyphs, deflated).unwrap();
        assert!(
            part.file.len() < 4_000 && part.name.ends_with("+Arimo"),
            "{} {}",
            part.file.len(),
            part.name
        );
    }
}
