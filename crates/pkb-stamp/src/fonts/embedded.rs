//! Parts of fonts, as they are put into a PDF.

use pdf_writer::types::{CidFontType, SystemInfo, UnicodeCmap};
use pdf_writer::writers::{CidFont, FontDescriptor, Type0Font};
use pdf_writer::{Chunk, Filter, Finish as _, Name, Str};
use sha2::{Digest as _, Sha256};

use super::Face;
use crate::{
    glyphs::GlyphSet,
    output::{body, chunk},
    syntax::{int, object_ref},
    unhinted::unhinted,
};

/// Objects that a font takes in a PDF.
pub(crate) const OBJECTS_A_FONT: u32 = 6;

/// How codes are numbered: as the glyphs of the whole font.
const IDENTITY: SystemInfo<'_> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};
const CMAP_NAME: Name<'_> = Name(b"Custom");

/// How the data of a part are compressed.
pub(crate) type Deflate = fn(&[u8]) -> Vec<u8>;

/// A part of a font, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedFont {
    /// With the tag that tells parts of one font from each other.
    name: String,
    /// Codes that follow each other: the first, and their widths in thousandths of the letter size.
    widths: Vec<(u16, Vec<f32>)>,
    file: Vec<u8>,
    file_length: usize,
    to_unicode: Vec<u8>,
    to_glyph: Vec<u8>,
}

/// An object of a font: a dictionary, or a whole object with its stream.
pub(crate) enum FontObject {
    Dictionary(Vec<u8>),
    Stream(Chunk),
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

    /// The objects of the font, numbered from `first` on: the first is the font itself.
    pub(crate) fn objects(&self, face: &Face, first: u32) -> [FontObject; OBJECTS_A_FONT as usize] {
        let at = |object: u32| object_ref(first + object);
        let name = Name(self.name.as_bytes());
        let font = body(|object| {
            object
                .start::<Type0Font<'_>>()
                .base_font(name)
                .encoding_predefined(Name(b"Identity-H"))
                .descendant_font(at(1))
                .to_unicode(at(4));
        });
        let descendant = body(|object| {
            let mut font = object.start::<CidFont<'_>>();
            font.subtype(CidFontType::Type2)
                .base_font(name)
                .system_info(IDENTITY)
                .font_descriptor(at(2))
                .default_width(0.0)
                .cid_to_gid_map_stream(at(5));
            let mut widths = font.widths();
            for (first, own) in &self.widths {
                widths.consecutive(*first, own.iter().copied());
            }
        });
        let descriptor = body(|object| {
            let mut descriptor = object.start::<FontDescriptor<'_>>();
            face.describe(descriptor.name(name)).font_file2(at(3));
        });
        let stream = |object, data, entries: &dyn Fn(&mut pdf_writer::Stream<'_>)| {
            let mut chunk = chunk();
            let mut stream = chunk.stream(at(object), data);
            stream.filter(Filter::FlateDecode);
            entries(&mut stream);
            stream.finish();
            FontObject::Stream(chunk)
        };
        let length = int(self.file_length);
        let mut to_unicode = chunk();
        to_unicode
            .cmap(at(4), &self.to_unicode)
            .name(CMAP_NAME)
            .system_info(IDENTITY)
            .filter(Filter::FlateDecode);
        [
            FontObject::Dictionary(font),
            FontObject::Dictionary(descendant),
            FontObject::Dictionary(descriptor),
            stream(3, &self.file, &|stream| {
                stream.pair(Name(b"Length1"), length);
            }),
            FontObject::Stream(to_unicode),
            stream(5, &self.to_glyph, &|_| {}),
        ]
    }
}

/// What the codes mean, for whoever copies the text or has it read aloud (ISO 32000-1, 9.10.3).
fn to_unicode(face: &Face, glyphs: &GlyphSet) -> Option<Vec<u8>> {
    let mut map = UnicodeCmap::<u16>::new(CMAP_NAME, IDENTITY);
    for glyph in glyphs.iter().filter(|glyph| *glyph != 0) {
        map.pair_with_multiple(glyph, face.meaning(glyph)?.chars());
    }
    Some(map.finish().into_vec())
}

fn widths(face: &Face, glyphs: &GlyphSet) -> Vec<(u16, Vec<f32>)> {
    let mut runs: Vec<(u16, Vec<f32>)> = Vec::new();
    for glyph in glyphs.iter() {
        let width = f64::from(face.advance(glyph)) * 1_000.0 / face.units_per_em;
        match runs.last_mut() {
            Some((first, own)) if usize::from(*first) + own.len() == usize::from(glyph) => {
                own.push(width as f32);
            }
            _ => runs.push((glyph, vec![width as f32])),
        }
    }
    runs
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
