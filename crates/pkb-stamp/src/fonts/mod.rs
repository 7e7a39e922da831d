//! The fonts that values are set in: what each glyph means, how wide it is, and how a part of a font is put into a PDF.
//!
//! In our PDFs a character code is the number of the glyph in the *whole* font, and a map leads from there to the glyph
//! in the part that is embedded. So pages can be written before it is known which glyphs the part will have.

mod arabic;
pub(crate) mod common;

use rustybuzz::ttf_parser::{self, GlyphId, Tag};
use sha2::{Digest as _, Sha256};

use crate::{
    glyphs::GlyphSet,
    shaper::{Features, Glyph, Shaper},
    syntax::{integer, number, put},
    unhinted::unhinted,
};

/// Letters that fonts join into one glyph.
const LIGATURES: [&str; 5] = ["ff", "fi", "fl", "ffi", "ffl"];
/// Objects that a font takes in a PDF.
pub(crate) const OBJECTS_A_FONT: u32 = 6;

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
    descriptor: String,
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
            descriptor: descriptor(&parsed),
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

/// What a PDF says about the font as a whole.
fn descriptor(face: &ttf_parser::Face<'_>) -> String {
    let scale = 1_000.0 / f64::from(face.units_per_em());
    let ascent = f64::from(face.ascender()) * scale;
    let bounds = face.global_bounding_box();
    let mut out = Vec::new();
    // Symbolic: the codes are ours. One more for letters of equal width, as viewers use when they look for a substitute.
    put(
        &mut out,
        format_args!(
            "/Flags {}/FontBBox[",
            if face.is_monospaced() { 5 } else { 4 }
        ),
    );
    for edge in [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max] {
        number(&mut out, f64::from(edge) * scale);
        out.push(b' ');
    }
    out.extend(b"]/ItalicAngle ");
    number(&mut out, face.italic_angle().into());
    for (key, value) in [
        ("/Ascent ", ascent),
        ("/Descent ", f64::from(face.descender()) * scale),
        (
            "/CapHeight ",
            face.capital_height()
                .map_or(ascent, |height| f64::from(height) * scale),
        ),
        (
            "/StemV ",
            10.0 + 0.244 * (f64::from(face.weight().to_number()) - 50.0),
        ),
    ] {
        out.extend(key.as_bytes());
        number(&mut out, value);
    }
    String::from_utf8_lossy(&out).into_owned()
}

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
    fn of(face: &Face, glyphs: &GlyphSet, deflate: Deflate) -> Option<Self> {
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

/// An object of a font: a dictionary, or the entries of a stream's dictionary and its deflated data.
pub(crate) struct FontObject<'a> {
    pub dictionary: Vec<u8>,
    pub data: Option<&'a [u8]>,
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
