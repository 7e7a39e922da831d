//! Glyphs that mean something only together. A letter and its marks may be several glyphs: Ọ and a grave, the parts of a
//! Tamil vowel around its consonant. None of these glyphs has a meaning that holds wherever it is drawn, so a PDF says what
//! they mean together: `/Span <</ActualText (…)>> BDC … EMC` (ISO 32000-1, 14.9.4).
//!
//! That is what the program that made the page says, as is what a single glyph means. So it is believed of a few glyphs that
//! are really drawn, and never where codes are read: see [`Cluster::is_plausible`] and `Page::by_glyphs`.

use hayro::hayro_syntax::{
    content::UntypedIter,
    object::{Dict, Name, Object, Stream},
    page::Resources,
};

/// Characters of a cluster at most: the longest syllables of Indian scripts have about ten.
const LONGEST: usize = 24;
/// Letters and digits of ASCII in a cluster at most, as in the ligature `ffi`. Codes have more.
const MOST_ASCII: usize = 3;

/// Glyphs that are drawn together, and what the PDF says that they mean.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Its first glyph, among all that are drawn.
    pub start: usize,
    /// What it means.
    pub text: Box<str>,
    /// How many of its glyphs leave ink on the page.
    pub with_ink: usize,
    /// Whether one of its glyphs is the box for characters that a font lacks.
    pub has_box: bool,
}

impl Cluster {
    /// One that begins.
    pub fn new(start: usize, text: Box<str>) -> Self {
        Self {
            start,
            text,
            with_ink: 0,
            has_box: false,
        }
    }

    /// Whether its glyphs can mean its text: they are drawn, none of them is a box, and the text is a syllable and no more.
    pub fn is_plausible(&self) -> bool {
        let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
        let ascii = self.text.chars().filter(char::is_ascii_alphanumeric);
        let has_ink = self.with_ink > 0 || !self.text.chars().any(is_visible);
        has_ink
            && !self.has_box
            && !self.text.is_empty()
            && self.text.chars().count() <= LONGEST
            && ascii.count() <= MOST_ASCII
    }
}

/// For each marked content of a stream, in the order in which they begin, what its glyphs mean together. Empty if that is
/// said of none, or if contents could begin that are not counted here.
pub(super) fn actual_texts(stream: &[u8], resources: &Resources<'_>) -> Vec<Option<Box<str>>> {
    if !says_what_glyphs_mean_together(stream) {
        return Vec::new();
    }
    let mut texts = Vec::new();
    let mut operators = UntypedIter::new(stream);
    while let Some(instruction) = operators.next() {
        let operator: &[u8] = instruction.operator;
        match operator {
            b"BMC" => texts.push(None),
            b"BDC" => {
                let properties = instruction.operands().nth(1).cloned();
                texts.push(properties.and_then(Object::into_dict).and_then(text_of));
            }
            b"Do" => {
                let name = instruction.operands().next().cloned();
                let has_marks = name
                    .and_then(Object::into_name)
                    .and_then(|name| resources.get_x_object(&name))
                    .is_some_and(|object| has_marked_content(&object));
                if has_marks {
                    return Vec::new();
                }
            }
            _ => {}
        }
    }
    texts
}

/// Whether a stream may say of glyphs what they mean together.
pub(super) fn says_what_glyphs_mean_together(stream: &[u8]) -> bool {
    has(stream, b"ActualText")
}

/// Whether a form that is drawn from a stream has marked contents of its own.
fn has_marked_content(object: &Stream<'_>) -> bool {
    let kind = object.dict().get::<Name<'_>>("Subtype");
    let is_form = kind.is_some_and(|kind| kind.as_str() == "Form");
    is_form
        && object.decoded().map_or(true, |content| {
            has(&content, b"BMC") || has(&content, b"BDC") || has(&content, b" Do")
        })
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

/// A text string is UTF-16 with a byte-order mark, UTF-8 with one, or else, as far as it is understood here, ASCII.
fn text_of(properties: Dict<'_>) -> Option<Box<str>> {
    let text = properties.get::<hayro::hayro_syntax::object::String<'_>>("ActualText")?;
    let bytes = text.as_bytes();
    let text = if let Some(units) = bytes.strip_prefix(b"\xFE\xFF") {
        let (pairs, rest) = units.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        rest.is_empty().then_some(())?;
        String::from_utf16(&units).ok()?
    } else if let Some(utf_8) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        std::str::from_utf8(utf_8).ok()?.to_owned()
    } else {
        bytes.is_ascii().then_some(())?;
        std::str::from_utf8(bytes).ok()?.to_owned()
    };
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(text: &str, with_ink: usize) -> Cluster {
        Cluster {
            with_ink,
            ..Cluster::new(0, text.into())
        }
    }

    #[test]
    fn a_syllable_that_is_drawn_can_be_what_the_pdf_says_and_a_code_cannot() {
        assert!(cluster("Ọ̀", 2).is_plausible());
        assert!(cluster("க்ஷொ", 3).is_plausible());
        assert!(cluster("ffi", 1).is_plausible());
        assert!(cluster(" ", 0).is_plausible());
        assert!(!cluster("Ọ̀", 0).is_plausible(), "nothing is drawn");
        assert!(!cluster("NKcYiAciBU", 10).is_plausible());
        assert!(!cluster("", 1).is_plausible());
        assert!(!cluster(&"ọ".repeat(30), 30).is_plausible());
        let boxed = Cluster {
            has_box: true,
            ..cluster("Ọ̀", 2)
        };
        assert!(!boxed.is_plausible());
    }
}
